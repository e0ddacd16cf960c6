#include "harness/llama/model.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <gguf.h>
#include <limits>
#include <llama.h>
#include <optional>

#include "harness/core/error.h"
#include "harness/llama/backend.h"
#include "harness/llama/model_files.h"

namespace crudbench {

namespace {

struct FreeModel {
  void operator()(llama_model* model) const noexcept { llama_model_free(model); }
};
struct FreeGguf {
  void operator()(gguf_context* context) const noexcept { gguf_free(context); }
};

/// The architecture that a file's header names. Throws Error(kInvalidData) for what is no GGUF.
std::string architecture_of(const std::filesystem::path& file) {
  constexpr std::string_view kMagic = "GGUF";
  std::string begin(kMagic.size(), '\0');
  std::ifstream(file, std::ios::binary)
      .read(begin.data(), static_cast<std::streamsize>(begin.size()));
  if (begin != kMagic) {
    throw Error(ErrorCode::kInvalidData,
                file.string() +
                    ": is no GGUF file; llama.cpp's convert_hf_to_gguf.py makes one "
                    "from other formats");
  }
  const std::unique_ptr<gguf_context, FreeGguf> header(
      gguf_init_from_file(file.c_str(), {.no_alloc = true, .ctx = nullptr}));
  const std::int64_t key = header ? gguf_find_key(header.get(), "general.architecture") : -1;
  if (key < 0 || gguf_get_kv_type(header.get(), key) != GGUF_TYPE_STRING) {
    throw Error(ErrorCode::kInvalidData,
                file.string() + ": the header of this GGUF file is damaged");
  }
  return gguf_get_val_str(header.get(), key);
}

/// The tensors of experts, as llama.cpp names them, in the first `layers` layers or in all.
std::string expert_pattern(std::optional<int> layers) {
  std::string pattern = R"(\.ffn_(up|down|gate|gate_up)_(ch|)exps)";
  if (layers) {
    std::string numbers;
    for (int layer = 0; layer < *layers; ++layer) {
      numbers += (layer == 0 ? "" : "|") + std::to_string(layer);
    }
    pattern = "blk\\.(" + numbers + ")" + pattern;
  }
  return pattern;
}

/// llama.cpp's parameters and what they point to.
struct LoadParameters {
  llama_model_params parameters = llama_model_default_params();
  std::array<llama_model_kv_override, 2> overrides{};  ///< The last one ends the list.
  std::string pattern;
  std::array<llama_model_tensor_buft_override, 2> placements{};
};

void set_up(LoadParameters& load, const ModelOptions& options, const std::string& architecture) {
  load.parameters.n_gpu_layers = options.gpu_layers;
  load.parameters.vocab_only = options.vocabulary_only;
  load.parameters.load_mode = options.mmap && options.mlock ? LLAMA_LOAD_MODE_MMAP_MLOCK
                              : options.mmap                ? LLAMA_LOAD_MODE_MMAP
                              : options.mlock               ? LLAMA_LOAD_MODE_MLOCK
                                                            : LLAMA_LOAD_MODE_NONE;
  if (options.experts_used > 0) {
    llama_model_kv_override& override = load.overrides.front();
    const std::string key = architecture + ".expert_used_count";
    if (key.size() >= sizeof override.key) {
      throw Error(ErrorCode::kInvalidData, "the name of the architecture is too long: " + key);
    }
    override.tag = LLAMA_KV_OVERRIDE_TYPE_INT;
    std::memcpy(override.key, key.c_str(), key.size() + 1);
    override.val_i64 = options.experts_used;
    load.parameters.kv_overrides = load.overrides.data();
  }
  if (options.expert_placement != "auto") {
    constexpr std::string_view kFirstLayers = "cpu:";
    load.pattern = expert_pattern(
        options.expert_placement.starts_with(kFirstLayers)
            ? std::optional(std::stoi(options.expert_placement.substr(kFirstLayers.size())))
            : std::nullopt);
    load.placements.front() = {load.pattern.c_str(), ggml_backend_cpu_buffer_type()};
    load.parameters.tensor_buft_overrides = load.placements.data();
  }
}

}  // namespace

class LlamaModel::Impl {
 public:
  explicit Impl(const ModelOptions& options) {
    llama_runtime();
    const std::vector<std::filesystem::path> files = model_files(options.file);
    architecture_ = architecture_of(files.front());
    LoadParameters load;
    set_up(load, options, architecture_);
    std::vector<const char*> names;
    for (const std::filesystem::path& file : files) {
      names.push_back(file.c_str());
    }
    take_llama_errors();
    model_.reset(files.size() == 1
                     ? llama_model_load_from_file(names.front(), load.parameters)
                     : llama_model_load_from_splits(names.data(), names.size(), load.parameters));
    if (!model_) {
      throw Error(
          ErrorCode::kInvalidData,
          options.file.string() + ": llama.cpp cannot load this model: " + take_llama_errors());
    }
    vocabulary_ = llama_model_get_vocab(model_.get());
  }

  std::unique_ptr<llama_model, FreeModel> model_;
  const llama_vocab* vocabulary_ = nullptr;
  std::string architecture_;
};

LlamaModel::LlamaModel(const ModelOptions& options) : impl_(std::make_unique<Impl>(options)) {}
LlamaModel::~LlamaModel() = default;
LlamaModel::LlamaModel(LlamaModel&& other) noexcept = default;
LlamaModel& LlamaModel::operator=(LlamaModel&& other) noexcept = default;

std::vector<Token> LlamaModel::tokenize(std::string_view text, bool with_control) const {
  constexpr std::size_t kSpare = 16;  // For what the model adds.
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()) - kSpare) {
    throw Error(ErrorCode::kInvalidData, "a text of more than 2 GiB cannot be tokenized");
  }
  std::vector<Token> tokens(text.size() + kSpare);
  const auto call = [&] {
    return llama_tokenize(impl_->vocabulary_, text.data(), static_cast<std::int32_t>(text.size()),
                          tokens.data(), static_cast<std::int32_t>(tokens.size()), with_control,
                          with_control);
  };
  std::int32_t count = call();
  if (count < 0 && count != std::numeric_limits<std::int32_t>::min()) {
    tokens.resize(static_cast<std::size_t>(-count));
    count = call();
  }
  if (count < 0) {
    throw Error(ErrorCode::kInvalidData, "the model's tokenizer does not take this text");
  }
  tokens.resize(static_cast<std::size_t>(count));
  return tokens;
}

std::string LlamaModel::piece(Token token) const {
  std::string bytes(64, '\0');
  const auto call = [&] {
    return llama_token_to_piece(impl_->vocabulary_, token, bytes.data(),
                                static_cast<std::int32_t>(bytes.size()), 0, false);
  };
  std::int32_t size = call();
  if (size < 0) {
    bytes.resize(static_cast<std::size_t>(-size));
    size = call();
  }
  bytes.resize(static_cast<std::size_t>(std::max(size, 0)));
  return bytes;
}

bool LlamaModel::ends_answer(Token token) const {
  return llama_vocab_is_eog(impl_->vocabulary_, token);
}

bool LlamaModel::is_control(Token token) const {
  return llama_vocab_is_control(impl_->vocabulary_, token);
}

std::size_t LlamaModel::vocabulary_size() const {
  return static_cast<std::size_t>(llama_vocab_n_tokens(impl_->vocabulary_));
}

std::size_t LlamaModel::trained_context() const {
  return static_cast<std::size_t>(std::max(llama_model_n_ctx_train(handle()), 0));
}

std::string LlamaModel::chat_template() const {
  const char* text = llama_model_chat_template(handle(), nullptr);
  return text == nullptr ? "" : text;
}

std::string LlamaModel::description() const {
  std::array<char, 256> text{};
  llama_model_desc(handle(), text.data(), text.size());
  return text.data();
}

std::string LlamaModel::architecture() const {
  return impl_->architecture_;
}

bool LlamaModel::has_recurrent_layers() const {
  return llama_model_is_recurrent(handle()) || llama_model_is_hybrid(handle());
}

llama_model* LlamaModel::handle() const noexcept {
  return impl_->model_.get();
}

}  // namespace crudbench
