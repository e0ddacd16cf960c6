#include "retrievers/embedders/embeddings_reply.h"

#include <utility>
#include <vector>

#include "harness/generators/endpoint_reply.h"
#include "harness/generators/key_mask.h"
#include "harness/net/reply_json.h"
#include "retrievers/embedders/unit_rows.h"

namespace crudbench {

namespace {

EmbeddingsProblem bad(std::string message) {
  return {ErrorCode::kBadReply, std::move(message)};
}

/// Writes the values of one text; the problem, if there is one.
std::optional<EmbeddingsProblem> read_vector(const Json& item, std::size_t& dimension,
                                             std::vector<bool>& seen, std::span<float> rows) {
  const Json& index = member_of(item, "index");
  const Json& values = member_of(item, "embedding");
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
  if (dimension == 0) {
    dimension = values.size();
  }
  if (values.size() != dimension) {
    return bad(name + " has " + std::to_string(values.size()) + " dimensions and not " +
               std::to_string(dimension));
  }
  if (rows.empty()) {
    return std::nullopt;
  }
  const std::span<float> row = rows.subspan(position * dimension, dimension);
  for (std::size_t i = 0; i < dimension; ++i) {
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

}  // namespace

std::optional<EmbeddingsProblem> read_embeddings_reply(const HttpResult& result, std::size_t count,
                                                       std::size_t& dimension,
                                                       std::span<float> rows,
                                                       const std::string& api_key) {
  const KeyMask mask(api_key);
  if (result.failure) {
    const std::string& name = result.failure->failure_class;
    return EmbeddingsProblem{ErrorCode::kUnavailable,
                             name + ": " + mask.quote(result.failure->message),
                             name != "too_large" && name != "redirect"};
  }
  const HttpResponse& response = result.response;
  if (response.status != 200) {
    const bool passes = response.status == 408 || response.status == 409 ||
                        response.status == 425 || response.status == 429 || response.status >= 500;
    return EmbeddingsProblem{
        ErrorCode::kUnavailable,
        "HTTP " + std::to_string(response.status) + ": " + mask.quote(response.body), passes};
  }
  const Json body = parse_reply(response.body);
  const Json& data = member_of(body, "data");
  if (!data.is_array()) {
    return EmbeddingsProblem{ErrorCode::kBadReply,
                             "the answer has no list \"data\": " + mask.quote(response.body), true};
  }
  if (data.size() != count) {
    return bad("the answer has " + std::to_string(data.size()) + " vectors for " +
               std::to_string(count) + " texts");
  }
  std::vector<bool> seen(count);
  for (const Json& item : data) {
    if (auto problem = read_vector(item, dimension, seen, rows)) {
      return problem;
    }
  }
  return std::nullopt;
}

}  // namespace crudbench
