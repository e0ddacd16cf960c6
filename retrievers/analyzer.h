#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/options.h"
#include "harness/text/segmenter.h"

namespace crudbench {

struct AnalyzerOptions {
  std::string name = "jieba";   ///< One of `Analyzer::names()`.
  std::string user_dictionary;  ///< A file for `read_user_dictionary`; empty: none.
  /// Of the file's content: what the words depend on, and so a part of fingerprints in place of
  /// the path. Empty without a user dictionary.
  std::string user_dictionary_sha256;
};

/// Reads "analyzer", "user_dictionary" and "user_dictionary_sha256". Without the last the file is
/// read and its hash recorded, so that resolved options name a content and not only a place.
/// Throws Error(kInvalidConfig) for a user dictionary beside an analyzer that is not jieba's, and
/// the errors of `read_user_dictionary`.
AnalyzerOptions read_analyzer_options(Options& options);

/// Names what decides the words besides the text: the analyzer, the tables it reads and the content
/// of the user dictionary. Reads no file.
std::string analyzer_fingerprint(const AnalyzerOptions& options);

/// A way to turn texts into the words that lexical retrieval matches. Immutable; callable from any
/// thread.
class Analyzer {
 public:
  /// The names of all analyzers, the default first: "jieba" and "jieba_search" (`jieba_segmenter`,
  /// words with content only), "unigram", "bigram" and "icu" (the segmenters of these names).
  static std::span<const std::string_view> names();

  /// Throws Error(kInvalidData) if the user dictionary is malformed or has another SHA-256 than the
  /// options say, Error(kIo) if it cannot be read.
  explicit Analyzer(const AnalyzerOptions& options);

  const Segmenter& segmenter() const noexcept { return *segmenter_; }

 private:
  std::unique_ptr<const Segmenter> extended_;  ///< With a user dictionary.
  const Segmenter* segmenter_;
};

/// Reads the words of texts: those of the analyzer's segmenter, ASCII letters folded to lower case
/// afterwards, so that folding does not change the cut. Keeps its buffers; one object a thread.
class WordReader {
 public:
  /// `analyzer` must outlive the object.
  explicit WordReader(const Analyzer& analyzer) : segmenter_(analyzer.segmenter()) {}

  /// The words of `text`, in the segmenter's order; valid until the next call.
  std::span<const std::string_view> words(std::string_view text);

 private:
  const Segmenter& segmenter_;
  std::string folded_;
  std::vector<std::string_view> words_;  // views of folded_
};

}  // namespace crudbench
