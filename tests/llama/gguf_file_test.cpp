/// What the metadata says, against numbers worked out by hand and against llama.cpp itself.
#include "harness/llama/gguf_file.h"

#include <cmath>
#include <ggml.h>
#include <gmock/gmock.h>
#include <llama-cpp.h>
#include <regex>

#include "harness/llama/backend.h"
#include "harness/llama/gguf_header.h"
#include "tests/fakes/tiny_gguf.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::TemporaryFolder;

/// The default tiny model: 2 layers, width 64, 4 heads of 16 with 2 of keys and values, 8 experts
/// of hidden size 64 of which 2 are chosen, 262 tokens.
GgufFile describe(const TemporaryFolder& folder, const RandomModel& shape) {
  return read_gguf_file(write_random_model(folder.path() / "model.gguf", shape).front());
}

TEST(GgufFile, HasTheNumbersOfATinyMixtureOfExperts) {
  const TemporaryFolder folder;
  RandomModel shape;
  shape.chat_template = "{{ messages }}";
  const GgufFile model = describe(folder, shape);
  EXPECT_EQ(model.architecture, "qwen3moe");
  EXPECT_EQ(model.quantization, "F32");
  EXPECT_EQ(model.context_length, 4096U);
  EXPECT_EQ(model.layers, 2U);
  EXPECT_EQ(model.heads, 4U);
  EXPECT_EQ(model.kv_heads, 2U);
  EXPECT_EQ(model.vocabulary, 262U);
  EXPECT_EQ(model.moe_layers, 2U);
  EXPECT_EQ(model.experts, 8U);
  EXPECT_EQ(model.experts_used, 2U);
  EXPECT_EQ(model.shared_experts, 0U);
  EXPECT_EQ(model.expert_hidden_size, 64U);
  EXPECT_EQ(model.gating, "softmax");
  EXPECT_EQ(model.chat_template, "{{ messages }}");

  // A layer: q and output 64 x 64, k and v 64 x 32, four norms (64, 64, 16, 16), router 64 x 8:
  // 4096 x 2 + 2048 x 2 + 160 + 512 = 12,960; experts 8 x 3 x 64 x 64 = 98,304.
  // Besides: two embeddings of 262 x 64 = 16,768 and a norm of 64.
  EXPECT_EQ(model.expert_parameters, 2U * 98304U);
  EXPECT_EQ(model.parameters, 2U * (12960U + 98304U) + 2U * 16768U + 64U);
  // Of the experts 2 in 8.
  EXPECT_EQ(model.active_parameters, 2U * (12960U + 24576U) + 2U * 16768U + 64U);
  EXPECT_EQ(model.weight_bytes, 4U * model.parameters);
  EXPECT_EQ(model.expert_bytes, 4U * model.expert_parameters);
  // Of the input embedding one row of 64.
  EXPECT_EQ(model.bytes_per_token, 4U * (model.active_parameters - 16768U + 64U));
}

TEST(GgufFile, CountsADenseModelAsAllActive) {
  const TemporaryFolder folder;
  RandomModel shape;
  shape.architecture = RandomModel::Architecture::kDense;
  shape.weights = RandomModel::Weights::kQ8;
  const GgufFile model = describe(folder, shape);
  EXPECT_EQ(model.experts, 0U);
  EXPECT_EQ(model.moe_layers, 0U);
  EXPECT_EQ(model.expert_bytes, 0U);
  EXPECT_EQ(model.active_parameters, model.parameters);
  EXPECT_EQ(model.chat_template, std::nullopt);
  ASSERT_EQ(model.types.size(), 2U);
  EXPECT_EQ(model.types[0].type, "q8_0");
  EXPECT_EQ(model.types[1].type, "f32");
  EXPECT_EQ(model.types[0].size_bytes, model.types[0].parameters / 32 * 34);
}

TEST(GgufFile, AddsUpItsParts) {
  const TemporaryFolder folder;
  RandomModel shape;
  const GgufFile whole = describe(folder, shape);
  shape.parts = 3;
  const GgufFile split = describe(folder, shape);
  EXPECT_EQ(split.files.size(), 3U);
  EXPECT_EQ(split.parameters, whole.parameters);
  EXPECT_EQ(split.bytes_per_token, whole.bytes_per_token);
}

TEST(GgufFile, RefusesAFileWithoutAnArchitecture) {
  const TemporaryFolder folder;
  const auto path =
      folder.write("empty.gguf", std::string("GGUF\3\0\0\0", 8) + std::string(16, '\0'));
  EXPECT_ERROR(read_gguf_file(path), ErrorCode::kInvalidData, "names no architecture");
}

TEST(TensorTypes, AreThoseOfGgml) {
  for (int id = 0; id < GGML_TYPE_COUNT; ++id) {
    const auto type = static_cast<ggml_type>(id);
    const TensorType* ours = tensor_type(static_cast<std::uint32_t>(id));
    if (ggml_blck_size(type) == 0) {
      EXPECT_EQ(ours, nullptr) << id;
      continue;
    }
    ASSERT_NE(ours, nullptr) << id;
    EXPECT_EQ(ours->name, ggml_type_name(type));
    EXPECT_EQ(static_cast<std::int64_t>(ours->block_size), ggml_blck_size(type));
    EXPECT_EQ(ours->block_bytes, ggml_type_size(type));
  }
}

/// What llama.cpp says it has allocated, in bytes, by the name of the buffer: "KV", "compute".
class AllocationLog {
 public:
  AllocationLog() { llama_log_set(take, this); }
  ~AllocationLog() {
    llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  }
  AllocationLog(const AllocationLog&) = delete;
  AllocationLog& operator=(const AllocationLog&) = delete;

  double bytes(const std::string& buffer) const {
    const std::regex line(buffer + R"( buffer size = +([0-9.]+) MiB)");
    double sum = 0.0;
    for (std::sregex_iterator at(text_.begin(), text_.end(), line), end; at != end; ++at) {
      sum += std::stod((*at)[1]) * 1048576.0;
    }
    return sum;
  }

 private:
  static void take(ggml_log_level /*level*/, const char* text, void* self) {
    static_cast<AllocationLog*>(self)->text_ += text;
  }
  std::string text_;
};

struct Use {
  RandomModel::Architecture architecture;
  std::uint64_t context;
  std::uint64_t parallel;
  std::string kv_type;
};

class MemoryEstimateOf : public testing::TestWithParam<Use> {};

TEST_P(MemoryEstimateOf, IsWhatLlamaCppAllocates) {
  llama_runtime();
  const TemporaryFolder folder;
  RandomModel shape;
  shape.architecture = GetParam().architecture;
  shape.embedding = 256;
  shape.head_size = 64;
  shape.feed_forward = 256;
  shape.layers = 3;
  const GgufFile description = describe(folder, shape);
  const MemoryEstimate estimate = estimate_memory(description, {.context = GetParam().context,
                                                                .parallel = GetParam().parallel,
                                                                .kv_type = GetParam().kv_type,
                                                                .micro_batch = 512});

  const AllocationLog log;
  const llama_model_ptr model(
      llama_model_load_from_file(description.files.front().c_str(), llama_model_default_params()));
  ASSERT_TRUE(model);
  EXPECT_EQ(estimate.weights, llama_model_size(model.get()));
  EXPECT_EQ(description.parameters, llama_model_n_params(model.get()));
  llama_context_params params = llama_context_default_params();
  params.n_ctx = static_cast<std::uint32_t>(GetParam().context * GetParam().parallel);
  params.n_seq_max = static_cast<std::uint32_t>(GetParam().parallel);
  params.n_outputs_max = params.n_seq_max;
  params.kv_unified = true;
  params.type_k = params.type_v = static_cast<ggml_type>(tensor_type(GetParam().kv_type)->id);
  params.n_threads = params.n_threads_batch = 1;
  const llama_context_ptr context(llama_init_from_model(model.get(), params));
  ASSERT_TRUE(context);
  // The log rounds to hundredths of a MiB.
  EXPECT_NEAR(static_cast<double>(estimate.kv_cache), log.bytes("KV"), 5300.0);
  // A rough figure: never less than half and never more than twice.
  const double real = log.bytes("compute");
  EXPECT_GT(static_cast<double>(estimate.compute), 0.5 * real);
  EXPECT_LT(static_cast<double>(estimate.compute), 2.0 * real);
}

INSTANTIATE_TEST_SUITE_P(Uses, MemoryEstimateOf,
                         testing::Values(Use{RandomModel::Architecture::kQwen3Moe, 4096, 1, "f16"},
                                         Use{RandomModel::Architecture::kMixtral, 1000, 3, "q8_0"},
                                         Use{RandomModel::Architecture::kDense, 8192, 4, "f32"}));

TEST(MemoryEstimate, RefusesAnUnknownTypeOfCache) {
  EXPECT_ERROR(estimate_memory(GgufFile{}, {.kv_type = "q9"}), ErrorCode::kInvalidConfig, "'q9'");
}

}  // namespace
}  // namespace crudbench
