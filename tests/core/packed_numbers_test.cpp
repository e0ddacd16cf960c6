#include "harness/core/packed_numbers.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

using Numbers = std::vector<std::uint64_t>;

TEST(PackedNumbers, ComeBackAsTheyWere) {
  for (const Numbers& numbers : {Numbers{}, Numbers{0}, Numbers{1}, Numbers{0, 0, 0, 5, 0},
                                 Numbers{127, 128, 16384, UINT64_MAX}, Numbers(1000, 0)}) {
    EXPECT_EQ(unpack_numbers(pack_numbers(numbers), numbers.size()), numbers);
  }
}

TEST(PackedNumbers, AreLeb128WithRowsOfZerosInBase64) {
  // 3 | 0, of which there are 4 | 300 = 0xAC 0x02: the bytes 03 00 04 AC 02.
  EXPECT_EQ(pack_numbers(Numbers{3, 0, 0, 0, 0, 300}), "AwAErAI");
  EXPECT_EQ(pack_numbers(Numbers(6144, 0)).size(), 4U);  // 00 80 30.
}

TEST(PackedNumbers, RefuseADamagedText) {
  EXPECT_ERROR(unpack_numbers("A?", 1), ErrorCode::kInvalidData, "damaged");
  EXPECT_ERROR(unpack_numbers("AwAErAI", 5), ErrorCode::kInvalidData, "damaged");
  EXPECT_ERROR(unpack_numbers("AwAErAI", 7), ErrorCode::kInvalidData, "damaged");
  EXPECT_ERROR(unpack_numbers("rA", 1), ErrorCode::kInvalidData, "damaged");  // AC: goes on.
  EXPECT_ERROR(unpack_numbers("AA", 1), ErrorCode::kInvalidData, "damaged");  // Zeros, how many?
  // A row of 2^63 zeros is refused before there is room for it.
  EXPECT_ERROR(unpack_numbers("AICAgICAgICAgAE", 4), ErrorCode::kInvalidData, "damaged");
}

}  // namespace
}  // namespace crudbench
