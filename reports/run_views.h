#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/executor.h"
#include "harness/core/json.h"
#include "harness/store/store.h"
#include "reports/run_summary.h"

/// What `crudbench ls` and `crudbench show` print. In the text forms untrusted text is made
/// printable; `colours` switches ANSI sequences on.
namespace crudbench {

/// A run in a list.
struct RunListing {
  RunRecord run;
  std::string label;  ///< What tells its cell apart from the others in the list.
  RunProgress progress;
};

/// The runs of an experiment, or all.
std::vector<RunListing> list_runs(const Store& store,
                                  const std::optional<std::string>& experiment = std::nullopt);
std::string run_list_terminal(const std::vector<RunListing>& runs, bool colours);
/// [{"run_id", "fingerprint", "task", "label", "samples", "ok", "failed", "pending",
/// "created_at"}]
Json run_list_json(const std::vector<RunListing>& runs);

/// A sample that deserves a look.
struct SampleExcerpt {
  std::string sample_id;
  std::int64_t repeat = 0;
  std::optional<double> value;  ///< Of `RunView::ranking_metric`.
  std::optional<Failure> failure;
  std::string prediction;  ///< Its start.
};

/// One run in full.
struct RunView {
  RunRecord run;
  RunSummary summary;
  std::string ranking_metric;         ///< By which `worst` is ordered; empty if there is none.
  std::vector<SampleExcerpt> failed;  ///< The first ones, in the order of the task.
  std::vector<SampleExcerpt> worst;   ///< Scored samples, the worst first.
};

struct RunViewOptions {
  std::string ranking_metric;     ///< Empty: the first main metric of answers that the run has.
  std::size_t excerpt_count = 5;  ///< Of failed and of worst samples, each.
  SummaryOptions summary;
};

/// `run` is a fingerprint prefix or an id. Throws Error(kInvalidConfig) for an unknown run or
/// metric.
RunView view_run(const Store& store, std::string_view run, const RunViewOptions& options,
                 Executor& executor);
std::string run_view_terminal(const RunView& view, bool colours);
/// {"summary" (as in reports/README.md), "cell", "provenance", "ranking_metric", "failed": […],
/// "worst": [{"sample_id", "repeat", "value", "failure", "prediction"}]}
Json run_view_json(const RunView& view);

/// One sample of a run with all its repeats.
struct SampleView {
  RunRecord run;
  ItemRecord item;
  std::vector<SampleRecord> repeats;                ///< At least one, in order.
  std::vector<std::optional<std::string>> prompts;  ///< As sent, by repeat; nullopt: not kept.
};

/// `sample_id` may be a prefix that only one sample has. Throws Error(kInvalidConfig) if the run or
/// the sample is not there, or the prefix is not enough.
SampleView view_sample(const Store& store, std::string_view run, std::string_view sample_id);
std::string sample_view_terminal(const SampleView& view, bool colours);
/// {"run_id", "fingerprint", "task", "sample_id", "query", "reference", "gold_doc_ids", "repeats":
/// [{"repeat", "failure", "prediction", "reply", "hits": [{"doc_id", "begin", "end", "score",
/// "gold"}], "scores", "prompt" (null where it was not kept), "prompt_sha256", "context_chars",
/// "prompt_tokens", "completion_tokens", …}]}
Json sample_view_json(const SampleView& view);

}  // namespace crudbench
