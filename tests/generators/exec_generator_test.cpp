#include "harness/generators/builtin_generators.h"
#include "tests/fakes/generation.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::HasSubstr;
using testing_support::ListSource;
using testing_support::numbered_prompts;
using testing_support::RecordingSink;
using testing_support::TemporaryFolder;

/// A program that answers the n-th line with what the shell makes of `reply`, in which $n is n.
std::vector<std::string> answering(const std::string& reply) {
  return {"sh", "-c", "n=0; while read -r line; do n=$((n+1)); echo \"" + reply + "\"; done"};
}

constexpr const char* kOrderly = R"({\"id\":\"$n\",\"answer\":\"答$n\"})";

class ExecGeneratorTest : public testing::Test {
 protected:
  ExecGeneratorTest() { add_builtin_generators(catalog_); }

  std::map<std::size_t, std::vector<Reply>> ask(const std::vector<std::string>& command,
                                                std::size_t count, Json options = {}) {
    options["type"] = "exec";
    options["command"] = command;
    ListSource source(numbered_prompts(count));
    RecordingSink sink;
    catalog_.generators
        .build(catalog_.generators.resolve(options, "e.json", "/generator"), {executor_})
        ->generate(source, sink, {});
    return sink.replies();
  }

  static std::string class_of(const Reply& reply) {
    return reply.failure ? reply.failure->failure_class : "";
  }

  SerialExecutor executor_;
  Catalog catalog_;
};

TEST_F(ExecGeneratorTest, AnswersEveryPromptFromOneProcess) {
  const auto replies = ask(answering(kOrderly), 3);
  ASSERT_EQ(replies.size(), 3U);
  EXPECT_EQ(replies.at(0)[0].text, "答1");
  EXPECT_EQ(replies.at(2)[0].text, "答3");
  EXPECT_EQ(replies.at(2)[0].attempts.size(), 1U);
}

TEST_F(ExecGeneratorTest, SendsWhatAProgramMayNeed) {
  const TemporaryFolder folder;
  const std::string log = folder.path() / "log";
  std::vector<std::string> command = answering(kOrderly);
  command[2].insert(command[2].find("n=$((n"), "echo \"$line\" >> '" + log + "'; ");
  ask(command, 1);
  EXPECT_EQ(Json::parse(testing_support::read_lines(log).at(0)),
            (Json{{"id", "1"},
                  {"sample_id", "sample-0"},
                  {"task", ""},
                  {"query", ""},
                  {"prompt", "问题0"},
                  {"passages", Json::array()}}));
}

TEST_F(ExecGeneratorTest, TakesContextsAndUsage) {
  const Reply reply =
      ask(answering(
              R"({\"id\":\"$n\",\"answer\":\"答\",\"contexts\":[\"一\"],\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":1}})"),
          1, {{"contexts", "/contexts"}})
          .at(0)[0];
  EXPECT_EQ(reply.contexts, std::vector<ExternalContext>{{.text = "一"}});
  EXPECT_EQ(reply.usage, (Usage{4, -1, 1}));
}

TEST_F(ExecGeneratorTest, FailsOnePromptWhereTheProgramSaysSo) {
  const auto replies = ask(
      answering(
          R"($([ $n = 1 ] && echo '{"id":"1","error":"no luck"}' || echo '{"id":"2","answer":"答"}'))"),
      2);
  EXPECT_EQ(class_of(replies.at(0)[0]), "exec_failed");
  EXPECT_THAT(replies.at(0)[0].failure->message, HasSubstr("no luck"));
  EXPECT_EQ(class_of(replies.at(1)[0]), "");
}

TEST_F(ExecGeneratorTest, StartsAFreshProcessAfterACrash) {
  const auto replies = ask({"sh", "-c", "read -r line; exit 3"}, 2, {{"max_restarts", 0}});
  EXPECT_EQ(class_of(replies.at(0)[0]), "exec_crashed");
  EXPECT_THAT(replies.at(0)[0].failure->message, HasSubstr("ended with status 3"));
  EXPECT_THAT(replies.at(1)[0].failure->message, HasSubstr("not started again"));
}

TEST_F(ExecGeneratorTest, TakesWhatBreaksTheProtocolAsMalformed) {
  for (const char* reply : {"hello", R"({\"id\":\"x\",\"answer\":\"答\"})", R"({\"id\":\"$n\"})",
                            R"({\"id\":\"$n\",\"answer\":5})"}) {
    EXPECT_EQ(class_of(ask(answering(reply), 1).at(0)[0]), "exec_malformed") << reply;
  }
}

TEST_F(ExecGeneratorTest, NeedsACommand) {
  EXPECT_ERROR(ask({}, 1), ErrorCode::kInvalidConfig, "/generator/command: expected a list");
}

}  // namespace
}  // namespace crudbench
