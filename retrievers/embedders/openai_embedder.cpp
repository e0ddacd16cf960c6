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
#include "harness/text/utf8.h"
#include "retrievers/array_file.h"
#include "retrievers/chunk_table.h"
#include "retrievers/embedders/builtin_embedders.h"
#include "retrievers/embedders/unit_rows.h"

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

/// What a server says, for a message: the key taken out, control characters and marks that steer a
/// terminal replaced, at most 200 code points.
std::string quote(std::string_view words, const std::string& key) {
  constexpr std::size_t kLongest = 200;
  std::string shown;
  for (std::size_t length = 0; !words.empty(); ++length) {
    if (length >= kLongest) {
      return shown + "…";
    }
    if (!key.empty() && words.starts_with(key)) {
      shown += "***";
      words.remove_prefix(key.size());
      continue;
    }
    const CodePoint next = decode_at(words, 0);
    const bool steers = next.value < 0x20 || (next.value >= 0x7F && next.value < 0xA0) ||
                        (next.value >= 0x2028 && next.value <= 0x202E) ||
                        (next.value >= 0x2066 && next.value <= 0x2069);
    append_utf8(shown, steers ? U' ' : next.value);
    words.remove_prefix(next.size_bytes);
  }
  return shown;
}

/// The member of an untrusted object; null where there is none.
const Json& member(const Json& value, const char* key) {
  static const Json null;
  const auto found = value.is_object() ? value.find(key) : value.end();
  return found == value.end() ? null : *found;
}

/// What is wrong with one answer.
struct Problem {
  ErrorCode code = ErrorCode::kBadReply;
  std::string message;
  bool retriable = false;
};

/// Reads an answer of `/embeddings` (OpenAI API reference, "The embedding object") for `count`
/// texts into `rows` [count, dimension]. A `dimension` of 0 means any: it is set, and no row is
/// written.
class AnswerReader {
 public:
  AnswerReader(const std::string& api_key, std::size_t& dimension)
      : api_key_(api_key), dimension_(dimension) {}

  std::optional<Problem> read(const HttpResult& result, std::size_t count,
                              std::span<float> rows) const {
    if (result.failure) {
      const std::string& name = result.failure->failure_class;
      return Problem{ErrorCode::kUnavailable,
                     name + ": " + quote(result.failure->message, api_key_),
                     name != "too_large" && name != "redirect"};
    }
    const HttpResponse& response = result.response;
    if (response.status != 200) {
      const bool passes = response.status == 408 || response.status == 409 ||
                          response.status == 425 || response.status == 429 ||
                          response.status >= 500;
      return Problem{
          ErrorCode::kUnavailable,
          "HTTP " + std::to_string(response.status) + ": " + quote(response.body, api_key_),
          passes};
    }
    const Json body = Json::parse(response.body, nullptr, false);
    const Json& data = member(body, "data");
    if (!data.is_array()) {
      return Problem{ErrorCode::kBadReply,
                     "the answer has no list \"data\": " + quote(response.body, api_key_), true};
    }
    if (data.size() != count) {
      return bad("the answer has " + std::to_string(data.size()) + " vectors for " +
                 std::to_string(count) + " texts");
    }
    std::vector<bool> seen(count);
    for (const Json& item : data) {
      if (auto problem = read_vector(item, seen, rows)) {
        return problem;
      }
    }
    return std::nullopt;
  }

 private:
  static Problem bad(std::string message) { return {ErrorCode::kBadReply, std::move(message)}; }

  std::optional<Problem> read_vector(const Json& item, std::vector<bool>& seen,
                                     std::span<float> rows) const {
    const Json& index = member(item, "index");
    const Json& values = member(item, "embedding");
    if (!index.is_number_unsigned() || index.get<std::size_t>() >= seen.size()) {
      return bad("a vector has no \"index\" from 0 to " + std::to_string(seen.size() - 1));
    }
    const auto position = index.get<std::size_t>();
    const std::string name = "the vector of text " + std::to_string(position);
    if (seen[position]) {
      return bad(name + " is there twice");
    }
    seen[position] = true;
    if (!values.is_array() || values.empty()) {
      return bad(name + " is no list of numbers");
    }
    if (dimension_ == 0) {
      dimension_ = values.size();
    }
    if (values.size() != dimension_) {
      return bad(name + " has " + std::to_string(values.size()) + " dimensions and not " +
                 std::to_string(dimension_));
    }
    if (rows.empty()) {
      return std::nullopt;
    }
    const std::span<float> row = rows.subspan(position * dimension_, dimension_);
    for (std::size_t i = 0; i < dimension_; ++i) {
      if (!values[i].is_number()) {
        return bad(name + " holds what is no number");
      }
      row[i] = values[i].get<float>();
    }
    if (!scale_to_unit(row)) {
      return bad(name + " holds a value that is not finite");
    }
    return std::nullopt;
  }

  const std::string& api_key_;
  std::size_t& dimension_;
};

/// One call of `embed`: its batches, `max_concurrency` of them under way at once.
class Session {
 public:
  Session(const OpenaiEmbedderOptions& options, const std::string& api_key, std::size_t& dimension)
      : options_(options), api_key_(api_key), reader_(api_key, dimension) {
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
    const std::optional<Problem> problem = reader_.read(result, batch.texts.size(), batch.rows);
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
  AnswerReader reader_;
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
