#include "retrievers/rerankers/rerank_reply.h"

#include <cmath>
#include <cstdint>
#include <utility>

#include "harness/generators/endpoint_reply.h"
#include "harness/generators/key_mask.h"
#include "harness/net/reply_json.h"

namespace crudbench {

namespace {

RerankReply failed(std::string failure_class, std::string message, bool retriable) {
  return {.failure = Failure{.stage = Stage::kRetrieval,
                             .failure_class = std::move(failure_class),
                             .message = "rerank endpoint: " + std::move(message)},
          .retriable = retriable};
}

RerankReply malformed(const std::string& problem, const std::string& body, const KeyMask& mask) {
  return failed("malformed", problem + ": " + mask.quote(body), true);
}

RerankReply read_scores(const std::string& body, std::size_t text_count, const KeyMask& mask) {
  const Json reply = parse_reply(body);
  const Json& results = member_of(reply, "results");
  const Json& list = reply.is_object() ? results : reply;
  if (!list.is_array() || list.size() != text_count) {
    return malformed("the answer has no list of " + std::to_string(text_count) + " results", body,
                     mask);
  }
  std::vector<double> scores(text_count);
  std::vector<bool> has_score(text_count);
  for (const Json& result : list) {
    const Json& relevance = member_of(result, "relevance_score");
    const Json& score = relevance.is_number() ? relevance : member_of(result, "score");
    const Json& number = member_of(result, "index");
    if (!number.is_number_unsigned() || !score.is_number() || !std::isfinite(score.get<double>())) {
      return malformed("a result has no index or no finite score", body, mask);
    }
    const auto index = number.get<std::uint64_t>();
    if (index >= text_count) {
      return malformed("a result has the index " + std::to_string(index) + " of " +
                           std::to_string(text_count) + " texts",
                       body, mask);
    }
    if (has_score[index]) {
      return malformed("two results have the index " + std::to_string(index), body, mask);
    }
    has_score[index] = true;
    scores[index] = score.get<double>();
  }
  return {.scores = std::move(scores)};
}

}  // namespace

RerankReply read_rerank_reply(const HttpResult& result, std::size_t text_count,
                              const std::string& api_key) {
  const KeyMask mask(api_key);
  if (result.failure) {
    const std::string& failure_class = result.failure->failure_class;
    return failed(failure_class, mask.quote(result.failure->message),
                  failure_class != "too_large" && failure_class != "redirect");
  }
  const int status = result.response.status;
  if (status == 200) {
    return read_scores(result.response.body, text_count, mask);
  }
  const std::string message =
      "HTTP " + std::to_string(status) + ": " + mask.quote(result.response.body);
  if (status == 429) {
    return failed("rate_limited", message, true);
  }
  if (status >= 500) {
    return failed("http_5xx", message, true);
  }
  if (status < 400) {
    return failed("malformed", message, true);
  }
  return failed("http_4xx", message, status == 408 || status == 409 || status == 425);
}

}  // namespace crudbench
