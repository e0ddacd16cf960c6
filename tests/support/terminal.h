#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace crudbench::testing_support {

/// What a program prints to a terminal that its output is connected to. `environment` holds
/// additional "NAME=VALUE" entries. Throws std::runtime_error where there is no terminal to be had.
std::string printed_on_terminal(const std::filesystem::path& program,
                                const std::vector<std::string>& arguments,
                                const std::vector<std::string>& environment = {});

}  // namespace crudbench::testing_support
