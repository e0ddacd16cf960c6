#pragma once

#include <string_view>

namespace crudbench {

/// What the runner has to know of a kind of generator before it asks one.
struct GeneratorTraits {
  /// It asks a server or a program of somebody else's: its first answer is waited for before the
  /// others are asked.
  bool is_remote = false;
  /// It is a whole system with a retriever of its own.
  bool retrieves_itself = false;
};

/// Those of the member with this name; the defaults for every other.
constexpr GeneratorTraits traits_of(std::string_view type) noexcept {
  return {.is_remote = type == "openai" || type == "rag_endpoint" || type == "exec",
          .retrieves_itself = type == "rag_endpoint"};
}

}  // namespace crudbench
