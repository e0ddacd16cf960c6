#include <fstream>

#include "harness/core/files.h"
#include "harness/store/store.h"
#include "tests/e2e/program.h"
#include "tests/fakes/http_server.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;

std::vector<std::string> run_with(const std::string& workspace, const Json& generator,
                                  const std::string& retriever = R"({"type":"bm25","top_k":1})") {
  return {"run",
          sample_config(),
          "--workspace",
          workspace,
          "--json",
          "--set",
          "/dataset/tasks=[\"questanswer_1doc\"]",
          "--set",
          "/retriever=" + retriever,
          "--set",
          "/chunker/size=128",
          "--set",
          "/metrics=[\"length\",\"retrieval\"]",
          "--set",
          "/generator=" + to_text(generator)};
}

Json openai(const std::string& base_url) {
  return {{"type", "openai"}, {"base_url", base_url}, {"model", "m"}};
}

TEST(Cache, GoesToAnotherWorkspaceWithoutARequest) {
  const TemporaryFolder folder;
  const std::string first = folder.path() / "first";
  const std::string second = folder.path() / "second";
  const std::string file = folder.path() / "answers.jsonl";
  const std::string log = folder.path() / "log";
  const FaultServer server({"--rate", "0", "--log", log});
  ASSERT_EQ(crudbench(run_with(first, openai(server.base_url()))).exit_status, 0);
  const std::size_t requests = read_lines(log).size();
  EXPECT_EQ(requests, 14U);
  const Json stats =
      Json::parse(crudbench({"cache", "stats", "--json", "--workspace", first}).output);
  EXPECT_EQ(stats.at("answers"), 14);
  EXPECT_EQ(stats.at("prompts"), 14);
  EXPECT_GT(stats.at("prompt_packed_bytes"), 0);
  EXPECT_EQ(crudbench({"cache", "export", file, "--workspace", first}).exit_status, 0);
  EXPECT_THAT(crudbench({"cache", "import", file, "--workspace", second}).output,
              HasSubstr("14 of them new"));
  const ProcessResult again = crudbench(run_with(second, openai(server.base_url())));
  EXPECT_EQ(last_event(again.output).at("ok"), 14) << again.errors;
  EXPECT_EQ(read_lines(log).size(), requests);
}

TEST(Cache, IsAskedForEverythingAgainByRefresh) {
  const TemporaryFolder folder;
  const std::string log = folder.path() / "log";
  const FaultServer server({"--rate", "0", "--log", log});
  auto arguments = run_with(folder.path() / "ws", openai(server.base_url()));
  crudbench(arguments);
  crudbench(arguments);
  EXPECT_EQ(read_lines(log).size(), 14U);
  arguments.emplace_back("--refresh");
  EXPECT_EQ(last_event(crudbench(arguments).output).at("ok"), 14);
  EXPECT_EQ(read_lines(log).size(), 28U);
}

TEST(Cache, SaysWhatItsCommandTakes) {
  EXPECT_THAT(crudbench({"cache", "empty"}).errors, HasSubstr("expected 'stats', 'export FILE'"));
}

TEST(Fsck, FindsNothingThenWhatIsDamaged) {
  const TemporaryFolder folder;
  const std::string workspace = folder.path() / "ws";
  const FaultServer server({"--rate", "0"});
  crudbench(run_with(workspace, openai(server.base_url())));
  const ProcessResult sound = crudbench({"fsck", workspace});
  EXPECT_EQ(sound.exit_status, 0);
  EXPECT_THAT(sound.output, HasSubstr("all is well"));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(workspace + "/kb")) {
    if (entry.is_regular_file() && entry.path().filename() != "manifest.json" &&
        entry.file_size() > 0) {
      std::ofstream(entry.path(), std::ios::app) << "x";
      break;
    }
  }
  const ProcessResult damaged = crudbench({"fsck", workspace, "--json"});
  EXPECT_EQ(damaged.exit_status, 3);
  const Json findings = Json::parse(damaged.output).at("findings");
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_THAT(findings[0].at("remedy").get<std::string>(), HasSubstr("builds it again"));
  EXPECT_EQ(crudbench({"fsck", folder.path() / "none"}).exit_status, 3);
}

TEST(RunLog, HasEveryAttemptAndNoBodiesUnlessAsked) {
  const TemporaryFolder folder;
  const FaultServer server({"--rate", "0"});
  const auto logged = [&](const std::string& name, std::vector<std::string> more) {
    auto arguments = run_with(folder.path() / name, openai(server.base_url()));
    arguments.insert(arguments.end(), more.begin(), more.end());
    crudbench(arguments);
    std::vector<Json> samples;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path() / name / "logs")) {
      for (const std::string& line : read_lines(entry.path())) {
        Json event = Json::parse(line);
        if (event.at("event") == "sample") {
          samples.push_back(std::move(event));
        }
      }
    }
    return samples;
  };
  const std::vector<Json> plain = logged("plain", {});
  ASSERT_EQ(plain.size(), 14U);
  EXPECT_EQ(plain[0].at("fate"), "ok");
  EXPECT_THAT(plain[0].at("attempts").at(0).at("request_id").get<std::string>(),
              ::testing::StartsWith("req-"));
  EXPECT_FALSE(plain[0].contains("bodies"));
  const std::vector<Json> bodies = logged("bodies", {"--log-bodies"});
  ASSERT_EQ(bodies.size(), 14U);
  EXPECT_THAT(bodies[0].at("bodies").at("reply").get<std::string>(), HasSubstr("<response>"));
  EXPECT_FALSE(bodies[0].at("bodies").at("prompt").get<std::string>().empty());
}

TEST(RagEndpoint, IsScoredByItsAnswersAndByThePassagesItReturns) {
  const TemporaryFolder folder;
  // Returns the question's own gold document for every other question.
  const Json samples =
      Json::parse(read_file(source_root() / "datasets" / "sample" / "samples.json"));
  std::map<std::string, std::string> gold;  // by question
  for (const Json& sample : samples.at("questanswer_1doc")) {
    gold[sample.at("questions").get<std::string>()] = sample.at("news1").get<std::string>();
  }
  int count = 0;
  const HttpServer server([&](const ReceivedRequest& request) -> ScriptedResponse {
    const std::string question = Json::parse(request.body).at("question").get<std::string>();
    const bool finds = ++count % 2 == 0;
    return {
        .body =
            Json{{"answer", "答"}, {"contexts", {finds ? gold.at(question) : "别的文章"}}}.dump()};
  });
  const Json generator = {
      {"type", "rag_endpoint"}, {"base_url", server.url()}, {"contexts", "/contexts"}};
  const std::string workspace = folder.path() / "ws";
  const ProcessResult result = crudbench(run_with(workspace, generator, R"({"type":"none"})"));
  ASSERT_EQ(result.exit_status, 0) << result.errors;
  int found = 0;
  int samples_seen = 0;
  const Store store(Workspace{workspace}, Database::Mode::kReadOnly);
  store.visit_samples(store.runs().at(0).run_id, [&](const ItemRecord&, SampleRecord&& sample) {
    ++samples_seen;
    ASSERT_EQ(sample.hits.size(), 1U);
    found += sample.hits[0].is_gold ? 1 : 0;
    EXPECT_EQ(sample.scores.at("recall@8"), sample.hits[0].is_gold ? 1.0 : 0.0);
  });
  EXPECT_EQ(samples_seen, 14);
  EXPECT_EQ(found, 7);
}

TEST(Exec, AnswersWithAProgramOfTheUsersOwn) {
  const TemporaryFolder folder;
  const Json generator = {
      {"type", "exec"},
      {"command",
       {"sh", "-c",
        R"(n=0; while read -r line; do n=$((n+1)); echo "{\"id\":\"$n\",\"answer\":\"答$n\"}"; done)"}}};
  const ProcessResult result = crudbench(run_with(folder.path() / "ws", generator));
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  EXPECT_EQ(last_event(result.output).at("ok"), 14);
}

}  // namespace
}  // namespace crudbench
