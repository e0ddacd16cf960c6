#include "retrievers/chunkers/sentence_chunker.h"

#include <optional>
#include <string>
#include <utility>

#include "harness/core/error.h"
#include "harness/llama/model.h"
#include "harness/llama/model_files.h"
#include "harness/tasks/prompt_template.h"
#include "harness/text/utf8.h"
#include "retrievers/chunkers/builtin_chunkers.h"
#include "retrievers/chunkers/text_span.h"

namespace crudbench {

namespace {

/// Cuts before every occurrence of `separator` but one at the very beginning: llama_index's
/// `split_text_keep_separator`.
std::vector<ByteSpan> split_before(std::string_view text, ByteSpan span,
                                   std::string_view separator) {
  const std::string_view cut = text.substr(0, span.end);
  std::vector<ByteSpan> parts;
  std::uint32_t begin = span.begin;
  for (std::size_t found = cut.find(separator, begin); found != std::string_view::npos;
       found = cut.find(separator, found + separator.size())) {
    const auto position = static_cast<std::uint32_t>(found);
    if (position > begin) {
      parts.push_back({begin, position});
    }
    begin = position;
  }
  parts.push_back({begin, span.end});
  return parts;
}

bool is_delimiter(char32_t code_point) {
  switch (code_point) {
    case U',':
    case U'.':
    case U';':
    case U'。':
    case U'？':
    case U'！':
      return true;
    default:
      return false;
  }
}

/// `re.findall("[^,.;。？！]+[,.;。？！]?", text)`: a delimiter that follows a delimiter is in no
/// part.
std::vector<ByteSpan> split_clauses(std::string_view text, ByteSpan span) {
  std::vector<ByteSpan> parts;
  bool inside = false;
  std::uint32_t begin = span.begin;
  for (std::uint32_t offset = span.begin; offset < span.end;) {
    const CodePoint character = decode_at(text, offset);
    const bool delimiter = is_delimiter(character.value);
    if (!inside && !delimiter) {
      begin = offset;
      inside = true;
    }
    offset += character.size_bytes;
    if (inside && delimiter) {
      parts.push_back({begin, offset});
      inside = false;
    }
  }
  if (inside) {
    parts.push_back({begin, span.end});
  }
  return parts;
}

std::vector<ByteSpan> split_characters(std::string_view text, ByteSpan span) {
  std::vector<ByteSpan> parts;
  for (std::uint32_t offset = span.begin; offset < span.end;) {
    const std::uint32_t end = offset + decode_at(text, offset).size_bytes;
    parts.push_back({offset, end});
    offset = end;
  }
  return parts;
}

/// The parts of the first way to cut that gives more than one.
std::vector<ByteSpan> split_once(std::string_view text, ByteSpan span) {
  std::vector<ByteSpan> parts = split_before(text, span, "\n\n\n");
  if (parts.size() <= 1) {
    parts = split_clauses(text, span);
  }
  if (parts.size() <= 1) {
    parts = split_before(text, span, " ");
  }
  if (parts.size() <= 1) {
    parts = split_characters(text, span);
  }
  return parts;
}

/// Python's `str.strip` over the text that the pieces make up; empty if nothing is left.
void strip_pieces(std::string_view text, ChunkPieces& pieces) {
  const auto is_blank = [text](ByteSpan piece) { return strip(text_of(text, piece)).empty(); };
  while (!pieces.empty() && is_blank(pieces.front())) {
    pieces.erase(pieces.begin());
  }
  while (!pieces.empty() && is_blank(pieces.back())) {
    pieces.pop_back();
  }
  if (!pieces.empty()) {
    pieces.front().begin = stripped(text, pieces.front()).begin;
    pieces.back().end = stripped(text, pieces.back()).end;
  }
}

/// What sizes are counted in: code points, tokens of cl100k, or those of a model's vocabulary.
struct Units {
  SizeUnit unit = SizeUnit::kCl100k;
  std::unique_ptr<const LlamaModel> vocabulary;  ///< Counts, where it is there.

  std::size_t count(std::string_view text) const {
    return vocabulary ? vocabulary->tokenize(text, false).size() : count_units(text, unit);
  }
};

/// llama_index 0.9's `SentenceSplitter`, which CRUD-RAG's pipeline uses: a text longer than `size`
/// is cut into paragraphs, those into clauses, those at spaces and those into characters, each only
/// where it is still too long; the parts are then merged greedily. Sizes of parts are added up, so
/// a chunk may have a few tokens more or fewer than the sum says. The next chunk begins with as
/// many whole parts from the end of the one before as fit into `overlap`, and may then exceed
/// `size`. With metadata, a text that readers and embedders get before every chunk, chunks are
/// smaller by its size and 2 (`split_text_metadata_aware`).
///
/// Two deviations: NLTK's Punkt, which llama_index tries after the paragraphs and which finds no
/// Chinese sentence end, is left out; a character larger than `size` is a part of its own, where
/// llama_index does not end.
class SentenceChunker final : public Chunker {
 public:
  SentenceChunker(ChunkSize size, Units units, std::optional<PromptTemplate> metadata)
      : size_(size), units_(std::move(units)), metadata_(std::move(metadata)) {}

  std::vector<ChunkPieces> chunk(const Document& document) const override {
    const std::string_view text = document.text;
    if (text.empty()) {
      return {};
    }
    const std::size_t limit = size_.size - metadata_size(document);
    std::vector<Part> parts;
    split(text, {0, static_cast<std::uint32_t>(text.size())}, limit, parts);
    return merge(text, parts, limit);
  }

 private:
  struct Part {
    ByteSpan span;
    std::size_t size = 0;
  };

  /// What the metadata of a document takes of the size of its chunks.
  std::size_t metadata_size(const Document& document) const {
    if (!metadata_) {
      return 0;
    }
    constexpr std::size_t kFormat = 2;  // llama_index's DEFAULT_METADATA_FORMAT_LEN.
    const std::size_t size =
        units_.count(metadata_->fill({{"doc_id", std::string(document.doc_id)}})) + kFormat;
    if (size >= size_.size) {
      throw Error(ErrorCode::kInvalidData, "chunker sentence: the metadata of document '" +
                                               std::string(document.doc_id) + "' takes " +
                                               std::to_string(size) +
                                               " units, which leaves none of \"size\" (" +
                                               std::to_string(size_.size) + ") for its text");
    }
    return size;
  }

  void split(std::string_view text, ByteSpan span, std::size_t limit,
             std::vector<Part>& parts) const {
    const std::size_t size = units_.count(text_of(text, span));
    if (size <= limit) {
      parts.push_back({span, size});
      return;
    }
    const std::vector<ByteSpan> smaller = split_once(text, span);
    if (smaller.size() == 1) {
      parts.push_back({span, size});
      return;
    }
    for (const ByteSpan part : smaller) {
      split(text, part, limit, parts);
    }
  }

  std::vector<ChunkPieces> merge(std::string_view text, const std::vector<Part>& parts,
                                 std::size_t limit) const {
    std::vector<ChunkPieces> chunks;
    const auto close = [&](std::size_t first, std::size_t last) {
      ChunkPieces pieces;
      for (std::size_t i = first; i < last; ++i) {
        if (!pieces.empty() && pieces.back().end == parts[i].span.begin) {
          pieces.back().end = parts[i].span.end;
        } else {
          pieces.push_back(parts[i].span);
        }
      }
      strip_pieces(text, pieces);
      if (!pieces.empty()) {
        chunks.push_back(std::move(pieces));
      }
    };
    std::size_t first = 0;  // The open chunk is parts[first, i).
    std::size_t open_size = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i > 0 && open_size + parts[i].size > limit) {
        close(first, i);
        open_size = 0;
        const std::size_t closed_first = first;
        for (first = i; first > closed_first && open_size + parts[first - 1].size <= size_.overlap;
             --first) {
          open_size += parts[first - 1].size;
        }
      }
      open_size += parts[i].size;
    }
    close(first, parts.size());
    return chunks;
  }

  ChunkSize size_;
  Units units_;
  std::optional<PromptTemplate> metadata_;
};

/// Reads "unit" and, with "model", the file of the vocabulary. `check_only`: it is not loaded.
Units read_units(Options& options, bool check_only) {
  constexpr std::string_view kModel = "model";
  if (options.raw("unit") != kModel) {
    return {.unit = read_size_unit(options, SizeUnit::kCl100k), .vocabulary = nullptr};
  }
  options.record("unit", kModel);
  const std::string file = options.text("vocabulary_file");
  if (!options.optional_text("vocabulary_sha256")) {
    options.record("vocabulary_sha256", model_sha256(file));
  }
  Units units;
  if (!check_only) {
    units.vocabulary =
        std::make_unique<LlamaModel>(ModelOptions{.file = file, .vocabulary_only = true});
  }
  return units;
}

std::unique_ptr<Chunker> read_with_metadata(Options& options, bool check_only) {
  const ChunkSize size = read_chunk_size(options);
  Units units = read_units(options, check_only);
  std::optional<PromptTemplate> metadata;
  if (const std::optional<std::string> text = options.optional_text("metadata")) {
    metadata.emplace(*text, options.file() + ": " + options.pointer_to("metadata"),
                     PlaceholderRules{.known = {"doc_id"}, .required = {}});
  }
  return std::make_unique<SentenceChunker>(size, std::move(units), std::move(metadata));
}

}  // namespace

std::unique_ptr<Chunker> make_sentence_chunker(ChunkSize size, SizeUnit unit) {
  return std::make_unique<SentenceChunker>(size, Units{.unit = unit, .vocabulary = nullptr},
                                           std::nullopt);
}

std::unique_ptr<Chunker> read_sentence_chunker(Options& options) {
  const ChunkSize size = read_chunk_size(options);
  return make_sentence_chunker(size, read_size_unit(options, SizeUnit::kCl100k));
}

Registry<Chunker>::Entry sentence_chunker() {
  return {.summary = "Clauses merged up to a size, as upstream's SentenceSplitter cuts",
          .example = {{"type", "sentence"}, {"size", 128}, {"overlap", 0}, {"unit", "cl100k"}},
          .check = [](Options& options) { read_with_metadata(options, true); },
          .make = [](Options& options) { return read_with_metadata(options, false); },
          .neutral_options = {"vocabulary_file"}};
}

}  // namespace crudbench
