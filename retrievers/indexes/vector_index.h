#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "harness/core/executor.h"

namespace crudbench {

/// A row of an index and its inner product with the query.
struct Neighbor {
  std::uint32_t row = 0;
  float score = 0.0F;

  friend bool operator==(const Neighbor&, const Neighbor&) = default;
};

/// Finds the rows of largest inner product.
///
/// Life: construct, then `build` or `load` once, then `search` from one thread at a time. Rows and
/// queries have L2 norm 1 or are zero. What is built and what is found do not depend on the number
/// of threads or on how queries are batched, and the neighbours for a smaller `top_k` are the first
/// of those for a larger one. Approximate indexes find fewer of the best rows; the scores of what
/// they find are exact.
class VectorIndex {
 public:
  virtual ~VectorIndex() = default;

  /// `rows` is row-major [n, dimension] and must outlive the index. Throws Error(kInvalidConfig) if
  /// the options do not fit the rows.
  virtual void build(std::span<const float> rows, std::size_t dimension, Executor& executor) = 0;
  /// Writes what `load` needs besides the rows into `folder`; nothing where nothing is needed.
  virtual void save(const std::filesystem::path& folder) const = 0;
  /// Throws Error(kInvalidData) if what stands there is damaged or does not fit the rows.
  virtual void load(const std::filesystem::path& folder, std::span<const float> rows,
                    std::size_t dimension) = 0;

  /// For each of the queries (row-major [m, dimension]) at most `top_k` rows, best first, ties by
  /// lower row. Fewer rows is a normal answer. Throws Error(kInvalidConfig) if `top_k` is more than
  /// the options allow.
  virtual std::vector<std::vector<Neighbor>> search(std::span<const float> queries,
                                                    std::size_t top_k,
                                                    Executor& executor) const = 0;
};

/// The options by which indexes search, whatever the member: they have no part in what is built, so
/// that a sweep of them builds once.
inline constexpr std::array<std::string_view, 3> kIndexSearchOptions{"ef_search", "probes",
                                                                     "rerank"};

}  // namespace crudbench
