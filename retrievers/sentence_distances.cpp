#include "retrievers/sentence_distances.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "harness/core/error.h"
#include "retrievers/array_file.h"
#include "retrievers/chunk_table.h"
#include "retrievers/chunkers/sentences.h"
#include "retrievers/embedders/embedder.h"
#include "retrievers/unfinished_rows.h"

namespace crudbench {

namespace {

constexpr std::string_view kFileKind = "distances";

/// Every sentence a chunk.
class SentencesChunker final : public Chunker {
 public:
  std::vector<ChunkPieces> chunk(const Document& document) const override {
    std::vector<ChunkPieces> chunks;
    for (const ByteSpan sentence : split_sentences(document.text)) {
      chunks.push_back({sentence});
    }
    return chunks;
  }
};

/// What sentence is embedded as: it and its neighbours in the document.
std::string_view buffered(const ChunkTable& sentences, ChunkIndex sentence, std::size_t buffer) {
  const DocumentIndex document = sentences.document(sentence);
  const std::size_t first = sentences.first_chunk(document);
  const std::size_t last = sentences.first_chunk(document + 1) - std::size_t{1};
  const std::size_t from = sentence - std::min(buffer, sentence - first);
  const std::size_t to = sentence + std::min(buffer, last - sentence);
  const std::uint32_t begin = sentences.span(static_cast<ChunkIndex>(from)).begin;
  const std::uint32_t end = sentences.span(static_cast<ChunkIndex>(to)).end;
  return sentences.corpus().text(document).substr(begin, end - begin);
}

/// Of two rows of norm 1, or zeros.
float distance(std::span<const float> left, std::span<const float> right) {
  double cosine = 0.0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    cosine += static_cast<double>(left[i]) * static_cast<double>(right[i]);
  }
  return static_cast<float>(1.0 - cosine);
}

/// Whole documents from that of sentence `begin` on, with about as many sentences as one batch
/// takes; ends where `limit` does.
std::size_t batch_end(const ChunkTable& sentences, std::size_t begin, std::size_t limit) {
  constexpr std::size_t kSentencesPerBatch = 4096;
  if (begin + kSentencesPerBatch >= limit) {
    return limit;
  }
  const DocumentIndex document =
      sentences.document(static_cast<ChunkIndex>(begin + kSentencesPerBatch));
  const std::size_t first = sentences.first_chunk(document);
  return first > begin ? first : sentences.first_chunk(document + 1);
}

/// Writes the distances of the sentences of `range`, whole documents, to `distances`.
void measure(const ChunkTable& sentences, const Embedder& embedder, std::size_t buffer,
             RowRange range, std::span<float> distances, Executor& executor) {
  std::vector<std::string_view> texts;
  texts.reserve(range.end - range.begin);
  for (std::size_t sentence = range.begin; sentence < range.end; ++sentence) {
    texts.push_back(buffered(sentences, static_cast<ChunkIndex>(sentence), buffer));
  }
  const std::size_t dimension = embedder.dimension();
  std::vector<float> rows(texts.size() * dimension);
  embedder.embed(texts, TextRole::kPassage, rows, executor);
  const auto row = [&](std::size_t sentence) {
    return std::span<const float>(rows).subspan((sentence - range.begin) * dimension, dimension);
  };
  for (std::size_t sentence = range.begin; sentence < range.end; ++sentence) {
    const bool is_last =
        sentence + 1 ==
        sentences.first_chunk(sentences.document(static_cast<ChunkIndex>(sentence)) + 1);
    distances[sentence - range.begin] = is_last ? 0.0F : distance(row(sentence), row(sentence + 1));
  }
}

}  // namespace

SentenceDistances SentenceDistances::build(const Corpus& corpus, const Json& embedder,
                                           std::size_t buffer, const Catalog& catalog,
                                           const std::filesystem::path& unfinished,
                                           Executor& executor) {
  const ChunkTable sentences = ChunkTable::build(corpus, SentencesChunker(), executor);
  if (sentences.size() == 0) {
    throw Error(ErrorCode::kInvalidData, "the corpus has no sentence");
  }
  const std::filesystem::path model = unfinished / "embedder";
  std::filesystem::remove_all(model);
  std::filesystem::create_directories(model);
  const std::unique_ptr<Embedder> learned = catalog.embedders.build(
      embedder, {.chunks = sentences, .folder = model, .learn = true, .executor = executor});

  UnfinishedRows known(unfinished, sentences.size(), 1);
  for (const RowRange gap : known.missing()) {
    for (std::size_t begin = gap.begin; begin < gap.end;) {
      const RowRange range{begin, batch_end(sentences, begin, gap.end)};
      measure(sentences, *learned, buffer, range, known.rows(range), executor);
      known.finish(range);
      begin = range.end;
    }
  }
  SentenceDistances built;
  for (DocumentIndex document = 0; document <= corpus.size(); ++document) {
    built.first_sentences_.push_back(sentences.first_chunk(document));
  }
  const std::span<const float> values = known.rows({0, sentences.size()});
  built.distances_.assign(values.begin(), values.end());
  return built;
}

void SentenceDistances::save(const std::filesystem::path& path) const {
  const std::array<NamedArray, 2> arrays{
      {{"first_sentences", first_sentences_}, {"distances", distances_}}};
  write_array_file(path, kFileKind, arrays);
}

SentenceDistances SentenceDistances::load(const Corpus& corpus, const std::filesystem::path& path) {
  const ArrayFile file(path, kFileKind);
  const auto firsts = file.array<std::uint32_t>("first_sentences");
  const auto values = file.array<float>("distances");
  if (firsts.size() != corpus.size() + 1 || firsts.front() != 0 || firsts.back() != values.size() ||
      !std::is_sorted(firsts.begin(), firsts.end())) {
    file.fail("the sentences are not those of the corpus' documents");
  }
  SentenceDistances loaded;
  loaded.first_sentences_.assign(firsts.begin(), firsts.end());
  loaded.distances_.assign(values.begin(), values.end());
  return loaded;
}

std::span<const float> SentenceDistances::of(DocumentIndex document) const {
  const std::size_t begin = first_sentences_[document];
  const std::size_t end = first_sentences_[document + 1];
  return std::span(distances_).subspan(begin, end == begin ? 0 : end - begin - 1);
}

}  // namespace crudbench
