/// The `llama` generator on real engine processes and a model of random weights.
#include <signal.h>
#include <unistd.h>

#include "harness/core/executor.h"
#include "harness/generators/builtin_generators.h"
#include "harness/generators/llama_host.h"
#include "tests/fakes/generation.h"
#include "tests/fakes/tiny_gguf.h"
#include "tests/support/child_processes.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)

class LlamaEngineProcess : public testing::Test {
 protected:
  std::unique_ptr<Generator> make(const Json& more = Json::object()) {
    Json json = {
        {"type", "llama"}, {"model", model_.string()}, {"model_sha256", "0"}, {"max_tokens", 12},
        {"threads", 1},    {"context", 512},           {"parallel", 4},       {"kv_type", "f32"}};
    json.update(more);
    Options options(json, "test.json", "/generator");
    options.text("type");
    return make_llama_generator(options, {.executor = executor_, .llama = &host_});
  }

  const TemporaryFolder folder_;
  const std::filesystem::path model_ =
      write_random_model(folder_.path() / "tiny.gguf", {.chat_template = kChatMlTemplate}).front();
  LlamaHost host_{{CRUDBENCH_TEST_LLAMA_WORKER}};
  SerialExecutor executor_;
};

TEST_F(LlamaEngineProcess, GivesTheAnswersOfAnEngineInThisProcess) {
  RecordingSink apart;
  RecordingSink here;
  ListSource first(numbered_prompts(10));
  ListSource second(numbered_prompts(10));
  make()->generate(first, apart, {});
  make({{"isolation", "none"}})->generate(second, here, {});
  ASSERT_EQ(apart.replies().size(), 10U);
  ASSERT_EQ(here.replies().size(), 10U);
  for (std::size_t ticket = 0; ticket < 10; ++ticket) {
    EXPECT_EQ(apart.reply(ticket).text, here.reply(ticket).text) << ticket;
    EXPECT_EQ(apart.reply(ticket).usage, here.reply(ticket).usage) << ticket;
  }
}

TEST_F(LlamaEngineProcess, IsStartedAgainWhenItIsKilled) {
  bool is_killed = false;
  RecordingSink sink([&is_killed](std::size_t /*ticket*/, const Reply& /*reply*/) {
    if (!std::exchange(is_killed, true)) {
      const std::vector<pid_t> engines = children_of(::getpid());
      ASSERT_EQ(engines.size(), 1U);
      ::kill(engines.front(), SIGKILL);
    }
  });
  ListSource source(numbered_prompts(30));
  make()->generate(source, sink, {});
  ASSERT_EQ(sink.replies().size(), 30U);
  for (const auto& [ticket, replies] : sink.replies()) {
    EXPECT_EQ(replies.size(), 1U) << ticket;
    EXPECT_FALSE(replies.front().failure) << ticket;
  }
}

TEST_F(LlamaEngineProcess, RefusesAFileThatIsNoModel) {
  ListSource source(numbered_prompts(1));
  RecordingSink sink;
  const std::string file = folder_.write("m.gguf", "not a model");
  EXPECT_ERROR(make({{"model", file}})->generate(source, sink, {}), ErrorCode::kInvalidData,
               "is no GGUF file");
}

TEST_F(LlamaEngineProcess, KnowsHowLongPromptsMayBe) {
  const auto generator = make();
  const PromptBudget* budget = generator->prompt_budget();
  ASSERT_NE(budget, nullptr);
  EXPECT_EQ(budget->limit(), 512U - 12U);
  const std::string fits(budget->limit() - budget->count(""), 'x');  // A token a byte.
  ListSource source({{.ticket = 0, .text = fits}, {.ticket = 1, .text = fits + "x"}});
  RecordingSink sink;
  generator->generate(source, sink, {});
  EXPECT_FALSE(sink.reply(0).failure && sink.reply(0).failure->failure_class == "too_long");
  ASSERT_TRUE(sink.reply(1).failure);
  EXPECT_EQ(sink.reply(1).failure->failure_class, "too_long");
}

}  // namespace
}  // namespace crudbench
