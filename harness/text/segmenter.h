#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/text/user_dictionary.h"

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

struct JiebaOptions {
  /// `jieba.cut_for_search(text)` in place of `jieba.cut(text)`: a word of more than two characters
  /// comes after those of its pairs of neighbouring characters that are words of the dictionary,
  /// and one of more than three after its triples too.
  bool for_search = false;
  /// Only the words that carry meaning for retrieval: those that hold a letter, a number or a mark
  /// (Unicode categories L*, N*, M*). Left out are words made of separators, punctuation, symbols
  /// and others (Z*, P*, S*, C*) only, and ill-formed bytes. Case is kept; the caller folds it if
  /// wanted.
  bool content_only = false;
};

/// `jieba.cut(text)` of jieba 0.42.1 with its default dictionary and HMM on, word for word, white
/// space and punctuation included; the words concatenated are `text`. Ill-formed UTF-8 bytes are
/// words of their own. Shared, immutable instances over one dictionary, which is compiled into the
/// program.
const Segmenter& jieba_segmenter(JiebaOptions options = {});

/// The same after `jieba.load_userdict` of these words, in their order. The object holds what the
/// words change and reads the rest from the shared dictionary. Throws Error(kInvalidData) that
/// names file and line if the frequencies, jieba's own included, sum up to more than 2^63 - 1.
std::unique_ptr<const Segmenter> make_jieba_segmenter(const UserDictionary& words,
                                                      JiebaOptions options = {});

/// SHA-256 of the dictionary and HMM tables that the jieba segmenters were built with, 64
/// hexadecimal digits: goes into the fingerprint of whatever is made of their words.
std::string_view jieba_dictionary_fingerprint();

/// The words that ICU's word break iterator finds (UAX #29, with ICU's dictionary of Chinese and
/// Japanese), locale "zh", and that hold a letter, a number or a mark. Case is kept. Texts must be
/// smaller than 2 GiB.
const Segmenter& icu_segmenter();

/// The version of ICU that runs, e.g. "72.1": decides the words of `icu_segmenter`, and through
/// Unicode's categories and scripts those of the other segmenters for retrieval.
std::string icu_version();

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
