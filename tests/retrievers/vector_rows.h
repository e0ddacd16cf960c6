#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/core/random.h"

namespace crudbench::testing_support {

/// Scales each row of `rows` to L2 norm 1.
inline void normalise_rows(std::vector<float>& rows, std::size_t dimension) {
  for (std::size_t first = 0; first < rows.size(); first += dimension) {
    double square = 0.0;
    for (std::size_t i = 0; i < dimension; ++i) {
      square += static_cast<double>(rows[first + i]) * static_cast<double>(rows[first + i]);
    }
    for (std::size_t i = 0; i < dimension; ++i) {
      rows[first + i] /= static_cast<float>(std::sqrt(square));
    }
  }
}

/// Rows like those that LSA makes of news: subjects, stories within them and articles on a story,
/// most of the variance in the first dimensions. Row r is an article on story r % stories. On
/// uniformly random rows, which have no neighbours to speak of, every approximate index fails.
inline std::vector<float> news_like_rows(std::size_t count, std::size_t dimension,
                                         std::uint64_t seed) {
  constexpr std::size_t kSubjects = 20;
  constexpr std::size_t kStories = 400;
  const auto add_noise = [dimension](std::span<float> row, double size, const std::string& name) {
    Random random(derive_seed(22, name));
    for (std::size_t i = 0; i < dimension; ++i) {
      const double spread = 1.0 / std::sqrt(1.0 + static_cast<double>(i));
      row[i] += static_cast<float>(size * spread * random.normal());
    }
  };
  std::vector<float> rows(count * dimension);
  for (std::size_t r = 0; r < count; ++r) {
    const std::span<float> row = std::span(rows).subspan(r * dimension, dimension);
    const std::size_t story = r % kStories;
    add_noise(row, 1.0, "subject " + std::to_string(story % kSubjects));
    add_noise(row, 0.7, "story " + std::to_string(story));
    add_noise(row, 0.5, "article " + std::to_string(seed) + " " + std::to_string(r));
  }
  normalise_rows(rows, dimension);
  return rows;
}

}  // namespace crudbench::testing_support
