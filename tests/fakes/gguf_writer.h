#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <ggml.h>
#include <gguf.h>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace crudbench {

/// Makes GGUF files of made-up weights, one tensor at a time: metadata first, then `add` for every
/// tensor, then `write`, which computes the weights as it writes them.
class GgufWriter {
 public:
  /// Fills `row` of a tensor; rows are asked for in order.
  using FillRow = std::function<void(std::int64_t row, std::span<float> values)>;

  explicit GgufWriter(std::string architecture);

  void set(const std::string& key, std::uint32_t value);
  void set(const std::string& key, float value);
  void set(const std::string& key, const std::string& value);
  void set_flag(const std::string& key, bool value);
  void set(const std::string& key, const std::vector<std::string>& values);
  void set(const std::string& key, const std::vector<std::int32_t>& values);
  void set(const std::string& key, const std::vector<float>& values);
  /// Keys of the architecture: "block_count" is written as "ARCHITECTURE.block_count".
  std::string own(const std::string& key) const { return architecture_ + "." + key; }

  /// A tensor of `shape`, the row's length first.
  void add(const std::string& name, ggml_type type, std::vector<std::int64_t> shape, FillRow fill);

  std::vector<std::filesystem::path> write(const std::filesystem::path& path, int parts);

 private:
  struct Tensor {
    std::string name;
    ggml_type type;
    std::vector<std::int64_t> shape;
    FillRow fill;
  };
  struct FreeGguf {
    void operator()(gguf_context* context) const noexcept { gguf_free(context); }
  };

  void write_part(const std::filesystem::path& path, gguf_context* metadata,
                  std::span<const Tensor> tensors) const;

  std::string architecture_;
  std::unique_ptr<gguf_context, FreeGguf> metadata_;
  std::vector<Tensor> tensors_;
};

}  // namespace crudbench
