#include "harness/store/completion_file.h"

#include "harness/core/files.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::read_lines;
using testing_support::TemporaryFolder;

const std::string kKey(64, 'a');

class CompletionFileTest : public ::testing::Test {
 protected:
  Store open(const std::string& name) {
    return {Workspace{folder_.path() / name}, Database::Mode::kReadWrite};
  }

  /// The error of a file whose second line is `line`.
  void expect_refused(const std::string& line, const std::string& problem) {
    Store store = open("refusing");
    const auto file =
        folder_.write("bad.jsonl", "{\"crudbench_completions\": 1}\n" + good_line() + line + "\n");
    EXPECT_ERROR(import_completions(store, file), ErrorCode::kInvalidData,
                 "bad.jsonl:3: " + problem);
    EXPECT_EQ(store.completion_totals().count, 0) << "nothing of such a file is added";
  }

  static Json good_object() {
    return {{"key", kKey},
            {"text", "答"},
            {"reasoning", ""},
            {"finish_reason", "stop"},
            {"prompt_tokens", 3},
            {"cached_prompt_tokens", -1},
            {"completion_tokens", 2},
            {"first_token_seconds", nullptr},
            {"inter_token_seconds", nullptr},
            {"contexts", nullptr},
            {"seconds", 1.0}};
  }
  static std::string good_line() { return good_object().dump() + "\n"; }

  TemporaryFolder folder_;
};

TEST_F(CompletionFileTest, BringsCompletionsToAnotherStoreWhole) {
  Store from = open("from");
  const CompletionRecord record{.key = kKey,
                                .text = "两行\n<b>",
                                .reasoning = "想",
                                .finish_reason = "stop",
                                .usage = {.prompt_tokens = 3, .completion_tokens = 2},
                                .first_token_seconds = 0.5,
                                .contexts = Json::parse(R"([["d", "t"]])"),
                                .seconds = 2.5};
  from.put_completions(std::vector{record});
  const auto file = folder_.path() / "cache.jsonl";
  EXPECT_EQ(export_completions(from, file), 1U);
  EXPECT_EQ(read_lines(file).size(), 2U);
  Store to = open("to");
  const ImportCount first = import_completions(to, file);
  EXPECT_EQ(first.read, 1U);
  EXPECT_EQ(first.added, 1U);
  CompletionRecord found = *to.find_completion(kKey);
  found.created_at.clear();
  EXPECT_EQ(found, record);
  EXPECT_EQ(import_completions(to, file).added, 0U) << "what is there stays";
}

TEST_F(CompletionFileTest, RefusesAFileOfAnotherKind) {
  Store store = open("ws");
  EXPECT_ERROR(import_completions(store, folder_.write("a.jsonl", "{\"id\": 1}\n")),
               ErrorCode::kInvalidData, "a.jsonl:1: expected a file that 'crudbench cache export'");
  EXPECT_ERROR(import_completions(store, folder_.write("b.jsonl", "")), ErrorCode::kInvalidData,
               "the file is empty");
  EXPECT_ERROR(import_completions(store, folder_.path() / "none"), ErrorCode::kIo, "none");
}

TEST_F(CompletionFileTest, RefusesALineThatHasNotTheAgreedForm) {
  expect_refused("{", "expected a JSON object");
  expect_refused("[]", "expected a JSON object");
  for (const auto& [key, value, problem] :
       {std::tuple{"key", Json("abc"), "/key: expected 64 hexadecimal digits"},
        {"text", Json(5), "/text: expected a text"},
        {"prompt_tokens", Json(-7), "/prompt_tokens: expected an integer"},
        {"seconds", Json("1"), "/seconds: expected seconds or null"},
        {"contexts", Json::parse("[1]"), "/contexts: expected null or a list of pairs"}}) {
    Json object = good_object();
    object[key] = value;
    expect_refused(object.dump(), problem);
  }
  Json lacking = good_object();
  lacking.erase("text");
  expect_refused(lacking.dump(), "expected the member \"text\"");
}

}  // namespace
}  // namespace crudbench
