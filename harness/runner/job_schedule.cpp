#include "harness/runner/job_schedule.h"

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

namespace crudbench {

JobSchedule::JobSchedule(std::vector<Job> jobs, std::map<std::string, std::uint64_t> resident_bytes,
                         std::uint64_t memory_bytes)
    : jobs_(std::move(jobs)),
      resident_bytes_(std::move(resident_bytes)),
      memory_bytes_(memory_bytes),
      is_finished_(jobs_.size(), false) {
  for (std::size_t job = 0; job < jobs_.size(); ++job) {
    waiting_.push_back(job);
    if (!jobs_[job].resident.empty()) {
      ++residents_[jobs_[job].resident].wanted;
    }
  }
}

std::optional<JobSchedule::Start> JobSchedule::next() {
  std::unique_lock lock(mutex_);
  std::optional<Start> start;
  changed_.wait(lock, [&] {
    start = try_start();
    return start || closed_ || waiting_.empty();
  });
  return start;
}

void JobSchedule::finish(std::size_t job) {
  {
    const std::lock_guard lock(mutex_);
    is_finished_[job] = true;
    --running_;
    for (const std::string& name : jobs_[job].exclusive) {
      taken_.erase(name);
    }
    if (const std::string& name = jobs_[job].resident; !name.empty()) {
      Residence& residence = residents_.at(name);
      --residence.users;
      if (--residence.wanted == 0) {
        residence.is_present = false;  // Its owner drops what nobody wants.
      }
    }
  }
  changed_.notify_all();
}

void JobSchedule::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

std::optional<JobSchedule::Start> JobSchedule::try_start() {
  if (closed_) {
    return std::nullopt;
  }
  for (auto place = waiting_.begin(); place != waiting_.end(); ++place) {
    const Job& job = jobs_[*place];
    if (!may_start(job)) {
      continue;
    }
    std::optional<std::vector<std::string>> evicted = make_room(job.resident);
    if (!evicted) {
      continue;
    }
    if (!job.resident.empty()) {
      Residence& residence = residents_.at(job.resident);
      ++residence.users;
      residence.is_present = true;
    }
    taken_.insert(job.exclusive.begin(), job.exclusive.end());
    ++running_;
    const Start start{.job = *place, .evicted = std::move(*evicted)};
    waiting_.erase(place);
    return start;
  }
  return std::nullopt;
}

bool JobSchedule::may_start(const Job& job) const {
  const bool is_free =
      std::none_of(job.exclusive.begin(), job.exclusive.end(),
                   [this](const std::string& name) { return taken_.contains(name); });
  return is_free && (!job.after || is_finished_[*job.after]);
}

std::optional<std::vector<std::string>> JobSchedule::make_room(const std::string& resident) {
  if (memory_bytes_ == 0 || resident.empty() || residents_.at(resident).is_present) {
    return std::vector<std::string>();
  }
  std::uint64_t needed = bytes_of(resident);
  std::vector<std::string> idle;
  for (const auto& [name, residence] : residents_) {
    if (residence.is_present) {
      needed += bytes_of(name);
      if (residence.users == 0) {
        idle.push_back(name);
      }
    }
  }
  std::vector<std::string> evicted;
  for (const std::string& name : idle) {
    if (needed <= memory_bytes_) {
      break;
    }
    needed -= bytes_of(name);
    evicted.push_back(name);
  }
  const bool is_alone = evicted.size() == idle.size() && running_ == 0;
  if (needed > memory_bytes_ && !is_alone) {
    return std::nullopt;  // Nothing goes in vain.
  }
  for (const std::string& name : evicted) {
    residents_.at(name).is_present = false;
  }
  return evicted;
}

std::uint64_t JobSchedule::bytes_of(const std::string& resident) const {
  const auto found = resident_bytes_.find(resident);
  return found == resident_bytes_.end() ? 0 : found->second;
}

void run_jobs(JobSchedule& schedule, std::size_t lanes,
              const std::function<void(std::size_t job)>& work,
              const std::function<void(const std::string& resident)>& evict,
              const std::function<void()>& failed) {
  std::mutex mutex;
  std::exception_ptr first;
  const auto lane = [&] {
    while (const std::optional<JobSchedule::Start> start = schedule.next()) {
      try {
        std::for_each(start->evicted.begin(), start->evicted.end(), evict);
        work(start->job);
      } catch (...) {
        schedule.close();
        const std::lock_guard lock(mutex);
        if (!first) {
          first = std::current_exception();
          failed();
        }
      }
      schedule.finish(start->job);
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < lanes; ++i) {
      others.emplace_back(lane);
    }
    lane();
  }
  if (first) {
    std::rethrow_exception(first);
  }
}

}  // namespace crudbench
