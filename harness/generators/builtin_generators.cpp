#include "harness/generators/builtin_generators.h"

#include "harness/llama/llama_options.h"

namespace crudbench {

void add_builtin_generators(Catalog& catalog) {
  catalog.generators.add(
      "extractive",
      {.summary = "Deterministic, query-focused choice of sentences from the passages; no model",
       .example = {{"type", "extractive"}},
       .check = check_extractive_generator,
       .make = make_extractive_generator});
  catalog.generators.add("llama",
                         {.summary = "A GGUF model on this machine, by llama.cpp",
                          .example = {{"type", "llama"}, {"model", "qwen3-30b-a3b-q4_k_m.gguf"}},
                          .check = check_llama_generator,
                          .make = make_llama_generator,
                          .list_options = {"stop"},
                          .neutral_options = neutral_llama_options(),
                          .costly = true});
  catalog.generators.add("openai",
                         {.summary = "Any OpenAI-compatible endpoint, /v1/chat/completions",
                          .example = {{"type", "openai"},
                                      {"base_url", "http://127.0.0.1:8080/v1"},
                                      {"model", "qwen2.5-7b-instruct"},
                                      {"api_key_env", "OPENAI_API_KEY"}},
                          .check = check_openai_generator,
                          .make = make_openai_generator,
                          .neutral_options = {"api_key_env", "max_concurrency", "timeout_s",
                                              "connect_timeout_s", "max_attempts", "backoff_s"},
                          .costly = true});
}

}  // namespace crudbench
