#include "harness/runner/metered_generator.h"

#include <algorithm>
#include <thread>
#include <unordered_map>
#include <utility>

namespace crudbench {

namespace {

/// Attempts that may have been charged although no answer came.
std::int64_t unanswered_attempts(const Reply& reply) {
  return std::count_if(reply.attempts.begin(), reply.attempts.end(), [](const Attempt& attempt) {
    return attempt.failure &&
           (attempt.failure->failure_class == "timeout" ||
            attempt.failure->failure_class == "malformed" ||
            attempt.failure->failure_class == "too_large" ||
            (attempt.failure->failure_class == "connect" && attempt.http_status == 200));
  });
}

/// One call of `generate`: stands between the outer source and sink and the inner generator.
class MeteredSession final : public PromptSource, public ReplySink {
 public:
  MeteredSession(PromptSource& source, ReplySink& sink, const Metering& metering, Budget& budget,
                 StoredCompletions& completions)
      : source_(source),
        sink_(sink),
        metering_(metering),
        budget_(budget),
        completions_(completions) {}

  ~MeteredSession() override {
    for (const auto& [ticket, most] : reserved_) {  // Given up: it may have been charged.
      budget_.settle(most, 0.0, most);
    }
  }
  MeteredSession(const MeteredSession&) = delete;
  MeteredSession& operator=(const MeteredSession&) = delete;

  Status next(Prompt& prompt, std::chrono::milliseconds wait) override {
    if (budget_.is_used_up()) {
      return refuse_held();
    }
    if (!held_) {
      Prompt pulled;
      if (const Status status = source_.next(pulled, wait); status != Status::kPrompt) {
        return status;
      }
      held_ = std::move(pulled);
    }
    const double most = highest(*held_);
    if (!budget_.reserve(most)) {
      if (budget_.has_reservations()) {  // What is under way may cost less than it has reserved.
        if (reserved_.empty()) {
          std::this_thread::sleep_for(std::min(wait, kOthersInterval));  // It is another run's.
        }
        return Status::kPending;
      }
      budget_.close();
      return refuse_held();
    }
    reserved_.emplace(held_->ticket, most);
    prompt = std::move(*std::exchange(held_, std::nullopt));
    return Status::kPrompt;
  }

  void accept(std::size_t ticket, Reply reply) override {
    std::vector<TicketReply> one;
    one.push_back({ticket, std::move(reply)});
    accept_all(std::move(one));
  }

  void accept_all(std::vector<TicketReply> replies) override {
    SpendingRecord record{
        .experiment = metering_.experiment,
        .purpose = metering_.purpose,
        .model = metering_.model,
        .usage = {.prompt_tokens = 0, .cached_prompt_tokens = 0, .completion_tokens = 0},
        .currency = metering_.currency};
    for (const auto& [ticket, reply] : replies) {
      add(ticket, reply, record);
    }
    completions_.charge(record);
    sink_.accept_all(std::move(replies));
  }

 private:
  static constexpr std::chrono::milliseconds kOthersInterval{20};

  double highest(const Prompt& prompt) const {
    return metering_.price ? highest_cost(prompt.text.size() + metering_.system_bytes,
                                          metering_.max_tokens, *metering_.price)
                           : 0.0;
  }

  void add(std::size_t ticket, const Reply& reply, SpendingRecord& record) {
    const Usage& usage = reply.usage;
    const double cost = metering_.price ? cost_of(usage, *metering_.price).value_or(0.0) : 0.0;
    const double most = reserved_.extract(ticket).mapped();
    budget_.settle(most, cost, static_cast<double>(unanswered_attempts(reply)) * most);
    record.requests += static_cast<std::int64_t>(reply.attempts.size());
    record.usage.prompt_tokens += std::max<std::int64_t>(usage.prompt_tokens, 0);
    record.usage.cached_prompt_tokens += std::max<std::int64_t>(usage.cached_prompt_tokens, 0);
    record.usage.completion_tokens += std::max<std::int64_t>(usage.completion_tokens, 0);
    record.cost += cost;
  }

  Status refuse_held() {
    if (held_) {
      const std::size_t ticket = std::exchange(held_, std::nullopt)->ticket;
      sink_.accept(ticket, {.failure = Failure{.stage = Stage::kGeneration,
                                               .failure_class = "budget",
                                               .message = "the budget does not allow it"}});
    }
    return Status::kEnd;
  }

  PromptSource& source_;
  ReplySink& sink_;
  const Metering& metering_;
  Budget& budget_;
  StoredCompletions& completions_;
  std::optional<Prompt> held_;                        ///< Pulled, and waits for the budget.
  std::unordered_map<std::size_t, double> reserved_;  ///< By ticket, of what is under way.
};

class MeteredGenerator final : public Generator {
 public:
  MeteredGenerator(std::unique_ptr<Generator> inner, Metering metering, Budget& budget,
                   StoredCompletions& completions)
      : inner_(std::move(inner)),
        metering_(std::move(metering)),
        budget_(budget),
        completions_(completions) {}

  void generate(PromptSource& source, ReplySink& sink, std::stop_token stop) override {
    MeteredSession session(source, sink, metering_, budget_, completions_);
    inner_->generate(session, session, std::move(stop));
    completions_.flush();
  }

  const PromptBudget* prompt_budget() const override { return inner_->prompt_budget(); }
  bool owns_cores() const override { return inner_->owns_cores(); }

 private:
  std::unique_ptr<Generator> inner_;
  Metering metering_;
  Budget& budget_;
  StoredCompletions& completions_;
};

}  // namespace

std::unique_ptr<Generator> make_metered_generator(std::unique_ptr<Generator> inner,
                                                  Metering metering, Budget& budget,
                                                  StoredCompletions& completions) {
  return std::make_unique<MeteredGenerator>(std::move(inner), std::move(metering), budget,
                                            completions);
}

}  // namespace crudbench
