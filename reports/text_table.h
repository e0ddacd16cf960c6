#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace crudbench {

enum class Emphasis { kNone, kBold, kDim, kWarning };

struct TextColumn {
  std::string title;
  std::string subtitle = {};  ///< In a second line of titles, which is there if any column has one.
  bool right_aligned = false;
};

struct TextCell {
  std::string text;
  Emphasis emphasis = Emphasis::kNone;
};

/// A table for a terminal, columns aligned by display width (a Chinese character takes two). Cells
/// are made printable and cut at `kMaxCellColumns`.
class TextTable {
 public:
  static constexpr std::size_t kMaxCellColumns = 40;

  explicit TextTable(std::vector<TextColumn> columns);

  /// One cell a column; missing ones are empty.
  void add_row(std::vector<TextCell> cells);
  /// Lines end in "\n". With `colours`, emphasis is shown by ANSI sequences, else not at all.
  std::string to_string(bool colours) const;

 private:
  std::vector<TextColumn> columns_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<TextCell>> rows_;
};

/// The text as it stands between the sequences that switch an emphasis on and off; unchanged
/// without `colours`.
std::string emphasized(const std::string& text, Emphasis emphasis, bool colours);

}  // namespace crudbench
