#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "datasets/corpus.h"
#include "harness/core/catalog.h"
#include "harness/core/executor.h"
#include "harness/core/json.h"

namespace crudbench {

/// How far every sentence of a corpus is from the next one of its document: 1 less the cosine of
/// the vectors of the two, each embedded along with some neighbours. A text that the embedder knows
/// nothing about is at 1 from every other. Immutable; callable from any thread.
class SentenceDistances {
 public:
  /// `embedder` is resolved; it learns from the sentences where it learns. `buffer`: neighbours on
  /// either side that a sentence is embedded with. What is known is kept in `unfinished`, a folder
  /// that outlives a failure, and not asked for again. The result does not depend on the number of
  /// threads. Throws what embedders throw, and Error(kInvalidData) for a corpus without sentences.
  static SentenceDistances build(const Corpus& corpus, const Json& embedder, std::size_t buffer,
                                 const Catalog& catalog, const std::filesystem::path& unfinished,
                                 Executor& executor);
  /// Reads what `save` wrote. Throws Error(kInvalidData) if the file does not fit the corpus.
  static SentenceDistances load(const Corpus& corpus, const std::filesystem::path& path);
  void save(const std::filesystem::path& path) const;

  /// One number a sentence but the last, in order.
  std::span<const float> of(DocumentIndex document) const;
  std::size_t sentence_count() const noexcept { return distances_.size(); }

 private:
  std::vector<std::uint32_t> first_sentences_;  // [document], then the number of sentences
  std::vector<float> distances_;                // [sentence] to the next; 0 for a document's last
};

}  // namespace crudbench
