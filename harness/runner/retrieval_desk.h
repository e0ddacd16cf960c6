#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "harness/runner/experiment.h"
#include "harness/runner/plan.h"
#include "retrievers/knowledge_base.h"
#include "retrievers/retriever.h"

namespace crudbench {

/// Hits of one retrieval configuration on one task, found once at the largest `top_k` that any cell
/// asks for; cells with a smaller one use a prefix.
struct SharedHits {
  std::size_t top_k = 0;
  std::vector<std::optional<Retrieval>> found;  // [item]
  std::vector<double> seconds;                  // [item] a batch's time, shared out
  /// [canonical document] chunks of it and its duplicates.
  std::vector<std::int64_t> chunk_counts;
};

/// A retriever in use by several runs.
struct SharedRetriever {
  std::unique_ptr<Retriever> retriever;
  /// Held while it retrieves and while `SharedHits::found` is filled from it; entries that were
  /// filled do not change.
  std::mutex mutex;
};

/// The knowledge bases, retrievers and hits that the runs of an execution share. Each stays in
/// memory while runs that want it are left, or until it is evicted. Thread-safe.
class RetrievalDesk {
 public:
  using MakeKnowledgeBase = std::function<std::unique_ptr<KnowledgeBase>()>;

  /// What a run retrieves with; holds all of it in memory.
  struct Lease {
    std::shared_ptr<void> base;  ///< Outlives the two others.
    std::shared_ptr<SharedRetriever> retriever;
    std::shared_ptr<SharedHits> hits;
  };

  RetrievalDesk(const Plan& plan, const Experiment& experiment, const Corpus& corpus,
                MakeKnowledgeBase make_knowledge_base);
  ~RetrievalDesk();
  RetrievalDesk(const RetrievalDesk&) = delete;
  RetrievalDesk& operator=(const RetrievalDesk&) = delete;

  /// Opens, and builds where need be, what the run needs. Throws as `KnowledgeBase::open`.
  Lease take(const PlannedRun& run, std::size_t item_count);
  /// The run needs nothing of this any more; once for every run of the plan.
  void finish(const PlannedRun& run);
  /// Lets go of a knowledge base; runs that hold it keep it.
  void evict(const std::string& chunker);

 private:
  struct Base;
  struct Wanted {
    std::map<std::string, std::size_t> chunkers;    ///< Runs that are left of each.
    std::map<std::string, std::size_t> retrievals;  ///< The same by fingerprint.
  };

  const std::string& chunker_of(const PlannedRun& run) const { return chunkers_[run.cell]; }
  std::vector<std::int64_t> count_chunks(const ChunkTable& chunks) const;

  const Plan& plan_;
  const Experiment& experiment_;
  const Corpus& corpus_;
  const MakeKnowledgeBase make_knowledge_base_;
  std::vector<std::string> chunkers_;  // [cell] its chunker as text
  std::mutex mutex_;                   ///< Guards everything below, not the inside of bases.
  Wanted wanted_;
  std::map<std::string, std::shared_ptr<Base>> bases_;  // by chunker
};

/// The chunker of a cell as text: what names its knowledge base.
std::string knowledge_base_key(const Cell& cell);

}  // namespace crudbench
