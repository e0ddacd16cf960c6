#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/json.h"
#include "harness/net/endpoint.h"
#include "harness/net/http_client.h"
#include "harness/net/retry.h"
#include "retrievers/array_file.h"
#include "retrievers/chunk_table.h"
#include "retrievers/embedders/builtin_embedders.h"
#include "retrievers/embedders/embeddings_reply.h"

namespace crudbench {

namespace {

using std::chrono::milliseconds;

constexpr std::string_view kFileKind = "dimension";
constexpr std::string_view kFileName = "dimension.bin";

struct OpenaiEmbedderOptions {
  EndpointOptions endpoint;
  std::string model;
  std::size_t dimensions = 0;  ///< Asked of the server; 0: what it gives.
  std::string query_prefix;
  std::string passage_prefix;
  std::size_t batch_size = 64;  ///< Texts a request.
};

OpenaiEmbedderOptions parse_options(Options& options) {
  OpenaiEmbedderOptions parsed;
  parsed.endpoint = read_endpoint_options(options, 120.0);
  parsed.model = options.text("model");
  if (parsed.model.empty()) {
    options.fail("model", "the name of a model");
  }
  if (!options.raw("dimensions").is_null()) {
    parsed.dimensions = static_cast<std::size_t>(options.integer("dimensions", 0, 1, 65'536));
  }
  parsed.query_prefix = options.text("query_prefix", "");
  parsed.passage_prefix = options.text("passage_prefix", "");
  parsed.batch_size = static_cast<std::size_t>(options.integer("batch_size", 64, 1, 4096));
  return parsed;
}

/// One call of `embed`: its batches, `max_concurrency` of them under way at once.
class Session {
 public:
  Session(const OpenaiEmbedderOptions& options, const std::string& api_key, std::size_t& dimension)
      : options_(options), api_key_(api_key), dimension_(dimension) {
    headers_ = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
    if (!api_key.empty()) {
      headers_.push_back({"Authorization", "Bearer " + api_key});
    }
  }

  /// Writes the rows [texts, dimension] in batches of `batch_size` texts and calls `done` for each.
  /// Without rows the dimension is asked, and nothing else. Throws for the first batch that fails
  /// for good.
  void run(std::span<const std::string_view> texts, const std::string& prefix,
           std::span<float> rows, const RowsDone& done) {
    done_with_ = &done;
    std::vector<Batch> batches((texts.size() + options_.batch_size - 1) / options_.batch_size);
    for (std::size_t i = 0; i < batches.size(); ++i) {
      Batch& batch = batches[i];
      batch.begin = i * options_.batch_size;
      batch.texts =
          texts.subspan(batch.begin, std::min(options_.batch_size, texts.size() - batch.begin));
      if (!rows.empty()) {
        const std::size_t dimension = rows.size() / texts.size();
        batch.rows = rows.subspan(batch.begin * dimension, batch.texts.size() * dimension);
      }
    }
    std::size_t next = 0;
    while (done_ < batches.size()) {
      for (; next < batches.size() && next - done_ < options_.endpoint.max_concurrency; ++next) {
        batches[next].body = request_body(batches[next].texts, prefix);
        send(batches[next]);
      }
      constexpr milliseconds kNetworkWait{1000};
      loop_.run_once(kNetworkWait);
    }
  }

 private:
  struct Batch {
    std::size_t begin = 0;  ///< Position of the first text.
    std::span<const std::string_view> texts;
    std::span<float> rows;  // [texts, dimension]
    std::string body;
    int attempts = 0;
  };

  std::string request_body(std::span<const std::string_view> texts,
                           const std::string& prefix) const {
    Json input = Json::array();
    for (const std::string_view text : texts) {
      input.push_back(prefix + std::string(text));
    }
    Json body{{"model", options_.model}, {"input", std::move(input)}, {"encoding_format", "float"}};
    if (options_.dimensions > 0) {
      body["dimensions"] = options_.dimensions;
    }
    return to_text(body);
  }

  void send(Batch& batch) {
    HttpRequest request = options_.endpoint.post("/embeddings");
    request.headers = headers_;
    request.body = batch.body;
    loop_.submit(std::move(request),
                 [this, &batch](const HttpResult& result) { receive(batch, result); });
  }

  void receive(Batch& batch, const HttpResult& result) {
    const std::optional<EmbeddingsProblem> problem =
        read_embeddings_reply(result, batch.texts.size(), dimension_, batch.rows, api_key_);
    ++batch.attempts;
    if (!problem) {
      batch.body = {};
      ++done_;
      (*done_with_)(batch.begin, batch.begin + batch.texts.size());
      return;
    }
    if (problem->retriable) {
      const std::string* const header = result.response.find_header("retry-after");
      const auto retry_after = header == nullptr
                                   ? std::nullopt
                                   : parse_retry_after(*header, std::chrono::system_clock::now());
      if (const auto delay =
              next_delay(options_.endpoint.retry, "batch " + std::to_string(number_of(batch)),
                         batch.attempts, retry_after)) {
        loop_.call_at(HttpLoop::Clock::now() + *delay, [this, &batch] { send(batch); });
        return;
      }
    }
    throw Error(problem->code, "embedder openai (" + options_.model + "): batch " +
                                   std::to_string(number_of(batch) + 1) + " of " +
                                   std::to_string(batch.texts.size()) + " texts, attempt " +
                                   std::to_string(batch.attempts) + ": " + problem->message);
  }

  std::size_t number_of(const Batch& batch) const { return batch.begin / options_.batch_size; }

  const OpenaiEmbedderOptions& options_;
  const std::string& api_key_;
  std::size_t& dimension_;
  std::vector<HttpHeader> headers_;
  const RowsDone* done_with_ = nullptr;
  std::size_t done_ = 0;
  HttpLoop loop_;
};

/// Embeddings of an endpoint that speaks OpenAI's `/embeddings`. Callable from several threads:
/// each call of `embed` has its own connections.
class OpenaiEmbedder final : public Embedder {
 public:
  OpenaiEmbedder(OpenaiEmbedderOptions options, std::string api_key, std::size_t dimension)
      : options_(std::move(options)), api_key_(std::move(api_key)), dimension_(dimension) {}

  std::size_t dimension() const noexcept override { return dimension_; }

  void embed(std::span<const std::string_view> texts, TextRole role, std::span<float> rows,
             Executor&) const override {
    const bool is_query = role == TextRole::kQuery;
    run(texts, is_query ? options_.query_prefix : options_.passage_prefix, rows,
        [](std::size_t, std::size_t) {});
  }

  void embed_passages(std::span<const std::string_view> texts, std::span<float> rows, Executor&,
                      const RowsDone& done) const override {
    run(texts, options_.passage_prefix, rows, done);
  }

  /// The dimension that the endpoint gives, asked with one text.
  static std::size_t ask_dimension(const OpenaiEmbedderOptions& options, const std::string& api_key,
                                   std::string_view text) {
    std::size_t dimension = options.dimensions;
    Session(options, api_key, dimension)
        .run(std::span(&text, 1), options.passage_prefix, {}, [](std::size_t, std::size_t) {});
    return dimension;
  }

 private:
  void run(std::span<const std::string_view> texts, const std::string& prefix,
           std::span<float> rows, const RowsDone& done) const {
    std::size_t dimension = dimension_;
    Session(options_, api_key_, dimension).run(texts, prefix, rows, done);
  }

  OpenaiEmbedderOptions options_;
  std::string api_key_;
  std::size_t dimension_;
};

std::unique_ptr<Embedder> make_openai_embedder(Options& options, const EmbedderParts& parts) {
  OpenaiEmbedderOptions parsed = parse_options(options);
  std::string api_key = read_api_key(parsed.endpoint.api_key_env);
  const std::filesystem::path path = parts.folder / kFileName;
  if (parts.learn) {
    const std::array<std::uint64_t, 1> dimension{
        OpenaiEmbedder::ask_dimension(parsed, api_key, parts.chunks.text(0))};
    const std::array<NamedArray, 1> arrays{{{"dimension", dimension}}};
    write_array_file(path, kFileKind, arrays);
  }
  const ArrayFile file(path, kFileKind);
  const auto dimension = file.array<std::uint64_t>("dimension");
  if (dimension.size() != 1 || dimension[0] == 0) {
    file.fail("there is no dimension");
  }
  return std::make_unique<OpenaiEmbedder>(std::move(parsed), std::move(api_key), dimension[0]);
}

}  // namespace

Registry<Embedder, const EmbedderParts&>::Entry openai_embedder() {
  std::vector<std::string> neutral = neutral_endpoint_options();
  neutral.emplace_back("batch_size");
  return {.summary = "An endpoint with OpenAI's interface for embeddings",
          .example = {{"type", "openai"},
                      {"base_url", "http://127.0.0.1:8080/v1"},
                      {"model", "bge-m3"},
                      {"api_key_env", "OPENAI_API_KEY"},
                      {"batch_size", 64},
                      {"max_concurrency", 8}},
          .check = [](Options& options) { static_cast<void>(parse_options(options)); },
          .make = make_openai_embedder,
          .neutral_options = std::move(neutral),
          .costly = true};
}

}  // namespace crudbench
