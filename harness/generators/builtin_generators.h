#pragma once

#include <memory>
#include <string>
#include <vector>

#include "harness/core/catalog.h"
#include "harness/core/options.h"
#include "harness/generators/generator.h"

namespace crudbench {

/// Adds every generator of this folder to the catalog.
void add_builtin_generators(Catalog& catalog);

/// The members. `check_…` reads and checks the options; `make_…` takes options it accepts.
void check_extractive_generator(Options& options);
std::unique_ptr<Generator> make_extractive_generator(Options& options, const GeneratorParts& parts);

void check_llama_generator(Options& options);
/// Loads nothing: the model is loaded when the first prompts are there to be answered.
std::unique_ptr<Generator> make_llama_generator(Options& options, const GeneratorParts& parts);

void check_openai_generator(Options& options);
/// The options that cannot change an answer.
std::vector<std::string> neutral_openai_options();
/// Throws Error(kInvalidConfig) if the environment variable that `api_key_env` names is not set or
/// holds no usable key.
std::unique_ptr<Generator> make_openai_generator(Options& options, const GeneratorParts& parts);

void check_rag_endpoint_generator(Options& options);
/// As `make_openai_generator`.
std::unique_ptr<Generator> make_rag_endpoint_generator(Options& options,
                                                       const GeneratorParts& parts);

void check_exec_generator(Options& options);
std::unique_ptr<Generator> make_exec_generator(Options& options, const GeneratorParts& parts);

}  // namespace crudbench
