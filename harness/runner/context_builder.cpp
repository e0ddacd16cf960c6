#include "harness/runner/context_builder.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <iterator>
#include <string_view>
#include <utility>

#include "harness/llama/model_files.h"
#include "harness/text/tokenizer.h"
#include "harness/text/utf8.h"

namespace crudbench {

namespace {

/// The longest prefix of whole code points with at most `limit` tokens. Token counts of prefixes
/// are not strictly monotonic, so the result is checked, not only searched for.
std::string_view prefix_of_tokens(std::string_view text, std::size_t limit,
                                  const CountTokens& count) {
  const std::vector<std::uint32_t> offsets = code_point_offsets(text);
  std::size_t fits = 0;
  std::size_t too_long = offsets.size();
  while (fits + 1 < too_long) {
    const std::size_t middle = (fits + too_long) / 2;
    if (count(text.substr(0, offsets[middle])) <= limit) {
      fits = middle;
    } else {
      too_long = middle;
    }
  }
  return text.substr(0, offsets[fits]);
}

/// One or more hits on their way into the context.
struct Passage {
  std::size_t rank = 0;  ///< Of the best hit, from 1.
  Hit hit;               ///< The best.
  ByteSpan span;
  std::string text;
  std::string header;
};

std::vector<Passage> chunk_passages(std::span<const Hit> hits, const ChunkTable& chunks) {
  std::vector<Passage> passages;
  for (const Hit& hit : hits) {
    passages.push_back({.rank = passages.size() + 1,
                        .hit = hit,
                        .span = chunks.span(hit.chunk),
                        .text = chunks.text(hit.chunk)});
  }
  return passages;
}

/// Windows of one document that share bytes become one passage, which keeps the better rank.
std::vector<Passage> window_passages(std::span<const Hit> hits, const ChunkTable& chunks) {
  std::vector<Passage> passages;
  for (std::size_t i = 0; i < hits.size(); ++i) {
    const DocumentIndex document = chunks.document(hits[i].chunk);
    Passage added{.rank = i + 1, .hit = hits[i], .span = chunks.window(hits[i].chunk)};
    std::size_t place = passages.size();
    // From the end, so that of several passages that the window joins the best one stays.
    for (std::size_t known = passages.size(); known-- > 0;) {
      const Passage& other = passages[known];
      if (chunks.document(other.hit.chunk) != document || other.span.end <= added.span.begin ||
          added.span.end <= other.span.begin) {
        continue;
      }
      added.rank = other.rank;
      added.hit = other.hit;
      added.span = {std::min(added.span.begin, other.span.begin),
                    std::max(added.span.end, other.span.end)};
      passages.erase(passages.begin() + static_cast<std::ptrdiff_t>(known));
      place = known;
    }
    passages.insert(passages.begin() + static_cast<std::ptrdiff_t>(place), std::move(added));
  }
  for (Passage& passage : passages) {
    const std::string_view text = chunks.corpus().text(chunks.document(passage.hit.chunk));
    passage.text = text.substr(passage.span.begin, passage.span.end - passage.span.begin);
  }
  return passages;
}

/// Hashes of all stretches of 5 characters that are not white space, ascending, each once.
std::vector<std::uint64_t> shingles_of(std::string_view text) {
  constexpr std::size_t kCharacters = 5;
  std::string squeezed;
  for (std::size_t offset = 0; offset < text.size();) {
    const CodePoint character = decode_at(text, offset);
    if (!is_python_space(character.value)) {
      squeezed.append(text.substr(offset, character.size_bytes));
    }
    offset += character.size_bytes;
  }
  const std::vector<std::uint32_t> offsets = code_point_offsets(squeezed);
  const std::size_t length = offsets.size() - 1;
  const std::size_t width = std::min(kCharacters, length);
  const std::string_view characters = squeezed;
  std::vector<std::uint64_t> shingles;
  for (std::size_t begin = 0; begin + width <= length; ++begin) {
    const std::uint32_t first = offsets[begin];
    shingles.push_back(
        std::hash<std::string_view>{}(characters.substr(first, offsets[begin + width] - first)));
  }
  std::sort(shingles.begin(), shingles.end());
  shingles.erase(std::unique(shingles.begin(), shingles.end()), shingles.end());
  return shingles;
}

/// Of two sorted sets, neither of them empty.
double jaccard(const std::vector<std::uint64_t>& left, const std::vector<std::uint64_t>& right) {
  std::size_t common = 0;
  for (auto one = left.begin(), other = right.begin(); one != left.end() && other != right.end();) {
    common += *one == *other ? 1 : 0;
    const bool one_is_behind = *one <= *other;
    const bool other_is_behind = *other <= *one;
    one += one_is_behind ? 1 : 0;
    other += other_is_behind ? 1 : 0;
  }
  return static_cast<double>(common) / static_cast<double>(left.size() + right.size() - common);
}

void leave_out_repetitions(std::vector<Passage>& passages, double threshold) {
  std::vector<std::vector<std::uint64_t>> kept;
  std::erase_if(passages, [&](const Passage& passage) {
    std::vector<std::uint64_t> shingles = shingles_of(passage.text);
    const bool repeats = std::any_of(kept.begin(), kept.end(), [&](const auto& other) {
      return jaccard(shingles, other) >= threshold;
    });
    if (!repeats) {
      kept.push_back(std::move(shingles));
    }
    return repeats;
  });
}

void write_headers(std::vector<Passage>& passages, const ChunkTable& chunks,
                   const PromptTemplate& header) {
  for (Passage& passage : passages) {
    std::array<char, 64> score{};
    std::snprintf(score.data(), score.size(), "%.4f", passage.hit.score);
    passage.header =
        header.fill({{"rank", std::to_string(passage.rank)},
                     {"doc_id", chunks.corpus().doc_id(chunks.document(passage.hit.chunk))},
                     {"score", score.data()}});
  }
}

/// Cuts the first passage that does not fit, and leaves out those after it.
void keep_to_limit(std::vector<Passage>& passages, std::size_t max_tokens, const CountTokens& count,
                   Context& context) {
  for (std::size_t i = 0; i < passages.size(); ++i) {
    Passage& passage = passages[i];
    const std::size_t header_tokens = passage.header.empty() ? 0 : count(passage.header);
    const std::size_t tokens = header_tokens + count(passage.text);
    if (max_tokens == 0 || context.token_count + tokens <= max_tokens) {
      context.token_count += tokens;
      continue;
    }
    context.truncated = true;
    std::size_t kept = i;
    if (const std::size_t left = max_tokens - context.token_count; header_tokens < left) {
      passage.text = prefix_of_tokens(passage.text, left - header_tokens, count);
      if (!passage.text.empty()) {
        context.token_count += header_tokens + count(passage.text);
        ++kept;
      }
    }
    passages.resize(kept);
  }
}

void put_in_order(std::vector<Passage>& passages, std::string_view order) {
  if (order == "reverse") {
    std::reverse(passages.begin(), passages.end());
  } else if (order == "document") {
    std::stable_sort(
        passages.begin(), passages.end(),
        [](const Passage& left, const Passage& right) { return left.hit.chunk < right.hit.chunk; });
  } else if (order == "sides") {
    std::vector<Passage> front;
    std::vector<Passage> back;
    for (std::size_t i = 0; i < passages.size(); ++i) {
      (i % 2 == 0 ? front : back).push_back(std::move(passages[i]));
    }
    std::move(back.rbegin(), back.rend(), std::back_inserter(front));
    passages = std::move(front);
  }
}

/// Reads "unit" and, where that is "model", its vocabulary.
void read_unit(Options& options, ContextOptions& read) {
  constexpr std::array<std::string_view, 3> kUnits{"auto", "cl100k", "model"};
  read.unit = options.one_of("unit", kUnits, read.unit);
  if (read.unit != "model") {
    return;
  }
  read.vocabulary_file = options.text("vocabulary_file");
  if (!options.optional_text("vocabulary_sha256")) {
    options.record("vocabulary_sha256", model_sha256(read.vocabulary_file));
  }
}

}  // namespace

ContextOptions read_context_options(Options& options) {
  constexpr std::array<std::string_view, 4> kOrders{"rank", "reverse", "sides", "document"};
  ContextOptions read;
  read.max_tokens = static_cast<std::size_t>(options.integer("max_tokens", 0, 0, 10'000'000));
  read_unit(options, read);
  read.order = options.one_of("order", kOrders, read.order);
  read.dedupe = options.number("dedupe", read.dedupe, 0.0, 1.0);
  if (const std::string header = options.text("header", ""); !header.empty()) {
    read.header.emplace(header, options.file() + ": " + options.pointer_to("header"),
                        PlaceholderRules{.known = {"rank", "doc_id", "score"}, .required = {}});
  }
  return read;
}

Context build_context(std::span<const Hit> hits, const ChunkTable& chunks,
                      const ContextOptions& options) {
  std::vector<Passage> passages =
      chunks.has_windows() ? window_passages(hits, chunks) : chunk_passages(hits, chunks);
  if (options.dedupe > 0.0) {
    leave_out_repetitions(passages, options.dedupe);
  }
  if (options.header) {
    write_headers(passages, chunks, *options.header);
  }
  static const CountTokens kCl100k = [](std::string_view text) {
    return cl100k_tokenizer().count(text);
  };
  Context context;
  keep_to_limit(passages, options.max_tokens, options.count_tokens ? options.count_tokens : kCl100k,
                context);
  put_in_order(passages, options.order);
  for (Passage& passage : passages) {
    context.char_count += count_code_points(passage.text);
    context.text.append(context.text.empty() ? "" : "\n\n");
    context.text.append(passage.header).append(passage.text);
    context.passages.push_back(std::move(passage.text));
  }
  return context;
}

}  // namespace crudbench
