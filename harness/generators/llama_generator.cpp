#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "harness/core/error.h"
#include "harness/core/log.h"
#include "harness/generators/builtin_generators.h"
#include "harness/generators/llama_host.h"
#include "harness/llama/llama_options.h"
#include "harness/llama/model_variant.h"
#include "harness/text/utf8.h"

namespace crudbench {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// One call of `generate`.
class LlamaSession {
 public:
  LlamaSession(const LlamaOptions& options, const Json& resolved, LlamaHost& host, ReplySink& sink)
      : options_(options), resolved_(resolved), host_(host), sink_(sink) {}

  void run(PromptSource& source, const std::stop_token& stop) {
    constexpr milliseconds kInterval{50};  // After which a stop is noticed at the latest.
    PromptSource::Status status = PromptSource::Status::kPending;
    while (!stop.stop_requested()) {
      status = read_ahead(source, status, kInterval);
      if (ahead_.empty() && suspects_.empty() && under_way_.empty()) {
        if (status == PromptSource::Status::kEnd) {
          return;
        }
        continue;
      }
      if (link_ == nullptr) {
        link_ = host_.open(options_, resolved_, stop);
      }
      if (link_ != nullptr) {
        send_prompts();
        take(link_->receive(kInterval));
      }
    }
    host_.close();  // At once, whatever the engine is at.
  }

 private:
  /// A prompt on its way, and how often the engine has ended over it.
  struct Work {
    std::size_t ticket = 0;
    std::string text;
    std::vector<Attempt> attempts;
    Clock::time_point sent;
  };

  /// Prompts at the engine: those it decodes, and enough behind them for it to see what they have
  /// in common.
  std::size_t window() const noexcept {
    constexpr std::size_t kFewest = 16;
    return std::max(2 * options_.engine.parallel, kFewest);
  }

  /// Takes what the source has ready, at most a window beyond what is under way.
  PromptSource::Status read_ahead(PromptSource& source, PromptSource::Status status,
                                  milliseconds patience) {
    while (status != PromptSource::Status::kEnd && ahead_.size() < window()) {
      Prompt prompt;
      const bool is_idle = under_way_.empty() && ahead_.empty();
      status = source.next(prompt, is_idle ? patience : milliseconds(0));
      if (status != PromptSource::Status::kPrompt) {
        break;
      }
      ahead_.push_back({.ticket = prompt.ticket, .text = std::move(prompt.text)});
    }
    // Neighbours in this order have the longest beginnings in common.
    std::sort(ahead_.begin(), ahead_.end(),
              [](const Work& left, const Work& right) { return left.text < right.text; });
    return status;
  }

  void send_prompts() {
    // After a crash one prompt at a time, so that the one that the engine ends over stands alone.
    while (!suspects_.empty() && under_way_.empty()) {
      send(std::move(suspects_.front()));
      suspects_.pop_front();
    }
    while (suspects_.empty() && !is_under_suspicion_ && !ahead_.empty() &&
           under_way_.size() < window()) {
      send(std::move(ahead_.front()));
      ahead_.pop_front();
    }
  }

  void send(Work work) {
    is_under_suspicion_ = !work.attempts.empty();
    link_->send(work.ticket, work.text);
    work.sent = Clock::now();
    under_way_.emplace(work.ticket, std::move(work));
  }

  void take(LlamaLink::News news) {
    for (LlamaReply& reply : news.replies) {
      hand_over(std::move(reply));
    }
    if (news.crash) {
      recover(*news.crash);
    }
  }

  void hand_over(LlamaReply answer) {
    const auto found = under_way_.find(answer.ticket);
    if (found == under_way_.end()) {
      throw Error(ErrorCode::kBadReply, "the engine answered a prompt that it was not given");
    }
    Work work = std::move(found->second);
    under_way_.erase(found);
    is_under_suspicion_ = false;
    if (!answer.failure && strip(answer.text).empty()) {
      answer.failure = Failure{
          .stage = Stage::kGeneration,
          .failure_class = "empty",
          .message = "the answer is blank (finish_reason \"" + answer.finish_reason + "\")"};
    }
    work.attempts.push_back({.failure = answer.failure, .seconds = answer.seconds});
    sink_.accept(work.ticket, {.text = std::move(answer.text),
                               .failure = std::move(answer.failure),
                               .usage = answer.usage,
                               .seconds = answer.seconds,
                               .attempts = std::move(work.attempts),
                               .finish_reason = std::move(answer.finish_reason),
                               .details = std::move(answer.details)});
  }

  /// After the engine's end. What was under way is tried once more, one prompt at a time; a prompt
  /// that it ends over twice has failed.
  void recover(const std::string& how) {
    const Failure failure{.stage = Stage::kGeneration,
                          .failure_class = "engine_crashed",
                          .message = "the engine " + how};
    host_.close();
    link_ = nullptr;
    for (auto& [ticket, work] : std::exchange(under_way_, {})) {
      const double seconds = std::chrono::duration<double>(Clock::now() - work.sent).count();
      work.attempts.push_back({.failure = failure, .seconds = seconds});
      if (work.attempts.size() == 1) {
        suspects_.push_back(std::move(work));
      } else {
        sink_.accept(
            ticket, {.failure = failure, .seconds = seconds, .attempts = std::move(work.attempts)});
      }
    }
    is_under_suspicion_ = false;
    if (crashes_++ == options_.max_restarts) {
      throw Error(ErrorCode::kUnavailable, "the engine has ended " + std::to_string(crashes_) +
                                               " times, and is not started again: it " + how);
    }
    log_warning("llama", "the engine " + how + "; it is started again");
  }

  const LlamaOptions& options_;
  const Json& resolved_;
  LlamaHost& host_;
  ReplySink& sink_;
  LlamaLink* link_ = nullptr;  ///< Null until there is a prompt for it.
  std::deque<Work> ahead_;
  std::deque<Work> suspects_;              ///< Were under way when the engine ended.
  std::map<std::size_t, Work> under_way_;  ///< By ticket.
  bool is_under_suspicion_ = false;        ///< What is under way is a suspect, alone.
  std::size_t crashes_ = 0;
};

/// What the model's context leaves for a prompt.
class LlamaBudget final : public PromptBudget {
 public:
  explicit LlamaBudget(const LlamaOptions& options) : counter_(make_token_counter(options)) {}

  std::size_t limit() const override { return counter_->limit(); }
  std::size_t count(std::string_view text) const override { return counter_->count(text); }

 private:
  std::unique_ptr<TokenCounter> counter_;
};

/// A model on this machine, in an engine process that is kept loaded from one generator to the
/// next. Not callable from several threads at once.
class LlamaGenerator final : public Generator {
 public:
  LlamaGenerator(LlamaOptions options, Json resolved, LlamaHost* host,
                 std::filesystem::path model_folder, std::size_t cores)
      : options_(std::move(options)),
        resolved_(std::move(resolved)),
        model_folder_(std::move(model_folder)),
        cores_(cores),
        host_(host) {
    if (host_ == nullptr) {
      own_host_ = std::make_unique<LlamaHost>();
      host_ = own_host_.get();
    }
  }

  const PromptBudget* prompt_budget() const override {
    std::call_once(budget_made_, [this] { budget_ = std::make_unique<LlamaBudget>(options_); });
    return budget_.get();
  }

  bool owns_cores() const override { return true; }

  void generate(PromptSource& source, ReplySink& sink, std::stop_token stop) override {
    LlamaOptions options = options_;
    Json resolved = resolved_;
    use_variant(options, resolved);
    try {
      LlamaSession(options, resolved, *host_, sink).run(source, stop);
    } catch (...) {
      host_->close();  // What it still answers belongs to nobody.
      throw;
    }
  }

 private:
  /// Makes the variant that is asked for; to the engine it is the model, and there is no other.
  void use_variant(LlamaOptions& options, Json& resolved) const {
    if (options.quantization == kWholeModel) {
      return;
    }
    options.model.file = make_variant(options.model.file, options.model_sha256,
                                      options.quantization, model_folder_, cores_);
    options.quantization = kWholeModel;
    resolved["model"] = options.model.file.string();
    resolved["quantization"] = kWholeModel;
  }

  LlamaOptions options_;
  Json resolved_;
  std::filesystem::path model_folder_;
  std::size_t cores_;
  std::unique_ptr<LlamaHost> own_host_;
  LlamaHost* host_;
  mutable std::once_flag budget_made_;
  mutable std::unique_ptr<LlamaBudget> budget_;  ///< Made by `budget_made_`.
};

}  // namespace

void check_llama_generator(Options& options) {
  static_cast<void>(read_llama_options(options));
}

std::unique_ptr<Generator> make_llama_generator(Options& options, const GeneratorParts& parts) {
  LlamaOptions read = read_llama_options(options);
  return std::make_unique<LlamaGenerator>(std::move(read), options.resolved(), parts.llama,
                                          parts.model_folder, parts.executor.concurrency());
}

}  // namespace crudbench
