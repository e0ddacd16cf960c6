#pragma once

#include <string_view>
#include <vector>

namespace crudbench {

/// Cuts a text into words, one strategy an implementation.
class Segmenter {
 public:
  virtual ~Segmenter() = default;

  /// Appends the words of `text` (UTF-8, smaller than 4 GiB) to `words`, in order, as views into
  /// `text`. An implementation says whether white space and punctuation are words too. Callable
  /// from any thread. Throws Error(kInvalidData) if `text` is too long.
  virtual void segment(std::string_view text, std::vector<std::string_view>& words) const = 0;
};

/// `jieba.cut(text)` of jieba 0.42.1 with its default dictionary and HMM on, word for word, white
/// space and punctuation included; the words concatenated are `text`. Ill-formed UTF-8 bytes are
/// words of their own. One shared, immutable instance; its dictionary is compiled into the program.
const Segmenter& jieba_segmenter();

/// SHA-256 of the dictionary and HMM tables that `jieba_segmenter` was built with, 64 hexadecimal
/// digits: goes into the fingerprint of whatever is made of its words.
std::string_view jieba_dictionary_fingerprint();

/// The words of `jieba_segmenter` that carry meaning for retrieval: those that hold a letter, a
/// number or a mark (Unicode categories L*, N*, M*). Left out are the words made of separators,
/// punctuation, symbols and others (Z*, P*, S*, C*) only, and ill-formed bytes. Case is kept; the
/// caller folds it if wanted.
const Segmenter& jieba_word_segmenter();

/// Every Chinese, Japanese or Korean character is a word (a letter or number of the scripts Han,
/// Hiragana, Katakana, Hangul), and so is every run of other letters and numbers; a mark belongs to
/// what it follows; the rest separates words and is left out. On Chinese this is the standard
/// analyzer of Elasticsearch, but a run ends at every punctuation mark: "3.14" is two words. Case
/// is kept; the caller folds it if wanted.
const Segmenter& unigram_segmenter();

/// As `unigram_segmenter`, but of a run of Chinese, Japanese or Korean characters the words are its
/// pairs of neighbours, overlapping, or its only character: Lucene's CJKBigramFilter.
const Segmenter& bigram_segmenter();

}  // namespace crudbench
