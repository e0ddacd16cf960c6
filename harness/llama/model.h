#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct llama_model;  // llama.cpp's; only this layer looks into it.

namespace crudbench {

/// A token of a model's vocabulary.
using Token = std::int32_t;

/// How a model is loaded.
struct ModelOptions {
  std::filesystem::path file;  ///< GGUF; of several parts the first.
  bool mmap = true;            ///< Map the file instead of reading it into memory.
  bool mlock = false;          ///< Keep the weights from being swapped out.
  int gpu_layers = -1;         ///< Layers for accelerators; -1: all.
  /// Where experts' weights lie if there is an accelerator: "auto" as the rest of their layer,
  /// "cpu" in the processor's memory, "cpu:N" there in the first N layers.
  std::string expert_placement = "auto";
  int experts_used = 0;          ///< Experts a token is sent to; 0: as the model says.
  bool vocabulary_only = false;  ///< For `tokenize` and its kin alone; weights are not read.
};

/// A model in memory: its weights, vocabulary and chat template.
///
/// Throws Error(kInvalidData) for what is no GGUF file or one that llama.cpp cannot load, with its
/// reason. `const` members are callable from any thread.
class LlamaModel {
 public:
  explicit LlamaModel(const ModelOptions& options);
  ~LlamaModel();
  LlamaModel(LlamaModel&& other) noexcept;
  LlamaModel& operator=(LlamaModel&& other) noexcept;

  /// `text` as tokens. `with_control`: the names of control tokens ("<|im_start|>") in it become
  /// these tokens, and the token that begins a text is added where the model wants one; otherwise
  /// such names are text like any other, as is right for text from outside.
  std::vector<Token> tokenize(std::string_view text, bool with_control) const;
  /// The bytes of one token, which need not be whole characters; none for a control token.
  std::string piece(Token token) const;
  bool ends_answer(Token token) const;
  bool is_control(Token token) const;

  std::size_t vocabulary_size() const;
  std::size_t trained_context() const;  ///< Tokens.
  /// The template in the file, Jinja; empty if there is none.
  std::string chat_template() const;
  std::string description() const;  ///< "qwen3moe 30B.A3B Q4_K - Medium".
  std::string architecture() const;
  /// Whether layers keep a state instead of keys and values of all tokens.
  bool has_recurrent_layers() const;

  /// For this layer alone.
  llama_model* handle() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crudbench
