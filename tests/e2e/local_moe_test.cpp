/// What is known of a mixture-of-experts model, and of its experts' part in a run.
#include <fstream>

#include "harness/core/files.h"
#include "tests/e2e/program.h"
#include "tests/fakes/tiny_gguf.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;

class LocalMoe : public testing::Test {
 protected:
  std::string write_model(const RandomModel& shape) const {
    return write_random_model(folder_.path() / "model.gguf", shape).front().string();
  }

  const TemporaryFolder folder_;
};

TEST_F(LocalMoe, IsInspected) {
  RandomModel shape;
  shape.chat_template = kChatMlTemplate;
  const std::string model = write_model(shape);
  const ProcessResult json = crudbench({"model", "inspect", model, "--json", "--parallel", "2"});
  EXPECT_EQ(json.exit_status, 0) << json.errors;
  const Json report = Json::parse(json.output);
  EXPECT_EQ(report.at("architecture"), "qwen3moe");
  EXPECT_EQ(report.at("experts").at("used"), 2);
  EXPECT_EQ(report.at("chat_template"), "usable");
  // 2 layers x 8,192 cells x (32 + 32) numbers of 2 bytes.
  EXPECT_EQ(report.at("memory").at("kv_cache"), 2 * 8192 * 64 * 2);
  const ProcessResult text = crudbench({"model", "inspect", model});
  EXPECT_THAT(text.output, HasSubstr("8 a layer in 2 layers, 2 chosen a token"));
  EXPECT_THAT(text.output, HasSubstr("256 k, of which 109 k are active"));
}

TEST_F(LocalMoe, SaysInOneSentenceWhatIsWrongWithAFile) {
  const std::string model = write_model({});
  const std::string whole = read_file(model);
  const std::string cut =
      folder_.write("cut.gguf", std::string_view(whole).substr(0, whole.size() - 1)).string();
  const std::string zip = folder_.write("x.zip", "PK").string();
  for (const auto& [file, reason] :
       {std::pair{cut, std::string("cut.gguf: is cut short: tensor ")},
        {zip, std::string("x.zip: is no GGUF file")},
        {std::string("/nowhere.gguf"), std::string("'/nowhere.gguf': No such file")}}) {
    const ProcessResult result = crudbench({"model", "inspect", file});
    EXPECT_EQ(result.exit_status, 3) << file;
    EXPECT_THAT(result.errors, HasSubstr(reason));
    EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << result.errors;
  }
  EXPECT_EQ(crudbench({"model", "look", model}).exit_status, 2);
}

TEST_F(LocalMoe, IsMeasured) {
  const ProcessResult result = crudbench({"model", "bench", write_model({}), "--json", "--threads",
                                          "1", "--steps", "2", "--parallel", "2"});
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  const Json bench = Json::parse(result.output);
  EXPECT_GT(bench.at("memory_bandwidth_bytes_per_second").get<double>(), 0.0);
  ASSERT_EQ(bench.at("decode").size(), 2U);
  EXPECT_GT(bench.at("decode").at(0).at("bandwidth_share").get<double>(), 0.0);
  EXPECT_EQ(bench.at("churn").at("strict").at("changed"), 0);
}

/// One task of the sample data with a model that routes and answers in a known way.
class RoutingSweep : public LocalMoe {
 protected:
  std::vector<std::string> command(const std::string& name) const {
    const Json generator = {{"type", "llama"},
                            {"model", model_},
                            {"quantization", {"model", "experts_q8_0"}},
                            {"telemetry", "routing"},
                            {"chat_template", "none"},
                            {"max_tokens", 8},
                            {"context", 4096},
                            {"parallel", 3},
                            {"threads", 1}};
    return {name,          sample_config(),
            "--workspace", (folder_.path() / "w").string(),
            "--set",       "/dataset/tasks=[\"questanswer_1doc\"]",
            "--set",       "/retriever={\"type\":\"bm25\",\"top_k\":1}",
            "--set",       "/chunker/size=128",
            "--set",       "/generator=" + to_text(generator)};
  }

  const RandomModel shape_ = known_routing_model();
  const std::string model_ = write_model(shape_);
};

TEST_F(RoutingSweep, ReportsTheExpertsThatTheGatingWeightsImply) {
  EXPECT_THAT(crudbench(command("plan")).output, HasSubstr("make   model experts_q8_0 of "));
  const ProcessResult run = crudbench(command("run"));
  EXPECT_EQ(run.exit_status, 0) << run.errors;
  EXPECT_THAT(crudbench(command("plan")).output, HasSubstr("cached model experts_q8_0 of "));
  const std::string out = (folder_.path() / "report").string();
  EXPECT_EQ(crudbench({"report", (folder_.path() / "w").string(), "-o", out}).exit_status, 0);

  const Json leaderboard = read_json_file(out + "/leaderboard.json", ErrorCode::kInvalidData);
  const Json& rows = leaderboard.at("tables").at(0).at("rows");
  ASSERT_EQ(rows.size(), 2U);
  for (const Json& row : rows) {
    const Json& routing = row.at("routing");
    EXPECT_EQ(routing.at("experts"), 8);
    const Json& task = routing.at("tasks").at("questanswer_1doc");
    const auto samples = task.at("samples").get<int>();
    EXPECT_GT(samples, 5);
    // The answer is "abcdefgh", of which all but the last letter go through the model again.
    EXPECT_EQ(task.at("answer").at("tokens"), 7 * samples);
    for (int layer = 0; layer < shape_.layers; ++layer) {
      std::vector<int> implied(8);
      for (char letter = 'a'; letter < 'h'; ++letter) {
        for (const int expert :
             known_experts(shape_, layer, byte_token(static_cast<unsigned char>(letter)))) {
          implied[static_cast<std::size_t>(expert)] += samples;
        }
      }
      EXPECT_EQ(task.at("answer").at("counts").at(static_cast<std::size_t>(layer)), Json(implied));
    }
    const Json& engine = row.at("runs").at("questanswer_1doc").at("engine");
    EXPECT_GT(engine.at("tokens_per_second").get<double>(), 0.0);
    EXPECT_GT(engine.at("peak_memory_bytes").get<double>(), 1e6);
  }
  EXPECT_THAT(read_file(out + "/leaderboard.md"), HasSubstr("### Experts: "));
}

}  // namespace
}  // namespace crudbench
