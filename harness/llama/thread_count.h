#pragma once

#include <cstddef>

struct llama_context;

namespace crudbench {

/// Cores that this process may use.
std::size_t usable_cores();

/// The number of threads that decodes single tokens fastest on this machine as it is now: all
/// cores, and fewer, are tried for some tokens each. More threads than idle cores are slower than
/// fewer: they wait for each other at every tensor. Leaves the context's cache empty.
std::size_t fastest_thread_count(llama_context* context);

}  // namespace crudbench
