#include "harness/runner/sweep.h"

#include "harness/runner/axes.h"
#include "harness/runner/builtin_catalog.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::ElementsAre;

std::vector<Cell> sweep(const Json& config) {
  return sweep_cells(config, "c.json", builtin_catalog());
}

/// "LABEL size/top_k" of each cell.
std::vector<std::string> described(const std::vector<Cell>& cells) {
  std::vector<std::string> texts;
  for (const Cell& cell : cells) {
    texts.push_back(cell.label + (cell.label.empty() ? "" : " ") +
                    to_text(cell.retrieval.chunker.value("size", Json())) + "/" +
                    std::to_string(cell.top_k()));
  }
  return texts;
}

Json numbers_up_to(int last) {
  Json numbers = Json::array();
  for (int i = 1; i <= last; ++i) {
    numbers.push_back(i);
  }
  return numbers;
}

Json two_by_two() {
  return {{"chunker", {{"type", "fixed"}, {"size", {64, 128}}}},
          {"retriever", {{"type", "bm25"}, {"top_k", {4, 2}}}}};
}

TEST(SweepCells, AreTheProductOfAxesInNestedOrder) {
  EXPECT_THAT(described(sweep(two_by_two())), ElementsAre("64/4", "128/4", "64/2", "128/2"));
}

TEST(SweepCells, VaryTheOptionsOfARetrieversParts) {
  const std::vector<Cell> cells =
      sweep({{"retriever",
              {{"type", "hybrid"},
               {"parts", {{{"type", "bm25"}, {"k1", {0.9, 1.2}}}, {{"type", "dense"}}}}}}});
  ASSERT_EQ(cells.size(), 2U);
  EXPECT_EQ(cells[0].retrieval.retriever["parts"][0]["k1"], 0.9);
  EXPECT_EQ(cells[1].retrieval.retriever["parts"][0]["k1"], 1.2);
}

TEST(SweepCells, KeepListsThatAreOneValue) {
  const std::vector<Cell> cells = sweep({{"retriever",
                                          {{"type", "hybrid"},
                                           {"fusion", "weighted"},
                                           {"weights", {0.8, 0.2}},
                                           {"parts", {{{"type", "bm25"}}, {{"type", "dense"}}}}}}});
  ASSERT_EQ(cells.size(), 1U);
  EXPECT_EQ(cells[0].retrieval.retriever["weights"], Json({0.8, 0.2}));
}

TEST(SweepCells, TakeLabelsOfAlternativesIntoNoOption) {
  const std::vector<Cell> cells = sweep({{"chunker",
                                          {{{"label", "small"}, {"type", "fixed"}, {"size", 64}},
                                           {{"type", "fixed"}, {"size", 128}}}},
                                         {"context", {{{"label", "short"}, {"max_tokens", 100}}}}});
  ASSERT_EQ(cells.size(), 2U);
  EXPECT_EQ(cells[0].label, "small · short");
  EXPECT_EQ(cells[1].label, "short");
  EXPECT_FALSE(cells[0].retrieval.chunker.contains("label"));
  EXPECT_EQ(cells[0].labelled_json()["label"], "small · short");
  EXPECT_FALSE(cells[0].to_json().contains("label"));
}

TEST(SweepCells, ZipListsThatVaryTogether) {
  Json config = two_by_two();
  config["zip"] = Json::parse(R"([["/chunker/size", "/retriever/top_k"]])");
  EXPECT_THAT(described(sweep(config)), ElementsAre("64/4", "128/2"));
}

TEST(SweepCells, ZipWholeSections) {
  Json config = two_by_two();
  config["chunker"] = {{{"type", "fixed"}, {"size", 64}}, {{"type", "sentence"}, {"size", 99}}};
  config["zip"] = Json::parse(R"([["/chunker", "/retriever/top_k"]])");
  EXPECT_THAT(described(sweep(config)), ElementsAre("64/4", "99/2"));
}

TEST(SweepCells, MultiplyGroupsThatAreZipped) {
  Json config = two_by_two();
  config["retriever"]["k1"] = {1.0, 1.5};
  config["context"] = {{"max_tokens", {100, 200}}};
  config["zip"] = Json::parse(
      R"([["/chunker/size", "/retriever/top_k"], ["/retriever/k1", "/context/max_tokens"]])");
  EXPECT_EQ(sweep(config).size(), 4U);
}

TEST(SweepCells, RefuseZipsThatDoNotFit) {
  const auto zip = [](const char* groups) {
    Json config = two_by_two();
    config["retriever"]["top_k"] = {2, 4, 8};
    config["zip"] = Json::parse(groups);
    sweep(config);
  };
  EXPECT_ERROR(zip(R"([["/chunker/size", "/retriever/top_k"]])"), ErrorCode::kInvalidConfig,
               "/zip/0: lists that vary together need the same length: /chunker/size has 2 values, "
               "/retriever/top_k has 3");
  EXPECT_ERROR(zip(R"([["/chunker/size", "/chunker/type"]])"), ErrorCode::kInvalidConfig,
               "/zip/0/1: there is no list with values at /chunker/type");
  EXPECT_ERROR(zip(R"([["/chunker/size"]])"), ErrorCode::kInvalidConfig,
               "/zip/0: expected a list of two JSON pointers or more");
  EXPECT_ERROR(zip(R"([["/dataset/limit", "/chunker/size"]])"), ErrorCode::kInvalidConfig,
               "/zip/0/0: expected a JSON pointer into one of chunker");
  EXPECT_ERROR(zip(R"([["/chunker/size", "/chunker/size"]])"), ErrorCode::kInvalidConfig,
               "/chunker/size is zipped twice");
  EXPECT_ERROR(zip(R"("/chunker")"), ErrorCode::kInvalidConfig, "/zip: expected a list of groups");
}

TEST(SweepCells, MergeVariantsIntoTheConfiguration) {
  Json config = two_by_two();
  config["variants"] = {{{"label", "plain"}}, {{"label", "wide"}, {"retriever", {{"top_k", 16}}}}};
  EXPECT_THAT(described(sweep(config)), ElementsAre("plain 64/4", "plain 128/4", "plain 64/2",
                                                    "plain 128/2", "wide 64/16", "wide 128/16"));
}

TEST(SweepCells, ShowEqualCellsOnceUnderEachLabel) {
  const Json same = {{"variants", {{{"label", "a"}}, {{"label", "b"}}}}};
  EXPECT_THAT(described(sweep(same)), ElementsAre("a 128/8", "b 128/8"));
  EXPECT_EQ(sweep({{"retriever", {{"type", "bm25"}, {"top_k", {8, 8}}}}}).size(), 1U);
}

TEST(SweepCells, RefuseVariantsThatCannotBeToldApartOrChangeTheData) {
  const auto vary = [](const Json& variants) { sweep({{"variants", variants}}); };
  EXPECT_ERROR(vary(Json::array()), ErrorCode::kInvalidConfig, "/variants: expected a list");
  EXPECT_ERROR(vary({{{"label", "a"}}, {{"label", "a"}}}), ErrorCode::kInvalidConfig,
               "/variants/1/label: expected a name that no other variant has");
  EXPECT_ERROR(vary(Json::array({{{"index", {{"type", "flat"}}}}})), ErrorCode::kInvalidConfig,
               "/variants/0/label: expected a string, but the key is missing");
  EXPECT_ERROR(vary(Json::array({{{"label", "a"}, {"dataset", {{"limit", 3}}}}})),
               ErrorCode::kInvalidConfig, "/variants/0/dataset: a variant cannot change this");
}

TEST(SweepCells, LeaveOutWhatARuleExcludes) {
  Json config = two_by_two();
  config["exclude"] = {{{"/chunker/size", 64}, {"/retriever/top_k", {2, 8}}}};
  EXPECT_THAT(described(sweep(config)), ElementsAre("64/4", "128/4", "128/2"));
}

TEST(SweepCells, ExcludeByLabel) {
  Json config = two_by_two();
  config["variants"] = {{{"label", "a"}}, {{"label", "b"}}};
  config["exclude"] = {{{"/label", "b"}, {"/chunker/size", 128}}};
  EXPECT_THAT(described(sweep(config)),
              ElementsAre("a 64/4", "a 128/4", "a 64/2", "a 128/2", "b 64/4", "b 64/2"));
}

TEST(SweepCells, RefuseRulesThatExcludeEverythingOrAreNone) {
  const auto exclude = [](const Json& rules) {
    Json config = two_by_two();
    config["exclude"] = rules;
    sweep(config);
  };
  EXPECT_ERROR(exclude({{{"/retriever/type", "bm25"}}}), ErrorCode::kInvalidConfig,
               "/exclude: leaves no cell to run");
  EXPECT_ERROR(exclude(Json::array({Json::object()})), ErrorCode::kInvalidConfig,
               "/exclude/0: expected an object of JSON pointers and values");
  EXPECT_ERROR(exclude({{{"/retreiver/type", "bm25"}}}), ErrorCode::kInvalidConfig,
               "/exclude/0: expected a JSON pointer into one of");
}

TEST(SweepCells, RefuseEmptyListsWhereverTheyStand) {
  const auto refuse = [](const char* pointer, const Json& value) {
    Json config = {{"retriever", {{"type", "bm25"}}}, {"chunker", {{"type", "fixed"}}}};
    config[Json::json_pointer(pointer)] = value;
    EXPECT_ERROR(sweep(config), ErrorCode::kInvalidConfig, std::string(pointer) + ": expected");
  };
  for (const char* pointer : {"/chunker", "/generator", "/context", "/prompts", "/retriever/top_k",
                              "/context/max_tokens"}) {
    refuse(pointer, Json::array());
  }
}

TEST(SweepCells, RefuseABillionWithTheNumberBeforeAnyIsMade) {
  const Json thousand = numbers_up_to(1000);
  EXPECT_ERROR(sweep({{"chunker", {{"type", "fixed"}, {"size", thousand}}},
                      {"retriever", {{"type", "bm25"}, {"top_k", thousand}}},
                      {"context", {{"max_tokens", thousand}}}}),
               ErrorCode::kInvalidConfig, "its axes make 1000000000 cells; at most 100000");
  EXPECT_ERROR(sweep({{"retriever",
                       {{"type", "hybrid"},
                        {"parts",
                         {{{"type", "bm25"}, {"k1", thousand}, {"top_k", thousand}},
                          {{"type", "bm25"}, {"k1", thousand}}}}}}}),
               ErrorCode::kInvalidConfig, "its axes make 1000000000 cells");
}

TEST(SweepCells, RefuseABillionOfZippedLists) {
  const Json thousand = numbers_up_to(1000);
  EXPECT_ERROR(sweep({{"chunker", {{"type", "fixed"}, {"size", thousand}, {"overlap", thousand}}},
                      {"retriever", {{"type", "bm25"}, {"top_k", thousand}, {"k1", thousand}}},
                      {"context", {{"max_tokens", thousand}, {"order", "rank"}}},
                      {"zip", Json::parse(R"([["/chunker/size", "/chunker/overlap"],
                                              ["/retriever/top_k", "/retriever/k1"]])")}}),
               ErrorCode::kInvalidConfig, "its axes make 1000000000 cells");
}

TEST(SweepCells, CountMoreThanANumberHolds) {
  const Json many = numbers_up_to(100'000);
  Json config = {{"chunker", {{"type", "fixed"}, {"size", many}, {"overlap", many}}},
                 {"retriever", {{"type", "bm25"}, {"top_k", many}, {"k1", many}}}};
  EXPECT_ERROR(sweep(config), ErrorCode::kInvalidConfig, "more than 10^19 cells");
}

TEST(CountCells, IsWhatIsMade) {
  Json config = two_by_two();
  config["retriever"] = {
      {{"type", {"bm25", "dense"}}, {"top_k", {2, 4}}}, {{"type", "none"}}, {{"type", "gold"}}};
  config["embedder"] = {{"type", "lsa"}, {"dim", {64, 128, 256}}};
  config["prompts"] = {"default", "mine"};
  // bm25: 2 sizes x 2; dense: 2 sizes x 3 dimensions x 2; none and gold: 1; all with two prompts.
  EXPECT_EQ(count_cells(config, builtin_catalog()), 36U);
  EXPECT_EQ(sweep(config).size(), 36U);
}

TEST(RefuseFixedAxes, NamesWhatCannotVary) {
  const auto refuse = [](const Json& config) {
    refuse_fixed_axes(config, "c.json", builtin_catalog());
  };
  EXPECT_ERROR(refuse({{"dataset", {{"type", "crud_rag"}, {"limit", {10, 20}}}}}),
               ErrorCode::kInvalidConfig,
               "c.json: /dataset/limit: expected one value, found a list");
  EXPECT_ERROR(refuse({{"repeats", {1, 3}}}), ErrorCode::kInvalidConfig,
               "/repeats: expected one value");
  EXPECT_ERROR(refuse({{"dataset", Json::array()}}), ErrorCode::kInvalidConfig,
               "/dataset: expected one value");
  refuse({{"dataset", {{"type", "crud_rag"}, {"tasks", {"all"}}}}, {"repeats", 2}});
}

}  // namespace
}  // namespace crudbench
