#include <signal.h>
#include <unistd.h>

#include "harness/core/executor.h"
#include "harness/generators/builtin_generators.h"
#include "harness/generators/llama_host.h"
#include "tests/fakes/generation.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)
using testing::HasSubstr;

/// An engine that repeats nothing but its protocol: it answers every prompt with "ok", but dies of
/// one with "poison" in it, says nothing to one with "silence", and writes something else for one
/// with "noise". $1, if given, gets a line for every start.
constexpr const char* kFakeEngine = R"sh(
[ -z "$1" ] || echo start >> "$1"
while read -r line; do
  case "$line" in
    *'"configure"'*) [ -n "$ready" ] || echo '{"protocol":1,"ready":{"model":"fake","context":1,"parallel":1,"threads":1}}'
      ready=yes ;;
    *poison*) echo 'the last words' >&2; kill -9 $$ ;;
    *silence*) ;;
    *noise*) echo 'hello' ;;
    *) ticket=${line#*'"ticket":'}; ticket=${ticket%%[!0-9]*}
      echo '{"reply":{"ticket":'"$ticket"',"text":"ok","failure":null,"finish_reason":"stop","prompt_tokens":1,"cached_prompt_tokens":0,"completion_tokens":1,"seconds":0.1,"details":{}}}' ;;
  esac
done)sh";

std::vector<std::string> fake_engine(const std::string& note = "") {
  return {"/bin/sh", "-c", kFakeEngine, "engine", note};
}

class LlamaGeneratorTest : public testing::Test {
 protected:
  std::unique_ptr<Generator> make(LlamaHost& host, const Json& more = Json::object()) {
    Json json = {{"type", "llama"}, {"model", "m.gguf"}, {"model_sha256", "0"}};
    json.update(more);
    Options options(json, "test.json", "/generator");
    options.text("type");
    return make_llama_generator(options, {.executor = executor_, .llama = &host});
  }

  static std::vector<Prompt> prompts(const std::vector<std::string>& texts) {
    std::vector<Prompt> prompts;
    for (const std::string& text : texts) {
      prompts.push_back({.ticket = prompts.size(), .text = text});
    }
    return prompts;
  }

  SerialExecutor executor_;
};

TEST_F(LlamaGeneratorTest, AnswersEveryPrompt) {
  LlamaHost host(fake_engine());
  ListSource source(numbered_prompts(100), 3);
  RecordingSink sink;
  make(host)->generate(source, sink, {});
  ASSERT_EQ(sink.replies().size(), 100U);
  EXPECT_EQ(sink.reply(42).text, "ok");
  EXPECT_EQ(sink.reply(42).attempts.size(), 1U);
  EXPECT_EQ(sink.reply(42).usage.completion_tokens, 1);
}

TEST_F(LlamaGeneratorTest, LosesOnlyThePromptThatTheEngineEndsOver) {
  LlamaHost host(fake_engine());
  ListSource source(prompts({"a", "b", "c poison", "d", "e", "f"}));
  RecordingSink sink;
  make(host)->generate(source, sink, {});
  ASSERT_EQ(sink.replies().size(), 6U);
  for (const std::size_t ticket : {0, 1, 3, 4, 5}) {
    EXPECT_FALSE(sink.reply(ticket).failure) << ticket;
  }
  const Reply& lost = sink.reply(2);
  ASSERT_TRUE(lost.failure);
  EXPECT_EQ(lost.failure->failure_class, "engine_crashed");
  EXPECT_THAT(lost.failure->message, HasSubstr("was killed by signal 9"));
  EXPECT_THAT(lost.failure->message, HasSubstr("the last words"));
  EXPECT_EQ(lost.attempts.size(), 2U);
}

TEST_F(LlamaGeneratorTest, GivesUpAnEngineThatEndsAgainAndAgain) {
  LlamaHost host(fake_engine());
  ListSource source(prompts({"poison"}));
  RecordingSink sink;
  EXPECT_ERROR(make(host, {{"max_restarts", 0}})->generate(source, sink, {}),
               ErrorCode::kUnavailable, "is not started again");
}

TEST_F(LlamaGeneratorTest, KeepsTheEngineForAnotherGeneratorOfTheSameModel) {
  const TemporaryFolder folder;
  const std::string note = folder.path() / "starts";
  LlamaHost host(fake_engine(note));
  for (const Json& more :
       {Json{{"seed", 1}}, Json{{"seed", 2}, {"temperature", 0.5}}, Json{{"experts_used", 4}}}) {
    ListSource source(numbered_prompts(3));
    RecordingSink sink;
    make(host, more)->generate(source, sink, {});
    EXPECT_EQ(sink.replies().size(), 3U);
  }
  EXPECT_EQ(read_lines(note).size(), 2U);  // The third one is another engine.
}

TEST_F(LlamaGeneratorTest, LoadsNothingWhereThereIsNothingToAnswer) {
  LlamaHost host({"/nowhere/engine"});
  ListSource source({});
  RecordingSink sink;
  EXPECT_NO_THROW(make(host)->generate(source, sink, {}));
}

/// Asks for a stop when a prompt is taken.
class StoppingSource final : public PromptSource {
 public:
  explicit StoppingSource(std::stop_source& stop) : stop_(stop) {}
  Status next(Prompt& prompt, std::chrono::milliseconds /*wait*/) override {
    prompt = {.ticket = taken_++, .text = "silence"};
    if (taken_ == 3) {
      stop_.request_stop();
    }
    return Status::kPrompt;
  }

 private:
  std::stop_source& stop_;
  std::size_t taken_ = 0;
};

TEST_F(LlamaGeneratorTest, LeavesAnEngineThatIsAtWorkWhenItIsStopped) {
  LlamaHost host(fake_engine());
  std::stop_source stop;
  StoppingSource source(stop);
  RecordingSink sink;
  make(host)->generate(source, sink, stop.get_token());
  EXPECT_TRUE(sink.replies().empty());
}

TEST_F(LlamaGeneratorTest, TellsWhyAModelCannotBeLoaded) {
  LlamaHost host(
      {"/bin/sh", "-c",
       R"(read -r line; echo '{"error":{"code":"invalid_data","message":"no model"}}')"});
  ListSource source(numbered_prompts(1));
  RecordingSink sink;
  EXPECT_ERROR(make(host)->generate(source, sink, {}), ErrorCode::kInvalidData, "no model");
  LlamaHost dying({"/bin/sh", "-c", "read -r line; echo 'GGML_ASSERT(x) failed' >&2; kill -6 $$"});
  ListSource again(numbered_prompts(1));
  EXPECT_ERROR(make(dying)->generate(again, sink, {}), ErrorCode::kUnavailable,
               "was killed by signal 6; its last words: GGML_ASSERT(x) failed");
}

TEST_F(LlamaGeneratorTest, EndsARunOverAnEngineThatSpeaksSomethingElse) {
  LlamaHost host(fake_engine());
  ListSource source(prompts({"noise"}));
  RecordingSink sink;
  EXPECT_ERROR(make(host)->generate(source, sink, {}), ErrorCode::kBadReply, "protocol");
}

TEST(LlamaGenerator, TakesOptionsThatItsCheckAccepts) {
  const Json json = {{"type", "llama"}, {"model", "m"}, {"model_sha256", "0"}, {"parallel", 4}};
  Options options(json, "test.json", "/generator");
  options.text("type");
  EXPECT_NO_THROW(check_llama_generator(options));
}

}  // namespace
}  // namespace crudbench
