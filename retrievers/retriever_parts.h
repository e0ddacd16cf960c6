#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "harness/core/options.h"
#include "retrievers/retriever.h"

namespace crudbench {

/// How a retriever that works on the hits of others is configured.
struct PartOptions {
  std::size_t pool = 100;   ///< Hits taken of every part, however many are asked for.
  std::vector<Json> parts;  ///< Resolved configurations of retrievers, without "top_k".
};

/// Reads "top_k", "pool" and "parts", by default `default_parts`, between `fewest` and `most` of
/// them. "top_k" is at most "pool", so that hits for a smaller "top_k" are a prefix of those for a
/// larger one. Parts must search the same chunks, so one without a chunker of its own ("gold",
/// "none") is refused. Throws Error(kInvalidConfig).
PartOptions read_part_options(Options& options, std::size_t default_pool, const Json& default_parts,
                              std::size_t fewest, std::size_t most);

/// The retrievers of `configs`, over the chunks, vectors and index of the whole.
std::vector<std::unique_ptr<Retriever>> open_parts(const std::vector<Json>& configs,
                                                   const RetrieverParts& parts);

}  // namespace crudbench
