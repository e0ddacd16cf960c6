#include "harness/net/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "tests/fakes/http_server.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;
using testing_support::HttpServer;
using testing_support::ReceivedRequest;
using testing_support::ScriptedResponse;
using Fault = ScriptedResponse::Fault;

/// Runs a loop until its requests are done.
void finish(HttpLoop& loop) {
  while (loop.in_flight() > 0) {
    loop.run_once(milliseconds(1000));
  }
}

HttpResult fetch(HttpRequest request) {
  HttpLoop loop;
  std::optional<HttpResult> result;
  loop.submit(std::move(request), [&](HttpResult done) { result = std::move(done); });
  finish(loop);
  return std::move(result.value());
}

HttpServer::Handler always(ScriptedResponse response) {
  return [response](const ReceivedRequest&) { return response; };
}

/// A port on which nobody listens.
std::uint16_t closed_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  ::bind(socket, generic, size);
  ::getsockname(socket, generic, &size);
  ::close(socket);
  return ntohs(address.sin_port);
}

TEST(HttpLoop, PostsABodyAndReturnsTheAnswer) {
  const HttpServer server(always({.status = 201, .headers = {{"X-Note", "a"}}, .body = "好"}));
  const HttpResult result =
      fetch({.url = server.url("/v1/x"), .headers = {{"X-Key", "1"}}, .body = "问"});
  ASSERT_FALSE(result.failure.has_value());
  EXPECT_EQ(result.response.status, 201);
  EXPECT_EQ(result.response.body, "好");
  EXPECT_EQ(*result.response.find_header("x-note"), "a");
  EXPECT_EQ(result.response.find_header("retry-after"), nullptr);
  const ReceivedRequest request = server.requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/v1/x");
  EXPECT_EQ(request.headers.at("x-key"), "1");
  EXPECT_EQ(request.body, "问");
}

TEST(HttpLoop, GetsWithoutABody) {
  const HttpServer server(always({.body = "x"}));
  EXPECT_EQ(fetch({.method = "GET", .url = server.url("/")}).response.body, "x");
  EXPECT_EQ(server.requests().at(0).method, "GET");
}

TEST(HttpLoop, KeepsConnectionsAlive) {
  const HttpServer server(always({.body = "x"}));
  HttpLoop loop;
  for (int i = 0; i < 20; ++i) {
    loop.submit({.url = server.url()}, [](const HttpResult&) {});
    finish(loop);
  }
  EXPECT_EQ(server.requests().size(), 20U);
  EXPECT_EQ(server.connection_count(), 1U);
}

TEST(HttpLoop, HasManyRequestsUnderWayAtOnce) {
  const HttpServer server(always({.body = "x", .delay = milliseconds(100)}));
  HttpLoop loop;
  int done = 0;
  const auto begin = HttpLoop::Clock::now();
  for (int i = 0; i < 64; ++i) {
    loop.submit({.url = server.url()}, [&](const HttpResult& result) { done += !result.failure; });
  }
  EXPECT_EQ(loop.in_flight(), 64U);
  finish(loop);
  EXPECT_EQ(done, 64);
  EXPECT_LT(HttpLoop::Clock::now() - begin, milliseconds(64 * 100 / 4));
}

TEST(HttpLoop, SendsLargeBodiesAtOnce) {
  const HttpServer server(always({.body = "x"}));
  const std::string body(3U << 20U, 'b');
  EXPECT_FALSE(fetch({.url = server.url(), .body = body}).failure.has_value());
  EXPECT_EQ(server.requests().at(0).body.size(), body.size());
  EXPECT_EQ(server.requests().at(0).headers.count("expect"), 0U);
}

TEST(HttpLoop, SendsManyBodiesOfOneRequest) {
  const HttpServer server(always({.body = "x"}));
  HttpLoop loop;
  HttpRequest request{.url = server.url(), .headers = {{"X-Kind", "a"}}};
  for (const char* body : {"1", "2", "3"}) {
    loop.submit(request, body, [](const HttpResult& result) { EXPECT_FALSE(result.failure); });
    finish(loop);
  }
  request.headers = {{"X-Kind", "b"}};
  request.max_response_bytes = 0;
  loop.submit(request, "4", [](const HttpResult& result) {
    ASSERT_TRUE(result.failure);
    EXPECT_EQ(result.failure->failure_class, "too_large");
  });
  finish(loop);
  std::string sent;
  for (const auto& received : server.requests()) {
    sent += received.body + received.headers.at("x-kind");
  }
  EXPECT_EQ(sent, "1a2a3a4b");
}

TEST(HttpLoop, LetsACallbackSubmitTheNextRequest) {
  const HttpServer server(always({.body = "x"}));
  HttpLoop loop;
  int left = 5;
  std::function<void(HttpResult)> again = [&](const HttpResult&) {
    if (--left > 0) {
      loop.submit({.url = server.url()}, again);
    }
  };
  loop.submit({.url = server.url()}, again);
  finish(loop);
  EXPECT_EQ(server.requests().size(), 5U);
}

TEST(HttpLoop, StaysUsableAfterACallbackThrew) {
  const HttpServer server(always({.body = "x"}));
  HttpLoop loop;
  loop.submit({.url = server.url()}, [](const HttpResult&) { throw std::runtime_error("sink"); });
  EXPECT_THROW(finish(loop), std::runtime_error);
  bool done = false;
  loop.submit({.url = server.url()}, [&](const HttpResult&) { done = true; });
  finish(loop);
  EXPECT_TRUE(done);
}

TEST(HttpLoop, ReportsARefusedConnection) {
  const std::string port = std::to_string(closed_port());
  const HttpResult result = fetch({.url = "http://127.0.0.1:" + port + "/secret/path?key=secret"});
  ASSERT_TRUE(result.failure.has_value());
  EXPECT_EQ(result.failure->failure_class, "connect");
  EXPECT_THAT(result.failure->message, HasSubstr("127.0.0.1:" + port));
  EXPECT_THAT(result.failure->message, Not(HasSubstr("secret")));
  EXPECT_EQ(result.response.status, 0);
}

TEST(HttpLoop, ReportsAHangAsATimeout) {
  const HttpServer server(always({.fault = Fault::kHang}));
  const auto begin = HttpLoop::Clock::now();
  const HttpResult result = fetch({.url = server.url(), .total_timeout = milliseconds(150)});
  ASSERT_TRUE(result.failure.has_value());
  EXPECT_EQ(result.failure->failure_class, "timeout");
  EXPECT_THAT(result.failure->message, HasSubstr("no complete answer within 0.15 s"));
  EXPECT_LT(HttpLoop::Clock::now() - begin, milliseconds(2000));
}

TEST(HttpLoop, ReportsABrokenConnection) {
  for (const Fault fault : {Fault::kReset, Fault::kCloseMidBody}) {
    const HttpServer server(always({.body = "0123456789", .fault = fault}));
    const HttpResult result = fetch({.url = server.url()});
    ASSERT_TRUE(result.failure.has_value());
    EXPECT_EQ(result.failure->failure_class, "connect");
  }
}

TEST(HttpLoop, RepeatsNoRequestOnItsOwnWhenAKeptConnectionBreaks) {
  const HttpServer server([](const ReceivedRequest& request) {
    return ScriptedResponse{.body = "x",
                            .fault = request.target == "/break" ? Fault::kReset : Fault::kNone};
  });
  HttpLoop loop;
  std::vector<HttpResult> results;
  for (const char* target : {"/", "/break", "/"}) {
    loop.submit({.url = server.url(target)},
                [&](HttpResult result) { results.push_back(std::move(result)); });
    finish(loop);
  }
  EXPECT_FALSE(results.at(0).failure.has_value());
  EXPECT_EQ(results.at(1).failure.value().failure_class, "connect");
  EXPECT_FALSE(results.at(2).failure.has_value());
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST(HttpLoop, ReportsWhatIsNotHttp) {
  const HttpServer server(always({.body = "\x01\x02 garbage\r\n\r\n", .fault = Fault::kRaw}));
  const HttpResult result = fetch({.url = server.url()});
  ASSERT_TRUE(result.failure.has_value());
  EXPECT_EQ(result.failure->failure_class, "malformed");
}

TEST(HttpLoop, ReportsABrokenContentEncoding) {
  const HttpServer server(always({.headers = {{"Content-Encoding", "gzip"}}, .body = "not gzip"}));
  const HttpResult result = fetch({.url = server.url()});
  ASSERT_TRUE(result.failure.has_value());
  EXPECT_EQ(result.failure->failure_class, "malformed");
}

TEST(HttpLoop, ReportsATlsFailure) {
  const HttpServer server(always({.body = "no handshake\r\n", .fault = Fault::kRaw}));
  const HttpResult result = fetch({.url = "https://127.0.0.1:" + std::to_string(server.port())});
  ASSERT_TRUE(result.failure.has_value());
  EXPECT_EQ(result.failure->failure_class, "tls");
}

TEST(HttpLoop, CutsALongAnswerOff) {
  const HttpServer server(always({.body = std::string(1000, 'x')}));
  const HttpResult result = fetch({.url = server.url(), .max_response_bytes = 999});
  ASSERT_TRUE(result.failure.has_value());
  EXPECT_EQ(result.failure->failure_class, "too_large");
  EXPECT_FALSE(fetch({.url = server.url(), .max_response_bytes = 1000}).failure.has_value());
}

TEST(HttpLoop, CutsEndlessHeadersOff) {
  ScriptedResponse response{.body = "x"};
  for (int i = 0; i < 300; ++i) {
    response.headers.emplace_back("X-" + std::to_string(i), std::string(1000, 'h'));
  }
  const HttpServer server(always(response));
  const HttpResult result = fetch({.url = server.url()});
  ASSERT_TRUE(result.failure.has_value());
  EXPECT_EQ(result.failure->failure_class, "too_large");
}

TEST(HttpLoop, FollowsARedirectOnTheSameServerWithMethodAndBody) {
  const HttpServer server([](const ReceivedRequest& request) {
    return request.target == "/new"
               ? ScriptedResponse{.body = "there"}
               : ScriptedResponse{.status = 302, .headers = {{"Location", "/new"}}};
  });
  const HttpResult result = fetch({.url = server.url("/old"), .body = "question"});
  ASSERT_FALSE(result.failure.has_value());
  EXPECT_EQ(result.response.body, "there");
  EXPECT_EQ(server.requests().at(1).method, "POST");
  EXPECT_EQ(server.requests().at(1).body, "question");
}

TEST(HttpLoop, EndsARedirectLoop) {
  const HttpServer server(always({.status = 307, .headers = {{"Location", "/again"}}}));
  const HttpResult result = fetch({.url = server.url("/again"), .max_redirects = 3});
  ASSERT_TRUE(result.failure.has_value());
  EXPECT_EQ(result.failure->failure_class, "redirect");
  EXPECT_EQ(result.response.status, 307);
  EXPECT_EQ(server.requests().size(), 4U);
}

TEST(HttpLoop, FollowsNoRedirectToAnotherServer) {
  const HttpServer other(always({.body = "stolen"}));
  const HttpServer server(always({.status = 308, .headers = {{"Location", other.url("/x")}}}));
  const HttpResult result =
      fetch({.url = server.url(), .headers = {{"Authorization", "Bearer secret"}}});
  ASSERT_TRUE(result.failure.has_value());
  EXPECT_EQ(result.failure->failure_class, "redirect");
  EXPECT_TRUE(other.requests().empty());
}

TEST(HttpLoop, FollowsNoRedirectToAnotherScheme) {
  const HttpServer server(always({.status = 302, .headers = {{"Location", "file:///etc/passwd"}}}));
  EXPECT_EQ(fetch({.url = server.url()}).failure->failure_class, "redirect");
}

TEST(HttpLoop, RefusesAHeaderWithALineBreakWithoutQuotingIt) {
  HttpLoop loop;
  EXPECT_ERROR(loop.submit({.url = "http://127.0.0.1", .headers = {{"X-Key", "a\r\nsecret"}}},
                           [](const HttpResult&) {}),
               ErrorCode::kInvalidConfig, "HTTP header 'X-Key'");
  EXPECT_EQ(loop.in_flight(), 0U);
}

TEST(HttpLoop, FailsForWhatIsNoHttpUrl) {
  for (const char* url : {"", "file:///etc/passwd", "ftp://127.0.0.1/x", "http://user:pw@host/"}) {
    const HttpResult result = fetch({.url = url});
    ASSERT_TRUE(result.failure.has_value()) << url;
    EXPECT_THAT(result.failure->message, Not(HasSubstr("pw")));
  }
}

TEST(HttpLoop, CallsTimersInTheirOrder) {
  HttpLoop loop;
  std::string order;
  const auto now = HttpLoop::Clock::now();
  loop.call_at(now + milliseconds(20), [&] { order += "b"; });
  loop.call_at(now + milliseconds(10), [&] { order += "a"; });
  const auto give_up = now + milliseconds(5000);
  while (order.size() < 2 && HttpLoop::Clock::now() < give_up) {
    loop.run_once(milliseconds(1000));
  }
  EXPECT_EQ(order, "ab");
  EXPECT_GE(HttpLoop::Clock::now(), now + milliseconds(20));
}

TEST(HttpLoop, ReturnsAfterTheLongestWait) {
  HttpLoop loop;
  const auto begin = HttpLoop::Clock::now();
  loop.run_once(milliseconds(20));
  EXPECT_GE(HttpLoop::Clock::now() - begin, milliseconds(20));
}

TEST(HttpLoop, IsWokenByAnotherThread) {
  HttpLoop loop;
  const auto begin = HttpLoop::Clock::now();
  std::jthread waker([&] { loop.wake(); });
  loop.run_once(milliseconds(30'000));
  EXPECT_LT(HttpLoop::Clock::now() - begin, milliseconds(10'000));
}

TEST(HttpLoop, AbandonsRequestsAtItsEnd) {
  const HttpServer server(always({.fault = Fault::kHang}));
  bool called = false;
  {
    HttpLoop loop;
    loop.submit({.url = server.url()}, [&](const HttpResult&) { called = true; });
    loop.run_once(milliseconds(20));
  }
  EXPECT_FALSE(called);
}

TEST(HttpOrigin, FillsInDefaultPorts) {
  EXPECT_EQ(http_origin("https://example.org/v1", "url"), "https://example.org:443");
  EXPECT_EQ(http_origin("http://[::1]:8080/v1", "url"), "http://[::1]:8080");
}

TEST(HttpOrigin, RefusesOtherUrls) {
  for (const char* url : {"", "127.0.0.1:8080/v1", "ftp://host/", "http://", "http://a b/"}) {
    EXPECT_ERROR(http_origin(url, "/generator/base_url"), ErrorCode::kInvalidConfig,
                 "/generator/base_url must be a URL");
  }
}

TEST(HttpOrigin, RefusesCredentialsWithoutQuotingThem) {
  try {
    http_origin("http://user:password1@host/", "base_url");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("base_url must not hold a user name or password"));
    EXPECT_THAT(error.what(), Not(HasSubstr("password1")));
  }
}

}  // namespace
}  // namespace crudbench
