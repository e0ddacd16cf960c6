#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/core/json.h"
#include "harness/core/types.h"
#include "harness/generators/generator.h"

namespace crudbench {

/// What is kept of a successful reply.
struct CachedCompletion {
  std::string text;
  std::string reasoning;
  std::string finish_reason;
  Usage usage;
  StreamTiming timing;
  std::optional<std::vector<ExternalContext>> contexts;
  double seconds = 0.0;  ///< What the request took when it was sent.
  Json details;          ///< As in `Reply`.

  friend bool operator==(const CachedCompletion&, const CachedCompletion&) = default;
};

struct KeyedCompletion {
  std::string key;
  CachedCompletion completion;
};

/// Completions by key (64 hexadecimal digits, see `make_caching_generator`). Called from the
/// thread that runs `generate`.
class CompletionCache {
 public:
  virtual ~CompletionCache() = default;

  virtual std::optional<CachedCompletion> find(std::string_view key) = 0;
  /// Keeps completions: `find` has them from now on. They may reach the disk a little later.
  virtual void insert(std::vector<KeyedCompletion> completions) = 0;
};

}  // namespace crudbench
