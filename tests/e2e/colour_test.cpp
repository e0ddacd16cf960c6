#include <regex>
#include <unistd.h>

#include "harness/store/store.h"
#include "tests/e2e/program.h"
#include "tests/support/terminal.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kEscape = "\x1B[";

/// A workspace with one scored sample.
class ColourTest : public ::testing::Test {
 protected:
  ColourTest() {
    Store store(Workspace{workspace()}, Database::Mode::kReadWrite);
    const auto items = store.put_items(
        "s", "c", std::vector<ItemRecord>{{.task = "event_summary", .sample_id = "a"}});
    const std::int64_t run_id = store.put_run({.fingerprint = "f",
                                               .cell_fingerprint = "c",
                                               .task = "event_summary",
                                               .cell = {{"retriever", {{"type", "bm25"}}}},
                                               .provenance = {{"knowledge_base_mode", "paper"}},
                                               .sample_count = 1});
    store.put_samples(
        run_id, std::vector<SampleRecord>{{.item_id = items[0], .scores = {{"rouge_l", 0.25}}}});
  }

  std::string workspace() const { return folder_.path() / "ws"; }
  std::string printed(const std::vector<std::string>& environment) const {
    return run_on_terminal(program(), {"report", workspace()}, STDOUT_FILENO, {}, environment).text;
  }

  TemporaryFolder folder_;
};

TEST_F(ColourTest, IsOnATerminalAlone) {
  EXPECT_THAT(printed({"NO_COLOR="}), HasSubstr(kEscape)) << "an empty variable says nothing";
  EXPECT_THAT(run_process(program(), {"report", workspace()}, {"NO_COLOR="}).output,
              Not(HasSubstr(kEscape)));
}

TEST_F(ColourTest, IsLeftOutWhereNoColorSaysSo) {
  const std::string plain = printed({"NO_COLOR=1"});
  EXPECT_THAT(plain, Not(HasSubstr("\x1B")));
  EXPECT_THAT(plain, HasSubstr("knowledge base: paper"));
  EXPECT_THAT(plain, HasSubstr("25.00"));
  static const std::regex kColour("\x1B\\[[0-9;]*m");
  const std::string coloured = std::regex_replace(printed({"NO_COLOR="}), kColour, "");
  EXPECT_THAT(coloured, HasSubstr("25.00"));
}

}  // namespace
}  // namespace crudbench
