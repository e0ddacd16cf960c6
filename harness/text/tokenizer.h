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
  /// Byte offset of the end of every token, in order; a token may end inside a code point. Callable
  /// from any thread.
  virtual std::vector<std::uint32_t> token_ends(std::string_view text) const = 0;
};

/// OpenAI's cl100k_base without special tokens (`tiktoken.get_encoding("cl100k_base")
/// .encode(text, disallowed_special=())`). The vocabulary is compiled into the program. One shared,
/// immutable instance.
/// A byte that is not part of well-formed UTF-8 is taken for a symbol and encoded as it is. Which
/// characters are letters, numbers and white space is Unicode's word in the version of the ICU that
/// crudbench was built with. Texts are smaller than 4 GiB.
const Tokenizer& cl100k_tokenizer();

/// SHA-256 of the vocabulary tables that `cl100k_tokenizer` was built with, 64 hexadecimal digits.
std::string_view cl100k_vocabulary_fingerprint();

}  // namespace crudbench
