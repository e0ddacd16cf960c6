#pragma once

#include <memory>

#include "harness/core/catalog.h"
#include "harness/core/options.h"
#include "metrics/metric.h"

namespace crudbench {

/// Fills `catalog.metrics`: bleu, bleu_smooth, rouge, chrf, similarity, bertscore, quest_eval,
/// length, format, retrieval. Formulas, ranges and failure classes: metrics/README.md.
void add_builtin_metrics(Catalog& catalog);

std::unique_ptr<Metric> make_bleu();
void check_bleu_smooth(Options& options);
std::unique_ptr<Metric> make_bleu_smooth(Options& options);
void check_rouge(Options& options);
std::unique_ptr<Metric> make_rouge(Options& options);
std::unique_ptr<Metric> make_chrf();
std::unique_ptr<Metric> make_length();
std::unique_ptr<Metric> make_format();
void check_bertscore(Options& options);
std::unique_ptr<Metric> make_bertscore(Options& options, const MetricParts& parts);
void check_quest_eval(Options& options);
std::unique_ptr<Metric> make_quest_eval(Options& options, const MetricParts& parts);
void check_similarity(Options& options);
std::unique_ptr<Metric> make_similarity(Options& options, const MetricParts& parts);
void check_retrieval(Options& options);
std::unique_ptr<Metric> make_retrieval(Options& options);

}  // namespace crudbench
