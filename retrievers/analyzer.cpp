#include "retrievers/analyzer.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace crudbench {

namespace {

constexpr std::array<std::string_view, 3> kNames{"jieba", "unigram", "bigram"};

const Segmenter& segmenter_of(std::string_view analyzer) {
  if (analyzer == "jieba") {
    return jieba_word_segmenter();
  }
  if (analyzer == "unigram") {
    return unigram_segmenter();
  }
  if (analyzer == "bigram") {
    return bigram_segmenter();
  }
  throw std::logic_error("unknown analyzer '" + std::string(analyzer) + "'");
}

}  // namespace

std::span<const std::string_view> Analyzer::names() {
  return kNames;
}

Analyzer::Analyzer(std::string_view name) : segmenter_(&segmenter_of(name)) {}

std::span<const std::string_view> Analyzer::words(std::string_view text) {
  folded_.assign(text);
  words_.clear();
  segmenter_->segment(folded_, words_);
  std::transform(folded_.begin(), folded_.end(), folded_.begin(), [](char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
  });
  return words_;
}

}  // namespace crudbench
