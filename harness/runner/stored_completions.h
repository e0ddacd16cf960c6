#pragma once

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "harness/generators/completion_cache.h"
#include "harness/store/store.h"

namespace crudbench {

/// The completion cache of generators and judges, over the workspace's store. Thread-safe.
class StoredCompletions final : public CompletionCache {
 public:
  /// `store` must outlive the object.
  /// With `refresh`, what was there before counts as absent, and is replaced.
  explicit StoredCompletions(Store& store, bool refresh = false)
      : store_(store), refresh_(refresh) {}

  std::optional<CachedCompletion> find(std::string_view key) override;
  void insert(std::span<const KeyedCompletion> completions) override;

  /// Adds to an experiment's spending with the next completions that are inserted, in one
  /// transaction, or with `flush`.
  void charge(const SpendingRecord& record);
  void flush();

 private:
  Store& store_;
  const bool refresh_;
  std::mutex mutex_;                              ///< Guards everything below.
  std::set<std::string, std::less<>> refreshed_;  ///< Keys that were replaced.
  std::vector<SpendingRecord> charges_;           ///< Not yet stored.
};

}  // namespace crudbench
