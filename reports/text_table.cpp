#include "reports/text_table.h"

#include <algorithm>
#include <utility>

#include "harness/text/utf8.h"
#include "reports/safe_text.h"

namespace crudbench {

namespace {

constexpr std::size_t kColumnGap = 2;
constexpr std::size_t kMaxSubtitleColumns = 20;

std::string cell_text(const std::string& text) {
  return clip_to_columns(printable_line(text), TextTable::kMaxCellColumns);
}

}  // namespace

TextTable::TextTable(std::vector<TextColumn> columns) : columns_(std::move(columns)) {
  for (TextColumn& column : columns_) {
    column.title = cell_text(column.title);
    column.subtitle = clip_to_columns(printable_line(column.subtitle), kMaxSubtitleColumns);
    widths_.push_back(std::max(display_width(column.title), display_width(column.subtitle)));
  }
}

void TextTable::add_row(std::vector<TextCell> cells) {
  cells.resize(columns_.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i].text = cell_text(cells[i].text);
    widths_[i] = std::max(widths_[i], display_width(cells[i].text));
  }
  rows_.push_back(std::move(cells));
}

std::string TextTable::to_string(bool colours) const {
  std::string output;
  const auto append_line = [&](const auto& cell_at) {
    std::string line;
    std::size_t pending_spaces = 0;  // Spaces that only matter if more text follows.
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const TextCell& cell = cell_at(i);
      const std::size_t padding = widths_[i] - display_width(cell.text);
      pending_spaces += columns_[i].right_aligned ? padding : 0;
      if (!cell.text.empty()) {
        line.append(pending_spaces, ' ');
        line += emphasized(cell.text, cell.emphasis, colours);
        pending_spaces = 0;
      }
      pending_spaces += kColumnGap + (columns_[i].right_aligned ? 0 : padding);
    }
    output += line + "\n";
  };
  const auto append_titles = [&](std::string TextColumn::*title) {
    std::vector<TextCell> titles;
    for (const TextColumn& column : columns_) {
      titles.push_back({.text = column.*title, .emphasis = Emphasis::kDim});
    }
    append_line([&](std::size_t i) -> const TextCell& { return titles[i]; });
  };
  append_titles(&TextColumn::title);
  if (std::any_of(columns_.begin(), columns_.end(),
                  [](const TextColumn& column) { return !column.subtitle.empty(); })) {
    append_titles(&TextColumn::subtitle);
  }
  for (const std::vector<TextCell>& row : rows_) {
    append_line([&](std::size_t i) -> const TextCell& { return row[i]; });
  }
  return output;
}

std::string emphasized(const std::string& text, Emphasis emphasis, bool colours) {
  if (!colours || emphasis == Emphasis::kNone) {
    return text;
  }
  const char* start = emphasis == Emphasis::kBold  ? "\x1B[1m"
                      : emphasis == Emphasis::kDim ? "\x1B[2m"
                                                   : "\x1B[33m";
  return start + text + "\x1B[0m";
}

}  // namespace crudbench
