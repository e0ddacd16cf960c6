#include "harness/generators/reasoning.h"

#include <string_view>
#include <utility>

namespace crudbench {

namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";
constexpr std::string_view kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

SplitReply split_reasoning(std::string reply) {
  std::string_view rest = trimmed(reply);
  const bool is_opened = rest.starts_with(kOpen);
  if (is_opened) {
    rest.remove_prefix(kOpen.size());
  }
  const std::size_t close = rest.find(kClose);
  const bool opens_later = !is_opened && rest.find(kOpen) < close;
  if (close == std::string_view::npos || opens_later) {
    return is_opened ? SplitReply{.reasoning = std::string(trimmed(rest))}
                     : SplitReply{.answer = std::move(reply)};
  }
  return {.reasoning = std::string(trimmed(rest.substr(0, close))),
          .answer = std::string(trimmed(rest.substr(close + kClose.size())))};
}

}  // namespace crudbench
