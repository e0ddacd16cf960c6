#include "harness/app/arguments.h"

#include <algorithm>
#include <array>

#include "harness/core/error.h"
#include "harness/core/suggest.h"

namespace crudbench {

namespace {

constexpr std::array<OptionSpec, 5> kCommonOptions{{
    {"workspace", "DIR", "folder with everything crudbench makes (default: workspace)"},
    {"json", "", "print the result as JSON"},
    {"verbose", "", "log details to stderr"},
    {"quiet", "", "log warnings and errors only, no progress"},
    {"help", "", "show this help"},
}};

Error usage_error(const CommandSpec& command, const std::string& problem) {
  return {ErrorCode::kInvalidConfig, std::string(command.name) + ": " + problem + " ('crudbench " +
                                         std::string(command.name) + " --help' shows the usage)"};
}

const OptionSpec& find_option(const CommandSpec& command, const std::string& name) {
  std::vector<std::string> known;
  for (const auto options : {command.options, common_options()}) {
    for (const OptionSpec& option : options) {
      if (option.name == name) {
        return option;
      }
      known.emplace_back("--" + std::string(option.name));
    }
  }
  throw usage_error(command, "unknown option '--" + name + "'" + suggestion("--" + name, known));
}

/// "--workspace" → "workspace"; "-o" and "-h" are the customary short forms of two options.
std::string option_name(const std::string& word) {
  if (word == "-o") {
    return "output";
  }
  if (word == "-h") {
    return "help";
  }
  return word.substr(word.starts_with("--") ? 2 : 1);
}

void append_options(std::string& text, std::span<const OptionSpec> options) {
  constexpr std::size_t kHelpColumn = 28;
  for (const OptionSpec& option : options) {
    std::string line = "  --" + std::string(option.name);
    if (!option.value.empty()) {
      line.append(" ").append(option.value);
    }
    line.resize(std::max(line.size() + 2, kHelpColumn), ' ');
    text.append(line).append(option.help).append("\n");
  }
}

}  // namespace

std::span<const OptionSpec> common_options() noexcept {
  return kCommonOptions;
}

Arguments::Arguments(const CommandSpec& command, std::span<const std::string> words) {
  bool options_ended = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (options_ended || !word.starts_with('-') || word == "-") {
      positionals_.push_back(word);
      continue;
    }
    if (word == "--") {
      options_ended = true;
      continue;
    }
    const auto equals = word.find('=');
    const std::string name = option_name(word.substr(0, equals));
    const OptionSpec& option = find_option(command, name);
    std::vector<std::string>& values = values_[name];
    if (option.value.empty()) {
      if (equals != std::string::npos) {
        throw usage_error(command, "option '--" + name + "' takes no value");
      }
      values.emplace_back();
    } else if (equals != std::string::npos) {
      values.push_back(word.substr(equals + 1));
    } else if (i + 1 < words.size()) {
      values.push_back(words[++i]);
    } else {
      throw usage_error(command, "option '--" + name + "' needs a value: --" + name + " " +
                                     std::string(option.value));
    }
    if (values.size() > 1 && !option.repeatable && !option.value.empty()) {
      throw usage_error(command, "option '--" + name + "' is given twice");
    }
  }
  if (has("help")) {
    return;
  }
  if (positionals_.size() < command.min_positionals) {
    throw usage_error(command, "expected " + std::string(command.arguments));
  }
  if (positionals_.size() > command.max_positionals) {
    throw usage_error(command,
                      "unexpected argument '" + positionals_[command.max_positionals] + "'");
  }
}

std::optional<std::string> Arguments::value(std::string_view option) const {
  const auto found = values_.find(option);
  return found == values_.end() ? std::nullopt : std::optional(found->second.back());
}

std::vector<std::string> Arguments::all(std::string_view option) const {
  const auto found = values_.find(option);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

std::string help_text(const CommandSpec& command) {
  std::string text = "usage: crudbench ";
  text.append(command.name);
  if (!command.arguments.empty()) {
    text.append(" ").append(command.arguments);
  }
  text.append(" [options]\n\n").append(command.summary).append("\n\noptions:\n");
  append_options(text, command.options);
  append_options(text, common_options());
  text.append("\nexamples:\n").append(command.examples);
  return text;
}

}  // namespace crudbench
