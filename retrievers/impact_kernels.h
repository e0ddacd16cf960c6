#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace crudbench {

/// Rows and sums are padded to a multiple of this many chunks.
inline constexpr std::size_t kStripChunks = 128;

/// The inner loops of ImpactIndex for one instruction set. All sets give the same results.
struct ImpactKernels {
  const char* name;

  /// sums[i] = the sum of row[i] over all rows, for i in [0, count); zeros without rows. The rows
  /// come in groups: group g ends before rows[group_ends[g]]. The levels of one chunk must add up
  /// to at most 255 within each group and to at most 65,535 in all. `count` must be a multiple of
  /// kStripChunks.
  void (*sum_rows)(std::span<const std::uint8_t* const> rows,
                   std::span<const std::size_t> group_ends, std::size_t count, std::uint16_t* sums);

  /// The smallest i in [begin, end) with sums[i] > limit; `end` if there is none. Reads up to
  /// sums[end + kStripChunks - 1], whatever stands there.
  std::size_t (*find_above)(const std::uint16_t* sums, std::size_t begin, std::size_t end,
                            std::uint16_t limit);
};

/// The kernels this machine can run, the fastest first, "portable" last.
std::span<const ImpactKernels> supported_impact_kernels();

}  // namespace crudbench
