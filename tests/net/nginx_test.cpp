// HttpLoop against a server that nobody here wrote: HTTP/2 over TLS, a certificate of one's own, a
// unix socket. Skipped where nginx or openssl is not installed (Debian: nginx-light, openssl).

#include <fstream>
#include <functional>
#include <unistd.h>

#include "harness/net/http_client.h"
#include "tests/support/process.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using std::chrono::milliseconds;
using testing_support::Process;
using testing_support::run_process;
using testing_support::TemporaryFolder;

constexpr const char* kNginx = "/usr/sbin/nginx";
constexpr const char* kOpenssl = "/usr/bin/openssl";

class NginxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kNginx) || !std::filesystem::exists(kOpenssl)) {
      GTEST_SKIP() << "nginx or openssl is not installed (Debian: nginx-light, openssl)";
    }
    run_process(kOpenssl, {"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                           "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                           path("key.pem"), "-out", path("cert.pem")});
    // Two sockets and no port: nothing else on the machine can be in the way.
    std::ofstream(path("nginx.conf"))
        << "daemon off;\nmaster_process off;\npid " << path("pid") << ";\nerror_log "
        << path("error.log") << ";\nevents {}\nhttp {\n  access_log off;\n  client_body_temp_path "
        << path("body") << ";\n  server {\n    listen unix:" << path("plain.sock")
        << ";\n    listen unix:" << path("tls.sock") << " ssl http2;\n    ssl_certificate "
        << path("cert.pem") << ";\n    ssl_certificate_key " << path("key.pem")
        << ";\n    location / { return 200 '{\"answer\":\"$request_method\"}'; }\n  }\n}\n";
    nginx_.emplace(kNginx,
                   std::vector<std::string>{"-c", path("nginx.conf"), "-e", path("error.log")});
    for (int i = 0; i < 500 && !std::filesystem::exists(path("tls.sock")); ++i) {
      ASSERT_FALSE(nginx_->has_ended());
      ::usleep(10'000);
    }
  }

  std::string path(const std::string& name) const { return folder_.path() / name; }

  /// The results of `count` requests that are under way together.
  static std::vector<HttpResult> fetch(const HttpRequest& request, std::size_t count = 1) {
    HttpLoop loop;
    std::vector<HttpResult> results;
    for (std::size_t i = 0; i < count; ++i) {
      loop.submit(request, [&](HttpResult done) { results.push_back(std::move(done)); });
    }
    while (loop.in_flight() > 0) {
      loop.run_once(milliseconds(1000));
    }
    return results;
  }

  TemporaryFolder folder_;
  std::optional<Process> nginx_;
};

TEST_F(NginxTest, AnswersOnAUnixSocket) {
  const HttpResult result =
      fetch({.url = "http://localhost/", .body = "x", .unix_socket = path("plain.sock")})[0];
  ASSERT_FALSE(result.failure) << result.failure->message;
  EXPECT_EQ(result.response.body, R"({"answer":"POST"})");
  EXPECT_EQ(result.http_version, 11);
}

TEST_F(NginxTest, SpeaksHttp2WhereTheServerOffersIt) {
  for (const HttpResult& result : fetch({.url = "https://localhost/",
                                  .body = "x",
                                  .ca_file = path("cert.pem"),
                                  .unix_socket = path("tls.sock")},
                                        20)) {
    ASSERT_FALSE(result.failure) << result.failure->message;
    EXPECT_EQ(result.http_version, 20);
    EXPECT_EQ(result.response.body, R"({"answer":"POST"})");
  }
}

/// Answers that are there as soon as the request is sent: where one is overlooked, the wait of an
/// hour never ends, and the test's time-out says so.
TEST_F(NginxTest, IsNeverWaitedForInVain) {
  HttpLoop loop;
  std::size_t started = 0;
  std::size_t finished = 0;
  const std::function<void()> start = [&] {
    ++started;
    loop.submit({.url = "http://localhost/", .body = "x", .unix_socket = path("plain.sock")},
                [&](const HttpResult& result) {
                  EXPECT_FALSE(result.failure);
                  ++finished;
                });
  };
  constexpr std::size_t kAll = 5000;
  while (finished < kAll) {
    while (started < std::min(finished + 64, kAll)) {
      start();
    }
    loop.run_once(std::chrono::hours(1));
  }
  EXPECT_EQ(loop.in_flight(), 0U);
}

TEST_F(NginxTest, IsNotTrustedWithoutItsCertificate) {
  const HttpResult result =
      fetch({.url = "https://localhost/", .body = "x", .unix_socket = path("tls.sock")})[0];
  ASSERT_TRUE(result.failure);
  EXPECT_EQ(result.failure->failure_class, "tls");
}

}  // namespace
}  // namespace crudbench
