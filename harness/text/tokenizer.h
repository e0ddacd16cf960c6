#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace crudbench {

/// Cuts a text into the tokens of a language model's vocabulary.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Number of tokens of `text` (UTF-8). Callable from any thread.
  virtual std::size_t count(std::string_view text) const = 0;
  /// Token ids, in order. Callable from any thread.
  virtual std::vector<std::uint32_t> encode(std::string_view text) const = 0;
};

/// OpenAI's cl100k_base without special tokens (`tiktoken.get_encoding("cl100k_base")
/// .encode(text, disallowed_special=())`). The vocabulary is compiled into the program. One shared,
/// immutable instance.
const Tokenizer& cl100k_tokenizer();

}  // namespace crudbench
