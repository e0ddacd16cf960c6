#include "retrievers/word_counts.h"

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>

namespace crudbench {

namespace {

/// The rows [begin, end), over a vocabulary of their own.
WordCounts count_range(const ChunkTable& table, std::span<const ChunkIndex> chunks,
                       const Analyzer& analyzer) {
  WordCounts counts;
  WordReader reader(analyzer);
  std::string buffer;
  std::vector<WordIndex> words;
  for (const ChunkIndex chunk : chunks) {
    words.clear();
    for (const std::string_view word : reader.words(table.text(chunk, buffer))) {
      words.push_back(counts.vocabulary.add(word));
    }
    std::sort(words.begin(), words.end());
    for (auto first = words.begin(); first != words.end();) {
      const auto last = std::find_if(first, words.end(), [&](WordIndex w) { return w != *first; });
      counts.words.push_back(*first);
      counts.frequencies.push_back(static_cast<WordFrequency>(
          std::min<std::ptrdiff_t>(last - first, std::numeric_limits<WordFrequency>::max())));
      first = last;
    }
    counts.row_ends.push_back(counts.words.size());
    counts.row_lengths.push_back(static_cast<std::uint32_t>(words.size()));
  }
  return counts;
}

/// Renumbers the words of row `row` and puts them into ascending order again.
void renumber_row(std::span<const WordIndex> words, std::span<const WordFrequency> frequencies,
                  std::span<const WordIndex> numbers,
                  std::vector<std::pair<WordIndex, WordFrequency>>& row) {
  row.clear();
  for (std::size_t i = 0; i < words.size(); ++i) {
    row.emplace_back(numbers[words[i]], frequencies[i]);
  }
  std::sort(row.begin(), row.end());
}

}  // namespace

WordCounts count_words(const ChunkTable& table, std::span<const ChunkIndex> chunks,
                       const Analyzer& analyzer, Executor& executor) {
  constexpr std::size_t kChunksPerRange = 4096;
  const std::size_t range_count = (chunks.size() + kChunksPerRange - 1) / kChunksPerRange;
  std::vector<WordCounts> ranges(range_count);
  run_ranges(executor, chunks.size(), kChunksPerRange, [&](std::size_t begin, std::size_t end) {
    ranges[begin / kChunksPerRange] =
        count_range(table, chunks.subspan(begin, end - begin), analyzer);
  });

  WordCounts counts;
  std::vector<std::vector<WordIndex>> numbers(range_count);  // [range][word of the range]
  std::vector<std::uint64_t> first_entries(range_count);
  std::uint64_t entry_count = 0;
  for (std::size_t r = 0; r < range_count; ++r) {
    WordCounts& range = ranges[r];
    for (WordIndex word = 0; word < range.vocabulary.size(); ++word) {
      numbers[r].push_back(counts.vocabulary.add(range.vocabulary.word(word)));
    }
    range.vocabulary = {};
    for (const std::uint64_t end : range.row_ends) {
      counts.row_ends.push_back(entry_count + end);
    }
    counts.row_lengths.insert(counts.row_lengths.end(), range.row_lengths.begin(),
                              range.row_lengths.end());
    first_entries[r] = entry_count;
    entry_count += range.words.size();
  }
  counts.words.resize(entry_count);
  counts.frequencies.resize(entry_count);
  executor.run_all(range_count, [&](std::size_t r) {
    WordCounts& range = ranges[r];
    std::vector<std::pair<WordIndex, WordFrequency>> row;
    std::uint64_t entry = first_entries[r];
    for (std::size_t i = 0; i < range.row_ends.size(); ++i) {
      const std::uint64_t begin = range.row_begin(i);
      const std::uint64_t size = range.row_ends[i] - begin;
      renumber_row(std::span(range.words).subspan(begin, size),
                   std::span(range.frequencies).subspan(begin, size), numbers[r], row);
      for (const auto& [word, frequency] : row) {
        counts.words[entry] = word;
        counts.frequencies[entry] = frequency;
        ++entry;
      }
    }
    range = {};
  });
  return counts;
}

}  // namespace crudbench
