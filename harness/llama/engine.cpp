#include "harness/llama/engine.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <llama.h>
#include <utility>

#include "harness/core/error.h"
#include "harness/llama/answer_text.h"
#include "harness/llama/backend.h"
#include "harness/llama/repetition_guard.h"
#include "harness/llama/shared_prefixes.h"
#include "harness/llama/thread_count.h"
#include "harness/llama/token_batch.h"

namespace crudbench {

namespace {

using Clock = std::chrono::steady_clock;

/// Prefixes that are kept besides the sequences of requests: a judge has three kinds of prompts.
constexpr std::size_t kMostPrefixes = 3;
/// Waiting requests that are looked through for a common beginning.
constexpr std::size_t kLookAhead = 32;

ggml_type kv_type_of(std::string_view name) {
  constexpr std::array<ggml_type, kKvTypes.size()> kTypes{
      GGML_TYPE_F32,  GGML_TYPE_F16,  GGML_TYPE_BF16, GGML_TYPE_Q8_0,
      GGML_TYPE_Q5_1, GGML_TYPE_Q5_0, GGML_TYPE_Q4_1, GGML_TYPE_Q4_0};
  const auto found = std::find(kKvTypes.begin(), kKvTypes.end(), name);
  if (found == kKvTypes.end()) {
    throw Error(ErrorCode::kInvalidConfig, "unknown kv_type '" + std::string(name) + "'");
  }
  return kTypes[static_cast<std::size_t>(found - kKvTypes.begin())];
}

struct FreeContext {
  void operator()(llama_context* context) const noexcept { llama_free(context); }
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Failure failure_of(std::string failure_class, std::string message) {
  return {.stage = Stage::kGeneration,
          .failure_class = std::move(failure_class),
          .message = std::move(message)};
}

/// A request under way in a sequence of its own.
struct Slot {
  Slot(EngineRequest asked, TokenSampler chooser)
      : request(std::move(asked)), sampler(std::move(chooser)), text(request.stops) {}

  bool reads_prompt() const noexcept { return decoded < request.prompt.size(); }

  EngineRequest request;
  TokenSampler sampler;
  AnswerText text;
  int prefix_sequence = -1;   ///< That of the prefix it shares; -1: none.
  std::size_t shared = 0;     ///< Tokens of it.
  std::size_t decoded = 0;    ///< Tokens in the cache.
  std::vector<Token> answer;  ///< The last one is not in the cache yet.
  std::size_t row = 0;        ///< Of the batch, where its logits are.
  std::size_t row_count = 0;  ///< In the batch.
  double busy_seconds = 0.0;
  bool has_logits = false;
  Clock::time_point admitted = Clock::now();
  Clock::time_point first_token;
};

}  // namespace

class LlamaEngine::Impl {
 public:
  Impl(const LlamaModel& model, const EngineOptions& options, DecodeObserver* observer)
      : model_(model),
        options_(options),
        observer_(observer),
        prefixes_(prefix_sequences(), options.strict ? options.micro_batch : 1) {
    if (options_.strict && options_.parallel != 1) {
      throw Error(ErrorCode::kInvalidConfig, "a strict engine decodes one sequence at a time");
    }
    make_context();
    threads_ = options_.threads != 0 ? options_.threads
               : options_.strict     ? usable_cores()
                                     : fastest_thread_count(context_.get());
    const auto threads = static_cast<std::int32_t>(threads_);
    llama_set_n_threads(context_.get(), threads, threads);
    slots_.resize(options_.parallel);
  }

  void submit(EngineRequest request) {
    TokenSampler sampler(model_, request.sampling, request.seed);
    if (request.prompt.size() + request.max_tokens > options_.context) {
      ended_.push_back(
          {.ticket = request.ticket,
           .failure =
               failure_of("too_long", "the prompt has " + std::to_string(request.prompt.size()) +
                                          " tokens; with max_tokens " +
                                          std::to_string(request.max_tokens) + " the context of " +
                                          std::to_string(options_.context) + " has no room for it"),
           .usage = {.prompt_tokens = static_cast<std::int64_t>(request.prompt.size())}});
      return;
    }
    waiting_.push_back(std::make_unique<Slot>(std::move(request), std::move(sampler)));
  }

  std::vector<EngineAnswer> step() {
    admit();
    fill_batch();
    if (!batch_.empty() && decode_batch()) {
      for (std::unique_ptr<Slot>& slot : slots_) {
        if (slot && slot->has_logits) {
          choose_token(slot);
        }
      }
    }
    return std::exchange(ended_, {});
  }

  std::size_t load() const noexcept {
    return waiting_.size() + ended_.size() +
           static_cast<std::size_t>(std::count_if(
               slots_.begin(), slots_.end(), [](const auto& slot) { return slot != nullptr; }));
  }

  const LlamaModel& model_;
  const EngineOptions options_;
  std::size_t threads_ = 0;
  std::size_t computed_prompt_tokens_ = 0;
  std::size_t shared_prompt_tokens_ = 0;
  std::function<void(std::size_t, std::span<const float>)> look_;

 private:
  std::vector<int> prefix_sequences() const {
    std::vector<int> sequences;
    // A second prefix would lie before a strict sequence at one time and not at another.
    const std::size_t count = options_.strict ? 1 : kMostPrefixes;
    for (std::size_t i = 0; i < count; ++i) {
      sequences.push_back(static_cast<int>(options_.parallel + i));
    }
    return sequences;
  }

  void make_context() {
    llama_context_params parameters = llama_context_default_params();
    const auto sequences = static_cast<std::uint32_t>(options_.parallel + kMostPrefixes);
    parameters.n_ctx = static_cast<std::uint32_t>(options_.context * options_.parallel);
    parameters.n_batch = static_cast<std::uint32_t>(options_.batch);
    parameters.n_ubatch = static_cast<std::uint32_t>(options_.micro_batch);
    parameters.n_seq_max = sequences;
    parameters.n_outputs_max = sequences;
    parameters.kv_unified = true;  // So that sequences can share cells.
    parameters.type_k = kv_type_of(options_.kv_type);
    parameters.type_v = parameters.type_k;
    parameters.flash_attn_type = options_.flash_attention == "on" ? LLAMA_FLASH_ATTN_TYPE_ENABLED
                                 : options_.flash_attention == "off"
                                     ? LLAMA_FLASH_ATTN_TYPE_DISABLED
                                     : LLAMA_FLASH_ATTN_TYPE_AUTO;
    if (observer_ != nullptr) {
      parameters.cb_eval = [](ggml_tensor* tensor, bool ask, void* self) {
        const auto& engine = *static_cast<const Impl*>(self);
        return engine.is_watched_ && engine.observer_->see(tensor, ask);
      };
      parameters.cb_eval_user_data = this;
    }
    take_llama_errors();
    context_.reset(llama_init_from_model(model_.handle(), parameters));
    if (!context_) {
      throw Error(ErrorCode::kInvalidConfig,
                  "llama.cpp cannot make a context of " + std::to_string(parameters.n_ctx) +
                      " tokens (context x parallel) for this model: " + take_llama_errors());
    }
  }

  llama_memory_t memory() const { return llama_get_memory(context_.get()); }

  // Admission.

  void admit() {
    for (std::size_t i = 0; i < slots_.size() && !waiting_.empty(); ++i) {
      if (slots_[i]) {
        continue;
      }
      const std::vector<Token>& prompt = waiting_.front()->request.prompt;
      if (!make_prefix(prompt)) {
        return;
      }
      SharedPrefixes::Prefix* prefix = prefixes_.find(prompt);
      if (options_.strict && prefix == nullptr) {
        forget_unused_prefixes(nullptr, SIZE_MAX);  // The sequence starts at the first cell.
      }
      const std::size_t shared = prefix == nullptr ? 0 : prefix->tokens.size();
      if (!make_room(waiting_.front()->request.max_tokens + prompt.size() - shared, prefix)) {
        return;
      }
      start(i, prefix);
    }
  }

  /// Decodes the beginning that the next prompt shares with other waiting ones, if that is worth
  /// it. False if the engine failed over it.
  bool make_prefix(std::span<const Token> prompt) {
    std::vector<std::span<const Token>> others;
    for (std::size_t i = 1; i < std::min(waiting_.size(), kLookAhead); ++i) {
      others.emplace_back(waiting_[i]->request.prompt);
    }
    const std::size_t length = prefixes_.worthwhile_length(prompt, others);
    if (length == 0) {
      return true;
    }
    if (options_.strict || !prefixes_.has_free_sequence()) {
      forget_one_prefix(nullptr);
    }
    if (!prefixes_.has_free_sequence() || !make_room(length, nullptr)) {
      return true;  // Not now: all prefixes are in use.
    }
    const SharedPrefixes::Prefix& prefix = prefixes_.keep(prompt.first(length));
    for (std::size_t begin = 0; begin < length; begin += options_.micro_batch) {
      batch_.clear();
      for (std::size_t at = begin; at < std::min(begin + options_.micro_batch, length); ++at) {
        batch_.add(prompt[at], at, prefix.sequence, false,
                   {.ticket = kSharedRow, .token = prompt[at]});
      }
      if (!decode_batch()) {
        return false;
      }
    }
    computed_prompt_tokens_ += length;
    return true;
  }

  /// Whether `cells` more can be promised, prefixes without users given up for it if need be.
  bool make_room(std::size_t cells, const SharedPrefixes::Prefix* keep) {
    const std::size_t all = options_.context * options_.parallel;
    std::size_t promised = 0;
    for (const std::unique_ptr<Slot>& slot : slots_) {
      if (slot) {
        promised += slot->request.prompt.size() + slot->request.max_tokens - slot->shared;
      }
    }
    forget_unused_prefixes(keep, all - std::min(all, promised + cells));
    return promised + prefixes_.token_count() + cells <= all;
  }

  /// Until the kept prefixes take at most `cells`.
  void forget_unused_prefixes(const SharedPrefixes::Prefix* except, std::size_t cells) {
    const bool all = cells == SIZE_MAX;
    while ((all || prefixes_.token_count() > cells) && forget_one_prefix(except)) {
    }
  }

  bool forget_one_prefix(const SharedPrefixes::Prefix* except) {
    const std::optional<int> sequence = prefixes_.evict(except);
    if (sequence) {
      llama_memory_seq_rm(memory(), *sequence, -1, -1);
    }
    return sequence.has_value();
  }

  void start(std::size_t index, SharedPrefixes::Prefix* prefix) {
    slots_[index] = std::move(waiting_.front());
    waiting_.pop_front();
    Slot& slot = *slots_[index];
    slot.admitted = Clock::now();
    if (prefix != nullptr) {
      // All of the prefix, so that it also holds for models whose memory is a state, not cells.
      llama_memory_seq_cp(memory(), prefix->sequence, static_cast<int>(index), -1, -1);
      prefixes_.acquire(*prefix);
      slot.prefix_sequence = prefix->sequence;
      slot.shared = prefix->tokens.size();
      slot.decoded = slot.shared;
      shared_prompt_tokens_ += slot.shared;
    }
  }

  // Decoding.

  void fill_batch() {
    batch_.clear();
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i] && !slots_[i]->reads_prompt()) {
        Slot& slot = *slots_[i];
        add_row(slot, i, slot.answer.back(), true, true);
      }
    }
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (!slots_[i] || !slots_[i]->reads_prompt()) {
        continue;
      }
      Slot& slot = *slots_[i];
      const std::size_t room =
          options_.strict ? options_.micro_batch : options_.batch - batch_.size();
      const std::size_t end = std::min(slot.decoded + room, slot.request.prompt.size());
      computed_prompt_tokens_ += end - slot.decoded;
      while (slot.decoded < end) {
        const bool is_last = slot.decoded + 1 == slot.request.prompt.size();
        add_row(slot, i, slot.request.prompt[slot.decoded], is_last, false);
      }
    }
  }

  void add_row(Slot& slot, std::size_t index, Token token, bool wants_logits, bool is_answer) {
    slot.row = batch_.size();
    ++slot.row_count;
    slot.has_logits = wants_logits;
    batch_.add(token, slot.decoded++, static_cast<int>(index), wants_logits,
               {.ticket = slot.request.ticket, .token = token, .is_answer = is_answer});
  }

  /// False if llama.cpp failed: then every request under way has ended with a failure, and the
  /// cache is empty.
  bool decode_batch() {
    if (observer_ != nullptr) {
      observer_->begin_batch(batch_.rows());
    }
    take_llama_errors();
    is_watched_ = observer_ != nullptr;
    const auto start = Clock::now();
    const int problem = batch_.decode(context_.get());
    llama_synchronize(context_.get());
    share_out(seconds_since(start));
    is_watched_ = false;
    if (problem == 0) {
      return true;
    }
    const Failure failure =
        failure_of("engine_failed",
                   "llama_decode returned " + std::to_string(problem) + ": " + take_llama_errors());
    for (std::unique_ptr<Slot>& slot : slots_) {
      if (slot) {
        end(slot, {.failure = failure});
      }
    }
    prefixes_.clear();
    llama_memory_clear(memory(), true);
    return false;
  }

  /// Books the time of a batch to the requests that it was for, by their rows.
  void share_out(double seconds) {
    for (std::unique_ptr<Slot>& slot : slots_) {
      if (slot) {
        slot->busy_seconds +=
            seconds * static_cast<double>(slot->row_count) / static_cast<double>(batch_.size());
        slot->row_count = 0;
      }
    }
  }

  // Answers.

  void choose_token(std::unique_ptr<Slot>& place) {
    Slot& slot = *place;
    slot.has_logits = false;
    const std::span<const float> logits(
        llama_get_logits_ith(context_.get(), static_cast<std::int32_t>(slot.row)),
        model_.vocabulary_size());
    if (look_) {
      look_(slot.request.ticket, logits);
    }
    const std::optional<Token> token = slot.sampler.next(logits);
    if (slot.answer.empty()) {
      slot.first_token = Clock::now();
    }
    if (!token) {
      end(place, {.failure = failure_of("nan_logits",
                                        "the model's numbers for the next token are not finite "
                                        "after " +
                                            std::to_string(slot.answer.size()) + " tokens")});
      return;
    }
    slot.answer.push_back(*token);
    take_token(place, *token);
  }

  void take_token(std::unique_ptr<Slot>& place, Token token) {
    Slot& slot = *place;
    if (model_.ends_answer(token) || slot.text.append(model_.piece(token))) {
      end(place, {.finish_reason = "stop"});
    } else if (is_repetition(slot.answer, slot.request.repetition_window)) {
      end(place,
          {.failure = failure_of("repetition", "the answer goes in circles: its last " +
                                                   std::to_string(slot.request.repetition_window) +
                                                   " tokens repeat one pattern")});
    } else if (slot.answer.size() >= slot.request.max_tokens) {
      const bool is_constrained = !slot.request.sampling.grammar.empty();
      end(place, is_constrained
                     ? EngineAnswer{.failure = failure_of("unfinished",
                                                          "max_tokens came before the end that the "
                                                          "grammar wants")}
                     : EngineAnswer{.finish_reason = "length"});
    }
  }

  /// Frees the slot and hands `answer` over, completed with what the slot knows.
  void end(std::unique_ptr<Slot>& place, EngineAnswer answer) {
    const Slot& slot = *place;
    answer.ticket = slot.request.ticket;
    answer.text = slot.text.complete();
    answer.usage = {.prompt_tokens = static_cast<std::int64_t>(slot.request.prompt.size()),
                    .cached_prompt_tokens = static_cast<std::int64_t>(slot.shared),
                    .completion_tokens = static_cast<std::int64_t>(slot.answer.size())};
    if (!slot.answer.empty()) {
      answer.prefill_seconds =
          std::chrono::duration<double>(slot.first_token - slot.admitted).count();
      answer.decode_seconds = seconds_since(slot.first_token);
    }
    answer.busy_seconds = slot.busy_seconds;
    if (observer_ != nullptr) {
      answer.observed = observer_->take(answer.ticket);
    }
    llama_memory_seq_rm(memory(), static_cast<int>(&place - slots_.data()), -1, -1);
    prefixes_.release(slot.prefix_sequence);
    place.reset();
    ended_.push_back(std::move(answer));
  }

  DecodeObserver* observer_;
  bool is_watched_ = false;  ///< A batch is being decoded, and not a measurement.
  std::unique_ptr<llama_context, FreeContext> context_;
  SharedPrefixes prefixes_;
  std::deque<std::unique_ptr<Slot>> waiting_;
  std::vector<std::unique_ptr<Slot>> slots_;  // [sequence]
  TokenBatch batch_;
  std::vector<EngineAnswer> ended_;
};

LlamaEngine::LlamaEngine(const LlamaModel& model, const EngineOptions& options,
                         DecodeObserver* observer)
    : impl_(std::make_unique<Impl>(model, options, observer)) {}
LlamaEngine::~LlamaEngine() = default;

void LlamaEngine::submit(EngineRequest request) {
  impl_->submit(std::move(request));
}
std::vector<EngineAnswer> LlamaEngine::step() {
  return impl_->step();
}
std::size_t LlamaEngine::load() const noexcept {
  return impl_->load();
}
std::size_t LlamaEngine::threads() const noexcept {
  return impl_->threads_;
}
std::size_t LlamaEngine::context() const noexcept {
  return impl_->options_.context;
}
std::size_t LlamaEngine::computed_prompt_tokens() const noexcept {
  return impl_->computed_prompt_tokens_;
}
std::size_t LlamaEngine::shared_prompt_tokens() const noexcept {
  return impl_->shared_prompt_tokens_;
}
void LlamaEngine::on_logits(
    std::function<void(std::size_t ticket, std::span<const float> logits)> look) {
  impl_->look_ = std::move(look);
}

}  // namespace crudbench
