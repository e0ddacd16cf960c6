#include "reports/text_table.h"

#include <algorithm>
#include <numeric>
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

std::string TextTable::to_string(bool colours, std::size_t columns) const {
  std::string output;
  for (const Block& block : blocks(columns)) {
    output += (output.empty() ? "" : "\n") + block_text(block, colours);
  }
  return output;
}

std::vector<TextTable::Block> TextTable::blocks(std::size_t columns) const {
  const auto width_of = [&](const Block& block) {
    std::size_t sum = block.empty() ? 0 : kColumnGap * (block.size() - 1);
    for (const std::size_t column : block) {
      sum += width(column);
    }
    return sum;
  };
  Block all(columns_.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  if (columns == 0 || width_of(all) <= columns) {
    return {all};
  }
  const auto lead = static_cast<std::size_t>(
      std::find_if(columns_.begin(), columns_.end(),
                   [](const TextColumn& column) { return column.right_aligned; }) -
      columns_.begin());
  Block keys(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(lead));
  std::vector<Block> blocks;
  const std::size_t widest =
      lead < widths_.size()
          ? *std::max_element(widths_.begin() + static_cast<std::ptrdiff_t>(lead), widths_.end())
          : 0;
  if (lead == 0 || width_of(keys) + kColumnGap + widest > columns) {
    if (lead > 0) {
      keys.insert(keys.begin(), kRowNumber);
      blocks.push_back(keys);
    }
    keys = {kRowNumber};
  }
  Block block = keys;
  for (std::size_t column = lead; column < columns_.size(); ++column) {
    block.push_back(column);
    if (block.size() > keys.size() + 1 && width_of(block) > columns) {
      block.pop_back();
      blocks.push_back(std::exchange(block, keys));
      block.push_back(column);
    }
  }
  if (block.size() > keys.size()) {
    blocks.push_back(block);
  }
  return blocks;
}

std::size_t TextTable::width(std::size_t column) const {
  return column == kRowNumber ? std::to_string(rows_.size()).size() : widths_[column];
}

TextCell TextTable::cell(std::size_t row, std::size_t column) const {
  return column == kRowNumber ? TextCell{.text = std::to_string(row + 1)} : rows_[row][column];
}

std::string TextTable::block_text(const Block& block, bool colours) const {
  std::string output;
  const auto append_line = [&](const auto& cell_of) {
    std::string line;
    std::size_t pending_spaces = 0;  // Spaces that only matter if more text follows.
    for (const std::size_t column : block) {
      const TextCell cell = cell_of(column);
      const bool right_aligned = column == kRowNumber || columns_[column].right_aligned;
      const std::size_t padding = width(column) - display_width(cell.text);
      pending_spaces += right_aligned ? padding : 0;
      if (!cell.text.empty()) {
        line.append(pending_spaces, ' ');
        line += emphasized(cell.text, cell.emphasis, colours);
        pending_spaces = 0;
      }
      pending_spaces += kColumnGap + (right_aligned ? 0 : padding);
    }
    output += line + "\n";
  };
  const auto append_titles = [&](std::string TextColumn::*title, const char* of_number) {
    append_line([&](std::size_t column) {
      return TextCell{.text = column == kRowNumber ? of_number : columns_[column].*title,
                      .emphasis = Emphasis::kDim};
    });
  };
  append_titles(&TextColumn::title, "#");
  if (std::any_of(block.begin(), block.end(), [&](std::size_t column) {
        return column != kRowNumber && !columns_[column].subtitle.empty();
      })) {
    append_titles(&TextColumn::subtitle, "");
  }
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    append_line([&](std::size_t column) { return cell(row, column); });
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
