#include "harness/runner/context_builder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "harness/text/tokenizer.h"
#include "harness/text/utf8.h"

namespace crudbench {

namespace {

/// The longest prefix of whole code points with at most `limit` tokens. Token counts of prefixes
/// are not strictly monotonic, so the result is checked, not only searched for.
std::string_view prefix_of_tokens(std::string_view text, std::size_t limit) {
  const Tokenizer& tokenizer = cl100k_tokenizer();
  const std::vector<std::uint32_t> offsets = code_point_offsets(text);
  std::size_t fits = 0;
  std::size_t too_long = offsets.size();
  while (fits + 1 < too_long) {
    const std::size_t middle = (fits + too_long) / 2;
    if (tokenizer.count(text.substr(0, offsets[middle])) <= limit) {
      fits = middle;
    } else {
      too_long = middle;
    }
  }
  return text.substr(0, offsets[fits]);
}

}  // namespace

ContextOptions read_context_options(Options& options) {
  constexpr std::array<std::string_view, 3> kOrders{"rank", "reverse", "document"};
  ContextOptions read;
  read.max_tokens = static_cast<std::size_t>(options.integer("max_tokens", 0, 0, 10'000'000));
  read.order = options.one_of("order", kOrders, read.order);
  return read;
}

Context build_context(std::span<const Hit> hits, const ChunkTable& chunks,
                      const ContextOptions& options) {
  Context context;
  std::vector<std::pair<ChunkIndex, std::string>> passages;
  std::size_t tokens_left = options.max_tokens;
  for (const Hit& hit : hits) {
    std::string text = chunks.text(hit.chunk);
    if (options.max_tokens != 0) {
      const std::size_t tokens = cl100k_tokenizer().count(text);
      if (tokens > tokens_left) {
        context.truncated = true;
        text = prefix_of_tokens(text, tokens_left);
        if (!text.empty()) {
          passages.emplace_back(hit.chunk, std::move(text));
        }
        break;
      }
      tokens_left -= tokens;
    }
    passages.emplace_back(hit.chunk, std::move(text));
  }
  if (options.order == "reverse") {
    std::reverse(passages.begin(), passages.end());
  } else if (options.order == "document") {
    std::stable_sort(passages.begin(), passages.end(),
                     [](const auto& left, const auto& right) { return left.first < right.first; });
  }
  for (auto& [chunk, text] : passages) {
    context.char_count += count_code_points(text);
    context.text.append(context.text.empty() ? "" : "\n\n").append(text);
    context.passages.push_back(std::move(text));
  }
  return context;
}

}  // namespace crudbench
