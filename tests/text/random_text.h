#pragma once

#include <cstdint>
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

/// `count` texts for comparisons with jieba, which cuts any character: `random_text`, and among
/// them runs of characters of every plane, assigned or not, of white space of every kind, of
/// combining marks, and long runs of ASCII.
std::vector<std::string> adversarial_texts(std::uint64_t seed, std::size_t count);

/// The command of a Python that looks for Debian's jieba, and whether it finds it.
std::string python();
bool python_has_jieba();
inline constexpr const char* kNoJieba = "/usr/bin/python3 cannot import jieba (python3-jieba)";

/// Runs `command SCRIPT INPUT OUTPUT` where INPUT holds `texts`, one JSON string a line, and
/// returns the values that the script wrote, one JSON value a line. Empty if the program failed.
std::vector<Json> ask_program(const std::string& command, std::string_view script,
                              const std::vector<std::string>& texts);

}  // namespace crudbench::testing_support
