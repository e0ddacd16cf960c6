#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace crudbench {

/// How ggml stores numbers: blocks of `block_size` numbers in `block_bytes` bytes.
struct TensorType {
  std::uint32_t id = 0;
  std::string_view name;  ///< "q4_K"
  std::uint32_t block_size = 1;
  std::uint32_t block_bytes = 1;
};
/// The types of ggml as of llama.cpp v0.5.0; nullptr for one that it does not know.
const TensorType* tensor_type(std::uint32_t id) noexcept;
const TensorType* tensor_type(std::string_view name) noexcept;

struct GgufTensor {
  std::string name;
  const TensorType* type = nullptr;
  std::array<std::uint64_t, 4> shape{1, 1, 1, 1};  ///< A row's length first.
  std::uint64_t element_count = 0;
  std::uint64_t size_bytes = 0;
};

/// The metadata of a GGUF file: everything but the weights.
class GgufHeader {
 public:
  /// Numbers, texts, and lists of numbers of at most `kLongestList`; of longer lists and of lists
  /// of texts (vocabularies) the length alone.
  struct ListLength {
    std::uint64_t count = 0;
  };
  using Value =
      std::variant<std::int64_t, double, bool, std::string, std::vector<double>, ListLength>;
  static constexpr std::uint64_t kLongestList = 4096;

  std::uint32_t version = 0;
  std::map<std::string, Value, std::less<>> values;
  std::vector<GgufTensor> tensors;

  /// The value of a key; nothing where it is absent or of another type. A whole number counts as
  /// such in whatever width it is stored, if it is not negative.
  std::optional<std::uint64_t> number(std::string_view key) const;
  std::optional<std::string> text(std::string_view key) const;
  /// A number or a list of numbers, one a layer: the value for `layer`.
  std::optional<std::uint64_t> number_of_layer(std::string_view key, std::size_t layer) const;
  std::optional<std::uint64_t> list_length(std::string_view key) const;
};

/// Reads the header from `bytes`, the beginning of a file of `file_bytes` bytes that is called
/// `name` in errors. The bytes are not trusted: every count and length is checked against what is
/// there before anything is made of it, so time and memory stay in proportion to `bytes`. Throws
/// Error(kInvalidData) in one sentence that says what is wrong with the file.
GgufHeader parse_gguf_header(std::string_view bytes, std::uint64_t file_bytes,
                             const std::string& name);

/// The same of a file; its weights are not read. Throws Error(kIo) too.
GgufHeader read_gguf_header(const std::filesystem::path& path);

}  // namespace crudbench
