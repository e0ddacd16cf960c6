#include "harness/runner/experiment.h"

#include <algorithm>
#include <array>
#include <set>

#include "harness/core/error.h"
#include "harness/runner/context_builder.h"

namespace crudbench {

namespace {

/// Where a configuration may hold paths.
constexpr std::array<const char*, 3> kPathPointers{"/dataset/samples", "/dataset/corpus",
                                                   "/prompts"};
/// The options that hold one wherever a member has them, the parts of a retriever included.
constexpr std::array<const char*, 10> kPathOptions{
    "user_dictionary", "chunks_file",        "vectors_file", "ids_file",    "queries_file",
    "query_ids_file",  "chat_template_file", "ca_file",      "unix_socket", "vocabulary_file"};

Error config_error(const std::string& file, const std::string& pointer,
                   const std::string& problem) {
  return {ErrorCode::kInvalidConfig, file + ": " + pointer + ": " + problem};
}

void make_path_absolute(Json& value, const std::filesystem::path& folder) {
  if (value.is_array()) {
    for (Json& element : value) {
      make_path_absolute(element, folder);
    }
  } else if (value.is_string()) {
    const std::filesystem::path path(value.get<std::string>());
    if (path.is_relative() && path != "default" && !path.empty()) {
      value = (folder / path).lexically_normal().string();
    }
  }
}

void make_options_absolute(Json& value, const std::filesystem::path& folder) {
  for (const char* option : kPathOptions) {
    if (value.is_object() && value.contains(option)) {
      make_path_absolute(value[option], folder);
    }
  }
  // Elsewhere "model" is a name that an endpoint knows.
  const bool is_file = value.is_object() && (value.value("type", Json()) == "llama" ||
                                             value.value("api", Json()) == "llama");
  if (is_file && value.contains("model")) {
    make_path_absolute(value["model"], folder);
  }
  if (value.is_structured()) {
    for (Json& element : value) {
      make_options_absolute(element, folder);
    }
  }
}

void apply_override(Json& config, const std::string& text) {
  const std::string source = "--set " + text;
  const auto equals = text.find('=');
  if (equals == std::string::npos || !text.starts_with('/')) {
    throw Error(ErrorCode::kInvalidConfig,
                source + ": expected POINTER=VALUE, e.g. /retriever/top_k=[2,4,8]");
  }
  const std::string value = text.substr(equals + 1);
  Json parsed = Json::parse(value, nullptr, false);
  if (parsed.is_discarded()) {
    parsed = value;
  }
  try {
    config[Json::json_pointer(text.substr(0, equals))] = std::move(parsed);
  } catch (const Json::exception&) {
    throw Error(ErrorCode::kInvalidConfig,
                source + ": the configuration has no place for this pointer");
  }
}

/// The variants that lists in `object` spell out, as the product of its keys; the values of
/// `list_options` are lists by nature and stay whole.
std::vector<Json> object_variants(const Json& object, const std::vector<std::string>& list_options,
                                  const std::string& file, const std::string& pointer) {
  std::vector<Json> variants{Json::object()};
  for (const auto& [key, value] : object.items()) {
    const bool is_axis = value.is_array() && std::find(list_options.begin(), list_options.end(),
                                                       key) == list_options.end();
    if (!is_axis) {
      for (Json& variant : variants) {
        variant[key] = value;
      }
      continue;
    }
    if (value.empty()) {
      throw config_error(file, pointer + "/" + key,
                         "expected a value or a list of values, found an empty list");
    }
    if (variants.size() > kMaxCells / value.size()) {
      throw config_error(file, pointer,
                         "its axes make more than " + std::to_string(kMaxCells) + " cells");
    }
    std::vector<Json> product;
    product.reserve(variants.size() * value.size());
    for (const Json& variant : variants) {
      for (const Json& element : value) {
        product.push_back(variant);
        product.back()[key] = element;
      }
    }
    variants = std::move(product);
  }
  return variants;
}

/// All resolved members that a section of the configuration spells out: an object or a list of
/// objects, each with axes of its own.
template <class SectionRegistry>
std::vector<Json> resolve_section(const Json& section, const SectionRegistry& registry,
                                  const std::string& file, const std::string& pointer) {
  const std::vector<Json> alternatives =
      section.is_array() ? section.get<std::vector<Json>>() : std::vector<Json>{section};
  if (alternatives.empty()) {
    throw config_error(file, pointer,
                       "expected an object or a list of objects, found an empty list");
  }
  std::vector<Json> resolved;
  for (std::size_t i = 0; i < alternatives.size(); ++i) {
    const std::string place = section.is_array() ? pointer + "/" + std::to_string(i) : pointer;
    const Json& alternative = alternatives[i];
    Options reader(alternative, file, place);  // Refuses what is no object.
    if (!reader.has("type")) {
      reader.fail("type", "the name of a member of the axis '" + registry.axis() + "'");
    }
    Json types = alternative.at("type");
    if (!types.is_array()) {
      types = Json::array({types});
    }
    for (const Json& type : types) {
      Json typed = alternative;
      typed["type"] = type;
      Options options(typed, file, place);
      const auto& entry = registry.entry_for(options);
      for (const Json& variant : object_variants(typed, entry.list_options, file, place)) {
        resolved.push_back(registry.resolve(variant, file, place));
      }
    }
  }
  return resolved;
}

std::vector<Json> resolve_contexts(const Json& section, const std::string& file) {
  const std::vector<Json> alternatives =
      section.is_array() ? section.get<std::vector<Json>>() : std::vector<Json>{section};
  std::vector<Json> resolved;
  for (const Json& alternative : alternatives) {
    Options(alternative, file, "/context");  // Refuses what is no object.
    for (const Json& variant : object_variants(alternative, {}, file, "/context")) {
      Options options(variant, file, "/context");
      read_context_options(options);
      options.finish();
      resolved.push_back(options.resolved());
    }
  }
  return resolved;
}

std::vector<std::string> prompt_sets(const Json& value, const std::string& file) {
  std::vector<std::string> sets;
  for (const Json& element : value.is_array() ? value : Json::array({value})) {
    if (!element.is_string() || element.get<std::string>().empty()) {
      throw config_error(file, "/prompts", "expected 'default' or a folder of prompt files");
    }
    sets.push_back(element.get<std::string>());
  }
  return sets;
}

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

/// `section` where the retriever reads it, else one null.
std::vector<Json> if_read(const std::vector<std::string>& sections, std::string_view name,
                          const std::vector<Json>& section) {
  const bool is_read = std::find(sections.begin(), sections.end(), name) != sections.end();
  return is_read ? section : std::vector<Json>{Json()};
}

/// The axes of an experiment, each resolved.
struct Axes {
  std::vector<Json> chunkers;
  std::vector<Json> embedders;
  std::vector<Json> indexes;
  std::vector<Json> retrievers;
  std::vector<Json> contexts;
  std::vector<std::string> prompts;
  std::vector<Json> generators;

  /// Saturating.
  std::size_t cell_count() const {
    std::size_t count = 1;
    for (const std::size_t size :
         {chunkers.size(), embedders.size(), indexes.size(), retrievers.size(), contexts.size(),
          prompts.size(), generators.size()}) {
      count = size != 0 && count > SIZE_MAX / size ? SIZE_MAX : count * size;
    }
    return count;
  }
};

/// The cells of all combinations, in nested order, equal ones once.
std::vector<Cell> make_cells(const Axes& axes, const Catalog& catalog) {
  std::vector<Cell> cells;
  std::set<std::string> seen;
  for (const Json& generator : axes.generators) {
    for (const std::string& prompts : axes.prompts) {
      for (const Json& context : axes.contexts) {
        for (const Json& retriever : axes.retrievers) {
          const auto& sections =
              catalog.retrievers.entries().at(retriever.at("type").get<std::string>()).sections;
          for (const Json& chunker : if_read(sections, "chunker", axes.chunkers)) {
            for (const Json& embedder : if_read(sections, "embedder", axes.embedders)) {
              for (const Json& index : if_read(sections, "index", axes.indexes)) {
                Cell cell{.retrieval = {.retriever = retriever,
                                        .chunker = chunker,
                                        .embedder = embedder,
                                        .index = index},
                          .context = context,
                          .prompts = prompts,
                          .generator = generator};
                if (seen.insert(to_text(cell.to_json())).second) {
                  cells.push_back(std::move(cell));
                }
              }
            }
          }
        }
      }
    }
  }
  return cells;
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

Experiment parse_experiment(Json config, const std::string& file,
                            const std::filesystem::path& folder,
                            std::span<const std::string> overrides, const Catalog& catalog) {
  if (!config.is_object()) {
    throw config_error(file, "/", "expected an object, found " + std::string(type_name(config)));
  }
  for (const char* pointer : kPathPointers) {
    const Json::json_pointer place(pointer);
    if (config.contains(place)) {
      make_path_absolute(config[place], folder);
    }
  }
  make_options_absolute(config, folder);
  if (const auto metrics = config.find("metrics"); metrics != config.end()) {
    for (Json& metric : *metrics) {
      for (const char* key : {"bank", "prompts"}) {
        if (metric.is_object() && metric.contains(key)) {
          make_path_absolute(metric[key], folder);
        }
      }
    }
  }
  for (const std::string& text : overrides) {
    apply_override(config, text);
  }

  Options options(config, file);
  options.raw("$schema");
  Experiment experiment;
  experiment.file = file;
  experiment.name = options.text("experiment", std::filesystem::path(file).stem().string());
  if (!options.has("dataset")) {
    options.fail("dataset", "an object that says which data to use");
  }
  const auto section = [&options](const char* name, Json default_value) {
    Json value = options.raw(name);
    return value.is_null() ? default_value : value;
  };
  experiment.dataset = catalog.datasets.resolve(options.raw("dataset"), file, "/dataset");
  const Axes axes{.chunkers = resolve_section(section("chunker", {{"type", "sentence"}}),
                                              catalog.chunkers, file, "/chunker"),
                  .embedders = resolve_section(section("embedder", {{"type", "lsa"}}),
                                               catalog.embedders, file, "/embedder"),
                  .indexes = resolve_section(section("index", {{"type", "flat"}}), catalog.indexes,
                                             file, "/index"),
                  .retrievers = resolve_section(section("retriever", {{"type", "bm25"}}),
                                                catalog.retrievers, file, "/retriever"),
                  .contexts = resolve_contexts(section("context", Json::object()), file),
                  .prompts = prompt_sets(section("prompts", "default"), file),
                  .generators = resolve_section(section("generator", {{"type", "extractive"}}),
                                                catalog.generators, file, "/generator")};
  experiment.metrics = resolve_metrics(
      section("metrics", {"bleu", "rouge", "length", "format", "retrieval"}), catalog, file);
  experiment.repeats = static_cast<std::size_t>(options.integer("repeats", 1, 1, kMaxRepeats));
  Options prices = options.object("prices");
  experiment.prices = read_price_table(prices);
  options.finish();
  if (const std::size_t count = axes.cell_count(); count > kMaxCells) {
    throw config_error(file, "/",
                       "its axes make " + std::to_string(count) + " cells; at most " +
                           std::to_string(kMaxCells) + " are run in one experiment");
  }
  experiment.cells = make_cells(axes, catalog);
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
