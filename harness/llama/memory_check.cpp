#include "harness/llama/memory_check.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <string>

#include "harness/core/error.h"

namespace crudbench {

namespace {

/// "3.4 GiB", "12 MiB".
std::string in_words(std::uint64_t bytes) {
  constexpr double kMebi = 1024.0 * 1024.0;
  const double mebibytes = static_cast<double>(bytes) / kMebi;
  char text[32];
  if (mebibytes < 1024.0) {
    std::snprintf(text, sizeof text, "%.0f MiB", mebibytes);
  } else {
    std::snprintf(text, sizeof text, "%.1f GiB", mebibytes / 1024.0);
  }
  return text;
}

/// MemAvailable of /proc/meminfo (proc(5)); 0 if unknown.
std::uint64_t system_bytes() {
  std::ifstream file("/proc/meminfo");
  for (std::string key, unit; file >> key;) {
    std::uint64_t kibibytes = 0;
    if (key == "MemAvailable:" && file >> kibibytes) {
      return kibibytes * 1024;
    }
    std::getline(file, unit);
  }
  return 0;
}

/// What is left of the control group's limit (cgroup v2); the largest number if there is none.
std::uint64_t group_bytes() {
  std::ifstream limit_file("/sys/fs/cgroup/memory.max");
  std::ifstream used_file("/sys/fs/cgroup/memory.current");
  std::uint64_t limit = 0;
  std::uint64_t used = 0;
  const bool is_known = (limit_file >> limit) && (used_file >> used);
  return is_known ? limit - std::min(limit, used) : std::numeric_limits<std::uint64_t>::max();
}

}  // namespace

std::uint64_t available_memory_bytes() {
  return std::min(system_bytes(), group_bytes());
}

void require_memory(const MemoryEstimate& needed, std::uint64_t available_bytes) {
  if (available_bytes == 0 || needed.total() <= available_bytes) {
    return;
  }
  throw Error(ErrorCode::kInvalidConfig,
              "the model needs about " + in_words(needed.total()) + " of memory (weights " +
                  in_words(needed.weights) + ", cache of keys and values " +
                  in_words(needed.kv_cache) + ", computation " + in_words(needed.compute) +
                  ") and " + in_words(available_bytes) +
                  " are available; a smaller \"context\", \"parallel\" or \"kv_type\" makes the "
                  "cache smaller, a stronger quantization the weights");
}

}  // namespace crudbench
