#include "tests/fakes/raw_connection.h"

#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace crudbench::testing_support {

RawConnection::RawConnection(int port) : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(descriptor_);
    throw std::runtime_error("nobody listens on port " + std::to_string(port));
  }
}

RawConnection::~RawConnection() {
  ::close(descriptor_);
}

void RawConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return;  // The other side has heard enough.
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool RawConnection::read_some() {
  std::array<char, 4096> buffer{};
  const ssize_t size = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
  if (size <= 0) {
    return false;
  }
  received_.append(buffer.data(), static_cast<std::size_t>(size));
  return true;
}

std::string RawConnection::read_all() {
  while (read_some()) {
  }
  return received_;
}

const std::string& RawConnection::read_until(std::string_view text) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (received_.find(text) == std::string::npos) {
    pollfd waiting{.fd = descriptor_, .events = POLLIN, .revents = 0};
    constexpr int kPollMilliseconds = 1000;
    const int ready = ::poll(&waiting, 1, kPollMilliseconds);
    if ((ready > 0 && !read_some()) || std::chrono::steady_clock::now() > deadline) {
      break;
    }
  }
  return received_;
}

std::string http_answer(int port, const std::string& method, const std::string& path,
                        const std::string& host) {
  RawConnection connection(port);
  connection.send(method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
  return connection.read_all();
}

int port_in(const std::string& url) {
  return std::stoi(url.substr(url.rfind(':') + 1));
}

}  // namespace crudbench::testing_support
