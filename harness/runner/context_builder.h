#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "harness/core/options.h"
#include "harness/core/types.h"
#include "retrievers/chunk_table.h"

namespace crudbench {

/// How hits become the context of a prompt.
struct ContextOptions {
  /// Most cl100k tokens of all passages together; 0 for no limit. A passage that does not fit whole
  /// is cut at the last code point that fits, and the ones after it are left out.
  std::size_t max_tokens = 0;
  /// "rank" (best first), "reverse" (best last, next to the question) or "document" (corpus order).
  std::string order = "rank";
};

/// Throws Error(kInvalidConfig).
ContextOptions read_context_options(Options& options);

/// The passages as put into a prompt.
struct Context {
  std::vector<std::string> passages;
  std::string text;  ///< The passages, an empty line between two.
  std::size_t char_count = 0;
  bool truncated = false;
};

/// The limit is applied in rank order, so that the best passages are the ones that stay.
Context build_context(std::span<const Hit> hits, const ChunkTable& chunks,
                      const ContextOptions& options);

}  // namespace crudbench
