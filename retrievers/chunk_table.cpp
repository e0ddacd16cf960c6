#include "retrievers/chunk_table.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <string_view>

#include "harness/core/error.h"
#include "retrievers/array_file.h"

namespace crudbench {

namespace {

constexpr std::string_view kFileKind = "chunk table";

/// The chunks of consecutive documents.
struct DocumentRange {
  std::vector<ChunkIndex> chunk_counts;  ///< [document]
  std::vector<ByteSpan> spans;           ///< [chunk]
  std::vector<ChunkIndex> gap_chunks;    ///< [gap] chunk within the range
  std::vector<ByteSpan> gaps;            ///< [gap]
};

void append_chunk(const ChunkPieces& pieces, DocumentRange& range) {
  const auto chunk = static_cast<ChunkIndex>(range.spans.size());
  range.spans.push_back({pieces.front().begin, pieces.back().end});
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    if (pieces[i - 1].end < pieces[i].begin) {
      range.gap_chunks.push_back(chunk);
      range.gaps.push_back({pieces[i - 1].end, pieces[i].begin});
    }
  }
}

/// Spans as the plain numbers that an array file holds.
std::span<const std::uint32_t> numbers_of(const std::vector<ByteSpan>& spans) {
  static_assert(sizeof(ByteSpan) == 2 * sizeof(std::uint32_t));
  return {reinterpret_cast<const std::uint32_t*>(spans.data()), spans.size() * 2};
}

std::vector<ByteSpan> spans_of(std::span<const std::uint32_t> numbers) {
  std::vector<ByteSpan> spans(numbers.size() / 2);
  for (std::size_t i = 0; i < spans.size(); ++i) {
    spans[i] = {numbers[2 * i], numbers[2 * i + 1]};
  }
  return spans;
}

template <class T>
std::vector<T> copy_of(std::span<const T> values) {
  return {values.begin(), values.end()};
}

}  // namespace

ChunkTable ChunkTable::build(const Corpus& corpus, const Chunker& chunker, Executor& executor) {
  chunker.check_corpus(corpus);
  // Few documents are large ones.
  const std::size_t documents_per_range = std::clamp<std::size_t>(corpus.size() / 256, 1, 256);
  std::vector<DocumentRange> ranges((corpus.size() + documents_per_range - 1) /
                                    documents_per_range);
  run_ranges(executor, corpus.size(), documents_per_range, [&](std::size_t begin, std::size_t end) {
    DocumentRange& range = ranges[begin / documents_per_range];
    for (std::size_t i = begin; i < end; ++i) {
      const auto document = static_cast<DocumentIndex>(i);
      const std::string doc_id = corpus.doc_id(document);
      const std::vector<ChunkPieces> chunks =
          chunker.chunk({.doc_id = doc_id, .text = corpus.text(document), .index = document});
      for (const ChunkPieces& pieces : chunks) {
        append_chunk(pieces, range);
      }
      range.chunk_counts.push_back(static_cast<ChunkIndex>(chunks.size()));
    }
  });

  std::size_t chunk_count = 0;
  for (const DocumentRange& range : ranges) {
    chunk_count += range.spans.size();
  }
  if (chunk_count >= std::numeric_limits<ChunkIndex>::max()) {
    throw Error(ErrorCode::kInvalidData, "the corpus has " + std::to_string(chunk_count) +
                                             " chunks; there must be fewer than 2^32 - 1");
  }
  ChunkTable table;
  table.corpus_ = &corpus;
  table.documents_.reserve(chunk_count);
  table.spans_.reserve(chunk_count);
  table.first_chunks_.reserve(corpus.size() + 1);
  for (const DocumentRange& range : ranges) {
    const auto first_chunk = static_cast<ChunkIndex>(table.documents_.size());
    for (const ChunkIndex count : range.chunk_counts) {
      const auto document = static_cast<DocumentIndex>(table.first_chunks_.size());
      table.first_chunks_.push_back(static_cast<ChunkIndex>(table.documents_.size()));
      table.documents_.insert(table.documents_.end(), count, document);
    }
    table.spans_.insert(table.spans_.end(), range.spans.begin(), range.spans.end());
    for (const ChunkIndex chunk : range.gap_chunks) {
      table.gap_chunks_.push_back(first_chunk + chunk);
    }
    table.gaps_.insert(table.gaps_.end(), range.gaps.begin(), range.gaps.end());
  }
  table.first_chunks_.push_back(static_cast<ChunkIndex>(chunk_count));
  table.neighbours_ = static_cast<std::uint32_t>(chunker.neighbours());
  return table;
}

void ChunkTable::save(const std::filesystem::path& path) const {
  const std::array<std::uint32_t, 1> neighbours{neighbours_};
  const std::array<NamedArray, 5> arrays{{{"first_chunks", first_chunks_},
                                          {"spans", numbers_of(spans_)},
                                          {"gap_chunks", gap_chunks_},
                                          {"gaps", numbers_of(gaps_)},
                                          {"neighbours", neighbours}}};
  write_array_file(path, kFileKind, arrays);
}

ChunkTable ChunkTable::load(const Corpus& corpus, const std::filesystem::path& path) {
  const ArrayFile file(path, kFileKind);
  ChunkTable table;
  table.corpus_ = &corpus;
  table.first_chunks_ = copy_of(file.array<std::uint32_t>("first_chunks"));
  table.spans_ = spans_of(file.array<std::uint32_t>("spans"));
  table.gap_chunks_ = copy_of(file.array<std::uint32_t>("gap_chunks"));
  table.gaps_ = spans_of(file.array<std::uint32_t>("gaps"));
  const std::span<const std::uint32_t> neighbours = file.array<std::uint32_t>("neighbours");
  if (neighbours.size() != 1) {
    file.fail("there should be one number of neighbours");
  }
  table.neighbours_ = neighbours.front();

  const std::vector<ChunkIndex>& firsts = table.first_chunks_;
  if (firsts.size() != corpus.size() + 1) {
    file.fail("the table has " + std::to_string(firsts.size()) + " - 1 documents, the corpus " +
              std::to_string(corpus.size()));
  }
  if (firsts.front() != 0 || firsts.back() != table.spans_.size() ||
      !std::is_sorted(firsts.begin(), firsts.end())) {
    file.fail("the chunks of the documents are not consecutive");
  }
  table.documents_.reserve(table.spans_.size());
  for (DocumentIndex document = 0; document < corpus.size(); ++document) {
    table.documents_.insert(table.documents_.end(), firsts[document + 1] - firsts[document],
                            document);
    for (ChunkIndex chunk = firsts[document]; chunk < firsts[document + 1]; ++chunk) {
      const ByteSpan span = table.spans_[chunk];
      if (span.begin >= span.end || span.end > corpus.text(document).size()) {
        file.fail("chunk " + std::to_string(chunk) + " does not lie in its document");
      }
    }
  }
  if (table.gaps_.size() != table.gap_chunks_.size() ||
      !std::is_sorted(table.gap_chunks_.begin(), table.gap_chunks_.end())) {
    file.fail("the gaps are not in order");
  }
  for (std::size_t gap = 0; gap < table.gaps_.size(); ++gap) {
    const ChunkIndex chunk = table.gap_chunks_[gap];
    const bool continues = gap > 0 && table.gap_chunks_[gap - 1] == chunk;
    if (chunk >= table.spans_.size() ||
        table.gaps_[gap].begin <
            (continues ? table.gaps_[gap - 1].end : table.spans_[chunk].begin) ||
        table.gaps_[gap].begin > table.gaps_[gap].end ||
        table.gaps_[gap].end > table.spans_[chunk].end) {
      file.fail("gap " + std::to_string(gap) + " does not lie in its chunk");
    }
  }
  return table;
}

std::string_view ChunkTable::text(ChunkIndex chunk, std::string& buffer) const {
  const std::string_view document = corpus_->text(documents_[chunk]);
  const ByteSpan span = spans_[chunk];
  const auto [first, last] = std::equal_range(gap_chunks_.begin(), gap_chunks_.end(), chunk);
  if (first == last) {
    return document.substr(span.begin, span.end - span.begin);
  }
  buffer.clear();
  std::uint32_t begin = span.begin;
  for (auto gap = first; gap != last; ++gap) {
    const ByteSpan lost = gaps_[static_cast<std::size_t>(gap - gap_chunks_.begin())];
    buffer.append(document.substr(begin, lost.begin - begin));
    begin = lost.end;
  }
  buffer.append(document.substr(begin, span.end - begin));
  return buffer;
}

std::string ChunkTable::text(ChunkIndex chunk) const {
  std::string buffer;
  return std::string(text(chunk, buffer));
}

ByteSpan ChunkTable::window(ChunkIndex chunk) const {
  const DocumentIndex document = documents_[chunk];
  const ChunkIndex before = chunk - first_chunks_[document];
  const ChunkIndex after = first_chunks_[document + 1] - 1 - chunk;
  ByteSpan window = spans_[chunk];
  window.begin = spans_[chunk - std::min(before, neighbours_)].begin;
  for (ChunkIndex next = chunk + 1; next <= chunk + std::min(after, neighbours_); ++next) {
    window.end = std::max(window.end, spans_[next].end);
  }
  return window;
}

std::string ChunkTable::chunk_id(ChunkIndex chunk) const {
  const ByteSpan span = spans_[chunk];
  return corpus_->doc_id(documents_[chunk]) + "@" + std::to_string(span.begin) + "-" +
         std::to_string(span.end);
}

}  // namespace crudbench
