#include "retrievers/indexes/scoring.h"

#include <cmath>

#include "harness/core/random.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::ElementsAre;

TEST(InnerProduct, IsTheSameToTheLastBitInAllInstructionSets) {
  Random random(1);
  for (const std::size_t dimension : {1U, 7U, 16U, 63U, 64U, 65U, 200U, 256U, 1000U}) {
    std::vector<float> left(dimension);
    std::vector<float> right(dimension);
    std::vector<std::uint8_t> bytes(dimension);
    for (std::size_t i = 0; i < dimension; ++i) {
      left[i] = static_cast<float>(random.normal());
      right[i] = static_cast<float>(random.normal());
      bytes[i] = static_cast<std::uint8_t>(random.below(256));
    }
    const auto expected = supported_inner_products().back();
    for (const InnerProduct product : supported_inner_products()) {
      EXPECT_EQ(product(left.data(), right.data(), dimension),
                expected(left.data(), right.data(), dimension));
    }
    const auto expected_bytes = supported_byte_inner_products().back();
    for (const ByteInnerProduct product : supported_byte_inner_products()) {
      EXPECT_EQ(product(left.data(), bytes.data(), dimension),
                expected_bytes(left.data(), bytes.data(), dimension));
    }
  }
}

TEST(InnerProduct, AddsTheProductsOfAllPositions) {
  // 1*2 + 2*2 + … + 70*2 = 70 * 71
  std::vector<float> left(70);
  std::vector<std::uint8_t> bytes(70, 2);
  for (std::size_t i = 0; i < left.size(); ++i) {
    left[i] = static_cast<float>(i + 1);
  }
  const std::vector<float> right(70, 2.0F);
  EXPECT_EQ(fast_inner_product()(left.data(), right.data(), 70), 4970.0F);
  EXPECT_EQ(fast_byte_inner_product()(left.data(), bytes.data(), 70), 4970.0F);
  EXPECT_EQ(exact_inner_product(left.data(), right.data(), 70), 4970.0F);
}

TEST(Neighbors, AreScoredExactlyAndKeptInOrder) {
  const std::vector<float> rows{1.0F, 0.0F, 0.0F, 1.0F, 1.0F, 0.0F, 0.6F, 0.8F};
  const std::vector<float> query{1.0F, 0.0F};
  std::vector<Neighbor> candidates{{3, 9.0F}, {2, 9.0F}, {1, 9.0F}, {0, 9.0F}};
  rescore(query.data(), rows, 2, 3, candidates);
  EXPECT_THAT(candidates, ElementsAre(Neighbor{0, 1.0F}, Neighbor{2, 1.0F}, Neighbor{3, 0.6F}));
}

}  // namespace
}  // namespace crudbench
