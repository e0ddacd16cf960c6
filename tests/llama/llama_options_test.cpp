#include "harness/llama/llama_options.h"

#include "harness/core/fingerprint.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::TemporaryFolder;

/// Options with a model whose hash is given, so that no file is read.
Json with(const Json& more = Json::object()) {
  Json json = {{"model", "m.gguf"}, {"model_sha256", "abc"}};
  json.update(more);
  return json;
}

LlamaOptions read(const Json& json) {
  Options options(json, "test.json", "/generator");
  LlamaOptions read = read_llama_options(options);
  options.finish();
  return read;
}

Json resolve(const Json& json) {
  Options options(json, "test.json", "/generator");
  read_llama_options(options);
  return options.resolved();
}

TEST(LlamaOptions, NameTheModelByItsContent) {
  const TemporaryFolder folder;
  const auto file = folder.write("m.gguf", "weights");
  EXPECT_EQ(resolve({{"model", file.string()}}).at("model_sha256"), sha256_hex("weights"));
}

TEST(LlamaOptions, NameAFileThatCannotBeRead) {
  EXPECT_ERROR(read({{"model", "/nowhere/m.gguf"}}), ErrorCode::kIo,
               "test.json: /generator/model: cannot read '/nowhere/m.gguf'");
}

TEST(LlamaOptions, ResolveToWhatResolvesToItself) {
  const TemporaryFolder folder;
  const Json resolved =
      resolve(with({{"chat_template_file", folder.write("t.jinja", "{{ messages }}").string()},
                    {"json_schema", {{"type", "object"}}},
                    {"stop", {"a", "b"}}}));
  EXPECT_EQ(resolve(resolved), resolved);
  EXPECT_EQ(resolved.at("chat_template"), "{{ messages }}");
}

TEST(LlamaOptions, AreOneSequenceWhereTheyAreStrict) {
  EXPECT_EQ(read(with({{"determinism", "strict"}})).engine.parallel, 1U);
  EXPECT_EQ(read(with()).engine.parallel, 8U);
  EXPECT_ERROR(read(with({{"determinism", "strict"}, {"parallel", 2}})), ErrorCode::kInvalidConfig,
               "/generator/parallel: expected 1, because");
}

TEST(LlamaOptions, RefuseWhatCannotWork) {
  const auto refused = [](const Json& more, const std::string& place) {
    EXPECT_ERROR(read(with(more)), ErrorCode::kInvalidConfig, "/generator/" + place);
  };
  refused({{"max_tokens", 600}, {"context", 600}}, "context");
  refused({{"expert_placement", "gpu"}}, "expert_placement");
  refused({{"expert_placement", "cpu:0"}}, "expert_placement");
  refused({{"experts_used", 0}}, "experts_used");
  refused({{"kv_type", "q9"}}, "kv_type");
  refused({{"batch", 64}, {"ubatch", 65}}, "ubatch");
  refused({{"json_schema", "x"}}, "json_schema");
  refused({{"json_schema", Json::object()}, {"grammar", "root ::= \"a\""}}, "json_schema");
  refused({{"stop", {""}}}, "stop");
  refused({{"temperature", -0.1}}, "temperature");
  refused({{"contxt", 5}}, "contxt");
}

TEST(LlamaOptions, TellRequestsFromEngines) {
  const Json base = without_request_options(resolve(with()));
  EXPECT_EQ(
      without_request_options(resolve(with({{"temperature", 1}, {"seed", 5}, {"max_tokens", 9}}))),
      base);
  EXPECT_NE(without_request_options(resolve(with({{"experts_used", 4}}))), base);
  EXPECT_NE(without_request_options(resolve(with({{"kv_type", "q8_0"}}))), base);
}

TEST(LlamaOptions, HaveNeutralOnesThatExist) {
  const Json resolved = resolve(with());
  for (const std::string& option : neutral_llama_options()) {
    EXPECT_TRUE(resolved.contains(option)) << option;
  }
}

}  // namespace
}  // namespace crudbench
