// The live view on a terminal of a known size.

#include "tests/support/terminal.h"

#include <cctype>
#include <unistd.h>

#include "harness/text/utf8.h"
#include "tests/e2e/program.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;

/// The lines between the sequences that take lines off.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = std::string_view(text).substr(i);
    if (rest.starts_with("\x1b[")) {
      i += rest.find_first_of("AK");
      lines.emplace_back();
    } else if (text[i] == '\n') {
      lines.emplace_back();
    } else if (text[i] != '\r') {
      lines.back() += text[i];
    }
  }
  return lines;
}

TEST(Terminal, OfFortyColumnsShowsBarsThatStayOnTheirLines) {
  const TemporaryFolder folder;
  const FaultServer server({"--rate", "0", "--delay-ms", "30"});
  const TerminalResult result = run_on_terminal(
      program(),
      {"run", sample_config(), "--workspace", folder.path() / "ws", "--set",
       "/retriever={\"type\":\"bm25\",\"top_k\":[1,2]}", "--set", "/chunker/size=128", "--set",
       "/generator={\"type\":\"openai\",\"model\":\"m\",\"max_concurrency\":2,\"base_url\":\"" +
           server.base_url() + "\"}"},
      STDERR_FILENO, {.ws_row = 24, .ws_col = 40});
  const std::string& text = result.text;
  EXPECT_EQ(result.exit_status, 0) << text;
  std::size_t bars = 0;
  for (const std::string& line : lines_of(text)) {
    if (line.size() > 1 && line[0] == '[' && std::isdigit(line[1]) != 0) {
      ++bars;
      EXPECT_LT(display_width(line), 40U) << line;
      EXPECT_THAT(line, ::testing::ContainsRegex("^\\[[0-9]+/12\\] .*  [0-9]+/14")) << line;
    }
  }
  EXPECT_GT(bars, 5U) << text;
  EXPECT_THAT(text, HasSubstr("ETA"));
  EXPECT_THAT(text, HasSubstr("14 ok")) << "what is finished stays, whole";
}

}  // namespace
}  // namespace crudbench
