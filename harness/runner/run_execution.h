#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "datasets/dataset.h"
#include "harness/core/executor.h"
#include "harness/generators/generator.h"
#include "harness/runner/bounded_queue.h"
#include "harness/runner/context_builder.h"
#include "harness/runner/experiment.h"
#include "harness/runner/prices.h"
#include "harness/runner/retrieval_desk.h"
#include "harness/runner/scorer.h"
#include "harness/runner/stored_completions.h"
#include "harness/runner/task_items.h"
#include "harness/store/store.h"
#include "harness/tasks/prompt_template.h"
#include "harness/tasks/task.h"
#include "retrievers/retriever.h"

namespace crudbench {

/// The stored count of gold chunks as metrics take it.
std::optional<std::size_t> gold_chunk_count(const SampleRecord& record);

/// Keeps the first error of several threads and tells the others to stop. Thread-safe.
class FirstError {
 public:
  /// Runs `work`; what it throws is kept if it is the first.
  template <class Work>
  void guard(const Work& work) noexcept {
    try {
      work();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) {
        error_ = std::current_exception();
      }
      stop_.request_stop();
    }
  }

  void request_stop() noexcept { stop_.request_stop(); }
  std::stop_token stop_token() const noexcept { return stop_.get_token(); }
  bool stopping() const noexcept { return stop_.stop_requested(); }

  /// To be called when the threads have ended.
  void rethrow() const {
    if (error_) {
      std::rethrow_exception(error_);
    }
  }

 private:
  std::mutex mutex_;  ///< Guards `error_`.
  std::exception_ptr error_;
  std::stop_source stop_;
};

/// What one run is made of. Everything outlives the execution.
struct RunParts {
  std::int64_t run_id = 0;
  const Cell& cell;
  const TaskItems& items;
  const Dataset& dataset;
  const RetrievalDesk::Lease& retrieval;
  const PromptTemplate& prompt_template;
  const ContextOptions& context;
  Generator& generator;
  const Scorer& scorer;
  std::mutex& scoring;  ///< Held while it scores: runs share what metrics are made of.
  /// Of the generator's model; nullopt where it is not known.
  std::optional<ModelPrice> price;
  /// False where the generator is a system with a retriever of its own that keeps its hits to
  /// itself: then there is nothing to measure retrieval by.
  bool hits_are_known = true;
  /// The canonical document of an id, or a number of its own for one that the corpus lacks. Called
  /// from the scoring thread.
  const std::function<DocumentIndex(const std::string& doc_id)>& document_of;
  std::int64_t repeat = 0;
  bool keep_prompts = true;        ///< In the store.
  StoredCompletions& completions;  ///< Stores the samples with those that they name.
  Executor& executor;
  /// Called before the next for every stored sample, with its prompt and its reply; may be null.
  const std::function<void(const std::string&, const std::string&)>& bodies;
  /// Called for every stored sample, on the storing thread.
  const std::function<void(const SampleRecord&)>& sample_finished;
};

/// Brings samples of one run to their fate, with four threads in a line: one retrieves and writes
/// prompts ahead of the generator, which runs on the calling thread; one extracts answers and
/// scores behind it, at most 64 samples or one second at a time; one stores what has come
/// meanwhile.
class RunExecution final : private PromptSource, private ReplySink {
 public:
  explicit RunExecution(const RunParts& parts);

  /// Runs the given items (indices into TaskItems) to their fate, or until `stop`; then samples
  /// that are not finished are not stored; nor are those that the budget does not allow. Throws
  /// what concerns more than one sample; what was finished before is stored.
  void execute(std::span<const std::size_t> items, const std::stop_token& stop);

 private:
  /// One sample on its way. Written by one thread at a time: handed on through the queues.
  struct Ticket {
    std::size_t item = 0;
    std::vector<DocumentIndex> documents;  ///< Canonical document of each hit.
    bool hits_are_foreign = false;         ///< They are those of the generator's own retriever.
    std::string reply;
    std::string prompt;  ///< Only where it is to be told with the reply.
    SampleRecord record;
  };

  /// A finished generation, or a failure before it.
  struct Outcome {
    std::size_t ticket = 0;
    Reply reply;
  };

  Status next(Prompt& prompt, std::chrono::milliseconds wait) override;
  void accept(std::size_t ticket, Reply reply) override;

  void retrieve_ahead(std::span<const std::size_t> items);
  void find_hits(std::span<const std::size_t> items);
  void hand_over(std::size_t ticket);
  /// Builds the context and the prompt's text; where the generator knows how long prompts may be,
  /// the context is cut so that the prompt fits, if that is possible.
  Context fill_prompt(Prompt& prompt, std::span<const Hit> hits) const;
  void record_hits(Ticket& ticket, std::span<const Hit> hits) const;

  void score_behind();
  void store_behind();
  void store(std::span<const std::size_t> tickets);
  void complete(Ticket& ticket, Reply reply) const;
  void record_contexts(Ticket& ticket, const std::vector<ExternalContext>& contexts) const;
  void record_cost(SampleRecord& record) const;
  void score(std::span<const std::size_t> tickets);
  const ChunkTable& chunks() const { return parts_.retrieval.retriever->retriever->chunks(); }

  const Sample& sample_of(std::size_t item) const {
    return parts_.dataset.samples[parts_.items.samples[item]];
  }

  RunParts parts_;
  std::vector<std::unique_ptr<Ticket>> tickets_;  ///< Null before and after their way.
  BoundedQueue<Prompt> prompts_;
  BoundedQueue<Outcome> outcomes_;
  BoundedQueue<std::vector<std::size_t>> scored_;  ///< Tickets whose samples are to be stored.
  FirstError error_;
};

}  // namespace crudbench
