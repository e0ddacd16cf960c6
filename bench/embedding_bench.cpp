/// How fast embedders of the knowledge base are, tokens a second:
/// - a GGUF model in this process against llama.cpp's own loop over the same texts;
/// - an endpoint on the loopback against a bare libcurl loop that sends the same requests and drops
///   the answers.
///
///   crudbench_embedding_bench llama MODEL|random [texts=256] [batch_tokens=0] [threads=2]
///   crudbench_embedding_bench endpoint BASE_URL MODEL_NAME [texts=4096] [batch=64] [in_flight=8]
///   crudbench_embedding_bench stub TOKENS_PER_SECOND [texts=4096] [batch=64] [in_flight=8]
///
/// `random` writes a BERT of random weights in the shape of bge-small (4 layers, width 512). `stub`
/// is a server of its own process that computes nothing, and answers with vectors of 768 numbers
/// at the rate of a server that reads so many tokens a second; 0: as fast as it can. Both sides
/// take turns; the best of three rounds counts. llama.cpp is measured in CPU seconds of all
/// threads, endpoints in seconds of the clock.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <curl/curl.h>
#include <deque>
#include <functional>
#include <llama-cpp.h>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "harness/core/catalog.h"
#include "harness/core/log.h"
#include "harness/core/random.h"
#include "harness/llama/sequence_encoder.h"
#include "harness/text/tokenizer.h"
#include "retrievers/embedders/builtin_embedders.h"
#include "retrievers/knowledge_base.h"
#include "retrievers/unfinished_rows.h"
#include "tests/fakes/http_server.h"
#include "tests/fakes/thread_pool_executor.h"
#include "tests/fakes/tiny_gguf.h"
#include "tests/support/process.h"

namespace crudbench {
namespace {

constexpr int kRounds = 3;
constexpr std::size_t kDimension = 768;

using MeasureSeconds = double (*)(const std::function<void()>& work);

double wall_seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Of all threads: what other jobs take of the machine does not count.
double cpu_seconds(const std::function<void()>& work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

/// Chinese texts of about 128 characters that differ.
std::vector<std::string> make_texts(std::size_t count) {
  const std::vector<std::string> words{"台风",     "登陆", "学校", "停课", "央行",   "下调",
                                       "准备金率", "地铁", "开通", "医院", "机器人", "记者",
                                       "获悉",     "增长", "销量", "，",   "。"};
  std::vector<std::string> texts;
  Random random(22);
  for (std::size_t i = 0; i < count; ++i) {
    std::string text;
    while (text.size() < 384) {
      text += words[random.below(words.size())];
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

void report(const char* name, double tokens, double bare, double ours) {
  std::printf("%-12s bare %10.0f tokens/s   crudbench %10.0f tokens/s   ratio %.3f\n", name,
              tokens / bare, tokens / ours, bare / ours);
}

/// Runs both in turns and reports the best of each.
void compare(const char* name, double tokens, MeasureSeconds seconds_of,
             const std::function<void()>& bare, const std::function<void()>& ours) {
  double best_bare = 1e9;
  double best_ours = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    best_bare = std::min(best_bare, seconds_of(bare));
    best_ours = std::min(best_ours, seconds_of(ours));
  }
  report(name, tokens, best_bare, best_ours);
}

/// The vectors of a corpus of `texts`, one a document, as `kb build` makes them.
class Embedding {
 public:
  Embedding(const std::vector<std::string>& texts, const Json& embedder, std::size_t threads)
      : executor_(threads) {
    add_builtin_embedders(catalog_);
    const std::uint32_t file = corpus_.add_file("texts");
    for (std::size_t i = 0; i < texts.size(); ++i) {
      corpus_.add(file, static_cast<std::uint32_t>(i + 1), texts[i]);
    }
    folder_ =
        std::filesystem::temp_directory_path() / ("embedding_bench_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_ / "model");
    SerialExecutor serial;
    table_ = ChunkTable::build(corpus_, WholeDocuments(), serial);
    embedder_ = catalog_.embedders.build(
        catalog_.embedders.resolve(embedder, "bench", ""),
        {.chunks = table_, .folder = folder_ / "model", .learn = true, .executor = executor_});
    for (const std::string& text : texts) {
      views_.push_back(text);
    }
  }
  ~Embedding() { std::filesystem::remove_all(folder_); }
  Embedding(const Embedding&) = delete;
  Embedding& operator=(const Embedding&) = delete;

  void run() {
    const std::filesystem::path unfinished = folder_ / "unfinished";
    {
      UnfinishedRows rows(unfinished, views_.size(), embedder_->dimension());
      embedder_->embed_passages(views_, rows.rows({0, views_.size()}), executor_,
                                [&rows](std::size_t begin, std::size_t end) {
                                  rows.finish({begin, end});
                                });
      rows.publish(folder_ / "vectors.f32");
    }
    std::filesystem::remove_all(unfinished);
    std::filesystem::remove(folder_ / "vectors.f32");
  }

 private:
  class WholeDocuments final : public Chunker {
   public:
    std::vector<ChunkPieces> chunk(const Document& document) const override {
      return {{{0, static_cast<std::uint32_t>(document.text.size())}}};
    }
  };

  Catalog catalog_;
  testing_support::ThreadPoolExecutor executor_;
  Corpus corpus_;
  std::filesystem::path folder_;
  ChunkTable table_;
  std::unique_ptr<Embedder> embedder_;
  std::vector<std::string_view> views_;
};

// llama.cpp

/// As llama.cpp's example "embedding" does it: sequences up to a number of tokens in one batch.
class BareLlama {
 public:
  BareLlama(const std::string& file, std::size_t batch_tokens, std::size_t threads)
      : model_({.file = file}), batch_tokens_(std::max<std::size_t>(batch_tokens, 512)) {
    llama_context_params parameters = llama_context_default_params();
    parameters.n_ctx = static_cast<std::uint32_t>(batch_tokens_);
    parameters.n_batch = parameters.n_ubatch = parameters.n_ctx;
    parameters.n_seq_max = batch_tokens == 0 ? 1 : 64;
    parameters.kv_unified = true;
    parameters.embeddings = true;
    parameters.n_threads = parameters.n_threads_batch = static_cast<std::int32_t>(threads);
    context_.reset(llama_init_from_model(model_.handle(), parameters));
    most_sequences_ = parameters.n_seq_max;
  }

  void run(const std::vector<std::string>& texts) {
    const llama_vocab* vocabulary = llama_model_get_vocab(model_.handle());
    const auto width = static_cast<std::size_t>(llama_model_n_embd(model_.handle()));
    rows_.resize(texts.size() * width);
    llama_batch batch = llama_batch_init(static_cast<std::int32_t>(batch_tokens_), 0, 1);
    std::size_t first = 0;
    std::size_t held = 0;
    const auto flush = [&] {
      if (held == 0) {
        return;
      }
      if (llama_decode(context_.get(), batch) != 0) {
        throw std::runtime_error("llama_decode failed");
      }
      for (std::size_t i = 0; i < held; ++i) {
        const float* values =
            llama_get_embeddings_seq(context_.get(), static_cast<llama_seq_id>(i));
        float* row = rows_.data() + (first + i) * width;
        double square = 0.0;
        for (std::size_t j = 0; j < width; ++j) {
          square += static_cast<double>(values[j]) * values[j];
        }
        for (std::size_t j = 0; j < width; ++j) {
          row[j] = static_cast<float>(values[j] / std::sqrt(square));
        }
      }
      first += held;
      held = 0;
      batch.n_tokens = 0;
    };
    std::vector<llama_token> tokens(1024);
    for (const std::string& text : texts) {
      const std::int32_t count =
          llama_tokenize(vocabulary, text.data(), static_cast<std::int32_t>(text.size()),
                         tokens.data(), static_cast<std::int32_t>(tokens.size()), true, false);
      if (held == most_sequences_ ||
          static_cast<std::size_t>(batch.n_tokens + count) > batch_tokens_) {
        flush();
      }
      for (std::int32_t i = 0; i < count; ++i) {
        batch.token[batch.n_tokens] = tokens[static_cast<std::size_t>(i)];
        batch.pos[batch.n_tokens] = i;
        batch.n_seq_id[batch.n_tokens] = 1;
        batch.seq_id[batch.n_tokens][0] = static_cast<llama_seq_id>(held);
        batch.logits[batch.n_tokens] = 1;
        ++batch.n_tokens;
      }
      ++held;
    }
    flush();
    llama_batch_free(batch);
  }

  /// Of all texts, as the model counts them.
  double count(const std::vector<std::string>& texts) const {
    std::size_t total = 0;
    for (const std::string& text : texts) {
      total += model_.tokenize(text, false).size() + 2;
    }
    return static_cast<double>(total);
  }

 private:
  LlamaModel model_;
  std::size_t batch_tokens_;
  std::size_t most_sequences_ = 1;
  llama_context_ptr context_;
  std::vector<float> rows_;
};

int run_llama(std::string model, std::size_t count, std::size_t batch_tokens, std::size_t threads) {
  std::filesystem::path written;
  if (model == "random") {
    written = std::filesystem::temp_directory_path() /
              ("embedding_bench_" + std::to_string(::getpid()) + ".gguf");
    write_random_bert(written, {.layers = 4, .embedding = 512, .heads = 8, .feed_forward = 2048});
    model = written.string();
  }
  {
    const std::vector<std::string> texts = make_texts(count);
    BareLlama bare(model, batch_tokens, threads);
    Embedding ours(texts, {{"type", "llama"}, {"model", model}, {"batch_tokens", batch_tokens}},
                   threads);
    compare(
        "llama.cpp", bare.count(texts), cpu_seconds, [&] { bare.run(texts); }, [&] { ours.run(); });
  }
  if (!written.empty()) {
    std::filesystem::remove(written);
  }
  return 0;
}

// An endpoint

std::size_t drop(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

/// The least that a client over libcurl can do: bodies that were made before, answers dropped.
void bare_requests(const std::string& url, const std::vector<std::string>& bodies,
                   std::size_t in_flight) {
  CURLM* multi = curl_multi_init();
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
  headers = curl_slist_append(headers, "Expect:");
  std::vector<CURL*> handles;
  std::size_t started = 0;
  const auto start = [&](CURL* handle) {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, bodies[started].data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(bodies[started].size()));
    curl_multi_add_handle(multi, handle);
    ++started;
  };
  while (started < std::min(in_flight, bodies.size())) {
    CURL* handle = curl_easy_init();
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &drop);
    handles.push_back(handle);
    start(handle);
  }
  for (std::size_t finished = 0; finished < bodies.size();) {
    int running = 0;
    curl_multi_perform(multi, &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      CURL* handle = message->easy_handle;
      curl_multi_remove_handle(multi, handle);
      ++finished;
      if (started < bodies.size()) {
        start(handle);
      }
    }
    if (running > 0) {
      curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
    }
  }
  for (CURL* handle : handles) {
    curl_easy_cleanup(handle);
  }
  curl_slist_free_all(headers);
  curl_multi_cleanup(multi);
}

int run_endpoint(const std::string& base_url, const std::string& model, std::size_t count,
                 std::size_t batch, std::size_t in_flight) {
  ::setenv("no_proxy", "127.0.0.1", 1);
  const std::vector<std::string> texts = make_texts(count);
  double tokens = 0.0;
  std::vector<std::string> bodies;
  for (std::size_t begin = 0; begin < texts.size(); begin += batch) {
    Json input = Json::array();
    for (std::size_t i = begin; i < std::min(begin + batch, texts.size()); ++i) {
      input.push_back(texts[i]);
      tokens += static_cast<double>(cl100k_tokenizer().count(texts[i]));
    }
    bodies.push_back(
        to_text(Json{{"model", model}, {"input", input}, {"encoding_format", "float"}}));
  }
  Embedding ours(texts,
                 {{"type", "openai"},
                  {"base_url", base_url},
                  {"model", model},
                  {"batch_size", batch},
                  {"max_concurrency", in_flight}},
                 1);
  compare(
      "endpoint", tokens, wall_seconds,
      [&] { bare_requests(base_url + "/embeddings", bodies, in_flight); }, [&] { ours.run(); });
  return 0;
}

/// The answers of a server that embeds so many tokens a second, one request after the other.
class Stub {
 public:
  explicit Stub(double tokens_per_second) : tokens_per_second_(tokens_per_second) {
    Random random(1);
    std::string vector = "[";
    for (std::size_t i = 0; i < kDimension; ++i) {
      char number[32];
      std::snprintf(number, sizeof number, "%s%.9g", i == 0 ? "" : ",", random.unit() - 0.5);
      vector += number;
    }
    vector_ = vector + "]";
  }

  testing_support::ScriptedResponse answer(const testing_support::ReceivedRequest& request) {
    const Json input = Json::parse(request.body).at("input");
    const auto now = std::chrono::steady_clock::now();
    free_at_ = std::max(free_at_, now);
    if (tokens_per_second_ > 0.0) {
      std::size_t characters = 0;
      for (const Json& text : input) {
        characters += text.get_ref<const std::string&>().size() / 3;
      }
      free_at_ += std::chrono::microseconds(
          static_cast<std::int64_t>(1e6 * static_cast<double>(characters) / tokens_per_second_));
    }
    std::string& body = bodies_[input.size()];
    if (body.empty()) {
      body = "{\"object\":\"list\",\"data\":[";
      for (std::size_t i = 0; i < input.size(); ++i) {
        body += (i == 0 ? "" : ",") + std::string("{\"object\":\"embedding\",\"index\":") +
                std::to_string(i) + ",\"embedding\":" + vector_ + "}";
      }
      body += "]}";
    }
    return {.body = body, .delay = std::chrono::ceil<std::chrono::milliseconds>(free_at_ - now)};
  }

 private:
  double tokens_per_second_;
  std::string vector_;
  std::map<std::size_t, std::string> bodies_;  // by number of texts
  std::chrono::steady_clock::time_point free_at_;
};

int run_stub(double tokens_per_second, std::size_t count, std::size_t batch,
             std::size_t in_flight) {
  Stub stub(tokens_per_second);
  const testing_support::HttpServer server(
      [&stub](const testing_support::ReceivedRequest& request) { return stub.answer(request); });
  return run_endpoint(server.url("/v1"), "stub", count, batch, in_flight);
}

int run(const std::vector<std::string>& arguments) {
  set_log_level(LogLevel::kWarning);
  const auto number = [&](std::size_t place, std::size_t otherwise) {
    return arguments.size() > place ? static_cast<std::size_t>(std::stoul(arguments[place]))
                                    : otherwise;
  };
  if (arguments.size() >= 2 && arguments[0] == "llama") {
    return run_llama(arguments[1], number(2, 256), number(3, 0), number(4, 2));
  }
  if (arguments.size() >= 3 && arguments[0] == "endpoint") {
    return run_endpoint(arguments[1], arguments[2], number(3, 4096), number(4, 64), number(5, 8));
  }
  if (arguments.size() >= 2 && arguments[0] == "stub") {
    return run_stub(std::stod(arguments[1]), number(2, 4096), number(3, 64), number(4, 8));
  }
  std::fprintf(
      stderr,
      "usage: crudbench_embedding_bench llama MODEL|random [TEXTS [BATCH_TOKENS "
      "[THREADS]]]\n"
      "       crudbench_embedding_bench endpoint BASE_URL MODEL [TEXTS [BATCH [IN_FLIGHT]]]\n"
      "       crudbench_embedding_bench stub TOKENS_PER_SECOND [TEXTS [BATCH "
      "[IN_FLIGHT]]]\n");
  return 2;
}

}  // namespace
}  // namespace crudbench

int main(int count, char** arguments) {
  try {
    return crudbench::run({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
