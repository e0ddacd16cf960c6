#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "datasets/corpus.h"
#include "harness/core/files.h"
#include "harness/core/fingerprint.h"
#include "harness/text/utf8.h"
#include "retrievers/chunkers/builtin_chunkers.h"
#include "retrievers/chunkers/text_span.h"

namespace crudbench {

namespace {

constexpr std::string_view kFile = "chunks_file";
constexpr std::string_view kHash = "chunks_sha256";

/// One chunk of the file: the bytes of `span` or, without one, where `text` stands.
struct ImportedChunk {
  std::size_t position = 0;  ///< Line of a JSON Lines file, element of a list; both from 1.
  std::optional<ByteSpan> span;
  std::string text;
};

/// A text without its white space, and where each byte of it stands in the whole text.
class Squeezed {
 public:
  explicit Squeezed(std::string_view text) {
    for (std::size_t offset = 0; offset < text.size();) {
      const CodePoint character = decode_at(text, offset);
      if (!is_python_space(character.value)) {
        for (std::size_t byte = offset; byte < offset + character.size_bytes; ++byte) {
          bytes_.push_back(text[byte]);
          offsets_.push_back(static_cast<std::uint32_t>(byte));
        }
      }
      offset += character.size_bytes;
    }
  }

  bool empty() const noexcept { return bytes_.empty(); }

  /// The first place of `part` in the whole text that begins at byte `from` or later.
  std::optional<ByteSpan> find(const Squeezed& part, std::uint32_t from) const {
    const auto first = std::lower_bound(offsets_.begin(), offsets_.end(), from);
    const std::size_t begin =
        bytes_.find(part.bytes_, static_cast<std::size_t>(first - offsets_.begin()));
    return begin == std::string::npos
               ? std::nullopt
               : std::optional<ByteSpan>(
                     {offsets_[begin], offsets_[begin + part.bytes_.size() - 1] + 1});
  }

 private:
  std::string bytes_;
  std::vector<std::uint32_t> offsets_;  // [byte]
};

/// Chunks made elsewhere: a JSON list, or JSON Lines, of {"doc_id", "text"} or {"doc_id", "begin",
/// "end"} (bytes of the document); other keys are not read. The chunks of a document stand in the
/// order of their begin, each later than the one before. Texts are located one after the other, at
/// the first place after the begin of the one before that holds them, white space aside. A document
/// that the file does not name has no chunk.
class ImportChunker final : public Chunker {
 public:
  /// Throws Error(kInvalidData) that names file and line.
  ImportChunker(std::string file, std::string_view content) : file_(std::move(file)) {
    const std::size_t first = content.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && content[first] == '[') {
      is_list_ = true;
      std::size_t position = 0;
      for (const Json& entry : parse_json(content, file_, ErrorCode::kInvalidData)) {
        add(entry, ++position);
      }
      return;
    }
    for (std::size_t begin = 0, line = 1; begin < content.size(); ++line) {
      const std::size_t end = std::min(content.find('\n', begin), content.size());
      const std::string_view text = strip(content.substr(begin, end - begin));
      if (!text.empty()) {
        const Json entry = Json::parse(text, nullptr, false);
        if (entry.is_discarded()) {
          fail(line, "the line is not JSON");
        }
        add(entry, line);
      }
      begin = end + 1;
    }
  }

  void check_corpus(const Corpus& corpus) const override {
    std::unordered_set<std::string> known;
    for (std::size_t document = 0; document < corpus.size(); ++document) {
      known.insert(corpus.doc_id(static_cast<DocumentIndex>(document)));
    }
    std::size_t first_position = std::numeric_limits<std::size_t>::max();
    const std::string* first_unknown = nullptr;
    for (const auto& [doc_id, chunks] : chunks_) {
      if (chunks.front().position < first_position && known.count(doc_id) == 0) {
        first_position = chunks.front().position;
        first_unknown = &doc_id;
      }
    }
    if (first_unknown != nullptr) {
      fail(first_position, "the corpus has no document '" + *first_unknown + "'");
    }
  }

  std::vector<ChunkPieces> chunk(const Document& document) const override {
    const auto found = chunks_.find(std::string(document.doc_id));
    if (found == chunks_.end()) {
      return {};
    }
    const Squeezed squeezed(document.text);
    std::vector<ChunkPieces> chunks;
    std::uint32_t from = 0;
    for (const ImportedChunk& imported : found->second) {
      const std::optional<ByteSpan> span =
          imported.span ? imported.span : squeezed.find(Squeezed(imported.text), from);
      if (!span) {
        fail(imported.position, "the text does not stand in document '" +
                                    std::string(document.doc_id) + "'" +
                                    (from == 0 ? "" : " after the begin of the chunk before it"));
      }
      check(*span, from, imported.position, document);
      from = span->begin + 1;
      chunks.push_back({*span});
    }
    return chunks;
  }

 private:
  [[noreturn]] void fail(std::size_t position, const std::string& problem) const {
    throw Error(ErrorCode::kInvalidData, file_ + (is_list_ ? ": element " : ":") +
                                             std::to_string(position) + ": " + problem);
  }

  void add(const Json& entry, std::size_t position) {
    const auto is = [&entry](const char* key, bool (Json::*type)() const noexcept) {
      return entry.is_object() && entry.contains(key) && (entry.at(key).*type)();
    };
    ImportedChunk chunk{.position = position};
    if (is("doc_id", &Json::is_string) && is("text", &Json::is_string) &&
        !entry.contains("begin") && !entry.contains("end")) {
      chunk.text = entry.at("text").get<std::string>();
      if (Squeezed(chunk.text).empty()) {
        fail(position, "the text of the chunk is blank");
      }
    } else if (is("doc_id", &Json::is_string) && is("begin", &Json::is_number_unsigned) &&
               is("end", &Json::is_number_unsigned) && !entry.contains("text")) {
      constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
      chunk.span = {
          static_cast<std::uint32_t>(std::min(entry.at("begin").get<std::uint64_t>(), kMost)),
          static_cast<std::uint32_t>(std::min(entry.at("end").get<std::uint64_t>(), kMost))};
    } else {
      fail(position, R"(expected {"doc_id", "text"} or {"doc_id", "begin", "end"}, found )" +
                         to_text(entry).substr(0, 80));
    }
    chunks_[entry.at("doc_id").get<std::string>()].push_back(std::move(chunk));
  }

  void check(ByteSpan span, std::uint32_t from, std::size_t position,
             const Document& document) const {
    const auto is_boundary = [&document](std::uint32_t offset) {
      return offset == document.text.size() ||
             (static_cast<unsigned char>(document.text[offset]) & 0xC0U) != 0x80U;
    };
    const std::string shown = std::to_string(span.begin) + "-" + std::to_string(span.end);
    if (span.begin >= span.end || span.end > document.text.size()) {
      fail(position, "bytes " + shown + " do not lie in document '" + std::string(document.doc_id) +
                         "', which has " + std::to_string(document.text.size()));
    }
    if (!is_boundary(span.begin) || !is_boundary(span.end)) {
      fail(position, "bytes " + shown + " of document '" + std::string(document.doc_id) +
                         "' cut a character");
    }
    if (span.begin < from) {
      fail(position, "bytes " + shown + " do not begin after the chunk before, which begins at " +
                         std::to_string(from - 1));
    }
  }

  std::string file_;
  bool is_list_ = false;
  std::unordered_map<std::string, std::vector<ImportedChunk>> chunks_;  ///< By doc_id.
};

struct ImportOptions {
  std::string file;
  std::string sha256;  ///< Of the content: what the chunks depend on, in place of the path.
};

/// Without "chunks_sha256" the file is read and its hash recorded, so that resolved options name a
/// content and not only a place.
ImportOptions read_import_options(Options& options) {
  ImportOptions import{.file = options.text(kFile)};
  if (import.file.empty()) {
    options.fail(kFile, "the name of a file");
  }
  if (const auto hash = options.optional_text(kHash)) {
    import.sha256 = *hash;
    return import;
  }
  try {
    import.sha256 = sha256_hex(read_file(import.file));
  } catch (const Error& error) {
    throw Error(error.code(),
                options.file() + ": " + options.pointer_to(kFile) + ": " + error.what());
  }
  options.record(kHash, import.sha256);
  return import;
}

std::unique_ptr<Chunker> make_import_chunker(Options& options) {
  const ImportOptions import = read_import_options(options);
  const std::string content = read_file(import.file);
  if (const std::string sha256 = sha256_hex(content); sha256 != import.sha256) {
    throw Error(ErrorCode::kInvalidData, import.file + ": the file should have SHA-256 " +
                                             import.sha256 + " and has " + sha256 +
                                             "; has it changed since it was named?");
  }
  return std::make_unique<ImportChunker>(import.file, content);
}

}  // namespace

Registry<Chunker>::Entry import_chunker() {
  return {.summary = "Chunks made elsewhere, from a JSON or JSON Lines file",
          .example = {{"type", "import"}, {"chunks_file", "chunks.jsonl"}},
          .check = [](Options& options) { read_import_options(options); },
          .make = make_import_chunker,
          .neutral_options = {"chunks_file"}};
}

}  // namespace crudbench
