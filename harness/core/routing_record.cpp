#include "harness/core/routing_record.h"

#include <algorithm>
#include <functional>
#include <string>

#include "harness/core/error.h"
#include "harness/core/packed_numbers.h"

namespace crudbench {

namespace {

constexpr int kVersion = 1;
/// More than any model has; keeps a damaged record from asking for all memory.
constexpr std::size_t kMostLayers = 4096;
constexpr std::size_t kMostExperts = 65536;

RoutingPhase empty_phase(std::size_t layers, std::size_t experts) {
  return {.tokens = 0,
          .counts = std::vector<std::uint64_t>(layers * experts),
          .recency_ranks = std::vector<std::uint64_t>(experts + 1),
          .frequency_ranks = std::vector<std::uint64_t>(experts + 1)};
}

void add_all(std::vector<std::uint64_t>& sums, const std::vector<std::uint64_t>& values) {
  std::transform(values.begin(), values.end(), sums.begin(), sums.begin(), std::plus<>());
}

void add_phase(RoutingPhase& sum, const RoutingPhase& other) {
  sum.tokens += other.tokens;
  add_all(sum.counts, other.counts);
  add_all(sum.recency_ranks, other.recency_ranks);
  add_all(sum.frequency_ranks, other.frequency_ranks);
}

Json phase_to_json(const RoutingPhase& phase) {
  return {{"tokens", phase.tokens},
          {"counts", pack_numbers(phase.counts)},
          {"recency", pack_numbers(phase.recency_ranks)},
          {"frequency", pack_numbers(phase.frequency_ranks)}};
}

RoutingPhase phase_from_json(const Json& json, std::size_t layers, std::size_t experts) {
  const auto numbers = [&](const char* key, std::size_t count) {
    return unpack_numbers(json.at(key).get_ref<const std::string&>(), count);
  };
  return {.tokens = json.at("tokens").get<std::uint64_t>(),
          .counts = numbers("counts", layers * experts),
          .recency_ranks = numbers("recency", experts + 1),
          .frequency_ranks = numbers("frequency", experts + 1)};
}

}  // namespace

RoutingRecord::RoutingRecord(std::size_t layer_count, std::size_t expert_count, std::size_t used)
    : layers(layer_count),
      experts(expert_count),
      experts_used(used),
      prompt(empty_phase(layer_count, expert_count)),
      answer(empty_phase(layer_count, expert_count)) {}

void RoutingRecord::add(const RoutingRecord& other) {
  if (layers != other.layers || experts != other.experts) {
    throw Error(ErrorCode::kInvalidData, "routing of models with different experts was mixed");
  }
  experts_used = std::max(experts_used, other.experts_used);
  expert_bytes = std::max(expert_bytes, other.expert_bytes);
  add_phase(prompt, other.prompt);
  add_phase(answer, other.answer);
}

Json to_json(const RoutingRecord& record) {
  return {{"version", kVersion},
          {"layers", record.layers},
          {"experts", record.experts},
          {"used", record.experts_used},
          {"bytes", record.expert_bytes},
          {"prompt", phase_to_json(record.prompt)},
          {"answer", phase_to_json(record.answer)}};
}

RoutingRecord routing_record_from_json(const Json& json) {
  try {
    RoutingRecord record;
    record.layers = json.at("layers").get<std::size_t>();
    record.experts = json.at("experts").get<std::size_t>();
    record.experts_used = json.at("used").get<std::size_t>();
    record.expert_bytes = json.at("bytes").get<std::uint64_t>();
    if (json.at("version").get<int>() != kVersion || record.layers > kMostLayers ||
        record.experts > kMostExperts) {
      throw Error(ErrorCode::kInvalidData, "a record of routing has an unknown form");
    }
    record.prompt = phase_from_json(json.at("prompt"), record.layers, record.experts);
    record.answer = phase_from_json(json.at("answer"), record.layers, record.experts);
    return record;
  } catch (const Json::exception&) {
    throw Error(ErrorCode::kInvalidData, "a record of routing is damaged");
  }
}

}  // namespace crudbench
