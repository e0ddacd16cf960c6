#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/llama/model.h"
#include "tests/fakes/tiny_gguf.h"

namespace crudbench::testing_support {

/// A model of random weights, written once for all tests of this program.
std::filesystem::path tiny_model(const std::string& name, const RandomModel& shape);

/// Qwen3-MoE of two layers, eight experts, top-2, in fp32, with a ChatML template.
std::filesystem::path tiny_moe();

/// What llama.cpp answers when it is asked in the plainest way: one sequence, one token a step, the
/// most likely token every time.
std::vector<Token> reference_answer(const LlamaModel& model, const std::vector<Token>& prompt,
                                    std::size_t max_tokens);

/// Prompts with `common` tokens in common, then different ones; printable ASCII bytes.
std::vector<std::vector<Token>> related_prompts(std::size_t count, std::size_t common);

}  // namespace crudbench::testing_support
