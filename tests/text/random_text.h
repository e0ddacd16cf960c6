#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/core/json.h"
#include "harness/core/random.h"

namespace crudbench::testing_support {

/// A seeded text made to find differences between segmenters or tokenizers: dictionary words, Han
/// runs, other scripts of every plane, white space of every kind, digits with points and percent
/// signs, combining marks, control characters and emoji, mixed. Well-formed UTF-8; only characters
/// that ICU's Unicode version assigns. Of `longest_run` characters at most per run.
std::string random_text(Random& random, std::size_t longest_run);

/// Runs `command SCRIPT INPUT OUTPUT` where INPUT holds `texts`, one JSON string a line, and
/// returns the values that the script wrote, one JSON value a line. Empty if the program failed.
std::vector<Json> ask_program(const std::string& command, std::string_view script,
                              const std::vector<std::string>& texts);

}  // namespace crudbench::testing_support
