#include "harness/runner/sweep.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "harness/core/log.h"
#include "harness/core/suggest.h"
#include "harness/runner/axes.h"
#include "harness/runner/config_file.h"

namespace crudbench {

namespace {

/// What may differ between cells.
constexpr std::array<std::string_view, 7> kSections = {
    "chunker", "embedder", "index", "retriever", "context", "prompts", "generator"};

bool is_section(std::string_view name) {
  return std::find(kSections.begin(), kSections.end(), name) != kSections.end();
}

std::string section_names() {
  std::string names;
  for (const std::string_view section : kSections) {
    names += (names.empty() ? "" : ", ") + std::string(section);
  }
  return names;
}

/// The list under `key`, empty if there is none.
const Json& list_at(const Json& config, const char* key, const std::string& file,
                    const std::string& expected) {
  static const Json kNone = Json::array();
  const auto found = config.find(key);
  if (found == config.end()) {
    return kNone;
  }
  if (!found->is_array()) {
    throw config_error(file, std::string("/") + key,
                       "expected " + expected + ", found " + std::string(type_name(*found)));
  }
  return *found;
}

/// A configuration without `variants` and `zip`, and the label of its variant.
struct SweepPoint {
  Json config;
  std::string label;
};

std::vector<SweepPoint> with_variants(const Json& config, const std::string& file) {
  const Json& variants = list_at(config, "variants", file, "a list of variants");
  if (variants.empty()) {
    if (config.contains("variants")) {
      throw config_error(file, "/variants", "expected a list of variants, found an empty list");
    }
    return {{config, {}}};
  }
  std::vector<SweepPoint> points;
  std::set<std::string> labels;
  for (std::size_t i = 0; i < variants.size(); ++i) {
    const std::string pointer = "/variants/" + std::to_string(i);
    Json patch = variants[i];
    Options options(patch, file, pointer);
    const std::string label = options.text("label");
    if (label.empty() || !labels.insert(label).second) {
      options.fail("label", "a name that no other variant has");
    }
    for (const auto& [key, value] : patch.items()) {
      if (key != "label" && !is_section(key)) {
        throw config_error(file, pointer + "/" + key,
                           "a variant cannot change this; it may have " + section_names());
      }
    }
    patch.erase("label");
    points.push_back({config, label});
    points.back().config.merge_patch(patch);
  }
  return points;
}

/// Pointers to lists that vary together.
struct ZipGroup {
  std::vector<Json::json_pointer> pointers;
  std::size_t size = 0;  ///< Of each list.
};

Json::json_pointer parse_pointer(const Json& text, const std::string& file,
                                 const std::string& place) {
  const std::string pointer = text.is_string() ? text.get<std::string>() : "";
  const std::string section = pointer.substr(0, pointer.find('/', 1));
  if (!pointer.starts_with('/') || !is_section(section.substr(1))) {
    throw config_error(file, place,
                       "expected a JSON pointer into one of " + section_names() +
                           ", e.g. /retriever/top_k, found " + to_text(text));
  }
  try {
    return Json::json_pointer(pointer);
  } catch (const Json::exception&) {
    throw config_error(file, place, "'" + pointer + "' is no JSON pointer");
  }
}

ZipGroup read_group(const Json& group, const Json& config, const std::string& file,
                    const std::string& place) {
  if (!group.is_array() || group.size() < 2) {
    throw config_error(file, place,
                       "expected a list of two JSON pointers or more, found " +
                           (group.is_array() ? std::to_string(group.size()) + " of them"
                                             : std::string(type_name(group))));
  }
  ZipGroup read;
  for (std::size_t i = 0; i < group.size(); ++i) {
    const std::string at = place + "/" + std::to_string(i);
    const Json::json_pointer pointer = parse_pointer(group[i], file, at);
    const bool is_list = config.contains(pointer) && config.at(pointer).is_array();
    if (!is_list || config.at(pointer).empty()) {
      throw config_error(file, at,
                         "there is no list with values at " + pointer.to_string() + " to vary");
    }
    const std::size_t size = config.at(pointer).size();
    if (i > 0 && size != read.size) {
      throw config_error(
          file, place,
          "lists that vary together need the same length: " + read.pointers.front().to_string() +
              " has " + std::to_string(read.size) + " values, " + pointer.to_string() + " has " +
              std::to_string(size));
    }
    read.size = size;
    read.pointers.push_back(pointer);
  }
  return read;
}

std::vector<ZipGroup> read_groups(const Json& config, const std::string& file) {
  const Json& groups = list_at(config, "zip", file, "a list of groups of JSON pointers");
  std::vector<ZipGroup> read;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::string place = "/zip/" + std::to_string(i);
    read.push_back(read_group(groups[i], config, file, place));
    for (const Json::json_pointer& pointer : read.back().pointers) {
      if (!seen.insert(pointer.to_string()).second) {
        throw config_error(file, place, pointer.to_string() + " is zipped twice");
      }
    }
  }
  return read;
}

[[noreturn]] void refuse_count(std::size_t count, const std::string& file) {
  const bool is_exact = count != std::numeric_limits<std::size_t>::max();
  throw config_error(file, "/",
                     "its axes make " + (is_exact ? std::to_string(count) : "more than 10^19") +
                         " cells; at most " + std::to_string(kMaxCells) +
                         " are run in one experiment");
}

/// The configuration with the lists of every group replaced by one of their elements, in all ways.
std::vector<SweepPoint> with_zips(const SweepPoint& point, const std::string& file,
                                  const Catalog& catalog) {
  const std::vector<ZipGroup> groups = read_groups(point.config, file);
  std::size_t combinations = 1;
  for (const ZipGroup& group : groups) {
    combinations = saturating_product(combinations, group.size);
  }
  std::vector<SweepPoint> points{point};
  for (const ZipGroup& group : groups) {
    if (combinations > kMaxCells) {
      // The zipped lists alone are too many; what the others add is told with the first elements.
      for (const Json::json_pointer& pointer : group.pointers) {
        points.front().config[pointer] = Json(points.front().config.at(pointer).front());
      }
      continue;
    }
    std::vector<SweepPoint> longer;
    for (const SweepPoint& before : points) {
      for (std::size_t i = 0; i < group.size; ++i) {
        longer.push_back(before);
        for (const Json::json_pointer& pointer : group.pointers) {
          longer.back().config[pointer] = Json(before.config.at(pointer).at(i));
        }
      }
    }
    points = std::move(longer);
  }
  if (combinations > kMaxCells) {
    refuse_count(saturating_product(combinations, count_cells(points.front().config, catalog)),
                 file);
  }
  return points;
}

/// One rule of exclusion: every pointer has one of its values.
class ExclusionRule {
 public:
  ExclusionRule(const Json& rule, const std::string& file, const std::string& place) {
    if (!rule.is_object() || rule.empty()) {
      throw config_error(file, place,
                         "expected an object of JSON pointers and values, e.g. "
                         "{\"/retriever/type\": \"bm25\", \"/chunker/size\": [64, 128]}");
    }
    for (const auto& [pointer, values] : rule.items()) {
      conditions_.emplace_back(
          pointer == "/label" ? Json::json_pointer(pointer) : parse_pointer(pointer, file, place),
          values.is_array() ? values : Json::array({values}));
    }
  }

  bool fits(const Json& cell) const {
    return std::all_of(conditions_.begin(), conditions_.end(), [&cell](const auto& condition) {
      const auto& [pointer, values] = condition;
      return cell.contains(pointer) &&
             std::find(values.begin(), values.end(), cell.at(pointer)) != values.end();
    });
  }

 private:
  std::vector<std::pair<Json::json_pointer, Json>> conditions_;
};

void exclude(std::vector<Cell>& cells, const Json& config, const std::string& file) {
  const Json& rules = list_at(config, "exclude", file, "a list of rules");
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const std::string place = "/exclude/" + std::to_string(i);
    const ExclusionRule rule(rules[i], file, place);
    const std::size_t excluded =
        std::erase_if(cells, [&rule](const Cell& cell) { return rule.fits(cell.labelled_json()); });
    if (excluded == 0) {
      log_warning("config", file + ": " + place + ": fits no cell");
    }
  }
  if (cells.empty()) {
    throw config_error(file, "/exclude", "leaves no cell to run");
  }
}

}  // namespace

std::vector<Cell> sweep_cells(const Json& config, const std::string& file, const Catalog& catalog) {
  std::vector<SweepPoint> points;
  std::size_t count = 0;
  for (const SweepPoint& variant : with_variants(config, file)) {
    for (SweepPoint& point : with_zips(variant, file, catalog)) {
      count = saturating_sum(count, count_cells(point.config, catalog));
      points.push_back(std::move(point));
    }
    if (points.size() > kMaxCells) {
      break;
    }
  }
  if (count > kMaxCells) {
    refuse_count(count, file);
  }
  std::vector<Cell> cells;
  std::set<std::string> seen;
  for (const SweepPoint& point : points) {
    for (Cell& cell : expand_cells(point.config, point.label, file, catalog)) {
      if (seen.insert(to_text(cell.labelled_json())).second) {
        cells.push_back(std::move(cell));
      }
    }
  }
  exclude(cells, config, file);
  return cells;
}

void refuse_fixed_axes(const Json& config, const std::string& file, const Catalog& catalog) {
  const auto refuse = [&file](const std::string& pointer, const Json& value) {
    if (value.is_array()) {
      throw config_error(file, pointer,
                         "expected one value, found a list: it is the same for all cells of an "
                         "experiment and cannot be an axis; use one experiment for each value");
    }
  };
  for (const char* key : {"experiment", "repeats", "keep_prompts"}) {
    if (config.contains(key)) {
      refuse(std::string("/") + key, config.at(key));
    }
  }
  const Json dataset = config.value("dataset", Json());
  refuse("/dataset", dataset);
  if (!dataset.is_object() || !dataset.value("type", Json()).is_string()) {
    return;  // What reads the section says what is wrong.
  }
  const auto entry = catalog.datasets.entries().find(dataset.at("type").get<std::string>());
  for (const auto& [key, value] : dataset.items()) {
    const bool is_list =
        entry != catalog.datasets.entries().end() &&
        std::count(entry->second.list_options.begin(), entry->second.list_options.end(), key) > 0;
    if (!is_list) {
      refuse("/dataset/" + key, value);
    }
  }
}

}  // namespace crudbench
