#include <cstddef>
#include <cstdint>

#include "harness/text/segmenter.h"
#include "harness/text/unicode_classes.h"
#include "harness/text/utf8.h"

namespace crudbench {
namespace {

/// A run of letters and numbers that are no CJK characters, one CJK character (each with the marks
/// that follow), or an empty view behind the last word.
struct Unit {
  std::string_view text;
  bool is_cjk = false;
};

/// Hands out the units of a text in order.
class UnitReader {
 public:
  UnitReader(std::string_view text, const std::uint8_t* classes) : text_(text), classes_(classes) {
    advance();
  }

  Unit next() {
    while (offset_ < text_.size() && !is_content()) {
      advance();
    }
    const std::size_t begin = offset_;
    const bool is_cjk = offset_ < text_.size() && (class_ & kCjkCharacter) != 0;
    while (offset_ < text_.size() && is_content()) {
      const bool begins_unit = (class_ & kMark) == 0 && offset_ != begin;
      if (begins_unit && (is_cjk || (class_ & kCjkCharacter) != 0)) {
        break;
      }
      advance();
    }
    return {text_.substr(begin, offset_ - begin), is_cjk};
  }

 private:
  bool is_content() const { return (class_ & (kLetter | kNumber | kMark)) != 0; }

  /// Steps over the current character and looks at the one behind it.
  void advance() {
    offset_ += size_bytes_;
    if (offset_ < text_.size()) {
      const CodePoint code_point = decode_at(text_, offset_);
      size_bytes_ = code_point.size_bytes;
      class_ = classes_[code_point.value];
    }
  }

  std::string_view text_;
  const std::uint8_t* classes_;
  std::size_t offset_ = 0;
  std::uint32_t size_bytes_ = 0;
  std::uint8_t class_ = 0;
};

class UnigramSegmenter final : public Segmenter {
 public:
  void segment(std::string_view text, std::vector<std::string_view>& words) const override {
    UnitReader units(text, classes_);
    for (Unit unit = units.next(); !unit.text.empty(); unit = units.next()) {
      words.push_back(unit.text);
    }
  }

 private:
  const std::uint8_t* classes_ = unicode_classes();
};

class BigramSegmenter final : public Segmenter {
 public:
  void segment(std::string_view text, std::vector<std::string_view>& words) const override {
    UnitReader units(text, classes_);
    Unit previous;               // The CJK character before, if there is one right before.
    bool previous_used = false;  // Part of a pair already.
    const auto flush = [&] {
      if (!previous.text.empty() && !previous_used) {
        words.push_back(previous.text);
      }
      previous = {};
      previous_used = false;
    };
    for (Unit unit = units.next(); !unit.text.empty(); unit = units.next()) {
      const bool adjacent = previous.text.data() + previous.text.size() == unit.text.data();
      if (unit.is_cjk && !previous.text.empty() && adjacent) {
        words.emplace_back(previous.text.data(), previous.text.size() + unit.text.size());
        previous = unit;
        previous_used = true;
        continue;
      }
      flush();
      if (unit.is_cjk) {
        previous = unit;
      } else {
        words.push_back(unit.text);
      }
    }
    flush();
  }

 private:
  const std::uint8_t* classes_ = unicode_classes();
};

}  // namespace

const Segmenter& unigram_segmenter() {
  static const UnigramSegmenter segmenter;
  return segmenter;
}

const Segmenter& bigram_segmenter() {
  static const BigramSegmenter segmenter;
  return segmenter;
}

}  // namespace crudbench
