#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>

#include "harness/net/endpoint.h"
#include "harness/net/http_client.h"
#include "harness/net/retry.h"
#include "harness/text/utf8.h"
#include "retrievers/rerankers/reranker.h"

namespace crudbench {

namespace {

using std::chrono::milliseconds;

struct EndpointRerankerOptions {
  EndpointOptions endpoint;
  std::string api;    ///< "jina", "cohere" or "tei": what requests look like.
  std::string model;  ///< Not sent to "tei", which serves one.
};

EndpointRerankerOptions read_options(Options& options, std::string api) {
  EndpointRerankerOptions read{.endpoint = read_endpoint_options(options, 60.0),
                               .api = std::move(api),
                               .model = options.text("model", "")};
  if (read.model.empty() && read.api != "tei") {
    options.fail("model", "the name of a model");
  }
  return read;
}

/// What one answer of the server came to: a score for each of the texts, or a failure.
struct Outcome {
  std::vector<double> scores;
  std::optional<Failure> failure;
  bool retriable = false;
};

/// Reads the answers of rerank endpoints: a list of {"index", "relevance_score" or "score"}, bare
/// (TEI) or under "results" (Jina, Cohere and those that follow them). Every text is listed once.
class AnswerReader {
 public:
  explicit AnswerReader(std::string api_key) : api_key_(std::move(api_key)) {}

  Outcome read(const HttpResult& result, std::size_t text_count) const {
    if (result.failure) {
      const std::string& failure_class = result.failure->failure_class;
      return fail(failure_class, result.failure->message,
                  failure_class != "too_large" && failure_class != "redirect");
    }
    const int status = result.response.status;
    if (status == 200) {
      return read_scores(result.response.body, text_count);
    }
    const std::string message =
        "HTTP " + std::to_string(status) + ": " + quoted(result.response.body);
    if (status == 429) {
      return fail("rate_limited", message, true);
    }
    if (status >= 500) {
      return fail("http_5xx", message, true);
    }
    if (status < 400) {
      return fail("malformed", message, true);
    }
    return fail("http_4xx", message, status == 408 || status == 409 || status == 425);
  }

 private:
  static Outcome fail(std::string failure_class, std::string message, bool retriable) {
    return {.failure = Failure{.stage = Stage::kRetrieval,
                               .failure_class = std::move(failure_class),
                               .message = "rerank endpoint: " + std::move(message)},
            .retriable = retriable};
  }

  Outcome malformed(const std::string& problem, const std::string& body) const {
    return fail("malformed", problem + ": " + quoted(body), true);
  }

  Outcome read_scores(const std::string& body, std::size_t text_count) const {
    const Json reply = Json::parse(body, nullptr, false);
    const Json* list = &reply;
    if (reply.is_object() && reply.contains("results")) {
      list = &reply.at("results");
    }
    if (!list->is_array() || list->size() != text_count) {
      return malformed("the answer has no list of " + std::to_string(text_count) + " results",
                       body);
    }
    std::vector<double> scores(text_count);
    std::vector<bool> has_score(text_count);
    for (const Json& result : *list) {
      const auto number_at = [&result](const char* key) {
        return result.is_object() && result.contains(key) && result.at(key).is_number();
      };
      const char* key = number_at("relevance_score") ? "relevance_score" : "score";
      if (!number_at("index") || !result.at("index").is_number_unsigned() || !number_at(key) ||
          !std::isfinite(result.at(key).get<double>())) {
        return malformed("a result has no index or no finite score", body);
      }
      const auto index = result.at("index").get<std::uint64_t>();
      if (index >= text_count) {
        return malformed("a result has the index " + std::to_string(index) + " of " +
                             std::to_string(text_count) + " texts",
                         body);
      }
      if (has_score[index]) {
        return malformed("two results have the index " + std::to_string(index), body);
      }
      has_score[index] = true;
      scores[index] = result.at(key).get<double>();
    }
    return {.scores = std::move(scores)};
  }

  /// The beginning of what a server said, for a message; nothing of it if it repeats the key.
  std::string quoted(std::string_view body) const {
    constexpr std::size_t kLongest = 200;
    const std::string escaped = to_text(Json(api_key_));
    if (!api_key_.empty() &&
        (body.find(api_key_) != std::string_view::npos ||
         body.find(escaped.substr(1, escaped.size() - 2)) != std::string_view::npos)) {
      return "(not shown, since it repeats the key)";
    }
    std::string text = replace_invalid_utf8(body.substr(0, kLongest));
    std::replace_if(
        text.begin(), text.end(), [](unsigned char byte) { return byte < 0x20 || byte == 0x7F; },
        ' ');
    return text + (body.size() > kLongest ? "…" : "");
  }

  std::string api_key_;
};

/// One call of `retrieve`: its queries, each on its way or waiting for its next attempt.
class Session {
 public:
  Session(const EndpointRerankerOptions& options, const std::string& api_key,
          const ChunkTable& chunks, std::span<const Query> queries,
          std::vector<Retrieval>& retrievals)
      : options_(options),
        chunks_(chunks),
        queries_(queries),
        retrievals_(retrievals),
        reader_(api_key),
        work_(queries.size()) {
    headers_ = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
    if (!api_key.empty()) {
      headers_.push_back({"Authorization", "Bearer " + api_key});
    }
  }

  void run() {
    constexpr milliseconds kWait{1000};
    for (std::size_t next = 0; next < queries_.size() || under_way_ > 0;) {
      if (next < queries_.size() && under_way_ < options_.endpoint.max_concurrency) {
        begin(next++);
      } else {
        loop_.run_once(kWait);
      }
    }
  }

 private:
  struct Work {
    std::string body;
    int attempt_count = 0;
  };

  void begin(std::size_t query) {
    if (retrievals_[query].hits.empty()) {
      return;
    }
    Json texts = Json::array();
    for (const Hit& hit : retrievals_[query].hits) {
      texts.push_back(chunks_.text(hit.chunk));
    }
    Json body{{"query", queries_[query].text}};
    if (options_.api == "tei") {
      body["texts"] = std::move(texts);
    } else {
      body["model"] = options_.model;
      body["top_n"] = texts.size();
      body["documents"] = std::move(texts);
    }
    if (options_.api == "jina") {
      body["return_documents"] = false;
    }
    work_[query].body = to_text(body);
    ++under_way_;
    send(query);
  }

  void send(std::size_t query) {
    ++work_[query].attempt_count;
    HttpRequest request = options_.endpoint.post("/rerank");
    request.headers = headers_;
    request.body = work_[query].body;
    loop_.submit(std::move(request),
                 [this, query](const HttpResult& result) { receive(query, result); });
  }

  void receive(std::size_t query, const HttpResult& result) {
    Retrieval& retrieval = retrievals_[query];
    Outcome outcome = reader_.read(result, retrieval.hits.size());
    if (outcome.retriable) {
      const std::string* header = result.response.find_header("retry-after");
      const auto retry_after = header == nullptr
                                   ? std::nullopt
                                   : parse_retry_after(*header, std::chrono::system_clock::now());
      if (const auto delay = next_delay(options_.endpoint.retry, queries_[query].text,
                                        work_[query].attempt_count, retry_after)) {
        loop_.call_at(HttpLoop::Clock::now() + *delay, [this, query] { send(query); });
        return;
      }
    }
    --under_way_;
    work_[query].body = std::string();
    if (outcome.failure) {
      retrieval = {.failure = std::move(outcome.failure)};
      return;
    }
    for (std::size_t i = 0; i < retrieval.hits.size(); ++i) {
      retrieval.hits[i].score = outcome.scores[i];
    }
    sort_best_first(retrieval.hits);
  }

  const EndpointRerankerOptions& options_;
  const ChunkTable& chunks_;
  std::span<const Query> queries_;
  std::vector<Retrieval>& retrievals_;
  AnswerReader reader_;
  std::vector<HttpHeader> headers_;
  std::vector<Work> work_;  // [query]
  /// Queries begun and not done. Those that wait for their next attempt keep their slot.
  std::size_t under_way_ = 0;
  HttpLoop loop_;
};

/// A cross-encoder behind a `/rerank` endpoint: one request a query, `max_concurrency` at once.
class EndpointReranker final : public Reranker {
 public:
  EndpointReranker(EndpointRerankerOptions options, std::string api_key)
      : options_(std::move(options)), api_key_(std::move(api_key)) {}

  void rerank(std::span<const Query> queries, const ChunkTable& chunks,
              std::vector<Retrieval>& retrievals, Executor&) const override {
    Session(options_, api_key_, chunks, queries, retrievals).run();
  }

 private:
  EndpointRerankerOptions options_;
  std::string api_key_;
};

}  // namespace

void check_endpoint_reranker(Options& options, const std::string& api) {
  read_options(options, api);
}

std::unique_ptr<Reranker> make_endpoint_reranker(Options& options, const std::string& api) {
  EndpointRerankerOptions read = read_options(options, api);
  std::string api_key = read_api_key(read.endpoint.api_key_env);
  return std::make_unique<EndpointReranker>(std::move(read), std::move(api_key));
}

}  // namespace crudbench
