#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "datasets/dataset.h"
#include "harness/runner/sharding.h"
#include "harness/store/store.h"
#include "harness/tasks/task.h"

namespace crudbench {

/// The store's ids of a task's items, which become known one after another. Thread-safe.
class ItemIds {
 public:
  /// Of items that another shard holds. Nothing looks them up.
  static constexpr std::int64_t kNotHere = -1;

  /// `count` items, of which those outside of `here` are in another shard. To be called before the
  /// object is shared.
  void expect(std::size_t count, SampleRange here);

  /// The ids of the next items here. One thread calls this and `fail`.
  void append(std::span<const std::int64_t> ids);
  /// No more can be stored; whoever waits for one hears why.
  void fail(std::exception_ptr error);

  /// Waits until it is known. Throws what kept it from being stored.
  std::int64_t at(std::size_t item) const;
  std::size_t size() const noexcept { return ids_.size(); }

 private:
  std::vector<std::int64_t> ids_;  // [item]; read only where it is known
  SampleRange here_;
  std::atomic<std::size_t> known_ = 0;  ///< Items from the front, but for those behind `here_`.
  mutable std::mutex mutex_;            ///< Guards `error_`, and the waiting.
  mutable std::condition_variable changed_;
  std::exception_ptr error_;
};

/// The samples of one task, as the store knows them.
struct TaskItems {
  std::unique_ptr<Task> task;
  std::vector<std::size_t> samples;  // [item] position in Dataset::samples
  ItemIds ids;
};

/// Stores items while the first runs already use them, task by task and in the order of the data:
/// what is read later comes in the order of ids, whenever a run was cut off.
class ItemKeeper {
 public:
  /// What is to be stored of one task.
  struct Part {
    TaskItems* items = nullptr;
    SampleRange range;  ///< Of the items that are needed here.
  };

  /// Everything outlives the object.
  ItemKeeper(Store& store, const Dataset& dataset, std::vector<Part> parts);
  /// To be called when nobody waits for an id any more: leaves out what is not stored yet.
  ~ItemKeeper();
  ItemKeeper(const ItemKeeper&) = delete;
  ItemKeeper& operator=(const ItemKeeper&) = delete;

 private:
  void store_all(const std::stop_token& stop);
  void store_part(const Part& part, const std::stop_token& stop);
  ItemRecord record_of(const Sample& sample, const Task& task) const;

  Store& store_;
  const Dataset& dataset_;
  const std::vector<Part> parts_;
  std::jthread thread_;  ///< Last: it uses the others.
};

}  // namespace crudbench
