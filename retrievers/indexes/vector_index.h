#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace crudbench {

/// A row of an index and its inner product with the query.
struct Neighbor {
  std::uint32_t row = 0;
  float score = 0.0F;
};

/// Finds the rows of largest inner product.
///
/// Life: construct, then `build` or `load` once, then `search` from any one thread at a time.
class VectorIndex {
 public:
  virtual ~VectorIndex() = default;

  /// `rows` is row-major [n, dimension] and must outlive the index.
  virtual void build(std::span<const float> rows, std::size_t dimension) = 0;
  /// Writes what `load` needs besides the rows into `folder`; nothing where nothing is needed.
  virtual void save(const std::filesystem::path& folder) const = 0;
  virtual void load(const std::filesystem::path& folder, std::span<const float> rows,
                    std::size_t dimension) = 0;

  /// For each of the queries (row-major [m, dimension]) at most `top_k` rows, best first, ties by
  /// lower row. Fewer rows is a normal answer.
  virtual std::vector<std::vector<Neighbor>> search(std::span<const float> queries,
                                                    std::size_t top_k) const = 0;
};

}  // namespace crudbench
