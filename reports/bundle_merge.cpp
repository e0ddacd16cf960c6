#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/fingerprint.h"
#include "reports/bundle.h"
#include "reports/bundle_format.h"

namespace crudbench {

namespace {

/// Numbers the items of all bundles: the same sample of the same data has the same number.
class ItemNumbers {
 public:
  /// Throws where the sample was scored against another reference in an earlier bundle.
  std::int64_t number(const RunRecord& run, const BundleSample& sample) {
    const auto next = static_cast<std::int64_t>(items_.size()) + 1;
    const TableIdentity identity = table_identity(run);
    const auto [item, is_new] =
        items_.try_emplace({identity[1], identity[2], run.task, sample.sample_id},
                           Item{next, sample.reference_sha256});
    if (item->second.reference_sha256 != sample.reference_sha256) {
      throw Error(ErrorCode::kInvalidData,
                  "the bundles disagree on the reference of " + run.task + "/" + sample.sample_id +
                      ", though they name the same data: one of them was scored against another");
    }
    return item->second.number;
  }

 private:
  struct Item {
    std::int64_t number = 0;
    std::string reference_sha256;
  };
  /// By corpus, samples, task, sample id.
  std::map<std::tuple<std::string, std::string, std::string, std::string>, Item> items_;
};

/// The scores under other item numbers, ascending again. `numbers[i]` is that of item i + 1.
ItemScores renumbered(const ItemScores& scores, const std::vector<std::int64_t>& numbers) {
  std::vector<std::size_t> order(scores.values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto number_of = [&](std::size_t i) {
    return numbers[static_cast<std::size_t>(scores.item_ids[i]) - 1];
  };
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return number_of(a) < number_of(b); });
  ItemScores result;
  for (const std::size_t i : order) {
    result.item_ids.push_back(number_of(i));
    result.values.push_back(scores.values[i]);
  }
  return result;
}

/// The numbers of a run's items in the order in which `score_bundle_run` meets them.
std::vector<std::int64_t> item_numbers(const BundleRun& run, ItemNumbers& items) {
  std::vector<std::int64_t> numbers;
  std::set<std::string> seen;
  for (const BundleSample& sample : run.samples) {
    const std::int64_t number = items.number(run.run, sample);
    if (seen.insert(sample.sample_id).second) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

/// By system and configuration, so that the table does not depend on the names of files.
std::vector<const Bundle*> by_system(std::span<const Bundle> bundles) {
  std::vector<const Bundle*> sorted;
  for (const Bundle& bundle : bundles) {
    sorted.push_back(&bundle);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const Bundle* left, const Bundle* right) {
    const auto key = [](const Bundle& bundle) {
      return std::pair(bundle.system, to_text(bundle.runs.front().run.cell));
    };
    return key(*left) < key(*right);
  });
  return sorted;
}

}  // namespace

Leaderboard merge_bundles(std::span<const Bundle> bundles, const SummaryOptions& options,
                          Executor& executor) {
  ItemNumbers items;
  std::set<std::pair<std::string, std::string>> known;
  std::vector<RunRecord> runs;
  std::vector<ScoredRun> scored;
  for (const Bundle* bundle : by_system(bundles)) {
    for (const BundleRun& bundle_run : bundle->runs) {
      RunRecord run = bundle_run.run;
      if (!known.emplace(bundle->system, run.fingerprint).second) {
        throw Error(ErrorCode::kInvalidData, "two bundles of '" + bundle->system +
                                                 "' hold the same run " + run.fingerprint +
                                                 ": keep one of them");
      }
      const std::vector<std::int64_t> numbers = item_numbers(bundle_run, items);
      ScoredRun result = score_bundle_run(bundle_run, options, executor);
      for (auto& [metric, scores] : result.item_scores) {
        if (!scores.values.empty()) {
          scores = renumbered(scores, numbers);
        }
      }
      // Systems that happen to share a cell are rows of their own.
      run.cell_fingerprint = FingerprintBuilder("bundle row", 1)
                                 .add(bundle->system)
                                 .add(run.cell_fingerprint)
                                 .hex_digest();
      run.cell["system"] = bundle->system;
      runs.push_back(std::move(run));
      scored.push_back(std::move(result));
    }
  }
  return build_leaderboard(std::nullopt, runs, std::move(scored), executor);
}

}  // namespace crudbench
