#include "harness/runner/external_predictions.h"

#include "harness/runner/builtin_catalog.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::source_root;
using testing_support::TemporaryFolder;

TEST(ReadExternalPredictions, ReadsJsonLines) {
  const TemporaryFolder folder;
  const auto predictions = read_external_predictions(folder.write(
      "p.jsonl",
      "{\"id\": 7, \"task\": \"event_summary\", \"prediction\": \"甲\", \"reference\": \"乙\"}\n\n"
      "{\"id\": \"b\", \"task\": \"questanswer_1doc\", \"prediction\": \"\"}\n"));
  ASSERT_EQ(predictions.size(), 2U);
  EXPECT_EQ(predictions[0].sample_id, "7");
  EXPECT_EQ(predictions[0].reference, "乙");
  EXPECT_FALSE(predictions[1].reference.has_value());
}

TEST(ReadExternalPredictions, ReadsUpstreamsOutput) {
  const TemporaryFolder folder;
  const auto predictions = read_external_predictions(
      folder.write("o.json",
                   R"({"info": {"task": "HalluModified", "llm": "x"}, "overall": {}, "results": [
          {"id": "d1", "metrics": {}, "valid": true,
           "log": {"generated_text": "甲", "ground_truth_text": "乙"}}]})"));
  ASSERT_EQ(predictions.size(), 1U);
  EXPECT_EQ(predictions[0].task, "hallu_modified");
  EXPECT_EQ(predictions[0].prediction, "甲");
}

TEST(ReadExternalPredictions, NamesTheLineAndTheMistake) {
  const TemporaryFolder folder;
  const auto read = [&](const char* text) {
    return read_external_predictions(folder.write("p.jsonl", text));
  };
  EXPECT_ERROR(read("{\"id\": \"a\", \"task\": \"event_summary\", \"prediction\": \"x\"}\n{oops\n"),
               ErrorCode::kInvalidData, "p.jsonl:2: not valid JSON");
  EXPECT_ERROR(read("{\"id\": \"a\", \"task\": \"event_sumary\", \"prediction\": \"x\"}"),
               ErrorCode::kInvalidData, "did you mean 'event_summary'?");
  EXPECT_ERROR(read("{\"id\": \"a\", \"task\": \"event_summary\"}"), ErrorCode::kInvalidData,
               "\"prediction\"");
  EXPECT_ERROR(read(""), ErrorCode::kInvalidData, "no prediction");
  EXPECT_ERROR(read("{\"info\": {\"task\": \"Summary\xFF\"}, \"results\": []}"),
               ErrorCode::kInvalidData, "not valid UTF-8");
}

TEST(AddReferences, TakesThemFromTheSamplesFile) {
  std::vector<ExternalPrediction> predictions{
      {.task = "hallu_modified", .sample_id = "a-hm-004", .prediction = "x"}};
  add_references(predictions, source_root() / "datasets/sample/samples.json", builtin_catalog());
  EXPECT_THAT(predictions[0].reference.value(), ::testing::HasSubstr("熬一锅盐"));
}

TEST(AddReferences, NamesAPredictionWithoutOne) {
  std::vector<ExternalPrediction> predictions{
      {.task = "hallu_modified", .sample_id = "nobody", .prediction = "x"}};
  EXPECT_ERROR(add_references(predictions, std::nullopt, builtin_catalog()),
               ErrorCode::kInvalidData, "hallu_modified/nobody");
}

TEST(ScoreExternalPredictions, StoresARunPerTask) {
  const TemporaryFolder folder;
  Store store(Workspace{folder.path()}, Database::Mode::kReadWrite);
  SerialExecutor executor;
  const std::vector<Json> metrics{
      builtin_catalog().metrics.resolve({{"type", "rouge"}}, "test", "/metrics")};
  score_external_predictions(
      {{.task = "event_summary", .sample_id = "a", .prediction = "甲乙丙", .reference = "甲乙丙"},
       {.task = "event_summary", .sample_id = "b", .prediction = "", .reference = "丁"},
       {.task = "hallu_modified", .sample_id = "a", .prediction = "戊", .reference = "戊"}},
      "theirs", metrics, builtin_catalog(), executor, store);
  const auto runs = store.runs("theirs");
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(store.progress(runs[0].run_id).ok, 1);
  EXPECT_EQ(store.progress(runs[0].run_id).failed, 1);
  store.visit_samples(runs[1].run_id, [](const ItemRecord&, SampleRecord&& sample) {
    EXPECT_EQ(sample.scores.at("rouge_l").get<double>(), 1.0);
  });
}

TEST(ReadExternalPredictions, FailsALineThatIsNotUtf8AndNoOther) {
  const TemporaryFolder folder;
  const auto file = folder.write("p.jsonl",
                                 "{\"id\": \"a\", \"task\": \"event_summary\", \"prediction\": "
                                 "\"\xE4\xBD\"}\n{\"id\": \"b\", \"task\": \"event_summary\", "
                                 "\"prediction\": \"好\"}\n");
  const std::vector<ExternalPrediction> predictions = read_external_predictions(file);
  ASSERT_EQ(predictions.size(), 2U);
  EXPECT_EQ(external_record(predictions[0], 1).failure.value().failure_class, "invalid_utf8");
  EXPECT_FALSE(external_record(predictions[1], 2).failure.has_value());
}

}  // namespace
}  // namespace crudbench
