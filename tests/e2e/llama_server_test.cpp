// The whole program against a server that nobody here wrote: llama.cpp's own, with models of random
// weights. CRUDBENCH_LLAMA_SERVER names its binary (docs/endpoints.md says how to build it from the
// pinned sources); skipped where it does not.

#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>

#include "harness/net/http_client.h"
#include "harness/store/store.h"
#include "tests/e2e/program.h"
#include "tests/fakes/tiny_gguf.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)
using std::chrono::milliseconds;
using ::testing::HasSubstr;

/// llama-server on a unix socket: no port, so nothing else on the machine can be in the way.
class LlamaServer {
 public:
  LlamaServer(const std::string& binary, const std::filesystem::path& model,
              const std::filesystem::path& socket, const std::vector<std::string>& more)
      : socket_(socket), process_(binary, arguments(model, socket, more)) {
    while (!process_.has_ended() && status_of_health() != 200) {  // The test's time-out waits.
      std::this_thread::sleep_for(milliseconds(20));
    }
    if (process_.has_ended()) {
      throw std::runtime_error("llama-server ended: " + process_.wait().errors);
    }
  }

 private:
  static std::vector<std::string> arguments(const std::filesystem::path& model,
                                            const std::filesystem::path& socket,
                                            const std::vector<std::string>& more) {
    std::vector<std::string> all{"--model", model.string(), "--host", socket.string(), "--parallel",
                                 "4",       "-t",           "1"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  int status_of_health() const {
    HttpLoop loop;
    int status = 0;
    loop.submit(
        {.method = "GET", .url = "http://localhost/health", .unix_socket = socket_.string()},
        [&status](const HttpResult& result) { status = result.response.status; });
    while (loop.in_flight() > 0) {
      loop.run_once(milliseconds(1000));
    }
    return status;
  }

  std::filesystem::path socket_;
  Process process_;
};

class LlamaServerTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* binary = std::getenv("CRUDBENCH_LLAMA_SERVER");
    if (binary == nullptr) {
      GTEST_SKIP() << "CRUDBENCH_LLAMA_SERVER does not name llama.cpp's llama-server";
    }
    binary_ = binary;
  }

  void serve(const std::filesystem::path& model, const std::vector<std::string>& more) {
    server_.emplace(binary_, model, socket(), more);
  }

  std::string socket() const { return (folder_.path() / "server.sock").string(); }

  /// What leads to the server, and `more`.
  Json endpoint(const Json& more) const {
    Json options = {
        {"base_url", "http://localhost/v1"}, {"unix_socket", socket()}, {"model", "any"}};
    options.update(more);
    return options;
  }

  std::filesystem::path known_model() const {
    RandomModel model = known_routing_model();
    model.chat_template = kChatMlTemplate;
    return write_random_model(folder_.path() / "chat.gguf", model).front();
  }

  /// One task of the sample data, with settings over those of the sample experiment.
  ProcessResult run(const std::string& workspace, const Json& settings) const {
    std::vector<std::string> arguments{"run",         sample_config(),
                                       "--workspace", path_of(workspace),
                                       "--set",       "/dataset/tasks=[\"questanswer_1doc\"]",
                                       "--set",       "/chunker/size=64"};
    for (const auto& [pointer, value] : settings.items()) {
      arguments.emplace_back("--set");
      arguments.push_back(pointer + "=" + to_text(value));
    }
    return crudbench(arguments);
  }

  ProcessResult run_generator(const std::string& workspace, const Json& generator) const {
    Json options = {
        {"type", "openai"}, {"temperature", 0}, {"max_tokens", 64}, {"max_concurrency", 4}};
    options.update(endpoint(generator));
    return run(workspace,
               {{"/retriever", {{"type", "bm25"}, {"top_k", 2}}}, {"/generator", options}});
  }

  std::vector<SampleRecord> samples_of(const std::string& workspace) const {
    const Store store(Workspace{path_of(workspace)}, Database::Mode::kReadOnly);
    std::vector<SampleRecord> samples;
    for (const RunRecord& run : store.runs()) {
      store.visit_samples(run.run_id, [&](const ItemRecord&, SampleRecord&& sample) {
        samples.push_back(std::move(sample));
      });
    }
    return samples;
  }

  /// The scores agree rank by rank.
  void expect_close_scores(const std::string& left, const std::string& right,
                           double tolerance) const {
    const std::vector<SampleRecord> of_left = samples_of(left);
    const std::vector<SampleRecord> of_right = samples_of(right);
    ASSERT_FALSE(of_left.empty());
    ASSERT_EQ(of_left.size(), of_right.size());
    for (std::size_t i = 0; i < of_left.size(); ++i) {
      ASSERT_EQ(of_left[i].hits.size(), 5U);
      ASSERT_EQ(of_right[i].hits.size(), 5U);
      for (std::size_t rank = 0; rank < of_left[i].hits.size(); ++rank) {
        EXPECT_NEAR(of_left[i].hits[rank].score, of_right[i].hits[rank].score, tolerance);
      }
    }
  }

  std::string path_of(const std::string& workspace) const {
    return (folder_.path() / workspace).string();
  }

  const TemporaryFolder folder_;
  std::string binary_;
  std::optional<LlamaServer> server_;
};

TEST_F(LlamaServerTest, AnswersChatsCompletionsAndStreams) {
  serve(known_model(), {"--ctx-size", "32768"});
  for (const Json& interface :
       {Json{{"api", "chat"}}, Json{{"api", "chat"}, {"stream", true}},
        Json{{"api", "completions"}}, Json{{"api", "completions"}, {"stream", true}}}) {
    const std::string workspace =
        interface.at("api").get<std::string>() + (interface.contains("stream") ? "-stream" : "");
    const ProcessResult result = run_generator(workspace, interface);
    ASSERT_EQ(result.exit_status, 0) << workspace << ": " << result.errors;
    const std::vector<SampleRecord> samples = samples_of(workspace);
    ASSERT_FALSE(samples.empty());
    for (const SampleRecord& sample : samples) {
      EXPECT_FALSE(sample.failure) << workspace << ": " << sample.failure->message;
      EXPECT_EQ(sample.prediction, kKnownAnswer) << workspace;
      EXPECT_EQ(sample.finish_reason, "stop") << workspace;
      EXPECT_GT(sample.usage.prompt_tokens, 100) << workspace;
      EXPECT_GE(sample.usage.completion_tokens, 26) << workspace;
      EXPECT_EQ(sample.first_token_seconds.has_value(), interface.contains("stream")) << workspace;
      EXPECT_EQ(sample.inter_token_seconds.has_value(), interface.contains("stream")) << workspace;
    }
  }
}

TEST_F(LlamaServerTest, SaysWhichPromptsAreTooLong) {
  serve(known_model(), {"--ctx-size", "512", "--parallel", "1"});
  const ProcessResult result = run_generator("w", {{"api", "chat"}});
  const std::vector<SampleRecord> samples = samples_of("w");
  ASSERT_FALSE(samples.empty()) << result.errors;
  for (const SampleRecord& sample : samples) {
    ASSERT_TRUE(sample.failure);
    EXPECT_EQ(sample.failure->failure_class, "too_long") << sample.failure->message;
    EXPECT_EQ(sample.attempt_count, 1);
  }
}

TEST_F(LlamaServerTest, EmbedsAsTheLibraryDoes) {
  const std::filesystem::path model = folder_.path() / "embedder.gguf";
  write_random_bert(model, {.kind = RandomBert::Kind::kMeanEmbedder});
  serve(model, {"--embedding"});
  const auto run_with = [&](const std::string& workspace, const Json& embedder) {
    const ProcessResult result = run(
        workspace, {{"/retriever", {{"type", "dense"}, {"top_k", 5}}}, {"/embedder", embedder}});
    EXPECT_EQ(result.exit_status, 0) << result.errors;
  };
  Json remote = endpoint(Json::object());
  remote["type"] = "openai";
  run_with("remote", remote);
  run_with("local", {{"type", "llama"}, {"model", model.string()}});
  expect_close_scores("remote", "local", 1e-3);  // Other batches, other rounding.
}

TEST_F(LlamaServerTest, ReranksNearlyAsTheLibraryDoes) {
  const std::filesystem::path model = folder_.path() / "reranker.gguf";
  write_random_bert(model, {.kind = RandomBert::Kind::kReranker});
  serve(model, {"--reranking"});
  const auto run_with = [&](const std::string& workspace, const Json& more) {
    Json retriever = {{"type", "rerank"}, {"top_k", 5}, {"pool", 20}};
    retriever.update(more);
    const ProcessResult result = run(workspace, {{"/retriever", retriever}});
    EXPECT_EQ(result.exit_status, 0) << result.errors;
  };
  for (const char* api : {"jina", "cohere"}) {
    run_with(api, endpoint({{"api", api}}));
  }
  run_with("local", {{"api", "llama"}, {"model", model.string()}});
  expect_close_scores("jina", "cohere", 1e-6);
  // The server leaves out the [SEP] that ends a BERT's pair of texts; the library does not.
  expect_close_scores("jina", "local", 0.1);
}

}  // namespace
}  // namespace crudbench
