#include <algorithm>
#include <cmath>
#include <utility>

#include "reports/bundle.h"
#include "reports/bundle_format.h"

namespace crudbench {

namespace {

constexpr double kTolerance = 1e-9;

bool same_number(const Json& left, const Json& right) {
  const auto a = left.get<double>();
  const auto b = right.get<double>();
  return std::abs(a - b) <= kTolerance * std::max({1.0, std::abs(a), std::abs(b)});
}

/// The values of an object by path: "/metrics/rouge_l/mean".
void collect(const Json& value, const std::string& path, std::map<std::string, Json>& values) {
  if (!value.is_structured()) {
    values.emplace(path, value);
    return;
  }
  for (const auto& [key, child] : value.items()) {
    collect(child, path + "/" + key, values);
  }
}

std::map<std::string, Json> values_of(const Json& value) {
  std::map<std::string, Json> values;
  collect(value, "", values);
  return values;
}

/// The first few differences, a sentence each.
std::vector<std::string> differences(const Json& stated, const Json& recomputed,
                                     const std::string& task) {
  constexpr std::size_t kMostReported = 5;
  const std::map<std::string, Json> left = values_of(stated);
  const std::map<std::string, Json> right = values_of(recomputed);
  std::map<std::string, Json> all = left;
  all.insert(right.begin(), right.end());
  std::vector<std::string> problems;
  std::size_t count = 0;
  for (const auto& [path, ignored] : all) {
    const auto a = left.find(path);
    const auto b = right.find(path);
    const bool both = a != left.end() && b != right.end();
    if (both && (a->second == b->second || (a->second.is_number() && b->second.is_number() &&
                                            same_number(a->second, b->second)))) {
      continue;
    }
    if (++count <= kMostReported) {
      problems.push_back(task + ": " + path + " is stated as " +
                         (a != left.end() ? to_text(a->second) : "nothing") +
                         ", its samples give " +
                         (b != right.end() ? to_text(b->second) : "nothing"));
    }
  }
  if (count > kMostReported) {
    problems.push_back(task + ": " + std::to_string(count - kMostReported) +
                       " more statements differ");
  }
  return problems;
}

}  // namespace

std::vector<std::string> check_bundle(const Bundle& bundle, Executor& executor) {
  std::vector<std::string> problems;
  for (const BundleRun& run : bundle.runs) {
    const auto found = static_cast<std::int64_t>(run.samples.size());
    if (found != run.run.sample_count) {
      problems.push_back(run.run.task + ": " + std::to_string(run.run.sample_count) +
                         " samples are stated, there are " + std::to_string(found));
    }
    const Json recomputed = bundle_summary(run, executor);
    std::vector<std::string> different = differences(run.summary, recomputed, run.run.task);
    problems.insert(problems.end(), std::make_move_iterator(different.begin()),
                    std::make_move_iterator(different.end()));
  }
  return problems;
}

}  // namespace crudbench
