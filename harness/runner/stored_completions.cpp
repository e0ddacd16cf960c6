#include "harness/runner/stored_completions.h"

#include <utility>
#include <vector>

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

}  // namespace

std::optional<CachedCompletion> StoredCompletions::find(std::string_view key) {
  if (refresh_) {
    const std::lock_guard lock(mutex_);
    if (!refreshed_.contains(key)) {
      return std::nullopt;
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

void StoredCompletions::insert(std::span<const KeyedCompletion> completions) {
  std::vector<CompletionRecord> records;
  records.reserve(completions.size());
  for (const auto& [key, completion] : completions) {
    records.push_back({.key = key,
                       .text = completion.text,
                       .reasoning = completion.reasoning,
                       .finish_reason = completion.finish_reason,
                       .usage = completion.usage,
                       .first_token_seconds = completion.timing.first_token_seconds,
                       .inter_token_seconds = completion.timing.inter_token_seconds,
                       .contexts = contexts_to_json(completion.contexts),
                       .seconds = completion.seconds,
                       .details = completion.details});
  }
  const std::lock_guard lock(mutex_);
  store_.put_completions(records, charges_, refresh_);
  charges_.clear();
  if (refresh_) {
    for (const KeyedCompletion& entry : completions) {
      refreshed_.insert(entry.key);
    }
  }
}

void StoredCompletions::charge(const SpendingRecord& record) {
  const std::lock_guard lock(mutex_);
  charges_.push_back(record);
}

void StoredCompletions::flush() {
  const std::lock_guard lock(mutex_);
  if (!charges_.empty()) {
    store_.put_completions({}, charges_);
    charges_.clear();
  }
}

}  // namespace crudbench
