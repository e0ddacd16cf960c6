#include <thread>

#include "harness/generators/builtin_generators.h"
#include "tests/fakes/generation.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::ListSource;
using testing_support::numbered_prompts;
using testing_support::RecordingSink;

/// Runs the pieces on four threads.
class FourThreads final : public Executor {
 public:
  std::size_t concurrency() const noexcept override { return 4; }
  void run_all(std::size_t count, const std::function<void(std::size_t)>& piece) override {
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (std::size_t i = thread; i < count; i += 4) {
          piece(i);
        }
      });
    }
  }
};

std::unique_ptr<Generator> make(Executor& executor, const Json& changes = Json::object()) {
  Catalog catalog;
  add_builtin_generators(catalog);
  Json value = {{"type", "extractive"}};
  value.update(changes);
  return catalog.generators.build(catalog.generators.resolve(value, "e.json", "/generator"),
                                  {executor});
}

Reply reply_to(Prompt prompt, const Json& changes = Json::object()) {
  SerialExecutor executor;
  prompt.ticket = 5;
  ListSource source({std::move(prompt)});
  RecordingSink sink;
  make(executor, changes)->generate(source, sink, {});
  return sink.reply(5);
}

/// The text between the response tags.
std::string answer_to(Prompt prompt, const Json& changes = Json::object()) {
  const std::string text = reply_to(std::move(prompt), changes).text;
  EXPECT_THAT(text, testing::StartsWith("<response>"));
  EXPECT_THAT(text, testing::EndsWith("</response>"));
  return text.substr(10, text.size() - 21);
}

Prompt summary(std::string event, std::vector<std::string> passages) {
  return {.task = "event_summary",
          .fields = {{"event", std::move(event)}},
          .passages = std::move(passages)};
}

Prompt question(std::string text, std::vector<std::string> passages) {
  return {.task = "questanswer_1doc",
          .fields = {{"question", std::move(text)}},
          .passages = std::move(passages)};
}

Prompt continuation(std::string beginning, std::vector<std::string> passages) {
  return {.task = "continuing_writing",
          .fields = {{"beginning_text", std::move(beginning)}},
          .passages = std::move(passages)};
}

Prompt correction(std::string begin, std::string continuation, std::vector<std::string> passages) {
  return {.task = "hallu_modified",
          .fields = {{"begin", std::move(begin)}, {"hallu_continue", std::move(continuation)}},
          .passages = std::move(passages)};
}

TEST(ExtractiveGenerator, AnswersAQuestionWithTheSentenceThatSharesMost) {
  EXPECT_EQ(answer_to(question("云岭大桥的总长度是多少？",
                               {"云岭大桥昨日通车。大桥全长三公里，云岭大桥总长度居全省第一。",
                                "当地天气晴好。游客很多，餐馆生意兴隆。"}),
                      {{"max_sentences", 1}}),
            "大桥全长三公里，云岭大桥总长度居全省第一。");
}

TEST(ExtractiveGenerator, KeepsDocumentOrder) {
  EXPECT_EQ(answer_to(question("青石镇图书馆何时开放？由什么改建而成？",
                               {"图书馆由旧粮仓改建而成。", "青石镇图书馆周一开放。"})),
            "图书馆由旧粮仓改建而成。青石镇图书馆周一开放。");
}

TEST(ExtractiveGenerator, LeavesOutRepetitions) {
  EXPECT_EQ(answer_to(question("青石镇图书馆何时开放？",
                               {"青石镇图书馆周一开放。", "青石镇图书馆周一开放。"})),
            "青石镇图书馆周一开放。");
}

TEST(ExtractiveGenerator, LeavesOutSentencesThatShareLittle) {
  EXPECT_EQ(answer_to(question("青石镇图书馆何时对外开放？",
                               {"青石镇图书馆周一对外开放。", "今天开放式会议讨论了水利问题。"})),
            "青石镇图书馆周一对外开放。");
}

TEST(ExtractiveGenerator, RefusesAQuestionThatThePassagesSayNothingAbout) {
  EXPECT_EQ(answer_to(question("月球有多远？", {"青石镇图书馆开放。"})),
            "根据现有信息无法回答该问题。");
  EXPECT_EQ(answer_to(question("月球有多远？", {})), "根据现有信息无法回答该问题。");
}

TEST(ExtractiveGenerator, TreatsAnUnknownTaskAsAQuestion) {
  EXPECT_EQ(
      answer_to(
          {.task = "new_task", .query = "图书馆何时开放？", .passages = {"图书馆周一开放。"}}),
      "图书馆周一开放。");
}

TEST(ExtractiveGenerator, KeepsClosingQuotationMarksWithTheirSentence) {
  EXPECT_EQ(answer_to(question("馆长说图书馆何时开放？",
                               {"馆长说：“图书馆周一开放！”随后他去吃饭散步。"}),
                      {{"max_sentences", 1}}),
            "馆长说：“图书馆周一开放！”");
}

TEST(ExtractiveGenerator, EndsSentencesAtLineBreaks) {
  EXPECT_EQ(answer_to(question("图书馆何时开放？", {"图书馆周一开放\n今日菜价平稳"})),
            "图书馆周一开放");
}

TEST(ExtractiveGenerator, PutsAFullStopBetweenSentencesThatLackOne) {
  EXPECT_EQ(
      answer_to(question("图书馆何时开放？馆长是谁？", {"图书馆周一开放", "图书馆馆长是李明"})),
      "图书馆周一开放。图书馆馆长是李明");
}

TEST(ExtractiveGenerator, MatchesLatinWordsWholeAndWithoutCase) {
  EXPECT_EQ(answer_to(question("GPT 模型", {"ＧＰＴ 很大并且很贵。", "gp 很小但是很快。"})),
            "ＧＰＴ 很大并且很贵。");
}

TEST(ExtractiveGenerator, SummarisesWithThreeSentencesAboutTheEvent) {
  EXPECT_EQ(answer_to(summary("海川市开通首条地铁线路",
                              {"海川市首条地铁昨日开通。记者现场看到人群。",
                               "地铁线路全长二十公里。市场里蔬菜便宜。海川市民乘坐地铁出行。"})),
            "海川市首条地铁昨日开通。地铁线路全长二十公里。海川市民乘坐地铁出行。");
}

TEST(ExtractiveGenerator, SummarisesClosedBookWithTheEvent) {
  EXPECT_EQ(answer_to(summary("海川市开通首条地铁线路", {})), "海川市开通首条地铁线路");
}

TEST(ExtractiveGenerator, ContinuesWhereTheBeginningStops) {
  EXPECT_EQ(
      answer_to(continuation("海川市首条地铁昨日开通。首日客流超过十万人次。",
                             {"首日客流超过十万人次。市长剪彩致辞感谢建设者。二期工程明年动工。",
                              "另一座城市的地铁首日客流超过五万人次。"})),
      "市长剪彩致辞感谢建设者。二期工程明年动工。");
}

TEST(ExtractiveGenerator, ContinuesWithTheMostRelatedWhereNoPassageGoesOn) {
  EXPECT_EQ(answer_to(continuation("海川市首条地铁昨日开通。",
                                   {"今日菜价平稳如常。", "海川市地铁二期工程明年动工。"})),
            "海川市地铁二期工程明年动工。");
}

TEST(ExtractiveGenerator, ContinuesWithNothingThatTheBeginningSays) {
  EXPECT_EQ(answer_to(continuation("海川市首条地铁昨日开通。市民排队乘坐。",
                                   {"海川市首条地铁昨日开通。票价为两元起步。"})),
            "票价为两元起步。");
}

TEST(ExtractiveGenerator, ContinuesClosedBookWithTheLeadSentence) {
  EXPECT_EQ(answer_to(continuation("海川市首条地铁昨日开通。市民排队乘坐。", {})),
            "海川市首条地铁昨日开通。");
}

TEST(ExtractiveGenerator, CorrectsAHallucinationWithTheMostSimilarSentence) {
  EXPECT_EQ(answer_to(correction("海川市地铁昨日开通。", "首日客流达到百万人次。",
                                 {"海川市地铁昨日开通。首日客流超过十万人次。票价两元起步。"})),
            "首日客流超过十万人次。");
}

TEST(ExtractiveGenerator, CorrectsWithNothingFromTheBeginning) {
  EXPECT_EQ(answer_to(correction("首日客流超过十万人次。", "首日客流达到百万人次。",
                                 {"首日客流超过十万人次。次日客流有所回落。"})),
            "次日客流有所回落。");
}

TEST(ExtractiveGenerator, LeavesAHallucinationAsItIsWithoutPassages) {
  EXPECT_EQ(answer_to(correction("开头。", " 首日客流达到百万人次。\n", {})),
            "首日客流达到百万人次。");
}

TEST(ExtractiveGenerator, FailsOnlyWhereThereIsNoText) {
  const Reply reply = reply_to(summary(" ", {"  ", "。。"}));
  ASSERT_TRUE(reply.failure.has_value());
  EXPECT_EQ(reply.failure->failure_class, "empty");
}

TEST(ExtractiveGenerator, BearsInvalidUtf8) {
  EXPECT_EQ(answer_to(question("图书馆何时开放？", {"\xFF\xFE图书馆周一开放。\xE4\xB8"})),
            "\xFF\xFE图书馆周一开放。");
}

TEST(ExtractiveGenerator, GivesTheSameRepliesOnAnyNumberOfThreads) {
  std::vector<Prompt> prompts = numbered_prompts(700);
  const std::vector<std::string> tasks = {"event_summary", "continuing_writing", "hallu_modified",
                                          "questanswer_2docs"};
  for (Prompt& prompt : prompts) {
    prompt.task = tasks[prompt.ticket % tasks.size()];
    prompt.query = "第" + std::to_string(prompt.ticket % 9) + "次会议讨论水利工程。";
    for (std::size_t i = 0; i < 4; ++i) {
      prompt.passages.push_back("会议第" + std::to_string((prompt.ticket + i) % 9) +
                                "次讨论水利工程建设。工程明年动工！");
    }
  }
  SerialExecutor serial;
  FourThreads parallel;
  RecordingSink one;
  RecordingSink four;
  ListSource first(prompts, 7);
  ListSource second(prompts);
  make(serial)->generate(first, one, {});
  make(parallel)->generate(second, four, {});
  ASSERT_EQ(one.replies().size(), 700U);
  ASSERT_EQ(four.replies().size(), 700U);
  for (std::size_t ticket = 0; ticket < 700; ++ticket) {
    EXPECT_EQ(one.reply(ticket).text, four.reply(ticket).text);
    EXPECT_EQ(four.replies().at(ticket).size(), 1U);
  }
}

TEST(ExtractiveGenerator, HandsNothingOverAfterAStop) {
  SerialExecutor executor;
  ListSource source(numbered_prompts(1000));
  std::stop_source stop;
  RecordingSink sink([&](std::size_t, const Reply&) { stop.request_stop(); });
  make(executor)->generate(source, sink, stop.get_token());
  EXPECT_EQ(sink.replies().size(), 1U);
}

TEST(ExtractiveGenerator, ChecksItsOptions) {
  SerialExecutor executor;
  EXPECT_ERROR(make(executor, {{"max_sentences", 0}}), ErrorCode::kInvalidConfig,
               "/generator/max_sentences: expected an integer from 1 to 100");
}

}  // namespace
}  // namespace crudbench
