#include "harness/runner/plan_tree.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::ElementsAre;

Experiment with_retrievers(const std::vector<Json>& retrievers) {
  Experiment experiment;
  for (const Json& retriever : retrievers) {
    experiment.cells.push_back({.retrieval = {.retriever = retriever}});
  }
  return experiment;
}

/// Chunks under which BM25 and vectors stand; a hybrid reads all, a closed book nothing.
Plan plan_of_hybrid() {
  return {.runs = {},
          .tasks = {},
          .stages = {{"chunks", "c", true, "", {{"chunker", {{"type", "fixed"}, {"size", 64}}}}},
                     {"bm25",
                      "b",
                      false,
                      "c",
                      {{"chunker", {{"type", "fixed"}, {"size", 64}}}, {"analyzer", "jieba"}}},
                     {"vectors",
                      "v",
                      false,
                      "c",
                      {{"chunker", {{"type", "fixed"}, {"size", 64}}}, {"embedder", "lsa"}}}},
          .retrievals = {{.fingerprint = "r1", .top_k = 8, .stages = {0, 1}, .cells = {0, 1}},
                         {.fingerprint = "r2", .top_k = 4, .stages = {0, 1, 2}, .cells = {2}},
                         {.fingerprint = "r3", .top_k = 0, .stages = {}, .cells = {3}}}};
}

TEST(PlanTree, PutsEachStageUnderWhatItIsMadeFrom) {
  const Experiment experiment = with_retrievers({{{"type", "bm25"}, {"top_k", 2}},
                                                 {{"type", "bm25"}, {"top_k", 8}},
                                                 {{"type", "hybrid"}, {"top_k", 4}},
                                                 {{"type", "none"}}});
  const std::vector<PlanNode> roots = plan_tree(experiment, plan_of_hybrid());
  ASSERT_EQ(roots.size(), 2U);
  const PlanNode& chunks = roots[0];
  EXPECT_EQ(chunks.kind, "chunks");
  EXPECT_TRUE(chunks.cached);
  EXPECT_EQ(chunks.cell_count, 3U);
  ASSERT_EQ(chunks.children.size(), 2U);
  const PlanNode& bm25 = chunks.children[0];
  EXPECT_EQ(bm25.parameters, Json({{"analyzer", "jieba"}})) << "only what it adds";
  EXPECT_EQ(bm25.cell_count, 3U);
  ASSERT_EQ(bm25.children.size(), 1U);
  EXPECT_THAT(bm25.children[0].cells, ElementsAre(0U, 1U));
  EXPECT_EQ(bm25.children[0].parameters["top_k"], 8) << "retrieved once, at the largest";
  const PlanNode& vectors = chunks.children[1];
  EXPECT_EQ(vectors.cell_count, 1U);
  EXPECT_EQ(vectors.children.at(0).fingerprint, "r2") << "a hybrid stands under its last stage";
  EXPECT_EQ(roots[1].kind, "retrieval");
  EXPECT_EQ(roots[1].fingerprint, "r3");
}

TEST(PlanTreeJson, NestsStages) {
  const Experiment experiment =
      with_retrievers(std::vector<Json>(4, {{"type", "bm25"}, {"top_k", 8}}));
  const Json tree = plan_tree_json(plan_tree(experiment, plan_of_hybrid()));
  EXPECT_EQ(tree[0]["stages"][0]["stages"][0]["cell_positions"], Json({0, 1}));
  EXPECT_EQ(tree[0]["cached"], true);
  EXPECT_FALSE(tree[1].contains("cached"));
}

TEST(ParametersText, NamesTypesFirst) {
  EXPECT_EQ(parameters_text({{"chunker", {{"size", 64}, {"type", "fixed"}}}}), "fixed size=64");
  EXPECT_EQ(parameters_text({{"analyzer", "jieba"}}), "analyzer=jieba");
  EXPECT_EQ(parameters_text({{"type", "bm25"}, {"k1", 1.2}, {"user_dictionary", ""}}),
            "bm25 k1=1.2");
  EXPECT_EQ(parameters_text(Json::object()), "");
}

}  // namespace
}  // namespace crudbench
