#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "harness/core/options.h"
#include "metrics/builtin_metrics.h"
#include "metrics/metric_values.h"

namespace crudbench {

namespace {

std::vector<std::size_t> parse_cutoffs(Options& options) {
  constexpr std::string_view kExpected = "a list of different whole numbers from 1 to 10000";
  constexpr double kLargest = 10'000;
  std::vector<std::size_t> cutoffs;
  for (const double number : options.numbers("cutoffs", {1, 8})) {
    if (number < 1 || number > kLargest || number != std::floor(number)) {
      options.fail("cutoffs", kExpected);
    }
    cutoffs.push_back(static_cast<std::size_t>(number));
  }
  std::sort(cutoffs.begin(), cutoffs.end());
  if (cutoffs.empty() || std::adjacent_find(cutoffs.begin(), cutoffs.end()) != cutoffs.end()) {
    options.fail("cutoffs", kExpected);
  }
  options.record("cutoffs", cutoffs);
  return cutoffs;
}

/// Where the gold documents stand in a ranking of documents.
struct GoldRanks {
  std::vector<std::size_t> ranks;  ///< Of the golds that were found, ascending, from 1.
  std::size_t gold_count = 0;

  std::size_t found_until(std::size_t cutoff) const {
    return static_cast<std::size_t>(std::upper_bound(ranks.begin(), ranks.end(), cutoff) -
                                    ranks.begin());
  }
};

/// A document ranks where its first chunk does, after as many other documents.
GoldRanks rank_golds(const RankedDocuments& ranking) {
  GoldRanks golds;
  golds.gold_count = ranking.gold.size();
  std::unordered_set<DocumentIndex> seen;
  for (const DocumentIndex document : ranking.documents) {
    if (seen.insert(document).second &&
        std::find(ranking.gold.begin(), ranking.gold.end(), document) != ranking.gold.end()) {
      golds.ranks.push_back(seen.size());
    }
  }
  return golds;
}

double discount(std::size_t rank) {
  return 1.0 / std::log2(static_cast<double>(rank) + 1.0);
}

/// trec_eval's ndcg_cut with gains of 0 and 1.
double ndcg(const GoldRanks& golds, std::size_t cutoff) {
  double gain = 0.0;
  for (const std::size_t rank : golds.ranks) {
    if (rank <= cutoff) {
      gain += discount(rank);
    }
  }
  double ideal_gain = 0.0;
  for (std::size_t rank = 1; rank <= std::min(golds.gold_count, cutoff); ++rank) {
    ideal_gain += discount(rank);
  }
  return gain / ideal_gain;
}

/// trec_eval's map of one query: golds that were not found count as precision 0.
double average_precision(const GoldRanks& golds) {
  double sum = 0.0;
  for (std::size_t i = 0; i < golds.ranks.size(); ++i) {
    sum += static_cast<double>(i + 1) / static_cast<double>(golds.ranks[i]);
  }
  return sum / static_cast<double>(golds.gold_count);
}

/// Quality of the hit list, by document.
class Retrieval final : public SampleMetric {
 public:
  explicit Retrieval(std::vector<std::size_t> cutoffs) : cutoffs_(std::move(cutoffs)) {}

  std::vector<MetricValue> score_one(const Prediction& prediction) const override {
    const GoldRanks golds = rank_golds(prediction.ranking);
    std::vector<MetricValue> values;
    const auto add = [&](std::string name, double value) {
      values.push_back(golds.gold_count == 0 ? undefined(std::move(name))
                                             : scored(std::move(name), value));
    };
    const auto gold_count = static_cast<double>(golds.gold_count);
    for (const std::size_t cutoff : cutoffs_) {
      std::string at = "@";
      at += std::to_string(cutoff);
      const auto found = static_cast<double>(golds.found_until(cutoff));
      add("hit" + at, found > 0.0 ? 1.0 : 0.0);
      add("precision" + at, found / static_cast<double>(cutoff));
      add("recall" + at, found / gold_count);
      add("all_gold" + at, found == gold_count ? 1.0 : 0.0);
      add("ndcg" + at, ndcg(golds, cutoff));
    }
    add("mrr", golds.ranks.empty() ? 0.0 : 1.0 / static_cast<double>(golds.ranks.front()));
    add("map", average_precision(golds));
    return values;
  }

 private:
  std::vector<std::size_t> cutoffs_;
};

}  // namespace

void check_retrieval(Options& options) {
  parse_cutoffs(options);
}

std::unique_ptr<Metric> make_retrieval(Options& options) {
  return std::make_unique<Retrieval>(parse_cutoffs(options));
}

}  // namespace crudbench
