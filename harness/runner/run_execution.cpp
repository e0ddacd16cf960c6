#include "harness/runner/run_execution.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "harness/core/fingerprint.h"
#include "harness/runner/external_predictions.h"

namespace crudbench {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kRetrievalBatch = 256;  ///< Queries a batch: enough for FAISS to use BLAS.
constexpr std::size_t kPromptsAhead = 512;
constexpr std::size_t kScoreBatch = 64;
constexpr milliseconds kScoreInterval{1000};
/// Batches that wait while a transaction goes on, and are then stored in one: the more rows it has,
/// the fewer pages of the keys' indexes are written for each. So many outlast a checkpoint.
constexpr std::size_t kBatchesAhead = 32;

Json attempts_to_json(std::span<const Attempt> attempts) {
  if (attempts.empty()) {
    return {};
  }
  Json list = Json::array();
  for (const Attempt& attempt : attempts) {
    Json entry = Json::object();
    entry["seconds"] = attempt.seconds;
    entry["http_status"] = attempt.http_status;
    if (!attempt.request_id.empty()) {
      entry["request_id"] = attempt.request_id;
    }
    if (attempt.failure) {
      entry["class"] = attempt.failure->failure_class;
      entry["message"] = attempt.failure->message;
    }
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

RunExecution::RunExecution(const RunParts& parts)
    : parts_(parts), prompts_(kPromptsAhead), outcomes_(kPromptsAhead), scored_(kBatchesAhead) {}

void RunExecution::execute(std::span<const std::size_t> items, const std::stop_token& stop) {
  tickets_.resize(items.size());
  const std::stop_callback forward(stop, [this] { error_.request_stop(); });
  {
    std::jthread reader([this, items] {
      error_.guard([this, items] { retrieve_ahead(items); });
      prompts_.close();
    });
    // After a failure nobody takes what is still coming.
    const std::jthread writer([this] {
      error_.guard([this] { store_behind(); });
      scored_.close();
    });
    const std::jthread scorer([this] {
      error_.guard([this] { score_behind(); });
      outcomes_.close();
      scored_.close();
    });
    error_.guard([this] { parts_.generator.generate(*this, *this, error_.stop_token()); });
    prompts_.close();
    error_.request_stop();  // For the reader, where the generator ended before its prompts.
    reader.join();
    outcomes_.close();
  }
  error_.rethrow();
}

// Ahead of the generator.

void RunExecution::retrieve_ahead(std::span<const std::size_t> items) {
  for (std::size_t begin = 0; begin < items.size() && !error_.stopping();
       begin += kRetrievalBatch) {
    const std::size_t end = std::min(begin + kRetrievalBatch, items.size());
    find_hits(items.subspan(begin, end - begin));
    for (std::size_t ticket = begin; ticket < end && !error_.stopping(); ++ticket) {
      tickets_[ticket] = std::make_unique<Ticket>(Ticket{.item = items[ticket]});
      hand_over(ticket);
    }
  }
}

void RunExecution::find_hits(std::span<const std::size_t> items) {
  SharedHits& hits = *parts_.retrieval.hits;
  const std::lock_guard lock(parts_.retrieval.retriever->mutex);
  std::vector<std::size_t> missing;
  std::vector<Query> queries;
  for (const std::size_t item : items) {
    if (!hits.found[item]) {
      const Sample& sample = sample_of(item);
      missing.push_back(item);
      queries.push_back(
          {.text = parts_.items.task->query(sample), .gold_documents = sample.gold_documents});
    }
  }
  if (missing.empty()) {
    return;
  }
  const auto start = Clock::now();
  std::vector<Retrieval> retrievals =
      parts_.retrieval.retriever->retriever->retrieve(queries, hits.top_k, parts_.executor);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count() /
                         static_cast<double>(missing.size());
  for (std::size_t i = 0; i < missing.size(); ++i) {
    hits.found[missing[i]] = std::move(retrievals[i]);
    hits.seconds[missing[i]] = seconds;
  }
}

void RunExecution::hand_over(std::size_t index) {
  Ticket& ticket = *tickets_[index];
  const Sample& sample = sample_of(ticket.item);
  const Retrieval& retrieval = *parts_.retrieval.hits->found[ticket.item];
  ticket.record.sample_id = sample.sample_id;
  ticket.record.repeat = parts_.repeat;
  ticket.record.retrieval_seconds = parts_.retrieval.hits->seconds[ticket.item];
  if (retrieval.failure) {
    outcomes_.push({.ticket = index, .reply = {.failure = retrieval.failure}});
    return;
  }
  std::span<const Hit> hits = retrieval.hits;
  if (const std::size_t top_k = parts_.cell.top_k(); top_k != 0) {
    hits = hits.first(std::min(hits.size(), top_k));
  }
  record_hits(ticket, hits);
  if (!sample.gold_documents.empty()) {
    ticket.record.gold_chunk_count = 0;
    for (const DocumentIndex document : sample.gold_documents) {
      ticket.record.gold_chunk_count += parts_.retrieval.hits->chunk_counts[document];
    }
  }
  Prompt prompt{.ticket = index, .sample_id = sample.sample_id, .task = sample.task};
  prompt.fields = parts_.items.task->prompt_fields(sample);
  Context context = fill_prompt(prompt, hits);
  ticket.record.context_chars = static_cast<std::int64_t>(context.char_count);
  ticket.record.context_tokens = static_cast<std::int64_t>(context.token_count);
  ticket.record.context_truncated = context.truncated;
  prompt.query = parts_.items.task->query(sample);
  prompt.passages = std::move(context.passages);
  ticket.record.prompt_sha256 = sha256_hex(prompt.text);
  if (parts_.bodies) {
    ticket.prompt = prompt.text;
  }
  if (parts_.keep_prompts) {
    ticket.record.prompt = prompt.text;
  }
  prompts_.push(std::move(prompt));
}

Context RunExecution::fill_prompt(Prompt& prompt, std::span<const Hit> hits) const {
  ContextOptions options = parts_.context;
  const PromptBudget* budget = parts_.generator.prompt_budget();
  for (;;) {
    Context context = build_context(hits, chunks(), options);
    prompt.fields["search_documents"] = context.text;
    prompt.text = parts_.prompt_template.fill(prompt.fields);
    const std::size_t tokens = budget == nullptr ? 0 : budget->count(prompt.text);
    if (budget == nullptr || tokens <= budget->limit() || options.max_tokens == 1) {
      return context;
    }
    // The limit is in the model's tokens and the context's may be in others: their ratio here tells
    // how much has to go. Some more goes, so that few rounds are enough.
    const std::size_t of_context = std::max<std::size_t>(budget->count(context.text), 1);
    const std::size_t excess = tokens - budget->limit();
    const std::size_t kept =
        context.token_count -
        std::min(context.token_count, (excess + 8) * context.token_count / of_context + 1);
    options.max_tokens = std::max<std::size_t>(kept, 1);
  }
}

void RunExecution::record_hits(Ticket& ticket, std::span<const Hit> hits) const {
  const Corpus& corpus = parts_.dataset.corpus;
  const auto& gold = sample_of(ticket.item).gold_documents;
  for (const Hit& hit : hits) {
    const DocumentIndex document = chunks().document(hit.chunk);
    const DocumentIndex canonical = corpus.canonical(document);
    ticket.documents.push_back(canonical);
    ticket.record.hits.push_back(
        {.doc_id = corpus.doc_id(document),
         .span = chunks().span(hit.chunk),
         .score = hit.score,
         .is_gold = std::find(gold.begin(), gold.end(), canonical) != gold.end()});
  }
}

// The generator's two ends.

PromptSource::Status RunExecution::next(Prompt& prompt, milliseconds wait) {
  if (error_.stopping()) {
    return Status::kEnd;
  }
  if (auto popped = prompts_.pop(wait)) {
    prompt = std::move(*popped);
    return Status::kPrompt;
  }
  return prompts_.is_exhausted() ? Status::kEnd : Status::kPending;
}

void RunExecution::accept(std::size_t ticket, Reply reply) {
  if (reply.failure && reply.failure->failure_class == "budget") {
    return;  // Its fate is still open.
  }
  outcomes_.push({.ticket = ticket, .reply = std::move(reply)});
}

// Behind the generator.

void RunExecution::score_behind() {
  constexpr std::size_t kRepliesPerRange = 16;
  while (!outcomes_.is_exhausted()) {
    std::vector<Outcome> batch = outcomes_.pop_batch(kScoreBatch, kScoreInterval);
    if (batch.empty()) {
      continue;
    }
    run_ranges(parts_.executor, batch.size(), kRepliesPerRange,
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i) {
                   complete(*tickets_[batch[i].ticket], std::move(batch[i].reply));
                 }
               });
    std::vector<std::size_t> tickets;
    for (const Outcome& outcome : batch) {
      tickets.push_back(outcome.ticket);
    }
    score(tickets);
    scored_.push(std::move(tickets));
  }
}

void RunExecution::store_behind() {
  while (!scored_.is_exhausted()) {
    auto tickets = scored_.pop(kScoreInterval);
    if (!tickets) {
      continue;
    }
    for (const auto& others : scored_.pop_batch(kBatchesAhead, milliseconds(0))) {
      tickets->insert(tickets->end(), others.begin(), others.end());
    }
    store(*tickets);
  }
}

void RunExecution::store(std::span<const std::size_t> tickets) {
  std::vector<SampleRecord> records;
  records.reserve(tickets.size());
  for (const std::size_t ticket : tickets) {
    SampleRecord& record = records.emplace_back(std::move(tickets_[ticket]->record));
    record.item_id = parts_.items.ids.at(tickets_[ticket]->item);
  }
  parts_.completions.put_samples(parts_.run_id, records);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::unique_ptr<Ticket> ticket = std::move(tickets_[tickets[i]]);
    if (parts_.bodies) {
      parts_.bodies(ticket->prompt, ticket->reply);
    }
    parts_.sample_finished(records[i]);
  }
}

void RunExecution::complete(Ticket& ticket, Reply reply) const {
  SampleRecord& record = ticket.record;
  record.failure = std::move(reply.failure);
  record.usage = reply.usage;
  record.generation_seconds = reply.seconds;
  record.first_token_seconds = reply.timing.first_token_seconds;
  record.inter_token_seconds = reply.timing.inter_token_seconds;
  record.reasoning = std::move(reply.reasoning);
  record.attempt_count = static_cast<std::int64_t>(reply.attempts.size());
  record.attempts = attempts_to_json(reply.attempts);
  record.finish_reason = std::move(reply.finish_reason);
  record.cached = reply.cached;
  record.details = std::move(reply.details);
  record_cost(record);
  if (reply.contexts) {
    record_contexts(ticket, *reply.contexts);
  }
  if (!record.failure) {
    record.prediction = parts_.items.task->extract_answer(reply.text);
    if (record.prediction.empty()) {
      record.failure = Failure{.stage = Stage::kGeneration,
                               .failure_class = "empty",
                               .message = "the reply holds no answer"};
    }
  }
  if (reply.completion_key.empty()) {
    record.reply = reply.text;
  } else {
    record.completion_key = std::move(reply.completion_key);
  }
  ticket.reply = std::move(reply.text);
}

void RunExecution::record_contexts(Ticket& ticket,
                                   const std::vector<ExternalContext>& contexts) const {
  ticket.record.hits =
      external_hits(contexts, sample_of(ticket.item).gold_documents, parts_.dataset.corpus);
  ticket.hits_are_foreign = true;
}

void RunExecution::record_cost(SampleRecord& record) const {
  if (!parts_.price) {
    return;
  }
  const std::optional<double> price = cost_of(record.usage, *parts_.price);
  if (record.cached) {
    record.cost = 0.0;
    record.saved = price;
  } else {
    record.cost = price;
  }
}

void RunExecution::score(std::span<const std::size_t> tickets) {
  std::vector<Ticket*> scored;
  std::vector<ScorerInput> inputs;
  for (const std::size_t index : tickets) {
    Ticket& ticket = *tickets_[index];
    const SampleRecord& record = ticket.record;
    if (record.failure && record.failure->stage == Stage::kRetrieval) {
      continue;
    }
    const Sample& sample = sample_of(ticket.item);
    if (ticket.hits_are_foreign) {
      ticket.documents.clear();
      for (const StoredHit& hit : record.hits) {
        ticket.documents.push_back(parts_.document_of(hit.doc_id));
      }
    }
    scored.push_back(&ticket);
    inputs.push_back({.task = sample.task,
                      .prediction = record.prediction,
                      .reference = parts_.items.task->reference(sample),
                      .reply = ticket.reply,
                      .answered = !record.failure.has_value(),
                      .documents = ticket.documents,
                      .gold = parts_.hits_are_known
                                  ? std::span<const DocumentIndex>(sample.gold_documents)
                                  : std::span<const DocumentIndex>(),
                      .gold_chunk_count = gold_chunk_count(record)});
  }
  std::vector<Json> scores;
  {
    const std::lock_guard lock(parts_.scoring);
    scores = parts_.scorer.score_all(inputs, parts_.executor);
  }
  for (std::size_t i = 0; i < scored.size(); ++i) {
    scored[i]->record.scores = std::move(scores[i]);
  }
}

std::optional<std::size_t> gold_chunk_count(const SampleRecord& record) {
  return record.gold_chunk_count < 0
             ? std::nullopt
             : std::optional(static_cast<std::size_t>(record.gold_chunk_count));
}

}  // namespace crudbench
