#include "harness/runner/retrieval_desk.h"

#include <algorithm>
#include <utility>

namespace crudbench {

struct RetrievalDesk::Base {
  std::mutex mutex;  ///< Guards everything below; held while artifacts are built.
  std::unique_ptr<KnowledgeBase> knowledge_base;
  std::map<std::string, std::shared_ptr<SharedRetriever>> retrievers;  // by fingerprint
  /// By fingerprint and task.
  std::map<std::pair<std::string, std::string>, std::shared_ptr<SharedHits>> hits;
};

RetrievalDesk::RetrievalDesk(const Plan& plan, const Experiment& experiment, const Corpus& corpus,
                             MakeKnowledgeBase make_knowledge_base)
    : plan_(plan),
      experiment_(experiment),
      corpus_(corpus),
      make_knowledge_base_(std::move(make_knowledge_base)) {
  for (const Cell& cell : experiment.cells) {
    chunkers_.push_back(knowledge_base_key(cell));
  }
  for (const PlannedRun& run : plan.runs) {
    ++wanted_.chunkers[chunker_of(run)];
    ++wanted_.retrievals[run.retrieval_fingerprint];
  }
}

RetrievalDesk::~RetrievalDesk() = default;

RetrievalDesk::Lease RetrievalDesk::take(const PlannedRun& run, std::size_t item_count) {
  std::shared_ptr<Base> base;
  {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Base>& place = bases_[chunker_of(run)];
    if (!place) {
      place = std::make_shared<Base>();
    }
    base = place;
  }
  const std::lock_guard lock(base->mutex);
  if (!base->knowledge_base) {
    base->knowledge_base = make_knowledge_base_();
  }
  std::shared_ptr<SharedRetriever>& retriever = base->retrievers[run.retrieval_fingerprint];
  if (!retriever) {
    auto opened = std::make_shared<SharedRetriever>();
    opened->retriever = base->knowledge_base->open(experiment_.cells[run.cell].retrieval);
    retriever = std::move(opened);
  }
  std::shared_ptr<SharedHits>& hits = base->hits[{run.retrieval_fingerprint, run.task}];
  if (!hits) {
    const auto retrieval = std::find_if(plan_.retrievals.begin(), plan_.retrievals.end(),
                                        [&run](const PlannedRetrieval& planned) {
                                          return planned.fingerprint == run.retrieval_fingerprint;
                                        });
    hits = std::make_shared<SharedHits>(
        SharedHits{.top_k = retrieval->top_k,
                   .found = std::vector<std::optional<Retrieval>>(item_count),
                   .seconds = std::vector<double>(item_count),
                   .chunk_counts = count_chunks(retriever->retriever->chunks())});
  }
  return {.base = base, .retriever = retriever, .hits = hits};
}

void RetrievalDesk::finish(const PlannedRun& run) {
  std::shared_ptr<Base> base;  // Freed, where it is the last, without the lock.
  {
    const std::lock_guard lock(mutex_);
    const bool last_of_retrieval = --wanted_.retrievals.at(run.retrieval_fingerprint) == 0;
    const bool last_of_chunker = --wanted_.chunkers.at(chunker_of(run)) == 0;
    const auto place = bases_.find(chunker_of(run));
    if (place == bases_.end() || !last_of_retrieval) {
      return;
    }
    base = place->second;
    if (last_of_chunker) {
      bases_.erase(place);
      return;
    }
  }
  const std::lock_guard lock(base->mutex);  // For long, where something is being built.
  base->retrievers.erase(run.retrieval_fingerprint);
  std::erase_if(base->hits, [&run](const auto& entry) {
    return entry.first.first == run.retrieval_fingerprint;
  });
}

void RetrievalDesk::evict(const std::string& chunker) {
  std::shared_ptr<Base> dropped;
  const std::lock_guard lock(mutex_);
  if (const auto base = bases_.find(chunker); base != bases_.end()) {
    dropped = std::move(base->second);
    bases_.erase(base);
  }
}

std::vector<std::int64_t> RetrievalDesk::count_chunks(const ChunkTable& chunks) const {
  std::vector<std::int64_t> counts(corpus_.size(), 0);
  for (DocumentIndex document = 0; document < corpus_.size(); ++document) {
    counts[corpus_.canonical(document)] +=
        chunks.first_chunk(document + 1) - chunks.first_chunk(document);
  }
  return counts;
}

std::string knowledge_base_key(const Cell& cell) {
  return to_text(cell.retrieval.chunker);
}

}  // namespace crudbench
