#include "harness/runner/preflight.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "harness/core/error.h"

namespace crudbench {

namespace {

int last_status(const Reply& reply) noexcept {
  return reply.attempts.empty() ? 0 : reply.attempts.back().http_status;
}

bool is_refused_access(const Reply& reply) noexcept {
  const int status = last_status(reply);
  return reply.failure && (status == 401 || status == 402 || status == 403);
}

class PreflightSession final : public PromptSource, public ReplySink {
 public:
  PreflightSession(PromptSource& source, ReplySink& sink, const std::string& name,
                   ProvenGenerators& proven)
      : source_(source), sink_(sink), name_(name), proven_(proven) {}

  ~PreflightSession() override { withdraw(); }
  PreflightSession(const PreflightSession&) = delete;
  PreflightSession& operator=(const PreflightSession&) = delete;

  Status next(Prompt& prompt, std::chrono::milliseconds wait) override {
    if (proven_.is_proven(name_)) {
      return source_.next(prompt, wait);
    }
    if (is_first_under_way_) {
      return Status::kPending;
    }
    if (!proven_.may_ask(name_)) {  // Another run tries it.
      std::this_thread::sleep_for(std::min(wait, kOthersInterval));
      return Status::kPending;
    }
    is_first_under_way_ = true;
    const Status status = source_.next(prompt, wait);
    if (status != Status::kPrompt) {
      withdraw();
    }
    return status;
  }

  void accept(std::size_t ticket, Reply reply) override {
    judge(reply);
    sink_.accept(ticket, std::move(reply));
  }

  void accept_all(std::vector<TicketReply> replies) override {
    for (const TicketReply& entry : replies) {
      judge(entry.reply);
    }
    sink_.accept_all(std::move(replies));
  }

 private:
  static constexpr std::chrono::milliseconds kOthersInterval{20};

  void withdraw() {
    if (is_first_under_way_) {
      is_first_under_way_ = false;
      proven_.withdraw(name_);
    }
  }

  void judge(const Reply& reply) {
    if (!reply.failure) {
      proven_.count_answer(name_);
      is_first_under_way_ = false;
      return;
    }
    withdraw();
    const std::optional<int> refusals = proven_.count_failure(name_, is_refused_access(reply));
    if (!refusals) {
      refuse_first(*reply.failure);
    } else if (*refusals >= kRefusalsUntilStop) {
      throw Error(ErrorCode::kUnavailable,
                  name_ + ": " + std::to_string(*refusals) +
                      " requests in a row were refused, the last: " + reply.failure->message +
                      "; what is finished is stored, the same command continues");
    }
  }

  void refuse_first(const Failure& failure) const {
    const std::string& what = failure.failure_class;
    if (what == "http_4xx" || what == "redirect" || what == "tls") {
      throw Error(ErrorCode::kInvalidConfig, name_ + ": the first request was refused: " +
                                                 failure.message + "; no other was sent");
    }
    if (what == "connect") {
      throw Error(ErrorCode::kUnavailable, name_ + ": nothing answers: " + failure.message);
    }
  }

  PromptSource& source_;
  ReplySink& sink_;
  const std::string& name_;
  ProvenGenerators& proven_;
  bool is_first_under_way_ = false;
};

class PreflightGenerator final : public Generator {
 public:
  PreflightGenerator(std::unique_ptr<Generator> inner, std::string name, ProvenGenerators& proven)
      : inner_(std::move(inner)), name_(std::move(name)), proven_(proven) {}

  void generate(PromptSource& source, ReplySink& sink, std::stop_token stop) override {
    PreflightSession session(source, sink, name_, proven_);
    inner_->generate(session, session, std::move(stop));
  }

  const PromptBudget* prompt_budget() const override { return inner_->prompt_budget(); }
  bool owns_cores() const override { return inner_->owns_cores(); }

 private:
  std::unique_ptr<Generator> inner_;
  std::string name_;
  ProvenGenerators& proven_;
};

}  // namespace

bool ProvenGenerators::is_proven(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto state = states_.find(name);
  return state != states_.end() && state->second.is_proven;
}

bool ProvenGenerators::may_ask(const std::string& name) {
  const std::lock_guard lock(mutex_);
  State& state = states_[name];
  if (state.is_proven) {
    return true;
  }
  return !std::exchange(state.first_is_under_way, true);
}

void ProvenGenerators::withdraw(const std::string& name) {
  const std::lock_guard lock(mutex_);
  states_[name].first_is_under_way = false;
}

void ProvenGenerators::count_answer(const std::string& name) {
  const std::lock_guard lock(mutex_);
  states_[name] = {.is_proven = true};
}

std::optional<int> ProvenGenerators::count_failure(const std::string& name,
                                                   bool is_refused_access) {
  const std::lock_guard lock(mutex_);
  State& state = states_[name];
  if (!state.is_proven) {
    return std::nullopt;
  }
  state.refusals_in_row = is_refused_access ? state.refusals_in_row + 1 : 0;
  return state.refusals_in_row;
}

std::unique_ptr<Generator> make_preflight_generator(std::unique_ptr<Generator> inner,
                                                    std::string name, ProvenGenerators& proven) {
  return std::make_unique<PreflightGenerator>(std::move(inner), std::move(name), proven);
}

}  // namespace crudbench
