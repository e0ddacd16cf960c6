#include "harness/core/types.h"

#include <array>
#include <utility>

namespace crudbench {

namespace {

constexpr std::array<std::pair<Stage, std::string_view>, 4> kStages{{
    {Stage::kRetrieval, "retrieval"},
    {Stage::kPrompt, "prompt"},
    {Stage::kGeneration, "generation"},
    {Stage::kScoring, "scoring"},
}};

}  // namespace

std::string_view to_string(Stage stage) noexcept {
  for (const auto& [value, name] : kStages) {
    if (value == stage) {
      return name;
    }
  }
  return "unknown";
}

std::optional<Stage> parse_stage(std::string_view text) noexcept {
  for (const auto& [value, name] : kStages) {
    if (name == text) {
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace crudbench
