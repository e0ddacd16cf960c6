#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "harness/core/json.h"
#include "harness/core/types.h"

namespace crudbench {

/// What is kept of a successful reply.
struct CachedCompletion {
  std::string text;
  std::string finish_reason;
  Usage usage;
  double seconds = 0.0;  ///< What the request took when it was sent.
  Json details;          ///< As in `Reply`.

  friend bool operator==(const CachedCompletion&, const CachedCompletion&) = default;
};

/// Completions by key (64 hexadecimal digits, see `make_caching_generator`). Called from the
/// thread that runs `generate`.
class CompletionCache {
 public:
  virtual ~CompletionCache() = default;

  virtual std::optional<CachedCompletion> find(std::string_view key) = 0;
  /// Keeps a completion for good: once this returns, the request need never be sent again. A key
  /// that is there already keeps its completion.
  virtual void insert(std::string_view key, const CachedCompletion& completion) = 0;
};

}  // namespace crudbench
