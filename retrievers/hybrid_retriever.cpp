#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "harness/core/log.h"
#include "retrievers/builtin_retrievers.h"
#include "retrievers/knowledge_base.h"
#include "retrievers/rank_fusion.h"
#include "retrievers/retriever_parts.h"
#include "retrievers/self_retrieval.h"

namespace crudbench {

namespace {

struct HybridOptions {
  PartOptions parts;
  std::vector<double> weights;  ///< [part] Empty: by how well the parts do on the corpus itself.
  bool by_rank = false;         ///< Reciprocal rank fusion; else weighted normalised scores.
  double c = 60.0;              ///< Damps the lead of the first ranks.
  Normalization normalization = Normalization::kMinMax;
};

/// "c" belongs to one way to fuse and "normalization" to the other.
void refuse_key(const Options& options, std::string_view key, const std::string& fusion) {
  if (options.has(key)) {
    options.fail(key, "no such key with \"fusion\": \"" + fusion + "\"");
  }
}

/// Whether retrieving costs no more than computing here: no program, endpoint or generator is
/// asked.
bool is_cheap(const Json& retriever) {
  const auto parts = retriever.find("parts");
  return !retriever.contains("command") && !retriever.contains("base_url") &&
         !retriever.contains("generator") && !retriever.contains("model") &&
         (parts == retriever.end() || std::all_of(parts->begin(), parts->end(), is_cheap));
}

/// "weights": a list, or "auto". By default reciprocal ranks have equal weights, as published, and
/// scores those of "auto" where that is cheap.
std::vector<double> read_weights(Options& options, const HybridOptions& hybrid) {
  const std::vector<Json>& parts = hybrid.parts.parts;
  const bool are_cheap = std::all_of(parts.begin(), parts.end(), is_cheap);
  const Json written = options.raw("weights");
  if (written == "auto" || (written.is_null() && !hybrid.by_rank && are_cheap)) {
    if (!are_cheap) {
      options.fail("weights",
                   "a list of numbers, since parts that ask a program or an endpoint are "
                   "not measured on the corpus");
    }
    options.record("weights", "auto");
    return {};
  }
  std::vector<double> weights = options.numbers(
      "weights", std::vector<double>(parts.size(), 1.0 / static_cast<double>(parts.size())));
  const bool positive =
      std::all_of(weights.begin(), weights.end(), [](double weight) { return weight > 0.0; });
  if (weights.size() != parts.size() || !positive) {
    options.fail("weights", "\"auto\", or a list of " + std::to_string(parts.size()) +
                                " positive numbers, one a part");
  }
  return weights;
}

HybridOptions read_hybrid_options(Options& options) {
  constexpr std::array<std::string_view, 2> kFusions{"weighted", "rrf"};
  constexpr std::array<std::string_view, 2> kNormalizations{"min_max", "z_score"};
  HybridOptions hybrid;
  hybrid.parts = read_part_options(options, 100, {{{"type", "bm25"}}, {{"type", "dense"}}}, 2,
                                   std::numeric_limits<std::size_t>::max());
  const std::string fusion = options.one_of("fusion", kFusions, kFusions[0]);
  hybrid.by_rank = fusion == kFusions[1];
  if (hybrid.by_rank) {
    refuse_key(options, "normalization", fusion);
    hybrid.c = options.number("c", hybrid.c, 0.0, 1e6);
  } else {
    refuse_key(options, "c", fusion);
    const std::string name = options.one_of("normalization", kNormalizations, kNormalizations[0]);
    hybrid.normalization =
        name == kNormalizations[0] ? Normalization::kMinMax : Normalization::kZScore;
  }
  hybrid.weights = read_weights(options, hybrid);
  return hybrid;
}

/// Fuses over chunk ids. Each part contributes its best `pool` hits, however many are asked for,
/// and scores are normalised over those, so that hits for a smaller `top_k` are a prefix of those
/// for a larger one; upstream, which fuses lists of `top_k`, has no such order. A query that fails
/// in a part fails.
class HybridRetriever final : public Retriever {
 public:
  HybridRetriever(HybridOptions options, std::vector<std::unique_ptr<Retriever>> parts)
      : options_(std::move(options)), parts_(std::move(parts)) {}

  std::vector<Retrieval> retrieve(std::span<const Query> queries, std::size_t top_k,
                                  Executor& executor) const override {
    std::vector<std::vector<Retrieval>> by_part;
    by_part.reserve(parts_.size());
    for (const std::unique_ptr<Retriever>& part : parts_) {
      by_part.push_back(part->retrieve(queries, options_.parts.pool, executor));
    }
    return fuse_parts(std::move(by_part), top_k);
  }
  std::vector<Retrieval> retrieve_like(std::span<const Query> queries, std::size_t top_k,
                                       Executor& executor) const override {
    std::vector<std::vector<Retrieval>> by_part;
    by_part.reserve(parts_.size());
    for (const std::unique_ptr<Retriever>& part : parts_) {
      by_part.push_back(part->retrieve_like(queries, options_.parts.pool, executor));
    }
    return fuse_parts(std::move(by_part), top_k);
  }

  void prepare(std::span<const Query> queries, const std::stop_token& stop) const override {
    for (const std::unique_ptr<Retriever>& part : parts_) {
      part->prepare(queries, stop);
    }
  }

  const ChunkTable& chunks() const override { return parts_.front()->chunks(); }

 private:
  /// `by_part` is [part, query].
  std::vector<Retrieval> fuse_parts(std::vector<std::vector<Retrieval>> by_part,
                                    std::size_t top_k) const {
    std::vector<Retrieval> retrievals(by_part.front().size());
    for (std::size_t query = 0; query < retrievals.size(); ++query) {
      std::vector<std::vector<Hit>> lists;
      for (std::vector<Retrieval>& part : by_part) {
        if (part[query].failure && !retrievals[query].failure) {
          retrievals[query].failure = part[query].failure;
        }
        lists.push_back(std::move(part[query].hits));
      }
      if (!retrievals[query].failure) {
        std::vector<Hit> fused = fuse(lists);
        fused.resize(std::min(fused.size(), top_k));
        retrievals[query].hits = std::move(fused);
      }
    }
    return retrievals;
  }

  std::vector<Hit> fuse(const std::vector<std::vector<Hit>>& lists) const {
    return options_.by_rank ? fuse_ranks(lists, options_.weights, options_.c)
                            : fuse_scores(lists, options_.weights, options_.normalization);
  }

  HybridOptions options_;
  std::vector<std::unique_ptr<Retriever>> parts_;
};

/// Each part weighs as much as it finds of the corpus by the corpus.
std::vector<double> measure_weights(const std::vector<std::unique_ptr<Retriever>>& parts,
                                    Executor& executor) {
  std::vector<double> qualities;
  for (const std::unique_ptr<Retriever>& part : parts) {
    qualities.push_back(self_retrieval_quality(*part, executor));
  }
  std::vector<double> weights = weights_by_quality(qualities);
  log_info("hybrid", "weights " + to_text(weights) + ", from mean reciprocal ranks of " +
                         to_text(qualities) + " on the corpus itself");
  return weights;
}

std::unique_ptr<Retriever> make_hybrid(Options& options, const RetrieverParts& parts) {
  HybridOptions hybrid = read_hybrid_options(options);
  std::vector<std::unique_ptr<Retriever>> retrievers = open_parts(hybrid.parts.parts, parts);
  if (hybrid.weights.empty()) {
    hybrid.weights = measure_weights(retrievers, parts.knowledge_base.executor());
  }
  return std::make_unique<HybridRetriever>(std::move(hybrid), std::move(retrievers));
}

}  // namespace

RetrieverEntry hybrid_retriever() {
  return {.summary = "Fusion of other retrievers, by weighted normalised score or by rank (RRF)",
          .example = {{"type", "hybrid"},
                      {"top_k", 8},
                      {"fusion", "weighted"},
                      {"normalization", "min_max"},
                      {"weights", "auto"},
                      {"parts", {{{"type", "bm25"}}, {{"type", "dense"}}}},
                      {"pool", 100}},
          .check = [](Options& options) { read_hybrid_options(options); },
          .make = make_hybrid,
          .sections = {"chunker", "embedder", "index"},
          .list_options = {"weights", "parts"}};
}

}  // namespace crudbench
