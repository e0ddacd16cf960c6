#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crudbench {

struct HttpHeader {
  std::string name;
  std::string value;

  friend bool operator==(const HttpHeader&, const HttpHeader&) = default;
};

struct HttpRequest {
  std::string method = "POST";
  std::string url;  ///< http or https, without user name or password.
  std::vector<HttpHeader> headers;
  std::string body;  ///< Sent with every method but GET.
  std::chrono::milliseconds connect_timeout{10'000};
  /// From submission to the last byte, redirects included.
  std::chrono::milliseconds total_timeout{120'000};
  std::size_t max_response_bytes = std::size_t{64} << 20U;  ///< Of the decoded body.
  /// Over this proxy, "http://host:port"; empty: what the environment says, as curl reads it.
  std::string proxy;
  std::string ca_file;      ///< PEM file with the only certificates to trust; empty: the system's.
  std::string unix_socket;  ///< Path of a socket to connect to instead of the URL's host.
  /// Notes when each part of the body came, for answers that are streamed.
  bool records_arrivals = false;
  /// Redirects (301, 302, 307, 308) are followed within the same scheme, host and port only, with
  /// method and body kept, so that headers never reach another server.
  int max_redirects = 3;
};

/// The body up to `size_bytes` had come `seconds` after the request was submitted.
struct BodyArrival {
  std::size_t size_bytes = 0;
  double seconds = 0.0;
};

/// An answer. Everything in it is the server's word and untrusted.
struct HttpResponse {
  int status = 0;                   ///< 0 where none arrived.
  std::vector<HttpHeader> headers;  ///< Names in lower case, in order of arrival.
  std::string body;                 ///< Content encodings (gzip, …) removed.
  /// Where `records_arrivals`: how long the body was, and when, counted from submission.
  std::vector<BodyArrival> arrivals;

  /// The last value of a header, `name` in lower case; nullptr if there is none.
  const std::string* find_header(std::string_view name) const noexcept;
};

/// Why there is no complete answer. The message names host and port and nothing else of the
/// request: no path, no query, no header.
struct HttpFailure {
  /// "connect" (no connection, or it broke), "tls", "timeout", "malformed" (not HTTP, or a broken
  /// encoding), "too_large" or "redirect" (to another server, or too many).
  std::string failure_class;
  std::string message;
};

struct HttpResult {
  std::optional<HttpFailure> failure;  ///< Absent: `response` is whole.
  HttpResponse response;               ///< After a failure: what had arrived of it.
  double seconds = 0.0;                ///< From submission to the end.
  int http_version = 0;                ///< 11 or 20 (HTTP/2); 0 where no answer came.
};

/// "scheme://host:port" of a URL, default ports filled in. Throws Error(kInvalidConfig) for what is
/// not an absolute http or https URL, and for one with a user name or password: `subject` names the
/// URL's place, and the message does not quote it.
std::string http_origin(const std::string& url, std::string_view subject);

/// True if `text` can stand in a header line: no line break, no NUL.
bool is_header_text(std::string_view text) noexcept;

/// HTTP requests and timers on one event loop (libcurl's multi interface over epoll).
///
/// Any number of requests are under way at once; connections are kept alive and shared, HTTP/2 is
/// used where a TLS server offers it. Proxies are taken from the environment as curl does. All
/// members but `wake` belong to the thread that calls `run_once`, which runs all callbacks; they
/// may submit and throw. Makes no threads and touches no signal.
class HttpLoop {
 public:
  using Clock = std::chrono::steady_clock;
  using OnDone = std::function<void(HttpResult result)>;

  /// Throws Error(kIo) if the system gives no more descriptors.
  HttpLoop();
  ~HttpLoop();
  HttpLoop(const HttpLoop&) = delete;
  HttpLoop& operator=(const HttpLoop&) = delete;

  /// Starts a request; `on_done` is called once, from a later `run_once`. A request is sent once
  /// and never repeated in silence, also where a kept connection proves dead. Throws
  /// Error(kInvalidConfig) for a header that `is_header_text` refuses, naming it.
  void submit(HttpRequest request, OnDone on_done);

  /// The same with `body` in place of the request's, which is copied only where it has to be: for
  /// the many requests of one kind.
  void submit(const HttpRequest& request, std::string body, OnDone on_done);

  /// Calls `action` from the first `run_once` at or after `when`.
  void call_at(Clock::time_point when, std::function<void()> action);

  /// Lets the network and due timers go on, and returns after a callback has run, at the latest
  /// after `max_wait` or a `wake`. What a callback throws passes through; the loop stays usable.
  void run_once(std::chrono::milliseconds max_wait);

  /// Makes the current or next `run_once` return. Callable from any thread.
  void wake() noexcept;

  /// Requests submitted and not done.
  std::size_t in_flight() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Version of the libcurl in use: "7.88.1".
std::string curl_library_version();

}  // namespace crudbench
