#include "harness/llama/gguf_header.h"

#include <gmock/gmock.h>

#include "tests/support/testing.h"

namespace crudbench {
namespace {

/// The bytes of a GGUF file, piece by piece.
class Bytes {
 public:
  template <class T>
  Bytes& number(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Bytes& text(std::string_view value) {
    number<std::uint64_t>(value.size());
    bytes_.append(value);
    return *this;
  }
  Bytes& head(std::uint64_t tensors, std::uint64_t keys, std::uint32_t version = 3) {
    bytes_.append("GGUF");
    return number(version).number(tensors).number(keys);
  }
  /// A key with a whole number of 32 bits.
  Bytes& key(std::string_view name, std::uint32_t value) {
    return text(name).number<std::uint32_t>(4).number(value);
  }
  Bytes& tensor(std::string_view name, std::vector<std::uint64_t> shape, std::uint32_t type,
                std::uint64_t offset) {
    text(name).number(static_cast<std::uint32_t>(shape.size()));
    for (const std::uint64_t length : shape) {
      number(length);
    }
    return number(type).number(offset);
  }
  /// Zeros up to a multiple of 32, and `count` more.
  Bytes& data(std::size_t count) {
    bytes_.append((32 - bytes_.size() % 32) % 32 + count, '\0');
    return *this;
  }
  GgufHeader parse() const { return parse_gguf_header(bytes_, bytes_.size(), "x.gguf"); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

constexpr std::uint32_t kF32 = 0;
constexpr std::uint32_t kQ40 = 2;

TEST(GgufHeader, HasKeysAndTensors) {
  Bytes file;
  file.head(2, 3).key("a.block_count", 7);
  file.text("general.name").number<std::uint32_t>(8).text("模型");
  file.text("a.heads").number<std::uint32_t>(9).number<std::uint32_t>(4).number<std::uint64_t>(2);
  file.number<std::uint32_t>(8).number<std::uint32_t>(0);
  file.tensor("w", {64, 3}, kQ40, 0).tensor("b", {5}, kF32, 128).data(128 + 20);

  const GgufHeader header = file.parse();
  EXPECT_EQ(header.version, 3U);
  EXPECT_EQ(header.number("a.block_count"), 7U);
  EXPECT_EQ(header.text("general.name"), "模型");
  EXPECT_EQ(header.number_of_layer("a.heads", 0), 8U);
  EXPECT_EQ(header.number_of_layer("a.heads", 1), 0U);
  EXPECT_EQ(header.number_of_layer("a.heads", 2), std::nullopt);
  EXPECT_EQ(header.list_length("a.heads"), 2U);
  EXPECT_EQ(header.number("general.name"), std::nullopt);
  ASSERT_EQ(header.tensors.size(), 2U);
  EXPECT_EQ(header.tensors[0].element_count, 192U);
  EXPECT_EQ(header.tensors[0].size_bytes, 108U);  // 6 blocks of 18 bytes.
  EXPECT_EQ(header.tensors[1].size_bytes, 20U);
}

TEST(GgufHeader, RefusesWhatIsNoGguf) {
  EXPECT_ERROR(parse_gguf_header("PK\3\4", 4, "x.zip"), ErrorCode::kInvalidData,
               "x.zip: is no GGUF file");
  EXPECT_ERROR(parse_gguf_header("", 0, "x"), ErrorCode::kInvalidData, "is no GGUF file");
  EXPECT_ERROR(Bytes().head(0, 0, 1).parse(), ErrorCode::kInvalidData, "version 1");
}

TEST(GgufHeader, RefusesAFileThatEndsEarlyAtEveryByte) {
  Bytes file;
  file.head(1, 1).key("a", 1).tensor("w", {4}, kF32, 0).data(16);
  EXPECT_NO_THROW(file.parse());
  for (std::size_t size = 0; size < file.bytes().size(); ++size) {
    EXPECT_THROW(parse_gguf_header(std::string_view(file.bytes()).substr(0, size), size, "x.gguf"),
                 Error)
        << size;
  }
}

TEST(GgufHeader, TellsWhichTensorIsCutOff) {
  Bytes file;
  file.head(1, 0).tensor("w", {4}, kF32, 0).data(15);
  EXPECT_ERROR(file.parse(), ErrorCode::kInvalidData, "cut short: tensor 'w' ends at byte");
}

TEST(GgufHeader, RefusesAbsurdNumbersBeforeItMakesRoomForThem) {
  constexpr std::uint64_t kAbsurd = std::uint64_t{1} << 60;
  EXPECT_ERROR(Bytes().head(kAbsurd, 0).parse(), ErrorCode::kInvalidData,
               "announces 1152921504606");
  EXPECT_ERROR(Bytes().head(0, kAbsurd).parse(), ErrorCode::kInvalidData,
               "announces 1152921504606");
  EXPECT_ERROR(Bytes().head(0, 1).number(kAbsurd).text("some more bytes").parse(),
               ErrorCode::kInvalidData, "ends within a key");
  Bytes list;
  list.head(0, 1).text("a").number<std::uint32_t>(9).number<std::uint32_t>(4).number(kAbsurd);
  EXPECT_ERROR(list.data(64).parse(), ErrorCode::kInvalidData, "values of 'a'");
  EXPECT_ERROR(Bytes().head(1, 0).tensor("w", {kAbsurd, kAbsurd}, kF32, 0).data(64).parse(),
               ErrorCode::kInvalidData, "impossible size");
  EXPECT_ERROR(Bytes().head(1, 0).tensor("w", {1U << 30U}, kF32, 0).data(64).parse(),
               ErrorCode::kInvalidData, "the whole file has");
}

TEST(GgufHeader, RefusesWhatContradictsItself) {
  EXPECT_ERROR(Bytes().head(0, 2).key("a", 1).key("a", 2).parse(), ErrorCode::kInvalidData,
               "the key 'a' twice");
  EXPECT_ERROR(
      Bytes().head(2, 0).tensor("w", {4}, kF32, 0).tensor("w", {4}, kF32, 32).data(64).parse(),
      ErrorCode::kInvalidData, "two tensors 'w'");
  EXPECT_ERROR(Bytes().head(1, 0).tensor("w", {4}, kF32, 64).data(96).parse(),
               ErrorCode::kInvalidData, "does not follow");
  EXPECT_ERROR(Bytes().head(1, 0).tensor("w", {33}, kQ40, 0).data(64).parse(),
               ErrorCode::kInvalidData, "no whole blocks of q4_0");
  EXPECT_ERROR(Bytes().head(1, 0).tensor("w", {4}, 4, 0).data(64).parse(), ErrorCode::kInvalidData,
               "of the type 4, which this program does not know");
  EXPECT_ERROR(Bytes().head(0, 1).key("general.alignment", 24).parse(), ErrorCode::kInvalidData,
               "no power of two");
  EXPECT_ERROR(
      Bytes().head(0, 1).text("a").number<std::uint32_t>(77).number<std::uint32_t>(0).parse(),
      ErrorCode::kInvalidData, "unknown type 77");
}

TEST(GgufHeader, ShowsNamesFromTheFileAsPlainText) {
  EXPECT_ERROR(Bytes().head(1, 0).tensor("\x1b[2J", {0}, kF32, 0).data(64).parse(),
               ErrorCode::kInvalidData, "tensor '?[2J'");
}

TEST(GgufHeader, NamesAMissingFile) {
  EXPECT_ERROR(read_gguf_header("/nowhere/x.gguf"), ErrorCode::kIo, "/nowhere/x.gguf");
}

}  // namespace
}  // namespace crudbench
