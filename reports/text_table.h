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
  /// Lines end in "\n". With `colours`, emphasis is shown by ANSI sequences, else not at all. A
  /// table wider than `columns` (0: any width) is cut between columns into tables one below the
  /// other, which all start with the leading left-aligned columns, or, where those leave no room,
  /// with the number of the row. Nothing is left out; a single column may still be too wide.
  std::string to_string(bool colours, std::size_t columns = 0) const;

 private:
  using Block = std::vector<std::size_t>;  ///< Positions of columns; kRowNumber for a "#".
  static constexpr std::size_t kRowNumber = static_cast<std::size_t>(-1);

  std::vector<Block> blocks(std::size_t columns) const;
  std::size_t width(std::size_t column) const;
  TextCell cell(std::size_t row, std::size_t column) const;
  std::string block_text(const Block& block, bool colours) const;

  std::vector<TextColumn> columns_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<TextCell>> rows_;
};

/// The text as it stands between the sequences that switch an emphasis on and off; unchanged
/// without `colours`.
std::string emphasized(const std::string& text, Emphasis emphasis, bool colours);

}  // namespace crudbench
