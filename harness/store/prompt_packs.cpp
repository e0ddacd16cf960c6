#include "harness/store/prompt_packs.h"

#include <utility>

#include "harness/core/error.h"
#include "harness/store/compression.h"

namespace crudbench {

std::vector<PromptPack> pack_prompts(std::span<const PromptText> prompts) {
  // Of several prompts: a report unpacks one pack for almost every prompt that it shows.
  constexpr std::size_t kMostBytes = std::size_t{16} << 10U;
  constexpr int kCompression = 1;  // The fastest.
  std::vector<PromptPack> packs;
  for (std::size_t first = 0; first < prompts.size();) {
    PromptPack pack;
    std::string texts;
    for (; first < prompts.size(); ++first) {
      const auto& [sha256, text] = prompts[first];
      if (!texts.empty() && texts.size() + text.size() > kMostBytes) {
        break;
      }
      pack.places.push_back({.sha256 = sha256,
                             .begin = static_cast<std::int64_t>(texts.size()),
                             .size = static_cast<std::int64_t>(text.size())});
      texts += text;
    }
    pack.packed = gzip(texts, kCompression);
    packs.push_back(std::move(pack));
  }
  return packs;
}

std::string prompt_at(std::string_view texts, std::int64_t begin,
                      std::optional<std::int64_t> size) {
  const auto length = static_cast<std::int64_t>(texts.size());
  if (begin < 0 || begin > length || (size && (*size < 0 || *size > length - begin))) {
    throw Error(ErrorCode::kInvalidData, "a pack of prompts is too short");
  }
  return std::string(texts.substr(static_cast<std::size_t>(begin),
                                  static_cast<std::size_t>(size.value_or(length - begin))));
}

}  // namespace crudbench
