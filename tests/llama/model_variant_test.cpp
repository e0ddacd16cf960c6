#include "harness/llama/model_variant.h"

#include <algorithm>

#include "harness/llama/gguf_file.h"
#include "harness/llama/gguf_header.h"
#include "harness/llama/model.h"
#include "tests/llama/tiny_models.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::reference_answer;
using testing_support::TemporaryFolder;
using testing_support::tiny_model;

/// Wide enough for the k-quants, whose blocks are of 256 weights.
RandomModel wide_shape() {
  RandomModel shape;
  shape.embedding = 256;
  shape.head_size = 64;
  shape.feed_forward = 256;
  shape.weights = RandomModel::Weights::kF16;
  return shape;
}

class ModelVariant : public testing::TestWithParam<std::string_view> {};

TEST_P(ModelVariant, LoadsAndDecodes) {
  const TemporaryFolder folder;
  const auto source = tiny_model("wide", wide_shape());
  const auto file = make_variant(source, "sha", GetParam(), folder.path(), 1);
  EXPECT_EQ(file, variant_file(folder.path(), "sha", GetParam()));
  const LlamaModel model({.file = file});
  EXPECT_EQ(reference_answer(model, model.tokenize("abc", true), 3).size(), 3U);
  // Experts first: they are nearly all of the weights, and the smaller for it.
  const GgufFile made = read_gguf_file(file);
  EXPECT_LT(made.weight_bytes, read_gguf_file(source).weight_bytes);
  EXPECT_EQ(made.parameters, read_gguf_file(source).parameters);
}

INSTANTIATE_TEST_SUITE_P(All, ModelVariant, testing::ValuesIn(quantization_names().subspan(1)));

TEST(ModelVariantFile, KeepsWhatBelongsToNoExpertWhereExpertsAreMeant) {
  const TemporaryFolder folder;
  const auto source = tiny_model("wide", wide_shape());
  const GgufHeader before = read_gguf_header(source);
  const GgufHeader after =
      read_gguf_header(make_variant(source, "sha", "experts_q4_k_m", folder.path(), 1));
  for (const GgufTensor& tensor : after.tensors) {
    const auto same = std::find_if(before.tensors.begin(), before.tensors.end(),
                                   [&](const auto& other) { return other.name == tensor.name; });
    ASSERT_NE(same, before.tensors.end());
    if (tensor.name.find("_exps.") == std::string::npos) {
      EXPECT_EQ(tensor.type, same->type) << tensor.name;
    } else {
      EXPECT_NE(tensor.type, same->type) << tensor.name;
    }
  }
}

TEST(ModelVariantFile, IsMadeOnce) {
  const TemporaryFolder folder;
  const auto source = tiny_model("wide", wide_shape());
  const auto file = make_variant(source, "sha", "q8_0", folder.path(), 1);
  const auto written = std::filesystem::last_write_time(file);
  EXPECT_EQ(make_variant("/nowhere.gguf", "sha", "q8_0", folder.path(), 1), file);
  EXPECT_EQ(std::filesystem::last_write_time(file), written);
  EXPECT_NE(variant_file(folder.path(), "other", "q8_0"), file);
  EXPECT_NE(variant_file(folder.path(), "sha", "q6_k"), file);
}

TEST(ModelVariantFile, LeavesNothingBehindWhereItFails) {
  const TemporaryFolder folder;
  RandomModel dense = wide_shape();
  dense.architecture = RandomModel::Architecture::kDense;
  EXPECT_ERROR(make_variant(tiny_model("dense", dense), "sha", "experts_q4_k_m", folder.path(), 1),
               ErrorCode::kInvalidConfig, "this one is dense");
  RandomModel coarse = wide_shape();
  coarse.weights = RandomModel::Weights::kQ4;
  EXPECT_ERROR(make_variant(tiny_model("coarse", coarse), "sha", "q2_k", folder.path(), 1),
               ErrorCode::kInvalidConfig, "this one has tensors in q4_0");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace crudbench
