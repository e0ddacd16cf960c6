#pragma once

#include <cmath>
#include <span>

namespace crudbench {

/// Scales a row to L2 norm 1; zeros stay zeros. False, and the row is left, if a value is not
/// finite.
inline bool scale_to_unit(std::span<float> row) {
  double square = 0.0;
  for (const float value : row) {
    square += static_cast<double>(value) * static_cast<double>(value);
  }
  if (!std::isfinite(square)) {
    return false;
  }
  if (square > 0.0) {
    const double factor = 1.0 / std::sqrt(square);
    for (float& value : row) {
      value = static_cast<float>(value * factor);
    }
  }
  return true;
}

}  // namespace crudbench
