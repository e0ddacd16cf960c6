#include "harness/core/suggest.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace crudbench {
namespace {

const std::vector<std::string> kWords{"chunker", "embedder", "retriever", "top_k"};

TEST(NearestWord, FindsOneEditAway) {
  EXPECT_EQ(nearest_word("chuncker", kWords), "chunker");
  EXPECT_EQ(nearest_word("topk", kWords), "top_k");
  EXPECT_EQ(nearest_word("retreiver", kWords), "retriever");
}

TEST(NearestWord, DoesNotGuessWhatIsFarAway) {
  EXPECT_EQ(nearest_word("xyz", kWords), "");
}

TEST(Suggestion, ListsTheKnownWordsWhereNoneIsNear) {
  EXPECT_EQ(suggestion("xyz", kWords), "; known: chunker, embedder, retriever, top_k");
  EXPECT_EQ(suggestion("top-k", kWords), "; did you mean 'top_k'?");
}

}  // namespace
}  // namespace crudbench
