#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/executor.h"

namespace crudbench {

class ChunkTable;

enum class TextRole { kQuery, kPassage };

/// The tokens of a text, as an embedder sees them, with a vector each.
struct TokenVectors {
  std::vector<std::string> tokens;
  /// Row-major [tokens.size(), dimension()], each of L2 norm 1, or all zeros for a token that the
  /// embedder knows nothing about.
  std::vector<float> rows;
};

/// Told that the rows of the texts [begin, end) are final while others are still under way.
using RowsDone = std::function<void(std::size_t begin, std::size_t end)>;

/// Maps texts to vectors.
class Embedder {
 public:
  virtual ~Embedder() = default;

  virtual std::size_t dimension() const noexcept = 0;

  /// Writes one row per text into `rows`, row-major [texts.size(), dimension()], each of L2 norm 1,
  /// or all zeros for a text without any known word. `texts` are UTF-8. The rows do not depend on
  /// the number of threads or on how texts are batched. Throws Error(kUnavailable) if a provider is
  /// down, Error(kBadReply) if it answers nonsense.
  virtual void embed(std::span<const std::string_view> texts, TextRole role, std::span<float> rows,
                     Executor& executor) const = 0;

  /// `embed` for many passages: `done` is called on this thread for parts of the rows, as small as
  /// it costs nothing, in any order, each row once. What was reported before an error stands.
  virtual void embed_passages(std::span<const std::string_view> texts, std::span<float> rows,
                              Executor& executor, const RowsDone& done) const {
    embed(texts, TextRole::kPassage, rows, executor);
    done(0, texts.size());
  }

  /// For an embedder that was given the vectors of the chunks themselves: writes those of the
  /// chunks [begin, end) and returns true. The default has none, so that texts are embedded.
  virtual bool read_chunk_rows(std::size_t /*begin*/, std::size_t /*end*/,
                               std::span<float> /*rows*/, Executor& /*executor*/) const {
    return false;
  }

  /// Whether `embed_tokens` may be called.
  virtual bool has_token_vectors() const noexcept { return false; }
  /// The tokens of each text in order, for metrics that match tokens. As independent of threads and
  /// batching as `embed`. An embedder without token vectors throws std::logic_error.
  virtual std::vector<TokenVectors> embed_tokens(std::span<const std::string_view> /*texts*/,
                                                 Executor& /*executor*/) const {
    throw std::logic_error("this embedder has no token vectors");
  }
};

/// What an embedder's factory may use. An embedder that learns from the corpus keeps what it
/// learned in `folder`, which is new and empty when `learn` is set, and complete otherwise.
struct EmbedderParts {
  const ChunkTable& chunks;
  const std::filesystem::path& folder;
  bool learn = false;
  Executor& executor;
};

}  // namespace crudbench
