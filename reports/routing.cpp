#include "reports/routing.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "reports/safe_text.h"

namespace crudbench {

namespace {

std::uint64_t sum_of(std::span<const std::uint64_t> counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::span<const std::uint64_t> layer_counts(const RoutingRecord& record, const RoutingPhase& phase,
                                            std::size_t layer) {
  return std::span(phase.counts).subspan(layer * record.experts, record.experts);
}

/// -p log2 p.
double surprise(double share) {
  return share > 0.0 ? -share * std::log2(share) : 0.0;
}

Json optional_json(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

/// The hit rates of caches of 1, 2, … all experts a layer.
Json hit_rates(std::span<const std::uint64_t> ranks, std::size_t experts) {
  Json rates = Json::array();
  for (std::size_t size = 1; size <= experts; ++size) {
    rates.push_back(optional_json(cache_hit_rate(ranks, size)));
  }
  return rates;
}

Json phase_json(const RoutingRecord& record, const RoutingPhase& phase) {
  Json counts = Json::array();
  Json entropy = Json::array();
  Json max_share = Json::array();
  std::size_t active = 0;
  std::size_t layers = 0;
  for (std::size_t layer = 0; layer < record.layers; ++layer) {
    const auto of_layer = layer_counts(record, phase, layer);
    const std::optional<LayerBalance> balance = layer_balance(of_layer);
    counts.push_back(std::vector<std::uint64_t>(of_layer.begin(), of_layer.end()));
    entropy.push_back(balance ? Json(balance->entropy) : Json());
    max_share.push_back(balance ? Json(balance->max_share) : Json());
    active += balance ? balance->active_count : 0;
    layers += balance ? 1 : 0;
  }
  const auto all = static_cast<double>(layers * record.experts);
  return {{"tokens", phase.tokens},
          {"counts", std::move(counts)},
          {"entropy", std::move(entropy)},
          {"max_share", std::move(max_share)},
          {"active_fraction", layers == 0 ? Json() : Json(static_cast<double>(active) / all)},
          {"cache_hit_rates",
           {{"lru", hit_rates(phase.recency_ranks, record.experts)},
            {"lfu", hit_rates(phase.frequency_ranks, record.experts)}}}};
}

/// Tasks whose models have the same experts, so that their counts can be compared.
bool is_comparable(const RoutingRecord& left, const RoutingRecord& right) {
  return left.layers == right.layers && left.experts == right.experts;
}

std::optional<double> mean_entropy(const RoutingRecord& record, const RoutingPhase& phase) {
  double sum = 0.0;
  std::size_t layers = 0;
  for (std::size_t layer = 0; layer < record.layers; ++layer) {
    if (const auto balance = layer_balance(layer_counts(record, phase, layer))) {
      sum += balance->entropy;
      ++layers;
    }
  }
  return layers == 0 ? std::nullopt : std::optional(sum / static_cast<double>(layers));
}

/// The smallest cache that answers the share of choices, as a share of all experts in percent.
std::string cache_for(const RoutingRecord& record, std::span<const std::uint64_t> ranks,
                      double share) {
  for (std::size_t size = 1; size <= record.experts; ++size) {
    const auto rate = cache_hit_rate(ranks, size);
    if (rate && *rate >= share) {
      return fixed_number(100.0 * static_cast<double>(size) / static_cast<double>(record.experts),
                          0);
    }
  }
  return "–";
}

}  // namespace

std::optional<RunRouting> read_run_routing(const Store& store, const RunRecord& run) {
  const Json& cell = run.cell;
  if (!cell.is_object() || !cell.contains("generator") ||
      cell.at("generator").value("telemetry", Json()) != "routing") {
    return std::nullopt;
  }
  RunRouting routing;
  store.visit_samples(
      run.run_id,
      [&](const ItemRecord& /*item*/, SampleRecord&& sample) {
        if (!sample.details.is_object() || !sample.details.contains("routing")) {
          return;
        }
        const RoutingRecord record = routing_record_from_json(sample.details.at("routing"));
        if (routing.sample_count++ == 0) {
          routing.sum = record;
        } else {
          routing.sum.add(record);
        }
      },
      SampleDetail::kRouting);
  return routing.sample_count == 0 ? std::nullopt : std::optional(std::move(routing));
}

std::optional<LayerBalance> layer_balance(std::span<const std::uint64_t> counts) {
  const std::uint64_t sum = sum_of(counts);
  if (sum == 0) {
    return std::nullopt;
  }
  LayerBalance balance;
  for (const std::uint64_t count : counts) {
    const double share = static_cast<double>(count) / static_cast<double>(sum);
    balance.entropy += surprise(share);
    balance.max_share = std::max(balance.max_share, share);
    balance.active_count += count > 0 ? 1 : 0;
  }
  // A single expert has no other way: its choices are as even as can be.
  balance.entropy =
      counts.size() == 1 ? 1.0 : balance.entropy / std::log2(static_cast<double>(counts.size()));
  return balance;
}

std::optional<double> jensen_shannon(std::span<const std::uint64_t> left,
                                     std::span<const std::uint64_t> right) {
  const auto left_sum = static_cast<double>(sum_of(left));
  const auto right_sum = static_cast<double>(sum_of(right));
  if (left_sum == 0.0 || right_sum == 0.0 || left.size() != right.size()) {
    return std::nullopt;
  }
  double of_middle = 0.0;
  double of_both = 0.0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const double p = static_cast<double>(left[i]) / left_sum;
    const double q = static_cast<double>(right[i]) / right_sum;
    of_middle += surprise((p + q) / 2.0);
    of_both += surprise(p) + surprise(q);
  }
  return std::clamp(of_middle - of_both / 2.0, 0.0, 1.0);
}

std::optional<double> routing_divergence(const RoutingRecord& record, const RoutingPhase& left,
                                         const RoutingPhase& right) {
  double sum = 0.0;
  std::size_t layers = 0;
  for (std::size_t layer = 0; layer < record.layers; ++layer) {
    if (const auto divergence =
            jensen_shannon(layer_counts(record, left, layer), layer_counts(record, right, layer))) {
      sum += *divergence;
      ++layers;
    }
  }
  return layers == 0 ? std::nullopt : std::optional(sum / static_cast<double>(layers));
}

std::optional<double> cache_hit_rate(std::span<const std::uint64_t> ranks, std::size_t size) {
  const std::uint64_t all = sum_of(ranks);
  if (all == 0) {
    return std::nullopt;
  }
  const std::uint64_t hits = sum_of(ranks.first(std::min(size, ranks.size() - 1)));
  return static_cast<double>(hits) / static_cast<double>(all);
}

Json routing_json(const std::map<std::string, RunRouting>& by_task) {
  if (by_task.empty()) {
    return nullptr;
  }
  const RoutingRecord& first = by_task.begin()->second.sum;
  Json tasks = Json::object();
  Json between = Json::object();
  for (const auto& [task, routing] : by_task) {
    const RoutingRecord& record = routing.sum;
    tasks[task] = {{"samples", routing.sample_count},
                   {"prompt", phase_json(record, record.prompt)},
                   {"answer", phase_json(record, record.answer)},
                   {"prompt_answer_divergence",
                    optional_json(routing_divergence(record, record.prompt, record.answer))}};
    for (const auto& [other, other_routing] : by_task) {
      if (is_comparable(record, other_routing.sum)) {
        between[task][other] = {
            {"prompt",
             optional_json(routing_divergence(record, record.prompt, other_routing.sum.prompt))},
            {"answer",
             optional_json(routing_divergence(record, record.answer, other_routing.sum.answer))}};
      }
    }
  }
  return {{"layers", first.layers},
          {"experts", first.experts},
          {"experts_used", first.experts_used},
          {"expert_bytes", first.expert_bytes},
          {"tasks", std::move(tasks)},
          {"task_divergence", std::move(between)}};
}

std::string routing_markdown(const std::map<std::string, RunRouting>& by_task) {
  if (by_task.empty()) {
    return {};
  }
  std::string text =
      "| task | tokens of | tokens | entropy | active experts % | JSD prompt/answer | LRU cache, % "
      "of experts for 50 / 80 / 95 % of choices |\n"
      "| --- | --- | ---: | ---: | ---: | ---: | ---: |\n";
  for (const auto& [task, routing] : by_task) {
    const RoutingRecord& record = routing.sum;
    for (const bool is_answer : {false, true}) {
      const RoutingPhase& phase = is_answer ? record.answer : record.prompt;
      const Json summary = phase_json(record, phase);
      const Json& active = summary.at("active_fraction");
      const std::optional<double> active_percent =
          active.is_null() ? std::nullopt : std::optional(100.0 * active.get<double>());
      text += "| " + markdown_cell(task) + " | " + (is_answer ? "answers" : "prompts") + " | " +
              std::to_string(phase.tokens) + " | " + fixed_number(mean_entropy(record, phase), 3) +
              " | " + fixed_number(active_percent, 1) + " | " +
              fixed_number(routing_divergence(record, record.prompt, record.answer), 3) + " | " +
              cache_for(record, phase.recency_ranks, 0.50) + " / " +
              cache_for(record, phase.recency_ranks, 0.80) + " / " +
              cache_for(record, phase.recency_ranks, 0.95) + " |\n";
    }
  }
  return text;
}

}  // namespace crudbench
