#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "harness/core/executor.h"
#include "harness/core/types.h"
#include "retrievers/analyzer.h"
#include "retrievers/array_file.h"
#include "retrievers/chunk_table.h"
#include "retrievers/vocabulary.h"
#include "retrievers/word_counts.h"

namespace crudbench {

/// The inverted index of a chunk table under one analyzer: for every word the chunks that hold it,
/// ascending, and how often. Says nothing about weights: see Bm25Index. Immutable; callable from
/// any thread.
class Postings {
 public:
  /// The result does not depend on the number of threads.
  static Postings build(const ChunkTable& table, const Analyzer& analyzer, Executor& executor);
  /// Maps what `save` wrote. Throws Error(kInvalidData) if the file does not fit the table.
  static Postings load(const ChunkTable& table, const std::filesystem::path& path);
  void save(const std::filesystem::path& path) const;

  std::size_t chunk_count() const noexcept { return lengths_.size(); }
  std::size_t word_count() const noexcept { return vocabulary_.size(); }
  /// Number of (word, chunk) pairs.
  std::size_t size() const noexcept { return chunks_.size(); }

  std::optional<WordIndex> find(std::string_view word) const { return vocabulary_.find(word); }
  /// Where the postings of a word stand in `chunks()` and `frequencies()`.
  std::uint64_t begin(WordIndex word) const { return word == 0 ? 0 : word_ends_[word - 1]; }
  std::uint64_t end(WordIndex word) const { return word_ends_[word]; }
  std::span<const ChunkIndex> chunks() const noexcept { return chunks_; }
  std::span<const WordFrequency> frequencies() const noexcept { return frequencies_; }
  /// [chunk] number of words, repetitions included.
  std::span<const std::uint32_t> lengths() const noexcept { return lengths_; }

 private:
  struct Arrays {
    std::vector<std::uint64_t> word_ends;
    std::vector<ChunkIndex> chunks;
    std::vector<WordFrequency> frequencies;
    std::vector<std::uint32_t> lengths;
  };

  Postings() = default;

  // What is built lies in `built_`, what is loaded in `file_`; the views point into either, and
  // stay valid when the object is moved.
  Arrays built_;
  std::optional<ArrayFile> file_;
  Vocabulary vocabulary_;
  std::span<const std::uint64_t> word_ends_;
  std::span<const ChunkIndex> chunks_;
  std::span<const WordFrequency> frequencies_;
  std::span<const std::uint32_t> lengths_;
};

}  // namespace crudbench
