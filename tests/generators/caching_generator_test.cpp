#include "harness/generators/caching_generator.h"

#include "harness/core/fingerprint.h"
#include "tests/fakes/generation.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::ListSource;
using testing_support::MemoryCompletionCache;
using testing_support::numbered_prompts;
using testing_support::RecordingSink;

/// Pulls up to `batch` prompts, then answers them in reverse order: "re: TEXT", or a failure where
/// the text contains "失败". Counts what it was asked.
class ReversingGenerator final : public Generator {
 public:
  ReversingGenerator(std::size_t batch, std::vector<std::string>& asked)
      : batch_(batch), asked_(asked) {}

  void generate(PromptSource& source, ReplySink& sink, std::stop_token stop) override {
    bool ended = false;
    while (!ended && !stop.stop_requested()) {
      std::vector<Prompt> prompts;
      while (prompts.size() < batch_) {
        Prompt prompt;
        const auto status = source.next(prompt, std::chrono::milliseconds(0));
        ended = status == PromptSource::Status::kEnd;
        if (status != PromptSource::Status::kPrompt) {
          break;
        }
        asked_.push_back(prompt.text);
        prompts.push_back(std::move(prompt));
      }
      for (; !prompts.empty(); prompts.pop_back()) {
        sink.accept(prompts.back().ticket, answer(prompts.back().text));
      }
    }
  }

 private:
  static Reply answer(const std::string& text) {
    Reply reply{.seconds = 1.5, .attempts = {{.http_status = 200}}, .finish_reason = "stop"};
    if (text.find("失败") != std::string::npos) {
      reply.failure = Failure{.failure_class = "timeout", .message = "too slow"};
    } else {
      reply.text = "re: " + text;
      reply.usage = {.prompt_tokens = 3, .cached_prompt_tokens = 0, .completion_tokens = 4};
    }
    return reply;
  }

  std::size_t batch_;
  std::vector<std::string>& asked_;
};

class CachingGeneratorTest : public testing::Test {
 protected:
  void generate(std::vector<Prompt> prompts, ReplySink& sink,
                const std::string& fingerprint = "g") {
    ListSource source(std::move(prompts));
    make_caching_generator(std::make_unique<ReversingGenerator>(4, asked_), fingerprint, cache_)
        ->generate(source, sink, {});
  }

  MemoryCompletionCache cache_;
  std::vector<std::string> asked_;
};

TEST_F(CachingGeneratorTest, PassesAMissToTheInnerGenerator) {
  RecordingSink sink;
  generate({{.ticket = 7, .text = "问"}}, sink);
  EXPECT_EQ(sink.reply(7).text, "re: 问");
  EXPECT_FALSE(sink.reply(7).cached);
  EXPECT_EQ(sink.reply(7).attempts.size(), 1U);
}

TEST_F(CachingGeneratorTest, AnswersAHitWithoutTheInnerGenerator) {
  RecordingSink first;
  generate({{.ticket = 0, .text = "问"}}, first);
  RecordingSink second;
  generate({{.ticket = 9, .text = "问"}}, second);
  EXPECT_EQ(asked_.size(), 1U);
  const Reply& reply = second.reply(9);
  EXPECT_TRUE(reply.cached);
  EXPECT_EQ(reply.text, "re: 问");
  EXPECT_EQ(reply.usage, first.reply(0).usage);
  EXPECT_EQ(reply.finish_reason, "stop");
  EXPECT_EQ(reply.seconds, 1.5);
  EXPECT_TRUE(reply.attempts.empty());
}

TEST_F(CachingGeneratorTest, KeysByGeneratorAndText) {
  RecordingSink sink;
  generate({{.ticket = 0, .text = "问"}}, sink, "g");
  generate({{.ticket = 1, .text = "问"}}, sink, "h");
  generate({{.ticket = 2, .text = "问?"}}, sink, "g");
  EXPECT_EQ(asked_.size(), 3U);
  EXPECT_TRUE(
      cache_.find(FingerprintBuilder("completion", 1).add("g").add("问").hex_digest()).has_value());
}

TEST_F(CachingGeneratorTest, NamesTheCompletionOfEveryReplyThatHasOne) {
  RecordingSink sink;
  generate(
      {{.ticket = 0, .text = "问"}, {.ticket = 1, .text = "问"}, {.ticket = 2, .text = "失败"}},
      sink);
  generate({{.ticket = 3, .text = "问"}}, sink);
  const std::string key = FingerprintBuilder("completion", 1).add("g").add("问").hex_digest();
  for (const std::size_t ticket : {0U, 1U, 3U}) {
    EXPECT_EQ(sink.reply(ticket).completion_key, key) << ticket;
  }
  EXPECT_EQ(sink.reply(2).completion_key, "");
}

TEST_F(CachingGeneratorTest, KeepsTheCompletionBeforeTheSinkGetsIt) {
  std::size_t kept = 0;
  RecordingSink sink([&](std::size_t, const Reply&) { kept = cache_.size(); });
  generate({{.ticket = 0, .text = "问"}}, sink);
  EXPECT_EQ(kept, 1U);
}

TEST_F(CachingGeneratorTest, NeverKeepsAFailure) {
  RecordingSink sink;
  generate({{.ticket = 0, .text = "失败"}}, sink);
  generate({{.ticket = 1, .text = "失败"}}, sink);
  EXPECT_EQ(cache_.size(), 0U);
  EXPECT_EQ(asked_.size(), 2U);
}

TEST_F(CachingGeneratorTest, SendsEqualPromptsUnderWayOnce) {
  RecordingSink sink;
  generate({{.ticket = 0, .text = "问"}, {.ticket = 1, .text = "问"}, {.ticket = 2, .text = "问"}},
           sink);
  EXPECT_EQ(asked_.size(), 1U);
  EXPECT_FALSE(sink.reply(0).cached);
  for (const std::size_t ticket : {1U, 2U}) {
    EXPECT_TRUE(sink.reply(ticket).cached);
    EXPECT_EQ(sink.reply(ticket).text, "re: 问");
  }
}

TEST_F(CachingGeneratorTest, FailsEqualPromptsUnderWayTogether) {
  RecordingSink sink;
  generate({{.ticket = 0, .text = "失败"}, {.ticket = 1, .text = "失败"}}, sink);
  EXPECT_EQ(asked_.size(), 1U);
  EXPECT_EQ(sink.reply(1).failure->failure_class, "timeout");
  EXPECT_FALSE(sink.reply(1).cached);
  EXPECT_TRUE(sink.reply(1).attempts.empty());
}

TEST_F(CachingGeneratorTest, AnswersEveryPromptOnceInAMixture) {
  std::vector<Prompt> prompts = numbered_prompts(300);
  for (Prompt& prompt : prompts) {
    const std::size_t text = prompt.ticket % 70;
    prompt.text = (text % 7 == 0 ? "失败" : "问题") + std::to_string(text);
  }
  RecordingSink sink;
  generate(prompts, sink);
  ASSERT_EQ(sink.replies().size(), 300U);
  for (const auto& [ticket, replies] : sink.replies()) {
    EXPECT_EQ(replies.size(), 1U) << ticket;
  }
  EXPECT_EQ(cache_.size(), 60U);
}

TEST_F(CachingGeneratorTest, LetsTheInnerGeneratorWorkAmongManyHits) {
  std::vector<Prompt> prompts(1000, Prompt{.text = "问"});
  RecordingSink sink;
  generate({{.ticket = 0, .text = "问"}}, sink);
  ListSource source(std::move(prompts));
  std::size_t most_between_turns = 0;

  /// Counts the replies that one call of `next` hands over.
  class TurnCounter final : public Generator {
   public:
    TurnCounter(std::size_t& handed_over, std::size_t& most)
        : handed_over_(handed_over), most_(most) {}
    void generate(PromptSource& from, ReplySink&, std::stop_token) override {
      Prompt prompt;
      PromptSource::Status status = PromptSource::Status::kPending;
      while (status != PromptSource::Status::kEnd) {
        const std::size_t before = handed_over_;
        status = from.next(prompt, std::chrono::milliseconds(0));
        most_ = std::max(most_, handed_over_ - before);
      }
    }

   private:
    std::size_t& handed_over_;
    std::size_t& most_;
  };
  std::size_t handed_over = 0;
  RecordingSink counting([&](std::size_t, const Reply&) { ++handed_over; });
  make_caching_generator(std::make_unique<TurnCounter>(handed_over, most_between_turns), "g",
                         cache_)
      ->generate(source, counting, {});
  EXPECT_EQ(handed_over, 1000U);
  EXPECT_LE(most_between_turns, 64U);
}

/// Counts how often it is written to.
class CountingCache final : public CompletionCache {
 public:
  std::optional<CachedCompletion> find(std::string_view key) override { return inner.find(key); }
  void insert(std::vector<KeyedCompletion> completions) override {
    sizes.push_back(completions.size());
    inner.insert(std::move(completions));
  }
  MemoryCompletionCache inner;
  std::vector<std::size_t> sizes;
};

/// Answers everything at once.
class BatchGenerator final : public Generator {
 public:
  void generate(PromptSource& source, ReplySink& sink, std::stop_token /*stop*/) override {
    std::vector<TicketReply> replies;
    Prompt prompt;
    while (source.next(prompt, std::chrono::milliseconds(0)) == PromptSource::Status::kPrompt) {
      Reply reply{.text = "re: " + prompt.text,
                  .reasoning = "想",
                  .timing = {.first_token_seconds = 0.5},
                  .contexts = std::vector<ExternalContext>{{.doc_id = "d", .text = "t"}}};
      if (prompt.ticket == 1) {
        reply.failure = Failure{.failure_class = "timeout"};
      }
      replies.push_back({prompt.ticket, std::move(reply)});
    }
    sink.accept_all(std::move(replies));
  }
};

TEST(CachingGenerator, StoresRepliesThatComeTogetherInOneStep) {
  CountingCache cache;
  RecordingSink sink;
  ListSource source(numbered_prompts(5));
  make_caching_generator(std::make_unique<BatchGenerator>(), "f", cache)
      ->generate(source, sink, {});
  EXPECT_EQ(cache.sizes, std::vector<std::size_t>{4}) << "all but the failure";
  EXPECT_EQ(sink.replies().size(), 5U);
}

TEST(CachingGenerator, GivesBackReasoningTimingAndContexts) {
  CountingCache cache;
  const auto generator = make_caching_generator(std::make_unique<BatchGenerator>(), "f", cache);
  for (const bool cached : {false, true}) {
    RecordingSink sink;
    ListSource source(numbered_prompts(1));
    generator->generate(source, sink, {});
    const Reply& reply = sink.reply(0);
    EXPECT_EQ(reply.cached, cached);
    EXPECT_EQ(reply.reasoning, "想");
    EXPECT_EQ(reply.timing.first_token_seconds, 0.5);
    EXPECT_EQ(reply.contexts, (std::vector<ExternalContext>{{.doc_id = "d", .text = "t"}}));
  }
}

}  // namespace
}  // namespace crudbench
