#include "harness/core/random.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

namespace crudbench {

namespace {

std::uint64_t splitmix(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15U;
  std::uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
  return mixed ^ (mixed >> 31U);
}

}  // namespace

Random::Random(std::uint64_t seed) : state_{} {
  for (std::uint64_t& word : state_) {
    word = splitmix(seed);
  }
}

std::uint64_t Random::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17U;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Random::below(std::uint64_t bound) {
  // Rejects the first (2^64 mod bound) values, so that every remainder is as likely.
  const std::uint64_t threshold = (0 - bound) % bound;
  for (;;) {
    const std::uint64_t value = next();
    if (value >= threshold) {
      return value % bound;
    }
  }
}

double Random::unit() {
  return static_cast<double>(next() >> 11U) * 0x1.0p-53;
}

double Random::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  for (;;) {
    const double x = 2.0 * unit() - 1.0;
    const double y = 2.0 * unit() - 1.0;
    const double square = x * x + y * y;
    if (square > 0.0 && square < 1.0) {
      const double factor = std::sqrt(-2.0 * std::log(square) / square);
      spare_ = y * factor;
      has_spare_ = true;
      return x * factor;
    }
  }
}

std::uint64_t derive_seed(std::uint64_t seed, std::string_view item) {
  // FNV-1a over the item, mixed with the seed.
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char byte : item) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3U;
  }
  std::uint64_t state = seed ^ hash;
  return splitmix(state);
}

std::vector<std::size_t> sample_positions(std::size_t size, std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> positions(size);
  std::iota(positions.begin(), positions.end(), std::size_t{0});
  if (count >= size) {
    return positions;
  }
  Random random(seed);
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(positions[i], positions[i + random.below(size - i)]);
  }
  positions.resize(count);
  std::sort(positions.begin(), positions.end());
  return positions;
}

}  // namespace crudbench
