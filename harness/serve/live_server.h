#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace crudbench {

/// A page as it is sent.
struct ServedPage {
  std::string content_type;
  std::string content;
  std::string content_security_policy;
};

/// What a server has to show. Called from several threads at once.
class PageSource {
 public:
  virtual ~PageSource() = default;

  /// The page at `path`, which is relative ("", "live.js") and may be anything that a stranger
  /// sends: compare it with known names, never make a file name of it. nullopt if there is none.
  virtual std::optional<ServedPage> page(std::string_view path) = 0;
  /// The present state, for server-sent events: text without line breaks.
  virtual std::string state() = 0;
};

struct ServerOptions {
  std::string host = "127.0.0.1";  ///< An IP address, or "localhost".
  int port = 0;                    ///< 0: any free one.
  std::string token;               ///< The first part of every path; not empty.
  std::size_t max_connections = 32;
  std::size_t max_streams = 8;  ///< Of server-sent events at a time; must be below the connections.
  std::chrono::milliseconds poll_interval{1000};  ///< Of the state, while anybody listens.
};

/// An HTTP server for one reader, the one who started it.
///
/// It answers GET and HEAD of http://HOST:PORT/TOKEN/PATH; PATH "events" is the stream of states.
/// Every other method is 405. The Host header must name an IP address or "localhost", whatever the
/// name service says, so that no page of the web can read the pages under a name of its own (DNS
/// rebinding); the token, compared in constant time, keeps other users of the machine out. Both are
/// 403. Nothing is cached, framed or told to other sites (no referrer).
class LiveServer {
 public:
  /// Binds the port; `source` must outlive the server. Throws Error(kInvalidConfig) for a host that
  /// is no address, Error(kIo) if the port cannot be bound.
  LiveServer(ServerOptions options, PageSource& source);
  ~LiveServer();
  LiveServer(const LiveServer&) = delete;
  LiveServer& operator=(const LiveServer&) = delete;

  /// "http://127.0.0.1:8080/TOKEN/".
  const std::string& url() const noexcept;
  /// Answers until `stop` is requested.
  void run(const std::stop_token& stop);

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// 128 random bits of the operating system, in hexadecimal. Throws Error(kIo).
std::string random_token();

/// Whether two texts are equal, in a time that depends on their lengths alone.
bool equal_in_constant_time(std::string_view left, std::string_view right) noexcept;

/// True for 127.0.0.0/8, "::1" and "localhost".
bool is_loopback(const std::string& host);

/// Whether a Host header names an IP address or "localhost", with or without a port.
bool is_address_header(const std::string& header);

}  // namespace crudbench
