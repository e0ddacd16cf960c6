#pragma once

#include <string>
#include <string_view>

namespace crudbench::testing_support {

/// A TCP connection to 127.0.0.1, for tests that say byte by byte what they send.
class RawConnection {
 public:
  /// Throws std::runtime_error if nobody listens.
  explicit RawConnection(int port);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  void send(std::string_view bytes);
  /// Everything up to the end of the connection.
  std::string read_all();
  /// Reads until `text` has come, or 60 seconds have gone; all that was read since the start.
  const std::string& read_until(std::string_view text);

 private:
  bool read_some();

  int descriptor_ = -1;
  std::string received_;
};

/// Sends "METHOD PATH HTTP/1.1" with this Host header and nothing else; the whole answer.
std::string http_answer(int port, const std::string& method, const std::string& path,
                        const std::string& host = "127.0.0.1");

/// The port in "http://127.0.0.1:8080/…".
int port_in(const std::string& url);

}  // namespace crudbench::testing_support
