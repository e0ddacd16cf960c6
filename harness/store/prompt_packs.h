#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace crudbench {

/// A prompt that is to be kept.
struct PromptText {
  std::string_view sha256;
  std::string_view text;
};

/// Prompts that are packed together. They have much in common, and a packing of one takes 50,000
/// instructions before its first byte.
struct PromptPack {
  struct Place {
    std::string_view sha256;
    std::int64_t begin = 0;  ///< Byte in the unpacked texts.
    std::int64_t size = 0;
  };

  std::string packed;  ///< The texts one after another, in gzip's form.
  std::vector<Place> places;
};

/// Packs them in their order, quickly and not as small as could be. A pack is small enough to be
/// unpacked for the sake of one prompt.
std::vector<PromptPack> pack_prompts(std::span<const PromptText> prompts);

/// The prompt that stands in the unpacked texts at `begin`; without a size, the rest of them.
/// Throws Error(kInvalidData) where they end before it does.
std::string prompt_at(std::string_view texts, std::int64_t begin, std::optional<std::int64_t> size);

}  // namespace crudbench
