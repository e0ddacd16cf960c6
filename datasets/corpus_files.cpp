#include "datasets/corpus_files.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/text/utf8.h"

namespace crudbench {

namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20U;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// Consecutive whole lines of one file.
struct Block {
  std::size_t file = 0;
  std::uint64_t begin = 0;  ///< Where it starts in its file, in bytes.
  std::string bytes;
};

/// What stands in a block. Lines are counted from 0 at its start; texts are views into it.
struct ScannedBlock {
  struct Document {
    std::uint32_t line;
    std::string_view text;
  };
  struct InvalidLine {
    std::uint32_t line;
    std::size_t column;  ///< In code points, from 1.
    std::uint64_t byte;  ///< From the start of the file.
  };
  std::vector<Document> documents;
  std::vector<InvalidLine> invalid_lines;
  std::vector<std::uint32_t> blank_lines;
  std::uint32_t line_count = 0;
  std::uint32_t crlf_count = 0;
  bool byte_order_mark = false;
};

ScannedBlock scan(const Block& block) {
  ScannedBlock result;
  std::string_view rest = block.bytes;
  if (block.begin == 0 && rest.starts_with(kByteOrderMark)) {
    result.byte_order_mark = true;
    rest.remove_prefix(kByteOrderMark.size());
  }
  for (; !rest.empty(); ++result.line_count) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (text.ends_with('\r')) {
      text.remove_suffix(1);
      ++result.crlf_count;
    }
    if (const auto invalid = find_invalid_utf8(text)) {
      const auto line_begin = static_cast<std::uint64_t>(text.data() - block.bytes.data());
      result.invalid_lines.push_back({.line = result.line_count,
                                      .column = count_code_points(text.substr(0, *invalid)) + 1,
                                      .byte = block.begin + line_begin + *invalid});
    } else if (strip(text).empty()) {
      result.blank_lines.push_back(result.line_count);
    } else {
      result.documents.push_back({result.line_count, text});
    }
  }
  return result;
}

/// What was found in one file so far.
struct FileHealth {
  std::string name;
  std::uint32_t line_count = 0;
  bool byte_order_mark = false;
  std::string text;  ///< Of its lines, where it is one document.
  std::vector<HealthIssue> invalid_lines;
  std::uint32_t first_blank_line = 0;
  std::size_t blank_count = 0;
  std::size_t crlf_count = 0;
};

std::string lines(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " line " : " lines ");
}

/// Cuts files into blocks, has a batch of them scanned at once, and appends what they hold in
/// order.
class CorpusReader {
 public:
  CorpusReader(Executor& executor, DocumentUnit unit) : executor_(executor), unit_(unit) {}

  void read(const std::filesystem::path& path);
  CorpusFiles finish();

  std::vector<HealthIssue>& issues() noexcept { return result_.issues; }
  void reserve(std::size_t text_bytes) { result_.corpus.reserve(text_bytes); }

 private:
  void push(Block block);
  void append_batch();
  void append(const Block& block, const ScannedBlock& scanned);
  void add_documents_before(std::size_t file);
  void report(FileHealth& file);

  Executor& executor_;
  DocumentUnit unit_;
  CorpusFiles result_;
  std::uint32_t unfinished_file_ = 0;  ///< The first whose document is not added yet.
  std::vector<FileHealth> files_;
  std::vector<Block> batch_;
};

void CorpusReader::read(const std::filesystem::path& path) {
  const std::size_t file = files_.size();
  files_.push_back({.name = path.filename().string()});
  result_.corpus.add_file(files_.back().name);
  std::uint64_t begin = 0;
  std::string unfinished;
  const auto push_unfinished = [&] {
    const std::size_t size_bytes = unfinished.size();
    push({.file = file, .begin = begin, .bytes = std::exchange(unfinished, {})});
    begin += size_bytes;
  };
  read_pieces(path, kPieceBytes, [&](std::string_view piece) {
    if (const std::size_t last = piece.rfind('\n'); last != std::string_view::npos) {
      unfinished.append(piece.substr(0, last + 1));
      push_unfinished();
      piece.remove_prefix(last + 1);
    }
    unfinished.append(piece);
  });
  if (!unfinished.empty()) {
    push_unfinished();
  }
}

void CorpusReader::push(Block block) {
  batch_.push_back(std::move(block));
  if (batch_.size() >= executor_.concurrency()) {
    append_batch();
  }
}

void CorpusReader::append_batch() {
  std::vector<ScannedBlock> scanned(batch_.size());
  executor_.run_all(batch_.size(), [&](std::size_t i) { scanned[i] = scan(batch_[i]); });
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    append(batch_[i], scanned[i]);
  }
  batch_.clear();
}

void CorpusReader::append(const Block& block, const ScannedBlock& scanned) {
  FileHealth& file = files_[block.file];
  const std::uint32_t first_line = file.line_count + 1;
  if (unit_ == DocumentUnit::kLine) {
    for (const auto& [line, text] : scanned.documents) {
      result_.corpus.add(static_cast<std::uint32_t>(block.file), first_line + line, text);
    }
  } else {
    add_documents_before(block.file);
    std::uint32_t ended = 0;  // Lines of the block that have their line end.
    for (const auto& [line, text] : scanned.documents) {
      file.text.append(line - ended, '\n').append(text);
      ended = line;
    }
    file.text.append(scanned.line_count - ended, '\n');
  }
  for (const auto& [line, column, byte] : scanned.invalid_lines) {
    const std::string number = std::to_string(first_line + line);
    file.invalid_lines.push_back({.problem = "invalid_utf8",
                                  .where = file.name + ":" + number,
                                  .detail = "not UTF-8 at line " + number + ", column " +
                                            std::to_string(column) + " (byte " +
                                            std::to_string(byte) + " of the file)"});
  }
  if (file.blank_count == 0 && !scanned.blank_lines.empty()) {
    file.first_blank_line = first_line + scanned.blank_lines.front();
  }
  file.blank_count += scanned.blank_lines.size();
  file.crlf_count += scanned.crlf_count;
  file.byte_order_mark |= scanned.byte_order_mark;
  file.line_count += scanned.line_count;
}

/// Where a file is one document: adds those of the files before `file`, whose lines are all there.
void CorpusReader::add_documents_before(std::size_t file) {
  for (; unfinished_file_ < file; ++unfinished_file_) {
    const std::string text = std::exchange(files_[unfinished_file_].text, {});
    if (!strip(text).empty()) {
      result_.corpus.add(unfinished_file_, 0, text);
    }
  }
}

void CorpusReader::report(FileHealth& file) {
  std::vector<HealthIssue>& issues = result_.issues;
  if (file.byte_order_mark) {
    issues.push_back({.problem = "byte_order_mark",
                      .where = file.name,
                      .detail = "starts with a byte order mark, which is left out",
                      .excluded = false});
  }
  std::move(file.invalid_lines.begin(), file.invalid_lines.end(), std::back_inserter(issues));
  if (file.blank_count > 0) {
    issues.push_back({.problem = "empty_line",
                      .where = file.name,
                      .detail = lines(file.blank_count) +
                                "with white space at most; the first is " +
                                std::to_string(file.first_blank_line),
                      .count = file.blank_count});
  }
  if (file.crlf_count > 0) {
    issues.push_back({.problem = "crlf",
                      .where = file.name,
                      .detail = lines(file.crlf_count) + "with CRLF at the end, read as LF",
                      .excluded = false,
                      .count = file.crlf_count});
  }
  result_.line_count += file.line_count;
  result_.excluded_count += file.blank_count + file.invalid_lines.size();
}

CorpusFiles CorpusReader::finish() {
  append_batch();
  if (unit_ == DocumentUnit::kFile) {
    add_documents_before(files_.size());
  }
  for (FileHealth& file : files_) {
    report(file);
  }
  return std::move(result_);
}

/// The files of a corpus folder, by name in byte order.
std::vector<std::filesystem::path> files_of(const std::filesystem::path& folder,
                                            std::vector<HealthIssue>& issues) {
  std::error_code problem;
  std::vector<std::filesystem::path> entries;
  for (std::filesystem::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    entries.push_back(entry->path());
  }
  if (problem) {
    throw io_error("read folder", folder.string(), problem.value());
  }
  std::sort(entries.begin(), entries.end(), [](const auto& left, const auto& right) {
    return left.filename().native() < right.filename().native();
  });
  std::vector<std::filesystem::path> files;
  for (const std::filesystem::path& entry : entries) {
    const std::string name = entry.filename().string();
    const auto status = std::filesystem::status(entry, problem);
    if (name.starts_with('.')) {
      issues.push_back({"hidden_file", name, "a hidden file or folder is no part of the corpus"});
    } else if (std::filesystem::is_directory(status)) {
      issues.push_back({"sub_folder", name, "a sub-folder is no part of the corpus"});
    } else if (std::filesystem::is_other(status)) {
      issues.push_back({"no_file", name, "a pipe, socket or device is no part of the corpus"});
    } else {
      files.push_back(entry);  // A link that leads nowhere is refused when it is read.
    }
  }
  return files;
}

}  // namespace

CorpusFiles read_corpus_files(const std::filesystem::path& path, Executor& executor,
                              std::size_t spare_bytes, DocumentUnit unit) {
  CorpusReader reader(executor, unit);
  std::error_code problem;
  const bool is_folder = std::filesystem::is_directory(path, problem);
  const std::vector<std::filesystem::path> files =
      is_folder ? files_of(path, reader.issues()) : std::vector{path};
  std::size_t size_bytes = spare_bytes;
  for (const std::filesystem::path& file : files) {
    const std::uintmax_t file_bytes = std::filesystem::file_size(file, problem);
    size_bytes += problem ? 0 : file_bytes;
  }
  reader.reserve(size_bytes);
  for (const std::filesystem::path& file : files) {
    reader.read(file);
  }
  CorpusFiles result = reader.finish();
  if (result.corpus.size() == 0) {
    throw Error(
        ErrorCode::kInvalidData,
        std::string(is_folder ? "corpus folder '" : "corpus file '") + path.string() +
            "' holds no document" +
            (files.empty() ? ": there is no file in it"
                           : ": none of its " + lines(result.line_count) + "is an article"));
  }
  return result;
}

}  // namespace crudbench
