#include <algorithm>
#include <faiss/Index.h>
#include <faiss/utils/distances.h>
#include <functional>
#include <limits>
#include <string>

#include "retrievers/indexes/builtin_indexes.h"
#include "retrievers/indexes/faiss_threads.h"
#include "retrievers/indexes/scoring.h"

namespace crudbench {

namespace {

constexpr std::size_t kQueriesPerBatch = 256;
constexpr std::size_t kRowsPerRange = 32768;
/// Rows fetched beyond `top_k`, so that rows whose order rounding decides are seldom cut off.
constexpr std::size_t kMargin = 16;

/// Exhaustive search by FAISS over BLAS, on the rows where they lie. BLAS rounds differently from
/// one machine, batch and position to the next, so its scores only choose candidates: all rows that
/// rounding could put among the best are scored again by `exact_inner_product`.
class FlatIndex final : public VectorIndex {
 public:
  void build(std::span<const float> rows, std::size_t dimension, Executor&) override {
    rows_ = rows;
    dimension_ = dimension;
  }

  void save(const std::filesystem::path&) const override {}

  void load(const std::filesystem::path&, std::span<const float> rows,
            std::size_t dimension) override {
    rows_ = rows;
    dimension_ = dimension;
  }

  std::vector<std::vector<Neighbor>> search(std::span<const float> queries, std::size_t top_k,
                                            Executor& executor) const override {
    const std::size_t query_count = queries.size() / dimension_;
    std::vector<std::vector<Neighbor>> results(query_count);
    for (std::size_t first = 0; first < query_count && top_k > 0; first += kQueriesPerBatch) {
      const std::size_t count = std::min(kQueriesPerBatch, query_count - first);
      search_batch(queries.subspan(first * dimension_, count * dimension_), top_k,
                   std::span(results).subspan(first, count), executor);
    }
    return results;
  }

 private:
  /// The best `fetched` rows of a range for each query of a batch, by BLAS; row -1 where there are
  /// fewer.
  struct RangeResult {
    std::size_t fetched = 0;
    std::vector<float> scores;       // [query, fetched], descending
    std::vector<std::int64_t> rows;  // [query, fetched], within the range
  };

  const float* row(std::size_t index) const { return rows_.data() + index * dimension_; }

  void search_batch(std::span<const float> queries, std::size_t top_k,
                    std::span<std::vector<Neighbor>> results, Executor& executor) const {
    const std::size_t row_count = rows_.size() / dimension_;
    std::vector<RangeResult> ranges((row_count + kRowsPerRange - 1) / kRowsPerRange);
    run_ranges(executor, row_count, kRowsPerRange, [&](std::size_t begin, std::size_t end) {
      keep_faiss_on_this_thread();
      RangeResult& range = ranges[begin / kRowsPerRange];
      range.fetched = std::min(top_k + kMargin, end - begin);
      range.scores.resize(results.size() * range.fetched);
      range.rows.resize(results.size() * range.fetched);
      faiss::knn_inner_product(queries.data(), row(begin), dimension_, results.size(), end - begin,
                               range.fetched, range.scores.data(), range.rows.data());
    });
    constexpr std::size_t kQueriesPerRange = 16;
    run_ranges(executor, results.size(), kQueriesPerRange, [&](std::size_t begin, std::size_t end) {
      for (std::size_t query = begin; query < end; ++query) {
        results[query] = merge(queries.data() + query * dimension_, query, ranges, top_k);
      }
    });
  }

  std::vector<Neighbor> merge(const float* query, std::size_t query_position,
                              std::span<const RangeResult> ranges, std::size_t top_k) const {
    const float cutoff = lowest_candidate(query_position, ranges, top_k);
    const std::size_t row_count = rows_.size() / dimension_;
    std::vector<Neighbor> best;
    const auto offer = [&](std::size_t index) {
      best.push_back(
          {static_cast<std::uint32_t>(index), exact_inner_product(query, row(index), dimension_)});
    };
    for (std::size_t r = 0; r < ranges.size(); ++r) {
      const RangeResult& range = ranges[r];
      const std::size_t first_row = r * kRowsPerRange;
      const std::size_t size = std::min(kRowsPerRange, row_count - first_row);
      const float* scores = range.scores.data() + query_position * range.fetched;
      const std::int64_t* rows = range.rows.data() + query_position * range.fetched;
      if (range.fetched < size && scores[range.fetched - 1] >= cutoff) {
        // More rows than were fetched may be candidates, as where many chunks have the same text.
        for (std::size_t i = 0; i < size; ++i) {
          offer(first_row + i);
        }
        continue;
      }
      for (std::size_t i = 0; i < range.fetched && scores[i] >= cutoff; ++i) {
        offer(first_row + static_cast<std::size_t>(rows[i]));
      }
    }
    keep_best(best, top_k);
    return best;
  }

  /// A row with a lower BLAS score is not among the best `top_k`. That is the `top_k`-th best BLAS
  /// score, less what rounding can make of two of them.
  float lowest_candidate(std::size_t query_position, std::span<const RangeResult> ranges,
                         std::size_t top_k) const {
    std::vector<float> scores;
    for (const RangeResult& range : ranges) {
      const auto first =
          range.scores.begin() + static_cast<std::ptrdiff_t>(query_position * range.fetched);
      scores.insert(scores.end(), first, first + static_cast<std::ptrdiff_t>(range.fetched));
    }
    if (scores.size() <= top_k) {
      return -std::numeric_limits<float>::infinity();
    }
    const auto last = scores.begin() + static_cast<std::ptrdiff_t>(top_k - 1);
    std::nth_element(scores.begin(), last, scores.end(), std::greater<>());
    return *last - rounding_of_two_scores(dimension_);
  }

  std::span<const float> rows_;
  std::size_t dimension_ = 1;
};

}  // namespace

Registry<VectorIndex>::Entry flat_index() {
  return {.summary = "Exact search over all vectors (FAISS, BLAS)",
          .example = {{"type", "flat"}},
          .check = [](Options&) {},
          .make = [](Options&) { return std::make_unique<FlatIndex>(); }};
}

std::string faiss_version() {
  return std::to_string(FAISS_VERSION_MAJOR) + "." + std::to_string(FAISS_VERSION_MINOR) + "." +
         std::to_string(FAISS_VERSION_PATCH);
}

}  // namespace crudbench
