#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace crudbench::testing_support {

struct ReceivedRequest {
  std::string method;  ///< Empty for bytes that are no HTTP, as in a TLS handshake: see `body`.
  std::string target;  ///< "/v1/chat/completions"
  std::map<std::string, std::string> headers;  ///< Names in lower case.
  std::string body;
  std::size_t connection = 0;  ///< Number of the connection it came on, from 0.
};

struct ScriptedResponse {
  enum class Fault {
    kNone,
    kHang,          ///< Nothing is ever sent; the connection stays open.
    kCloseMidBody,  ///< Head and half of the body, then an orderly close.
    kReset,         ///< The connection is reset before a byte is sent.
    kResetMidBody,  ///< Head and half of the body, then a reset.
    kDrip,          ///< Slow-loris: a byte every 20 ms.
    kRaw,           ///< `body` is sent as it stands, without a head, then an orderly close.
  };

  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string content_type = "application/json";
  std::chrono::milliseconds delay{0};
  Fault fault = Fault::kNone;
};

/// A small HTTP/1.1 server on a loopback port, with keep-alive and one thread of its own. The
/// handler runs on that thread. Not for anything but tests.
class HttpServer {
 public:
  using Handler = std::function<ScriptedResponse(const ReceivedRequest& request)>;

  /// Listens on 127.0.0.1; port 0 takes a free one. Throws std::runtime_error.
  explicit HttpServer(Handler handler, std::uint16_t port = 0);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const noexcept;
  /// "http://127.0.0.1:PORT" + `target`.
  std::string url(const std::string& target = "") const;
  /// All requests so far, in order of arrival.
  std::vector<ReceivedRequest> requests() const;
  std::size_t connection_count() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crudbench::testing_support
