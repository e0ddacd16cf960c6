#include "harness/generators/caching_generator.h"

#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/core/fingerprint.h"

namespace crudbench {

namespace {

Reply reply_from(const CachedCompletion& completion, const std::string& key) {
  return {.text = completion.text,
          .reasoning = completion.reasoning,
          .usage = completion.usage,
          .timing = completion.timing,
          .seconds = completion.seconds,
          .finish_reason = completion.finish_reason,
          .contexts = completion.contexts,
          .cached = true,
          .details = completion.details,
          .completion_key = key};
}

CachedCompletion completion_from(const Reply& reply) {
  return {.text = reply.text,
          .reasoning = reply.reasoning,
          .finish_reason = reply.finish_reason,
          .usage = reply.usage,
          .timing = reply.timing,
          .contexts = reply.contexts,
          .seconds = reply.seconds,
          .details = reply.details};
}

/// One call of `generate`: stands between the outer source and sink and the inner generator.
class CachingSession final : public PromptSource, public ReplySink {
 public:
  CachingSession(PromptSource& source, ReplySink& sink, const std::string& generator_fingerprint,
                 CompletionCache& cache)
      : source_(source),
        sink_(sink),
        generator_fingerprint_(generator_fingerprint),
        cache_(cache) {}

  Status next(Prompt& prompt, std::chrono::milliseconds wait) override {
    // Bounded, so that a long row of hits does not keep the inner generator from its requests.
    constexpr int kMaxAnsweredPerCall = 64;
    for (int answered = 0; answered < kMaxAnsweredPerCall; ++answered) {
      const Status status =
          source_.next(prompt, answered == 0 ? wait : std::chrono::milliseconds(0));
      if (status != Status::kPrompt || !answer_without_request(prompt)) {
        return status;
      }
    }
    return Status::kPending;
  }

  void accept(std::size_t ticket, Reply reply) override {
    std::vector<TicketReply> one;
    one.push_back({ticket, std::move(reply)});
    accept_all(std::move(one));
  }

  void accept_all(std::vector<TicketReply> replies) override {
    std::vector<KeyedCompletion> completions;
    for (TicketReply& entry : replies) {
      Reply& reply = entry.reply;
      if (!reply.failure) {
        reply.completion_key = keys_.at(entry.ticket);
        completions.push_back({reply.completion_key, completion_from(reply)});
      }
    }
    if (!completions.empty()) {
      cache_.insert(std::move(completions));
    }
    std::vector<TicketReply> handed_over;
    for (TicketReply& entry : replies) {
      add_followers(entry, handed_over);
      handed_over.push_back(std::move(entry));
    }
    sink_.accept_all(std::move(handed_over));
  }

 private:
  /// Adds the replies of those that wait for this one.
  void add_followers(const TicketReply& leader, std::vector<TicketReply>& replies) {
    const std::string key = std::move(keys_.extract(leader.ticket).mapped());
    const std::vector<std::size_t> followers = std::move(followers_.extract(key).mapped());
    if (followers.empty()) {
      return;
    }
    Reply reply;
    if (leader.reply.failure) {
      reply.failure = leader.reply.failure;
      reply.finish_reason = leader.reply.finish_reason;
    } else {
      reply = reply_from(completion_from(leader.reply), key);
    }
    for (const std::size_t follower : followers) {
      replies.push_back({follower, reply});
    }
  }

  /// True if the prompt was answered, or waits for the reply to another one; false if it is to be
  /// sent.
  bool answer_without_request(const Prompt& prompt) {
    std::string key = FingerprintBuilder("completion", 1)
                          .add(generator_fingerprint_)
                          .add(prompt.text)
                          .hex_digest();
    if (const auto leader = followers_.find(key); leader != followers_.end()) {
      leader->second.push_back(prompt.ticket);
      return true;
    }
    if (const auto completion = cache_.find(key)) {
      sink_.accept(prompt.ticket, reply_from(*completion, key));
      return true;
    }
    followers_.emplace(key, std::vector<std::size_t>());
    keys_.emplace(prompt.ticket, std::move(key));
    return false;
  }

  PromptSource& source_;
  ReplySink& sink_;
  const std::string& generator_fingerprint_;
  CompletionCache& cache_;
  std::unordered_map<std::size_t, std::string> keys_;  ///< By ticket, of the prompts under way.
  /// By key of a prompt under way: the tickets that wait for its reply.
  std::unordered_map<std::string, std::vector<std::size_t>> followers_;
};

class CachingGenerator final : public Generator {
 public:
  CachingGenerator(std::unique_ptr<Generator> inner, std::string generator_fingerprint,
                   CompletionCache& cache)
      : inner_(std::move(inner)),
        generator_fingerprint_(std::move(generator_fingerprint)),
        cache_(cache) {}

  void generate(PromptSource& source, ReplySink& sink, std::stop_token stop) override {
    CachingSession session(source, sink, generator_fingerprint_, cache_);
    inner_->generate(session, session, std::move(stop));
  }

  const PromptBudget* prompt_budget() const override { return inner_->prompt_budget(); }
  bool owns_cores() const override { return inner_->owns_cores(); }

 private:
  std::unique_ptr<Generator> inner_;
  std::string generator_fingerprint_;
  CompletionCache& cache_;
};

}  // namespace

std::unique_ptr<Generator> make_caching_generator(std::unique_ptr<Generator> inner,
                                                  std::string generator_fingerprint,
                                                  CompletionCache& cache) {
  return std::make_unique<CachingGenerator>(std::move(inner), std::move(generator_fingerprint),
                                            cache);
}

}  // namespace crudbench
