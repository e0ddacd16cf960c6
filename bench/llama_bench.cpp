/// The local engine against llama.cpp's own loop on the same model; what sharing a prefix and
/// decoding several sequences at a time gain; what telemetry costs, and the harness's own work
/// beside decoding.
///
///   crudbench_llama_bench MODEL [threads=2] [rounds=3] [PART…]
///
/// Parts: loop, telemetry, beside, sharing, parallel; without one all of them. Prints the best of
/// the rounds; both sides of a comparison take turns, so that what else runs on the machine hits
/// both.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <llama-cpp.h>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "harness/core/random.h"
#include "harness/llama/engine.h"
#include "harness/llama/gguf_file.h"
#include "harness/llama/model.h"
#include "harness/llama/routing.h"
#include "harness/runner/thread_pool.h"
#include "harness/text/segmenter.h"

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

/// Reads a prompt and writes an answer.
Speed engine_speed(LlamaEngine& engine, const std::vector<Token>& prompt) {
  EngineAnswer answer;
  run_all(engine, {prompt}, kAnswer, &answer);
  const auto tokens = static_cast<double>(answer.usage.completion_tokens - 1);
  return {.prefill = static_cast<double>(prompt.size()) / answer.prefill_seconds,
          .decode = tokens / std::max(answer.decode_seconds, 1e-9)};
}

void print_speeds(const char* left_name, const Speed& left, const char* right_name,
                  const Speed& right) {
  std::printf("prefill  %s %8.1f tokens/s  %s %8.1f  ratio %.3f\n", left_name, left.prefill,
              right_name, right.prefill, right.prefill / left.prefill);
  std::printf("decode   %s %8.1f tokens/s  %s %8.1f  ratio %.3f\n", left_name, left.decode,
              right_name, right.decode, right.decode / left.decode);
}

void compare_with_plain_loop(const LlamaModel& model, std::size_t threads, int rounds) {
  LlamaEngine engine(model, engine_options(1, threads));
  Speed ours;
  Speed plain;
  for (int round = 0; round < rounds; ++round) {
    const std::vector<Token> prompt =
        prompt_of(model, 0, kPrompt, static_cast<std::uint64_t>(round));
    plain.keep_best(plain_loop(model, prompt, threads));
    ours.keep_best(engine_speed(engine, prompt));
  }
  print_speeds("llama.cpp", plain, "engine", ours);
}

/// The same engine with and without routing telemetry.
void compare_telemetry(const LlamaModel& model, const GgufFile& file, std::size_t threads,
                       int rounds) {
  RoutingTelemetry telemetry({.layers = file.layers,
                              .experts = file.experts,
                              .expert_bytes = file.expert_bytes,
                              .micro_batch = 512});
  LlamaEngine off(model, engine_options(1, threads));
  LlamaEngine on(model, engine_options(1, threads), &telemetry);
  Speed without;
  Speed with;
  for (int round = 0; round < rounds; ++round) {
    const std::vector<Token> prompt =
        prompt_of(model, 0, kPrompt, static_cast<std::uint64_t>(round));
    without.keep_best(engine_speed(off, prompt));
    with.keep_best(engine_speed(on, prompt));
  }
  print_speeds("telemetry off", without, "on", with);
}

/// What a run's retrieval and scoring do to its decoding: segmenting text on as many threads as
/// there are cores, at the priority that the runner gives them beside a local model, and at the
/// usual one, which it does not.
void compare_beside(const LlamaModel& model, std::size_t threads, int rounds) {
  const std::string text = [] {
    std::string repeated;
    for (int i = 0; i < 200; ++i) {
      repeated += "研究人员在同一份语料上比较检索、切分与上下文长度，并公布结果。";
    }
    return repeated;
  }();
  LlamaEngine engine(model, engine_options(1, threads));
  Speed alone;
  for (int round = 0; round < rounds; ++round) {
    const auto name = static_cast<std::uint64_t>(100 + round);
    alone.keep_best(engine_speed(engine, prompt_of(model, 0, kPrompt, name)));
  }
  for (const ThreadPool::Priority priority :
       {ThreadPool::Priority::kIdle, ThreadPool::Priority::kNormal}) {
    ThreadPool pool(threads, priority);
    std::atomic<bool> done{false};
    std::atomic<std::size_t> bytes{0};
    std::jthread work([&] {
      pool.run_all(threads, [&](std::size_t) {
        while (!done) {
          std::vector<std::string_view> words;
          jieba_segmenter().segment(text, words);
          bytes += text.size();
        }
      });
    });
    Speed beside;
    const double seconds = seconds_of([&] {
      for (int round = 0; round < rounds; ++round) {
        const auto name = static_cast<std::uint64_t>(200 + round);
        beside.keep_best(engine_speed(engine, prompt_of(model, 0, kPrompt, name)));
      }
    });
    done = true;
    work.join();
    const bool is_idle = priority == ThreadPool::Priority::kIdle;
    print_speeds("alone", alone, is_idle ? "beside idle work" : "beside usual work", beside);
    std::printf("         segmented beside it: %.1f MB/s\n",
                static_cast<double>(bytes) / 1e6 / seconds);
  }
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

/// Tokens a second of llama.cpp's own loop over so many sequences, one token each a step.
double plain_steps(const LlamaModel& model, std::size_t sequences, std::size_t threads) {
  constexpr int kSteps = 32;
  llama_context_params parameters = llama_context_default_params();
  parameters.n_ctx = static_cast<std::uint32_t>(1600 * sequences);
  parameters.n_seq_max = static_cast<std::uint32_t>(sequences);
  parameters.n_threads = parameters.n_threads_batch = static_cast<std::int32_t>(threads);
  const llama_context_ptr context(llama_init_from_model(model.handle(), parameters));
  llama_batch batch = llama_batch_init(static_cast<std::int32_t>(sequences), 0, 1);
  Random random(3);
  const double seconds = seconds_of([&] {
    for (int step = 0; step < kSteps; ++step) {
      batch.n_tokens = static_cast<std::int32_t>(sequences);
      for (std::size_t i = 0; i < sequences; ++i) {
        batch.token[i] = static_cast<Token>(280 + random.below(model.vocabulary_size() - 300));
        batch.pos[i] = step;
        batch.n_seq_id[i] = 1;
        batch.seq_id[i][0] = static_cast<llama_seq_id>(i);
        batch.logits[i] = 1;
      }
      if (llama_decode(context.get(), batch) != 0) {
        throw std::runtime_error("llama_decode failed");
      }
    }
  });
  llama_batch_free(batch);
  return kSteps * static_cast<double>(sequences) / seconds;
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
  const double one = plain_steps(model, 1, threads);
  const double eight = plain_steps(model, 8, threads);
  std::printf("llama.cpp's own loop, tokens/s: 1 sequence %.1f, 8 sequences %.1f, ratio %.2f\n",
              one, eight, eight / one);
}

}  // namespace
}  // namespace crudbench

int main(int argc, char** argv) {
  using namespace crudbench;  // NOLINT(google-build-using-namespace)
  if (argc < 2) {
    std::fprintf(stderr, "usage: crudbench_llama_bench MODEL [threads=2] [rounds=3] [PART…]\n");
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    const std::size_t threads = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 2;
    const int rounds = argc > 3 ? std::atoi(argv[3]) : 3;
    const LlamaModel model({.file = argv[1]});
    std::printf("%s, %zu threads\n", model.description().c_str(), threads);
    const std::vector<std::string_view> parts(argv + std::min(argc, 4), argv + argc);
    const auto is_wanted = [&parts](std::string_view part) {
      return parts.empty() || std::find(parts.begin(), parts.end(), part) != parts.end();
    };
    if (is_wanted("loop")) {
      compare_with_plain_loop(model, threads, rounds);
    }
    if (is_wanted("telemetry")) {
      compare_telemetry(model, read_gguf_file(argv[1]), threads, rounds);
    }
    if (is_wanted("beside")) {
      compare_beside(model, threads, rounds);
    }
    if (is_wanted("sharing")) {
      compare_sharing(model, threads);
    }
    if (is_wanted("parallel")) {
      compare_parallel(model, threads);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
