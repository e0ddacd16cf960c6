#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <faiss/utils/fp16.h>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/fingerprint.h"
#include "retrievers/array_file.h"
#include "retrievers/chunk_table.h"
#include "retrievers/embedders/builtin_embedders.h"
#include "retrievers/embedders/unit_rows.h"

namespace crudbench {

namespace {

constexpr std::string_view kFileKind = "imported";
constexpr std::string_view kFileName = "imported.bin";
constexpr std::size_t kHashChars = 64;

/// A matrix made elsewhere: a two-dimensional NumPy array (.npy; float16, float32 or float64, rows
/// first, little-endian) or a .fvecs file (each row its length as int32, then float32).
class VectorFile {
 public:
  explicit VectorFile(const std::filesystem::path& path)
      : path_(path.string()), file_(std::make_unique<MappedFile>(path)) {
    if (path.extension() == ".npy") {
      read_npy_header();
    } else if (path.extension() == ".fvecs") {
      read_fvecs_header();
    } else {
      fail("expected a .npy or .fvecs file");
    }
  }

  std::size_t size() const noexcept { return row_count_; }
  std::size_t dimension() const noexcept { return dimension_; }

  /// Writes a row of L2 norm 1. Throws Error(kInvalidData) for a value that is not finite.
  void read(std::size_t row, std::span<float> values) const {
    const char* const source = data_ + row * row_bytes_;
    for (std::size_t i = 0; i < dimension_; ++i) {
      values[i] = value(source + i * value_bytes_);
    }
    if (!has_length(row)) {
      fail("row " + std::to_string(row) + " has another length than row 0");
    }
    if (!scale_to_unit(values)) {
      fail("row " + std::to_string(row) + " holds a value that is not finite");
    }
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw Error(ErrorCode::kInvalidData, path_ + ": " + problem);
  }

  /// Format 1.0 to 3.0 of numpy.lib.format.
  void read_npy_header() {
    const std::string_view bytes = file_->bytes();
    constexpr std::string_view kMagic("\x93NUMPY", 6);
    constexpr std::size_t kShortPrefix = 10;
    constexpr std::size_t kLongPrefix = 12;
    if (bytes.size() < kLongPrefix || !bytes.starts_with(kMagic)) {
      fail("the file is no NumPy array");
    }
    const bool is_long = bytes[6] > 1;
    const auto byte = [&bytes](std::size_t place) {
      return std::size_t{static_cast<unsigned char>(bytes[place])};
    };
    const std::size_t length =
        byte(8) + (byte(9) << 8U) + (is_long ? (byte(10) << 16U) + (byte(11) << 24U) : 0);
    const std::size_t begin = is_long ? kLongPrefix : kShortPrefix;
    if (length > bytes.size() - begin) {
      fail("the header is cut off");
    }
    const std::string_view header = bytes.substr(begin, length);
    const auto has = [&header](std::string_view text) {
      return header.find(text) != std::string_view::npos;
    };
    value_bytes_ = has("'<f2'") ? 2 : has("'<f4'") ? 4 : has("'<f8'") ? 8 : 0;
    if (value_bytes_ == 0 || !has("'fortran_order': False") || !read_shape(header)) {
      fail("expected a two-dimensional array of float16, float32 or float64 in C order");
    }
    row_bytes_ = dimension_ * value_bytes_;
    data_ = bytes.data() + begin + length;
    const std::size_t rest = bytes.size() - begin - length;
    if (rest / row_bytes_ != row_count_ || rest % row_bytes_ != 0) {
      fail("the array should have " + std::to_string(row_count_) + " rows of " +
           std::to_string(row_bytes_) + " bytes and has " + std::to_string(rest) + " bytes");
    }
  }

  /// "'shape': (ROWS, DIMENSION)".
  bool read_shape(std::string_view header) {
    constexpr std::string_view kKey = "'shape': (";
    const std::size_t key = header.find(kKey);
    if (key == std::string_view::npos) {
      return false;
    }
    const char* const end = header.data() + header.size();
    const auto rows = std::from_chars(header.data() + key + kKey.size(), end, row_count_);
    if (rows.ec != std::errc() || !std::string_view(rows.ptr, end).starts_with(", ")) {
      return false;
    }
    const auto width = std::from_chars(rows.ptr + 2, end, dimension_);
    constexpr std::size_t kMost = 1U << 20U;
    return width.ec == std::errc() && width.ptr != end && *width.ptr == ')' && dimension_ > 0 &&
           dimension_ <= kMost;
  }

  void read_fvecs_header() {
    const std::string_view bytes = file_->bytes();
    std::int32_t dimension = 0;
    if (bytes.size() >= sizeof(dimension)) {
      std::memcpy(&dimension, bytes.data(), sizeof(dimension));
    }
    if (dimension <= 0) {
      fail("the file does not begin with the length of a row");
    }
    is_fvecs_ = true;
    dimension_ = static_cast<std::size_t>(dimension);
    value_bytes_ = sizeof(float);
    row_bytes_ = sizeof(dimension) + dimension_ * sizeof(float);
    if (bytes.size() % row_bytes_ != 0) {
      fail("the file is no whole number of rows of " + std::to_string(row_bytes_) + " bytes");
    }
    row_count_ = bytes.size() / row_bytes_;
    data_ = bytes.data() + sizeof(dimension);
  }

  bool has_length(std::size_t row) const {
    std::int32_t length = static_cast<std::int32_t>(dimension_);
    if (is_fvecs_) {
      std::memcpy(&length, data_ + row * row_bytes_ - sizeof(length), sizeof(length));
    }
    return static_cast<std::size_t>(length) == dimension_;
  }

  float value(const char* source) const {
    if (value_bytes_ == sizeof(float)) {
      float single = 0.0F;
      std::memcpy(&single, source, sizeof(single));
      return single;
    }
    if (value_bytes_ == sizeof(double)) {
      double wide = 0.0;
      std::memcpy(&wide, source, sizeof(wide));
      return static_cast<float>(wide);
    }
    std::uint16_t half = 0;
    std::memcpy(&half, source, sizeof(half));
    return faiss::decode_fp16(half);
  }

  std::string path_;
  std::unique_ptr<const MappedFile> file_;
  std::size_t row_count_ = 0;
  std::size_t dimension_ = 0;
  std::size_t value_bytes_ = 0;
  std::size_t row_bytes_ = 0;
  bool is_fvecs_ = false;
  const char* data_ = nullptr;  ///< First value of row 0.
};

std::vector<std::string> read_id_lines(const std::string& path) {
  const std::string content = read_file(path);
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < content.size();) {
    const std::size_t end = std::min(content.find('\n', begin), content.size());
    std::string_view line = std::string_view(content).substr(begin, end - begin);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    lines.emplace_back(line);
    begin = end + 1;
  }
  return lines;
}

std::string hash_of_file(const std::string& path) {
  constexpr std::size_t kPieceBytes = std::size_t{1} << 20U;
  Sha256 sha;
  read_pieces(path, kPieceBytes, [&sha](std::string_view piece) { sha.update(piece); });
  return sha.hex_digest();
}

/// A file and the hash of its content, which is what vectors depend on, in place of the path.
struct NamedContent {
  std::string file;  ///< Empty: none.
  std::string sha256;

  void check() const {
    if (const std::string found = file.empty() ? sha256 : hash_of_file(file); found != sha256) {
      throw Error(ErrorCode::kInvalidData, file + ": the file should have SHA-256 " + sha256 +
                                               " and has " + found +
                                               "; has it changed since it was named?");
    }
  }
};

struct ImportEmbedderOptions {
  NamedContent vectors;
  NamedContent ids;
  NamedContent queries;
  NamedContent query_ids;
};

/// Without "NAME_sha256" the file is read and its hash recorded, so that resolved options name a
/// content and not only a place.
NamedContent read_named_content(Options& options, const std::string& name, bool required) {
  const std::string file_key = name + "_file";
  const std::string hash_key = name + "_sha256";
  NamedContent content;
  content.file = required ? options.text(file_key) : options.text(file_key, "");
  if (required && content.file.empty()) {
    options.fail(file_key, "the name of a file");
  }
  if (const auto hash = options.optional_text(hash_key)) {
    content.sha256 = *hash;
  } else if (!content.file.empty()) {
    try {
      content.sha256 = hash_of_file(content.file);
    } catch (const Error& error) {
      throw Error(error.code(),
                  options.file() + ": " + options.pointer_to(file_key) + ": " + error.what());
    }
    options.record(hash_key, content.sha256);
  }
  return content;
}

ImportEmbedderOptions read_import_options(Options& options) {
  ImportEmbedderOptions import{.vectors = read_named_content(options, "vectors", true),
                               .ids = read_named_content(options, "ids", true),
                               .queries = read_named_content(options, "queries", false),
                               .query_ids = read_named_content(options, "query_ids", false)};
  if (import.queries.file.empty() != import.query_ids.file.empty()) {
    options.fail(import.queries.file.empty() ? "queries_file" : "query_ids_file",
                 "the name of a file: \"queries_file\" and \"query_ids_file\" belong together");
  }
  return import;
}

void check_sizes(const VectorFile& vectors, const std::string& vectors_file,
                 const std::vector<std::string>& ids, const std::string& ids_file) {
  if (vectors.size() != ids.size()) {
    throw Error(ErrorCode::kInvalidData, vectors_file + " has " + std::to_string(vectors.size()) +
                                             " rows and " + ids_file + " has " +
                                             std::to_string(ids.size()) + " lines");
  }
}

/// The row of the vectors file that each chunk has.
std::vector<std::uint64_t> match_chunks(const ChunkTable& table,
                                        const std::vector<std::string>& ids,
                                        const std::string& ids_file) {
  std::unordered_map<std::string_view, std::size_t> row_of;
  for (std::size_t row = 0; row < ids.size(); ++row) {
    if (!row_of.emplace(ids[row], row).second) {
      throw Error(ErrorCode::kInvalidData,
                  ids_file + ":" + std::to_string(row + 1) + ": '" + ids[row] + "' is there twice");
    }
  }
  std::vector<std::uint64_t> rows;
  std::optional<std::size_t> first_missing;
  std::size_t missing_count = 0;
  for (std::size_t chunk = 0; chunk < table.size(); ++chunk) {
    const auto index = static_cast<ChunkIndex>(chunk);
    const DocumentIndex document = table.document(index);
    auto found = row_of.find(table.chunk_id(index));
    if (found == row_of.end() &&
        table.first_chunk(document + 1) - table.first_chunk(document) == 1) {
      found = row_of.find(table.corpus().doc_id(document));
    }
    if (found == row_of.end()) {
      first_missing = first_missing.value_or(chunk);
      ++missing_count;
      continue;
    }
    rows.push_back(found->second);
  }
  if (first_missing) {
    throw Error(ErrorCode::kInvalidData,
                ids_file + ": " + std::to_string(missing_count) + " of " +
                    std::to_string(table.size()) + " chunks have no vector; the first is '" +
                    table.chunk_id(static_cast<ChunkIndex>(*first_missing)) +
                    "' (the id of a document counts where it is one chunk)");
  }
  return rows;
}

/// A line names a query by its text or by the SHA-256 of it, as 64 hexadecimal digits.
std::string query_hash(const std::string& line) {
  const bool is_hash =
      line.size() == kHashChars && line.find_first_not_of("0123456789abcdef") == std::string::npos;
  return is_hash ? line : sha256_hex(line);
}

/// Matches ids and chunks and writes what later calls need besides the vectors file.
void learn(const ChunkTable& table, const ImportEmbedderOptions& options,
           const std::filesystem::path& path) {
  for (const NamedContent* content :
       {&options.vectors, &options.ids, &options.queries, &options.query_ids}) {
    content->check();
  }
  const VectorFile vectors(options.vectors.file);
  const std::vector<std::string> ids = read_id_lines(options.ids.file);
  check_sizes(vectors, options.vectors.file, ids, options.ids.file);
  const std::vector<std::uint64_t> rows = match_chunks(table, ids, options.ids.file);

  std::string hashes;
  std::vector<float> query_rows;
  if (!options.queries.file.empty()) {
    const VectorFile queries(options.queries.file);
    const std::vector<std::string> query_ids = read_id_lines(options.query_ids.file);
    check_sizes(queries, options.queries.file, query_ids, options.query_ids.file);
    if (queries.dimension() != vectors.dimension()) {
      throw Error(ErrorCode::kInvalidData, options.queries.file + ": its vectors have " +
                                               std::to_string(queries.dimension()) +
                                               " dimensions and those of " + options.vectors.file +
                                               " have " + std::to_string(vectors.dimension()));
    }
    query_rows.resize(queries.size() * queries.dimension());
    for (std::size_t query = 0; query < queries.size(); ++query) {
      hashes += query_hash(query_ids[query]);
      queries.read(query,
                   std::span(query_rows).subspan(query * queries.dimension(), queries.dimension()));
    }
  }
  const std::array<std::uint64_t, 1> dimension{vectors.dimension()};
  const std::array<NamedArray, 4> arrays{{{"dimension", dimension},
                                          {"row_of_chunk", rows},
                                          {"query_hashes", hashes},
                                          {"query_rows", query_rows}}};
  write_array_file(path, kFileKind, arrays);
}

/// Vectors made elsewhere, for the chunks of one table and for queries that are known beforehand.
class ImportEmbedder final : public Embedder {
 public:
  ImportEmbedder(const std::filesystem::path& path, ImportEmbedderOptions options)
      : file_(path, kFileKind), options_(std::move(options)) {
    const auto dimension = file_.array<std::uint64_t>("dimension");
    row_of_chunk_ = file_.array<std::uint64_t>("row_of_chunk");
    const auto hashes = file_.array<char>("query_hashes");
    query_rows_ = file_.array<float>("query_rows");
    if (dimension.size() != 1 || dimension[0] == 0 || hashes.size() % kHashChars != 0 ||
        query_rows_.size() % dimension[0] != 0 ||
        query_rows_.size() / dimension[0] != hashes.size() / kHashChars) {
      file_.fail("the shapes of the vectors do not fit each other");
    }
    dimension_ = dimension[0];
    for (std::size_t query = 0; query * kHashChars < hashes.size(); ++query) {
      queries_.emplace(std::string_view(hashes.data() + query * kHashChars, kHashChars), query);
    }
  }

  std::size_t dimension() const noexcept override { return dimension_; }

  void embed(std::span<const std::string_view> texts, TextRole, std::span<float> rows,
             Executor&) const override {
    for (std::size_t text = 0; text < texts.size(); ++text) {
      const auto found = queries_.find(sha256_hex(texts[text]));
      if (found == queries_.end()) {
        throw Error(ErrorCode::kInvalidData,
                    "embedder import: \"query_ids_file\" does not name the text '" +
                        std::string(texts[text]) + "' (SHA-256 " + sha256_hex(texts[text]) + ")");
      }
      std::copy_n(query_rows_.begin() + static_cast<std::ptrdiff_t>(found->second * dimension_),
                  dimension_, rows.begin() + static_cast<std::ptrdiff_t>(text * dimension_));
    }
  }

  bool read_chunk_rows(std::size_t begin, std::size_t end, std::span<float> rows,
                       Executor& executor) const override {
    const VectorFile vectors(options_.vectors.file);
    if (vectors.dimension() != dimension_ || end > row_of_chunk_.size()) {
      file_.fail("the vectors are of other chunks");
    }
    constexpr std::size_t kChunksPerRange = 1024;
    run_ranges(executor, end - begin, kChunksPerRange, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) {
        const std::size_t row = row_of_chunk_[begin + i];
        if (row >= vectors.size()) {
          file_.fail("the vectors are of other chunks");
        }
        vectors.read(row, rows.subspan(i * dimension_, dimension_));
      }
    });
    return true;
  }

 private:
  ArrayFile file_;
  ImportEmbedderOptions options_;
  std::size_t dimension_ = 0;
  std::span<const std::uint64_t> row_of_chunk_;                // [chunk]
  std::span<const float> query_rows_;                          // [query, dimension]
  std::unordered_map<std::string_view, std::size_t> queries_;  // by SHA-256 of the text
};

}  // namespace

Registry<Embedder, const EmbedderParts&>::Entry import_embedder() {
  return {.summary = "Vectors made elsewhere, from .npy or .fvecs files",
          .example = {{"type", "import"},
                      {"vectors_file", "chunks.npy"},
                      {"ids_file", "chunk_ids.txt"},
                      {"queries_file", "queries.npy"},
                      {"query_ids_file", "queries.txt"}},
          .check = [](Options& options) { read_import_options(options); },
          .make = [](Options& options, const EmbedderParts& parts) -> std::unique_ptr<Embedder> {
            ImportEmbedderOptions import = read_import_options(options);
            const std::filesystem::path path = parts.folder / kFileName;
            if (parts.learn) {
              learn(parts.chunks, import, path);
            }
            return std::make_unique<ImportEmbedder>(path, std::move(import));
          },
          .neutral_options = {"vectors_file", "ids_file", "queries_file", "query_ids_file"}};
}

}  // namespace crudbench
