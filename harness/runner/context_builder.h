#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/options.h"
#include "harness/core/types.h"
#include "harness/tasks/prompt_template.h"
#include "retrievers/chunk_table.h"

namespace crudbench {

/// How many tokens a text is. Callable from any thread.
using CountTokens = std::function<std::size_t(std::string_view text)>;

/// How hits become the context of a prompt.
struct ContextOptions {
  /// Most tokens of all passages and headers together, the empty lines between them not
  /// counted; 0 for no limit. A passage that does not fit whole is cut at the last code point that
  /// fits, and the ones after it are left out.
  std::size_t max_tokens = 0;
  /// Whose tokens: "auto", the generator's own where its vocabulary is known (llama), else those of
  /// cl100k; "cl100k"; or "model", those of `vocabulary_file`, for an endpoint whose model is
  /// known.
  std::string unit = "auto";
  std::string vocabulary_file;  ///< GGUF.
  CountTokens count_tokens;     ///< Of `unit`, see `ContextTokens`; none: cl100k's.
  /// "rank" (best first), "reverse" (best last, next to the question), "sides" (best at both ends:
  /// ranks 1, 3, 5, …, 6, 4, 2) or "document" (corpus order).
  std::string order = "rank";
  /// A passage is left out if its Jaccard similarity to a better-ranked one that stays is at least
  /// this; over sets of 5 consecutive characters, white space left out (a shorter text is one
  /// element). 1: equal sets only, as of equal texts; 0: nothing is left out.
  double dedupe = 0.0;
  /// What stands before every passage, e.g. "[{rank}] {doc_id}\n": {rank} is that of the hit, from
  /// 1, {score} has four decimals. Absent: nothing.
  std::optional<PromptTemplate> header;
};

/// Reads "max_tokens", "unit", "vocabulary_file", "order", "dedupe" and "header". Throws
/// Error(kInvalidConfig).
ContextOptions read_context_options(Options& options);

/// The passages as put into a prompt.
struct Context {
  std::vector<std::string> passages;  ///< Without headers.
  std::string text;                   ///< Headers and passages, an empty line between two passages.
  std::size_t char_count = 0;         ///< Of the passages.
  std::size_t token_count = 0;        ///< Counted as for `ContextOptions::max_tokens`.
  bool truncated = false;             ///< Passages were cut or left out to keep to the limit.
};

/// A hit on a table with windows is read with its neighbours; windows that overlap are one passage,
/// at the rank of the best of them. Then passages like better ones are left out, then the limit is
/// applied, both in rank order, so that the best passages are the ones that stay.
Context build_context(std::span<const Hit> hits, const ChunkTable& chunks,
                      const ContextOptions& options);

}  // namespace crudbench
