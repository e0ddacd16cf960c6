#include "retrievers/analyzer.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "harness/core/error.h"
#include "harness/core/fingerprint.h"

namespace crudbench {

namespace {

constexpr std::array<std::string_view, 5> kNames{"jieba", "jieba_search", "unigram", "bigram",
                                                 "icu"};

bool is_jieba(std::string_view analyzer) {
  return analyzer == "jieba" || analyzer == "jieba_search";
}

JiebaOptions jieba_options(std::string_view analyzer) {
  return {.for_search = analyzer == "jieba_search", .content_only = true};
}

const Segmenter& shared_segmenter(std::string_view analyzer) {
  if (is_jieba(analyzer)) {
    return jieba_segmenter(jieba_options(analyzer));
  }
  if (analyzer == "unigram") {
    return unigram_segmenter();
  }
  if (analyzer == "bigram") {
    return bigram_segmenter();
  }
  if (analyzer == "icu") {
    return icu_segmenter();
  }
  throw std::logic_error("unknown analyzer '" + std::string(analyzer) + "'");
}

/// The file's SHA-256, if it is a user dictionary.
std::string check_user_dictionary(const Options& options, const std::string& file) {
  try {
    return read_user_dictionary(file).sha256;
  } catch (const Error& error) {
    throw Error(error.code(), options.file() + ": " + options.pointer_to("user_dictionary") + ": " +
                                  error.what());
  }
}

}  // namespace

AnalyzerOptions read_analyzer_options(Options& options) {
  constexpr std::string_view kPath = "user_dictionary";
  constexpr std::string_view kHash = "user_dictionary_sha256";
  AnalyzerOptions analyzer;
  analyzer.name = options.one_of("analyzer", Analyzer::names(), analyzer.name);
  analyzer.user_dictionary = options.optional_text(kPath).value_or("");
  const auto hash = options.optional_text(kHash);
  if (!options.has(kPath)) {
    if (hash) {
      options.fail(kPath, R"(the file that "user_dictionary_sha256" is of)");
    }
    return analyzer;
  }
  if (analyzer.user_dictionary.empty()) {
    options.fail(kPath, "the name of a file");
  }
  if (!is_jieba(analyzer.name)) {
    options.fail(kPath, "no user dictionary with the analyzer \"" + analyzer.name +
                            "\": only \"jieba\" and \"jieba_search\" read one");
  }
  analyzer.user_dictionary_sha256 =
      hash ? *hash : check_user_dictionary(options, analyzer.user_dictionary);
  options.record(kHash, analyzer.user_dictionary_sha256);
  return analyzer;
}

std::string analyzer_fingerprint(const AnalyzerOptions& options) {
  FingerprintBuilder builder("analyzer", 1);
  builder.add(options.name);
  builder.add(is_jieba(options.name) ? jieba_dictionary_fingerprint() : "");
  builder.add(icu_version());
  builder.add(options.user_dictionary_sha256);
  return builder.hex_digest();
}

std::span<const std::string_view> Analyzer::names() {
  return kNames;
}

Analyzer::Analyzer(const AnalyzerOptions& options) {
  if (options.user_dictionary.empty()) {
    segmenter_ = &shared_segmenter(options.name);
    return;
  }
  const UserDictionary words = read_user_dictionary(options.user_dictionary);
  if (words.sha256 != options.user_dictionary_sha256) {
    throw Error(ErrorCode::kInvalidData, options.user_dictionary +
                                             ": the user dictionary should have SHA-256 " +
                                             options.user_dictionary_sha256 + " and has " +
                                             words.sha256 + "; has it changed since it was named?");
  }
  extended_ = make_jieba_segmenter(words, jieba_options(options.name));
  segmenter_ = extended_.get();
}

std::span<const std::string_view> WordReader::words(std::string_view text) {
  folded_.assign(text);
  words_.clear();
  segmenter_.segment(folded_, words_);
  std::transform(folded_.begin(), folded_.end(), folded_.begin(), [](char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
  });
  return words_;
}

}  // namespace crudbench
