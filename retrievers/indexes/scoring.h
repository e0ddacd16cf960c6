#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "retrievers/indexes/vector_index.h"

namespace crudbench {

/// The order of neighbours: by falling score, equal scores by lower row.
inline bool is_better(const Neighbor& left, const Neighbor& right) noexcept {
  return left.score != right.score ? left.score > right.score : left.row < right.row;
}

/// The inner product in double precision, rounded once: the score of every neighbour.
float exact_inner_product(const float* left, const float* right, std::size_t dimension) noexcept;

/// The inner product in float, by which candidates are found: by AVX-512, AVX2 or SSE2, always
/// summed in the same order, hence equal on every machine, as are graphs that are built with it.
using InnerProduct = float (*)(const float* left, const float* right, std::size_t dimension);
/// The same with bytes on the right.
using ByteInnerProduct = float (*)(const float* left, const std::uint8_t* right,
                                   std::size_t dimension);
/// Those that this machine can run, the fastest first.
std::span<const InnerProduct> supported_inner_products();
std::span<const ByteInnerProduct> supported_byte_inner_products();
inline InnerProduct fast_inner_product() {
  return supported_inner_products().front();
}
inline ByteInnerProduct fast_byte_inner_product() {
  return supported_byte_inner_products().front();
}

/// How far a float inner product of two vectors of norm at most 1 may be from the exact one, times
/// two: in whatever order it is summed, it is off by at most dimension * epsilon / 2 (Higham 2002,
/// section 3.1).
float rounding_of_two_scores(std::size_t dimension) noexcept;

/// Keeps the best `count` in order.
void keep_best(std::vector<Neighbor>& neighbors, std::size_t count);

/// Replaces the scores of `candidates`, which are rows of `rows` (row-major [n, dimension]), by
/// exact ones and keeps the best `top_k` in order.
void rescore(const float* query, std::span<const float> rows, std::size_t dimension,
             std::size_t top_k, std::vector<Neighbor>& candidates);

/// Calls `search_one` for every query (row-major [m, dimension]) on the executor's threads.
std::vector<std::vector<Neighbor>> search_each(
    std::span<const float> queries, std::size_t dimension, Executor& executor,
    const std::function<void(const float* query, std::vector<Neighbor>& result)>& search_one);

/// Throws Error(kInvalidConfig) if more hits are asked for than the option `name` lets the index
/// look at: a pool that grew with `top_k` would give other hits for a larger one.
void check_pool(std::string_view index, std::string_view name, std::size_t pool, std::size_t top_k,
                std::size_t row_count);

}  // namespace crudbench
