#include "harness/runner/axes.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "harness/runner/config_file.h"
#include "harness/runner/context_builder.h"

namespace crudbench {

namespace {

/// One value of an axis, resolved, and what it is to be called; empty if nothing was said.
struct AxisValue {
  Json value;
  std::string label;
};

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_list_of_members(const Json& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(), [](const Json& element) {
           return element.is_object() && element.contains("type");
         });
}

std::vector<Json> as_list(const Json& value) {
  return value.is_array() ? value.get<std::vector<Json>>() : std::vector<Json>{value};
}

/// What a section is where the configuration does not mention it.
Json section_of(const Json& config, const char* name) {
  static const Json kDefaults = {{"chunker", {{"type", "sentence"}}},
                                 {"embedder", {{"type", "lsa"}}},
                                 {"index", {{"type", "flat"}}},
                                 {"retriever", {{"type", "bm25"}}},
                                 {"context", Json::object()},
                                 {"prompts", "default"},
                                 {"generator", {{"type", "extractive"}}}};
  const auto found = config.find(name);
  return found == config.end() || found->is_null() ? kDefaults.at(name) : *found;
}

/// The values of an option that makes an axis if it is a list.
std::vector<Json> axis_values(const Json& value, const std::string& file,
                              const std::string& pointer) {
  if (value.is_array() && value.empty()) {
    throw config_error(file, pointer, "expected a value or a list of values, found an empty list");
  }
  return as_list(value);
}

/// All objects that have one of the values that `choices(key, value)` gives for each key of
/// `object`.
template <class Choices>
std::vector<Json> all_choices(const Json& object, const Choices& choices) {
  std::vector<Json> variants{Json::object()};
  for (const auto& [key, value] : object.items()) {
    const std::vector<Json> values = choices(key, value);
    std::vector<Json> longer;
    longer.reserve(variants.size() * values.size());
    for (const Json& variant : variants) {
      for (const Json& chosen : values) {
        longer.push_back(variant);
        longer.back()[key] = chosen;
      }
    }
    variants = std::move(longer);
  }
  return variants;
}

/// Spells out the lists in the options of members of one axis.
template <class SectionRegistry>
class MemberExpander {
 public:
  MemberExpander(const SectionRegistry& registry, const std::string& file)
      : registry_(registry), file_(file) {}

  /// The variants of one member as written, each with one type and scalars where lists were axes.
  std::vector<Json> expand(const Json& member, const std::string& pointer) const {
    Options reader(member, file_, pointer);  // Refuses what is no object.
    if (!reader.has("type")) {
      reader.fail("type", "the name of a member of the axis '" + registry_.axis() + "'");
    }
    std::vector<Json> variants;
    for (const Json& type : as_list(member.at("type"))) {
      Json typed = member;
      typed["type"] = type;
      Options options(typed, file_, pointer);
      const std::vector<std::string>& lists = registry_.entry_for(options).list_options;
      const auto choices = [&](const std::string& key, const Json& value) {
        const std::string place = pointer + "/" + key;
        if (!contains(lists, key)) {
          return axis_values(value, file_, place);
        }
        return is_list_of_members(value) ? lists_of_variants(value, place)
                                         : std::vector<Json>{value};
      };
      for (Json& variant : all_choices(typed, choices)) {
        variants.push_back(std::move(variant));
      }
    }
    return variants;
  }

  std::size_t count(const Json& member) const {
    if (!member.is_object() || !member.contains("type")) {
      return 1;
    }
    std::size_t total = 0;
    for (const Json& type : as_list(member.at("type"))) {
      total = saturating_sum(total, count_of_type(member, type));
    }
    return total;
  }

  /// Only the variants of `member` that have this type.
  std::size_t count_of_type(const Json& member, const Json& type) const {
    const auto entry = type.is_string() ? registry_.entries().find(type.template get<std::string>())
                                        : registry_.entries().end();
    if (entry == registry_.entries().end()) {
      return 1;
    }
    std::size_t total = 1;
    for (const auto& [key, value] : member.items()) {
      if (key == "type" || !value.is_array()) {
        continue;
      }
      if (!contains(entry->second.list_options, key)) {
        total = saturating_product(total, value.size());
      } else if (is_list_of_members(value)) {
        for (const Json& part : value) {
          total = saturating_product(total, count(part));
        }
      }
    }
    return total;
  }

 private:
  /// All ways to choose a variant of each member in a list.
  std::vector<Json> lists_of_variants(const Json& members, const std::string& pointer) const {
    std::vector<Json> lists{Json::array()};
    for (std::size_t i = 0; i < members.size(); ++i) {
      const std::vector<Json> variants = expand(members[i], pointer + "/" + std::to_string(i));
      std::vector<Json> longer;
      for (const Json& list : lists) {
        for (const Json& variant : variants) {
          longer.push_back(list);
          longer.back().push_back(variant);
        }
      }
      lists = std::move(longer);
    }
    return lists;
  }

  const SectionRegistry& registry_;
  const std::string& file_;
};

/// The alternatives of a section: it is one object, or a list of them.
std::vector<std::pair<Json, std::string>> alternatives_of(const Json& section,
                                                          const std::string& file,
                                                          const std::string& pointer) {
  if (!section.is_array()) {
    return {{section, pointer}};
  }
  if (section.empty()) {
    throw config_error(file, pointer,
                       "expected an object or a list of objects, found an empty list");
  }
  std::vector<std::pair<Json, std::string>> alternatives;
  for (std::size_t i = 0; i < section.size(); ++i) {
    alternatives.emplace_back(section[i], pointer + "/" + std::to_string(i));
  }
  return alternatives;
}

/// Removes "label" from an alternative and returns it.
std::string take_label(Json& alternative, const std::string& file, const std::string& pointer) {
  Options options(alternative, file, pointer);  // Refuses what is no object.
  if (!options.has("label")) {
    return {};
  }
  std::string label = options.text("label");
  if (label.empty()) {
    options.fail("label", "a name for tables");
  }
  alternative.erase("label");
  return label;
}

template <class SectionRegistry>
std::vector<AxisValue> resolve_section(const Json& config, const char* name,
                                       const SectionRegistry& registry, const std::string& file) {
  std::vector<AxisValue> values;
  const MemberExpander<SectionRegistry> expander(registry, file);
  for (auto& [alternative, pointer] :
       alternatives_of(section_of(config, name), file, std::string("/") + name)) {
    const std::string label = take_label(alternative, file, pointer);
    for (const Json& variant : expander.expand(alternative, pointer)) {
      values.push_back({registry.resolve(variant, file, pointer), label});
    }
  }
  return values;
}

template <class SectionRegistry>
std::size_t count_section(const Json& config, const char* name, const SectionRegistry& registry) {
  const std::string file;
  const MemberExpander<SectionRegistry> expander(registry, file);
  std::size_t total = 0;
  for (const Json& alternative : as_list(section_of(config, name))) {
    total = saturating_sum(total, expander.count(alternative));
  }
  return total;
}

std::vector<AxisValue> resolve_contexts(const Json& config, const std::string& file) {
  std::vector<AxisValue> values;
  for (auto& [alternative, pointer] :
       alternatives_of(section_of(config, "context"), file, "/context")) {
    const std::string label = take_label(alternative, file, pointer);
    const auto choices = [&, &pointer = pointer](const std::string& key, const Json& value) {
      return axis_values(value, file, pointer + "/" + key);
    };
    for (const Json& variant : all_choices(alternative, choices)) {
      Options options(variant, file, pointer);
      read_context_options(options);
      options.finish();
      values.push_back({options.resolved(), label});
    }
  }
  return values;
}

std::size_t count_contexts(const Json& config) {
  std::size_t total = 0;
  for (const Json& context : as_list(section_of(config, "context"))) {
    std::size_t variants = 1;
    for (const Json& value : context.is_object() ? context : Json::object()) {
      variants = saturating_product(variants, value.is_array() ? value.size() : 1);
    }
    total = saturating_sum(total, variants);
  }
  return total;
}

std::vector<AxisValue> prompt_sets(const Json& config, const std::string& file) {
  std::vector<AxisValue> sets;
  for (const Json& element : as_list(section_of(config, "prompts"))) {
    if (!element.is_string() || element.get<std::string>().empty()) {
      throw config_error(file, "/prompts", "expected 'default' or a folder of prompt files");
    }
    sets.push_back({element, {}});
  }
  if (sets.empty()) {
    throw config_error(file, "/prompts",
                       "expected a folder or a list of them, found an empty list");
  }
  return sets;
}

/// The axes of a configuration, each resolved.
struct Axes {
  Axes(const Json& config, const std::string& file, const Catalog& catalog)
      : chunkers(resolve_section(config, "chunker", catalog.chunkers, file)),
        embedders(resolve_section(config, "embedder", catalog.embedders, file)),
        indexes(resolve_section(config, "index", catalog.indexes, file)),
        retrievers(resolve_section(config, "retriever", catalog.retrievers, file)),
        contexts(resolve_contexts(config, file)),
        prompts(prompt_sets(config, file)),
        generators(resolve_section(config, "generator", catalog.generators, file)) {}

  std::vector<AxisValue> chunkers;
  std::vector<AxisValue> embedders;
  std::vector<AxisValue> indexes;
  std::vector<AxisValue> retrievers;
  std::vector<AxisValue> contexts;
  std::vector<AxisValue> prompts;
  std::vector<AxisValue> generators;
};

/// `axis` where the retriever reads the section, else one null.
const std::vector<AxisValue>& if_read(const std::vector<std::string>& sections,
                                      std::string_view name, const std::vector<AxisValue>& axis) {
  static const std::vector<AxisValue> kUnread{AxisValue()};
  return contains(sections, name) ? axis : kUnread;
}

std::string join_labels(const std::string& first, std::initializer_list<const AxisValue*> values) {
  std::string label = first;
  for (const AxisValue* value : values) {
    if (!value->label.empty()) {
      label += (label.empty() ? "" : " · ") + value->label;
    }
  }
  return label;
}

}  // namespace

std::size_t saturating_product(std::size_t a, std::size_t b) {
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  return b != 0 && a > kMost / b ? kMost : a * b;
}

std::size_t saturating_sum(std::size_t a, std::size_t b) {
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  return a > kMost - b ? kMost : a + b;
}

std::vector<Cell> expand_cells(const Json& config, const std::string& label,
                               const std::string& file, const Catalog& catalog) {
  const Axes axes(config, file, catalog);
  std::vector<Cell> cells;
  for (const AxisValue& generator : axes.generators) {
    for (const AxisValue& prompts : axes.prompts) {
      for (const AxisValue& context : axes.contexts) {
        for (const AxisValue& retriever : axes.retrievers) {
          const auto& sections = catalog.retrievers.entries()
                                     .at(retriever.value.at("type").get<std::string>())
                                     .sections;
          for (const AxisValue& chunker : if_read(sections, "chunker", axes.chunkers)) {
            for (const AxisValue& embedder : if_read(sections, "embedder", axes.embedders)) {
              for (const AxisValue& index : if_read(sections, "index", axes.indexes)) {
                cells.push_back({.retrieval = {.retriever = retriever.value,
                                               .chunker = chunker.value,
                                               .embedder = embedder.value,
                                               .index = index.value},
                                 .context = context.value,
                                 .prompts = prompts.value.get<std::string>(),
                                 .generator = generator.value,
                                 .label = join_labels(label, {&retriever, &chunker, &embedder,
                                                              &index, &context, &generator})});
              }
            }
          }
        }
      }
    }
  }
  return cells;
}

std::size_t count_cells(const Json& config, const Catalog& catalog) {
  const std::size_t chunkers = count_section(config, "chunker", catalog.chunkers);
  const std::size_t embedders = count_section(config, "embedder", catalog.embedders);
  const std::size_t indexes = count_section(config, "index", catalog.indexes);
  const std::string file;
  const MemberExpander expander(catalog.retrievers, file);
  std::size_t retrievals = 0;
  for (const Json& retriever : as_list(section_of(config, "retriever"))) {
    const Json types = retriever.is_object() ? retriever.value("type", Json()) : Json();
    for (const Json& type : as_list(types)) {
      const auto entry = catalog.retrievers.entries().find(
          type.is_string() ? type.get<std::string>() : std::string());
      std::size_t count = retriever.is_object() ? expander.count_of_type(retriever, type) : 1;
      if (entry != catalog.retrievers.entries().end()) {
        const std::vector<std::string>& sections = entry->second.sections;
        count = saturating_product(count, contains(sections, "chunker") ? chunkers : 1);
        count = saturating_product(count, contains(sections, "embedder") ? embedders : 1);
        count = saturating_product(count, contains(sections, "index") ? indexes : 1);
      }
      retrievals = saturating_sum(retrievals, count);
    }
  }
  std::size_t count = saturating_product(retrievals, count_contexts(config));
  count = saturating_product(count, as_list(section_of(config, "prompts")).size());
  return saturating_product(count, count_section(config, "generator", catalog.generators));
}

}  // namespace crudbench
