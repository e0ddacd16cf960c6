#include "harness/llama/routing.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <ggml-backend.h>
#include <ggml.h>
#include <optional>
#include <string_view>
#include <utility>

namespace crudbench {

namespace {

constexpr std::string_view kNodePrefix = "ffn_moe_topk-";

/// The layer of a node that holds a router's choices.
std::optional<std::size_t> layer_of(const ggml_tensor& tensor) {
  const std::string_view name(ggml_get_name(&tensor));
  if (name.substr(0, kNodePrefix.size()) != kNodePrefix) {
    return std::nullopt;
  }
  std::size_t layer = 0;
  const char* end = name.data() + name.size();
  const auto [stop, problem] = std::from_chars(name.data() + kNodePrefix.size(), end, layer);
  return problem == std::errc() && stop == end ? std::optional(layer) : std::nullopt;
}

}  // namespace

RoutingTelemetry::RoutingTelemetry(const RoutingShape& shape)
    : shape_(shape), rows_done_(shape.layers), ranks_(shape.layers, ExpertRanks(shape.experts)) {}

void RoutingTelemetry::begin_batch(std::span<const BatchRow> rows) {
  rows_.assign(rows.begin(), rows.end());
  std::fill(rows_done_.begin(), rows_done_.end(), 0);
  for (const BatchRow& row : rows_) {
    if (row.ticket != kSharedRow) {
      RoutingRecord& record = request_of(row.ticket).record;
      ++(row.is_answer ? record.answer : record.prompt).tokens;
    }
  }
}

bool RoutingTelemetry::see(ggml_tensor* tensor, bool ask) {
  const std::optional<std::size_t> layer = layer_of(*tensor);
  if (ask) {
    return layer.has_value();
  }
  if (layer && *layer < shape_.layers && tensor->type == GGML_TYPE_I32) {
    count(*layer, *tensor);
  }
  return true;
}

std::vector<const BatchRow*> RoutingTelemetry::rows_of(std::size_t layer, std::size_t columns) {
  const std::size_t begin = rows_done_[layer];
  const std::size_t end = std::min(begin + shape_.micro_batch, rows_.size());
  rows_done_[layer] = end;
  std::vector<const BatchRow*> all;
  std::vector<const BatchRow*> wanted;
  for (std::size_t i = begin; i < end; ++i) {
    all.push_back(&rows_[i]);
    if (rows_[i].wants_logits) {
      wanted.push_back(&rows_[i]);
    }
  }
  if (columns == all.size()) {
    return all;
  }
  return columns == wanted.size() ? wanted : std::vector<const BatchRow*>();
}

void RoutingTelemetry::count(std::size_t layer, const ggml_tensor& chosen) {
  const auto used = static_cast<std::size_t>(chosen.ne[0]);
  const auto columns = static_cast<std::size_t>(chosen.ne[1]);
  const std::vector<const BatchRow*> rows = rows_of(layer, columns);
  if (columns == 0) {
    return;  // The last layer, of a piece of which no row's successor is wanted.
  }
  if (rows.empty()) {
    for (auto& [ticket, request] : requests_) {
      request.is_whole = false;
    }
    return;
  }
  // The node is a view: each column begins the router's whole order of experts, best first.
  choices_.resize(ggml_nbytes(&chosen) / sizeof(std::int32_t));
  ggml_backend_tensor_get(&chosen, choices_.data(), 0, choices_.size() * sizeof(std::int32_t));
  const std::size_t stride = chosen.nb[1] / sizeof(std::int32_t);
  for (std::size_t column = 0; column < columns; ++column) {
    const BatchRow& row = *rows[column];
    RoutingRecord* record = row.ticket == kSharedRow ? nullptr : &request_of(row.ticket).record;
    for (const std::int32_t choice : std::span(choices_).subspan(column * stride, used)) {
      const auto expert = static_cast<std::size_t>(choice);
      if (choice < 0 || expert >= shape_.experts) {
        continue;
      }
      const ExpertRanks::Ranks ranks = ranks_[layer].choose(expert);
      if (record != nullptr) {
        RoutingPhase& phase = row.is_answer ? record->answer : record->prompt;
        ++phase.counts[layer * shape_.experts + expert];
        ++phase.recency_ranks[ranks.by_recency];
        ++phase.frequency_ranks[ranks.by_frequency];
        record->experts_used = used;
      }
    }
  }
}

RoutingTelemetry::Request& RoutingTelemetry::request_of(std::size_t ticket) {
  const auto found = requests_.find(ticket);
  if (found != requests_.end()) {
    return found->second;
  }
  Request request{.record = RoutingRecord(shape_.layers, shape_.experts, 0)};
  request.record.expert_bytes = shape_.expert_bytes;
  return requests_.emplace(ticket, std::move(request)).first->second;
}

Json RoutingTelemetry::take(std::size_t ticket) {
  const auto found = requests_.find(ticket);
  if (found == requests_.end()) {
    return nullptr;
  }
  const Request request = std::move(found->second);
  requests_.erase(found);
  return request.is_whole && request.record.experts_used > 0 ? to_json(request.record) : Json();
}

}  // namespace crudbench
