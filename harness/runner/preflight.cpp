#include "harness/runner/preflight.h"

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

  Status next(Prompt& prompt, std::chrono::milliseconds wait) override {
    if (is_first_under_way_) {
      return Status::kPending;
    }
    const Status status = source_.next(prompt, wait);
    is_first_under_way_ = status == Status::kPrompt && !proven_.contains(name_);
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
  void judge(const Reply& reply) {
    is_first_under_way_ = false;
    if (!reply.failure) {
      proven_[name_] = 0;
      return;
    }
    const auto proven = proven_.find(name_);
    if (proven == proven_.end()) {
      refuse_first(*reply.failure);
      return;
    }
    int& refusals_in_row = proven->second;
    refusals_in_row = is_refused_access(reply) ? refusals_in_row + 1 : 0;
    if (refusals_in_row >= kRefusalsUntilStop) {
      throw Error(ErrorCode::kUnavailable,
                  name_ + ": " + std::to_string(refusals_in_row) +
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

std::unique_ptr<Generator> make_preflight_generator(std::unique_ptr<Generator> inner,
                                                    std::string name, ProvenGenerators& proven) {
  return std::make_unique<PreflightGenerator>(std::move(inner), std::move(name), proven);
}

}  // namespace crudbench
