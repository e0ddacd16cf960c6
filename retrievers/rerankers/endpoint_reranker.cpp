#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "harness/net/endpoint.h"
#include "harness/net/http_client.h"
#include "harness/net/retry.h"
#include "retrievers/rerankers/rerank_reply.h"
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
        api_key_(api_key),
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
    RerankReply outcome = read_rerank_reply(result, retrieval.hits.size(), api_key_);
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
  const std::string& api_key_;
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
