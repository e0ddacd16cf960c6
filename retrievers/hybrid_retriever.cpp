#include <algorithm>
#include <stdexcept>
#include <string>

#include "retrievers/builtin_retrievers.h"
#include "retrievers/knowledge_base.h"
#include "retrievers/rank_fusion.h"

namespace crudbench {

namespace {

struct HybridOptions {
  double c = 60.0;              ///< Damps the lead of the first ranks.
  std::size_t pool = 100;       ///< Hits taken of every part.
  std::vector<Json> parts;      ///< Resolved configurations of retrievers, without "top_k".
  std::vector<double> weights;  ///< [part]
};

/// The configuration of a part with its defaults filled in. Parts must search the same chunks, so
/// one that has no chunker of its own ("gold", "none") is refused.
Json resolve_part(const Json& value, const Options& options, std::size_t position) {
  Catalog catalog;
  add_builtin_retrievers(catalog);
  const std::string pointer = options.pointer_to("parts") + "/" + std::to_string(position);
  Options part(value, options.file(), pointer);
  const std::vector<std::string>& sections = catalog.retrievers.entry_for(part).sections;
  if (std::find(sections.begin(), sections.end(), "chunker") == sections.end()) {
    part.fail("type", "a retriever that searches chunks");
  }
  if (part.has("top_k")) {
    part.fail("top_k", "no such key here, since \"pool\" says how deep the parts look");
  }
  Json resolved = catalog.retrievers.resolve(value, options.file(), pointer);
  resolved.erase("top_k");
  return resolved;
}

HybridOptions read_hybrid_options(Options& options) {
  HybridOptions hybrid;
  const std::size_t top_k = read_top_k(options);
  hybrid.c = options.number("c", hybrid.c, 0.0, 1e6);
  hybrid.pool =
      static_cast<std::size_t>(options.integer("pool", static_cast<int>(hybrid.pool), 1, 10'000));
  if (top_k > hybrid.pool) {
    options.fail("top_k", "an integer of at most \"pool\" (" + std::to_string(hybrid.pool) + ")");
  }
  Json parts = options.raw("parts");
  if (parts.is_null()) {
    parts = {{{"type", "bm25"}}, {{"type", "dense"}}};
  }
  if (!parts.is_array() || parts.size() < 2) {
    options.fail("parts", "a list of two or more retrievers");
  }
  for (const Json& part : parts) {
    hybrid.parts.push_back(resolve_part(part, options, hybrid.parts.size()));
  }
  options.record("parts", hybrid.parts);
  const auto part_count = static_cast<double>(hybrid.parts.size());
  hybrid.weights =
      options.numbers("weights", std::vector<double>(hybrid.parts.size(), 1.0 / part_count));
  const bool positive = std::all_of(hybrid.weights.begin(), hybrid.weights.end(),
                                    [](double weight) { return weight > 0.0; });
  if (hybrid.weights.size() != hybrid.parts.size() || !positive) {
    options.fail("weights", "a list of " + std::to_string(hybrid.parts.size()) +
                                " positive numbers, one a part");
  }
  return hybrid;
}

/// Reciprocal rank fusion over chunk ids. Each part contributes its best `pool` hits, however many
/// are asked for, so that hits for a smaller `top_k` are a prefix of those for a larger one;
/// upstream, which fuses lists of `top_k`, has no such order. A query that fails in a part fails.
class HybridRetriever final : public Retriever {
 public:
  HybridRetriever(HybridOptions options, std::vector<std::unique_ptr<Retriever>> parts)
      : options_(std::move(options)), parts_(std::move(parts)) {}

  std::vector<Retrieval> retrieve(std::span<const Query> queries, std::size_t top_k,
                                  Executor& executor) const override {
    std::vector<std::vector<Retrieval>> by_part;
    by_part.reserve(parts_.size());
    for (const std::unique_ptr<Retriever>& part : parts_) {
      by_part.push_back(part->retrieve(queries, options_.pool, executor));
    }
    std::vector<Retrieval> retrievals(queries.size());
    for (std::size_t query = 0; query < queries.size(); ++query) {
      std::vector<std::vector<Hit>> lists;
      for (std::vector<Retrieval>& part : by_part) {
        if (part[query].failure && !retrievals[query].failure) {
          retrievals[query].failure = part[query].failure;
        }
        lists.push_back(std::move(part[query].hits));
      }
      if (!retrievals[query].failure) {
        std::vector<Hit> fused = fuse_ranks(lists, options_.weights, options_.c);
        fused.resize(std::min(fused.size(), top_k));
        retrievals[query].hits = std::move(fused);
      }
    }
    return retrievals;
  }

  const ChunkTable& chunks() const override { return parts_.front()->chunks(); }

 private:
  HybridOptions options_;
  std::vector<std::unique_ptr<Retriever>> parts_;
};

std::unique_ptr<Retriever> make_hybrid(Options& options, const RetrieverParts& parts) {
  HybridOptions hybrid = read_hybrid_options(options);
  std::vector<std::unique_ptr<Retriever>> retrievers;
  for (const Json& part : hybrid.parts) {
    RetrievalConfig config = parts.config;
    config.retriever = part;
    retrievers.push_back(parts.knowledge_base.open(config));
  }
  return std::make_unique<HybridRetriever>(std::move(hybrid), std::move(retrievers));
}

}  // namespace

RetrieverEntry hybrid_retriever() {
  return {.summary = "Reciprocal rank fusion of other retrievers",
          .example = {{"type", "hybrid"},
                      {"top_k", 8},
                      {"c", 60},
                      {"weights", {0.5, 0.5}},
                      {"parts", {{{"type", "bm25"}}, {{"type", "dense"}}}},
                      {"pool", 100}},
          .check = [](Options& options) { read_hybrid_options(options); },
          .make = make_hybrid,
          .sections = {"chunker", "embedder", "index"},
          .list_options = {"weights", "parts"}};
}

}  // namespace crudbench
