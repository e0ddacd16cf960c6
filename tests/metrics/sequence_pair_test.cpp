#include "metrics/sequence_pair.h"

#include <algorithm>
#include <map>
#include <vector>

#include "harness/core/random.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::ElementsAre;

constexpr std::uint32_t kForeign = SequencePair::kForeign;

SequencePair random_pair(Random& random, std::size_t max_size, std::uint32_t vocabulary) {
  SequencePair pair{.prediction = {}, .reference = {}, .vocabulary = vocabulary};
  pair.prediction.resize(random.below(max_size + 1));
  pair.reference.resize(random.below(max_size + 1));
  for (std::uint32_t& symbol : pair.prediction) {
    symbol =
        random.below(10) == 0 ? kForeign : static_cast<std::uint32_t>(random.below(vocabulary));
  }
  for (std::uint32_t& symbol : pair.reference) {
    symbol = static_cast<std::uint32_t>(random.below(vocabulary));
  }
  return pair;
}

/// The quadratic textbook recurrence.
std::size_t subsequence_by_table(const SequencePair& pair) {
  std::vector<std::size_t> row(pair.reference.size() + 1, 0);
  for (const std::uint32_t symbol : pair.prediction) {
    std::size_t diagonal = 0;
    for (std::size_t i = 1; i < row.size(); ++i) {
      const std::size_t above = row[i];
      row[i] = symbol == pair.reference[i - 1] ? diagonal + 1 : std::max(above, row[i - 1]);
      diagonal = above;
    }
  }
  return row.back();
}

std::map<std::vector<std::uint32_t>, std::size_t> ngrams(const std::vector<std::uint32_t>& symbols,
                                                         std::size_t order) {
  std::map<std::vector<std::uint32_t>, std::size_t> counts;
  for (auto begin = symbols.begin(); symbols.end() - begin >= static_cast<std::ptrdiff_t>(order);
       ++begin) {
    ++counts[{begin, begin + static_cast<std::ptrdiff_t>(order)}];
  }
  return counts;
}

std::size_t matches_by_counting(const SequencePair& pair, std::size_t order) {
  const auto of_reference = ngrams(pair.reference, order);
  std::size_t matches = 0;
  for (const auto& [ngram, count] : ngrams(pair.prediction, order)) {
    if (const auto found = of_reference.find(ngram); found != of_reference.end()) {
      matches += std::min(count, found->second);
    }
  }
  return matches;
}

TEST(PairWords, NumbersReferenceWordsByFirstOccurrenceAndMarksForeignOnes) {
  const std::vector<std::string_view> prediction = {"北京", "上海", "的"};
  const std::vector<std::string_view> reference = {"的", "北京", "的"};
  const SequencePair pair = pair_words(prediction, reference);
  EXPECT_THAT(pair.reference, ElementsAre(0, 1, 0));
  EXPECT_THAT(pair.prediction, ElementsAre(1, kForeign, 0));
  EXPECT_EQ(pair.vocabulary, 2);
}

TEST(PairWords, TellsWordsApartByTheirBytesOnly) {
  const std::string with_nul("a\0b", 3);
  const std::vector<std::string_view> prediction = {"A", "a", ""};
  const std::vector<std::string_view> reference = {"a", with_nul, ""};
  const SequencePair pair = pair_words(prediction, reference);
  EXPECT_THAT(pair.reference, ElementsAre(0, 1, 2));
  EXPECT_THAT(pair.prediction, ElementsAre(kForeign, 0, 2));
}

TEST(PairCodePoints, LeavesOutWhiteSpaceOfEveryKind) {
  // U+3000, the ideographic space, and U+0085.
  const SequencePair pair = pair_code_points("京 北", "北\u3000京\n\xC2\x85");
  EXPECT_THAT(pair.reference, ElementsAre(0, 1));
  EXPECT_THAT(pair.prediction, ElementsAre(1, 0));
}

TEST(MatchNgrams, ClipsByTheSmallerCount) {
  // "a a a" against "a a b": a twice, "a a" once.
  const SequencePair pair{.prediction = {0, 0, 0}, .reference = {0, 0, 1}, .vocabulary = 2};
  EXPECT_THAT(match_ngrams(pair, 4), ElementsAre(2, 1, 0, 0));
}

TEST(MatchNgrams, FindsNothingInEmptySequences) {
  EXPECT_THAT(match_ngrams(SequencePair{}, 2), ElementsAre(0, 0));
}

TEST(MatchNgrams, AgreesWithCountingEveryNgram) {
  Random random(1);
  for (int round = 0; round < 2'000; ++round) {
    const SequencePair pair =
        random_pair(random, 60, 1 + static_cast<std::uint32_t>(random.below(8)));
    const std::vector<std::size_t> matches = match_ngrams(pair, 6);
    for (std::size_t order = 1; order <= 6; ++order) {
      ASSERT_EQ(matches[order - 1], matches_by_counting(pair, order)) << round << ' ' << order;
    }
  }
}

TEST(LongestCommonSubsequence, AgreesWithTheTextbookTable) {
  Random random(2);
  for (int round = 0; round < 1'000; ++round) {
    const SequencePair pair =
        random_pair(random, 300, 1 + static_cast<std::uint32_t>(random.below(40)));
    ASSERT_EQ(longest_common_subsequence(pair), subsequence_by_table(pair)) << round;
  }
}

TEST(LongestCommonSubsequence, IsTheWholeOfEqualSequencesAcrossStripBorders) {
  for (const std::size_t size : {1U, 63U, 64U, 65U, 128U, 1'000U}) {
    SequencePair pair{.prediction = std::vector<std::uint32_t>(size, 0),
                      .reference = std::vector<std::uint32_t>(size, 0),
                      .vocabulary = 1};
    EXPECT_EQ(longest_common_subsequence(pair), size);
  }
}

TEST(LongestCommonSubsequence, IsZeroWithoutCommonSymbols) {
  EXPECT_EQ(longest_common_subsequence(SequencePair{}), 0);
  EXPECT_EQ(longest_common_subsequence(
                {.prediction = {kForeign, kForeign}, .reference = {0}, .vocabulary = 1}),
            0);
}

}  // namespace
}  // namespace crudbench
