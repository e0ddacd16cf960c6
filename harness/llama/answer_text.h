#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace crudbench {

/// The text of an answer as its tokens come. A token's bytes need not be whole characters, and a
/// stop string may begin in one token and end in another.
class AnswerText {
 public:
  explicit AnswerText(std::vector<std::string> stops);

  /// Appends the bytes of a token. True if a stop string is complete now: the text ends before it.
  bool append(std::string_view bytes);

  /// The text without the bytes of a last character that is not complete.
  std::string_view complete() const noexcept;

 private:
  std::vector<std::string> stops_;  ///< None of them empty.
  std::size_t longest_stop_ = 0;
  std::string text_;
};

}  // namespace crudbench
