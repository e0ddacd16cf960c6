#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "retrievers/embedders/embeddings_reply.h"
#include "retrievers/rerankers/rerank_reply.h"

namespace {

using namespace crudbench;  // A program, not a header.

constexpr const char* kKey = "sk-secret-key";

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

void require_harmless(const std::string& message) {
  require(!message.empty());
  require(message.find_first_of(std::string_view("\n\r\x1B\0", 4)) == std::string::npos);
  require(message.find(kKey) == std::string::npos);
}

void read_embeddings(const HttpResult& result, std::size_t count, std::size_t dimension) {
  std::size_t found = dimension;
  std::vector<float> rows(count * dimension);
  if (const auto problem = read_embeddings_reply(result, count, found, rows, kKey)) {
    require_harmless(problem->message);
    return;
  }
  require(found > 0 && (dimension == 0 || found == dimension));
  for (std::size_t row = 0; row < count && dimension > 0; ++row) {
    double squares = 0.0;
    for (std::size_t i = 0; i < dimension; ++i) {
      squares += double{rows[row * dimension + i]} * rows[row * dimension + i];
    }
    require(std::isfinite(squares));
  }
}

void read_scores(const HttpResult& result, std::size_t count) {
  const RerankReply reply = read_rerank_reply(result, count, kKey);
  if (reply.failure) {
    require(!reply.failure->failure_class.empty());
    require_harmless(reply.failure->message);
    return;
  }
  require(reply.scores.size() == count);
  for (const double score : reply.scores) {
    require(std::isfinite(score));
  }
}

}  // namespace

/// Any bytes are an answer of an endpoint for embeddings and of one for reranking: numbers that are
/// finite, as many as were asked for, or a problem in harmless words. The first byte chooses the
/// status, how many texts were sent and the dimension.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const HttpResult result{
      .response = {.status = (data[0] & 1U) == 0 ? 200 : 300 + data[0],
                   .body = std::string(reinterpret_cast<const char*>(data) + 1, size - 1)}};
  const std::size_t count = 1 + ((data[0] >> 1U) & 3U);
  read_embeddings(result, count, (data[0] >> 3U) & 3U);
  read_scores(result, count);
  return 0;
}
