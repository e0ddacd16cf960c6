#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
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

/// What is ranked, and found or not.
enum class Unit { kDocument, kChunk };

std::vector<Unit> parse_units(Options& options) {
  constexpr std::string_view kExpected = "a list of different units out of 'document', 'chunk'";
  std::vector<Unit> units;
  for (const std::string& name : options.texts("units", {"document", "chunk"})) {
    const Unit unit = name == "chunk" ? Unit::kChunk : Unit::kDocument;
    if ((name != "chunk" && name != "document") ||
        std::find(units.begin(), units.end(), unit) != units.end()) {
      options.fail("units", kExpected);
    }
    units.push_back(unit);
  }
  if (units.empty()) {
    options.fail("units", kExpected);
  }
  return units;
}

/// Where the golds stand in a ranking: documents, or chunks of gold documents.
struct GoldRanks {
  std::vector<std::size_t> ranks;  ///< Of the golds that were found, ascending, from 1.
  std::optional<std::size_t> gold_count;
  /// The first rank down to which every gold document was met.
  std::optional<std::size_t> complete_at;

  std::size_t found_until(std::size_t cutoff) const {
    return static_cast<std::size_t>(std::upper_bound(ranks.begin(), ranks.end(), cutoff) -
                                    ranks.begin());
  }
};

/// A document ranks where its first chunk does, after as many other documents.
GoldRanks rank_golds(const RankedDocuments& ranking, Unit unit) {
  GoldRanks golds;
  golds.gold_count = unit == Unit::kDocument ? ranking.gold.size() : ranking.gold_chunk_count;
  std::unordered_set<DocumentIndex> seen;
  std::size_t rank = 0;
  std::size_t gold_documents_met = 0;
  for (const DocumentIndex document : ranking.documents) {
    const bool is_new = seen.insert(document).second;
    if (!is_new && unit == Unit::kDocument) {
      continue;
    }
    ++rank;
    if (std::find(ranking.gold.begin(), ranking.gold.end(), document) == ranking.gold.end()) {
      continue;
    }
    golds.ranks.push_back(rank);
    gold_documents_met += is_new ? 1 : 0;
    if (is_new && gold_documents_met == ranking.gold.size()) {
      golds.complete_at = rank;
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
  for (std::size_t rank = 1; rank <= std::min(*golds.gold_count, cutoff); ++rank) {
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
  return sum / static_cast<double>(*golds.gold_count);
}

/// Quality of the hit list by document and by chunk.
class Retrieval final : public SampleMetric {
 public:
  Retrieval(std::vector<Unit> units, std::vector<std::size_t> cutoffs)
      : units_(std::move(units)), cutoffs_(std::move(cutoffs)) {}

  bool reads_words() const noexcept override { return false; }

  std::vector<MetricValue> score_one(const Prediction& prediction) const override {
    std::vector<MetricValue> values;
    for (const Unit unit : units_) {
      append(values, prediction.ranking, unit);
    }
    return values;
  }

 private:
  void append(std::vector<MetricValue>& values, const RankedDocuments& ranking, Unit unit) const {
    const GoldRanks golds = rank_golds(ranking, unit);
    const bool is_defined = !ranking.gold.empty() && golds.gold_count != 0U;
    // Of measures that divide by the number of golds.
    const bool is_recall_defined = is_defined && golds.gold_count.has_value();
    const std::string prefix = unit == Unit::kChunk ? "chunk_" : "";
    const auto add = [&](const std::string& name, bool defined, auto&& value) {
      values.push_back(defined ? scored(prefix + name, value()) : undefined(prefix + name));
    };
    for (const std::size_t cutoff : cutoffs_) {
      const std::string at = "@" + std::to_string(cutoff);
      const auto found = static_cast<double>(golds.found_until(cutoff));
      add("hit" + at, is_defined, [&] { return found > 0.0 ? 1.0 : 0.0; });
      add("precision" + at, is_defined, [&] { return found / static_cast<double>(cutoff); });
      add("recall" + at, is_recall_defined,
          [&] { return found / static_cast<double>(*golds.gold_count); });
      add("all_gold" + at, is_defined, [&] {
        return golds.complete_at.has_value() && *golds.complete_at <= cutoff ? 1.0 : 0.0;
      });
      add("ndcg" + at, is_recall_defined, [&] { return ndcg(golds, cutoff); });
    }
    add("mrr", is_defined,
        [&] { return golds.ranks.empty() ? 0.0 : 1.0 / static_cast<double>(golds.ranks.front()); });
    add("map", is_recall_defined, [&] { return average_precision(golds); });
  }

  std::vector<Unit> units_;
  std::vector<std::size_t> cutoffs_;
};

}  // namespace

void check_retrieval(Options& options) {
  parse_units(options);
  parse_cutoffs(options);
}

std::unique_ptr<Metric> make_retrieval(Options& options) {
  std::vector<Unit> units = parse_units(options);
  return std::make_unique<Retrieval>(std::move(units), parse_cutoffs(options));
}

}  // namespace crudbench
