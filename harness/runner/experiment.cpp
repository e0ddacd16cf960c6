#include "harness/runner/experiment.h"

#include <algorithm>
#include <array>

#include "harness/core/error.h"
#include "harness/core/random.h"
#include "harness/runner/config_file.h"
#include "harness/runner/sweep.h"

namespace crudbench {

namespace {

/// The metric with the sections that it reads resolved. The default embedder is the one that dense
/// retrieval has by default, so that both share it.
Json resolve_sections(Json metric, const Catalog& catalog, const std::string& file,
                      const std::string& pointer) {
  Options options(metric, file, pointer);
  for (const std::string& section : catalog.metrics.entry_for(options).sections) {
    const std::string place = pointer + "/" + section;
    const auto resolve = [&](const auto& registry, const char* default_type) {
      Json member = metric.value(section, Json());
      if (member.is_null() && default_type == nullptr) {
        options.fail(section, "an object that says which generator judges");
      }
      if (member.is_string() || member.is_null()) {
        member = {{"type", member.is_null() ? Json(default_type) : member}};
      }
      metric[section] = registry.resolve(member, file, place);
    };
    if (section == "embedder") {
      resolve(catalog.embedders, "lsa");
    } else if (section == "chunker") {
      resolve(catalog.chunkers, "sentence");
    } else {
      resolve(catalog.generators, nullptr);
    }
  }
  return metric;
}

std::vector<Json> resolve_metrics(const Json& list, const Catalog& catalog,
                                  const std::string& file) {
  if (!list.is_array() || list.empty()) {
    throw config_error(file, "/metrics", "expected a list of metric names or objects");
  }
  std::vector<Json> metrics;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Json& element = list[i];
    const Json object = element.is_string() ? Json{{"type", element}} : element;
    const std::string pointer = "/metrics/" + std::to_string(i);
    Options(object, file, pointer);  // Refuses what is no object.
    metrics.push_back(
        catalog.metrics.resolve(resolve_sections(object, catalog, file, pointer), file, pointer));
    if (std::count(metrics.begin(), metrics.end(), metrics.back()) > 1) {
      throw config_error(file, "/metrics/" + std::to_string(i),
                         "this metric is listed twice with the same options");
    }
  }
  return metrics;
}

/// The search of a configuration; draws the cells of a random one.
Search read_search(const Json& value, const std::string& file, std::vector<Cell>& cells) {
  constexpr std::array<std::string_view, 2> kTypes{"random", "successive_halving"};
  constexpr std::int64_t kMost = std::int64_t{1} << 40U;
  Search search;
  if (value.is_null()) {
    return search;
  }
  Options options(value, file, "/search");
  if (!options.has("type")) {
    options.fail("type", "'random' or 'successive_halving'");
  }
  const bool is_random = options.one_of("type", kTypes, "") == kTypes[0];
  search.type = is_random ? Search::Type::kRandom : Search::Type::kSuccessiveHalving;
  const auto seed = static_cast<std::uint64_t>(options.integer("seed", 0, 0));
  if (is_random || options.has("cells")) {
    // Drawn first, so that a search by halving may start from a random part of a large grid.
    if (!options.has("cells")) {
      options.fail("cells", "how many cells to draw");
    }
    const auto count = static_cast<std::size_t>(options.integer("cells", 1, 1, kMaxCells));
    std::vector<Cell> drawn;
    for (const std::size_t position : sample_positions(cells.size(), count, seed)) {
      drawn.push_back(std::move(cells[position]));
    }
    cells = std::move(drawn);
  }
  if (!is_random) {
    search.metric = options.text("metric");
    search.min_samples = static_cast<std::size_t>(options.integer("min_samples", 8, 1, kMost));
    search.eta = static_cast<std::size_t>(options.integer("eta", 3, 2, 100));
    search.max_samples = static_cast<std::size_t>(options.integer("max_samples", 0, 0, kMost));
    search.max_cost = options.number("max_cost", 0.0, 0.0, 1e12);
  }
  options.finish();
  return search;
}

}  // namespace

std::size_t Cell::top_k() const {
  return retrieval.retriever.value("top_k", std::size_t{0});
}

Json Cell::to_json() const {
  Json sections = {{"retriever", retrieval.retriever},
                   {"context", context},
                   {"prompts", prompts},
                   {"generator", generator}};
  for (const auto& [name, section] :
       {std::pair{"chunker", &retrieval.chunker}, std::pair{"embedder", &retrieval.embedder},
        std::pair{"index", &retrieval.index}}) {
    if (!section->is_null()) {
      sections[name] = *section;
    }
  }
  return sections;
}

Json Cell::labelled_json() const {
  Json sections = to_json();
  if (!label.empty()) {
    sections["label"] = label;
  }
  return sections;
}

Experiment parse_experiment(Json config, const std::string& file,
                            const std::filesystem::path& folder,
                            std::span<const std::string> overrides, const Catalog& catalog) {
  config = complete_config(std::move(config), file, folder, overrides);
  refuse_fixed_axes(config, file, catalog);
  Options options(config, file);
  options.raw("$schema");
  Experiment experiment;
  experiment.file = file;
  experiment.name = options.text("experiment", std::filesystem::path(file).stem().string());
  if (!options.has("dataset")) {
    options.fail("dataset", "an object that says which data to use");
  }
  experiment.dataset = catalog.datasets.resolve(options.raw("dataset"), file, "/dataset");
  for (const char* key : {"chunker", "embedder", "index", "retriever", "context", "prompts",
                          "generator", "variants", "zip", "exclude"}) {
    options.raw(key);  // Read by sweep_cells.
  }
  const Json metrics = options.raw("metrics");
  const Json search = options.raw("search");
  experiment.metrics = resolve_metrics(
      metrics.is_null() ? Json{"bleu", "rouge", "length", "format", "retrieval"} : metrics, catalog,
      file);
  experiment.repeats = static_cast<std::size_t>(options.integer("repeats", 1, 1, kMaxRepeats));
  experiment.keep_prompts = options.flag("keep_prompts", true);
  Options prices = options.object("prices");
  experiment.prices = read_price_table(prices);
  options.finish();
  experiment.cells = sweep_cells(config, file, catalog);
  experiment.search = read_search(search, file, experiment.cells);
  experiment.source = std::move(config);
  return experiment;
}

Experiment load_experiment(const std::filesystem::path& file,
                           std::span<const std::string> overrides, const Catalog& catalog) {
  const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
  return parse_experiment(read_json_file(file, ErrorCode::kInvalidConfig), file.string(), folder,
                          overrides, catalog);
}

}  // namespace crudbench
