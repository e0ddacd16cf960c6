#include "harness/runner/sharding.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "harness/core/error.h"
#include "harness/core/fingerprint.h"
#include "harness/runner/scorer.h"

namespace crudbench {

namespace {

/// Raised when the same plan is split in another way.
constexpr int kSplitFormat = 1;

/// What a token of a run costs where answers cost money or minutes, next to 1 elsewhere.
constexpr std::uint64_t kCostlyWeight = 100;
/// UTF-8 bytes that make about one token, of Chinese text.
constexpr std::uint64_t kBytesAToken = 4;
/// Tokens that a hit is taken for where nothing limits the context.
constexpr std::uint64_t kTokensAHit = 128;

std::optional<std::size_t> parse_count(std::string_view text) {
  std::size_t value = 0;
  const auto [stopped_at, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = problem == std::errc() && stopped_at == text.data() + text.size();
  return is_whole && value >= 1 && value <= kMaxShards ? std::optional(value) : std::nullopt;
}

std::uint64_t context_tokens(const Cell& cell) {
  const std::uint64_t of_hits = cell.top_k() * kTokensAHit;
  const auto limit = cell.context.value("max_tokens", std::uint64_t{0});
  return limit == 0 ? of_hits : std::min(limit, of_hits);
}

std::uint64_t sample_tokens(const Sample& sample) {
  std::uint64_t bytes = 0;
  for (const auto& [name, field] : sample.fields) {
    bytes += field.size();
  }
  return 1 + bytes / kBytesAToken;
}

/// Calls `visit(task, sample, run, cost)` for every pair, in the order of the line.
template <class Visit>
void visit_line(const std::vector<SplitTask>& tasks, const Visit& visit) {
  for (std::size_t task = 0; task < tasks.size(); ++task) {
    for (std::size_t sample = 0; sample < tasks[task].sample_tokens.size(); ++sample) {
      for (std::size_t run = 0; run < tasks[task].runs.size(); ++run) {
        const SplitTask::Run& parameters = tasks[task].runs[run];
        visit(task, sample, run,
              (tasks[task].sample_tokens[sample] + parameters.context_tokens) * parameters.weight);
      }
    }
  }
}

/// Which runs of the plan are one, and where they stand in the split.
struct RunPlaces {
  std::vector<SplitTask> tasks;
  std::vector<std::pair<std::size_t, std::size_t>> places;  ///< [run of the plan] task, run.
};

RunPlaces find_places(const Experiment& experiment, const Dataset& dataset, const Catalog& catalog,
                      const Plan& plan) {
  RunPlaces result;
  std::map<std::string, std::size_t> task_positions;
  for (const std::string& task : plan.tasks) {
    task_positions.emplace(task, result.tasks.size());
    SplitTask& split = result.tasks.emplace_back();
    for (const std::size_t position : samples_of(dataset, task)) {
      split.sample_tokens.push_back(sample_tokens(dataset.samples[position]));
    }
  }
  std::map<std::string, std::pair<std::size_t, std::size_t>> known;  // by fingerprint
  for (const PlannedRun& run : plan.runs) {
    const std::size_t task = task_positions.at(run.task);
    std::vector<SplitTask::Run>& runs = result.tasks[task].runs;
    const auto [place, is_new] = known.try_emplace(run.fingerprint, task, runs.size());
    if (is_new) {
      const Cell& cell = experiment.cells[run.cell];
      const std::string type = cell.generator.at("type").get<std::string>();
      const bool is_costly = catalog.generators.entries().at(type).costly;
      runs.push_back(
          {.context_tokens = context_tokens(cell), .weight = is_costly ? kCostlyWeight : 1});
    }
    result.places.push_back(place->second);
  }
  return result;
}

/// Runs and repeats: parts of two splits never belong together.
std::string split_fingerprint(const Experiment& experiment, const Plan& plan,
                              std::size_t shard_count) {
  FingerprintBuilder builder("split", kSplitFormat);
  builder.add(std::to_string(shard_count)).add(std::to_string(experiment.repeats));
  for (const PlannedRun& run : plan.runs) {
    builder.add(run.fingerprint);
  }
  return builder.hex_digest();
}

}  // namespace

Shard parse_shard(std::string_view text) {
  const auto slash = text.find('/');
  const auto number = parse_count(text.substr(0, slash));
  const auto count =
      slash == std::string_view::npos ? std::nullopt : parse_count(text.substr(slash + 1));
  if (!number || !count || *number > *count) {
    throw Error(ErrorCode::kInvalidConfig,
                "--shard: expected NUMBER/COUNT such as 2/8, the number from 1 to the count and "
                "the count at most " +
                    std::to_string(kMaxShards) + ", found '" + std::string(text) + "'");
  }
  return {.number = *number, .count = *count};
}

std::vector<std::vector<std::vector<SampleRange>>> split_evenly(const std::vector<SplitTask>& tasks,
                                                                std::size_t shard_count) {
  std::vector<std::vector<SampleRange>> nothing;
  for (const SplitTask& task : tasks) {
    nothing.emplace_back(task.runs.size());
  }
  std::vector<std::vector<std::vector<SampleRange>>> shards(shard_count, nothing);
  std::uint64_t total = 0;
  visit_line(tasks, [&total](std::size_t, std::size_t, std::size_t, std::uint64_t cost) {
    total += cost;
  });
  const double share = static_cast<double>(total) / static_cast<double>(shard_count);
  std::uint64_t before = 0;
  visit_line(tasks, [&](std::size_t task, std::size_t sample, std::size_t run, std::uint64_t cost) {
    // The shard in which the middle of the pair lies.
    const double middle = static_cast<double>(before) + static_cast<double>(cost) / 2.0;
    const std::size_t shard = std::min(static_cast<std::size_t>(middle / share), shard_count - 1);
    before += cost;
    SampleRange& range = shards[shard][task][run];
    range = {.begin = range.size() == 0 ? sample : range.begin, .end = sample + 1};
  });
  return shards;
}

std::vector<ShardPlan> plan_shards(const Experiment& experiment, const Dataset& dataset,
                                   const Catalog& catalog, const Plan& plan,
                                   std::size_t shard_count) {
  const RunPlaces found = find_places(experiment, dataset, catalog, plan);
  const auto ranges = split_evenly(found.tasks, shard_count);
  const std::string split = split_fingerprint(experiment, plan, shard_count);
  std::vector<ShardPlan> shards(shard_count);
  for (std::size_t i = 0; i < shard_count; ++i) {
    shards[i].shard = {.number = i + 1, .count = shard_count};
    shards[i].split = split;
    for (const auto& [task, run] : found.places) {
      shards[i].ranges.push_back(ranges[i][task][run]);
    }
    for (std::size_t task = 0; task < found.tasks.size(); ++task) {
      for (std::size_t run = 0; run < found.tasks[task].runs.size(); ++run) {
        const SplitTask::Run& parameters = found.tasks[task].runs[run];
        const SampleRange& range = ranges[i][task][run];
        for (std::size_t sample = range.begin; sample < range.end; ++sample) {
          shards[i].cost += (found.tasks[task].sample_tokens[sample] + parameters.context_tokens) *
                            parameters.weight;
        }
      }
    }
  }
  return shards;
}

}  // namespace crudbench
