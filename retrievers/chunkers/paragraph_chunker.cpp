#include <array>
#include <string>
#include <utility>

#include "retrievers/chunkers/builtin_chunkers.h"
#include "retrievers/chunkers/size_limit.h"
#include "retrievers/chunkers/text_span.h"

namespace crudbench {

namespace {

struct ParagraphOptions {
  bool at_every_line = false;  ///< A line is a paragraph; else blank lines part paragraphs.
  SizeUnit unit = SizeUnit::kCharacters;
  std::size_t min_size = 0;
  std::size_t max_size = 0;  ///< 0: no limit.
};

/// The paragraphs of a text, without the white space around them.
std::vector<ByteSpan> paragraphs_of(std::string_view text, bool at_every_line) {
  std::vector<ByteSpan> paragraphs;
  bool is_open = false;
  const auto size = static_cast<std::uint32_t>(text.size());
  for (std::uint32_t begin = 0; begin < size;) {
    const std::size_t newline = text.find('\n', begin);
    const std::uint32_t end =
        newline == std::string_view::npos ? size : static_cast<std::uint32_t>(newline);
    const ByteSpan line = stripped(text, {begin, end});
    const bool is_blank = line.begin == line.end;
    if (!is_blank && is_open && !at_every_line) {
      paragraphs.back().end = line.end;
    } else if (!is_blank) {
      paragraphs.push_back(line);
    }
    is_open = !is_blank;
    begin = end + 1;
  }
  return paragraphs;
}

/// One paragraph a chunk. Paragraphs below `min_size` are merged with the ones that follow, the
/// last one with the one before, with what stands between them, unless `max_size` would be
/// exceeded. A paragraph above `max_size` is cut by the sentence splitter, which loses a delimiter
/// that follows a delimiter.
class ParagraphChunker final : public Chunker {
 public:
  explicit ParagraphChunker(const ParagraphOptions& options)
      : options_(options), limit_(options.max_size, options.unit) {}

  std::vector<ChunkPieces> chunk(const Document& document) const override {
    const std::string_view text = document.text;
    std::vector<ChunkPieces> chunks;
    for (const ByteSpan span : merged(text, paragraphs_of(text, options_.at_every_line))) {
      limit_.append(document, span, chunks);
    }
    return chunks;
  }

 private:
  std::size_t size_of(std::string_view text, ByteSpan span) const {
    return count_units(text_of(text, span), options_.unit);
  }

  std::vector<ByteSpan> merged(std::string_view text,
                               const std::vector<ByteSpan>& paragraphs) const {
    std::vector<ByteSpan> spans;
    const auto fit_together = [&](ByteSpan first, ByteSpan second) {
      return limit_.allows(text_of(text, {first.begin, second.end}));
    };
    const auto is_small = [&](ByteSpan span) { return size_of(text, span) < options_.min_size; };
    for (const ByteSpan paragraph : paragraphs) {
      if (!spans.empty() && is_small(spans.back()) && fit_together(spans.back(), paragraph)) {
        spans.back().end = paragraph.end;
      } else {
        spans.push_back(paragraph);
      }
    }
    if (spans.size() > 1 && is_small(spans.back()) &&
        fit_together(spans[spans.size() - 2], spans.back())) {
      spans[spans.size() - 2].end = spans.back().end;
      spans.pop_back();
    }
    return spans;
  }

  ParagraphOptions options_;
  SizeLimit limit_;
};

std::unique_ptr<ParagraphChunker> read_paragraph_chunker(Options& options) {
  constexpr std::array<std::string_view, 2> kBreaks{"blank_line", "line"};
  constexpr std::int64_t kLargest = 1'000'000'000;
  ParagraphOptions read;
  read.at_every_line = options.one_of("break", kBreaks, kBreaks[0]) == kBreaks[1];
  read.unit = read_size_unit(options, SizeUnit::kCharacters);
  read.min_size = static_cast<std::size_t>(options.integer("min_size", 0, 0, kLargest));
  read.max_size = static_cast<std::size_t>(options.integer("max_size", 0, 0, kLargest));
  if (read.max_size != 0 && read.min_size > read.max_size) {
    options.fail("min_size",
                 "an integer of at most \"max_size\" (" + std::to_string(read.max_size) + ")");
  }
  return std::make_unique<ParagraphChunker>(read);
}

}  // namespace

Registry<Chunker>::Entry paragraph_chunker() {
  return {.summary = "Paragraphs, small ones merged and large ones cut if asked",
          .example = {{"type", "paragraph"},
                      {"break", "blank_line"},
                      {"min_size", 0},
                      {"max_size", 512},
                      {"unit", "characters"}},
          .check = [](Options& options) { read_paragraph_chunker(options); },
          .make = [](Options& options) { return read_paragraph_chunker(options); }};
}

}  // namespace crudbench
