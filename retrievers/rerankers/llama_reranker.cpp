#include <cstdint>
#include <string>
#include <utility>

#include "harness/core/error.h"
#include "harness/llama/model_files.h"
#include "harness/llama/sequence_encoder.h"
#include "retrievers/rerankers/reranker.h"

namespace crudbench {

namespace {

struct LlamaRerankerOptions {
  ModelOptions model;
  EncoderOptions encoder;
};

LlamaRerankerOptions read_options(Options& options) {
  LlamaRerankerOptions read;
  read.encoder.pooling = "rank";
  read.model.file = options.text("model");
  if (!options.optional_text("model_sha256")) {
    options.record("model_sha256", model_sha256(read.model.file));
  }
  read.encoder.max_tokens =
      static_cast<std::size_t>(options.integer("max_tokens", 512, 8, 1'000'000));
  read.model.gpu_layers = static_cast<int>(options.integer("gpu_layers", -1, -1, 1000));
  return read;
}

/// A cross-encoder in this process, one text at a time. A hit's score is the ranking head's output.
class LlamaReranker final : public Reranker {
 public:
  explicit LlamaReranker(const LlamaRerankerOptions& options)
      : encoder_(options.model, options.encoder) {}

  void rerank(std::span<const Query> queries, const ChunkTable& chunks,
              std::vector<Retrieval>& retrievals, Executor& executor) const override {
    for (std::size_t query = 0; query < queries.size(); ++query) {
      try {
        rerank_one(queries[query].text, chunks, retrievals[query].hits, executor);
      } catch (const Error& error) {
        if (!is_sample_scoped(error.code())) {
          throw;
        }
        retrievals[query] = {.hits = {},
                             .failure = Failure{.stage = Stage::kRetrieval,
                                                .failure_class = "rerank_failed",
                                                .message = error.what()}};
      }
    }
  }

 private:
  void rerank_one(std::string_view query, const ChunkTable& chunks, std::vector<Hit>& hits,
                  Executor& executor) const {
    std::vector<std::vector<Token>> pairs;
    pairs.reserve(hits.size());
    for (const Hit& hit : hits) {
      pairs.push_back(encoder_.tokenize_pair(query, chunks.text(hit.chunk)));
    }
    std::vector<float> scores(hits.size());
    encoder_.encode(pairs, executor.concurrency(), scores);
    for (std::size_t i = 0; i < hits.size(); ++i) {
      hits[i].score = static_cast<double>(scores[i]);
    }
    sort_best_first(hits);
  }

  mutable SequenceEncoder encoder_;  ///< Used by one thread at a time, as retrievers are.
};

}  // namespace

void check_llama_reranker(Options& options) {
  read_options(options);
}

std::unique_ptr<Reranker> make_llama_reranker(Options& options) {
  return std::make_unique<LlamaReranker>(read_options(options));
}

}  // namespace crudbench
