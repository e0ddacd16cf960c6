#include "reports/run_profile.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "metrics/metric.h"
#include "metrics/statistics.h"

namespace crudbench {

namespace {

constexpr std::string_view kLengthMetric = "length_chars";
constexpr std::string_view kReciprocalRankMetric = "mrr";
constexpr std::size_t kMaxLengthGroups = 8;
constexpr std::size_t kMinGroupItems = 5;

ShareHistogram histogram_of(std::span<const double> values) {
  ShareHistogram counts{};
  const double last = static_cast<double>(counts.size() - 1);
  for (const double value : values) {
    const double bin = std::floor(value * static_cast<double>(counts.size()));
    ++counts[static_cast<std::size_t>(std::clamp(bin, 0.0, last))];
  }
  return counts;
}

/// Pairs of length and score of the items that have both, shortest first.
std::vector<std::pair<double, double>> scored_lengths(const ProfiledMetric& lengths,
                                                      const ProfiledMetric& scores) {
  std::vector<std::pair<double, double>> pairs;
  std::size_t position = 0;
  for (std::size_t i = 0; i < scores.values.size(); ++i) {
    while (position < lengths.item_ids.size() && lengths.item_ids[position] < scores.item_ids[i]) {
      ++position;
    }
    if (position < lengths.item_ids.size() && lengths.item_ids[position] == scores.item_ids[i]) {
      pairs.emplace_back(lengths.values[position], scores.values[i]);
    }
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

std::vector<LengthGroup> group_by_length(const std::vector<std::pair<double, double>>& pairs) {
  const std::size_t count = std::clamp<std::size_t>(pairs.size() / kMinGroupItems,
                                                    pairs.empty() ? 0 : 1, kMaxLengthGroups);
  std::vector<LengthGroup> groups;
  for (std::size_t group = 0; group < count; ++group) {
    const std::size_t begin = group * pairs.size() / count;
    const std::size_t end = (group + 1) * pairs.size() / count;
    LengthGroup sums{.n = end - begin};
    for (std::size_t i = begin; i < end; ++i) {
      sums.mean_length_chars += pairs[i].first;
      sums.mean_score += pairs[i].second;
    }
    sums.mean_length_chars /= static_cast<double>(sums.n);
    sums.mean_score /= static_cast<double>(sums.n);
    groups.push_back(sums);
  }
  return groups;
}

std::map<std::size_t, GroupMean> group_by_gold_count(const ProfiledMetric& metric) {
  std::map<std::size_t, std::vector<double>> values;
  for (std::size_t i = 0; i < metric.values.size(); ++i) {
    values[metric.gold_counts[i]].push_back(metric.values[i]);
  }
  std::map<std::size_t, GroupMean> groups;
  for (const auto& [gold_count, group] : values) {
    groups[gold_count] = {.n = group.size(), .mean = mean(group)};
  }
  return groups;
}

void add_gold_ranks(const ProfiledMetric& reciprocal_ranks, RunProfile& profile) {
  for (const double value : reciprocal_ranks.values) {
    if (value <= 0.0) {
      ++profile.without_gold_hit;
      continue;
    }
    const auto rank = static_cast<std::size_t>(std::llround(1.0 / value));
    profile.first_gold_ranks.resize(std::max(profile.first_gold_ranks.size(), rank));
    ++profile.first_gold_ranks[rank - 1];
  }
}

Json quantiles_json(const std::optional<Quantiles>& quantiles) {
  return quantiles ? Json{{"p50", quantiles->p50}, {"p95", quantiles->p95}} : Json();
}

}  // namespace

RunProfile profile_run(std::span<const ProfiledMetric> metrics) {
  RunProfile profile;
  const auto lengths = std::find_if(metrics.begin(), metrics.end(), [](const auto& metric) {
    return metric.name == kLengthMetric;
  });
  for (const ProfiledMetric& metric : metrics) {
    if (metric.name == kReciprocalRankMetric) {
      add_gold_ranks(metric, profile);
    }
    if (!metric.is_main || metric.values.empty()) {
      continue;
    }
    const MetricDescription description = describe_metric(metric.name);
    if (description.is_share) {
      profile.distributions[metric.name] = histogram_of(metric.values);
    }
    if (description.needs_answer) {
      profile.by_gold_count[metric.name] = group_by_gold_count(metric);
      if (lengths != metrics.end()) {
        profile.score_by_length[metric.name] = group_by_length(scored_lengths(*lengths, metric));
      }
    }
  }
  return profile;
}

std::optional<Quantiles> quantiles_of(std::vector<double> values) {
  if (values.empty()) {
    return std::nullopt;
  }
  const auto at = [&](double share) {
    const auto rank =
        static_cast<std::ptrdiff_t>(std::ceil(share * static_cast<double>(values.size()))) - 1;
    std::nth_element(values.begin(), values.begin() + rank, values.end());
    return values[static_cast<std::size_t>(rank)];
  };
  return Quantiles{.p50 = at(0.5), .p95 = at(0.95)};
}

Json profile_json(const RunProfile& profile) {
  Json score_by_length = Json::object();
  for (const auto& [metric, groups] : profile.score_by_length) {
    for (const LengthGroup& group : groups) {
      score_by_length[metric].push_back({{"n", group.n},
                                         {"mean_length_chars", group.mean_length_chars},
                                         {"mean_score", group.mean_score}});
    }
  }
  Json by_gold_count = Json::object();
  for (const auto& [metric, groups] : profile.by_gold_count) {
    for (const auto& [gold_count, group] : groups) {
      by_gold_count[metric][std::to_string(gold_count)] = {{"n", group.n}, {"mean", group.mean}};
    }
  }
  return {{"distributions", profile.distributions},
          {"score_by_length", std::move(score_by_length)},
          {"by_gold_count", std::move(by_gold_count)},
          {"first_gold_ranks", profile.first_gold_ranks},
          {"without_gold_hit", profile.without_gold_hit},
          {"retrieval_seconds", quantiles_json(profile.retrieval_seconds)},
          {"generation_seconds", quantiles_json(profile.generation_seconds)}};
}

}  // namespace crudbench
