#include "harness/runner/stored_completions.h"

#include <chrono>
#include <functional>
#include <string_view>
#include <utility>

#include "harness/core/log.h"

namespace crudbench {

namespace {

Json contexts_to_json(const std::optional<std::vector<ExternalContext>>& contexts) {
  if (!contexts) {
    return {};
  }
  Json list = Json::array();
  for (const ExternalContext& context : *contexts) {
    list.push_back({context.doc_id, context.text});
  }
  return list;
}

/// Texts that the store itself wrote, or an imported cache: what has another form counts as
/// unknown.
std::optional<std::vector<ExternalContext>> contexts_from_json(const Json& list) {
  if (!list.is_array()) {
    return std::nullopt;
  }
  std::vector<ExternalContext> contexts;
  for (const Json& entry : list) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_string()) {
      return std::nullopt;
    }
    contexts.push_back(
        {.doc_id = entry[0].get<std::string>(), .text = entry[1].get<std::string>()});
  }
  return contexts;
}

/// How long an answer waits to be stored: short enough that a process that is killed loses next to
/// nothing.
constexpr std::chrono::milliseconds kLongestWait{10};

std::uint64_t hash_of(std::string_view key) noexcept {
  return std::hash<std::string_view>()(key);
}

CompletionRecord record_of(KeyedCompletion&& entry) {
  CachedCompletion& completion = entry.completion;
  return {.key = std::move(entry.key),
          .text = std::move(completion.text),
          .reasoning = std::move(completion.reasoning),
          .finish_reason = std::move(completion.finish_reason),
          .usage = completion.usage,
          .first_token_seconds = completion.timing.first_token_seconds,
          .inter_token_seconds = completion.timing.inter_token_seconds,
          .contexts = contexts_to_json(completion.contexts),
          .seconds = completion.seconds,
          .details = std::move(completion.details)};
}

/// True if both count for the same row of the store.
bool share_row(const SpendingRecord& left, const SpendingRecord& right) {
  return left.experiment == right.experiment && left.purpose == right.purpose &&
         left.model == right.model && left.currency == right.currency;
}

void add_to(SpendingRecord& sum, const SpendingRecord& record) {
  sum.requests += record.requests;
  sum.usage.prompt_tokens += record.usage.prompt_tokens;
  sum.usage.cached_prompt_tokens += record.usage.cached_prompt_tokens;
  sum.usage.completion_tokens += record.usage.completion_tokens;
  sum.cost += record.cost;
}

}  // namespace

StoredCompletions::StoredCompletions(Store& store, bool refresh)
    : store_(store), refresh_(refresh), keeper_([this] { keep(); }) {}

StoredCompletions::~StoredCompletions() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    has_work_ = true;
  }
  work_.notify_one();
  keeper_.join();
  if (error_ && kept_ != put_) {
    log_warning("store", "the last answers could not be stored; they will be asked for again");
  }
}

std::optional<CachedCompletion> StoredCompletions::find(std::string_view key) {
  const std::uint64_t hash = hash_of(key);
  {
    std::unique_lock lock(mutex_);
    rethrow();
    if (!is_known(hash)) {
      return std::nullopt;
    }
    if (unstored_.contains(hash)) {
      wait_until_stored(lock);
    }
  }
  auto found = store_.find_completion(key);
  if (!found) {
    return std::nullopt;
  }
  return CachedCompletion{.text = std::move(found->text),
                          .reasoning = std::move(found->reasoning),
                          .finish_reason = std::move(found->finish_reason),
                          .usage = found->usage,
                          .timing = {.first_token_seconds = found->first_token_seconds,
                                     .inter_token_seconds = found->inter_token_seconds},
                          .contexts = contexts_from_json(found->contexts),
                          .seconds = found->seconds,
                          .details = std::move(found->details)};
}

void StoredCompletions::insert(std::vector<KeyedCompletion> completions) {
  constexpr std::size_t kMostWaiting = 4096;
  {
    std::unique_lock lock(mutex_);
    rethrow();
    if (waiting_.size() >= kMostWaiting) {
      wait_until_stored(lock);
    }
    for (KeyedCompletion& entry : completions) {
      const std::uint64_t hash = hash_of(entry.key);
      known_.insert(hash);
      unstored_.insert(hash);
      waiting_.push_back(record_of(std::move(entry)));
    }
    ++put_;
    if (std::exchange(has_work_, true)) {
      return;
    }
  }
  work_.notify_one();
}

void StoredCompletions::charge(const SpendingRecord& record) {
  const std::lock_guard lock(mutex_);
  ++put_;
  for (SpendingRecord& sum : charges_) {
    if (share_row(sum, record)) {
      add_to(sum, record);
      return;
    }
  }
  charges_.push_back(record);
}

void StoredCompletions::put_samples(std::int64_t run_id, std::span<const SampleRecord> samples) {
  std::unique_lock lock(mutex_);
  store_waiting(lock,
                [&](const CompletionBatch& batch) { store_.put_samples(run_id, samples, batch); });
  rethrow();
}

void StoredCompletions::flush() {
  std::unique_lock lock(mutex_);
  wait_until_stored(lock);
}

void StoredCompletions::keep() {
  std::unique_lock lock(mutex_);
  do {
    work_.wait(lock, [this] { return has_work_; });
    // The next samples may take them along.
    work_.wait_for(lock, kLongestWait, [this] { return is_urgent_ || closing_; });
    has_work_ = false;
    is_urgent_ = false;
    if (kept_ != put_) {
      store_waiting(lock, [this](const CompletionBatch& batch) {
        store_.put_completions(batch.completions, batch.spending, batch.replaces);
      });
    }
  } while (!closing_);
}

/// Takes what waits and hands it to `put`, one at a time.
template <class Put>
void StoredCompletions::store_waiting(std::unique_lock<std::mutex>& lock, const Put& put) {
  stored_.wait(lock, [this] { return !is_storing_; });
  if (error_) {
    return;
  }
  is_storing_ = true;
  const std::uint64_t last = put_;
  std::vector<CompletionRecord> completions = std::exchange(waiting_, {});
  const std::vector<SpendingRecord> charges = std::exchange(charges_, {});
  lock.unlock();
  std::exception_ptr error;
  try {
    put({.completions = completions, .spending = charges, .replaces = refresh_});
  } catch (...) {
    error = std::current_exception();
  }
  std::vector<std::uint64_t> hashes;
  for (const CompletionRecord& completion : completions) {
    hashes.push_back(hash_of(completion.key));
  }
  completions.clear();
  lock.lock();
  is_storing_ = false;
  if (error) {
    error_ = error;
  } else {
    kept_ = last;
    for (const std::uint64_t hash : hashes) {
      unstored_.erase(hash);
    }
  }
  stored_.notify_all();
}

/// Waits for all that was put so far, and throws what went wrong.
void StoredCompletions::wait_until_stored(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t put = put_;
  if (kept_ < put) {
    has_work_ = true;
    is_urgent_ = true;
    work_.notify_one();
    stored_.wait(lock, [&] { return kept_ >= put || error_; });
  }
  rethrow();
}

bool StoredCompletions::is_known(std::uint64_t hash) {
  if (!has_read_keys_ && !refresh_) {
    store_.visit_completion_keys([this](std::string_view key) { known_.insert(hash_of(key)); });
    has_read_keys_ = true;
  }
  return known_.contains(hash);
}

void StoredCompletions::rethrow() const {
  if (error_) {
    std::rethrow_exception(error_);
  }
}

}  // namespace crudbench
