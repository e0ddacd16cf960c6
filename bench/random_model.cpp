/// Writes a mixture-of-experts model of random weights and real shape, tensor by tensor, so that it
/// needs next to no memory: for measurements of speed where no trained model is at hand.
///
///   crudbench_random_model FILE [layers=16] [embedding=2048] [heads=16] [kv_heads=4]
///                          [head_size=128] [experts=64] [experts_used=8] [feed_forward=1024]
///                          [vocabulary=32000] [context=32768] [weights=q4_0|q8_0|f16|f32] [seed=1]
///
/// The defaults make 6.7 billion parameters in q4_0, 3.8 GB.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <string>

#include "tests/fakes/tiny_gguf.h"

namespace crudbench {
namespace {

RandomModel real_shape() {
  RandomModel model;
  model.weights = RandomModel::Weights::kQ4;
  model.layers = 16;
  model.embedding = 2048;
  model.heads = 16;
  model.kv_heads = 4;
  model.head_size = 128;
  model.experts = 64;
  model.experts_used = 8;
  model.feed_forward = 1024;
  model.context = 32768;
  model.vocabulary = 32000;
  model.chat_template = kChatMlTemplate;
  return model;
}

bool read_argument(const std::string& argument, RandomModel& model) {
  const std::map<std::string, int*> numbers{{"layers", &model.layers},
                                            {"embedding", &model.embedding},
                                            {"heads", &model.heads},
                                            {"kv_heads", &model.kv_heads},
                                            {"head_size", &model.head_size},
                                            {"experts", &model.experts},
                                            {"experts_used", &model.experts_used},
                                            {"feed_forward", &model.feed_forward},
                                            {"vocabulary", &model.vocabulary},
                                            {"context", &model.context}};
  const std::map<std::string, RandomModel::Weights> weights{{"q4_0", RandomModel::Weights::kQ4},
                                                            {"q8_0", RandomModel::Weights::kQ8},
                                                            {"f16", RandomModel::Weights::kF16},
                                                            {"f32", RandomModel::Weights::kF32}};
  const std::size_t equals = argument.find('=');
  if (equals == std::string::npos) {
    return false;
  }
  const std::string name = argument.substr(0, equals);
  const std::string value = argument.substr(equals + 1);
  if (name == "weights") {
    const auto found = weights.find(value);
    if (found != weights.end()) {
      model.weights = found->second;
    }
    return found != weights.end();
  }
  const int number = std::atoi(value.c_str());
  if (number < 1) {
    return false;
  }
  if (name == "seed") {
    model.seed = static_cast<std::uint64_t>(number);
    return true;
  }
  const auto found = numbers.find(name);
  if (found != numbers.end()) {
    *found->second = number;
  }
  return found != numbers.end();
}

int run(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: crudbench_random_model FILE [name=value …]; see bench/random_model.cpp\n");
    return 2;
  }
  RandomModel model = real_shape();
  for (int i = 2; i < argc; ++i) {
    if (!read_argument(argv[i], model)) {
      std::fprintf(stderr, "'%s' is no argument of this program\n", argv[i]);
      return 2;
    }
  }
  const auto begin = std::chrono::steady_clock::now();
  for (const std::filesystem::path& path : write_random_model(argv[1], model)) {
    std::printf("%s: %.2f GB\n", path.c_str(),
                static_cast<double>(std::filesystem::file_size(path)) / 1e9);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::printf("written in %.1f s\n", seconds.count());
  return 0;
}

}  // namespace
}  // namespace crudbench

int main(int argc, char** argv) {
  try {
    return crudbench::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
