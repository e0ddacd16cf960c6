#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace crudbench {

/// One piece of work of an experiment.
struct Job {
  /// Names of what no other job may use while it runs, such as the cores or a completion that two
  /// runs would both ask for.
  std::set<std::string> exclusive;
  /// What has to be in memory for it, such as a knowledge base; shared with other jobs that name
  /// it. Empty: nothing of note.
  std::string resident;
  /// The job that must be finished before.
  std::optional<std::size_t> after;
};

/// Hands out jobs to as many threads as ask for one, in their order as far as what they need is
/// free: a job that has to wait lets later ones pass. What is resident stays so while jobs that
/// want it are left and memory allows. Thread-safe.
class JobSchedule {
 public:
  struct Start {
    std::size_t job = 0;
    std::vector<std::string> evicted;  ///< Residents to be dropped before it starts.
  };

  /// `resident_bytes` holds the size of what jobs name; a missing one is small. `memory_bytes` is
  /// what all of it together may take at a time, 0 for no limit. A resident that is larger than
  /// that has the memory to itself.
  JobSchedule(std::vector<Job> jobs, std::map<std::string, std::uint64_t> resident_bytes,
              std::uint64_t memory_bytes);

  /// Waits until a job may start. nullopt when all have been started, or after `close`.
  std::optional<Start> next();
  /// To be called when a started job has ended, in whatever way.
  void finish(std::size_t job);
  /// Nothing starts any more.
  void close();

 private:
  bool may_start(const Job& job) const;
  /// Makes room for `resident` and returns what had to go; nullopt if there is none.
  std::optional<std::vector<std::string>> make_room(const std::string& resident);
  std::optional<Start> try_start();
  std::uint64_t bytes_of(const std::string& resident) const;

  const std::vector<Job> jobs_;
  const std::map<std::string, std::uint64_t> resident_bytes_;
  const std::uint64_t memory_bytes_;

  std::mutex mutex_;  ///< Guards everything below.
  std::condition_variable changed_;
  std::vector<std::size_t> waiting_;  ///< Not started, in order.
  std::vector<bool> is_finished_;     // [job]
  std::set<std::string> taken_;       ///< Of `exclusive`.
  struct Residence {
    std::size_t users = 0;    ///< Jobs that run.
    std::size_t wanted = 0;   ///< Jobs that are not finished.
    bool is_present = false;  ///< A job that names it has started since it was last evicted.
  };
  std::map<std::string, Residence> residents_;
  std::size_t running_ = 0;
  bool closed_ = false;
};

/// Runs all jobs on `lanes` threads, the calling one among them. `evict` is called with residents
/// that have to make room before a job starts, on its thread. The first exception of either ends
/// the schedule and is thrown again when all lanes have ended; `failed` is called with it under way
/// so that the jobs that run can be told.
void run_jobs(JobSchedule& schedule, std::size_t lanes,
              const std::function<void(std::size_t job)>& work,
              const std::function<void(const std::string& resident)>& evict,
              const std::function<void()>& failed);

}  // namespace crudbench
