#include "tests/fakes/gguf_writer.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace crudbench {

namespace {

struct FreeContext {
  void operator()(ggml_context* context) const noexcept { ggml_free(context); }
};

/// So many weights are computed before they are written.
constexpr std::int64_t kWeightsAtOnce = 1 << 20;

void write_tensor(std::ofstream& file, ggml_type type, const std::vector<std::int64_t>& shape,
                  const GgufWriter::FillRow& fill, std::size_t alignment) {
  const std::int64_t row_length = shape[0];
  std::int64_t row_count = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) {
    row_count *= shape[i];
  }
  const std::int64_t rows_at_once = std::max<std::int64_t>(1, kWeightsAtOnce / row_length);
  std::vector<float> values;
  std::vector<char> bytes;
  std::size_t written = 0;
  for (std::int64_t row = 0; row < row_count; row += rows_at_once) {
    const std::int64_t rows = std::min(rows_at_once, row_count - row);
    values.assign(static_cast<std::size_t>(rows * row_length), 0.0F);
    for (std::int64_t i = 0; i < rows; ++i) {
      fill(row + i, std::span(values).subspan(static_cast<std::size_t>(i * row_length),
                                              static_cast<std::size_t>(row_length)));
    }
    bytes.resize(static_cast<std::size_t>(rows) * ggml_row_size(type, row_length));
    ggml_quantize_chunk(type, values.data(), bytes.data(), 0, rows, row_length, nullptr);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    written += bytes.size();
  }
  const std::vector<char> padding((alignment - written % alignment) % alignment, 0);
  file.write(padding.data(), static_cast<std::streamsize>(padding.size()));
}

/// "x.gguf" as llama.cpp names the parts of a split model.
std::filesystem::path part_path(const std::filesystem::path& path, int part, int parts) {
  char suffix[32];
  std::snprintf(suffix, sizeof suffix, "-%05d-of-%05d.gguf", part + 1, parts);
  return path.parent_path() / (path.stem().string() + suffix);
}

}  // namespace

GgufWriter::GgufWriter(std::string architecture)
    : architecture_(std::move(architecture)), metadata_(gguf_init_empty()) {
  set("general.architecture", architecture_);
}

void GgufWriter::set(const std::string& key, std::uint32_t value) {
  gguf_set_val_u32(metadata_.get(), key.c_str(), value);
}

void GgufWriter::set(const std::string& key, float value) {
  gguf_set_val_f32(metadata_.get(), key.c_str(), value);
}

void GgufWriter::set(const std::string& key, const std::string& value) {
  gguf_set_val_str(metadata_.get(), key.c_str(), value.c_str());
}

void GgufWriter::set_flag(const std::string& key, bool value) {
  gguf_set_val_bool(metadata_.get(), key.c_str(), value);
}

void GgufWriter::set(const std::string& key, const std::vector<std::string>& values) {
  std::vector<const char*> texts;
  texts.reserve(values.size());
  for (const std::string& value : values) {
    texts.push_back(value.c_str());
  }
  gguf_set_arr_str(metadata_.get(), key.c_str(), texts.data(), texts.size());
}

void GgufWriter::set(const std::string& key, const std::vector<std::int32_t>& values) {
  gguf_set_arr_data(metadata_.get(), key.c_str(), GGUF_TYPE_INT32, values.data(), values.size());
}

void GgufWriter::set(const std::string& key, const std::vector<float>& values) {
  gguf_set_arr_data(metadata_.get(), key.c_str(), GGUF_TYPE_FLOAT32, values.data(), values.size());
}

void GgufWriter::add(const std::string& name, ggml_type type, std::vector<std::int64_t> shape,
                     FillRow fill) {
  tensors_.push_back({name, type, std::move(shape), std::move(fill)});
}

void GgufWriter::write_part(const std::filesystem::path& path, gguf_context* metadata,
                            std::span<const Tensor> tensors) const {
  const std::unique_ptr<ggml_context, FreeContext> shapes(ggml_init({
      .mem_size = (tensors.size() + 1) * ggml_tensor_overhead(),
      .mem_buffer = nullptr,
      .no_alloc = true,
  }));
  for (const Tensor& tensor : tensors) {
    ggml_tensor* shape = ggml_new_tensor(
        shapes.get(), tensor.type, static_cast<int>(tensor.shape.size()), tensor.shape.data());
    ggml_set_name(shape, tensor.name.c_str());
    gguf_add_tensor(metadata, shape);
  }
  if (!gguf_write_to_file(metadata, path.c_str(), /*only_meta=*/true)) {
    throw std::runtime_error("cannot write '" + path.string() + "'");
  }
  std::ofstream file(path, std::ios::binary | std::ios::app);
  for (const Tensor& tensor : tensors) {
    write_tensor(file, tensor.type, tensor.shape, tensor.fill, gguf_get_alignment(metadata));
  }
  file.close();
  if (!file) {
    throw std::runtime_error("cannot write '" + path.string() + "'");
  }
}

std::vector<std::filesystem::path> GgufWriter::write(const std::filesystem::path& path, int parts) {
  const std::size_t per_part =
      (tensors_.size() + static_cast<std::size_t>(parts) - 1) / static_cast<std::size_t>(parts);
  std::vector<std::filesystem::path> paths;
  for (int part = 0; part < parts; ++part) {
    // As llama.cpp's own splitter does it: the first part has all metadata, the others their
    // number.
    const std::unique_ptr<gguf_context, FreeGguf> metadata(gguf_init_empty());
    if (part == 0) {
      gguf_set_kv(metadata.get(), metadata_.get());
    }
    if (parts > 1) {
      gguf_set_val_u16(metadata.get(), "split.no", static_cast<std::uint16_t>(part));
      gguf_set_val_u16(metadata.get(), "split.count", static_cast<std::uint16_t>(parts));
      gguf_set_val_i32(metadata.get(), "split.tensors.count",
                       static_cast<std::int32_t>(tensors_.size()));
    }
    const std::size_t begin = std::min(tensors_.size(), static_cast<std::size_t>(part) * per_part);
    const std::size_t count = std::min(per_part, tensors_.size() - begin);
    paths.push_back(parts > 1 ? part_path(path, part, parts) : path);
    write_part(paths.back(), metadata.get(), std::span(tensors_).subspan(begin, count));
  }
  return paths;
}

}  // namespace crudbench
