#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/generators/caching_generator.h"
#include "harness/generators/generator.h"

namespace crudbench::testing_support {

/// Hands out a fixed list of prompts; every `pending_every`-th call says kPending (0: none does).
class ListSource final : public PromptSource {
 public:
  explicit ListSource(std::vector<Prompt> prompts, std::size_t pending_every = 0)
      : prompts_(std::move(prompts)), pending_every_(pending_every) {}

  Status next(Prompt& prompt, std::chrono::milliseconds /*wait*/) override {
    if (pending_every_ != 0 && ++calls_ % pending_every_ == 0) {
      return Status::kPending;
    }
    if (next_ == prompts_.size()) {
      return Status::kEnd;
    }
    prompt = prompts_[next_++];
    return Status::kPrompt;
  }

  std::size_t pulled() const noexcept { return next_; }

 private:
  std::vector<Prompt> prompts_;
  std::size_t pending_every_;
  std::size_t calls_ = 0;
  std::size_t next_ = 0;
};

/// Keeps every reply by ticket, several where a generator breaks its contract.
class RecordingSink final : public ReplySink {
 public:
  using OnAccept = std::function<void(std::size_t ticket, const Reply& reply)>;

  RecordingSink() = default;
  explicit RecordingSink(OnAccept on_accept) : on_accept_(std::move(on_accept)) {}

  void accept(std::size_t ticket, Reply reply) override {
    if (on_accept_) {
      on_accept_(ticket, reply);
    }
    replies_[ticket].push_back(std::move(reply));
  }

  /// The one reply of a ticket; throws std::out_of_range if there is none.
  const Reply& reply(std::size_t ticket) const { return replies_.at(ticket).at(0); }
  const std::map<std::size_t, std::vector<Reply>>& replies() const noexcept { return replies_; }

 private:
  OnAccept on_accept_;
  std::map<std::size_t, std::vector<Reply>> replies_;
};

/// A cache in memory that counts its insertions.
class MemoryCompletionCache final : public CompletionCache {
 public:
  std::optional<CachedCompletion> find(std::string_view key) override {
    const auto found = completions_.find(key);
    return found == completions_.end() ? std::nullopt : std::optional(found->second);
  }
  void insert(std::vector<KeyedCompletion> completions) override {
    for (KeyedCompletion& entry : completions) {
      completions_.emplace(std::move(entry.key), std::move(entry.completion));
    }
  }

  std::size_t size() const noexcept { return completions_.size(); }

 private:
  std::map<std::string, CachedCompletion, std::less<>> completions_;
};

/// Prompts with tickets 0 … count-1, of distinct texts "问题0", "问题1", ….
inline std::vector<Prompt> numbered_prompts(std::size_t count) {
  std::vector<Prompt> prompts;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    prompts.push_back({.ticket = i, .sample_id = "sample-" + number, .text = "问题" + number});
  }
  return prompts;
}

}  // namespace crudbench::testing_support
