#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/core/json.h"

namespace crudbench {

/// What a GGUF file says about its model, read from its metadata alone. All sizes in bytes.
struct GgufFile {
  struct TypeShare {
    std::string type;  ///< "q4_K"
    std::uint64_t parameters = 0;
    std::uint64_t size_bytes = 0;
  };
  /// The attention of one layer, as its cache of keys and values is laid out.
  struct LayerCache {
    std::uint64_t key_width = 0;    ///< Numbers a token; 0: the layer has no such cache.
    std::uint64_t value_width = 0;  ///< 0 where values are computed from the cached keys (MLA).
  };

  std::vector<std::filesystem::path> files;  ///< All parts, in order.
  std::string architecture;                  ///< "qwen3moe"
  std::string name;                          ///< As its makers call it; may be empty.
  std::string quantization;                  ///< "Q4_K - Medium"; empty if the file does not say.
  std::vector<TypeShare> types;              ///< Most bytes first.
  std::uint64_t context_length = 0;          ///< Tokens that it was trained on.
  std::uint64_t layers = 0;
  std::uint64_t embedding_length = 0;
  std::uint64_t vocabulary = 0;
  std::uint64_t heads = 0;               ///< Attention heads, of the first layer.
  std::uint64_t kv_heads = 0;            ///< Of those that keep keys and values.
  std::uint64_t feed_forward = 0;        ///< Hidden size of a dense layer.
  std::uint64_t moe_layers = 0;          ///< Layers that have experts.
  std::uint64_t experts = 0;             ///< Of one layer; 0: a dense model.
  std::uint64_t experts_used = 0;        ///< A token, in one layer.
  std::uint64_t shared_experts = 0;      ///< That see every token.
  std::uint64_t expert_hidden_size = 0;  ///< Of one expert.
  std::string gating;  ///< "softmax", "sigmoid" …; empty: the file does not say.
  std::optional<std::string> chat_template;
  std::vector<LayerCache> caches;  ///< [layer]

  std::uint64_t parameters = 0;
  std::uint64_t expert_parameters = 0;
  /// Parameters that take part in one token: all but those of the experts not chosen, the two
  /// embeddings included, as model makers count.
  std::uint64_t active_parameters = 0;
  std::uint64_t weight_bytes = 0;
  std::uint64_t expert_bytes = 0;
  /// Weights that decoding one token of one sequence reads: those of `active_parameters` without
  /// the input embedding, of which it reads a row (if the output has no matrix of its own, the
  /// embedding is that matrix and is read).
  std::uint64_t bytes_per_token = 0;
};

/// Reads the metadata of a model; of several parts `first` names the first. Throws
/// Error(kInvalidData) or Error(kIo) in one sentence that names the file.
GgufFile read_gguf_file(const std::filesystem::path& first);

/// How a model is going to be used, in tokens.
struct MemoryNeeds {
  std::uint64_t context = 4096;  ///< Of one sequence.
  std::uint64_t parallel = 1;    ///< Sequences.
  std::string kv_type = "f16";
  std::uint64_t micro_batch = 512;
};

struct MemoryEstimate {
  std::uint64_t weights = 0;
  std::uint64_t kv_cache = 0;
  std::uint64_t compute = 0;

  std::uint64_t total() const noexcept { return weights + kv_cache + compute; }
};

/// The memory that llama.cpp will take, computed before anything is loaded:
///
///     weights   all tensors
///     kv_cache  cells x sum over layers of (key_width x bytes of kv_type + value_width x the
///     same),
///               cells = context x parallel, rounded up to a multiple of 256
///     compute   micro_batch x (activations of the widest step x 4 bytes + mask, 6 bytes a cell),
///               a rough figure: llama.cpp plans its buffers while it loads
///
/// An upper bound for layers whose attention has a window. Memory-mapped weights count in full,
/// though the system may drop and reread them. Throws Error(kInvalidConfig) for a `kv_type` that is
/// no ggml type.
MemoryEstimate estimate_memory(const GgufFile& model, const MemoryNeeds& needs);

}  // namespace crudbench
