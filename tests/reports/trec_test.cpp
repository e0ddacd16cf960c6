#include "reports/trec.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <sstream>

#include "harness/core/files.h"
#include "harness/core/options.h"
#include "harness/core/random.h"
#include "metrics/builtin_metrics.h"
#include "metrics/metric.h"
#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;

std::vector<std::vector<std::string>> read_fields(const std::filesystem::path& file) {
  std::vector<std::vector<std::string>> lines;
  for (const std::string& line : read_lines(file)) {
    std::istringstream stream(line);
    std::vector<std::string>& fields = lines.emplace_back();
    for (std::string field; stream >> field;) {
      fields.push_back(field);
    }
  }
  return lines;
}

/// The files as trec_eval sees them.
struct TrecFiles {
  std::map<std::string, std::vector<std::string>> rankings;  ///< By query, best document first.
  std::map<std::string, std::set<std::string>> relevant;     ///< By query.
};

TrecFiles read_trec(const std::filesystem::path& folder, const TrecRun& run) {
  TrecFiles files;
  std::map<std::string, std::vector<std::pair<float, std::string>>> scored;
  for (const auto& fields : read_fields(folder / run.run_file)) {
    EXPECT_EQ(fields.size(), 6U);
    EXPECT_EQ(fields[1], "Q0");
    scored[fields[0]].emplace_back(static_cast<float>(std::stod(fields[4])), fields[2]);
    EXPECT_EQ(fields[3], std::to_string(scored[fields[0]].size()));
  }
  for (auto& [query, documents] : scored) {
    // By score, and among equal ones by document: the order in which trec_eval ranks.
    std::sort(documents.begin(), documents.end(), std::greater<>());
    for (const auto& [score, document] : documents) {
      files.rankings[query].push_back(document);
    }
  }
  if (run.qrels_file) {
    for (const auto& fields : read_fields(folder / *run.qrels_file)) {
      EXPECT_EQ(fields.size(), 4U);
      EXPECT_EQ(fields[1], "0");
      EXPECT_EQ(fields[3], "1");
      files.relevant[fields[0]].insert(fields[2]);
    }
  }
  return files;
}

/// trec_eval's recip_rank, map, recall_k and ndcg_cut_k of one query, from their definitions.
std::map<std::string, double> evaluate(const std::vector<std::string>& ranking,
                                       const std::set<std::string>& relevant, std::size_t k) {
  std::map<std::string, double> values = {{"mrr", 0.0}, {"map", 0.0}};
  const std::string at = "@" + std::to_string(k);
  double found = 0.0;
  double gain = 0.0;
  double ideal = 0.0;
  for (std::size_t rank = 1; rank <= ranking.size(); ++rank) {
    if (!relevant.contains(ranking[rank - 1])) {
      continue;
    }
    found += 1.0;
    values["map"] += found / static_cast<double>(rank) / static_cast<double>(relevant.size());
    if (found == 1.0) {
      values["mrr"] = 1.0 / static_cast<double>(rank);
    }
    if (rank <= k) {
      values["recall" + at] += 1.0 / static_cast<double>(relevant.size());
      gain += 1.0 / std::log2(1.0 + static_cast<double>(rank));
    }
  }
  for (std::size_t rank = 1; rank <= std::min(k, relevant.size()); ++rank) {
    ideal += 1.0 / std::log2(1.0 + static_cast<double>(rank));
  }
  values["ndcg" + at] = gain / ideal;
  values.try_emplace("recall" + at, 0.0);
  return values;
}

Json score(const std::vector<DocumentIndex>& documents, const std::vector<DocumentIndex>& gold) {
  const Json config = {{"type", "retrieval"}, {"cutoffs", {1, 3, 8}}};
  Options options(config, "test");
  options.text("type");
  const auto metric = make_retrieval(options);
  Json scores = Json::object();
  for (const MetricValue& value :
       metric->score({.ranking = {.documents = documents, .gold = gold}})) {
    scores[value.name] = value.value ? Json(*value.value) : Json();
  }
  return scores;
}

/// A query over 1 to 3 gold documents, some with a copy, and 8 others; two chunks each. Scores are
/// coarse, so that many are equal, and some differ by less than a float can tell.
TestSample random_sample(const std::string& id, Random& random) {
  struct Chunk {
    std::string doc_id;
    DocumentIndex text;
    ByteSpan span;
    double score;
  };
  const std::size_t gold_count = 1 + random.below(3);
  std::vector<Chunk> chunks;
  std::vector<Chunk> copies;
  for (DocumentIndex text = 0; text < gold_count + 8; ++text) {
    const bool copied = text < gold_count && random.below(2) == 0;
    for (std::uint32_t part = 0; part < 2; ++part) {
      const Chunk chunk{
          "doc " + std::to_string(text),
          text,
          {part * (40 + text), (part + 1) * (40 + text)},
          static_cast<double>(random.below(6)) + 1e-12 * static_cast<double>(random.below(3))};
      chunks.push_back(chunk);
      if (copied) {
        copies.push_back(chunk);
        copies.back().doc_id = "copy of " + chunk.doc_id;
      }
    }
  }
  chunks.insert(chunks.end(), copies.begin(), copies.end());
  std::stable_sort(chunks.begin(), chunks.end(),
                   [](const Chunk& a, const Chunk& b) { return a.score > b.score; });
  chunks.resize(14);

  TestSample sample{.sample_id = id, .gold_doc_ids = {}, .hits = {}};
  std::vector<DocumentIndex> gold;
  for (DocumentIndex text = 0; text < gold_count; ++text) {
    sample.gold_doc_ids.push_back("doc " + std::to_string(text));
    gold.push_back(text);
  }
  std::vector<DocumentIndex> documents;
  for (const Chunk& chunk : chunks) {
    documents.push_back(chunk.text);
    sample.hits.push_back({.doc_id = chunk.doc_id,
                           .span = chunk.span,
                           .score = chunk.score,
                           .is_gold = chunk.text < gold_count});
  }
  sample.scores = score(documents, gold);
  return sample;
}

std::vector<std::string> ranking_of(const std::vector<StoredHit>& hits,
                                    const std::vector<std::string>& golds) {
  ReportStore store;
  store.add({.samples = {{.sample_id = "s", .gold_doc_ids = golds, .hits = hits}}});
  const auto folder = store.folder().path() / "trec";
  return read_trec(folder, write_trec(store.store(), std::nullopt, folder).at(0)).rankings["s"];
}

TEST(WriteTrec, LetsTheValuesOfTheStoreBeComputedAgain) {
  ReportStore store;
  Random random(22);
  TestRun run;
  for (int i = 0; i < 300; ++i) {
    run.samples.push_back(random_sample("样本 " + std::to_string(i), random));
  }
  store.add(run);
  const auto folder = store.folder().path() / "trec";
  const auto written = write_trec(store.store(), std::nullopt, folder);
  ASSERT_EQ(written.size(), 1U);
  EXPECT_EQ(written[0].query_count, 300);
  EXPECT_EQ(written[0].differing_count, 0);
  TrecFiles files = read_trec(folder, written[0]);
  for (const TestSample& sample : run.samples) {
    const std::string query = trec_token(sample.sample_id);
    for (const std::size_t k : {1U, 3U, 8U}) {
      for (const auto& [metric, value] :
           evaluate(files.rankings.at(query), files.relevant.at(query), k)) {
        EXPECT_NEAR(value, sample.scores.at(metric).get<double>(), 1e-12) << query << " " << metric;
      }
    }
  }
}

TEST(WriteTrec, WritesOneLineADocumentInTheOrderOfFirstHits) {
  EXPECT_EQ(ranking_of({{.doc_id = "b", .span = {0, 9}, .score = 3.0},
                        {.doc_id = "a", .span = {0, 9}, .score = 3.0},
                        {.doc_id = "b", .span = {9, 18}, .score = 2.0},
                        {.doc_id = "c", .span = {0, 9}, .score = 2.5}},
                       {"a"}),
            (std::vector<std::string>{"b", "a", "c"}));
}

TEST(WriteTrec, KeepsTheOrderWhateverTheScoresAre) {
  std::vector<StoredHit> hits;
  std::vector<std::string> expected;
  for (const double score : {1e300, 1e300, 0.1, 0.1 + 1e-12, 0.0, -0.0, 1e-46, -1e300, -1e300}) {
    // Ascending ids, which trec_eval's way of breaking ties would turn round.
    expected.push_back("d" + std::to_string(10 + hits.size()));
    hits.push_back({.doc_id = expected.back(), .score = score});
  }
  EXPECT_EQ(ranking_of(hits, {"x"}), expected);
}

TEST(WriteTrec, PutsACopyUnderTheGoldDocumentOfTheSameSpanAndScore) {
  EXPECT_EQ(ranking_of({{.doc_id = "copy", .span = {0, 9}, .score = 3.0, .is_gold = true},
                        {.doc_id = "other", .span = {0, 8}, .score = 3.0},
                        {.doc_id = "gold 2", .span = {0, 9}, .score = 3.0, .is_gold = true},
                        {.doc_id = "copy", .span = {9, 18}, .score = 1.0, .is_gold = true}},
                       {"gold 1", "gold 2"}),
            (std::vector<std::string>{"gold%202", "other"}));
}

TEST(WriteTrec, PutsACopyWithoutItsLikeUnderTheFirstGoldDocumentThatHasNoHit) {
  EXPECT_EQ(ranking_of({{.doc_id = "copy", .span = {0, 9}, .score = 3.0, .is_gold = true},
                        {.doc_id = "gold1", .span = {0, 8}, .score = 2.0, .is_gold = true}},
                       {"gold1", "gold2"}),
            (std::vector<std::string>{"gold2", "gold1"}));
}

TEST(WriteTrec, CountsQueriesThatTheMetricsRankDifferently) {
  // The two others are copies of each other: the metric saw the gold document on rank 2.
  ReportStore store;
  store.add({.samples = {{.sample_id = "s",
                          .scores = {{"map", 0.5}},
                          .gold_doc_ids = {"gold"},
                          .hits = {{.doc_id = "other", .score = 3.0},
                                   {.doc_id = "copy of other", .score = 3.0},
                                   {.doc_id = "gold", .score = 1.0, .is_gold = true}}}}});
  const auto folder = store.folder().path() / "trec";
  EXPECT_EQ(write_trec(store.store(), std::nullopt, folder).at(0).differing_count, 1);
  const Json index = Json::parse(read_file(folder / "trec.json"));
  EXPECT_EQ(index["runs"][0]["differing_queries"], 1);
}

TEST(WriteTrec, SharesQrelsAmongRunsOnTheSameDataAndNoOthers) {
  ReportStore store;
  const std::vector<TestSample> samples = {{.sample_id = "s1"}};
  store.add({.samples = samples});
  store.add({.cell = cell_with("/retriever/type", "dense"), .samples = samples});
  store.add({.samples = samples, .corpus = "corpus-b"});
  store.add({.task = "hallu_modified", .samples = samples});
  const auto runs = write_trec(store.store(), std::nullopt, store.folder().path() / "trec");
  ASSERT_EQ(runs.size(), 4U);
  EXPECT_EQ(runs[0].qrels_file, runs[1].qrels_file);
  EXPECT_NE(runs[0].qrels_file, runs[2].qrels_file);
  EXPECT_NE(runs[0].qrels_file, runs[3].qrels_file);
}

TEST(WriteTrec, LeavesOutRunsWithoutHitsAndQrelsWithoutGoldDocuments) {
  ReportStore store;
  store.add({.samples = {{.sample_id = "s1", .hits = {}}}});
  store.add({.samples = {{.sample_id = "s1", .gold_doc_ids = {}}}, .mode = "paper", .data = "b"});
  const auto folder = store.folder().path() / "trec";
  const auto runs = write_trec(store.store(), std::nullopt, folder);
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].run_id, 2);
  EXPECT_EQ(runs[0].qrels_file, std::nullopt);
  const std::filesystem::directory_iterator files(folder);
  EXPECT_EQ(std::distance(begin(files), end(files)), 2) << "the run and trec.json";
}

TEST(WriteTrec, TakesTheFirstRepeatWithHits) {
  ReportStore store;
  store.add({.samples = {{.sample_id = "s1", .failure = timeout(), .hits = {}},
                         {.sample_id = "s1", .repeat = 1},
                         {.sample_id = "s1", .repeat = 2}}});
  const auto folder = store.folder().path() / "trec";
  const auto runs = write_trec(store.store(), std::nullopt, folder);
  EXPECT_EQ(runs.at(0).query_count, 1);
  EXPECT_EQ(read_lines(folder / runs[0].run_file).size(), 2U);
}

TEST(WriteTrec, MakesNoFileNameOfWhatTheStoreSays) {
  ReportStore store;
  store.add({.task = "../../task", .samples = {{"s1"}}, .fingerprint_salt = "/../x"});
  const auto folder = store.folder().path() / "deep" / "trec";
  const auto runs = write_trec(store.store(), std::nullopt, folder);
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].run_file.find_first_of("/."), runs[0].run_file.find(".txt"));
  EXPECT_TRUE(exists(folder / runs[0].run_file));
  EXPECT_TRUE(exists(folder / *runs[0].qrels_file));
}

TEST(WriteTrec, RefusesAnUnknownExperiment) {
  ReportStore store;
  EXPECT_ERROR(write_trec(store.store(), "x", store.folder().path() / "trec"),
               ErrorCode::kInvalidConfig, "no experiment 'x'");
}

TEST(TrecToken, HoldsNoWhiteSpaceAndLosesNothing) {
  EXPECT_EQ(trec_token("news_1.txt:12"), "news_1.txt:12");
  EXPECT_EQ(trec_token("a b\t%"), "a%20b%09%25");
  EXPECT_EQ(trec_token("新\u3000"), "%E6%96%B0%E3%80%80");
  EXPECT_EQ(trec_token(""), "%");
}

}  // namespace
}  // namespace crudbench
