#include "harness/llama/gguf_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <utility>

#include "harness/core/error.h"
#include "harness/llama/gguf_header.h"
#include "harness/llama/model_files.h"

namespace crudbench {

namespace {

/// llama_ftype, the numbers of general.file_type.
std::string file_type_name(std::uint64_t type) {
  static const std::map<std::uint64_t, std::string> kNames{{0, "F32"},
                                                           {1, "F16"},
                                                           {2, "Q4_0"},
                                                           {3, "Q4_1"},
                                                           {7, "Q8_0"},
                                                           {8, "Q5_0"},
                                                           {9, "Q5_1"},
                                                           {10, "Q2_K"},
                                                           {11, "Q3_K - Small"},
                                                           {12, "Q3_K - Medium"},
                                                           {13, "Q3_K - Large"},
                                                           {14, "Q4_K - Small"},
                                                           {15, "Q4_K - Medium"},
                                                           {16, "Q5_K - Small"},
                                                           {17, "Q5_K - Medium"},
                                                           {18, "Q6_K"},
                                                           {19, "IQ2_XXS"},
                                                           {20, "IQ2_XS"},
                                                           {21, "Q2_K - Small"},
                                                           {22, "IQ3_XS"},
                                                           {23, "IQ3_XXS"},
                                                           {24, "IQ1_S"},
                                                           {25, "IQ4_NL"},
                                                           {26, "IQ3_S"},
                                                           {27, "IQ3_M"},
                                                           {28, "IQ2_S"},
                                                           {29, "IQ2_M"},
                                                           {30, "IQ4_XS"},
                                                           {31, "IQ1_M"},
                                                           {32, "BF16"},
                                                           {36, "TQ1_0"},
                                                           {37, "TQ2_0"},
                                                           {38, "MXFP4 MoE"},
                                                           {39, "NVFP4"},
                                                           {40, "Q1_0"},
                                                           {41, "Q2_0"}};
  const auto found = kNames.find(type);
  return found == kNames.end() ? "type " + std::to_string(type) : found->second;
}

/// How the router's numbers become weights: llama.cpp's key, or what the architecture is known for
/// (src/models/ of llama.cpp v0.5.0).
std::string gating_name(const GgufHeader& header, const std::string& architecture) {
  static constexpr std::array<std::string_view, 5> kNames{
      "", "softmax", "sigmoid", "softmax over the chosen", "square root of softplus"};
  static constexpr std::array<std::string_view, 10> kSoftmax{
      "llama", "qwen2moe", "qwen3moe", "olmoe",      "dbrx",
      "grok",  "phimoe",   "arctic",   "granitemoe", "deepseek"};
  const auto key = header.number(architecture + ".expert_gating_func").value_or(0);
  if (key > 0 && key < kNames.size()) {
    return std::string(kNames[key]);
  }
  if (architecture == "gpt-oss") {
    return std::string(kNames[3]);
  }
  const bool is_softmax =
      std::find(kSoftmax.begin(), kSoftmax.end(), architecture) != kSoftmax.end();
  return is_softmax ? std::string(kNames[1]) : std::string();
}

/// The layer of "blk.12.ffn_up.weight".
std::optional<std::size_t> layer_of(std::string_view tensor) {
  constexpr std::string_view kPrefix = "blk.";
  if (tensor.substr(0, kPrefix.size()) != kPrefix) {
    return std::nullopt;
  }
  std::size_t layer = 0;
  const char* begin = tensor.data() + kPrefix.size();
  const auto [end, problem] = std::from_chars(begin, tensor.data() + tensor.size(), layer);
  return problem == std::errc() && end != begin ? std::optional(layer) : std::nullopt;
}

bool is_of_experts(std::string_view tensor) {
  return tensor.find("_exps.") != std::string_view::npos;
}

/// `whole` x `part` / `parts`, of numbers whose product may be too large.
std::uint64_t share(std::uint64_t whole, std::uint64_t part, std::uint64_t parts) {
  return parts == 0 ? 0
                    : static_cast<std::uint64_t>(static_cast<long double>(whole) *
                                                 static_cast<long double>(part) /
                                                 static_cast<long double>(parts));
}

class Description {
 public:
  explicit Description(const std::filesystem::path& first) { file_.files = model_files(first); }

  GgufFile make() {
    const GgufHeader header = read_gguf_header(file_.files.front());
    file_.architecture = header.text("general.architecture").value_or("");
    if (file_.architecture.empty()) {
      throw Error(ErrorCode::kInvalidData,
                  file_.files.front().string() +
                      ": names no architecture (general.architecture), so it is no model");
    }
    const std::uint64_t parts = header.number("split.count").value_or(1);
    if (parts > 1 && parts != file_.files.size()) {
      throw Error(ErrorCode::kInvalidData,
                  file_.files.front().string() + ": is one of " + std::to_string(parts) +
                      " parts, but its name does not end in \"-00001-of-0000N.gguf\"");
    }
    read_shape(header);
    count_tensors(header);
    for (std::size_t part = 1; part < file_.files.size(); ++part) {
      count_tensors(read_gguf_header(file_.files[part]));
    }
    finish();
    return std::move(file_);
  }

 private:
  std::uint64_t own(const GgufHeader& header, const char* key, std::uint64_t default_value = 0) {
    return header.number_of_layer(file_.architecture + "." + key, 0).value_or(default_value);
  }

  void read_shape(const GgufHeader& header) {
    constexpr std::uint64_t kMostLayers = 4096;
    file_.name = header.text("general.name").value_or("");
    if (const auto type = header.number("general.file_type")) {
      file_.quantization = file_type_name(*type);
    }
    file_.context_length = own(header, "context_length");
    file_.layers = own(header, "block_count");
    if (file_.layers > kMostLayers) {
      throw Error(ErrorCode::kInvalidData, file_.files.front().string() + ": claims to have " +
                                               std::to_string(file_.layers) + " layers");
    }
    file_.embedding_length = own(header, "embedding_length");
    file_.heads = own(header, "attention.head_count");
    file_.kv_heads = own(header, "attention.head_count_kv", file_.heads);
    file_.feed_forward = own(header, "feed_forward_length");
    file_.experts = own(header, "expert_count");
    file_.experts_used = own(header, "expert_used_count");
    file_.shared_experts = own(header, "expert_shared_count");
    file_.expert_hidden_size = own(header, "expert_feed_forward_length");
    if (file_.experts > 0) {
      file_.gating = gating_name(header, file_.architecture);
    }
    file_.chat_template = header.text("tokenizer.chat_template");
    file_.vocabulary =
        header.list_length("tokenizer.ggml.tokens").value_or(own(header, "vocab_size"));
    read_caches(header);
    for (std::size_t layer = 0; layer < file_.layers; ++layer) {
      experts_used_.push_back(
          header.number_of_layer(file_.architecture + ".expert_used_count", layer)
              .value_or(file_.experts_used));
    }
  }

  void read_caches(const GgufHeader& header) {
    const std::uint64_t head = file_.heads == 0 ? 0 : file_.embedding_length / file_.heads;
    const std::uint64_t key = own(header, "attention.key_length", head);
    const std::uint64_t value = own(header, "attention.value_length", head);
    const bool is_latent = own(header, "attention.key_length_mla") > 0;
    for (std::size_t layer = 0; layer < file_.layers; ++layer) {
      const std::uint64_t heads =
          header.number_of_layer(file_.architecture + ".attention.head_count_kv", layer)
              .value_or(file_.kv_heads);
      file_.caches.push_back({heads * key, is_latent ? 0 : heads * value});
    }
  }

  void count_tensors(const GgufHeader& header) {
    for (const GgufTensor& tensor : header.tensors) {
      GgufFile::TypeShare& type = types_[std::string(tensor.type->name)];
      type.parameters += tensor.element_count;
      type.size_bytes += tensor.size_bytes;
      file_.parameters += tensor.element_count;
      file_.weight_bytes += tensor.size_bytes;
      const std::optional<std::size_t> layer = layer_of(tensor.name);
      if (is_of_experts(tensor.name)) {
        count_experts(tensor, layer);
      } else if (tensor.name == "token_embd.weight") {
        embedding_bytes_ = tensor.size_bytes;
        embedding_rows_ = tensor.shape[1];
      } else {
        file_.bytes_per_token += tensor.size_bytes;
      }
      has_output_ = has_output_ || tensor.name == "output.weight";
      has_shared_expert_ = has_shared_expert_ || tensor.name.find("_shexp.") != std::string::npos;
    }
  }

  void count_experts(const GgufTensor& tensor, std::optional<std::size_t> layer) {
    const std::uint64_t used =
        layer && *layer < experts_used_.size() ? experts_used_[*layer] : file_.experts_used;
    file_.expert_parameters += tensor.element_count;
    file_.expert_bytes += tensor.size_bytes;
    file_.bytes_per_token += share(tensor.size_bytes, used, file_.experts);
    active_expert_parameters_ += share(tensor.element_count, used, file_.experts);
    if (tensor.name.find("ffn_down_exps.weight") != std::string::npos) {
      ++file_.moe_layers;
      if (file_.expert_hidden_size == 0) {
        file_.expert_hidden_size = tensor.shape[0];
      }
    }
  }

  void finish() {
    file_.active_parameters =
        file_.parameters - file_.expert_parameters + active_expert_parameters_;
    // A row of the input embedding, or all of it where it is the output's matrix too.
    file_.bytes_per_token +=
        has_output_ ? share(embedding_bytes_, 1, embedding_rows_) : embedding_bytes_;
    if (has_shared_expert_ && file_.shared_experts == 0) {
      file_.shared_experts = 1;
    }
    for (auto& [name, type] : types_) {
      type.type = name;
      file_.types.push_back(std::move(type));
    }
    std::stable_sort(file_.types.begin(), file_.types.end(),
                     [](const auto& a, const auto& b) { return a.size_bytes > b.size_bytes; });
  }

  GgufFile file_;
  std::map<std::string, GgufFile::TypeShare> types_;
  std::vector<std::uint64_t> experts_used_;  // [layer]
  std::uint64_t active_expert_parameters_ = 0;
  std::uint64_t embedding_bytes_ = 0;
  std::uint64_t embedding_rows_ = 1;
  bool has_output_ = false;
  bool has_shared_expert_ = false;
};

}  // namespace

GgufFile read_gguf_file(const std::filesystem::path& first) {
  return Description(first).make();
}

MemoryEstimate estimate_memory(const GgufFile& model, const MemoryNeeds& needs) {
  const TensorType* type = tensor_type(needs.kv_type);
  if (type == nullptr) {
    throw Error(ErrorCode::kInvalidConfig, "'" + needs.kv_type + "' is no type of a KV cache");
  }
  constexpr std::uint64_t kCellStep = 256;
  const std::uint64_t cells =
      (needs.context * needs.parallel + kCellStep - 1) / kCellStep * kCellStep;
  MemoryEstimate estimate;
  estimate.weights = model.weight_bytes;
  for (const GgufFile::LayerCache& cache : model.caches) {
    estimate.kv_cache +=
        share(cells * (cache.key_width + cache.value_width), type->block_bytes, type->block_size);
  }
  const std::uint64_t feed_forward =
      std::max(model.feed_forward, model.experts_used * model.expert_hidden_size);
  const std::uint64_t widest =
      4 * model.embedding_length + 3 * feed_forward + model.experts_used * model.embedding_length;
  const std::uint64_t rows = std::min(needs.micro_batch, cells);
  estimate.compute =
      rows * (4 * widest + 6 * cells) + 4 * model.vocabulary * std::min(needs.parallel, rows);
  return estimate;
}

}  // namespace crudbench
