#include "harness/runner/rescoring.h"

#include "harness/runner/scorer.h"

namespace crudbench {

std::vector<Json> score_texts(std::string_view task, std::span<const TextPair> pairs,
                              const Catalog& catalog, Executor& executor) {
  std::vector<Json> metrics;
  for (const Json& metric :
       {Json{{"type", "bleu"}}, Json{{"type", "bleu_smooth"}, {"method", "add_one"}},
        Json{{"type", "bleu_smooth"}, {"method", "chen_cherry_3"}},
        Json{{"type", "rouge"}, {"variants", {"1", "2", "l"}}}, Json{{"type", "chrf"}},
        Json{{"type", "length"}}}) {
    metrics.push_back(catalog.metrics.resolve(metric, "score", "/metrics"));
  }
  const ScorerResources resources;
  const Scorer scorer(metrics, catalog, resources);
  std::vector<ScorerInput> inputs;
  inputs.reserve(pairs.size());
  for (const TextPair& pair : pairs) {
    inputs.push_back({.task = task,
                      .prediction = pair.prediction,
                      .reference = pair.reference,
                      .reply = pair.prediction,
                      .documents = {},
                      .gold = {}});
  }
  return scorer.score_all(inputs, executor);
}

}  // namespace crudbench
