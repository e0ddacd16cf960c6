#include "harness/generators/builtin_generators.h"

#include "harness/generators/endpoint_session.h"
#include "harness/llama/llama_options.h"
#include "harness/process/line_program.h"

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
  catalog.generators.add(
      "openai",
      {.summary = "Any OpenAI-compatible endpoint, /v1/chat/completions or /v1/completions",
       .example = {{"type", "openai"},
                   {"base_url", "http://127.0.0.1:8080/v1"},
                   {"model", "qwen2.5-7b-instruct"},
                   {"api_key_env", "OPENAI_API_KEY"}},
       .check = check_openai_generator,
       .make = make_openai_generator,
       .list_options = {"stop"},
       .neutral_options = neutral_openai_options(),
       .costly = true});
  std::vector<std::string> neutral_rag = neutral_session_options();
  neutral_rag.emplace_back("api_key_header");
  catalog.generators.add(
      "rag_endpoint",
      {.summary = "A RAG service as a whole, over HTTP: retrieves and answers by itself",
       .example = {{"type", "rag_endpoint"},
                   {"base_url", "http://127.0.0.1:8000"},
                   {"path", "/ask"},
                   {"request", {{"question", "{query}"}, {"top_k", 8}}},
                   {"answer", "/answer"},
                   {"contexts", "/contexts"},
                   {"api_key_env", "RAG_KEY"}},
       .check = check_rag_endpoint_generator,
       .make = make_rag_endpoint_generator,
       .neutral_options = std::move(neutral_rag),
       .costly = true});
  catalog.generators.add("exec",
                         {.summary = "A program of your own that speaks JSON lines on stdin and "
                                     "stdout",
                          .example = {{"type", "exec"},
                                      {"command", {"python3", "my_generator.py"}},
                                      {"version", "1"},
                                      {"timeout_s", 60}},
                          .check = check_exec_generator,
                          .make = make_exec_generator,
                          .list_options = {"command"},
                          .neutral_options = neutral_line_program_options(),
                          .costly = true});
}

}  // namespace crudbench
