#include "harness/runner/estimate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "harness/core/random.h"
#include "harness/tasks/prompt_template.h"
#include "harness/tasks/task.h"
#include "harness/text/tokenizer.h"
#include "harness/text/utf8.h"

namespace crudbench {

namespace {

constexpr std::size_t kSampled = 24;          ///< Samples and documents that are counted.
constexpr double kOwnTokenizerMargin = 0.10;  ///< The context may be shorter than allowed.
constexpr double kOtherTokenizerMargin = 0.40;
constexpr double kAnswerFactor = 2.0;

double cl100k_tokens(std::string_view text) {
  return static_cast<double>(cl100k_tokenizer().count(text));
}

/// OpenAI's models of the cl100k vocabulary (tiktoken, model.py).
bool uses_cl100k(const std::string& model) {
  return (model.starts_with("gpt-4") && !model.starts_with("gpt-4o") &&
          !model.starts_with("gpt-4.")) ||
         model.starts_with("gpt-3.5");
}

Estimate around(double expected, double margin) {
  return {.expected = expected,
          .low = expected * std::max(0.0, 1.0 - margin),
          .high = expected * (1.0 + margin)};
}

Estimate times(const Estimate& estimate, double factor) {
  return {estimate.expected * factor, estimate.low * factor, estimate.high * factor};
}

/// Tokens of one sample's request.
struct SampleTokens {
  Estimate prompt;
  Estimate completion;
  std::optional<Estimate> seconds;  ///< From the request to the answer, where known.
};

/// Requests to a generator that may be under way at a time.
double most_at_a_time(const Json& generator) {
  for (const char* option : {"max_concurrency", "parallel"}) {
    if (const Json count = generator.value(option, Json()); count.is_number()) {
      return std::max(1.0, count.get<double>());
    }
  }
  return 1.0;
}

/// Mean and twice its standard error of values that come one by one.
class MeanOf {
 public:
  void add(double value) {
    ++count_;
    sum_ += value;
    squares_ += value * value;
  }
  std::size_t count() const noexcept { return count_; }
  Estimate estimate() const {
    const auto n = static_cast<double>(count_);
    const double mean = sum_ / n;
    const double variance = std::max(0.0, squares_ / n - mean * mean);
    const double margin = 2.0 * std::sqrt(variance / n);
    return {.expected = mean, .low = std::max(0.0, mean - margin), .high = mean + margin};
  }

 private:
  std::size_t count_ = 0;
  double sum_ = 0.0;
  double squares_ = 0.0;
};

class Estimator {
 public:
  Estimator(const Experiment& experiment, const Dataset& dataset, const Catalog& catalog,
            const Store* store)
      : experiment_(experiment), dataset_(dataset), catalog_(catalog), store_(store) {
    if (store != nullptr) {
      for (const RunRecord& run : store->runs()) {
        run_ids_.emplace(run.fingerprint, run.run_id);
      }
    }
  }

  void add(const PlannedRun& run) {
    const Json& generator = experiment_.cells[run.cell].generator;
    const std::int64_t left =
        static_cast<std::int64_t>(run.sample_count) - run.progress.ok - run.progress.failed;
    const std::string type = generator.at("type").get<std::string>();
    const bool is_shared = !counted_.insert(run.fingerprint).second;  // By an earlier cell.
    if (is_shared || left <= 0 || !catalog_.generators.entries().at(type).costly) {
      return;
    }
    const Json name = generator.value("model", Json());
    const std::string model = name.is_string() ? name.get<std::string>() : type;
    const Json limit = generator.value("max_tokens", Json());
    const double max_tokens = limit.is_number() ? limit.get<double>() : 0.0;
    const std::optional<SampleTokens> known = from_answers(run);
    SampleTokens tokens = known ? *known : from_prompts(run, model);
    if (max_tokens > 0) {
      tokens.completion.high = std::min(tokens.completion.high, max_tokens);
      tokens.completion.expected = std::min(tokens.completion.expected, max_tokens);
      tokens.completion.low = std::min(tokens.completion.low, max_tokens);
    }
    const auto count = static_cast<double>(left);
    Totals& totals = by_model_[model];
    totals.estimate.requests += left;
    totals.estimate.prompt_tokens += times(tokens.prompt, count);
    totals.estimate.completion_tokens += times(tokens.completion, count);
    totals.estimate.most_completion_tokens += max_tokens * count;
    totals.from_answers += known ? left : 0;
    if (tokens.seconds) {
      totals.seconds += times(*tokens.seconds, count / most_at_a_time(generator));
    }
    totals.price = experiment_.prices.of(generator);
  }

  std::vector<SpendingEstimate> result() {
    std::vector<SpendingEstimate> estimates;
    for (auto& [model, totals] : by_model_) {
      SpendingEstimate& estimate = totals.estimate;
      estimate.model = model;
      estimate.basis = basis_of(model, totals);
      if (totals.from_answers == estimate.requests) {
        estimate.seconds = totals.seconds;
      }
      if (totals.price) {
        add_cost(estimate, *totals.price);
      }
      estimates.push_back(std::move(estimate));
    }
    return estimates;
  }

 private:
  struct Totals {
    SpendingEstimate estimate;
    std::int64_t from_answers = 0;  ///< Requests estimated from earlier ones of their run.
    Estimate seconds;               ///< Of these.
    std::optional<ModelPrice> price;
  };

  static std::string basis_of(const std::string& model, const Totals& totals) {
    const std::string counted =
        std::string("tokens of filled-in prompts as cl100k counts them, ") +
        (uses_cl100k(model) ? "the model's own tokenizer" : "not the model's tokenizer") +
        "; answers as long as the references";
    if (totals.from_answers == 0) {
      return counted;
    }
    return totals.from_answers == totals.estimate.requests
               ? "the answers that these runs have had"
               : "the answers that runs have had; else " + counted;
  }

  static void add_cost(SpendingEstimate& estimate, const ModelPrice& price) {
    constexpr double kTokensPerPrice = 1e6;
    const auto cost = [&](double prompt, double completion) {
      return (prompt * price.input + completion * price.output) / kTokensPerPrice;
    };
    const Estimate& prompt = estimate.prompt_tokens;
    const Estimate& completion = estimate.completion_tokens;
    estimate.cost = Estimate{.expected = cost(prompt.expected, completion.expected),
                             .low = cost(prompt.low, completion.low),
                             .high = cost(prompt.high, completion.high)};
    if (estimate.most_completion_tokens > 0) {
      estimate.highest_cost = cost(prompt.high, estimate.most_completion_tokens);
    }
  }

  /// From the samples that the run has answered; nullopt where they are too few.
  std::optional<SampleTokens> from_answers(const PlannedRun& run) const {
    constexpr std::size_t kFewest = 8;
    const auto run_id = run_ids_.find(run.fingerprint);
    if (run_id == run_ids_.end()) {
      return std::nullopt;
    }
    MeanOf prompts;
    MeanOf completions;
    MeanOf seconds;
    store_->visit_samples(
        run_id->second,
        [&](const ItemRecord&, SampleRecord&& sample) {
          if (sample.usage.prompt_tokens >= 0 && sample.usage.completion_tokens >= 0) {
            prompts.add(static_cast<double>(sample.usage.prompt_tokens));
            completions.add(static_cast<double>(sample.usage.completion_tokens));
            seconds.add(sample.generation_seconds);
          }
        },
        SampleDetail::kScores);
    if (prompts.count() < kFewest) {
      return std::nullopt;
    }
    return SampleTokens{.prompt = prompts.estimate(),
                        .completion = completions.estimate(),
                        .seconds = seconds.estimate()};
  }

  SampleTokens from_prompts(const PlannedRun& run, const std::string& model) {
    const Cell& cell = experiment_.cells[run.cell];
    const auto& [frame, reference] = text_tokens(cell.prompts, run.task);
    const double prompt = frame + context_tokens(cell);
    return {
        .prompt = around(prompt, uses_cl100k(model) ? kOwnTokenizerMargin : kOtherTokenizerMargin),
        .completion = {.expected = reference,
                       .low = reference / kAnswerFactor,
                       .high = reference * kAnswerFactor},
        .seconds = std::nullopt};
  }

  /// Mean tokens of a task's prompts without documents, and of its references.
  const std::pair<double, double>& text_tokens(const std::string& prompts,
                                               const std::string& task) {
    auto [entry, is_new] = text_tokens_.try_emplace({prompts, task});
    if (is_new) {
      const PromptTemplate prompt_template = load_prompt_template(prompts, task);
      const auto members = catalog_.tasks.build({{"type", task}});
      const std::vector<std::size_t> samples = samples_of(dataset_, task);
      const auto chosen = sample_positions(samples.size(), kSampled, 0);
      for (const std::size_t position : chosen) {
        const Sample& sample = dataset_.samples[samples[position]];
        Fields fields = members->prompt_fields(sample);
        fields["search_documents"] = "";
        entry->second.first += cl100k_tokens(prompt_template.fill(fields));
        entry->second.second += cl100k_tokens(members->reference(sample));
      }
      const auto count = static_cast<double>(std::max<std::size_t>(chosen.size(), 1));
      entry->second.first /= count;
      entry->second.second /= count;
    }
    return entry->second;
  }

  /// Of as many chunks as the retriever hands over, as long as they may be.
  double context_tokens(const Cell& cell) {
    const std::string retriever = cell.retrieval.retriever.at("type").get<std::string>();
    if (retriever == "none") {
      return 0.0;
    }
    const bool is_gold = retriever == "gold";
    const double chunks = is_gold ? 1.0 : static_cast<double>(cell.top_k());
    const double all = chunks * (is_gold ? document_tokens() : chunk_tokens(cell));
    const auto limit = static_cast<double>(cell.context.value("max_tokens", std::int64_t{0}));
    return limit > 0 ? std::min(all, limit) : all;
  }

  double chunk_tokens(const Cell& cell) {
    const Json& chunker = cell.retrieval.chunker;
    const Json size = chunker.is_object() ? chunker.value("size", Json()) : Json();
    if (!size.is_number()) {
      return document_tokens();
    }
    const bool in_tokens = chunker.value("unit", "characters") == "cl100k";
    return std::min(size.get<double>() * (in_tokens ? 1.0 : tokens_per_character()),
                    document_tokens());
  }

  double document_tokens() {
    measure_documents();
    return document_tokens_;
  }

  double tokens_per_character() {
    measure_documents();
    return tokens_per_character_;
  }

  void measure_documents() {
    if (document_tokens_ > 0) {
      return;
    }
    double tokens = 0.0;
    double characters = 0.0;
    const auto chosen = sample_positions(dataset_.corpus.size(), kSampled, 0);
    for (const std::size_t position : chosen) {
      const std::string_view text = dataset_.corpus.text(static_cast<DocumentIndex>(position));
      tokens += cl100k_tokens(text);
      characters += static_cast<double>(count_code_points(text));
    }
    document_tokens_ =
        std::max(tokens / static_cast<double>(std::max<std::size_t>(chosen.size(), 1)), 1.0);
    tokens_per_character_ = tokens / std::max(characters, 1.0);
  }

  const Experiment& experiment_;
  const Dataset& dataset_;
  const Catalog& catalog_;
  const Store* store_;
  std::map<std::string, std::int64_t> run_ids_;  // by fingerprint
  std::map<std::pair<std::string, std::string>, std::pair<double, double>> text_tokens_;
  double document_tokens_ = 0.0;
  double tokens_per_character_ = 0.0;
  std::set<std::string> counted_;  ///< Fingerprints of runs.
  std::map<std::string, Totals> by_model_;
};

}  // namespace

std::vector<SpendingEstimate> estimate_spending(const Experiment& experiment,
                                                const Dataset& dataset, const Catalog& catalog,
                                                const Plan& plan, const Store* store) {
  Estimator estimator(experiment, dataset, catalog, store);
  for (const PlannedRun& run : plan.runs) {
    estimator.add(run);
  }
  return estimator.result();
}

}  // namespace crudbench
