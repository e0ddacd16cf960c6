#include "reports/score_reader.h"

#include <gtest/gtest.h>

#include "tests/support/testing.h"

namespace crudbench {
namespace {

using namespace testing_support;

/// Puts together again what it is handed.
class Collector final : public ScoreVisitor {
 public:
  void on_value(std::string_view metric, double value) override {
    scores[std::string(metric)] = value;
  }
  void on_other(std::string_view metric, const Json& score) override {
    scores[std::string(metric)] = score;
  }
  Json scores = Json::object();
};

Json read_back(const std::string& text) {
  Collector collector;
  read_score_text(text, collector);
  return collector.scores;
}

TEST(ReadScoreText, HandsOverWhatTheParserFinds) {
  const Json scores = {{"bleu", 0.1},
                       {"rouge_l", 1.0 / 3.0},
                       {"tiny", 5e-324},
                       {"large", -1.7976931348623157e308},
                       {"whole", 12},
                       {"undefined", nullptr},
                       {"failed", {{"failed", "a, \"quoted\" } class"}}},
                       {"bleu_corpus", {{"counts", {1, 2, 3}}}},
                       {"名[a\"b\\c\n]", 0.5},
                       {"", 0.25}};
  EXPECT_EQ(read_back(to_text(scores)), scores);
  EXPECT_EQ(read_back(scores.dump(2)), scores);
  EXPECT_EQ(read_back("{}"), Json::object());
}

TEST(ReadScoreText, GivesTheSameBitsAsTheParser) {
  for (const double value : {0.03206432629865395, 0.1, 1e-7, 123456789.12345678}) {
    EXPECT_EQ(read_back(to_text(Json{{"m", value}})).at("m").get<double>(), value);
  }
}

TEST(ReadScoreText, RefusesWhatIsNoObjectOfScores) {
  for (const std::string text : {"", "[]", "{", "{\"a\"", "{\"a\":1", "{\"a\":1,}", "{\"a\":1} x",
                                 "{\"a\":inf}", "{\"a\":-inf}", "{a:1}", "{\"a\":\"b}"}) {
    EXPECT_ERROR(read_back(text), ErrorCode::kInvalidData, "scores in the store");
  }
}

}  // namespace
}  // namespace crudbench
