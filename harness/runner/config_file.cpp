#include "harness/runner/config_file.h"

#include <algorithm>
#include <array>
#include <vector>

namespace crudbench {

namespace {

/// Where a configuration may hold paths.
constexpr std::array<const char*, 3> kPathPointers{"/dataset/samples", "/dataset/corpus",
                                                   "/prompts"};
/// The options that hold one wherever a member has them, the parts of a retriever included.
constexpr std::array<const char*, 10> kPathOptions{
    "user_dictionary", "chunks_file",        "vectors_file", "ids_file",    "queries_file",
    "query_ids_file",  "chat_template_file", "ca_file",      "unix_socket", "vocabulary_file"};

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

/// Those of a configuration, of its variants and of its rules of exclusion.
void make_paths_absolute(Json& config, const std::filesystem::path& folder) {
  for (const char* pointer : kPathPointers) {
    const Json::json_pointer place(pointer);
    if (config.contains(place)) {
      make_path_absolute(config[place], folder);
    }
  }
  make_options_absolute(config, folder);
  const auto each_object = [&config](const char* key, auto&& visit) {
    const auto list = config.find(key);
    if (list != config.end() && list->is_array()) {
      for (Json& element : *list) {
        if (element.is_object()) {
          visit(element);
        }
      }
    }
  };
  each_object("metrics", [&](Json& metric) {
    for (const char* key : {"bank", "prompts"}) {
      if (metric.contains(key)) {
        make_path_absolute(metric[key], folder);
      }
    }
  });
  each_object("variants", [&](Json& variant) {
    if (variant.contains("prompts")) {
      make_path_absolute(variant["prompts"], folder);
    }
  });
  each_object("exclude", [&](Json& rule) {
    if (rule.contains("/prompts")) {
      make_path_absolute(rule["/prompts"], folder);
    }
  });
}

void require_object(const Json& config, const std::string& file) {
  if (!config.is_object()) {
    throw config_error(file, "/", "expected an object, found " + std::string(type_name(config)));
  }
}

std::vector<std::string> base_files(const Json& base, const std::string& file) {
  std::vector<std::string> files;
  for (const Json& element : base.is_array() ? base : Json::array({base})) {
    if (!element.is_string() || element.get<std::string>().empty()) {
      throw config_error(file, "/base",
                         "expected the path of a configuration, or a list of such paths");
    }
    files.push_back(element.get<std::string>());
  }
  return files;
}

/// `chain`: the files on the way here, to find a circle.
Json with_bases(Json config, const std::string& file, const std::filesystem::path& folder,
                std::vector<std::filesystem::path>& chain) {
  require_object(config, file);
  make_paths_absolute(config, folder);
  const auto base = config.find("base");
  if (base == config.end()) {
    return config;
  }
  Json merged = Json::object();
  for (const std::string& name : base_files(*base, file)) {
    const std::filesystem::path path = std::filesystem::weakly_canonical(
        std::filesystem::path(name).is_absolute() ? std::filesystem::path(name) : folder / name);
    if (std::find(chain.begin(), chain.end(), path) != chain.end()) {
      throw config_error(file, "/base", "'" + path.string() + "' extends itself");
    }
    chain.push_back(path);
    merged.merge_patch(with_bases(read_json_file(path, ErrorCode::kInvalidConfig), path.string(),
                                  path.parent_path(), chain));
    chain.pop_back();
  }
  config.erase("base");
  merged.merge_patch(config);
  return merged;
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

}  // namespace

Error config_error(const std::string& file, const std::string& pointer,
                   const std::string& problem) {
  return {ErrorCode::kInvalidConfig, file + ": " + pointer + ": " + problem};
}

Json complete_config(Json config, const std::string& file, const std::filesystem::path& folder,
                     std::span<const std::string> overrides) {
  std::vector<std::filesystem::path> chain{
      std::filesystem::weakly_canonical(folder / std::filesystem::path(file).filename())};
  Json complete = with_bases(std::move(config), file, folder, chain);
  for (const std::string& text : overrides) {
    apply_override(complete, text);
  }
  return complete;
}

}  // namespace crudbench
