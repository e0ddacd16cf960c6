#include "harness/llama/shared_prefixes.h"

#include <algorithm>
#include <utility>

namespace crudbench {

namespace {

/// A shorter gain is not worth a sequence.
constexpr std::size_t kFewestSavedTokens = 32;

}  // namespace

std::size_t common_prefix(std::span<const Token> left, std::span<const Token> right) {
  const std::size_t size = std::min(left.size(), right.size());
  const auto differs =
      std::mismatch(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(size), right.begin());
  return static_cast<std::size_t>(differs.first - left.begin());
}

SharedPrefixes::SharedPrefixes(std::vector<int> sequences, std::size_t unit)
    : unit_(unit), free_sequences_(std::move(sequences)) {}

SharedPrefixes::Prefix* SharedPrefixes::find(std::span<const Token> prompt) {
  Prefix* best = nullptr;
  for (const std::unique_ptr<Prefix>& prefix : prefixes_) {
    const std::size_t length = prefix->tokens.size();
    if (length < prompt.size() && common_prefix(prefix->tokens, prompt) == length &&
        (best == nullptr || length > best->tokens.size())) {
      best = prefix.get();
    }
  }
  return best;
}

std::size_t SharedPrefixes::worthwhile_length(std::span<const Token> prompt,
                                              std::span<const std::span<const Token>> waiting) {
  std::vector<std::size_t> lengths;
  for (const std::span<const Token> other : waiting) {
    // The last token of a prompt is always computed: it gives the first token of the answer.
    const std::size_t most = std::min(prompt.size(), other.size()) - 1;
    const std::size_t length = std::min(common_prefix(prompt, other), most);
    lengths.push_back(length - length % unit_);
  }
  std::sort(lengths.begin(), lengths.end());
  const Prefix* kept = find(prompt);
  const std::size_t known = kept == nullptr ? 0 : kept->tokens.size();
  std::size_t best_length = 0;
  std::size_t best_gain = 0;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const std::size_t sharers = lengths.size() - i;
    if (lengths[i] >= known + kFewestSavedTokens && (lengths[i] - known) * sharers > best_gain) {
      best_length = lengths[i];
      best_gain = (lengths[i] - known) * sharers;
    }
  }
  return best_length;
}

SharedPrefixes::Prefix& SharedPrefixes::keep(std::span<const Token> tokens) {
  auto prefix = std::make_unique<Prefix>(
      Prefix{.sequence = free_sequences_.back(), .tokens = {tokens.begin(), tokens.end()}});
  free_sequences_.pop_back();
  prefix->used_at = ++clock_;
  prefixes_.push_back(std::move(prefix));
  return *prefixes_.back();
}

std::optional<int> SharedPrefixes::evict(const Prefix* except) {
  auto oldest = prefixes_.end();
  for (auto prefix = prefixes_.begin(); prefix != prefixes_.end(); ++prefix) {
    const bool may_go = (*prefix)->users == 0 && prefix->get() != except;
    if (may_go && (oldest == prefixes_.end() || (*prefix)->used_at < (*oldest)->used_at)) {
      oldest = prefix;
    }
  }
  if (oldest == prefixes_.end()) {
    return std::nullopt;
  }
  const int sequence = (*oldest)->sequence;
  prefixes_.erase(oldest);
  free_sequences_.push_back(sequence);
  return sequence;
}

void SharedPrefixes::clear() {
  for (const std::unique_ptr<Prefix>& prefix : prefixes_) {
    free_sequences_.push_back(prefix->sequence);
  }
  prefixes_.clear();
}

void SharedPrefixes::acquire(Prefix& prefix) {
  ++prefix.users;
  prefix.used_at = ++clock_;
}

void SharedPrefixes::release(int sequence) {
  for (const std::unique_ptr<Prefix>& prefix : prefixes_) {
    if (prefix->sequence == sequence) {
      --prefix->users;
    }
  }
}

std::size_t SharedPrefixes::token_count() const noexcept {
  std::size_t count = 0;
  for (const std::unique_ptr<Prefix>& prefix : prefixes_) {
    count += prefix->tokens.size();
  }
  return count;
}

}  // namespace crudbench
