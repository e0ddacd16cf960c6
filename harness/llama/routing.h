#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "harness/core/routing_record.h"
#include "harness/llama/decode_observer.h"
#include "harness/llama/expert_ranks.h"

namespace crudbench {

/// The experts that routing telemetry counts.
struct RoutingShape {
  std::size_t layers = 0;
  std::size_t experts = 0;         ///< Of a layer.
  std::uint64_t expert_bytes = 0;  ///< Of all experts of all layers.
  std::size_t micro_batch = 0;     ///< Tokens that the engine computes at once.
};

/// Routing telemetry: reads from a model's graph which experts its routers choose, and counts them
/// by request, layer and expert, the tokens of prompts and of answers apart.
///
/// It asks llama.cpp's scheduler for the nodes "ffn_moe_topk-LAYER" alone; the graph is computed in
/// pieces that end at these, which is what telemetry costs. Its caches (`RoutingPhase`) see all
/// choices in the order in which the model makes them, whatever request they belong to. Memory: two
/// counts an expert for every request under way. Never throws while a graph is computed: choices
/// that it cannot attribute are left out and make `take` return null.
class RoutingTelemetry final : public DecodeObserver {
 public:
  explicit RoutingTelemetry(const RoutingShape& shape);

  void begin_batch(std::span<const BatchRow> rows) override;
  bool see(ggml_tensor* tensor, bool ask) override;
  /// The request's `RoutingRecord` as JSON; null if none of its tokens was seen.
  Json take(std::size_t ticket) override;

 private:
  struct Request {
    RoutingRecord record;
    bool is_whole = true;  ///< All of its choices were understood.
  };

  void count(std::size_t layer, const ggml_tensor& chosen);
  /// The rows of the batch that the layer works on now, in order; empty if `columns` fits none.
  std::vector<const BatchRow*> rows_of(std::size_t layer, std::size_t columns);
  Request& request_of(std::size_t ticket);

  RoutingShape shape_;
  std::vector<BatchRow> rows_;               ///< The batch under way.
  std::vector<std::size_t> rows_done_;       // [layer]
  std::vector<ExpertRanks> ranks_;           // [layer]
  std::vector<std::int32_t> choices_;        ///< A node's data.
  std::map<std::size_t, Request> requests_;  // By ticket.
};

}  // namespace crudbench
