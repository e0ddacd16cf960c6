#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <unicode/ubrk.h>
#include <unicode/utext.h>
#include <unicode/uversion.h>

#include "harness/core/error.h"
#include "harness/text/segmenter.h"
#include "harness/text/unicode_classes.h"

namespace crudbench {
namespace {

struct CloseText {
  void operator()(UText* text) const noexcept { utext_close(text); }
};
struct CloseIterator {
  void operator()(UBreakIterator* iterator) const noexcept { ubrk_close(iterator); }
};
using Text = std::unique_ptr<UText, CloseText>;
using Iterator = std::unique_ptr<UBreakIterator, CloseIterator>;

void check(UErrorCode status, const char* action) {
  if (U_FAILURE(status) != 0) {
    throw Error(ErrorCode::kIo, std::string("ICU cannot ") + action + ": " + u_errorName(status));
  }
}

Iterator open_iterator() {
  UErrorCode status = U_ZERO_ERROR;
  Iterator iterator(ubrk_open(UBRK_WORD, "zh", nullptr, 0, &status));
  check(status, "open its word break iterator");
  return iterator;
}

class IcuSegmenter final : public Segmenter {
 public:
  void segment(std::string_view text, std::vector<std::string_view>& words) const override {
    if (text.size() > std::numeric_limits<std::int32_t>::max()) {
      throw Error(ErrorCode::kInvalidData,
                  "a text for ICU to segment must be smaller than 2 GiB, found " +
                      std::to_string(text.size()) + " bytes");
    }
    // An iterator has state and takes long to open: one a thread, which between calls is not moved
    // over the text that it was set to.
    thread_local const Iterator iterator = open_iterator();
    UErrorCode status = U_ZERO_ERROR;
    const Text input(
        utext_openUTF8(nullptr, text.data(), static_cast<std::int64_t>(text.size()), &status));
    ubrk_setUText(iterator.get(), input.get(), &status);
    check(status, "read the text");
    std::int32_t begin = ubrk_first(iterator.get());
    for (std::int32_t end = ubrk_next(iterator.get()); end != UBRK_DONE;
         end = ubrk_next(iterator.get())) {
      const std::string_view word =
          text.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
      if (has_content(word, classes_)) {
        words.push_back(word);
      }
      begin = end;
    }
  }

 private:
  const std::uint8_t* classes_ = unicode_classes();
};

}  // namespace

const Segmenter& icu_segmenter() {
  static const IcuSegmenter segmenter;
  return segmenter;
}

std::string icu_version() {
  std::array<std::uint8_t, U_MAX_VERSION_LENGTH> version{};
  u_getVersion(version.data());
  std::array<char, U_MAX_VERSION_STRING_LENGTH> text{};
  u_versionToString(version.data(), text.data());
  return text.data();
}

}  // namespace crudbench
