#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <functional>
#include <map>
#include <sys/mount.h>
#include <unistd.h>

#include "harness/core/files.h"
#include "harness/store/store.h"
#include "tests/e2e/program.h"
#include "tests/fakes/http_server.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;

/// An endpoint of embeddings: vectors of 8 numbers that depend on the text alone.
ScriptedResponse embeddings_of(const ReceivedRequest& request) {
  Json data = Json::array();
  const Json asked = Json::parse(request.body);
  for (const Json& input : asked.at("input")) {
    std::size_t state = std::hash<std::string>{}(input.get<std::string>());
    Json vector = Json::array();
    for (int i = 0; i < 8; ++i) {
      vector.push_back(static_cast<double>(state >> 40U) / 1e7 + 0.1);
      state = state * 6364136223846793005U + 1442695040888963407U;
    }
    const std::size_t index = data.size();
    data.push_back({{"index", index}, {"embedding", vector}});
  }
  Json body;
  body["data"] = std::move(data);
  return {.body = to_text(body)};
}

/// Every file below a folder by its path there; locks are left out.
std::map<std::string, std::string> files_below(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() != ".lock") {
      files[std::filesystem::relative(entry.path(), folder).string()] = read_file(entry.path());
    }
  }
  return files;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

class KnowledgeBases : public ::testing::Test {
 protected:
  /// `kb build` of dense retrieval over small chunks, with the knowledge bases in `name`.
  std::vector<std::string> build(const std::string& name, const Json& embedder,
                                 std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"kb",
                                       "build",
                                       sample_config(),
                                       "--kb",
                                       folder_.path() / name,
                                       "--set",
                                       "/retriever={\"type\":\"dense\"}",
                                       "--set",
                                       "/chunker/size=64",
                                       "--set",
                                       "/embedder=" + to_text(embedder)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  static Json endpoint(const HttpServer& server) {
    return {{"type", "openai"}, {"base_url", server.url("/v1")}, {"model", "m"},
            {"batch_size", 4},  {"max_concurrency", 2},          {"backoff_s", 0.01}};
  }

  TemporaryFolder folder_;
  Json lsa_{{"type", "lsa"}, {"dim", 16}};
};

TEST_F(KnowledgeBases, ContinueAnEmbeddingThatWasKilledRequestByRequest) {
  std::atomic<std::size_t> served = 0;
  const HttpServer server([&served](const ReceivedRequest& request) {
    ++served;
    ScriptedResponse response = embeddings_of(request);
    response.delay = std::chrono::milliseconds(5);
    return response;
  });
  const ProcessResult undisturbed = crudbench(build("undisturbed", endpoint(server)));
  ASSERT_EQ(undisturbed.exit_status, 0) << undisturbed.errors;
  const std::size_t needed = served;
  ASSERT_GT(needed, 40U);

  served = 0;
  constexpr std::size_t kKills = 3;
  for (std::size_t kill = 1; kill <= kKills; ++kill) {
    Process process(program(), build("killed", endpoint(server)));
    while (served < kill * needed / (kKills + 1) && !process.has_ended()) {
      ::usleep(1000);
    }
    process.signal(SIGKILL);
    process.wait();
  }
  const ProcessResult last = crudbench(build("killed", endpoint(server)));
  EXPECT_EQ(last.exit_status, 0) << last.errors;
  // Each kill may cost what was under way: two requests, and their answers not yet noted.
  EXPECT_LE(served, needed + kKills * 4);
  EXPECT_EQ(files_below(folder_.path() / "killed"), files_below(folder_.path() / "undisturbed"));
}

TEST_F(KnowledgeBases, AreBuiltByOneOfSeveralProcessesAndTheOthersWait) {
  std::atomic<std::size_t> served = 0;
  const HttpServer server([&served](const ReceivedRequest& request) {
    ++served;
    ScriptedResponse response = embeddings_of(request);
    response.delay = std::chrono::milliseconds(5);
    return response;
  });
  ASSERT_EQ(crudbench(build("alone", endpoint(server))).exit_status, 0);
  const std::size_t needed = served;
  served = 0;
  std::string logs;
  {
    std::vector<std::unique_ptr<Process>> processes;
    for (int i = 0; i < 4; ++i) {
      processes.push_back(std::make_unique<Process>(program(), build("shared", endpoint(server))));
    }
    for (const auto& process : processes) {
      const ProcessResult result = process->wait();
      EXPECT_EQ(result.exit_status, 0) << result.errors;
      logs += result.errors;
    }
  }
  EXPECT_EQ(served, needed);
  for (const char* stage : {"built chunks", "built embedder", "built vectors", "built index"}) {
    EXPECT_EQ(count_of(logs, stage), 1U) << logs;
  }
  EXPECT_THAT(logs, HasSubstr("waiting for another process that builds"));
  EXPECT_EQ(files_below(folder_.path() / "shared"), files_below(folder_.path() / "alone"));
}

TEST_F(KnowledgeBases, AreTheSameBytesOnAnyNumberOfThreads) {
  const std::vector<std::string> grid{
      "--set",
      R"(/retriever=[{"type":"dense"},{"type":"bm25","analyzer":["jieba","bigram"]}])",
      "--set",
      R"(/index=[{"type":["flat","hnsw","hnswlib","ivf_flat","sq8"]}])",
      "--set",
      R"(/chunker=[{"type":"sentence","size":64},{"type":"semantic","percentile":60,)"
      R"("embedder":{"type":"lsa","dim":16}}])"};
  const auto built = [&](const std::string& threads) {
    std::vector<std::string> arguments = build("kb-" + threads, lsa_, grid);
    arguments.insert(arguments.end(), {"--threads", threads});
    const ProcessResult result = crudbench(arguments);
    EXPECT_EQ(result.exit_status, 0) << result.errors;
    return files_below(folder_.path() / ("kb-" + threads));
  };
  const auto alone = built("1");
  EXPECT_GT(alone.size(), 30U);
  for (const char* threads : {"2", "5"}) {
    const auto several = built(threads);
    ASSERT_EQ(several.size(), alone.size());
    for (const auto& [name, content] : alone) {
      EXPECT_TRUE(several.at(name) == content) << name;
    }
  }
}

TEST_F(KnowledgeBases, SurviveAKillAtAnyMoment) {
  const auto arguments = [&](const std::string& name) {
    return build(name, lsa_,
                 {"--set", R"(/retriever=[{"type":"dense"},{"type":"bm25"}])", "--set",
                  R"(/index={"type":["hnsw","ivf_flat"]})"});
  };
  ASSERT_EQ(crudbench(arguments("undisturbed")).exit_status, 0);
  for (int i = 0; i < 12; ++i) {
    Process process(program(), arguments("killed"));
    ::usleep(static_cast<useconds_t>(20'000 + 25'000 * i));
    process.signal(SIGKILL);
    process.wait();
  }
  const ProcessResult last = crudbench(arguments("killed"));
  EXPECT_EQ(last.exit_status, 0) << last.errors;
  EXPECT_EQ(files_below(folder_.path() / "killed"), files_below(folder_.path() / "undisturbed"));
}

TEST_F(KnowledgeBases, AreBuiltAnewWhereAnIndexFileIsDamaged) {
  for (const char* index : {"hnsw", "hnswlib", "ivf_flat", "sq8"}) {
    const std::string name = std::string("damaged-") + index;
    const auto arguments =
        build(name, lsa_, {"--set", std::string(R"(/index={"type":")") + index + "\"}"});
    ASSERT_EQ(crudbench(arguments).exit_status, 0) << index;
    const auto sound = files_below(folder_.path() / name);
    for (const bool is_truncated : {true, false}) {
      std::size_t damaged = 0;
      for (const auto& [file, content] : sound) {
        const std::filesystem::path path = folder_.path() / name / file;
        const Json manifest = Json::parse(read_file(path.parent_path() / "manifest.json"));
        if (path.filename() == "manifest.json" || manifest.at("kind") != "index") {
          continue;
        }
        std::string bytes = is_truncated ? content.substr(0, content.size() / 2) : content;
        bytes[bytes.size() / 3] = static_cast<char>(~bytes[bytes.size() / 3]);
        write_file_atomically(path, bytes);
        ++damaged;
      }
      EXPECT_GT(damaged, 0U);
      const ProcessResult result = crudbench(arguments);
      EXPECT_EQ(result.exit_status, 0) << result.errors;
      EXPECT_THAT(result.errors, HasSubstr("is built anew"));
      EXPECT_EQ(files_below(folder_.path() / name), sound) << index;
    }
  }
}

/// A file system of that many bytes, for the life of the object.
class SmallDisk {
 public:
  SmallDisk(std::filesystem::path path, const std::string& size) : path_(std::move(path)) {
    std::filesystem::create_directories(path_);
    is_mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
  }
  ~SmallDisk() {
    if (is_mounted_) {
      ::umount2(path_.c_str(), MNT_DETACH);
    }
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool is_mounted() const noexcept { return is_mounted_; }
  bool resize(const std::string& size) const {
    return ::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT, ("size=" + size).c_str()) == 0;
  }

 private:
  std::filesystem::path path_;
  bool is_mounted_ = false;
};

TEST_F(KnowledgeBases, AreNeverHalfTrustedAfterAFullDisk) {
  const SmallDisk disk(folder_.path() / "disk", "16k");
  if (!disk.is_mounted()) {
    GTEST_SKIP() << "mounting a small tmpfs is not allowed here: " << std::strerror(errno);
  }
  const std::string name = "disk/kb";
  const std::vector<std::string> arguments =
      build(name, lsa_, {"--set", R"(/retriever=[{"type":"bm25"},{"type":"dense"}])"});
  // Each time the disk is full somewhat later.
  int failures = 0;
  for (const char* size : {"16k", "24k", "48k", "96k", "192k"}) {
    ASSERT_TRUE(disk.resize(size));
    const ProcessResult result = crudbench(arguments);
    if (result.exit_status != 0) {
      ++failures;
      EXPECT_EQ(result.exit_status, 3) << size << result.errors;
      EXPECT_THAT(result.errors, HasSubstr("No space left on device"));
    }
  }
  EXPECT_GE(failures, 2);
  ASSERT_TRUE(disk.resize("64m"));
  const ProcessResult result = crudbench(arguments);
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  ASSERT_EQ(
      crudbench(build("roomy", lsa_, {"--set", R"(/retriever=[{"type":"bm25"},{"type":"dense"}])"}))
          .exit_status,
      0);
  EXPECT_EQ(files_below(folder_.path() / name), files_below(folder_.path() / "roomy"));
}

TEST_F(KnowledgeBases, AnswerAnEmptyQueryAndOneOfAHundredThousandCharacters) {
  std::string text;
  while (text.size() < 300'000) {
    text += "台风登陆沿海地区，学校停课。";
  }
  const std::filesystem::path workspace = folder_.path() / "ws";
  for (const std::string& query : {std::string(), std::string("　"), text.substr(0, 120'000)}) {
    const ProcessResult result =
        crudbench({"kb", "search", sample_config(), query, "--workspace", workspace, "--json"});
    ASSERT_EQ(result.exit_status, 0) << result.errors;
    for (const Json& cell : Json::parse(result.output)) {
      EXPECT_TRUE(cell.at("failure").is_null()) << cell;
      EXPECT_EQ(cell.at("hits").empty(), query.size() < 10) << cell;
    }
  }
}

TEST_F(KnowledgeBases, AreSearchedByAQueryOfAHundredThousandCharacters) {
  std::string event;  // Longer than an argument of a command may be.
  while (event.size() < 300'000) {
    event += "台风登陆沿海地区，学校停课。";
  }
  const Json sample = {{"ID", "long"},
                       {"event", event},
                       {"text", "台风登陆沿海地区，学校停课一天。"},
                       {"summary", "台风登陆，学校停课。"}};
  const std::string samples =
      folder_.write("samples.json", to_text({{"event_summary", Json::array({sample})}}));
  const std::string workspace = folder_.path() / "ws";
  const ProcessResult result = crudbench(
      {"run", sample_config(), "--workspace", workspace, "--set", "/dataset/samples=" + samples,
       "--set", "/dataset/tasks=[\"event_summary\"]", "--set", "/embedder=" + to_text(lsa_),
       "--set", R"(/retriever=[{"type":"bm25"},{"type":"dense"},{"type":"hybrid"}])"});
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  const Store store(Workspace{workspace}, Database::Mode::kReadOnly);
  std::size_t with_hits = 0;
  for (const RunRecord& run : store.runs()) {
    store.visit_samples(run.run_id, [&](const ItemRecord&, SampleRecord&& record) {
      EXPECT_FALSE(record.failure) << record.failure->message;
      with_hits += record.hits.empty() ? 0 : 1;
    });
  }
  EXPECT_EQ(with_hits, store.runs().size());
}

TEST_F(KnowledgeBases, EndWithOneSentenceWhereAnEndpointAnswersNonsense) {
  const auto build_with = [&](const std::function<void(Json & body)>& edit) {
    const HttpServer server([&edit](const ReceivedRequest& request) {
      ScriptedResponse response = embeddings_of(request);
      Json body = Json::parse(response.body);
      edit(body);
      return ScriptedResponse{.body = to_text(body)};
    });
    Json embedder = endpoint(server);
    embedder["max_attempts"] = 1;
    embedder["dimensions"] = 8;
    const TemporaryFolder own;
    ProcessResult result = crudbench(build(own.path() / "kb", embedder));
    EXPECT_EQ(result.exit_status, 4) << result.errors;
    EXPECT_FALSE(std::filesystem::exists(own.path() / "kb" / "vectors.f32"));
    return result.errors;
  };
  EXPECT_THAT(build_with([](Json& body) { body["data"][0]["embedding"][2] = nullptr; }),
              HasSubstr("no number"));
  EXPECT_THAT(build_with([](Json& body) { body["data"][0]["embedding"][2] = 1e300; }),
              HasSubstr("not finite"));
  EXPECT_THAT(build_with([](Json& body) { body["data"][0]["embedding"].push_back(1); }),
              HasSubstr("has 9 dimensions and not 8"));
  EXPECT_THAT(build_with([](Json& body) { body["data"].erase(0); }), HasSubstr("vectors for"));
}

/// A chat endpoint that writes a passage for each query, as long as it is said to.
class Rewriting : public ::testing::Test {
 protected:
  std::vector<std::string> run(const std::string& type, std::vector<std::string> more = {}) const {
    const Json retriever{{"type", type},
                         {"top_k", 3},
                         {"parts", Json::array({{{"type", "bm25"}}})},
                         {"generator",
                          {{"type", "openai"},
                           {"base_url", server_.url("/v1")},
                           {"model", "writer"},
                           {"max_attempts", 1}}}};
    std::vector<std::string> arguments{"run",
                                       sample_config(),
                                       "--workspace",
                                       folder_.path() / "ws",
                                       "--json",
                                       "--set",
                                       "/chunker/size=64",
                                       "--set",
                                       "/retriever=" + to_text(retriever)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  TemporaryFolder folder_;
  std::atomic<std::size_t> served_ = 0;
  std::atomic<std::size_t> refused_from_ = 1'000'000;
  HttpServer server_{[this](const ReceivedRequest&) {
    if (++served_ > refused_from_) {
      return ScriptedResponse{.status = 400, .body = "not this one"};
    }
    const Json choice{{"index", 0},
                      {"message", {{"role", "assistant"}, {"content", "地铁新线路首班车"}}},
                      {"finish_reason", "stop"}};
    return ScriptedResponse{.body = to_text(Json{{"choices", Json::array({choice})}})};
  }};
};

TEST_F(Rewriting, AsksThroughTheCompletionCache) {
  const ProcessResult first = crudbench(run("hyde"));
  ASSERT_EQ(first.exit_status, 0) << first.errors;
  EXPECT_EQ(last_event(first.output).at("ok"), 84);
  const std::size_t asked = served_;
  EXPECT_GT(asked, 0U);
  EXPECT_LE(asked, 84U);
  // Another cell, the same queries: nothing is asked again.
  const ProcessResult second = crudbench(run("hyde", {"--set", "/context/max_tokens=100"}));
  EXPECT_EQ(second.exit_status, 0) << second.errors;
  EXPECT_EQ(served_, asked);
  const ProcessResult other = crudbench(run("multi_query"));
  EXPECT_EQ(other.exit_status, 0) << other.errors;
  EXPECT_EQ(served_, 2 * asked);
  const Store store(Workspace{folder_.path() / "ws"}, Database::Mode::kReadOnly);
  std::int64_t requests = 0;
  for (const SpendingRecord& record : store.spending("sample")) {
    EXPECT_EQ(record.purpose, "rewriting");
    EXPECT_EQ(record.model, "writer");
    requests += record.requests;
  }
  EXPECT_EQ(requests, static_cast<std::int64_t>(2 * asked));
}

TEST_F(Rewriting, FailsSamplesThatAreNotRewrittenAndTriesThemAgain) {
  refused_from_ = 10;
  const ProcessResult first = crudbench(run("hyde", {"--max-failures", "100%"}));
  EXPECT_EQ(first.exit_status, 0) << first.errors;
  EXPECT_GE(last_event(first.output).at("failed"), 1);
  {
    const Store store(Workspace{folder_.path() / "ws"}, Database::Mode::kReadOnly);
    for (const RunRecord& run : store.runs()) {
      store.visit_samples(run.run_id, [](const ItemRecord&, SampleRecord&& sample) {
        if (sample.failure) {
          EXPECT_EQ(sample.failure->stage, Stage::kRetrieval);
          EXPECT_EQ(sample.failure->failure_class, "rewrite_http_4xx");
        }
      });
    }
  }
  refused_from_ = 1'000'000;
  const ProcessResult again = crudbench(run("hyde", {"--retry-failed"}));
  EXPECT_EQ(again.exit_status, 0) << again.errors;
  EXPECT_EQ(last_event(again.output).at("ok"), 84);
}

}  // namespace
}  // namespace crudbench
