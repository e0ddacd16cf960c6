#include "datasets/corpus.h"

#include <functional>
#include <limits>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/fingerprint.h"

namespace crudbench {

namespace {

/// Part of every corpus fingerprint; raise it when ids or texts come to be made differently.
constexpr int kFormatVersion = 1;
constexpr std::size_t kSmallestHashTable = 1024;

/// Only ever compared within one process, and never decides alone.
std::uint64_t hash_of(std::string_view text) {
  return std::hash<std::string_view>{}(text);
}

std::string id_of(const std::string& file, std::uint32_t line) {
  return line == 0 ? file : file + ':' + std::to_string(line);
}

}  // namespace

std::string_view Corpus::text(DocumentIndex document) const {
  const std::uint64_t begin = document == 0 ? 0 : ends_[document - 1];
  return std::string_view(arena_).substr(begin, ends_[document] - begin);
}

std::string Corpus::doc_id(DocumentIndex document) const {
  return id_of(file_names_[files_[document]], lines_[document]);
}

void Corpus::reserve(std::size_t text_bytes) {
  arena_.reserve(arena_.size() + text_bytes);
}

std::uint32_t Corpus::add_file(std::string name) {
  file_names_.push_back(std::move(name));
  return static_cast<std::uint32_t>(file_names_.size() - 1);
}

DocumentIndex Corpus::add_named(std::string doc_id, std::string_view text) {
  return add(add_file(std::move(doc_id)), 0, text);
}

DocumentIndex Corpus::add(std::uint32_t file, std::uint32_t line, std::string_view text) {
  // The hash table stores document + 1, and chunks have 32-bit offsets into a text.
  constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
  if (size() >= kMost) {
    throw Error(ErrorCode::kInvalidData, id_of(file_names_[file], line) +
                                             ": a corpus holds at most " + std::to_string(kMost) +
                                             " documents, and this is one more");
  }
  if (text.size() > kMost) {
    throw Error(ErrorCode::kInvalidData, id_of(file_names_[file], line) +
                                             ": a document holds less than 4 GiB of text, found " +
                                             std::to_string(text.size()) + " bytes");
  }
  if ((size() + 1) * 2 > hash_table_.size()) {
    grow_hash_table();
  }
  const auto document = static_cast<DocumentIndex>(size());
  const std::uint64_t hash = hash_of(text);
  std::uint32_t& slot = hash_table_[slot_of(text, hash)];
  if (slot == 0) {
    slot = document + 1;
  } else {
    ++duplicate_count_;
  }
  canonical_.push_back(slot - 1);
  arena_.append(text);
  ends_.push_back(arena_.size());
  hashes_.push_back(hash);
  files_.push_back(file);
  lines_.push_back(line);
  return document;
}

std::optional<DocumentIndex> Corpus::find(std::string_view text) const {
  if (hash_table_.empty()) {
    return std::nullopt;
  }
  const std::uint32_t entry = hash_table_[slot_of(text, hash_of(text))];
  return entry == 0 ? std::nullopt : std::optional<DocumentIndex>(entry - 1);
}

std::size_t Corpus::slot_of(std::string_view text, std::uint64_t hash) const {
  const std::size_t mask = hash_table_.size() - 1;
  std::size_t slot = hash & mask;
  while (hash_table_[slot] != 0) {
    const DocumentIndex document = hash_table_[slot] - 1;
    if (hashes_[document] == hash && this->text(document) == text) {
      break;
    }
    slot = (slot + 1) & mask;
  }
  return slot;
}

void Corpus::grow_hash_table() {
  const std::size_t new_size = hash_table_.empty() ? kSmallestHashTable : hash_table_.size() * 2;
  const std::size_t mask = new_size - 1;
  std::vector<std::uint32_t> grown(new_size, 0);
  for (const std::uint32_t entry : hash_table_) {
    if (entry != 0) {
      std::size_t slot = hashes_[entry - 1] & mask;
      while (grown[slot] != 0) {
        slot = (slot + 1) & mask;
      }
      grown[slot] = entry;
    }
  }
  hash_table_ = std::move(grown);
}

std::string fingerprint_of(const Corpus& corpus, Executor& executor) {
  constexpr std::size_t kDocumentsPerPart = 1024;
  std::vector<std::string> digests((corpus.size() + kDocumentsPerPart - 1) / kDocumentsPerPart);
  run_ranges(executor, corpus.size(), kDocumentsPerPart, [&](std::size_t begin, std::size_t end) {
    FingerprintBuilder part("corpus part", kFormatVersion);
    for (std::size_t i = begin; i < end; ++i) {
      const auto document = static_cast<DocumentIndex>(i);
      part.add(corpus.doc_id(document)).add(corpus.text(document));
    }
    digests[begin / kDocumentsPerPart] = part.hex_digest();
  });
  FingerprintBuilder whole("corpus", kFormatVersion);
  for (const std::string& digest : digests) {
    whole.add(digest);
  }
  return whole.hex_digest();
}

}  // namespace crudbench
