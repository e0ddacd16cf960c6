#include "retrievers/self_retrieval.h"

#include <numeric>
#include <string>

#include "datasets/corpus.h"
#include "harness/core/error.h"
#include "harness/core/random.h"

namespace crudbench {

namespace {

constexpr std::size_t kDocuments = 256;
constexpr std::size_t kDepth = 100;
constexpr std::uint64_t kSeed = 22;

/// One chunk of each of some documents that have several.
std::vector<ChunkIndex> sample_chunks(const ChunkTable& table) {
  std::vector<DocumentIndex> documents;
  for (DocumentIndex document = 0; document < table.corpus().size(); ++document) {
    const ChunkIndex count = table.first_chunk(document + 1) - table.first_chunk(document);
    if (count > 1 && table.corpus().canonical(document) == document) {
      documents.push_back(document);
    }
  }
  std::vector<ChunkIndex> chunks;
  for (const std::size_t position : sample_positions(documents.size(), kDocuments, kSeed)) {
    const DocumentIndex document = documents[position];
    const ChunkIndex first = table.first_chunk(document);
    Random random(derive_seed(kSeed, std::to_string(document)));
    chunks.push_back(
        first + static_cast<ChunkIndex>(random.below(table.first_chunk(document + 1) - first)));
  }
  return chunks;
}

/// 1 / rank of the first hit in the chunk's document; 0 if there is none.
double reciprocal_rank(const ChunkTable& table, ChunkIndex asked, const std::vector<Hit>& hits) {
  const DocumentIndex document = table.document(asked);
  std::size_t rank = 0;
  for (const Hit& hit : hits) {
    const DocumentIndex found = table.document(hit.chunk);
    const bool is_copy = found != document && table.corpus().canonical(found) == document;
    if (hit.chunk == asked || is_copy) {
      continue;
    }
    ++rank;
    if (found == document) {
      return 1.0 / static_cast<double>(rank);
    }
  }
  return 0.0;
}

}  // namespace

double self_retrieval_quality(const Retriever& retriever, Executor& executor) {
  const ChunkTable& table = retriever.chunks();
  const std::vector<ChunkIndex> chunks = sample_chunks(table);
  std::vector<std::string> texts;
  texts.reserve(chunks.size());
  for (const ChunkIndex chunk : chunks) {
    texts.push_back(table.text(chunk));
  }
  std::vector<Query> queries;
  for (const std::string& text : texts) {
    queries.push_back({.text = text, .gold_documents = {}});
  }
  double sum = 0.0;
  const std::vector<Retrieval> retrievals = retriever.retrieve(queries, kDepth, executor);
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    if (retrievals[i].failure) {
      throw Error(ErrorCode::kUnavailable,
                  "measuring a retriever on the corpus failed: " + retrievals[i].failure->message);
    }
    sum += reciprocal_rank(table, chunks[i], retrievals[i].hits);
  }
  return chunks.empty() ? 0.0 : sum / static_cast<double>(chunks.size());
}

std::vector<double> weights_by_quality(const std::vector<double>& qualities) {
  std::vector<double> weights;
  for (const double quality : qualities) {
    weights.push_back(quality * quality * quality);
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) {
    weight = sum > 0.0 ? weight / sum : 1.0 / static_cast<double>(weights.size());
  }
  return weights;
}

}  // namespace crudbench
