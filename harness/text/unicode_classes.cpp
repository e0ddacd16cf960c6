#include "harness/text/unicode_classes.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <vector>

namespace crudbench {
namespace {

constexpr UChar32 kCodePoints = 0x110000;

bool is_cjk_script(UChar32 code_point) {
  UErrorCode status = U_ZERO_ERROR;
  switch (uscript_getScript(code_point, &status)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_HANGUL:
      return true;
    case USCRIPT_COMMON:  // U+30FC, the vowel mark that the kana share, and its like.
      return uscript_hasScript(code_point, USCRIPT_HAN) != 0 ||
             uscript_hasScript(code_point, USCRIPT_KATAKANA) != 0;
    default:
      return false;
  }
}

std::uint8_t class_of_category(std::uint32_t mask) {
  if ((mask & U_GC_L_MASK) != 0) {
    return kLetter;
  }
  if ((mask & U_GC_N_MASK) != 0) {
    return kNumber;
  }
  return (mask & U_GC_M_MASK) != 0 ? kMark : 0;
}

UBool U_CALLCONV add_range(const void* context, UChar32 begin, UChar32 end,
                           UCharCategory category) {
  auto& table = *static_cast<std::vector<std::uint8_t>*>(const_cast<void*>(context));
  const std::uint32_t mask = U_MASK(category);
  const std::uint8_t bits = class_of_category(mask);
  const bool may_be_space = (mask & (U_GC_Z_MASK | U_GC_CC_MASK)) != 0;
  for (UChar32 code_point = begin; code_point < end; ++code_point) {
    std::uint8_t& entry = table[static_cast<std::size_t>(code_point)];
    entry = bits;
    if ((bits & (kLetter | kNumber)) != 0) {
      entry = static_cast<std::uint8_t>(bits | (is_cjk_script(code_point) ? kCjkCharacter : 0));
    } else if (may_be_space && u_isUWhiteSpace(code_point) != 0) {
      entry = kWhiteSpace;
    }
  }
  return 1;
}

std::vector<std::uint8_t> make_table() {
  std::vector<std::uint8_t> table(kCodePoints);
  u_enumCharTypes(add_range, &table);
  return table;
}

}  // namespace

const std::uint8_t* unicode_classes() {
  static const std::vector<std::uint8_t> table = make_table();
  return table.data();
}

}  // namespace crudbench
