/// The local engine against llama.cpp's own loop on the same model, and what sharing a prefix and
/// decoding several sequences at a time gain.
///
///   crudbench_llama_bench MODEL [threads=2] [rounds=3]
///
/// Prints the best of the rounds; both sides of a comparison take turns, so that what else runs on
/// the machine hits both.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <llama-cpp.h>
#include <string>
#include <vector>

#include "harness/core/random.h"
#include "harness/llama/engine.h"
#include "harness/llama/model.h"

namespace crudbench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPrompt = 512;
constexpr std::size_t kAnswer = 48;

double seconds_of(const std::function<void()>& work) {
  const Clock::time_point start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Tokens that no two prompts have in common at the beginning, but `shared` ones.
std::vector<Token> prompt_of(const LlamaModel& model, std::size_t shared, std::size_t own,
                             std::uint64_t name) {
  std::vector<Token> tokens;
  Random common(1);
  Random apart(1000 + name);
  const std::uint64_t choice = model.vocabulary_size() - 300;
  for (std::size_t i = 0; i < shared + own; ++i) {
    tokens.push_back(static_cast<Token>(280 + (i < shared ? common : apart).below(choice)));
  }
  return tokens;
}

EngineOptions engine_options(std::size_t parallel, std::size_t threads) {
  return {.context = 1600, .parallel = parallel, .threads = threads};
}

struct Speed {
  double prefill = 0.0;  ///< Tokens a second.
  double decode = 0.0;

  void keep_best(const Speed& other) {
    prefill = std::max(prefill, other.prefill);
    decode = std::max(decode, other.decode);
  }
};

/// As llama.cpp's own batched loop does it: a prompt in one batch, then token by token.
Speed plain_loop(const LlamaModel& model, std::vector<Token> prompt, std::size_t threads) {
  llama_context_params parameters = llama_context_default_params();
  parameters.n_ctx = 1600;
  parameters.n_batch = parameters.n_ubatch = 512;
  parameters.n_threads = parameters.n_threads_batch = static_cast<std::int32_t>(threads);
  const llama_context_ptr context(llama_init_from_model(model.handle(), parameters));
  const auto decode = [&context](Token* tokens, std::size_t count) {
    if (llama_decode(context.get(),
                     llama_batch_get_one(tokens, static_cast<std::int32_t>(count))) != 0) {
      throw std::runtime_error("llama_decode failed");
    }
  };
  const auto best = [&] {
    const float* logits = llama_get_logits_ith(context.get(), -1);
    return static_cast<Token>(std::max_element(logits, logits + model.vocabulary_size()) - logits);
  };
  Token token = 0;
  const double prefill = seconds_of([&] {
    decode(prompt.data(), prompt.size());
    token = best();
  });
  const double answer = seconds_of([&] {
    for (std::size_t i = 1; i < kAnswer; ++i) {
      decode(&token, 1);
      token = best();
    }
  });
  return {.prefill = static_cast<double>(prompt.size()) / prefill,
          .decode = static_cast<double>(kAnswer - 1) / answer};
}

/// Seconds to answer all prompts, and the figures of the last answer.
double run_all(LlamaEngine& engine, const std::vector<std::vector<Token>>& prompts,
               std::size_t answer_tokens, EngineAnswer* last = nullptr) {
  return seconds_of([&] {
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      engine.submit({.ticket = i, .prompt = prompts[i], .max_tokens = answer_tokens});
    }
    while (engine.load() > 0) {
      for (EngineAnswer& answer : engine.step()) {
        if (answer.failure) {
          throw std::runtime_error(answer.failure->message);
        }
        if (last != nullptr) {
          *last = std::move(answer);
        }
      }
    }
  });
}

void compare_with_plain_loop(const LlamaModel& model, std::size_t threads, int rounds) {
  LlamaEngine engine(model, engine_options(1, threads));
  Speed ours;
  Speed plain;
  for (int round = 0; round < rounds; ++round) {
    const std::vector<Token> prompt =
        prompt_of(model, 0, kPrompt, static_cast<std::uint64_t>(round));
    plain.keep_best(plain_loop(model, prompt, threads));
    EngineAnswer answer;
    run_all(engine, {prompt}, kAnswer, &answer);
    const auto tokens = static_cast<double>(answer.usage.completion_tokens - 1);
    ours.keep_best({.prefill = static_cast<double>(kPrompt) / answer.prefill_seconds,
                    .decode = tokens / std::max(answer.decode_seconds, 1e-9)});
  }
  std::printf("prefill  plain %8.1f tokens/s  engine %8.1f  ratio %.3f\n", plain.prefill,
              ours.prefill, ours.prefill / plain.prefill);
  std::printf("decode   plain %8.1f tokens/s  engine %8.1f  ratio %.3f\n", plain.decode,
              ours.decode, ours.decode / plain.decode);
}

void compare_sharing(const LlamaModel& model, std::size_t threads) {
  constexpr std::size_t kSamples = 16;
  constexpr std::size_t kShared = 1200;
  constexpr std::size_t kOwn = 100;
  constexpr std::size_t kTokens = 16;
  std::vector<std::vector<Token>> with;
  std::vector<std::vector<Token>> without;
  for (std::size_t i = 0; i < kSamples; ++i) {
    with.push_back(prompt_of(model, kShared, kOwn, i));
    without.push_back(prompt_of(model, 0, kShared + kOwn, 100 + i));
  }
  LlamaEngine engine(model, engine_options(8, threads));
  const double shared = run_all(engine, with, kTokens);
  const double apart = run_all(engine, without, kTokens);
  std::printf("16 samples, prefix of 1200: shared %.1f s, apart %.1f s, ratio %.2f\n", shared,
              apart, apart / shared);
}

void compare_parallel(const LlamaModel& model, std::size_t threads) {
  constexpr std::size_t kSamples = 16;
  std::vector<std::vector<Token>> prompts;
  for (std::size_t i = 0; i < kSamples; ++i) {
    prompts.push_back(prompt_of(model, 1000, 30, i));
  }
  double seconds[2];
  for (const std::size_t parallel : {1, 8}) {
    LlamaEngine engine(model, engine_options(parallel, threads));
    run_all(engine, {prompts[0], prompts[1]}, 2);  // The prefix is computed and kept.
    seconds[parallel == 1 ? 0 : 1] = run_all(engine, prompts, 64);
  }
  std::printf("16 samples of 30 + 64 tokens: parallel 1 %.1f s, parallel 8 %.1f s, ratio %.2f\n",
              seconds[0], seconds[1], seconds[0] / seconds[1]);
}

}  // namespace
}  // namespace crudbench

int main(int argc, char** argv) {
  using namespace crudbench;  // NOLINT(google-build-using-namespace)
  if (argc < 2) {
    std::fprintf(stderr, "usage: crudbench_llama_bench MODEL [threads=2] [rounds=3]\n");
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    const std::size_t threads = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 2;
    const int rounds = argc > 3 ? std::atoi(argv[3]) : 3;
    const LlamaModel model({.file = argv[1]});
    std::printf("%s, %zu threads\n", model.description().c_str(), threads);
    compare_with_plain_loop(model, threads, rounds);
    compare_sharing(model, threads);
    compare_parallel(model, threads);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
