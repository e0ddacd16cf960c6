#pragma once

#include <cstdint>

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

}  // namespace crudbench
