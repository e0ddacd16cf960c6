#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
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
/// queries have L2 norm 1 or are zero. Results do not depend on how queries are batched or on the
/// number of threads.
class VectorIndex {
 public:
  virtual ~VectorIndex() = default;

  /// `rows` is row-major [n, dimension] and must outlive the index.
  virtual void build(std::span<const float> rows, std::size_t dimension, Executor& executor) = 0;
  /// Writes what `load` needs besides the rows into `folder`; nothing where nothing is needed.
  virtual void save(const std::filesystem::path& folder) const = 0;
  /// Throws Error(kInvalidData) if what stands there does not fit the rows.
  virtual void load(const std::filesystem::path& folder, std::span<const float> rows,
                    std::size_t dimension) = 0;

  /// For each of the queries (row-major [m, dimension]) at most `top_k` rows, best first, ties by
  /// lower row. Fewer rows is a normal answer.
  virtual std::vector<std::vector<Neighbor>> search(std::span<const float> queries,
                                                    std::size_t top_k,
                                                    Executor& executor) const = 0;
};

}  // namespace crudbench
