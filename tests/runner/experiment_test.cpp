#include "harness/runner/experiment.h"

#include "harness/runner/builtin_catalog.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::source_root;
using testing_support::TemporaryFolder;

Json minimal() {
  return {{"dataset", {{"type", "crud_rag"}, {"samples", "s.json"}, {"corpus", "docs"}}}};
}

Experiment parse(const Json& config, const std::vector<std::string>& overrides = {}) {
  return parse_experiment(config, "c.json", "/data", overrides, builtin_catalog());
}

TEST(ParseExperiment, FillsInEverythingThatIsNotSaid) {
  const Experiment experiment = parse(minimal());
  EXPECT_EQ(experiment.name, "c");
  ASSERT_EQ(experiment.cells.size(), 1U);
  EXPECT_EQ(experiment.cells[0].retrieval.retriever.at("type"), "bm25");
  EXPECT_EQ(experiment.cells[0].generator.at("type"), "extractive");
  EXPECT_EQ(experiment.cells[0].prompts, "default");
  EXPECT_EQ(experiment.dataset.at("samples"), "/data/s.json");
}

TEST(ParseExperiment, MakesTheProductOfTheAxes) {
  Json config = minimal();
  config["chunker"] = {{"type", "fixed"}, {"size", {64, 128}}};
  config["retriever"] = {{"type", {"bm25", "dense"}}, {"top_k", {2, 4, 8}}};
  EXPECT_EQ(parse(config).cells.size(), 12U);
}

TEST(ParseExperiment, DropsSectionsThatTheRetrieverDoesNotRead) {
  Json config = minimal();
  config["chunker"] = {{"type", "fixed"}, {"size", {64, 128}}};
  config["embedder"] = {{"type", "lsa"}, {"dim", {64, 128}}};
  config["retriever"] = Json::array({{{"type", "bm25"}}, {{"type", "none"}}, {{"type", "gold"}}});
  const Experiment experiment = parse(config);
  EXPECT_EQ(experiment.cells.size(), 4U);  // bm25 with two chunk sizes, none, gold
  for (const Cell& cell : experiment.cells) {
    EXPECT_TRUE(cell.retrieval.embedder.is_null());
  }
}

TEST(ParseExperiment, AppliesOverridesWithPathsFromTheWorkingDirectory) {
  const Experiment experiment = parse(
      minimal(), {"/retriever/top_k=[2,4]", "/retriever/type=bm25", "/dataset/corpus=elsewhere"});
  EXPECT_EQ(experiment.cells.size(), 2U);
  EXPECT_EQ(experiment.dataset.at("corpus"), "elsewhere");
  EXPECT_EQ(experiment.dataset.at("samples"), "/data/s.json");
}

TEST(ParseExperiment, ResolvesTheSectionsOfMetrics) {
  Json config = minimal();
  config["metrics"] = {"similarity",
                       {{"type", "bertscore"}, {"embedder", "lsa"}},
                       {{"type", "quest_eval"},
                        {"judge", {{"type", "extractive"}}},
                        {"bank", "banks"},
                        {"prompts", "prompts"}}};
  const std::vector<Json> metrics = parse(config).metrics;
  EXPECT_EQ(metrics.at(0).at("embedder").at("dim"), 256);
  EXPECT_EQ(metrics.at(0).at("chunker").at("size"), 128);
  EXPECT_EQ(metrics.at(1).at("embedder"), metrics.at(0).at("embedder"));
  EXPECT_EQ(metrics.at(2).at("bank"), "/data/banks");
  EXPECT_EQ(metrics.at(2).at("prompts"), "/data/prompts");
}

TEST(ParseExperiment, NamesTheMistakeInTheSectionOfAMetric) {
  const auto parse_metric = [](const Json& metric) {
    Json config = minimal();
    config["metrics"] = Json::array({metric});
    parse(config);
  };
  EXPECT_ERROR(parse_metric("quest_eval"), ErrorCode::kInvalidConfig,
               "/metrics/0/judge: expected an object that says which generator judges");
  EXPECT_ERROR(parse_metric({{"type", "quest_eval"}, {"judge", {{"type", "openia"}}}}),
               ErrorCode::kInvalidConfig, "/metrics/0/judge/type: unknown generator 'openia'");
  EXPECT_ERROR(parse_metric({{"type", "similarity"}, {"embedder", {{"type", "lsa"}, {"dims", 3}}}}),
               ErrorCode::kInvalidConfig, "/metrics/0/embedder/dims: unknown key");
}

TEST(ParseExperiment, FindsUserDictionariesBesideTheFile) {
  const TemporaryFolder folder;
  folder.write("words.txt", "云栖市 5\n");
  Json config = minimal();
  config["retriever"] = {
      {"type", "hybrid"},
      {"parts", {{{"type", "bm25"}, {"user_dictionary", "words.txt"}}, {{"type", "dense"}}}}};
  const Experiment experiment =
      parse_experiment(config, "c.json", folder.path(), {}, builtin_catalog());
  EXPECT_EQ(experiment.cells.at(0).retrieval.retriever.at("parts").at(0).at("user_dictionary"),
            (folder.path() / "words.txt").string());
}

TEST(ParseExperiment, ReadsHowOftenToRepeat) {
  Json config = minimal();
  EXPECT_EQ(parse(config).repeats, 1U);
  config["repeats"] = 3;
  EXPECT_EQ(parse(config).repeats, 3U);
  config["repeats"] = 0;
  EXPECT_ERROR(parse(config), ErrorCode::kInvalidConfig, "/repeats: expected an integer");
}

TEST(ParseExperiment, ReadsWhetherPromptsAreKept) {
  Json config = minimal();
  EXPECT_TRUE(parse(config).keep_prompts);
  config["keep_prompts"] = false;
  EXPECT_FALSE(parse(config).keep_prompts);
  config["keep_prompts"] = "no";
  EXPECT_ERROR(parse(config), ErrorCode::kInvalidConfig, "/keep_prompts: expected");
}

TEST(ParseExperiment, NamesAMisspeltSection) {
  Json config = minimal();
  config["retreiver"] = {{"type", "bm25"}};
  EXPECT_ERROR(parse(config), ErrorCode::kInvalidConfig,
               "c.json: /retreiver: unknown key; did you mean 'retriever'?");
}

TEST(ParseExperiment, NamesAMisspeltOption) {
  Json config = minimal();
  config["retriever"] = {{"type", "bm25"}, {"topk", 3}};
  EXPECT_ERROR(parse(config), ErrorCode::kInvalidConfig,
               "/retriever/topk: unknown key; did you mean 'top_k'?");
}

TEST(ParseExperiment, NamesAMisspeltMemberInsideAnAxis) {
  Json config = minimal();
  config["retriever"] = {{"type", {"bm25", "hybrd"}}};
  EXPECT_ERROR(parse(config), ErrorCode::kInvalidConfig, "did you mean 'hybrid'?");
}

TEST(ParseExperiment, RefusesEmptyAxes) {
  Json config = minimal();
  config["retriever"] = {{"type", "bm25"}, {"top_k", Json::array()}};
  EXPECT_ERROR(parse(config), ErrorCode::kInvalidConfig, "/retriever/top_k: expected");
}

TEST(ParseExperiment, RefusesTooManyCellsBeforeMakingThem) {
  Json config = minimal();
  Json many = Json::array();
  for (int i = 1; i <= 1000; ++i) {
    many.push_back(i);
  }
  config["chunker"] = {{"type", "fixed"}, {"size", many}};
  config["retriever"] = {{"type", "bm25"}, {"top_k", many}};
  EXPECT_ERROR(parse(config), ErrorCode::kInvalidConfig, "1000000 cells");
}

TEST(ParseExperiment, RefusesALimitOfZero) {
  Json config = minimal();
  config["dataset"]["limit"] = 0;
  EXPECT_ERROR(parse(config), ErrorCode::kInvalidConfig,
               "/dataset/limit: expected an integer >= 1, found 0");
}

TEST(ParseExperiment, RequiresADataset) {
  EXPECT_ERROR(parse(Json::object()), ErrorCode::kInvalidConfig, "/dataset: expected an object");
}

TEST(ParseExperiment, RefusesMalformedOverrides) {
  EXPECT_ERROR(parse(minimal(), {"retriever=x"}), ErrorCode::kInvalidConfig,
               "expected POINTER=VALUE");
  EXPECT_ERROR(parse(minimal(), {"/dataset/samples/x=1"}), ErrorCode::kInvalidConfig, "--set");
}

TEST(ParseExperiment, RefusesAMetricListedTwice) {
  Json config = minimal();
  config["metrics"] = {"bleu", "bleu"};
  EXPECT_ERROR(parse(config), ErrorCode::kInvalidConfig, "/metrics/1");
}

TEST(LoadExperiment, ReadsEveryShippedExperiment) {
  std::vector<std::filesystem::path> files{source_root() / "configs" / "crud_rag.json"};
  for (const auto& entry :
       std::filesystem::directory_iterator(source_root() / "configs" / "experiments")) {
    files.push_back(entry.path());
  }
  EXPECT_GE(files.size(), 3U);
  for (const auto& file : files) {
    EXPECT_GE(load_experiment(file, {}, builtin_catalog()).cells.size(), 1U) << file;
  }
}

TEST(LoadExperiment, NamesLineAndColumnOfATruncatedFile) {
  const TemporaryFolder folder;
  const auto file = folder.write("c.json", "{\n  \"dataset\": {\n");
  EXPECT_ERROR(load_experiment(file, {}, builtin_catalog()), ErrorCode::kInvalidConfig,
               "c.json:3:1: not valid JSON");
}

}  // namespace
}  // namespace crudbench
