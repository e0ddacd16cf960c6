#include "harness/serve/live_status.h"

#include <gmock/gmock.h>

#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;

constexpr LiveStatus::Clock::time_point kStart{};

/// The reader that `serve` is, beside the process that writes.
Store reader_of(const ReportStore& store) {
  return Store(Workspace{store.folder().path() / "workspace"}, Database::Mode::kReadOnly);
}

TEST(LiveStatus, TellsHowFarEachRunIs) {
  ReportStore writer;
  writer.add({.samples = {{"s1", {{"rouge_l", 0.5}}}, {"s2", Json::object(), timeout()}},
              .sample_count = 5});
  writer.store().put_experiment("e", Json::object(), without_labels(std::vector<std::int64_t>{1}));
  const Store reader = reader_of(writer);
  LiveStatus status;
  const Json state = status.read(reader, kStart);
  EXPECT_EQ(state["runs"][0]["task"], "event_summary");
  EXPECT_EQ(state["runs"][0]["experiments"], Json::array({"e"}));
  EXPECT_EQ(state["runs"][0]["ok"], 1);
  EXPECT_EQ(state["runs"][0]["failed"], 1);
  EXPECT_EQ(state["runs"][0]["pending"], 3);
  EXPECT_EQ(state["runs"][0]["failures"], Json({{"generation/timeout", 1}}));
  EXPECT_EQ(state["runs"][0]["completion_tokens"], 20);
  EXPECT_EQ(state["pending"], 3);
  EXPECT_TRUE(state["samples_per_second"].is_null()) << "nothing has been seen to happen yet";
}

TEST(LiveStatus, FollowsAWriterAndMeasuresItsRate) {
  ReportStore writer;
  TestRun run{.samples = {{"s1", {{"rouge_l", 0.5}}}}, .sample_count = 9};
  writer.add(run);
  const Store reader = reader_of(writer);
  LiveStatus status;
  EXPECT_EQ(status.read(reader, kStart)["ok"], 1);
  std::vector<SampleRecord> samples;
  for (const char* id : {"s2", "s3", "s4", "s5"}) {
    const auto items = writer.store().put_items(
        run.data, run.corpus, std::vector<ItemRecord>{{.task = run.task, .sample_id = id}});
    samples.push_back({.item_id = items[0], .usage = {.completion_tokens = 10}});
  }
  writer.store().put_samples(1, samples);
  const Json state = status.read(reader, kStart + std::chrono::seconds(8));
  EXPECT_EQ(state["ok"], 5);
  EXPECT_EQ(state["samples_per_second"], 0.5);            // 4 in 8 s
  EXPECT_EQ(state["completion_tokens_per_second"], 5.0);  // 40 in 8 s
  EXPECT_EQ(state["seconds_left"], 8.0);                  // 4 more
}

TEST(LiveStatus, SeesAFailedSampleThatWasRunAgain) {
  ReportStore writer;
  writer.add({.samples = {{"s1", Json::object(), timeout()}}});
  const Store reader = reader_of(writer);
  LiveStatus status;
  EXPECT_EQ(status.read(reader, kStart)["failed"], 1);
  writer.store().put_samples(1, std::vector<SampleRecord>{{.item_id = 1, .prediction = "now"}});
  const Json state = status.read(reader, kStart);
  EXPECT_EQ(state["failed"], 0);
  EXPECT_EQ(state["ok"], 1);
}

TEST(LiveStatus, TellsWhatRequestsHaveCostWhereAPriceIsKnown) {
  ReportStore writer;
  writer.add({.samples = {{"s1", {{"rouge_l", 0.5}}}}});
  writer.store().put_experiment("e", Json::object(), without_labels(std::vector<std::int64_t>{1}));
  writer.store().put_completions(
      std::vector<CompletionRecord>{{.key = "k", .text = "t"}},
      std::vector<SpendingRecord>{{.experiment = "e",
                                   .purpose = "generation",
                                   .model = "m",
                                   .requests = 1,
                                   .cost = 0.25,
                                   .currency = "USD"},
                                  {.experiment = "e", .purpose = "judge", .model = "free"}});
  const Store reader = reader_of(writer);
  LiveStatus status;
  EXPECT_EQ(status.read(reader, kStart)["spending"], Json::array({{{"experiment", "e"},
                                                                   {"purpose", "generation"},
                                                                   {"model", "m"},
                                                                   {"requests", 1},
                                                                   {"cost", 0.25},
                                                                   {"currency", "USD"}}}));
}

TEST(LiveStatus, ForgetsWhatIsOlderThanAMinute) {
  ReportStore writer;
  writer.add({.samples = {{"s1", {{"rouge_l", 0.5}}}}, .sample_count = 2});
  const Store reader = reader_of(writer);
  LiveStatus status;
  for (int second = 0; second <= 200; ++second) {
    status.read(reader, kStart + std::chrono::seconds(second));
  }
  EXPECT_EQ(status.read(reader, kStart + std::chrono::seconds(201))["samples_per_second"], 0.0);
}

}  // namespace
}  // namespace crudbench
