#include <algorithm>
#include <cstdint>
#include <limits>

#include "retrievers/builtin_retrievers.h"
#include "retrievers/knowledge_base.h"
#include "retrievers/rank_fusion.h"
#include "retrievers/retriever_parts.h"

namespace crudbench {

namespace {

struct MmrOptions {
  PartOptions part;
  double lambda = 0.5;  ///< 1: relevance alone; 0: diversity alone.
};

MmrOptions read_mmr_options(Options& options) {
  MmrOptions mmr;
  mmr.part = read_part_options(options, 50, Json::array({{{"type", "dense"}}}), 1, 1);
  mmr.lambda = options.number("lambda", mmr.lambda, 0.0, 1.0);
  return mmr;
}

/// Maximal marginal relevance (Carbonell, Goldstein 1998): of the best `pool` hits of the part, the
/// next one is always that of the greatest
///
///     lambda * relevance - (1 - lambda) * max(0, greatest cosine to a hit already chosen),
///
/// which becomes its score; of equal ones the first in the corpus. Relevance is the part's score,
/// normalised to [0, 1] over the pool; cosines are those of the knowledge base's vectors. Since no
/// cosine counts as negative, scores never rise, and hits for a smaller `top_k` are a prefix of
/// those for a larger one.
class MmrRetriever final : public Retriever {
 public:
  /// `vectors` is row-major [chunks, dimension].
  MmrRetriever(MmrOptions options, std::unique_ptr<Retriever> part, std::span<const float> vectors,
               std::size_t dimension)
      : options_(std::move(options)),
        part_(std::move(part)),
        vectors_(vectors),
        dimension_(dimension) {}

  std::vector<Retrieval> retrieve(std::span<const Query> queries, std::size_t top_k,
                                  Executor& executor) const override {
    return choose_all(part_->retrieve(queries, options_.part.pool, executor), top_k, executor);
  }
  std::vector<Retrieval> retrieve_like(std::span<const Query> queries, std::size_t top_k,
                                       Executor& executor) const override {
    return choose_all(part_->retrieve_like(queries, options_.part.pool, executor), top_k, executor);
  }

  void prepare(std::span<const Query> queries, const std::stop_token& stop) const override {
    part_->prepare(queries, stop);
  }

  const ChunkTable& chunks() const override { return part_->chunks(); }

 private:
  std::vector<Retrieval> choose_all(std::vector<Retrieval> retrievals, std::size_t top_k,
                                    Executor& executor) const {
    executor.run_all(retrievals.size(), [&](std::size_t query) {
      Retrieval& retrieval = retrievals[query];
      retrieval.hits = choose(retrieval.hits, top_k);
    });
    return retrievals;
  }

  struct Candidate {
    ChunkIndex chunk = 0;
    double relevance = 0.0;
    double redundancy = 0.0;  ///< Greatest cosine to a chosen hit, at least 0.
  };

  std::vector<Hit> choose(const std::vector<Hit>& pool, std::size_t top_k) const {
    const std::vector<double> relevances = normalized_scores(pool, Normalization::kMinMax);
    std::vector<Candidate> candidates;
    candidates.reserve(pool.size());
    for (std::size_t i = 0; i < pool.size(); ++i) {
      candidates.push_back({.chunk = pool[i].chunk, .relevance = relevances[i]});
    }
    std::sort(
        candidates.begin(), candidates.end(),
        [](const Candidate& left, const Candidate& right) { return left.chunk < right.chunk; });
    std::vector<Hit> chosen;
    while (chosen.size() < top_k && !candidates.empty()) {
      auto best = candidates.begin();
      for (auto candidate = best + 1; candidate != candidates.end(); ++candidate) {
        if (score(*candidate) > score(*best)) {
          best = candidate;
        }
      }
      chosen.push_back({best->chunk, score(*best)});
      candidates.erase(best);
      for (Candidate& candidate : candidates) {
        candidate.redundancy =
            std::max(candidate.redundancy, cosine(candidate.chunk, chosen.back().chunk));
      }
    }
    return chosen;
  }

  double score(const Candidate& candidate) const {
    return options_.lambda * candidate.relevance - (1.0 - options_.lambda) * candidate.redundancy;
  }

  double cosine(ChunkIndex left, ChunkIndex right) const {
    const std::span<const float> first = vectors_.subspan(left * dimension_, dimension_);
    const std::span<const float> second = vectors_.subspan(right * dimension_, dimension_);
    double sum = 0.0;
    for (std::size_t i = 0; i < dimension_; ++i) {
      sum += static_cast<double>(first[i]) * static_cast<double>(second[i]);
    }
    return sum;
  }

  MmrOptions options_;
  std::unique_ptr<Retriever> part_;
  std::span<const float> vectors_;
  std::size_t dimension_;
};

std::unique_ptr<Retriever> make_mmr(Options& options, const RetrieverParts& parts) {
  MmrOptions mmr = read_mmr_options(options);
  std::unique_ptr<Retriever> part = std::move(open_parts(mmr.part.parts, parts).front());
  KnowledgeBase& base = parts.knowledge_base;
  const RetrievalConfig& config = parts.config;
  return std::make_unique<MmrRetriever>(std::move(mmr), std::move(part),
                                        base.vectors(config.chunker, config.embedder),
                                        base.embedder(config.chunker, config.embedder).dimension());
}

}  // namespace

RetrieverEntry mmr_retriever() {
  return {.summary = "Maximal marginal relevance over another retriever: hits unlike each other",
          .example = {{"type", "mmr"},
                      {"top_k", 8},
                      {"lambda", 0.5},
                      {"parts", Json::array({{{"type", "dense"}}})},
                      {"pool", 50}},
          .check = [](Options& options) { read_mmr_options(options); },
          .make = make_mmr,
          .sections = {"chunker", "embedder", "index"},
          .list_options = {"parts"}};
}

}  // namespace crudbench
