#include "harness/llama/shared_prefixes.h"

#include <gtest/gtest.h>
#include <numeric>

namespace crudbench {
namespace {

/// `common` tokens that all prompts have, then `own` of one's own.
std::vector<Token> prompt(std::size_t common, std::size_t own, Token name) {
  std::vector<Token> tokens(common);
  std::iota(tokens.begin(), tokens.end(), 0);
  tokens.insert(tokens.end(), own, 1000 + name);
  return tokens;
}

std::size_t worthwhile(SharedPrefixes& prefixes, const std::vector<Token>& first,
                       const std::vector<std::vector<Token>>& waiting) {
  std::vector<std::span<const Token>> views(waiting.begin(), waiting.end());
  return prefixes.worthwhile_length(first, views);
}

TEST(CommonPrefix, CountsEqualTokensAtTheBeginning) {
  EXPECT_EQ(common_prefix(prompt(5, 3, 1), prompt(5, 3, 2)), 5U);
  EXPECT_EQ(common_prefix(prompt(5, 0, 1), prompt(9, 0, 1)), 5U);
  EXPECT_EQ(common_prefix(prompt(0, 3, 1), prompt(0, 3, 2)), 0U);
}

TEST(SharedPrefixes, ChooseTheLengthThatSavesMost) {
  SharedPrefixes prefixes({8, 9}, 1);
  // 100 tokens with three others save more than 150 with one of them.
  EXPECT_EQ(worthwhile(prefixes, prompt(150, 10, 1),
                       {prompt(150, 10, 2), prompt(100, 10, 3), prompt(100, 10, 4)}),
            100U);
  EXPECT_EQ(worthwhile(prefixes, prompt(150, 10, 1), {prompt(150, 10, 2), prompt(40, 10, 3)}),
            150U);
}

TEST(SharedPrefixes, AreNotWorthAFewTokens) {
  SharedPrefixes prefixes({8}, 1);
  EXPECT_EQ(worthwhile(prefixes, prompt(31, 10, 1), {prompt(31, 10, 2)}), 0U);
  EXPECT_EQ(worthwhile(prefixes, prompt(32, 10, 1), {prompt(32, 10, 2)}), 32U);
  EXPECT_EQ(worthwhile(prefixes, prompt(500, 10, 1), {}), 0U);
}

TEST(SharedPrefixes, LeaveTheLastTokenOfEveryPrompt) {
  SharedPrefixes prefixes({8}, 1);
  EXPECT_EQ(worthwhile(prefixes, prompt(100, 0, 1), {prompt(100, 0, 1)}), 99U);
  prefixes.keep(prompt(100, 0, 1));
  EXPECT_EQ(prefixes.find(prompt(100, 0, 1)), nullptr);
  EXPECT_NE(prefixes.find(prompt(101, 0, 1)), nullptr);
}

TEST(SharedPrefixes, AreMultiplesOfTheirUnit) {
  SharedPrefixes prefixes({8}, 64);
  EXPECT_EQ(worthwhile(prefixes, prompt(200, 10, 1), {prompt(200, 10, 2)}), 192U);
}

TEST(SharedPrefixes, AreFoundOnlyWhereAPromptBeginsWithAllOfThem) {
  SharedPrefixes prefixes({8, 9}, 1);
  prefixes.keep(prompt(50, 0, 1));
  const SharedPrefixes::Prefix& longer = prefixes.keep(prompt(80, 0, 1));
  EXPECT_EQ(prefixes.find(prompt(90, 5, 1)), &longer);
  EXPECT_EQ(prefixes.find(prompt(79, 5, 1))->tokens.size(), 50U);
  EXPECT_EQ(prefixes.find(prompt(49, 5, 1)), nullptr);
}

TEST(SharedPrefixes, ForgetTheOneUsedLeastRecentlyThatNobodyUses) {
  SharedPrefixes prefixes({8, 9, 10}, 1);
  SharedPrefixes::Prefix& first = prefixes.keep(prompt(40, 1, 1));
  const int first_sequence = first.sequence;
  SharedPrefixes::Prefix& second = prefixes.keep(prompt(50, 1, 2));
  const int second_sequence = second.sequence;
  SharedPrefixes::Prefix& third = prefixes.keep(prompt(60, 1, 3));
  EXPECT_FALSE(prefixes.has_free_sequence());
  EXPECT_EQ(prefixes.token_count(), 41U + 51U + 61U);
  prefixes.acquire(first);
  EXPECT_EQ(prefixes.evict(&third), second_sequence);
  EXPECT_EQ(prefixes.evict(&third), std::nullopt);  // The first has a user.
  prefixes.release(first_sequence);
  EXPECT_EQ(prefixes.evict(&third), first_sequence);
  EXPECT_TRUE(prefixes.has_free_sequence());
}

}  // namespace
}  // namespace crudbench
