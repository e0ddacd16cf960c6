#include "retrievers/postings.h"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>

namespace crudbench {

namespace {

constexpr std::string_view kFileKind = "postings";

}  // namespace

Postings Postings::build(const ChunkTable& table, const Analyzer& analyzer, Executor& executor) {
  std::vector<ChunkIndex> all(table.size());
  std::iota(all.begin(), all.end(), ChunkIndex{0});
  WordCounts counts = count_words(table, all, analyzer, executor);

  // The transpose, by counting sort.
  Postings postings;
  Arrays& arrays = postings.built_;
  std::vector<std::uint64_t> next(counts.vocabulary.size() + 1);  // [word] place of its next entry
  for (const WordIndex word : counts.words) {
    ++next[word + 1];
  }
  std::partial_sum(next.begin(), next.end(), next.begin());
  arrays.word_ends.assign(next.begin() + 1, next.end());
  arrays.chunks.resize(counts.words.size());
  arrays.frequencies.resize(counts.words.size());
  for (std::size_t row = 0; row < counts.row_ends.size(); ++row) {
    for (std::uint64_t entry = counts.row_begin(row); entry < counts.row_ends[row]; ++entry) {
      const std::uint64_t place = next[counts.words[entry]]++;
      arrays.chunks[place] = static_cast<ChunkIndex>(row);
      arrays.frequencies[place] = counts.frequencies[entry];
    }
  }
  arrays.lengths = std::move(counts.row_lengths);
  postings.vocabulary_ = std::move(counts.vocabulary);
  postings.word_ends_ = arrays.word_ends;
  postings.chunks_ = arrays.chunks;
  postings.frequencies_ = arrays.frequencies;
  postings.lengths_ = arrays.lengths;
  return postings;
}

void Postings::save(const std::filesystem::path& path) const {
  const std::array<NamedArray, 6> arrays{{{"words", vocabulary_.bytes()},
                                          {"word_ends", vocabulary_.ends()},
                                          {"posting_ends", word_ends_},
                                          {"chunks", chunks_},
                                          {"frequencies", frequencies_},
                                          {"lengths", lengths_}}};
  write_array_file(path, kFileKind, arrays);
}

Postings Postings::load(const ChunkTable& table, const std::filesystem::path& path) {
  Postings postings;
  const ArrayFile& file = postings.file_.emplace(path, kFileKind);
  postings.vocabulary_ = load_vocabulary(file);
  postings.word_ends_ = file.array<std::uint64_t>("posting_ends");
  postings.chunks_ = file.array<ChunkIndex>("chunks");
  postings.frequencies_ = file.array<WordFrequency>("frequencies");
  postings.lengths_ = file.array<std::uint32_t>("lengths");

  if (postings.lengths_.size() != table.size()) {
    file.fail("the file has " + std::to_string(postings.lengths_.size()) +
              " chunks, the chunk table " + std::to_string(table.size()));
  }
  if (postings.word_ends_.size() != postings.vocabulary_.size() ||
      postings.frequencies_.size() != postings.chunks_.size() ||
      !std::is_sorted(postings.word_ends_.begin(), postings.word_ends_.end()) ||
      (postings.word_ends_.empty() ? 0 : postings.word_ends_.back()) != postings.chunks_.size()) {
    file.fail("the lists of postings are not consecutive");
  }
  for (WordIndex word = 0; word < postings.word_count(); ++word) {
    const std::span<const ChunkIndex> chunks =
        postings.chunks_.subspan(postings.begin(word), postings.end(word) - postings.begin(word));
    const bool ascending =
        std::adjacent_find(chunks.begin(), chunks.end(), std::greater_equal<>()) == chunks.end();
    if (chunks.empty() || !ascending || chunks.back() >= postings.chunk_count()) {
      file.fail("the postings of word " + std::to_string(word) + " are damaged");
    }
  }
  return postings;
}

}  // namespace crudbench
