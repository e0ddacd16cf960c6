#pragma once

#include <string_view>
#include <vector>

namespace crudbench {

/// Cuts a text into words, one strategy an implementation.
class Segmenter {
 public:
  virtual ~Segmenter() = default;

  /// Appends the words of `text` (UTF-8) to `words`, in order, as views into `text`. An
  /// implementation says whether white space and punctuation are words too. Callable from any
  /// thread.
  virtual void segment(std::string_view text, std::vector<std::string_view>& words) const = 0;
};

/// `jieba.cut(text)` of jieba 0.42.1 with its default dictionary and HMM on, word for word, white
/// space and punctuation included; the words concatenated are `text`. Ill-formed UTF-8 bytes are
/// words of their own. One shared, immutable instance; its dictionary is compiled into the program.
const Segmenter& jieba_segmenter();

/// The words of `jieba_segmenter` that carry meaning for retrieval: without white space and
/// punctuation-only words, ASCII letters folded to lower case by the caller if wanted.
const Segmenter& jieba_word_segmenter();

}  // namespace crudbench
