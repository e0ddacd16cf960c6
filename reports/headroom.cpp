#include "reports/headroom.h"

#include <algorithm>
#include <map>

namespace crudbench {

namespace {

std::string option(const LeaderboardRow& row, const char* section, const char* name) {
  if (!row.cell.is_object() || !row.cell.contains(section) || !row.cell[section].is_object()) {
    return "";
  }
  const auto found = row.cell[section].find(name);
  return found != row.cell[section].end() && found->is_string() ? found->get<std::string>() : "";
}

Json generator_of(const LeaderboardRow& row) {
  return row.cell.is_object() ? row.cell.value("generator", Json()) : Json();
}

/// How many options two rows have in common.
std::ptrdiff_t shared_options(const LeaderboardRow& left, const LeaderboardRow& right) {
  const std::map<std::string, Json> options = flatten_options(right.cell);
  const std::map<std::string, Json> own = flatten_options(left.cell);
  return std::count_if(own.begin(), own.end(), [&](const auto& entry) {
    const auto found = options.find(entry.first);
    return found != options.end() && found->second == entry.second;
  });
}

const LeaderboardRow* find_bound(const LeaderboardTable& table, const LeaderboardRow& row,
                                 Bound bound) {
  const LeaderboardRow* best = nullptr;
  std::ptrdiff_t best_shared = -1;
  for (const LeaderboardRow& candidate : table.rows) {
    if (bound_of(table, candidate) != bound || generator_of(candidate) != generator_of(row)) {
      continue;
    }
    const std::ptrdiff_t shared = shared_options(row, candidate);
    if (shared > best_shared) {
      best = &candidate;
      best_shared = shared;
    }
  }
  return best;
}

std::optional<double> score_of(const LeaderboardRow& row, const std::string& metric,
                               const std::optional<std::string>& task) {
  if (!task) {
    const auto average = row.averages.find(metric);
    return average != row.averages.end() ? average->second.mean : std::nullopt;
  }
  const auto run = row.runs.find(*task);
  const MetricSummary* summary = run != row.runs.end() ? run->second.metric(metric) : nullptr;
  return summary != nullptr ? summary->mean : std::nullopt;
}

}  // namespace

std::string_view to_string(Bound bound) noexcept {
  switch (bound) {
    case Bound::kClosedBook:
      return "closed_book";
    case Bound::kOracle:
      return "oracle";
    case Bound::kFloor:
      return "floor";
    case Bound::kNo:
      break;
  }
  return "";
}

Bound bound_of(const LeaderboardTable& table, const LeaderboardRow& row) {
  const std::string retriever = option(row, "retriever", "type");
  if (retriever == "none") {
    return Bound::kClosedBook;
  }
  if (retriever == "gold") {
    return Bound::kOracle;
  }
  const bool is_extractive = option(row, "generator", "type") == "extractive";
  const bool has_others = std::any_of(table.rows.begin(), table.rows.end(), [](const auto& other) {
    return option(other, "generator", "type") != "extractive";
  });
  return is_extractive && has_others ? Bound::kFloor : Bound::kNo;
}

std::optional<double> captured_headroom(const LeaderboardTable& table, std::size_t row,
                                        const std::string& metric,
                                        const std::optional<std::string>& task) {
  const LeaderboardRow& own = table.rows.at(row);
  const Bound bound = bound_of(table, own);
  if (bound == Bound::kClosedBook || bound == Bound::kOracle ||
      !describe_metric(metric).needs_answer) {
    return std::nullopt;
  }
  const LeaderboardRow* closed_book = find_bound(table, own, Bound::kClosedBook);
  const LeaderboardRow* oracle = find_bound(table, own, Bound::kOracle);
  if (closed_book == nullptr || oracle == nullptr) {
    return std::nullopt;
  }
  const std::optional<double> score = score_of(own, metric, task);
  const std::optional<double> low = score_of(*closed_book, metric, task);
  const std::optional<double> high = score_of(*oracle, metric, task);
  if (!score || !low || !high || !(*high > *low)) {
    return std::nullopt;
  }
  return (*score - *low) / (*high - *low);
}

}  // namespace crudbench
