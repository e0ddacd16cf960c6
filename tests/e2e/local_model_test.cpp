/// The main job with a model of random weights on this machine.
#include <chrono>
#include <functional>
#include <signal.h>
#include <thread>

#include "harness/core/files.h"
#include "harness/store/store.h"
#include "tests/e2e/program.h"
#include "tests/fakes/tiny_gguf.h"
#include "tests/support/child_processes.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;

class LocalModel : public testing::Test {
 protected:
  /// All tasks of the sample data, one retriever.
  std::vector<std::string> run_into(const std::string& workspace,
                                    const Json& more = Json::object()) const {
    Json generator = {{"type", "llama"},
                      {"model", model_.string()},
                      {"max_tokens", 8},
                      {"context", 2048},
                      {"parallel", 4},
                      {"threads", 1},
                      {"on_overflow", "truncate"}};
    generator.update(more);
    return {"run",
            sample_config(),
            "--workspace",
            (folder_.path() / workspace).string(),
            "--set",
            "/retriever={\"type\":\"bm25\",\"top_k\":3}",
            "--set",
            "/chunker/size=128",
            "--set",
            "/generator=" + to_text(generator),
            "--max-failures",
            "100%"};
  }

  struct Fates {
    std::size_t ok = 0;
    std::size_t cut_contexts = 0;
    std::map<std::string, std::size_t> failed;  ///< By class.
    std::size_t all() const {
      std::size_t count = ok;
      for (const auto& [name, of_class] : failed) {
        count += of_class;
      }
      return count;
    }
  };

  Fates fates_in(const std::string& workspace) const {
    const Store store(Workspace{folder_.path() / workspace}, Database::Mode::kReadOnly);
    Fates fates;
    for (const RunRecord& run : store.runs()) {
      store.visit_samples(run.run_id, [&](const ItemRecord&, SampleRecord&& sample) {
        sample.failure ? ++fates.failed[sample.failure->failure_class] : ++fates.ok;
        fates.cut_contexts += sample.context_truncated ? 1 : 0;
      });
    }
    return fates;
  }

  const TemporaryFolder folder_;
  const std::filesystem::path model_ =
      write_random_model(folder_.path() / "tiny.gguf", {.chat_template = kChatMlTemplate}).front();
};

constexpr std::size_t kSamples = 84;

TEST_F(LocalModel, AccountsForAllSamples) {
  const ProcessResult result = crudbench(run_into("w"));
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  const Fates fates = fates_in("w");
  EXPECT_EQ(fates.all(), kSamples);
  EXPECT_GT(fates.ok, kSamples / 2);
  EXPECT_EQ(fates.failed.count("too_long"), 0U);
  EXPECT_GT(fates.cut_contexts, 0U);  // 2,048 bytes are less than some contexts.
  // The same again has nothing to do.
  EXPECT_THAT(crudbench(run_into("w")).errors, HasSubstr("runs were complete already"));
}

TEST_F(LocalModel, GivesTheSameResultsAfterAKill) {
  const Json strict = {{"determinism", "strict"}, {"parallel", 1}, {"ubatch", 256}};
  const std::string undisturbed = folder_.path() / "undisturbed";
  EXPECT_EQ(crudbench(run_into("undisturbed", strict)).exit_status, 0);
  const std::string disturbed = folder_.path() / "disturbed";
  {
    Process process(program(), run_into("disturbed", strict));
    // Until the first samples are stored.
    while (!process.has_ended()) {
      if (std::filesystem::exists(folder_.path() / "disturbed" / "crudbench.db")) {
        try {
          if (fates_in("disturbed").all() > 0) {
            break;
          }
        } catch (const Error&) {  // It is being made.
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    EXPECT_FALSE(process.has_ended());
    const std::vector<pid_t> engines = children_of(process.id());
    process.signal(SIGKILL);
    EXPECT_EQ(process.wait().exit_status, 128 + SIGKILL);
    ASSERT_EQ(engines.size(), 1U);
    while (is_running(engines.front())) {  // It goes with its parent; the test's time-out waits.
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  EXPECT_LT(fates_in("disturbed").all(), kSamples);
  EXPECT_EQ(crudbench(run_into("disturbed", strict)).exit_status, 0);
  EXPECT_EQ(workspace_digest(disturbed), workspace_digest(undisturbed));
}

TEST_F(LocalModel, StopsInTheMiddleOfAnAnswer) {
  // One answer takes much longer than the test has patience for.
  Process process(program(), run_into("w", {{"max_tokens", 1900}, {"repetition_guard", 0}}));
  std::vector<pid_t> engines;
  while (engines.empty() && !process.has_ended()) {
    engines = children_of(process.id());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  process.signal(SIGINT);
  EXPECT_EQ(process.wait().exit_status, 5);
  ASSERT_EQ(engines.size(), 1U);
  EXPECT_FALSE(is_running(engines.front()));
}

TEST_F(LocalModel, RefusesAModelThatIsNone) {
  const std::string file = folder_.write("m.gguf", "no model");
  const ProcessResult result = crudbench(run_into("w", {{"model", file}}));
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_THAT(result.errors, HasSubstr("m.gguf: is no GGUF file"));
  const ProcessResult missing = crudbench(run_into("w", {{"model", "/nowhere/m.gguf"}}));
  EXPECT_EQ(missing.exit_status, 3);
  EXPECT_THAT(missing.errors, HasSubstr("/generator/model: cannot read '/nowhere/m.gguf'"));
}

/// The vectors and the index of a knowledge base, by name.
std::map<std::string, std::string> vectors_below(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".f32") {
      files[std::filesystem::relative(entry.path(), folder).string()] = read_file(entry.path());
    }
  }
  return files;
}

/// The size of the one journal of finished rows below a folder; 0 where there is none.
std::uintmax_t journal_size(const std::filesystem::path& folder) {
  std::error_code none_yet;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none_yet)) {
    if (entry.path().extension() == ".unfinished") {
      const std::uintmax_t size = std::filesystem::file_size(entry.path() / "journal", none_yet);
      return none_yet ? 0 : size;
    }
  }
  return 0;
}

TEST_F(LocalModel, ContinuesAnEmbeddingThatWasKilled) {
  const std::filesystem::path bert = folder_.path() / "bert.gguf";
  write_random_bert(bert, {.layers = 2, .embedding = 64});
  const auto build = [&](const std::string& name) {
    return std::vector<std::string>{
        "kb",
        "build",
        sample_config(),
        "--kb",
        folder_.path() / name,
        "--set",
        "/retriever={\"type\":\"dense\"}",
        "--set",
        "/chunker/size=64",
        "--set",
        "/embedder=" + to_text({{"type", "llama"}, {"model", bert.string()}}),
        "--threads",
        "1"};
  };
  const ProcessResult undisturbed = crudbench(build("undisturbed"));
  ASSERT_EQ(undisturbed.exit_status, 0) << undisturbed.errors;

  const std::filesystem::path killed = folder_.path() / "killed";
  std::uintmax_t kept = 0;
  for (int kill = 0; kill < 3; ++kill) {
    Process process(program(), build("killed"));
    std::uintmax_t size = 0;
    while (size <= kept && !process.has_ended()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      size = journal_size(killed);
      EXPECT_TRUE(size == 0 || size >= kept) << "what was finished is done again";
    }
    process.signal(SIGKILL);
    process.wait();
    ASSERT_GT(journal_size(killed), kept) << "it ended before it could be killed";
    kept = journal_size(killed);
  }
  const ProcessResult last = crudbench(build("killed"));
  EXPECT_EQ(last.exit_status, 0) << last.errors;
  EXPECT_EQ(vectors_below(killed), vectors_below(folder_.path() / "undisturbed"));
  EXPECT_FALSE(vectors_below(killed).empty());
}

}  // namespace
}  // namespace crudbench
