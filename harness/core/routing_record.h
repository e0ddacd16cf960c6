#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "harness/core/json.h"

namespace crudbench {

/// Which experts of a mixture-of-experts model worked on some tokens.
struct RoutingPhase {
  std::uint64_t tokens = 0;           ///< That went through the model.
  std::vector<std::uint64_t> counts;  ///< [layer x experts + expert]: how often it was chosen.
  /// How useful a cache of experts would have been, for every size at once: how many choices found
  /// their expert at this place (from 0) among its layer's experts, by how recently and by how
  /// often they had been chosen until then. A cache of n experts a layer holds the places below n.
  /// The last entry, at `experts`, counts first choices, which no cache holds.
  std::vector<std::uint64_t> recency_ranks;
  std::vector<std::uint64_t> frequency_ranks;

  friend bool operator==(const RoutingPhase&, const RoutingPhase&) = default;
};

/// The routing of one sample, or the sum over many. Layers without experts count nothing; the last
/// layer works on the tokens alone whose successor is wanted, so of a prompt on one.
struct RoutingRecord {
  std::size_t layers = 0;
  std::size_t experts = 0;         ///< Of a layer.
  std::size_t experts_used = 0;    ///< Chosen for a token.
  std::uint64_t expert_bytes = 0;  ///< Of all experts of all layers; 0: not known.
  RoutingPhase prompt;  ///< Tokens read. Not those of a prefix taken from another sample.
  RoutingPhase answer;  ///< Tokens written.

  RoutingRecord() = default;
  RoutingRecord(std::size_t layer_count, std::size_t expert_count, std::size_t used);

  /// Adds the counts of `other`, which must have the same layers and experts: Error(kInvalidData).
  void add(const RoutingRecord& other);

  friend bool operator==(const RoutingRecord&, const RoutingRecord&) = default;
};

/// {"version": 1, "layers", "experts", "used", "bytes", "prompt": {"tokens", "counts", "recency",
/// "frequency"}, "answer": {…}}, the lists packed by `pack_numbers`.
Json to_json(const RoutingRecord& record);
/// The inverse. Throws Error(kInvalidData) for anything else.
RoutingRecord routing_record_from_json(const Json& json);

}  // namespace crudbench
