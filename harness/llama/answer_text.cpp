#include "harness/llama/answer_text.h"

#include <algorithm>
#include <utility>

namespace crudbench {

AnswerText::AnswerText(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
  for (const std::string& stop : stops_) {
    longest_stop_ = std::max(longest_stop_, stop.size());
  }
}

bool AnswerText::append(std::string_view bytes) {
  const std::size_t from =
      longest_stop_ == 0 ? 0 : text_.size() - std::min(text_.size(), longest_stop_ - 1);
  text_.append(bytes);
  std::size_t end = std::string::npos;
  for (const std::string& stop : stops_) {
    end = std::min(end, text_.find(stop, from));
  }
  if (end == std::string::npos) {
    return false;
  }
  text_.resize(end);
  return true;
}

std::string_view AnswerText::complete() const noexcept {
  // UTF-8: a lead byte says how many continuation bytes (10xxxxxx) follow it.
  std::size_t lead = text_.size();
  std::size_t behind = 0;
  while (lead > 0 && behind < 4) {
    --lead;
    ++behind;
    const auto byte = static_cast<unsigned char>(text_[lead]);
    if ((byte & 0xC0U) == 0x80U) {
      continue;
    }
    const std::size_t size = byte >= 0xF0U ? 4 : byte >= 0xE0U ? 3 : byte >= 0xC0U ? 2 : 1;
    return std::string_view(text_).substr(0, size > behind ? lead : text_.size());
  }
  return text_;
}

}  // namespace crudbench
