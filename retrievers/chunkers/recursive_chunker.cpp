#include <algorithm>
#include <string>
#include <utility>

#include "harness/text/utf8.h"
#include "retrievers/chunkers/builtin_chunkers.h"
#include "retrievers/chunkers/chunk_size.h"
#include "retrievers/chunkers/text_span.h"

namespace crudbench {

namespace {

std::vector<std::string> default_separators() {
  return {"\n\n", "\n", "。", "！", "？", "；", "，", " ", ""};
}

/// Cuts after every occurrence of `separator`, between all code points where it is empty.
std::vector<ByteSpan> split_after(std::string_view text, ByteSpan span,
                                  std::string_view separator) {
  std::vector<ByteSpan> parts;
  std::uint32_t begin = span.begin;
  while (begin < span.end) {
    std::uint32_t end = span.end;
    if (separator.empty()) {
      end = begin + decode_at(text, begin).size_bytes;
    } else if (const std::size_t found = text.find(separator, begin);
               found != std::string_view::npos && found + separator.size() <= span.end) {
      end = static_cast<std::uint32_t>(found + separator.size());
    }
    parts.push_back({begin, end});
    begin = end;
  }
  return parts;
}

/// LangChain's `RecursiveCharacterTextSplitter` with `keep_separator="end"`: a text is cut after
/// every occurrence of the first separator that it holds. Parts below `size` are merged, from left
/// to right, as long as they fit; a part that is not below it is cut with the separators that
/// follow in the list, and never merged with its neighbours. A chunk begins with as many whole
/// parts of the one before as fit into `overlap` and leave room for the next part. White space at
/// the ends of a chunk is left out.
///
/// Sizes of parts are added up, so a chunk may have a few tokens more or fewer than the sum says. A
/// part for which there is no separator left is a chunk whatever its size; with "" in the list,
/// which cuts between code points, that is one code point at most.
class RecursiveChunker final : public Chunker {
 public:
  RecursiveChunker(ChunkSize size, SizeUnit unit, std::vector<std::string> separators)
      : size_(size), unit_(unit), separators_(std::move(separators)) {}

  std::vector<ChunkPieces> chunk(const Document& document) const override {
    std::vector<ChunkPieces> chunks;
    split(document.text, {0, static_cast<std::uint32_t>(document.text.size())}, 0, chunks);
    return chunks;
  }

 private:
  struct Part {
    ByteSpan span;
    std::size_t size = 0;
  };

  /// `first`: position of the first separator that may be used.
  void split(std::string_view text, ByteSpan span, std::size_t first,
             std::vector<ChunkPieces>& chunks) const {
    const std::string_view inside = text_of(text, span);
    const auto separator = std::find_if(
        separators_.begin() + static_cast<std::ptrdiff_t>(first), separators_.end(),
        [inside](const std::string& each) { return inside.find(each) != std::string_view::npos; });
    const bool is_found = separator != separators_.end();
    const bool is_last = !is_found || separator->empty() || separator + 1 == separators_.end();
    const std::vector<ByteSpan> parts =
        is_found ? split_after(text, span, *separator) : std::vector<ByteSpan>{span};
    std::vector<Part> small;
    for (const ByteSpan part : parts) {
      const std::size_t size = count_units(text_of(text, part), unit_);
      if (size < size_.size) {
        small.push_back({part, size});
        continue;
      }
      merge(text, small, chunks);
      small.clear();
      if (is_last) {
        add_chunk(text, part, chunks);
      } else {
        split(text, part, static_cast<std::size_t>(separator - separators_.begin()) + 1, chunks);
      }
    }
    merge(text, small, chunks);
  }

  void merge(std::string_view text, const std::vector<Part>& parts,
             std::vector<ChunkPieces>& chunks) const {
    std::size_t first = 0;  // The open chunk is parts[first, i).
    std::size_t open_size = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i > first && open_size + parts[i].size > size_.size) {
        add_chunk(text, {parts[first].span.begin, parts[i - 1].span.end}, chunks);
        while (open_size > size_.overlap ||
               (open_size > 0 && open_size + parts[i].size > size_.size)) {
          open_size -= parts[first].size;
          ++first;
        }
      }
      open_size += parts[i].size;
    }
    if (first < parts.size()) {
      add_chunk(text, {parts[first].span.begin, parts.back().span.end}, chunks);
    }
  }

  static void add_chunk(std::string_view text, ByteSpan span, std::vector<ChunkPieces>& chunks) {
    const ByteSpan kept = stripped(text, span);
    if (kept.begin < kept.end) {
      chunks.push_back({kept});
    }
  }

  ChunkSize size_;
  SizeUnit unit_;
  std::vector<std::string> separators_;
};

std::unique_ptr<RecursiveChunker> read_recursive_chunker(Options& options) {
  const ChunkSize size = read_chunk_size(options);
  const SizeUnit unit = read_size_unit(options, SizeUnit::kCharacters);
  std::vector<std::string> separators = options.texts("separators", default_separators());
  const auto empty = std::find(separators.begin(), separators.end(), "");
  if (separators.empty() || (empty != separators.end() && empty + 1 != separators.end())) {
    options.fail("separators", "a list of texts in which \"\" may only be the last");
  }
  return std::make_unique<RecursiveChunker>(size, unit, std::move(separators));
}

}  // namespace

Registry<Chunker>::Entry recursive_chunker() {
  return {.summary = "Parts between separators, tried in order, merged up to a size",
          .example = {{"type", "recursive"},
                      {"size", 128},
                      {"overlap", 0},
                      {"unit", "characters"},
                      {"separators", default_separators()}},
          .check = [](Options& options) { read_recursive_chunker(options); },
          .make = [](Options& options) { return read_recursive_chunker(options); },
          .list_options = {"separators"}};
}

}  // namespace crudbench
