#include "metrics/builtin_metrics.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace crudbench {

namespace {

void check_nothing(Options& /*options*/) {}

/// What differs from the defaults of MetricDescription; cutoffs ("@8") and
/// labels ("[lsa]") left out. A fault flag and a length of 0 are no penalty, so failures are not
/// counted as 0.
struct Exception {
  std::string_view name;
  bool higher_is_better;
  bool is_share;
  bool needs_answer;
  bool is_ranked;
  bool is_binary = false;
};

constexpr std::array kExceptions = {
    Exception{"length_chars", true, false, false, false},
    Exception{"length_ratio", true, false, false, false},
    Exception{"judge_parsed", true, true, false, true, true},
    Exception{"judge_refusal", false, true, false, true, true},
    Exception{"missing_response_tag", false, true, false, true, true},
    Exception{"bullets_or_headings", false, true, false, true, true},
    Exception{"refusal", false, true, false, true, true},
    Exception{"hit", true, true, false, true, true},
    Exception{"precision", true, true, false, true},
    Exception{"recall", true, true, false, true},
    Exception{"all_gold", true, true, false, true, true},
    Exception{"ndcg", true, true, false, true},
    Exception{"mrr", true, true, false, true},
    Exception{"map", true, true, false, true},
    Exception{"chunk_hit", true, true, false, true, true},
    Exception{"chunk_precision", true, true, false, true},
    Exception{"chunk_recall", true, true, false, true},
    Exception{"chunk_all_gold", true, true, false, true, true},
    Exception{"chunk_ndcg", true, true, false, true},
    Exception{"chunk_mrr", true, true, false, true},
    Exception{"chunk_map", true, true, false, true},
};

}  // namespace

void add_builtin_metrics(Catalog& catalog) {
  catalog.metrics.add(
      "bleu",
      {.summary = "BLEU-4 over jieba words, with and without brevity penalty; n-gram "
                  "precisions",
       .example = {{"type", "bleu"}},
       .check = check_nothing,
       .make = [](Options& /*options*/, const MetricParts& /*parts*/) { return make_bleu(); }});
  catalog.metrics.add("bleu_smooth",
                      {.summary = "Smoothed sentence BLEU-4: add_one or chen_cherry_3",
                       .example = {{"type", "bleu_smooth"}, {"method", "add_one"}},
                       .check = check_bleu_smooth,
                       .make = [](Options& options, const MetricParts& /*parts*/) {
                         return make_bleu_smooth(options);
                       }});
  catalog.metrics.add(
      "rouge",
      {.summary = "ROUGE-1, -2, -L over jieba words: F1, precision, recall",
       .example = {{"type", "rouge"}, {"variants", {"1", "2", "l"}}},
       .check = check_rouge,
       .make = [](Options& options, const MetricParts& /*parts*/) { return make_rouge(options); },
       .list_options = {"variants"}});
  catalog.metrics.add("chrf", {.summary = "Character n-gram F2 (chrF), n = 1 to 6",
                               .example = {{"type", "chrf"}},
                               .check = check_nothing,
                               .make = [](Options& /*options*/, const MetricParts& /*parts*/) {
                                 return make_chrf();
                               }});
  catalog.metrics.add("similarity",
                      {.summary = "Cosine of two sentence vectors (upstream's bertScore)",
                       .example = {{"type", "similarity"}, {"embedder", {{"type", "lsa"}}}},
                       .check = check_similarity,
                       .make = make_similarity,
                       .sections = {"embedder", "chunker"}});
  catalog.metrics.add("bertscore",
                      {.summary = "BERTScore: greedy matching of token vectors; F1, precision, "
                                  "recall; idf weights, rescaling",
                       .example = {{"type", "bertscore"},
                                   {"embedder", {{"type", "lsa"}}},
                                   {"idf", true},
                                   {"rescale", false}},
                       .check = check_bertscore,
                       .make = make_bertscore,
                       .sections = {"embedder", "chunker"}});
  catalog.metrics.add(
      "quest_eval", {.summary = "RAGQuestEval: a judge answers questions about the reference from "
                                "the answer",
                     .example = {{"type", "quest_eval"},
                                 {"judge",
                                  {{"type", "openai"},
                                   {"base_url", "http://127.0.0.1:8080/v1"},
                                   {"model", "qwen2.5-7b-instruct"},
                                   {"temperature", 0}}}},
                     .check = check_quest_eval,
                     .make = make_quest_eval,
                     .sections = {"judge"}});
  catalog.metrics.add("length", {.summary = "Length in characters, and as a ratio to the reference",
                                 .example = {{"type", "length"}},
                                 .check = check_nothing,
                                 .make = [](Options& /*options*/, const MetricParts& /*parts*/) {
                                   return make_length();
                                 }});
  catalog.metrics.add(
      "format",
      {.summary = "Faults of form: no <response> pair, bullets or headings, refusal",
       .example = {{"type", "format"}},
       .check = check_nothing,
       .make = [](Options& /*options*/, const MetricParts& /*parts*/) { return make_format(); }});
  catalog.metrics.add("retrieval",
                      {.summary = "hit, precision, recall, all-gold and nDCG at k, MRR, MAP over "
                                  "documents and over chunks",
                       .example = {{"type", "retrieval"}, {"cutoffs", {1, 8}}},
                       .check = check_retrieval,
                       .make = [](Options& options,
                                  const MetricParts& /*parts*/) { return make_retrieval(options); },
                       .list_options = {"cutoffs", "units"}});
}

MetricDescription describe_metric(std::string_view name) {
  MetricDescription description{.name = std::string(name)};
  const std::string_view unlabelled = name.substr(0, name.find('['));
  const std::string_view family = unlabelled.substr(0, unlabelled.find('@'));
  const auto exception =
      std::find_if(kExceptions.begin(), kExceptions.end(),
                   [&](const Exception& candidate) { return candidate.name == family; });
  if (exception != kExceptions.end()) {
    description.higher_is_better = exception->higher_is_better;
    description.is_share = exception->is_share;
    description.needs_answer = exception->needs_answer;
    description.is_ranked = exception->is_ranked;
    description.is_binary = exception->is_binary;
  }
  return description;
}

}  // namespace crudbench
