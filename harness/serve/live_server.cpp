#include "harness/serve/live_server.h"

#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <exception>
#include <httplib.h>
#include <mutex>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/log.h"

namespace crudbench {

namespace {

constexpr const char* kEvents = "events";
constexpr std::chrono::seconds kKeepAlive{10};  ///< Between two signs of life of a stream.

/// The address of an interface in its usual form; nullopt for anything else.
bool is_ip_address(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return ::inet_pton(AF_INET, text.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

/// The library's threads behind a bound: while all are busy, no connection is accepted, so that a
/// flood of them waits in the kernel and takes no memory here.
class BoundedThreads final : public httplib::TaskQueue {
 public:
  /// `on_pause` is called between connections, and while waiting for a thread.
  BoundedThreads(std::size_t count, std::function<void()> on_pause)
      : threads_(count), free_(count), on_pause_(std::move(on_pause)) {}

  void enqueue(std::function<void()> task) override {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kPause, [this] { return free_ > 0; })) {
      lock.unlock();
      on_pause_();
      lock.lock();
    }
    --free_;
    lock.unlock();
    threads_.enqueue([this, task = std::move(task)] {
      task();
      const std::lock_guard guard(mutex_);
      ++free_;
      changed_.notify_one();
    });
    on_pause_();
  }
  void shutdown() override { threads_.shutdown(); }
  void on_idle() override { on_pause_(); }

 private:
  static constexpr std::chrono::milliseconds kPause{100};

  httplib::ThreadPool threads_;
  std::mutex mutex_;  ///< Guards `free_`.
  std::condition_variable changed_;
  std::size_t free_;
  std::function<void()> on_pause_;
};

void answer_plainly(httplib::Response& response, int status, const std::string& text) {
  response.status = status;
  response.set_content(text + "\n", "text/plain; charset=utf-8");
}

}  // namespace

class LiveServer::Implementation {
 public:
  Implementation(ServerOptions options, PageSource& source)
      : options_(std::move(options)), source_(source) {
    const std::string host = options_.host == "localhost" ? "127.0.0.1" : options_.host;
    if (!is_ip_address(host)) {
      throw Error(ErrorCode::kInvalidConfig,
                  "--host: expected an IP address or 'localhost', found '" + options_.host + "'");
    }
    configure();
    int port = options_.port;
    bool is_bound = false;
    if (port == 0) {
      port = server_.bind_to_any_port(host);
      is_bound = port > 0;
    } else {
      is_bound = server_.bind_to_port(host, port);
    }
    if (!is_bound) {
      throw Error(ErrorCode::kIo, "cannot listen on " + host + " port " +
                                      std::to_string(options_.port) +
                                      ": is it in use, or not an address of this machine?");
    }
    const bool is_ipv6 = host.find(':') != std::string::npos;
    url_ = "http://" + (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port) + "/" +
           options_.token + "/";
  }

  const std::string& url() const noexcept { return url_; }

  void run(const std::stop_token& stop) {
    stop_ = stop;
    server_.listen_after_bind();
  }

 private:
  void configure() {
    constexpr std::size_t kMostBodyBytes = 1024;
    constexpr time_t kPatienceSeconds = 2;
    constexpr time_t kIdleMicroseconds = 100'000;
    server_.new_task_queue = [this] {
      return new BoundedThreads(options_.max_connections, [this] {  // The library deletes it.
        if (stop_.stop_requested() && !std::exchange(is_stopping_, true)) {
          server_.stop();
        }
      });
    };
    // Not the library's SO_REUSEPORT, with which two servers would share a port without a word.
    server_.set_socket_options([](socket_t socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server_.set_idle_interval(0, kIdleMicroseconds);
    server_.set_keep_alive_max_count(1);
    server_.set_keep_alive_timeout(kPatienceSeconds);
    server_.set_read_timeout(kPatienceSeconds);
    server_.set_write_timeout(kPatienceSeconds);
    server_.set_payload_max_length(kMostBodyBytes);
    server_.set_default_headers({{"Cache-Control", "no-store"},
                                 {"X-Content-Type-Options", "nosniff"},
                                 {"X-Frame-Options", "DENY"},
                                 {"Referrer-Policy", "no-referrer"},
                                 {"Cross-Origin-Opener-Policy", "same-origin"},
                                 {"Cross-Origin-Resource-Policy", "same-origin"}});
    server_.set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) {
          if (!refuse(request, response)) {
            answer(request, response);
          }
          return httplib::Server::HandlerResponse::Handled;
        });
    server_.set_exception_handler([](const httplib::Request&, httplib::Response& response,
                                     const std::exception_ptr& failure) {
      try {
        std::rethrow_exception(failure);
      } catch (const std::exception& error) {
        log_warning("serve", error.what());
      }
      answer_plainly(response, 500, "the page could not be made; the program's log says why");
    });
  }

  /// The part of the path behind "/TOKEN/"; nullopt without the token.
  std::optional<std::string> path_below_token(const std::string& path) const {
    const std::size_t end = path.find('/', 1);
    if (path.empty() || end == std::string::npos ||
        !equal_in_constant_time(std::string_view(path).substr(1, end - 1), options_.token)) {
      return std::nullopt;
    }
    return path.substr(end + 1);
  }

  bool refuse(const httplib::Request& request, httplib::Response& response) const {
    if (!is_address_header(request.get_header_value("Host"))) {
      answer_plainly(response, 403, "this server answers under its IP address only");
    } else if (request.method != "GET" && request.method != "HEAD") {
      response.set_header("Allow", "GET, HEAD");
      answer_plainly(response, 405, "this server only shows pages");
    } else if (!path_below_token(request.path)) {
      answer_plainly(response, 403, "the address lacks the token that the program printed");
    } else {
      return false;
    }
    return true;
  }

  void answer(const httplib::Request& request, httplib::Response& response) {
    const std::string path = path_below_token(request.path).value_or("");
    if (path == kEvents) {
      stream_events(response);
      return;
    }
    const std::optional<ServedPage> page = source_.page(path);
    if (!page) {
      answer_plainly(response, 404, "there is no such page");
      return;
    }
    response.set_header("Content-Security-Policy", page->content_security_policy);
    response.set_content(page->content, page->content_type.c_str());
  }

  void stream_events(httplib::Response& response) {
    if (stream_count_.fetch_add(1) >= options_.max_streams) {
      --stream_count_;
      response.set_header("Retry-After", "5");
      answer_plainly(response, 503, "too many pages are open");
      return;
    }
    response.set_chunked_content_provider(
        "text/event-stream",
        [this, last = std::string(), written_at = Clock::now()](std::size_t /*offset*/,
                                                                httplib::DataSink& sink) mutable {
          while (!stop_.stop_requested()) {
            const std::string state = source_.state();
            const bool is_new = state != last;
            if (is_new || Clock::now() - written_at >= kKeepAlive) {
              const std::string event = is_new ? "data: " + state + "\n\n" : ": still here\n\n";
              last = state;
              written_at = Clock::now();
              return sink.write(event.data(), event.size());
            }
            wait_for_poll();
            if (!sink.is_writable()) {
              return false;
            }
          }
          sink.done();
          return true;
        },
        [this](bool /*is_complete*/) { --stream_count_; });
  }

  void wait_for_poll() {
    std::unique_lock lock(waiting_);
    never_.wait_for(lock, stop_, options_.poll_interval, [] { return false; });
  }

  using Clock = std::chrono::steady_clock;

  ServerOptions options_;
  PageSource& source_;
  httplib::Server server_;
  std::string url_;
  std::stop_token stop_;
  bool is_stopping_ = false;  ///< Of the accepting thread alone.
  std::atomic<std::size_t> stream_count_ = 0;
  std::mutex waiting_;
  std::condition_variable_any never_;  ///< Only a stop request wakes those who wait.
};

LiveServer::LiveServer(ServerOptions options, PageSource& source)
    : implementation_(std::make_unique<Implementation>(std::move(options), source)) {}

LiveServer::~LiveServer() = default;

const std::string& LiveServer::url() const noexcept {
  return implementation_->url();
}

void LiveServer::run(const std::stop_token& stop) {
  implementation_->run(stop);
}

std::string random_token() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw io_error("read", "the system's random numbers", errno);
  }
  std::string token;
  for (const unsigned char byte : bytes) {
    token += kDigits[byte >> 4U];
    token += kDigits[byte & 15U];
  }
  return token;
}

bool equal_in_constant_time(std::string_view left, std::string_view right) noexcept {
  if (left.size() != right.size()) {
    return false;
  }
  unsigned difference = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    difference |= static_cast<unsigned char>(left[i]) ^
                  static_cast<unsigned>(static_cast<unsigned char>(right[i]));
  }
  return difference == 0;
}

bool is_loopback(const std::string& host) {
  in_addr address{};
  constexpr std::uint32_t kLoopbackNetwork = 127;
  return host == "localhost" || host == "::1" ||
         (::inet_pton(AF_INET, host.c_str(), &address) == 1 &&
          ntohl(address.s_addr) >> 24U == kLoopbackNetwork);
}

bool is_address_header(const std::string& header) {
  std::string host = header;
  std::string port;
  if (host.starts_with('[')) {
    const std::size_t close = host.find(']');
    if (close == std::string::npos) {
      return false;
    }
    port = host.substr(close + 1);
    host = host.substr(1, close - 1);
    if (host.find(':') == std::string::npos) {
      return false;
    }
  } else if (const std::size_t colon = host.find(':'); colon != std::string::npos) {
    port = host.substr(colon);
    host.resize(colon);
  }
  const bool has_port =
      port.empty() || (port.size() > 1 && port.front() == ':' &&
                       port.find_first_not_of("0123456789", 1) == std::string::npos);
  return has_port && (host == "localhost" || is_ip_address(host));
}

}  // namespace crudbench
