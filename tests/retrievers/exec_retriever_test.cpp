#include "tests/retrievers/retrieving.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::answering_program;
using testing_support::make_corpus;
using testing_support::retrieval_catalog;
using testing_support::TemporaryFolder;

/// Three documents, of which the second has two chunks of 3 characters.
class ExecRetrieverTest : public testing::Test {
 protected:
  std::unique_ptr<Retriever> open(const std::vector<std::string>& command, Json options = {}) {
    options["type"] = "exec";
    options["command"] = command;
    return base_.open(
        {.retriever = catalog_.retrievers.resolve(options, "test", "/retriever"),
         .chunker = catalog_.chunkers.resolve({{"type", "fixed"}, {"size", 3}}, "", "")});
  }
  std::vector<Retrieval> ask(const Retriever& retriever, std::size_t count = 1) {
    const std::vector<Query> queries(count, Query{.text = "天气"});
    return retriever.retrieve(queries, 2, executor_);
  }
  std::vector<Retrieval> answers(const std::string& hits) {
    return ask(*open(answering_program(hits)));
  }
  static std::string class_of(const Retrieval& retrieval) {
    return retrieval.failure ? retrieval.failure->failure_class : "";
  }
  static std::string message_of(const Retrieval& retrieval) {
    return retrieval.failure ? retrieval.failure->message : "";
  }

  SerialExecutor executor_;
  Catalog catalog_ = retrieval_catalog();
  Corpus corpus_ = make_corpus({"一二", "三四五六", "七"});
  TemporaryFolder folder_;
  KnowledgeBase base_{folder_.path(), corpus_, "corpus", catalog_, executor_};
};

TEST_F(ExecRetrieverTest, FindsChunksByDocumentAndChunkIds) {
  EXPECT_THAT(
      answers(R"({"doc_id":"news:3","score":1.5},{"chunk_id":"news:2@9-12","score":2})")[0].hits,
      ElementsAre(Hit{2, 2.0}, Hit{3, 1.5}));
}

TEST_F(ExecRetrieverTest, ListsEqualScoresInCorpusOrder) {
  EXPECT_THAT(answers(R"({"doc_id":"news:3","score":1},{"doc_id":"news:1","score":1})")[0].hits,
              ElementsAre(Hit{0, 1.0}, Hit{3, 1.0}));
}

TEST_F(ExecRetrieverTest, SendsQueryAndTopK) {
  const std::string log = (folder_.path() / "log").string();
  std::vector<std::string> command = answering_program("");
  command.back().insert(std::string("while read -r line; do ").size(),
                        "echo \"$line\" >> '" + log + "'; ");
  ask(*open(command), 2);
  const std::vector<std::string> lines = testing_support::read_lines(log);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(Json::parse(lines[1]), Json({{"id", "2"}, {"query", "天气"}, {"top_k", 2}}));
}

TEST_F(ExecRetrieverTest, KeepsOneProcessForAllCalls) {
  const std::string log = (folder_.path() / "starts").string();
  std::vector<std::string> command = answering_program("");
  command.back().insert(0, "echo start >> '" + log + "'; ");
  const auto retriever = open(command);
  ask(*retriever, 2);
  ask(*retriever, 2);
  EXPECT_EQ(testing_support::read_lines(log).size(), 1U);
}

TEST_F(ExecRetrieverTest, FailsWhereAnIdIsUnknown) {
  for (const auto& [hit, problem] :
       {std::pair{R"({"doc_id":"news:9","score":1})", "the corpus has no document 'news:9'"},
        {R"({"chunk_id":"news:2@0-6","score":1})", "there is no chunk 'news:2@0-6'"},
        {R"({"doc_id":"news:2","score":1})", "document 'news:2' has 2 chunks"}}) {
    const auto retrievals = answers(hit);
    EXPECT_EQ(class_of(retrievals[0]), "exec_unknown_id");
    EXPECT_THAT(message_of(retrievals[0]), HasSubstr(problem));
    EXPECT_EQ(retrievals[0].failure->stage, Stage::kRetrieval);
  }
}

TEST_F(ExecRetrieverTest, FailsWhereHitsAreMalformed) {
  const std::string hit = R"({"doc_id":"news:1","score":1})";
  for (const std::string& hits :
       {std::string("3"), std::string(R"({"doc_id":"news:1"})"),
        std::string(R"({"doc_id":"news:1","score":"1"})"), std::string(R"({"score":1})"),
        std::string(R"({"doc_id":"news:1","chunk_id":"news:1@0-6","score":1})"), hit + "," + hit,
        std::string(R"({"doc_id":"news:1","score":1e999})"),
        R"({"chunk_id":"news:2@0-9","score":1},{"chunk_id":"news:2@9-12","score":1},)" + hit}) {
    EXPECT_EQ(class_of(answers(hits)[0]), "exec_malformed") << hits;
  }
}

TEST_F(ExecRetrieverTest, StartsAProgramThatIsOutOfStepAgain) {
  const auto retriever =
      open({"/bin/sh", "-c", "read -r line; echo 'Loading the model'; read -r line"});
  const auto retrievals = ask(*retriever, 2);
  for (const Retrieval& retrieval : retrievals) {
    EXPECT_EQ(class_of(retrieval), "exec_malformed");
    EXPECT_THAT(message_of(retrieval), HasSubstr("no JSON object: Loading the model"));
  }
}

TEST_F(ExecRetrieverTest, RefusesTheAnswerToAnotherQuestion) {
  const auto retriever = open({"/bin/sh", "-c", R"(read -r l; echo '{"id":"7","hits":[]}')"});
  EXPECT_THAT(message_of(ask(*retriever)[0]), HasSubstr("not to the question with the id \"1\""));
}

TEST_F(ExecRetrieverTest, StartsACrashedProgramAgainAFewTimes) {
  const std::string log = (folder_.path() / "starts").string();
  const auto retriever =
      open({"/bin/sh", "-c", "echo start >> '" + log + "'; read -r line; echo oops >&2; exit 7"},
           {{"max_restarts", 2}});
  const auto retrievals = ask(*retriever, 5);
  for (const Retrieval& retrieval : retrievals) {
    EXPECT_EQ(class_of(retrieval), "exec_crashed");
    EXPECT_THAT(message_of(retrieval), HasSubstr("ended with status 7; standard error: oops"));
  }
  EXPECT_THAT(message_of(retrievals[4]), HasSubstr("after 3 starts it is not started again"));
  EXPECT_EQ(testing_support::read_lines(log).size(), 3U);
}

TEST_F(ExecRetrieverTest, GoesOnAfterACrash) {
  // Crashes at its first start, answers from then on.
  const std::string flag = (folder_.path() / "flag").string();
  std::vector<std::string> command = answering_program(R"({"doc_id":"news:1","score":1})");
  command.back().insert(0, "if ! [ -e '" + flag + "' ]; then : > '" + flag + "'; exit 1; fi; ");
  const auto retrievals = ask(*open(command), 2);
  EXPECT_EQ(class_of(retrievals[0]), "exec_crashed");
  EXPECT_THAT(retrievals[1].hits, ElementsAre(Hit{0, 1.0}));
}

TEST_F(ExecRetrieverTest, FailsAQueryThatTakesTooLong) {
  const auto retriever =
      open({"/bin/sh", "-c", "sleep 300"}, {{"start_timeout_s", 0.2}, {"max_restarts", 0}});
  const auto retrievals = ask(*retriever, 2);
  EXPECT_EQ(class_of(retrievals[0]), "exec_timeout");
  EXPECT_EQ(class_of(retrievals[1]), "exec_timeout");
}

TEST_F(ExecRetrieverTest, NamesCommandAndVersionInTheFingerprint) {
  const auto fingerprint = [&](const Json& options) {
    return base_.fingerprint(
        {.retriever = catalog_.retrievers.resolve(options, "test", "/retriever"),
         .chunker = catalog_.chunkers.resolve({{"type", "document"}}, "", "")});
  };
  const Json options{{"type", "exec"}, {"command", {"a"}}};
  Json changed = options;
  changed["timeout_s"] = 3;
  EXPECT_EQ(fingerprint(changed), fingerprint(options));
  changed["version"] = "2";
  EXPECT_NE(fingerprint(changed), fingerprint(options));
  EXPECT_NE(fingerprint({{"type", "exec"}, {"command", {"a", "b"}}}), fingerprint(options));
}

TEST_F(ExecRetrieverTest, RefusesAnEmptyCommand) {
  EXPECT_ERROR(open({}), ErrorCode::kInvalidConfig, "/retriever/command: expected a list of texts");
}

}  // namespace
}  // namespace crudbench
