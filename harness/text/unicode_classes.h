#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "harness/text/utf8.h"

namespace crudbench {

/// What the analyzers and tokenizers of this layer ask of a character, one bit each; taken from
/// ICU's data once, then a table look-up. Internal to harness/text.
enum UnicodeClass : std::uint8_t {
  kLetter = 1,        ///< General category L*.
  kNumber = 2,        ///< General category N*.
  kMark = 4,          ///< General category M*.
  kWhiteSpace = 8,    ///< Property White_Space.
  kCjkCharacter = 16  ///< A letter or number of the scripts Han, Hiragana, Katakana or Hangul.
};

/// One byte of `UnicodeClass` bits for every code point, at index 0 … 0x10FFFF. A code point that
/// is no letter, number or mark has a category of Z*, P*, S* or C*.
const std::uint8_t* unicode_classes();

/// Whether a word carries meaning for retrieval: it holds a letter, a number or a mark. `classes`
/// are `unicode_classes()`.
inline bool has_content(std::string_view word, const std::uint8_t* classes) {
  for (std::size_t offset = 0; offset < word.size();) {
    const CodePoint code_point = decode_at(word, offset);
    if ((classes[code_point.value] & (kLetter | kNumber | kMark)) != 0) {
      return true;
    }
    offset += code_point.size_bytes;
  }
  return false;
}

}  // namespace crudbench
