#include <chrono>
#include <signal.h>
#include <thread>

#include "tests/e2e/program.h"
#include "tests/fakes/raw_connection.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// `crudbench serve` on a workspace.
class Serve {
 public:
  explicit Serve(const std::string& workspace)
      : process_(program(), {"serve", workspace, "--threads", "1"}) {
    for (int attempt = 0; attempt < 1000 && url_.empty(); ++attempt) {
      const std::string output = process_.output();
      url_ = output.substr(0, output.find('\n') == std::string::npos ? 0 : output.find('\n'));
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  int port() const { return port_in(url_); }
  /// "/TOKEN/PAGE"
  std::string path(const std::string& page) const {
    return url_.substr(url_.find('/', std::string("http://").size())) + page;
  }
  std::string get(const std::string& page) const { return http_answer(port(), "GET", path(page)); }
  ProcessResult stop() {
    process_.signal(SIGINT);
    return process_.wait();
  }

 private:
  Process process_;
  std::string url_;
};

TEST(Serve, ShowsARunWhileItGoesOn) {
  const TemporaryFolder folder;
  const std::string workspace = (folder.path() / "ws").string();
  Serve serve(workspace);
  EXPECT_THAT(serve.get(""), StartsWith("HTTP/1.1 200"));
  RawConnection events(serve.port());
  events.send("GET " + serve.path("events") + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  events.read_until("data: {\"runs\":[]}");

  const Process run(program(),
                    {"run", sample_config(), "--workspace", workspace, "--set",
                     "/retriever={\"type\":\"bm25\",\"top_k\":3}", "--set", "/chunker/size=128"});
  EXPECT_THAT(events.read_until("\"ok\":84,\"pending\":0,"), HasSubstr("\"ok\":84,\"pending\":0,"));
  EXPECT_THAT(serve.get("leaderboard.csv"), HasSubstr("rouge_l"));
  EXPECT_THAT(serve.get("report.html"), HasSubstr("Content-Type: text/html"));
  const ProcessResult result = serve.stop();
  EXPECT_EQ(result.exit_status, 0) << result.errors;
}

TEST(Serve, RefusesStrangersAndWriters) {
  const TemporaryFolder folder;
  const Serve serve(folder.path() / "ws");
  EXPECT_THAT(http_answer(serve.port(), "GET", "/wrong/"), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(http_answer(serve.port(), "POST", serve.path("")), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(http_answer(serve.port(), "GET", serve.path(""), "evil.example"),
              StartsWith("HTTP/1.1 403"));
}

TEST(Serve, IsNotForOtherMachinesUnlessTheUserSaysSo) {
  const ProcessResult result = crudbench({"serve", "--host", "0.0.0.0"});
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_THAT(result.errors, HasSubstr("--i-know allows it"));
  EXPECT_EQ(crudbench({"serve", "--port", "x"}).exit_status, 2);
}

}  // namespace
}  // namespace crudbench
