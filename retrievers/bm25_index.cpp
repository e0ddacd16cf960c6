#include "retrievers/bm25_index.h"

#include <algorithm>

#include "retrievers/best_hits.h"
#include "retrievers/bm25_plain_search.h"

namespace crudbench {

Bm25Options read_bm25_options(Options& options) {
  constexpr double kLargestK1 = 1000.0;
  const Bm25Options defaults;
  return {.analyzer = read_analyzer_options(options),
          .k1 = options.number("k1", defaults.k1, 0.0, kLargestK1),
          .b = options.number("b", defaults.b, 0.0, 1.0)};
}

Bm25Index::Bm25Index(const Postings& postings, const Analyzer& analyzer, const Bm25Options& options,
                     Executor& executor)
    : postings_(&postings),
      analyzer_(&analyzer),
      weights_(postings, options.k1, options.b),
      impacts_(postings, weights_, executor) {}

std::vector<std::vector<Hit>> Bm25Index::search(std::span<const std::string_view> queries,
                                                std::size_t top_k, Executor& executor) const {
  std::vector<std::vector<Hit>> results(queries.size());
  constexpr std::size_t kQueriesPerRange = 8;
  run_ranges(executor, queries.size(), kQueriesPerRange, [&](std::size_t begin, std::size_t end) {
    Bm25Searcher searcher(*this);
    for (std::size_t query = begin; query < end; ++query) {
      results[query] = searcher.search(queries[query], top_k);
    }
  });
  return results;
}

Bm25Searcher::Bm25Searcher(const Bm25Index& index)
    : Bm25Searcher(index, supported_impact_kernels().front()) {}

Bm25Searcher::Bm25Searcher(const Bm25Index& index, const std::optional<ImpactKernels>& kernels)
    : index_(index), kernels_(kernels), reader_(*index.analyzer_) {}

std::vector<Hit> Bm25Searcher::search(std::string_view query, std::size_t top_k) {
  words_.clear();
  for (const std::string_view text : reader_.words(query)) {
    if (const auto word = index_.postings_->find(text)) {
      words_.push_back(*word);
    }
  }
  std::sort(words_.begin(), words_.end());
  query_.clear();
  for (auto first = words_.begin(); first != words_.end();) {
    const auto last = std::upper_bound(first, words_.end(), *first);
    query_.push_back({.word = *first, .occurrences = static_cast<std::uint32_t>(last - first)});
    first = last;
  }
  return search(query_, top_k);
}

std::vector<Hit> Bm25Searcher::search(std::span<const QueryWord> query, std::size_t top_k) {
  BestHits best(top_k);
  if (query.empty() || top_k == 0) {
    return {};
  }
  const ChunkIndex unseen =
      kernels_ ? index_.impacts_.search(query, *kernels_, buffers_, best) : ChunkIndex{0};
  search_plainly(*index_.postings_, index_.weights_, query, unseen, best);
  return std::move(best).take();
}

}  // namespace crudbench
