#include "retrievers/array_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "harness/core/error.h"

namespace crudbench {

namespace {

static_assert(std::endian::native == std::endian::little, "array files are little-endian");

constexpr std::size_t kNameBytes = 16;
constexpr std::size_t kAlignment = 64;
constexpr std::array<char, 8> kMagic{'C', 'R', 'U', 'D', 'A', 'R', 'R', '1'};

using Name = std::array<char, kNameBytes>;

struct Header {
  std::array<char, 8> magic{};
  Name kind{};
  std::uint64_t array_count = 0;
  std::uint64_t file_bytes = 0;
};

struct Entry {
  Name name{};
  std::uint64_t element_bytes = 0;
  std::uint64_t count = 0;
  std::uint64_t offset = 0;
};

Name padded(std::string_view text) {
  if (text.size() >= kNameBytes) {
    throw std::logic_error("a name in an array file has at most 15 bytes");
  }
  Name name{};
  std::copy(text.begin(), text.end(), name.begin());
  return name;
}

std::size_t aligned(std::size_t offset) {
  return (offset + kAlignment - 1) / kAlignment * kAlignment;
}

template <class T>
std::string_view bytes_of(const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

/// In pieces, since the writer buffers what it is handed.
void write_large(AtomicFileWriter& writer, std::string_view bytes) {
  constexpr std::size_t kPieceBytes = std::size_t{1} << 20U;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kPieceBytes))) {
    writer.write(bytes.substr(0, kPieceBytes));
  }
}

}  // namespace

void write_array_file(const std::filesystem::path& path, std::string_view kind,
                      std::span<const NamedArray> arrays) {
  std::vector<Entry> table;
  std::size_t offset = sizeof(Header) + arrays.size() * sizeof(Entry);
  for (const NamedArray& array : arrays) {
    offset = aligned(offset);
    table.push_back({padded(array.name), array.element_bytes,
                     array.bytes.size() / array.element_bytes, offset});
    offset += array.bytes.size();
  }
  const Header header{kMagic, padded(kind), arrays.size(), offset};

  AtomicFileWriter writer(path);
  writer.write(bytes_of(header));
  std::size_t written = sizeof(Header);
  for (const Entry& entry : table) {
    writer.write(bytes_of(entry));
    written += sizeof(Entry);
  }
  for (const NamedArray& array : arrays) {
    writer.write(std::string(aligned(written) - written, '\0'));
    write_large(writer, array.bytes);
    written = aligned(written) + array.bytes.size();
  }
  writer.commit();
}

ArrayFile::ArrayFile(const std::filesystem::path& path, std::string_view kind)
    : path_(path.string()), file_(std::make_unique<MappedFile>(path)) {
  const std::string_view bytes = file_->bytes();
  Header header;
  if (bytes.size() < sizeof(Header)) {
    fail("the file is too short for its header");
  }
  std::memcpy(&header, bytes.data(), sizeof(Header));
  if (header.magic != kMagic) {
    fail("the file is no array file");
  }
  if (header.kind != padded(kind)) {
    fail("the file does not hold " + std::string(kind));
  }
  if (header.file_bytes != bytes.size()) {
    fail("the file should have " + std::to_string(header.file_bytes) + " bytes and has " +
         std::to_string(bytes.size()));
  }
  if (header.array_count > (bytes.size() - sizeof(Header)) / sizeof(Entry)) {
    fail("the table of arrays is damaged");
  }
  for (std::size_t i = 0; i < header.array_count; ++i) {
    Entry entry;
    std::memcpy(&entry, bytes.data() + sizeof(Header) + i * sizeof(Entry), sizeof(Entry));
    if (entry.offset > bytes.size() || entry.offset % kAlignment != 0 || entry.element_bytes == 0 ||
        entry.count > (bytes.size() - entry.offset) / entry.element_bytes) {
      fail("the table of arrays is damaged");
    }
    arrays_.push_back({std::string(entry.name.data(), ::strnlen(entry.name.data(), kNameBytes)),
                       entry.element_bytes,
                       bytes.substr(entry.offset, entry.count * entry.element_bytes)});
  }
}

void ArrayFile::fail(std::string_view rule) const {
  throw Error(ErrorCode::kInvalidData, path_ + ": " + std::string(rule));
}

std::string_view ArrayFile::find(std::string_view name, std::size_t element_bytes) const {
  for (const Array& array : arrays_) {
    if (array.name == name && array.element_bytes == element_bytes) {
      return array.bytes;
    }
  }
  fail("there is no array '" + std::string(name) + "' of " + std::to_string(element_bytes) +
       "-byte elements");
}

}  // namespace crudbench
