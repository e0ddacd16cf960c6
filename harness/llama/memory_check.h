#pragma once

#include <cstdint>

#include "harness/llama/gguf_file.h"

namespace crudbench {

/// Bytes that this process may still take: what the system can give without swapping, within the
/// limit of its control group; 0 where neither is known.
std::uint64_t available_memory_bytes();

/// Throws Error(kInvalidConfig) with all numbers if `needed` is more than `available_bytes`; 0
/// stands for enough.
void require_memory(const MemoryEstimate& needed, std::uint64_t available_bytes);

}  // namespace crudbench
