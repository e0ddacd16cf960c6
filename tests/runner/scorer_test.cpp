#include "harness/runner/scorer.h"

#include <gtest/gtest.h>

#include "harness/runner/builtin_catalog.h"

namespace crudbench {
namespace {

Json resolve(const char* type) {
  return builtin_catalog().metrics.resolve({{"type", type}}, "test", "/metrics");
}

Json score_one(const Scorer& scorer, const ScorerInput& input) {
  SerialExecutor executor;
  return scorer.score_all({&input, 1}, executor).front();
}

TEST(Scorer, ScoresATextAgainstItself) {
  const std::vector<Json> metrics{resolve("bleu"), resolve("rouge")};
  const ScorerResources resources;
  const Scorer scorer(metrics, builtin_catalog(), resources);
  const Json scores = score_one(scorer, {.task = "event_summary",
                                         .prediction = "应急管理部今天发布通知",
                                         .reference = "应急管理部今天发布通知",
                                         .reply = "",
                                         .documents = {},
                                         .gold = {}});
  EXPECT_DOUBLE_EQ(scores.at("bleu_upstream").get<double>(), 1.0);
  EXPECT_DOUBLE_EQ(scores.at("rouge_l").get<double>(), 1.0);
}

TEST(Scorer, TellsUndefinedAndFailedApart) {
  const std::vector<Json> metrics{resolve("bleu"), resolve("retrieval")};
  const ScorerResources resources;
  const Scorer scorer(metrics, builtin_catalog(), resources);
  const std::vector<DocumentIndex> documents{1, 2};
  const Json scores = score_one(scorer, {.task = "event_summary",
                                         .prediction = "",
                                         .reference = "参考",
                                         .reply = "",
                                         .answered = false,
                                         .documents = documents,
                                         .gold = {}});
  EXPECT_TRUE(scores.at("mrr").is_null());
  EXPECT_TRUE(scores.at("bleu_upstream").at("failed").is_string());
}

}  // namespace
}  // namespace crudbench
