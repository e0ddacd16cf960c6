#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/text/segmenter.h"

namespace crudbench {

/// Turns a text into the words that lexical retrieval matches: those of a segmenter, ASCII letters
/// folded to lower case afterwards, so that folding does not change the cut. Keeps its buffers; one
/// object a thread.
class Analyzer {
 public:
  /// The names of all analyzers, the default first: "jieba" (`jieba_word_segmenter`), "unigram" and
  /// "bigram" (the segmenters of these names).
  static std::span<const std::string_view> names();

  /// `name` is one of `names()`.
  explicit Analyzer(std::string_view name);

  /// The words of `text`, in order; valid until the next call.
  std::span<const std::string_view> words(std::string_view text);

 private:
  const Segmenter* segmenter_;
  std::string folded_;
  std::vector<std::string_view> words_;  // views of folded_
};

}  // namespace crudbench
