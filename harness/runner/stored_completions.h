#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "harness/generators/completion_cache.h"
#include "harness/store/store.h"

namespace crudbench {

/// The completion cache of generators and judges, over the workspace's store. Thread-safe.
///
/// What is inserted is found at once, and stored by a thread of the object's own: all that came
/// while one transaction went on is the next one, so that nobody who asks an endpoint waits for the
/// disk. What could not be stored is thrown by the next call of any member but the destructor,
/// which stores what is left and logs what it cannot.
class StoredCompletions final : public CompletionCache {
 public:
  /// `store` must outlive the object.
  /// With `refresh`, what was there before counts as absent, and is replaced.
  explicit StoredCompletions(Store& store, bool refresh = false);
  ~StoredCompletions() override;
  StoredCompletions(const StoredCompletions&) = delete;
  StoredCompletions& operator=(const StoredCompletions&) = delete;

  std::optional<CachedCompletion> find(std::string_view key) override;
  void insert(std::vector<KeyedCompletion> completions) override;

  /// Adds to an experiment's spending: at the latest with the next completions that are inserted,
  /// or with `flush`.
  void charge(const SpendingRecord& record);

  /// Stores samples of a run, and in the same transaction what was inserted and charged and is not
  /// stored yet: no sample is there without the completion that it names.
  void put_samples(std::int64_t run_id, std::span<const SampleRecord> samples);

  /// Returns when everything that was inserted and charged so far is stored.
  void flush();

 private:
  void keep();
  template <class Put>
  void store_waiting(std::unique_lock<std::mutex>& lock, const Put& put);
  void wait_until_stored(std::unique_lock<std::mutex>& lock);
  bool is_known(std::uint64_t hash);
  void rethrow() const;

  Store& store_;
  const bool refresh_;
  std::mutex mutex_;  ///< Guards everything below but `keeper_`.
  std::condition_variable work_;
  std::condition_variable stored_;
  std::vector<CompletionRecord> waiting_;  ///< For the next transaction, as are
  std::vector<SpendingRecord> charges_;    ///< these.
  std::uint64_t put_ = 0;                  ///< Calls of `insert` and `charge`,
  std::uint64_t kept_ = 0;                 ///< and those of them that are stored.
  bool has_work_ = false;                  ///< Something waits for the keeper,
  bool is_urgent_ = false;                 ///< and somebody for that.
  bool is_storing_ = false;                ///< A transaction is under way.
  bool closing_ = false;
  std::exception_ptr error_;  ///< Of a transaction that failed.
  /// Hashes of the keys in the store, read at the first look-up, and of those inserted since: most
  /// look-ups of a run find nothing, and need not ask the database for it.
  std::unordered_set<std::uint64_t> known_;
  bool has_read_keys_ = false;
  std::unordered_set<std::uint64_t> unstored_;  ///< Those that a transaction is still to store.
  std::thread keeper_;
};

}  // namespace crudbench
