#include "tests/fakes/http_server.h"

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <list>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace crudbench::testing_support {

namespace {

using Clock = std::chrono::steady_clock;
using Fault = ScriptedResponse::Fault;

constexpr std::chrono::milliseconds kDripInterval{20};
constexpr std::chrono::milliseconds kResetDelay{5};

std::string to_lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char character) {
    return static_cast<char>(std::tolower(character));
  });
  return lower;
}

/// Takes one complete request off the front of `input`.
std::optional<ReceivedRequest> take_request(std::string& input) {
  if (!input.empty() && (input.front() < 'A' || input.front() > 'Z')) {
    return ReceivedRequest{.body = std::exchange(input, "")};
  }
  const std::size_t head_end = input.find("\r\n\r\n");
  if (head_end == std::string::npos) {
    return std::nullopt;
  }
  ReceivedRequest request;
  std::string_view head = std::string_view(input).substr(0, head_end);
  const std::string_view first = head.substr(0, head.find("\r\n"));
  const std::size_t method_end = first.find(' ');
  const std::size_t target_end = first.rfind(' ');
  request.method = first.substr(0, method_end);
  request.target = first.substr(method_end + 1, target_end - method_end - 1);
  for (head.remove_prefix(first.size()); head.starts_with("\r\n");) {
    head.remove_prefix(2);
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const std::size_t colon = line.find(": ");
    request.headers[to_lower(line.substr(0, colon))] =
        colon == std::string_view::npos ? "" : std::string(line.substr(colon + 2));
    head.remove_prefix(line.size());
  }
  const auto length = request.headers.find("content-length");
  const std::size_t body_size = length == request.headers.end() ? 0 : std::stoul(length->second);
  if (input.size() < head_end + 4 + body_size) {
    return std::nullopt;
  }
  request.body = input.substr(head_end + 4, body_size);
  input.erase(0, head_end + 4 + body_size);
  return request;
}

std::string to_wire(const ScriptedResponse& response) {
  if (response.fault == Fault::kRaw) {
    return response.body;
  }
  std::string wire = "HTTP/1.1 " + std::to_string(response.status) +
                     " Scripted\r\nContent-Type: " + response.content_type +
                     "\r\nContent-Length: " + std::to_string(response.body.size()) + "\r\n";
  for (const auto& [name, value] : response.headers) {
    wire.append(name).append(": ").append(value).append("\r\n");
  }
  wire += "\r\n";
  const bool is_half =
      response.fault == Fault::kCloseMidBody || response.fault == Fault::kResetMidBody;
  return wire + (is_half ? response.body.substr(0, response.body.size() / 2) : response.body);
}

struct Connection {
  int socket = -1;
  std::size_t number = 0;
  std::string input;
  std::string output;
  std::size_t sent = 0;                       ///< Bytes of `output`; it is emptied when all are.
  std::optional<ScriptedResponse> scheduled;  ///< To be sent at `due`.
  Clock::time_point due;
  bool hangs = false;
  bool closes_after_output = false;
  bool resets_after_output = false;
  std::optional<Clock::time_point> reset_at;
  bool drips = false;
  Clock::time_point next_drip;
  bool is_closed = false;
};

void reset_connection(int socket) {
  const linger abort{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(Handler handler, std::uint16_t port) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    wake_ = ::eventfd(0, EFD_CLOEXEC);
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 512) != 0 ||
        ::getsockname(listener_, generic, &size) != 0) {
      throw std::runtime_error(std::string("cannot listen on the loopback: ") +
                               std::strerror(errno));
    }
    port_ = ntohs(address.sin_port);
    // A proxy of this machine is none of the test's business.
    ::setenv("no_proxy", "127.0.0.1", 1);
    thread_ = std::thread([this] { serve(); });
  }

  ~Impl() {
    stopping_ = true;
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wake_, &one, sizeof one));
    thread_.join();
    for (const Connection& connection : connections_) {
      ::close(connection.socket);
    }
    ::close(listener_);
    ::close(wake_);
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::uint16_t port() const noexcept { return port_; }

  std::vector<ReceivedRequest> requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }

  std::size_t connection_count() const {
    const std::scoped_lock lock(mutex_);
    return connection_count_;
  }

 private:
  void serve() {
    while (!stopping_) {
      std::vector<pollfd> polled = {{.fd = listener_, .events = POLLIN, .revents = 0},
                                    {.fd = wake_, .events = POLLIN, .revents = 0}};
      int wait_ms = 1000;
      for (const Connection& connection : connections_) {
        polled.push_back(
            {.fd = connection.socket,
             .events = static_cast<short>(
                 POLLIN | (connection.output.empty() || connection.drips ? 0 : POLLOUT)),
             .revents = 0});
        for (const auto& due :
             {connection.scheduled ? std::optional(connection.due) : std::nullopt,
              connection.drips && !connection.output.empty() ? std::optional(connection.next_drip)
                                                             : std::nullopt,
              connection.reset_at}) {
          if (due) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - Clock::now());
            wait_ms = std::clamp(static_cast<int>(left.count()), 0, wait_ms);
          }
        }
      }
      ::poll(polled.data(), polled.size(), wait_ms);
      std::size_t at = 2;
      for (Connection& connection : connections_) {
        if ((polled[at++].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
          receive(connection);
        }
        advance(connection);
      }
      if ((polled[0].revents & POLLIN) != 0) {
        accept_all();
      }
      connections_.remove_if([](const Connection& connection) {
        if (connection.is_closed) {
          ::close(connection.socket);
        }
        return connection.is_closed;
      });
    }
  }

  void accept_all() {
    for (;;) {
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket < 0) {
        return;
      }
      const int on = 1;
      ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const std::scoped_lock lock(mutex_);
      connections_.push_back({.socket = socket, .number = connection_count_++});
    }
  }

  static void receive(Connection& connection) {
    char bytes[65536];
    for (;;) {
      const ssize_t count = ::recv(connection.socket, bytes, sizeof bytes, 0);
      if (count > 0) {
        connection.input.append(bytes, static_cast<std::size_t>(count));
      } else {
        connection.is_closed = count == 0 || (errno != EAGAIN && errno != EINTR);
        return;
      }
    }
  }

  /// Does all that can be done without waiting.
  void advance(Connection& connection) {
    while (!connection.is_closed) {
      if (!connection.output.empty() && connection.drips && Clock::now() < connection.next_drip) {
        return;
      }
      if (!connection.output.empty()) {
        if (!send_some(connection)) {
          return;
        }
      } else if (connection.closes_after_output) {
        connection.is_closed = true;
      } else if (connection.resets_after_output) {
        // Data that the other side has not read yet would be lost with the reset.
        if (!connection.reset_at) {
          connection.reset_at = Clock::now() + kResetDelay;
          return;
        }
        if (Clock::now() < *connection.reset_at) {
          return;
        }
        reset_connection(connection.socket);
        connection.is_closed = true;
      } else if (connection.scheduled) {
        if (connection.due > Clock::now()) {
          return;
        }
        answer(connection);
      } else if (connection.hangs || !take_next(connection)) {
        return;
      }
    }
  }

  bool take_next(Connection& connection) {
    std::optional<ReceivedRequest> request = take_request(connection.input);
    if (!request) {
      return false;
    }
    request->connection = connection.number;
    {
      const std::scoped_lock lock(mutex_);
      requests_.push_back(*request);
    }
    connection.scheduled = handler_(*request);
    connection.due = Clock::now() + connection.scheduled->delay;
    return true;
  }

  static void answer(Connection& connection) {
    const ScriptedResponse response = *std::exchange(connection.scheduled, std::nullopt);
    switch (response.fault) {
      case Fault::kHang:
        connection.hangs = true;
        return;
      case Fault::kReset:
        reset_connection(connection.socket);
        connection.is_closed = true;
        return;
      case Fault::kResetMidBody:
        connection.resets_after_output = true;
        break;
      case Fault::kDrip:
        connection.drips = true;
        break;
      case Fault::kCloseMidBody:
      case Fault::kRaw:
        connection.closes_after_output = true;
        break;
      case Fault::kNone:
        break;
    }
    connection.output = to_wire(response);
  }

  /// False if the socket takes no more for now.
  static bool send_some(Connection& connection) {
    const std::size_t left = connection.output.size() - connection.sent;
    const ssize_t count = ::send(connection.socket, connection.output.data() + connection.sent,
                                 connection.drips ? 1 : left, MSG_NOSIGNAL);
    connection.next_drip = Clock::now() + kDripInterval;
    if (count < 0) {
      connection.is_closed = errno != EAGAIN && errno != EINTR;
      return false;
    }
    connection.sent += static_cast<std::size_t>(count);
    if (connection.sent == connection.output.size()) {
      connection.output.clear();
      connection.sent = 0;
    }
    return true;
  }

  Handler handler_;
  int listener_ = -1;
  int wake_ = -1;
  std::uint16_t port_ = 0;
  std::list<Connection> connections_;  ///< The server thread's.
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;  ///< Guards the two below.
  std::vector<ReceivedRequest> requests_;
  std::size_t connection_count_ = 0;
  std::thread thread_;
};

HttpServer::HttpServer(Handler handler, std::uint16_t port)
    : impl_(std::make_unique<Impl>(std::move(handler), port)) {}
HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const noexcept {
  return impl_->port();
}

std::string HttpServer::url(const std::string& target) const {
  return "http://127.0.0.1:" + std::to_string(port()) + target;
}

std::vector<ReceivedRequest> HttpServer::requests() const {
  return impl_->requests();
}

std::size_t HttpServer::connection_count() const {
  return impl_->connection_count();
}

}  // namespace crudbench::testing_support
