#include "harness/serve/live_server.h"

#include <atomic>
#include <gmock/gmock.h>
#include <memory>
#include <thread>
#include <vector>

#include "tests/fakes/raw_connection.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using namespace testing_support;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kToken = "0123456789abcdef0123456789abcdef";

/// One page, and a state that a test moves on.
class TestPages final : public PageSource {
 public:
  std::optional<ServedPage> page(std::string_view path) override {
    if (path == "broken") {
      throw Error(ErrorCode::kIo, "secret detail");
    }
    return path.empty()
               ? std::optional(ServedPage{"text/html", "<p>page</p>", "default-src 'none'"})
               : std::nullopt;
  }
  std::string state() override { return "{\"n\":" + std::to_string(number_) + "}"; }

  std::atomic<int> number_ = 1;
};

/// A server with its thread.
class Serving {
 public:
  explicit Serving(ServerOptions options = {}) {
    options.token = kToken;
    options.poll_interval = std::chrono::milliseconds(5);
    server_ = std::make_unique<LiveServer>(options, pages);
    thread_ = std::jthread([this](const std::stop_token& stop) { server_->run(stop); });
  }

  int port() const { return port_in(server_->url()); }
  std::string get(const std::string& path, const std::string& host = "127.0.0.1") const {
    return http_answer(port(), "GET", path, host);
  }
  static std::string path(const std::string& page) {
    return "/" + std::string(kToken) + "/" + page;
  }

  TestPages pages;

 private:
  std::unique_ptr<LiveServer> server_;
  std::jthread thread_;
};

TEST(LiveServer, ShowsPagesBehindItsToken) {
  const Serving serving;
  const std::string answer = serving.get(Serving::path(""));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, HasSubstr("<p>page</p>"));
  for (const char* header :
       {"Content-Security-Policy: default-src 'none'", "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer", "X-Frame-Options: DENY",
        "Cross-Origin-Resource-Policy: same-origin", "Content-Type: text/html"}) {
    EXPECT_THAT(answer, HasSubstr(header));
  }
  EXPECT_THAT(serving.get(Serving::path("other")), StartsWith("HTTP/1.1 404"));
}

TEST(LiveServer, RefusesWhoLacksTheToken) {
  const Serving serving;
  for (const std::string& path :
       std::vector<std::string>{"/", "/x/", "/0123456789abcdef0123456789abcdee/",
                                "/0123456789abcdef/", "//", "/%00/", std::string("/") + kToken}) {
    const std::string answer = serving.get(path);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 403")) << path;
    EXPECT_THAT(answer, Not(HasSubstr("<p>page</p>")));
  }
}

TEST(LiveServer, HandsOutNoFilesWhateverThePath) {
  const Serving serving;
  for (const char* path : {"../../../etc/passwd", "..%2F..%2F..%2Fetc%2Fpasswd", "%2e%2e/", "a/b",
                           "/etc/passwd", "%00"}) {
    EXPECT_THAT(serving.get(Serving::path(path)), StartsWith("HTTP/1.1 404")) << path;
  }
}

TEST(LiveServer, AnswersUnderAddressesOnly) {
  const Serving serving;
  EXPECT_THAT(serving.get(Serving::path(""), "localhost:8080"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(serving.get(Serving::path(""), "evil.example"), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(serving.get(Serving::path(""), ""), StartsWith("HTTP/1.1 403"));
}

TEST(LiveServer, OnlyShows) {
  const Serving serving;
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    const std::string answer = http_answer(serving.port(), method, Serving::path(""));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 405")) << method;
    EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD"));
  }
  EXPECT_THAT(http_answer(serving.port(), "HEAD", Serving::path("")),
              ::testing::AllOf(StartsWith("HTTP/1.1 200"), Not(HasSubstr("<p>"))));
}

TEST(LiveServer, KeepsWhatWentWrongToItself) {
  const Serving serving;
  EXPECT_THAT(serving.get(Serving::path("broken")),
              ::testing::AllOf(StartsWith("HTTP/1.1 500"), Not(HasSubstr("secret detail"))));
}

TEST(LiveServer, SendsEachNewStateAsAnEvent) {
  Serving serving;
  RawConnection connection(serving.port());
  connection.send("GET " + Serving::path("events") + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  EXPECT_THAT(connection.read_until("data: {\"n\":1}\n\n"),
              HasSubstr("Content-Type: text/event-stream"));
  serving.pages.number_ = 2;
  EXPECT_THAT(connection.read_until("{\"n\":2}"), HasSubstr("data: {\"n\":2}\n\n"));
}

TEST(LiveServer, BoundsTheNumberOfStreams) {
  const Serving serving({.max_streams = 1});
  RawConnection first(serving.port());
  first.send("GET " + Serving::path("events") + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  first.read_until("data: ");
  EXPECT_THAT(serving.get(Serving::path("events")), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(serving.get(Serving::path("")), StartsWith("HTTP/1.1 200"));
}

TEST(LiveServer, StopsWithStreamsOpenAndAllConnectionsTaken) {
  auto serving = std::make_unique<Serving>(ServerOptions{.max_connections = 2, .max_streams = 1});
  RawConnection stream(serving->port());
  stream.send("GET " + Serving::path("events") + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  stream.read_until("data: ");
  const RawConnection silent(serving->port());
  const RawConnection waiting(serving->port());
  serving.reset();
  EXPECT_THAT(stream.read_all(), HasSubstr("data: "));
}

TEST(LiveServer, RefusesWhatIsNoAddress) {
  TestPages pages;
  EXPECT_ERROR(LiveServer({.host = "example.org", .token = kToken}, pages),
               ErrorCode::kInvalidConfig, "--host: expected an IP address or 'localhost'");
  const Serving serving;
  EXPECT_ERROR(LiveServer({.port = serving.port(), .token = kToken}, pages), ErrorCode::kIo,
               "cannot listen on 127.0.0.1 port " + std::to_string(serving.port()));
}

TEST(RandomToken, Is128BitsThatDiffer) {
  const std::string token = random_token();
  EXPECT_EQ(token.size(), 32U);
  EXPECT_EQ(token.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(token, random_token());
}

TEST(EqualInConstantTime, ComparesAllBytes) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
  EXPECT_FALSE(equal_in_constant_time(std::string_view("a\0b", 3), "a"));
}

TEST(Loopback, IsTheWholeNetworkOfIt) {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "::1", "localhost"}) {
    EXPECT_TRUE(is_loopback(host)) << host;
  }
  for (const char* host :
       {"0.0.0.0", "192.168.1.5", "::", "128.0.0.1", "127.0.0.1.example.org", ""}) {
    EXPECT_FALSE(is_loopback(host)) << host;
  }
}

TEST(AddressHeader, IsAnAddressOrLocalhostWithOrWithoutAPort) {
  for (const char* header : {"127.0.0.1", "127.0.0.1:80", "localhost", "localhost:1", "[::1]",
                             "[::1]:8080", "192.168.1.5:9"}) {
    EXPECT_TRUE(is_address_header(header)) << header;
  }
  for (const char* header :
       {"", "evil.example", "evil.example:80", "127.0.0.1.evil.example", "[x]", "[127.0.0.1]",
        "[::1", "127.0.0.1:", "127.0.0.1:8x", "localhost.", ":80", "127.0.0.1@evil"}) {
    EXPECT_FALSE(is_address_header(header)) << header;
  }
}

}  // namespace
}  // namespace crudbench
