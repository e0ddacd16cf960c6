#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The words of the benchmark (docs/architecture.md) as values. Everything here is an aggregate.
namespace crudbench {

/// Position of a document in its corpus, of a chunk in its chunk table.
using DocumentIndex = std::uint32_t;
using ChunkIndex = std::uint32_t;

/// Half-open byte range of a UTF-8 text; both ends lie on code point boundaries.
struct ByteSpan {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  friend bool operator==(const ByteSpan&, const ByteSpan&) = default;
};

/// The text fields of one dataset record, by upstream's names ("event", "news1", …).
using Fields = std::map<std::string, std::string, std::less<>>;

/// One task item.
struct Sample {
  std::string sample_id;
  std::string task;  ///< Upstream's task key: "event_summary", …
  Fields fields;
  /// The documents that hold the answer, in the order of the record's fields; empty when they are
  /// not part of the corpus. Never two documents of equal text.
  std::vector<DocumentIndex> gold_documents;
};

/// What is sent to a retriever.
struct Query {
  std::string_view text;
  std::span<const DocumentIndex> gold_documents;  ///< For the oracle retriever and for nobody else.
};

/// One retrieved chunk. Ranks are positions in the list of hits, from 1.
struct Hit {
  ChunkIndex chunk = 0;
  double score = 0.0;  ///< Higher is better, for every retriever.

  friend bool operator==(const Hit&, const Hit&) = default;
};

/// The step at which a sample failed.
enum class Stage { kRetrieval, kPrompt, kGeneration, kScoring };

/// "retrieval", "prompt", "generation", "scoring".
std::string_view to_string(Stage stage) noexcept;
/// The inverse of `to_string`; nullopt for any other text.
std::optional<Stage> parse_stage(std::string_view name) noexcept;

/// Why a sample, an attempt or a metric has no value. `failure_class` is one of the documented
/// names (docs/failures.md): "timeout", "rate_limited", "empty", …
struct Failure {
  Stage stage = Stage::kGeneration;
  std::string failure_class;
  std::string message;  ///< For people; never holds a secret.

  friend bool operator==(const Failure&, const Failure&) = default;
};

/// Token counts as the provider reports them; -1 where it does not.
struct Usage {
  std::int64_t prompt_tokens = -1;
  std::int64_t cached_prompt_tokens = -1;
  std::int64_t completion_tokens = -1;

  friend bool operator==(const Usage&, const Usage&) = default;
};

}  // namespace crudbench
