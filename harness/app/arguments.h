#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace crudbench {

/// One `--option` of a command.
struct OptionSpec {
  std::string_view name;   ///< Without dashes.
  std::string_view value;  ///< What to write for its value in the help; empty: a switch.
  std::string_view help;
  bool repeatable = false;
};

/// A command of the program: its words, for parsing and for `--help`.
struct CommandSpec {
  std::string_view name;
  std::string_view arguments;  ///< "CONFIG", "RUN [SAMPLE]", …
  std::string_view summary;
  std::size_t min_positionals = 0;
  std::size_t max_positionals = 0;
  std::span<const OptionSpec> options;
  std::string_view examples;  ///< Lines to copy.
};

/// The words after the command, checked against its specification.
class Arguments {
 public:
  /// Throws Error(kInvalidConfig) for an unknown option (with the nearest one), a missing value, or
  /// too few or too many words. "--name=value" and "--name value" are the same; "--" ends options.
  Arguments(const CommandSpec& command, std::span<const std::string> words);

  bool has(std::string_view option) const { return values_.contains(option); }
  /// The last value given.
  std::optional<std::string> value(std::string_view option) const;
  std::vector<std::string> all(std::string_view option) const;
  const std::vector<std::string>& positionals() const& noexcept { return positionals_; }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> positionals_;
};

/// The options that every command takes.
std::span<const OptionSpec> common_options() noexcept;

/// Usage, options and examples of one command.
std::string help_text(const CommandSpec& command);

}  // namespace crudbench
