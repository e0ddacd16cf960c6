#include "harness/llama/repetition_guard.h"

#include <gtest/gtest.h>
#include <vector>

namespace crudbench {
namespace {

std::vector<Token> repeated(const std::vector<Token>& pattern, std::size_t size) {
  std::vector<Token> tokens;
  while (tokens.size() < size) {
    tokens.push_back(pattern[tokens.size() % pattern.size()]);
  }
  return tokens;
}

TEST(IsRepetition, FindsAPatternAfterAnHonestBeginning) {
  std::vector<Token> tokens{7, 8, 9, 10};
  const std::vector<Token> loop = repeated({1, 2, 3}, 16);
  tokens.insert(tokens.end(), loop.begin(), loop.end());
  EXPECT_TRUE(is_repetition(tokens, 16));
  EXPECT_FALSE(is_repetition(tokens, 18));  // Reaches into the beginning.
}

TEST(IsRepetition, NeedsThePatternFourTimes) {
  EXPECT_TRUE(is_repetition(repeated({1, 2, 3, 4}, 16), 16));
  EXPECT_FALSE(is_repetition(repeated({1, 2, 3, 4, 5}, 16), 16));
}

TEST(IsRepetition, KnowsPatternsUpToTheLongest) {
  std::vector<Token> pattern(kLongestPattern);
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    pattern[i] = static_cast<Token>(i);
  }
  EXPECT_TRUE(is_repetition(repeated(pattern, 200), 200));
  pattern.push_back(99);
  EXPECT_FALSE(is_repetition(repeated(pattern, 200), 200));
}

TEST(IsRepetition, IsFalseForShortAnswersAndWithoutAWindow) {
  EXPECT_FALSE(is_repetition(repeated({1}, 15), 16));
  EXPECT_FALSE(is_repetition(repeated({1}, 15), 0));
}

}  // namespace
}  // namespace crudbench
