#include "harness/app/arguments.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

constexpr OptionSpec kOptions[]{{"set", "POINTER=VALUE", "override", true},
                                {"top-k", "K", "hits"},
                                {"output", "DIR", "folder"},
                                {"offline", "", "ask nobody"}};
constexpr CommandSpec kCommand{.name = "try",
                               .arguments = "CONFIG",
                               .summary = "Try it.",
                               .min_positionals = 1,
                               .max_positionals = 1,
                               .options = kOptions,
                               .examples = "  crudbench try x\n"};

Arguments parse(const std::vector<std::string>& words) {
  return {kCommand, words};
}

TEST(Arguments, TakesValuesInBothForms) {
  const Arguments arguments = parse({"c.json", "--top-k=3", "--workspace", "ws", "-o", "out"});
  EXPECT_EQ(arguments.positionals(), std::vector<std::string>{"c.json"});
  EXPECT_EQ(arguments.value("top-k"), "3");
  EXPECT_EQ(arguments.value("workspace"), "ws");
  EXPECT_EQ(arguments.value("output"), "out");
  EXPECT_FALSE(arguments.has("offline"));
}

TEST(Arguments, KeepsRepeatedValuesAndEqualsSignsInThem) {
  const Arguments arguments = parse({"c", "--set", "/a=1", "--set=/b=x=y", "--offline"});
  EXPECT_EQ(arguments.all("set"), (std::vector<std::string>{"/a=1", "/b=x=y"}));
  EXPECT_TRUE(arguments.has("offline"));
}

TEST(Arguments, TakesEverythingAfterTwoDashesAsAnArgument) {
  EXPECT_EQ(parse({"--", "--odd-name.json"}).positionals().front(), "--odd-name.json");
}

TEST(Arguments, RefusesWhatItDoesNotKnow) {
  EXPECT_ERROR(parse({"c", "--ofline"}), ErrorCode::kInvalidConfig, "did you mean '--offline'?");
  EXPECT_ERROR(parse({"c", "--top-k"}), ErrorCode::kInvalidConfig, "needs a value: --top-k K");
  EXPECT_ERROR(parse({"c", "--offline=1"}), ErrorCode::kInvalidConfig, "takes no value");
  EXPECT_ERROR(parse({"c", "--top-k", "1", "--top-k", "2"}), ErrorCode::kInvalidConfig, "twice");
  EXPECT_ERROR(parse({}), ErrorCode::kInvalidConfig, "expected CONFIG");
  EXPECT_ERROR(parse({"a", "b"}), ErrorCode::kInvalidConfig, "unexpected argument 'b'");
}

TEST(Arguments, AsksForNothingBesideHelp) {
  EXPECT_TRUE(parse({"--help"}).has("help"));
}

TEST(HelpText, ShowsOptionsAndExamples) {
  const std::string help = help_text(kCommand);
  EXPECT_THAT(help, ::testing::HasSubstr("usage: crudbench try CONFIG [options]"));
  EXPECT_THAT(help, ::testing::HasSubstr("--top-k K"));
  EXPECT_THAT(help, ::testing::HasSubstr("examples:\n  crudbench try x\n"));
}

}  // namespace
}  // namespace crudbench
