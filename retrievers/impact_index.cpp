#include "retrievers/impact_index.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace crudbench {

namespace {

constexpr double kLargestLevel = std::numeric_limits<std::uint8_t>::max();
constexpr std::uint64_t kLargestSum = std::numeric_limits<std::uint16_t>::max();

/// Sums are kept for this many chunks at a time: 64 KiB.
constexpr std::size_t kWindowChunks = 32768;
static_assert(kWindowChunks % kStripChunks == 0);

/// A word has a row if more than one chunk in this many holds it. Rows so take at most as many
/// bytes a posting of their words.
constexpr std::size_t kChunksPerRowPosting = 12;

/// A row that a query needs more often than this is not added as often: its postings are.
constexpr std::uint32_t kLargestRowOccurrences = 4;

/// What scoring one chunk costs, in additions of the plain search.
constexpr std::uint64_t kPostingsPerScoring = 64;
/// As many chunks are always scored one by one: not worth changing the search.
constexpr std::uint64_t kFreeScorings = 1024;

constexpr std::size_t kWordsPerRange = 4096;

}  // namespace

ImpactIndex::ImpactIndex(const Postings& postings, const Bm25Weights& weights, Executor& executor)
    : postings_(&postings), weights_(&weights) {
  quantise(executor);
  fill_rows(executor);
  transpose();
}

void ImpactIndex::quantise(Executor& executor) {
  const std::size_t word_count = postings_->word_count();
  const auto for_each_posting = [&](std::size_t begin_word, std::size_t end_word,
                                    const auto& visit) {
    for (std::size_t i = begin_word; i < end_word; ++i) {
      const auto word = static_cast<WordIndex>(i);
      for (std::uint64_t p = postings_->begin(word); p < postings_->end(word); ++p) {
        visit(word, p, weights_->impact(word, postings_->chunks()[p], postings_->frequencies()[p]));
      }
    }
  };

  std::vector<float> largest_impacts((word_count + kWordsPerRange - 1) / kWordsPerRange);
  run_ranges(executor, word_count, kWordsPerRange, [&](std::size_t begin, std::size_t end) {
    float largest = 0.0F;
    for_each_posting(begin, end, [&](WordIndex, std::uint64_t, float impact) {
      largest = std::max(largest, impact);
    });
    largest_impacts[begin / kWordsPerRange] = largest;
  });
  if (postings_->size() > 0) {
    level_width_ =
        static_cast<double>(*std::max_element(largest_impacts.begin(), largest_impacts.end())) /
        kLargestLevel;
  }

  levels_.resize(postings_->size());
  largest_levels_.resize(word_count);
  run_ranges(executor, word_count, kWordsPerRange, [&](std::size_t begin, std::size_t end) {
    for_each_posting(begin, end, [&](WordIndex word, std::uint64_t posting, float impact) {
      // The quotient of the largest impact may come out a little above 255.
      const auto level = static_cast<std::uint8_t>(
          std::min(std::ceil(static_cast<double>(impact) / level_width_), kLargestLevel));
      levels_[posting] = level;
      largest_levels_[word] = std::max(largest_levels_[word], level);
    });
  });
}

void ImpactIndex::fill_rows(Executor& executor) {
  const std::size_t chunk_count = postings_->chunk_count();
  row_size_ = (chunk_count + kStripChunks - 1) / kStripChunks * kStripChunks;
  row_of_word_.assign(postings_->word_count(), kNoRow);
  std::vector<WordIndex> words;  // [row]
  for (WordIndex word = 0; word < postings_->word_count(); ++word) {
    if ((postings_->end(word) - postings_->begin(word)) * kChunksPerRowPosting > chunk_count) {
      row_of_word_[word] = static_cast<std::uint32_t>(words.size());
      words.push_back(word);
    }
  }
  rows_.resize(words.size() * row_size_);
  run_ranges(executor, words.size(), 1, [&](std::size_t row, std::size_t) {
    std::uint8_t* const levels = rows_.data() + row * row_size_;
    for (std::uint64_t p = postings_->begin(words[row]); p < postings_->end(words[row]); ++p) {
      levels[postings_->chunks()[p]] = levels_[p];
    }
  });
}

void ImpactIndex::transpose() {
  std::vector<std::uint64_t> next(postings_->chunk_count() + 1);  // [chunk] its next entry
  for (const ChunkIndex chunk : postings_->chunks()) {
    ++next[chunk + 1];
  }
  std::partial_sum(next.begin(), next.end(), next.begin());
  chunk_ends_.assign(next.begin() + 1, next.end());
  chunk_words_.resize(postings_->size());
  chunk_frequencies_.resize(postings_->size());
  for (WordIndex word = 0; word < postings_->word_count(); ++word) {
    for (std::uint64_t p = postings_->begin(word); p < postings_->end(word); ++p) {
      const std::uint64_t entry = next[postings_->chunks()[p]]++;
      chunk_words_[entry] = word;
      chunk_frequencies_[entry] = postings_->frequencies()[p];
    }
  }
}

bool ImpactIndex::open(std::span<const QueryWord> query, Buffers& buffers) const {
  buffers.cursors.clear();
  buffers.rows.clear();
  buffers.group_ends.clear();
  std::uint64_t largest_sum = 0;
  std::uint64_t group_sum = kLargestSum;  // no group yet
  for (const QueryWord& word : query) {
    const std::uint64_t largest_level = largest_levels_[word.word];
    largest_sum += largest_level * word.occurrences;
    if (largest_sum > kLargestSum) {
      return false;
    }
    const std::uint32_t row = row_of_word_[word.word];
    if (row == kNoRow || word.occurrences > kLargestRowOccurrences) {
      buffers.cursors.push_back({.chunk = postings_->chunks().data() + postings_->begin(word.word),
                                 .end = postings_->chunks().data() + postings_->end(word.word),
                                 .level = levels_.data() + postings_->begin(word.word),
                                 .occurrences = static_cast<std::uint16_t>(word.occurrences)});
      continue;
    }
    for (std::uint32_t i = 0; i < word.occurrences; ++i) {
      buffers.rows.push_back(rows_.data() + row * row_size_);
      group_sum += largest_level;
      if (group_sum > static_cast<std::uint64_t>(kLargestLevel)) {
        buffers.group_ends.push_back(0);
        group_sum = largest_level;
      }
      buffers.group_ends.back() = buffers.rows.size();
    }
  }
  buffers.sums.resize(kWindowChunks + kStripChunks);
  return true;
}

std::uint16_t ImpactIndex::largest_hopeless_sum(double threshold) const {
  // In real numbers, level * level_width_ >= impact, and so sum * level_width_ >= score. Rounding
  // (of the width, of the quotients, of at most 65,535 additions of a score, and here) changes that
  // by a factor of less than 1 + 2^-36; the factor below takes off far more.
  constexpr double kSlack = 1.0 - 0x1p-20;
  return static_cast<std::uint16_t>(
      std::min(std::floor(threshold / level_width_ * kSlack), static_cast<double>(kLargestSum)));
}

double ImpactIndex::exact_score(std::span<const QueryWord> query, ChunkIndex chunk) const {
  std::uint64_t entry = chunk == 0 ? 0 : chunk_ends_[chunk - 1];
  const std::uint64_t end = chunk_ends_[chunk];
  auto word = query.begin();
  double score = 0.0;
  while (entry != end && word != query.end()) {
    const WordIndex held = chunk_words_[entry];
    const WordIndex asked = word->word;
    if (held == asked) {
      score += static_cast<double>(word->occurrences) *
               static_cast<double>(weights_->impact(held, chunk, chunk_frequencies_[entry]));
    }
    entry += held <= asked ? 1 : 0;  // without a branch, which would be mispredicted
    word += asked <= held ? 1 : 0;
  }
  return score;
}

void ImpactIndex::add_levels(Buffers::Cursor& cursor, std::size_t first, std::size_t last,
                             std::uint16_t* sums) {
  const std::uint16_t occurrences = cursor.occurrences;
  const ChunkIndex* chunk = cursor.chunk;
  const std::uint8_t* level = cursor.level;
  const auto add = [&](std::size_t i) {
    std::uint16_t& sum = sums[chunk[i] - first];
    sum = static_cast<std::uint16_t>(sum + level[i] * occurrences);
  };
  for (; cursor.end - chunk >= 4 && chunk[3] < last; chunk += 4, level += 4) {
    add(0);
    add(1);
    add(2);
    add(3);
  }
  for (; chunk != cursor.end && *chunk < last; ++chunk, ++level) {
    add(0);
  }
  cursor.chunk = chunk;
  cursor.level = level;
}

ChunkIndex ImpactIndex::search(std::span<const QueryWord> query, const ImpactKernels& kernels,
                               Buffers& buffers, BestHits& best) const {
  if (!open(query, buffers)) {
    return 0;
  }
  std::uint64_t scorings = kFreeScorings;  // how many are still allowed
  for (const QueryWord& word : query) {
    scorings += (postings_->end(word.word) - postings_->begin(word.word)) / kPostingsPerScoring;
  }
  std::uint16_t* const sums = buffers.sums.data();
  for (std::size_t first = 0; first < row_size_; first += kWindowChunks) {
    const std::size_t size = std::min(kWindowChunks, row_size_ - first);
    kernels.sum_rows(buffers.rows, buffers.group_ends, size, sums);
    for (const std::uint8_t*& row : buffers.rows) {
      row += size;
    }
    for (Buffers::Cursor& cursor : buffers.cursors) {
      add_levels(cursor, first, first + size, sums);
    }
    std::uint16_t limit = largest_hopeless_sum(best.threshold());
    for (std::size_t i = kernels.find_above(sums, 0, size, limit); i < size;
         i = kernels.find_above(sums, i + 1, size, limit)) {
      const auto chunk = static_cast<ChunkIndex>(first + i);
      if (scorings == 0) {
        return chunk;
      }
      --scorings;
      best.offer(chunk, exact_score(query, chunk));
      limit = largest_hopeless_sum(best.threshold());
    }
  }
  return static_cast<ChunkIndex>(postings_->chunk_count());
}

std::size_t ImpactIndex::size_bytes() const noexcept {
  const auto bytes = [](const auto&... arrays) {
    return (std::as_bytes(std::span(arrays)).size() + ...);
  };
  return bytes(levels_, largest_levels_, row_of_word_, rows_, chunk_ends_, chunk_words_,
               chunk_frequencies_);
}

}  // namespace crudbench
