#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace crudbench {

/// xoshiro256** (Blackman, Vigna 2018) seeded through splitmix64: the same numbers on every
/// platform and standard library, which `<random>`'s distributions do not promise.
class Random {
 public:
  explicit Random(std::uint64_t seed);
  std::uint64_t next();
  /// Uniform in [0, bound), bound >= 1, without bias.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1), 53 bits.
  double unit();
  /// Standard normal (Marsaglia's polar method).
  double normal();

 private:
  std::uint64_t state_[4];
  double spare_ = 0.0;
  bool has_spare_ = false;
};

/// A seed for one item of a seeded whole: independent of order and thread.
std::uint64_t derive_seed(std::uint64_t seed, std::string_view item);

/// `count` of the positions 0 … size-1, each as likely, in ascending order; all of them if
/// `count >= size`.
std::vector<std::size_t> sample_positions(std::size_t size, std::size_t count, std::uint64_t seed);

}  // namespace crudbench
