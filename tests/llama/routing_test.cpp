/// Telemetry on models whose router chooses known experts, through llama.cpp's own graph.
#include "harness/llama/routing.h"

#include <gtest/gtest.h>
#include <llama-cpp.h>

#include "harness/llama/backend.h"
#include "tests/fakes/tiny_gguf.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::TemporaryFolder;

constexpr std::size_t kMicroBatch = 4;

/// One context over a known-routing model, watched by telemetry.
class WatchedModel {
 public:
  explicit WatchedModel(const RandomModel& shape, int experts_used = 0)
      : telemetry_({.layers = static_cast<std::size_t>(shape.layers),
                    .experts = static_cast<std::size_t>(shape.experts),
                    .expert_bytes = 1000,
                    .micro_batch = kMicroBatch}) {
    llama_runtime();
    const auto file = write_random_model(folder_.path() / "model.gguf", shape).front();
    llama_model_params model_params = llama_model_default_params();
    std::array<llama_model_kv_override, 2> overrides{};
    if (experts_used > 0) {
      overrides[0].tag = LLAMA_KV_OVERRIDE_TYPE_INT;
      std::snprintf(
          overrides[0].key, sizeof overrides[0].key, "%s.expert_used_count",
          shape.architecture == RandomModel::Architecture::kQwen3Moe ? "qwen3moe" : "llama");
      overrides[0].val_i64 = experts_used;
      model_params.kv_overrides = overrides.data();
    }
    model_.reset(llama_model_load_from_file(file.c_str(), model_params));
    llama_context_params params = llama_context_default_params();
    params.n_ctx = 256;
    params.n_batch = 64;
    params.n_ubatch = kMicroBatch;
    params.n_seq_max = 4;
    params.kv_unified = true;
    params.n_threads = params.n_threads_batch = 1;
    params.cb_eval = [](ggml_tensor* tensor, bool ask, void* telemetry) {
      return static_cast<RoutingTelemetry*>(telemetry)->see(tensor, ask);
    };
    params.cb_eval_user_data = &telemetry_;
    context_.reset(llama_init_from_model(model_.get(), params));
  }

  /// Decodes the rows as a batch; each ticket is a sequence of its own.
  void decode(const std::vector<BatchRow>& rows) {
    telemetry_.begin_batch(rows);
    llama_batch batch = llama_batch_init(static_cast<std::int32_t>(rows.size()), 0, 1);
    for (const BatchRow& row : rows) {
      const int sequence = row.ticket == kSharedRow ? 3 : static_cast<int>(row.ticket);
      batch.token[batch.n_tokens] = row.token;
      batch.pos[batch.n_tokens] = positions_[sequence]++;
      batch.n_seq_id[batch.n_tokens] = 1;
      batch.seq_id[batch.n_tokens][0] = sequence;
      batch.logits[batch.n_tokens] = row.wants_logits ? 1 : 0;
      ++batch.n_tokens;
    }
    EXPECT_EQ(llama_decode(context_.get(), batch), 0);
    llama_batch_free(batch);
  }

  RoutingRecord take(std::size_t ticket) {
    return routing_record_from_json(telemetry_.take(ticket));
  }
  RoutingTelemetry& telemetry() { return telemetry_; }

 private:
  TemporaryFolder folder_;
  RoutingTelemetry telemetry_;
  llama_model_ptr model_;
  llama_context_ptr context_;
  std::array<int, 4> positions_{};
};

/// What the gating weights imply: in the last layer only for rows whose successor is wanted.
std::vector<std::uint64_t> implied_counts(const RandomModel& shape,
                                          const std::vector<BatchRow>& rows, std::size_t ticket,
                                          bool is_answer) {
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(shape.layers * shape.experts));
  for (const BatchRow& row : rows) {
    for (int layer = 0; layer < shape.layers; ++layer) {
      if (row.ticket != ticket || row.is_answer != is_answer ||
          (layer == shape.layers - 1 && !row.wants_logits)) {
        continue;
      }
      for (const int expert : known_experts(shape, layer, row.token)) {
        ++counts[static_cast<std::size_t>(layer * shape.experts + expert)];
      }
    }
  }
  return counts;
}

/// Two requests and a shared prefix in one batch of 11 rows, which is decoded in three pieces.
std::vector<BatchRow> mixed_rows() {
  std::vector<BatchRow> rows;
  for (const unsigned char byte : std::string("xyz")) {
    rows.push_back({.ticket = kSharedRow, .token = byte_token(byte)});
  }
  for (const unsigned char byte : std::string("hello")) {
    rows.push_back({.ticket = 0, .token = byte_token(byte)});
  }
  rows.back().wants_logits = true;
  for (const unsigned char byte : std::string("ab")) {
    rows.push_back(
        {.ticket = 1, .token = byte_token(byte), .is_answer = true, .wants_logits = true});
  }
  rows.push_back({.ticket = 0, .token = byte_token('a'), .is_answer = true, .wants_logits = true});
  return rows;
}

TEST(RoutingTelemetry, CountsWhatTheGatingWeightsImply) {
  for (const auto architecture :
       {RandomModel::Architecture::kQwen3Moe, RandomModel::Architecture::kMixtral}) {
    RandomModel shape = known_routing_model();
    shape.architecture = architecture;
    shape.layers = 3;
    WatchedModel model(shape);
    const std::vector<BatchRow> rows = mixed_rows();
    model.decode(rows);

    const RoutingRecord first = model.take(0);
    EXPECT_EQ(first.experts_used, 2U);
    EXPECT_EQ(first.expert_bytes, 1000U);
    EXPECT_EQ(first.prompt.tokens, 5U);
    EXPECT_EQ(first.answer.tokens, 1U);
    EXPECT_EQ(first.prompt.counts, implied_counts(shape, rows, 0, false));
    EXPECT_EQ(first.answer.counts, implied_counts(shape, rows, 0, true));
    const RoutingRecord second = model.take(1);
    EXPECT_EQ(second.prompt.tokens, 0U);
    EXPECT_EQ(second.answer.counts, implied_counts(shape, rows, 1, true));
  }
}

TEST(RoutingTelemetry, SeesAnOverriddenNumberOfExperts) {
  RandomModel shape = known_routing_model();
  WatchedModel model(shape, 5);
  const std::vector<BatchRow> rows = mixed_rows();
  model.decode(rows);
  shape.experts_used = 5;
  const RoutingRecord record = model.take(0);
  EXPECT_EQ(record.experts_used, 5U);
  EXPECT_EQ(record.prompt.counts, implied_counts(shape, rows, 0, false));
}

TEST(RoutingTelemetry, RanksChoicesOverAllRequests) {
  const RandomModel shape = known_routing_model();
  WatchedModel model(shape);
  // The same token twice, by two requests: the first finds no expert, the second its two experts as
  // the two last ones, in both layers.
  const BatchRow row{
      .ticket = 0, .token = byte_token('q'), .is_answer = true, .wants_logits = true};
  BatchRow again = row;
  again.ticket = 1;
  model.decode({row, again});
  std::vector<std::uint64_t> none(9);
  none[8] = 4;
  EXPECT_EQ(model.take(0).answer.recency_ranks, none);
  // The experts come best first, so the best one is the older of the two; then it is the latest.
  std::vector<std::uint64_t> known(9);
  known[1] = 4;
  EXPECT_EQ(model.take(1).answer.recency_ranks, known);
}

TEST(RoutingTelemetry, ForgetsARequestThatIsTaken) {
  const RandomModel shape = known_routing_model();
  WatchedModel model(shape);
  model.decode(mixed_rows());
  model.take(0);
  EXPECT_TRUE(model.telemetry().take(0).is_null());
  EXPECT_TRUE(model.telemetry().take(17).is_null());
}

TEST(RoutingTelemetry, TellsNothingOfAModelWithoutExperts) {
  RandomModel shape;
  shape.architecture = RandomModel::Architecture::kDense;
  WatchedModel model(shape);
  model.decode(mixed_rows());
  EXPECT_TRUE(model.telemetry().take(0).is_null());
}

}  // namespace
}  // namespace crudbench
