#include "harness/llama/gguf_header.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <unordered_set>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/files.h"

namespace crudbench {

namespace {

/// ggml_type, its name, ggml_blck_size and ggml_type_size; a test compares them with ggml's own.
constexpr std::array<TensorType, 35> kTensorTypes{{
    {0, "f32", 1, 4},         {1, "f16", 1, 2},         {2, "q4_0", 32, 18},
    {3, "q4_1", 32, 20},      {6, "q5_0", 32, 22},      {7, "q5_1", 32, 24},
    {8, "q8_0", 32, 34},      {9, "q8_1", 32, 36},      {10, "q2_K", 256, 84},
    {11, "q3_K", 256, 110},   {12, "q4_K", 256, 144},   {13, "q5_K", 256, 176},
    {14, "q6_K", 256, 210},   {15, "q8_K", 256, 292},   {16, "iq2_xxs", 256, 66},
    {17, "iq2_xs", 256, 74},  {18, "iq3_xxs", 256, 98}, {19, "iq1_s", 256, 50},
    {20, "iq4_nl", 32, 18},   {21, "iq3_s", 256, 110},  {22, "iq2_s", 256, 82},
    {23, "iq4_xs", 256, 136}, {24, "i8", 1, 1},         {25, "i16", 1, 2},
    {26, "i32", 1, 4},        {27, "i64", 1, 8},        {28, "f64", 1, 8},
    {29, "iq1_m", 256, 56},   {30, "bf16", 1, 2},       {34, "tq1_0", 256, 54},
    {35, "tq2_0", 256, 66},   {39, "mxfp4", 32, 17},    {40, "nvfp4", 64, 36},
    {41, "q1_0", 128, 18},    {42, "q2_0", 64, 18},
}};

constexpr std::string_view kMagic = "GGUF";
constexpr std::uint32_t kNewestVersion = 3;
constexpr std::size_t kLongestTensorName = 63;  ///< GGML_MAX_NAME - 1.
constexpr std::uint64_t kMostElements = std::uint64_t{1} << 58;
/// What a key with the shortest value and a tensor with the shortest name take at least, in bytes.
constexpr std::uint64_t kSmallestValue = 8 + 1 + 4 + 1;
constexpr std::uint64_t kSmallestTensor = 8 + 1 + 4 + 4 + 8;

/// The types of values, as the file numbers them.
enum class ValueType : std::uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64,
};

class HeaderReader {
 public:
  HeaderReader(std::string_view bytes, std::uint64_t file_bytes, const std::string& name)
      : bytes_(bytes), file_bytes_(file_bytes), name_(name) {}

  GgufHeader read() {
    GgufHeader header;
    if (bytes_.substr(0, kMagic.size()) != kMagic) {
      fail("is no GGUF file: it does not begin with \"GGUF\"");
    }
    at_ = kMagic.size();
    header.version = number<std::uint32_t>("the version");
    if (header.version < 2 || header.version > kNewestVersion) {
      fail("is a GGUF file of version " + std::to_string(header.version) +
           "; versions 2 and 3 of the machine's own byte order can be read");
    }
    const auto tensor_count = number<std::uint64_t>("the number of tensors");
    const auto value_count = number<std::uint64_t>("the number of keys");
    check_count(value_count, kSmallestValue, "keys");
    for (std::uint64_t i = 0; i < value_count; ++i) {
      read_value(header);
    }
    check_count(tensor_count, kSmallestTensor, "tensors");
    header.tensors.reserve(tensor_count);
    std::unordered_set<std::string> names;
    const std::uint64_t alignment = alignment_of(header);
    std::uint64_t end = 0;  // Of the tensors so far, from the beginning of the data.
    for (std::uint64_t i = 0; i < tensor_count; ++i) {
      header.tensors.push_back(read_tensor(end));
      const GgufTensor& tensor = header.tensors.back();
      if (!names.insert(tensor.name).second) {
        fail("has two tensors '" + printable(tensor.name) + "'");
      }
      end = padded(end + tensor.size_bytes, alignment);
    }
    check_data(header, padded(at_, alignment), alignment);
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kInvalidData, name_ + ": " + what);
  }

  [[noreturn]] void fail_short(std::string_view what) const {
    fail("is cut short or damaged: it ends within " + std::string(what));
  }

  static std::string printable(std::string_view text) {
    std::string result(text.substr(0, 80));
    std::replace_if(
        result.begin(), result.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
    return result;
  }

  static std::uint64_t padded(std::uint64_t size, std::uint64_t alignment) {
    return (size + alignment - 1) / alignment * alignment;
  }

  std::uint64_t left() const noexcept { return bytes_.size() - at_; }

  std::string_view take(std::uint64_t size, std::string_view what) {
    if (size > left()) {
      fail_short(what);
    }
    const std::string_view taken = bytes_.substr(at_, size);
    at_ += size;
    return taken;
  }

  template <class T>
  T number(std::string_view what) {
    T value{};
    std::memcpy(&value, take(sizeof value, what).data(), sizeof value);
    return value;
  }

  std::string_view text(std::string_view what) { return take(number<std::uint64_t>(what), what); }

  /// So many things cannot be in what is left: a damaged number, told before memory is asked for.
  void check_count(std::uint64_t count, std::uint64_t smallest_bytes, const std::string& things) {
    if (count > left() / smallest_bytes) {
      fail("is cut short or damaged: it announces " + std::to_string(count) + " " + things +
           " in " + std::to_string(left()) + " bytes");
    }
  }

  void read_value(GgufHeader& header) {
    const std::string key(text("a key"));
    if (key.empty()) {
      fail("has a key without a name");
    }
    const auto type = static_cast<ValueType>(number<std::uint32_t>("the type of a value"));
    GgufHeader::Value value = type == ValueType::kArray ? list(key) : scalar(type, key);
    if (!header.values.emplace(key, std::move(value)).second) {
      fail("has the key '" + printable(key) + "' twice");
    }
  }

  template <class T>
  GgufHeader::Value whole(std::string_view what) {
    const T value = number<T>(what);
    if constexpr (std::is_same_v<T, std::uint64_t>) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return static_cast<double>(value);
      }
    }
    return static_cast<std::int64_t>(value);
  }

  GgufHeader::Value scalar(ValueType type, const std::string& key) {
    constexpr std::string_view kWhat = "a value";
    switch (type) {
      case ValueType::kUint8:
        return whole<std::uint8_t>(kWhat);
      case ValueType::kInt8:
        return whole<std::int8_t>(kWhat);
      case ValueType::kUint16:
        return whole<std::uint16_t>(kWhat);
      case ValueType::kInt16:
        return whole<std::int16_t>(kWhat);
      case ValueType::kUint32:
        return whole<std::uint32_t>(kWhat);
      case ValueType::kInt32:
        return whole<std::int32_t>(kWhat);
      case ValueType::kUint64:
        return whole<std::uint64_t>(kWhat);
      case ValueType::kInt64:
        return whole<std::int64_t>(kWhat);
      case ValueType::kFloat32:
        return static_cast<double>(number<float>(kWhat));
      case ValueType::kFloat64:
        return number<double>(kWhat);
      case ValueType::kBool:
        return number<std::uint8_t>(kWhat) != 0;
      case ValueType::kString:
        return std::string(text(kWhat));
      case ValueType::kArray:
        break;
    }
    fail("is damaged: the key '" + printable(key) + "' has a value of the unknown type " +
         std::to_string(static_cast<std::uint32_t>(type)));
  }

  static std::uint64_t size_of(ValueType type) {
    switch (type) {
      case ValueType::kUint8:
      case ValueType::kInt8:
      case ValueType::kBool:
        return 1;
      case ValueType::kUint16:
      case ValueType::kInt16:
        return 2;
      case ValueType::kUint32:
      case ValueType::kInt32:
      case ValueType::kFloat32:
        return 4;
      default:
        return 8;  // Of a text: its length.
    }
  }

  GgufHeader::Value list(const std::string& key) {
    const auto type = static_cast<ValueType>(number<std::uint32_t>("the type of a list"));
    if (type == ValueType::kArray || type > ValueType::kFloat64) {
      fail("is damaged: the key '" + printable(key) + "' has a list of the unknown type " +
           std::to_string(static_cast<std::uint32_t>(type)));
    }
    const auto count = number<std::uint64_t>("the length of a list");
    check_count(count, size_of(type), "values of '" + printable(key) + "'");
    if (type == ValueType::kString) {
      for (std::uint64_t i = 0; i < count; ++i) {
        text("a list of texts");
      }
      return GgufHeader::ListLength{count};
    }
    if (count > GgufHeader::kLongestList) {
      take(count * size_of(type), "a list");
      return GgufHeader::ListLength{count};
    }
    std::vector<double> values;
    for (std::uint64_t i = 0; i < count; ++i) {
      const GgufHeader::Value value = scalar(type, key);
      values.push_back(std::visit(
          [](const auto& held) -> double {
            if constexpr (std::is_arithmetic_v<std::decay_t<decltype(held)>>) {
              return static_cast<double>(held);
            } else {
              return 0.0;  // There are no lists of others here.
            }
          },
          value));
    }
    return values;
  }

  std::uint64_t alignment_of(const GgufHeader& header) const {
    constexpr std::uint64_t kDefault = 32;
    constexpr std::uint64_t kLargest = 1U << 20U;
    const std::uint64_t alignment = header.number("general.alignment").value_or(kDefault);
    if (alignment == 0 || alignment > kLargest || (alignment & (alignment - 1)) != 0) {
      fail("is damaged: its alignment of " + std::to_string(alignment) + " is no power of two");
    }
    return alignment;
  }

  GgufTensor read_tensor(std::uint64_t expected_offset) {
    GgufTensor tensor;
    tensor.name = text("the name of a tensor");
    const std::string shown = "tensor '" + printable(tensor.name) + "'";
    if (tensor.name.empty() || tensor.name.size() > kLongestTensorName) {
      fail("is damaged: the name of " + shown + " has " + std::to_string(tensor.name.size()) +
           " bytes");
    }
    const auto dimensions = number<std::uint32_t>("the shape of a tensor");
    if (dimensions > tensor.shape.size()) {
      fail("is damaged: " + shown + " has " + std::to_string(dimensions) + " dimensions");
    }
    tensor.element_count = 1;
    for (std::uint32_t i = 0; i < dimensions; ++i) {
      const auto length = number<std::uint64_t>("the shape of a tensor");
      if (length == 0 || length > kMostElements / tensor.element_count) {
        fail("is damaged: " + shown + " has an impossible size");
      }
      tensor.shape[i] = length;
      tensor.element_count *= length;
    }
    const auto type = number<std::uint32_t>("the type of a tensor");
    tensor.type = tensor_type(type);
    if (tensor.type == nullptr) {
      fail(shown + " is of the type " + std::to_string(type) +
           ", which this program does not know");
    }
    if (tensor.shape[0] % tensor.type->block_size != 0) {
      fail("is damaged: the rows of " + shown + " are no whole blocks of " +
           std::string(tensor.type->name));
    }
    tensor.size_bytes = tensor.element_count / tensor.type->block_size * tensor.type->block_bytes;
    if (number<std::uint64_t>("the place of a tensor") != expected_offset) {
      fail("is damaged: " + shown + " does not follow the tensor before it");
    }
    if (tensor.size_bytes > file_bytes_) {
      fail("is cut short or damaged: " + shown + " takes " + std::to_string(tensor.size_bytes) +
           " bytes, the whole file has " + std::to_string(file_bytes_));
    }
    return tensor;
  }

  void check_data(const GgufHeader& header, std::uint64_t data_begin, std::uint64_t alignment) {
    std::uint64_t end = data_begin;
    for (const GgufTensor& tensor : header.tensors) {
      if (end + tensor.size_bytes > file_bytes_) {
        fail("is cut short: tensor '" + printable(tensor.name) + "' ends at byte " +
             std::to_string(end + tensor.size_bytes) + ", the file at " +
             std::to_string(file_bytes_));
      }
      end += padded(tensor.size_bytes, alignment);
    }
  }

  std::string_view bytes_;
  std::uint64_t file_bytes_;
  const std::string& name_;
  std::size_t at_ = 0;
};

std::optional<std::uint64_t> whole_number(double value) {
  if (value >= 0.0 && value < 9.0e15 && value == std::floor(value)) {
    return static_cast<std::uint64_t>(value);
  }
  return std::nullopt;
}

}  // namespace

const TensorType* tensor_type(std::uint32_t id) noexcept {
  const auto found = std::find_if(kTensorTypes.begin(), kTensorTypes.end(),
                                  [&](const TensorType& type) { return type.id == id; });
  return found == kTensorTypes.end() ? nullptr : &*found;
}

const TensorType* tensor_type(std::string_view name) noexcept {
  const auto found = std::find_if(kTensorTypes.begin(), kTensorTypes.end(),
                                  [&](const TensorType& type) { return type.name == name; });
  return found == kTensorTypes.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> GgufHeader::number(std::string_view key) const {
  const auto found = values.find(key);
  if (found == values.end()) {
    return std::nullopt;
  }
  const auto* whole = std::get_if<std::int64_t>(&found->second);
  if (whole == nullptr || *whole < 0) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(*whole);
}

std::optional<std::string> GgufHeader::text(std::string_view key) const {
  const auto found = values.find(key);
  const auto* held = found == values.end() ? nullptr : std::get_if<std::string>(&found->second);
  return held == nullptr ? std::nullopt : std::optional(*held);
}

std::optional<std::uint64_t> GgufHeader::number_of_layer(std::string_view key,
                                                         std::size_t layer) const {
  const auto found = values.find(key);
  const auto* list =
      found == values.end() ? nullptr : std::get_if<std::vector<double>>(&found->second);
  if (list == nullptr) {
    return number(key);
  }
  return layer < list->size() ? whole_number((*list)[layer]) : std::nullopt;
}

std::optional<std::uint64_t> GgufHeader::list_length(std::string_view key) const {
  const auto found = values.find(key);
  if (found == values.end()) {
    return std::nullopt;
  }
  if (const auto* list = std::get_if<std::vector<double>>(&found->second)) {
    return list->size();
  }
  const auto* length = std::get_if<ListLength>(&found->second);
  return length == nullptr ? std::nullopt : std::optional(length->count);
}

GgufHeader parse_gguf_header(std::string_view bytes, std::uint64_t file_bytes,
                             const std::string& name) {
  return HeaderReader(bytes, file_bytes, name).read();
}

GgufHeader read_gguf_header(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse_gguf_header(file.bytes(), file.bytes().size(), path.string());
}

}  // namespace crudbench
