#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/core/executor.h"
#include "harness/core/json.h"
#include "harness/core/types.h"

namespace crudbench {

class LlamaHost;
class RateControls;

/// What a generator is asked.
struct Prompt {
  std::size_t ticket = 0;  ///< Chosen by the source; names the reply.
  std::string sample_id;
  std::string task;
  std::string text;  ///< The filled-in template, as sent to a model.
  /// The parts that `text` was made of, for generators that are no language model.
  Fields fields;
  std::string query;
  std::vector<std::string> passages;  ///< As they stand in the context, in its order.
};

/// One try at a prompt.
struct Attempt {
  std::optional<Failure> failure;  ///< Absent: it succeeded.
  double seconds = 0.0;
  int http_status = 0;     ///< 0 where none was received.
  std::string request_id;  ///< The server's name for the request; empty where it gives none.
};

/// When the tokens of a streamed reply arrived, seen from here; nullopt where it was not streamed.
struct StreamTiming {
  std::optional<double> first_token_seconds;  ///< From sending the request.
  /// Mean time between one piece of text and the next; needs two pieces.
  std::optional<double> inter_token_seconds;

  friend bool operator==(const StreamTiming&, const StreamTiming&) = default;
};

/// A passage that a system with a retriever of its own had before it.
struct ExternalContext {
  std::string doc_id;  ///< As this program names documents; empty if it is not known.
  std::string text;    ///< Empty if it is not known.

  friend bool operator==(const ExternalContext&, const ExternalContext&) = default;
};

/// What came back for one prompt: a text, or a failure.
struct Reply {
  std::string text;
  /// What a reasoning model thought before it answered; never scored.
  std::string reasoning;
  std::optional<Failure> failure;
  Usage usage;
  StreamTiming timing;
  double seconds = 0.0;  ///< From the first attempt's start to the end of the last, waits included.
  std::vector<Attempt> attempts;
  std::string finish_reason;  ///< As the provider says: "stop", "length", …; empty if unknown.
  /// What the system had retrieved, best first; nullopt: it does not say.
  std::optional<std::vector<ExternalContext>> contexts;
  bool cached = false;
  /// What else the generator has to tell: null, or an object of numbers ("decode_seconds") and,
  /// under "routing", a `RoutingRecord`.
  Json details;
  /// Where the reply stands in the completion cache; empty if it does not.
  std::string completion_key;
};

struct TicketReply {
  std::size_t ticket = 0;
  Reply reply;
};

/// Where a generator pulls its prompts from. Called from the thread that runs `generate`.
class PromptSource {
 public:
  enum class Status {
    kPrompt,   ///< `prompt` was filled.
    kPending,  ///< None was ready within `wait`; ask again.
    kEnd,      ///< There are no more.
  };
  virtual ~PromptSource() = default;
  virtual Status next(Prompt& prompt, std::chrono::milliseconds wait) = 0;
};

/// Where a generator hands its replies, each prompt's exactly once, in any order. Called from the
/// thread that runs `generate`. What it throws ends the run: `generate` lets it pass.
class ReplySink {
 public:
  virtual ~ReplySink() = default;
  virtual void accept(std::size_t ticket, Reply reply) = 0;

  /// The same for replies that came together, so that a sink that stores can do it in one step.
  virtual void accept_all(std::vector<TicketReply> replies) {
    for (TicketReply& reply : replies) {
      accept(reply.ticket, std::move(reply.reply));
    }
  }
};

/// A limit of prompts, in the tokens of the model that reads them. Callable from any thread.
class PromptBudget {
 public:
  virtual ~PromptBudget() = default;
  virtual std::size_t limit() const = 0;
  virtual std::size_t count(std::string_view text) const = 0;
};

/// Answers prompts.
///
/// A generator pulls: it takes the next prompt whenever it has a free slot, so one shape serves a
/// remote endpoint with 64 requests in flight, a local model that batches continuously and a
/// three-line baseline.
class Generator {
 public:
  virtual ~Generator() = default;

  /// Pulls until the source ends and every pulled prompt's reply was handed over; a prompt that
  /// cannot be answered gets a reply with a failure. When `stop` is requested it pulls no more,
  /// gives up what is under way without handing anything over for it, and returns soon.
  virtual void generate(PromptSource& source, ReplySink& sink, std::stop_token stop) = 0;

  /// How long prompts may be, where that is known beforehand; null where it is not. Valid for the
  /// generator's life.
  virtual const PromptBudget* prompt_budget() const { return nullptr; }

  /// Whether it computes on this machine's cores itself, so that other work should leave them to
  /// it.
  virtual bool owns_cores() const { return false; }
};

/// What a generator's factory may use.
struct GeneratorParts {
  Executor& executor;  ///< Outlives the generator.
  /// Keeps local models loaded from one generator to the next, and outlives them; without it each
  /// loads its own.
  LlamaHost* llama = nullptr;
  /// What is known about endpoints, shared between generators; outlives them. nullptr: each
  /// generator learns for itself.
  RateControls* rates = nullptr;
  /// Where variants of local models are kept once they are made.
  std::filesystem::path model_folder;
};

}  // namespace crudbench
