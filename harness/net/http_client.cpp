#include "harness/net/http_client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <curl/curl.h>
#include <deque>
#include <map>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <unordered_map>
#include <utility>

#include "harness/core/error.h"

namespace crudbench {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxHeaderBytes = std::size_t{256} << 10U;
constexpr std::size_t kUsualHeaders = 16;  ///< Lines of an answer.

struct CleanUpEasy {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
struct CleanUpMulti {
  void operator()(CURLM* handle) const noexcept { curl_multi_cleanup(handle); }
};
struct CleanUpUrl {
  void operator()(CURLU* handle) const noexcept { curl_url_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
struct FreeText {
  void operator()(char* text) const noexcept { curl_free(text); }
};
using EasyHandle = std::unique_ptr<CURL, CleanUpEasy>;
using MultiHandle = std::unique_ptr<CURLM, CleanUpMulti>;
using UrlHandle = std::unique_ptr<CURLU, CleanUpUrl>;
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

/// A file descriptor that is closed at the end of its scope.
class Descriptor {
 public:
  Descriptor(int value, std::string_view action) : value_(value) {
    if (value < 0) {
      throw io_error(action, "event loop", errno);
    }
  }
  ~Descriptor() { ::close(value_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return value_; }

 private:
  int value_;
};

void initialise_curl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) {
    throw Error(ErrorCode::kIo, std::string("libcurl cannot start: ") + curl_easy_strerror(code));
  }
}

std::optional<std::string> url_part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) {
    return std::nullopt;
  }
  return std::string(std::unique_ptr<char, FreeText>(text).get());
}

struct UrlParts {
  std::string scheme;
  std::string host;
  std::string port;
  bool has_credentials = false;

  std::string host_and_port() const { return host + ":" + port; }
  std::string origin() const { return scheme + "://" + host_and_port(); }
};

/// nullopt for what is not an absolute http or https URL.
std::optional<UrlParts> parse_url(const std::string& text) {
  initialise_curl();
  const UrlHandle url(curl_url());
  if (url == nullptr || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    return std::nullopt;
  }
  const auto scheme = url_part(url.get(), CURLUPART_SCHEME);
  const auto host = url_part(url.get(), CURLUPART_HOST);
  const auto port = url_part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (!scheme || !host || !port || (*scheme != "http" && *scheme != "https")) {
    return std::nullopt;
  }
  return UrlParts{.scheme = *scheme,
                  .host = *host,
                  .port = *port,
                  .has_credentials = url_part(url.get(), CURLUPART_USER).has_value() ||
                                     url_part(url.get(), CURLUPART_PASSWORD).has_value()};
}

char to_lower(char character) noexcept {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a')
                                              : character;
}

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string in_seconds(milliseconds duration) {
  std::string text = std::to_string(static_cast<double>(duration.count()) / 1000.0);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') {
    text.pop_back();
  }
  return text + " s";
}

std::string_view class_of(CURLcode code) noexcept {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return "timeout";
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_USE_SSL_FAILED:
      return "tls";
    case CURLE_UNSUPPORTED_PROTOCOL:  // What curl calls an answer without a status line.
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return "malformed";
    default:
      return "connect";
  }
}

bool is_redirect(int status) noexcept {
  return status == 301 || status == 302 || status == 307 || status == 308;
}

/// A handle and what it is set to, so that the next request of the same kind need not set it again.
struct Route {
  UrlHandle url;  ///< Parsed once; the handle holds its address.
  EasyHandle handle;
  HttpRequest request;  ///< Its body is of no concern.
  HeaderList header_list;
  std::string authority;  ///< "host:port", for messages.

  bool serves(const HttpRequest& other) const {
    return request.url == other.url && request.method == other.method &&
           request.headers == other.headers && request.connect_timeout == other.connect_timeout &&
           request.proxy == other.proxy && request.ca_file == other.ca_file &&
           request.unix_socket == other.unix_socket;
  }
};

/// One request on its way. The object stays where it is: curl holds its address.
struct Transfer {
  Route route;
  HttpLoop::OnDone on_done;
  HttpLoop::Clock::time_point submitted;
  HttpResponse response;
  std::size_t header_bytes = 0;
  bool too_large = false;
  bool is_sent = false;
  int redirects = 0;
  int http_version = 0;
};

/// Called before a request goes out. curl sends it again by itself when a kept connection proves
/// dead; here that ends the transfer, so that every send is one result.
int permit_one_send(void* user, char*, char*, int, int) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  return std::exchange(transfer.is_sent, true) ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/// Called by libcurl, which is C: nothing may be thrown through it. A wrong count aborts.
std::size_t receive_body(char* bytes, std::size_t size, std::size_t count, void* user) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t length = size * count;
  std::string& body = transfer.response.body;
  if (length > transfer.route.request.max_response_bytes - body.size()) {
    transfer.too_large = true;
    return 0;
  }
  try {
    body.append(bytes, length);
    if (transfer.route.request.records_arrivals) {
      const std::chrono::duration<double> elapsed = HttpLoop::Clock::now() - transfer.submitted;
      transfer.response.arrivals.push_back({body.size(), elapsed.count()});
    }
  } catch (const std::bad_alloc&) {
    transfer.too_large = true;
    return 0;
  }
  return length;
}

std::size_t receive_header(char* bytes, std::size_t size, std::size_t count, void* user) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(bytes, size * count);
  try {
    std::vector<HttpHeader>& headers = transfer.response.headers;
    if (line.starts_with("HTTP/")) {
      // A new header block: what came before belonged to a 1xx answer or to a proxy.
      headers.clear();
    }
    transfer.header_bytes += line.size();
    if (transfer.header_bytes > kMaxHeaderBytes) {
      transfer.too_large = true;
      return 0;
    }
    if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
      headers.reserve(kUsualHeaders);
      HttpHeader header{std::string(trim(line.substr(0, colon))),
                        std::string(trim(line.substr(colon + 1)))};
      std::transform(header.name.begin(), header.name.end(), header.name.begin(), to_lower);
      headers.push_back(std::move(header));
    }
  } catch (const std::bad_alloc&) {
    transfer.too_large = true;
    return 0;
  }
  return line.size();
}

HeaderList make_header_list(const std::vector<HttpHeader>& headers) {
  // Without this, curl asks a server's leave before it sends a large body.
  HeaderList list(curl_slist_append(nullptr, "Expect:"));
  for (const HttpHeader& header : headers) {
    if (!is_header_text(header.name) || header.name.empty() || !is_header_text(header.value)) {
      throw Error(ErrorCode::kInvalidConfig,
                  "HTTP header '" + (is_header_text(header.name) ? header.name : std::string("?")) +
                      "' holds a line break or NUL");
    }
    const std::string line =
        header.value.empty() ? header.name + ";" : header.name + ": " + header.value;
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) {
      throw std::bad_alloc();
    }
    static_cast<void>(list.release());
    list.reset(longer);
  }
  return list;
}

}  // namespace

const std::string* HttpResponse::find_header(std::string_view name) const noexcept {
  const auto found = std::find_if(headers.rbegin(), headers.rend(),
                                  [&](const HttpHeader& header) { return header.name == name; });
  return found == headers.rend() ? nullptr : &found->value;
}

std::string http_origin(const std::string& url, std::string_view subject) {
  const std::optional<UrlParts> parts = parse_url(url);
  if (!parts) {
    throw Error(ErrorCode::kInvalidConfig,
                std::string(subject) + " must be a URL such as http://127.0.0.1:8080/v1");
  }
  if (parts->has_credentials) {
    throw Error(ErrorCode::kInvalidConfig,
                std::string(subject) + " must not hold a user name or password");
  }
  return parts->origin();
}

bool is_header_text(std::string_view text) noexcept {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

class HttpLoop::Impl {
 public:
  Impl()
      : epoll_(::epoll_create1(EPOLL_CLOEXEC), "cannot create"),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "cannot create") {
    initialise_curl();
    multi_.reset(curl_multi_init());
    if (multi_ == nullptr) {
      throw std::bad_alloc();
    }
    watch(wake_.get(), EPOLLIN);
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &Impl::on_socket);
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &Impl::on_timer);
    curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
  }

  ~Impl() {
    for (auto& [handle, transfer] : transfers_) {
      curl_multi_remove_handle(multi_.get(), handle);
    }
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void submit(HttpRequest request, OnDone on_done) {
    if (!idle_.empty() && idle_.back().serves(request)) {
      std::string body = std::exchange(request.body, {});
      submit(request, std::move(body), std::move(on_done));
      return;
    }
    auto transfer = new_transfer(std::move(on_done));
    transfer->route.header_list = make_header_list(request.headers);
    const std::optional<UrlParts> parts = parse_url(request.url);
    transfer->route.request = std::move(request);
    if (parts && !parts->has_credentials) {
      transfer->route.authority = parts->host_and_port();
      set_up(transfer->route);
      start(std::move(transfer));
    } else {
      fail_later(std::move(transfer), {.failure_class = "connect",
                                       .message = "the request's URL is not an http(s) URL"});
    }
  }

  void submit(const HttpRequest& request, std::string body, OnDone on_done) {
    if (idle_.empty() || !idle_.back().serves(request)) {
      HttpRequest whole = request;
      whole.body = std::move(body);
      submit(std::move(whole), std::move(on_done));
      return;
    }
    auto transfer = new_transfer(std::move(on_done));
    transfer->route = std::move(idle_.back());
    idle_.pop_back();
    HttpRequest& own = transfer->route.request;
    own.body = std::move(body);
    own.total_timeout = request.total_timeout;
    own.max_response_bytes = request.max_response_bytes;
    own.records_arrivals = request.records_arrivals;
    own.max_redirects = request.max_redirects;
    start(std::move(transfer));
  }

  void call_at(Clock::time_point when, std::function<void()> action) {
    timers_.emplace(when, std::move(action));
  }

  void run_once(milliseconds max_wait) {
    if (hand_over_completed() || run_due_timer()) {
      return;
    }
    const Clock::time_point end = Clock::now() + max_wait;
    do {
      wait_for_events(end);
      if (hand_over_completed() || run_due_timer() || std::exchange(woken_, false)) {
        return;
      }
    } while (Clock::now() < end);
  }

  void wake() noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wake_.get(), &one, sizeof one));
  }

  std::size_t in_flight() const noexcept { return transfers_.size() + done_.size(); }

 private:
  /// Events of a socket that curl wants to hear of, and those that epoll watches for.
  struct Interest {
    std::uint32_t wanted = 0;
    std::uint32_t watched = 0;
  };

  struct Done {
    std::unique_ptr<Transfer> transfer;
    std::optional<HttpFailure> failure;
  };

  void watch(int descriptor, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.fd = descriptor}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) != 0 &&
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, descriptor, &event) != 0) {
      throw io_error("cannot watch", "event loop", errno);
    }
  }

  static int on_socket(CURL*, curl_socket_t socket, int what, void* user, void*) noexcept {
    auto& self = *static_cast<Impl*>(user);
    const std::uint32_t events = ((what & CURL_POLL_IN) != 0 ? std::uint32_t{EPOLLIN} : 0U) |
                                 ((what & CURL_POLL_OUT) != 0 ? std::uint32_t{EPOLLOUT} : 0U);
    try {
      if (const auto known = self.sockets_.find(socket); known != self.sockets_.end()) {
        known->second.wanted = what == CURL_POLL_REMOVE ? 0U : events;
        self.changed_.push_back(socket);
      } else if (what == CURL_POLL_REMOVE) {
        ::epoll_ctl(self.epoll_.get(), EPOLL_CTL_DEL, socket, nullptr);
      } else {
        self.watch(socket, events);
      }
    } catch (const std::exception&) {
      return -1;
    }
    return 0;
  }

  static curl_socket_t on_open(void* user, curlsocktype, curl_sockaddr* address) noexcept {
    auto& self = *static_cast<Impl*>(user);
    const int socket =
        ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    try {
      if (socket >= 0) {
        self.sockets_.insert_or_assign(socket, Interest{});
      }
    } catch (const std::bad_alloc&) {  // Then its events are watched without delay.
    }
    return socket >= 0 ? socket : CURL_SOCKET_BAD;
  }

  /// The number may soon be another socket's.
  static int on_close(void* user, curl_socket_t socket) noexcept {
    static_cast<Impl*>(user)->sockets_.erase(socket);
    return ::close(socket);
  }

  /// Brings epoll to what curl wants. Between two requests on a kept connection it wants nothing
  /// for a moment, of which epoll need not hear.
  void apply_changes() {
    for (const int socket : std::exchange(changed_, {})) {
      const auto found = sockets_.find(socket);
      if (found == sockets_.end() || found->second.wanted == found->second.watched) {
        continue;
      }
      const auto [wanted, watched] = found->second;
      found->second.watched = wanted;
      if (wanted == 0) {
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket, nullptr);
      } else {
        watch(socket, wanted);
      }
    }
  }

  static int on_timer(CURLM*, long timeout_ms, void* user) noexcept {
    auto& self = *static_cast<Impl*>(user);
    self.curl_deadline_.reset();
    if (timeout_ms >= 0) {
      self.curl_deadline_ = Clock::now() + milliseconds(timeout_ms);
    }
    return 0;
  }

  static std::unique_ptr<Transfer> new_transfer(OnDone on_done) {
    auto transfer = std::make_unique<Transfer>();
    transfer->on_done = std::move(on_done);
    transfer->submitted = Clock::now();
    return transfer;
  }

  /// Sets everything that does not change from one request of a route to the next.
  void set_up(Route& route) {
    if (route.handle != nullptr) {
      curl_easy_reset(route.handle.get());
    } else if (!idle_.empty()) {
      route.handle = std::move(idle_.back().handle);
      idle_.pop_back();
      curl_easy_reset(route.handle.get());
    } else {
      route.handle.reset(curl_easy_init());
      if (route.handle == nullptr) {
        throw std::bad_alloc();
      }
    }
    CURL* handle = route.handle.get();
    const HttpRequest& request = route.request;
    route.url.reset(curl_url());
    if (route.url == nullptr ||
        curl_url_set(route.url.get(), CURLUPART_URL, request.url.c_str(), 0) != CURLUE_OK) {
      throw std::bad_alloc();  // `parse_url` has understood it.
    }
    curl_easy_setopt(handle, CURLOPT_CURLU, route.url.get());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(request.connect_timeout.count()));
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "crudbench");
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, route.header_list.get());
    curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, &permit_one_send);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, &Impl::on_open);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, this);
    curl_easy_setopt(handle, CURLOPT_CLOSESOCKETFUNCTION, &Impl::on_close);
    curl_easy_setopt(handle, CURLOPT_CLOSESOCKETDATA, this);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &receive_body);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &receive_header);
    set_path(handle, request);
    if (request.method == "GET") {
      curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L);
    } else {
      curl_easy_setopt(handle, CURLOPT_POST, 1L);
      if (request.method != "POST") {
        curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
      }
    }
  }

  void start(std::unique_ptr<Transfer> transfer) {
    CURL* handle = transfer->route.handle.get();
    const HttpRequest& request = transfer->route.request;
    const auto elapsed =
        std::chrono::duration_cast<milliseconds>(Clock::now() - transfer->submitted);
    const milliseconds left = std::max(request.total_timeout - elapsed, milliseconds(1));
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(left.count()));
    curl_easy_setopt(handle, CURLOPT_PREREQDATA, transfer.get());
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer.get());
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, transfer.get());
    if (request.method != "GET") {
      curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
      curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
    }
    transfers_.emplace(handle, std::move(transfer));
    if (const CURLMcode code = curl_multi_add_handle(multi_.get(), handle); code != CURLM_OK) {
      auto failed = std::move(transfers_.extract(handle).mapped());
      fail_later(std::move(failed),
                 {.failure_class = "connect",
                  .message = std::string("cannot start a request: ") + curl_multi_strerror(code)});
    }
  }

  /// Over what the request goes: proxy, socket, trust. Connections are shared between requests only
  /// where all of this is equal; curl sees to it.
  static void set_path(CURL* handle, const HttpRequest& request) {
    // Waits for a connection that may turn out to be HTTP/2 rather than opening another one.
    curl_easy_setopt(handle, CURLOPT_PIPEWAIT, request.url.starts_with("https:") ? 1L : 0L);
    if (!request.proxy.empty()) {
      curl_easy_setopt(handle, CURLOPT_PROXY, request.proxy.c_str());
      curl_easy_setopt(handle, CURLOPT_NOPROXY, "");
    }
    if (!request.ca_file.empty()) {
      curl_easy_setopt(handle, CURLOPT_CAINFO, request.ca_file.c_str());
      curl_easy_setopt(handle, CURLOPT_CAPATH, nullptr);
    }
    if (!request.unix_socket.empty()) {
      curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
    }
  }

  void fail_later(std::unique_ptr<Transfer> transfer, HttpFailure failure) {
    done_.push_back({std::move(transfer), std::move(failure)});
  }

  /// Waits for the network, a timer, `wake` or `end`, and lets curl act.
  void wait_for_events(Clock::time_point end) {
    act_if_due();  // Requests that were added are sent, and their sockets known.
    if (!done_.empty()) {
      return;
    }
    apply_changes();
    Clock::time_point until = end;
    if (curl_deadline_) {
      until = std::min(until, *curl_deadline_);
    }
    if (!timers_.empty()) {
      until = std::min(until, timers_.begin()->first);
    }
    const auto wait = std::chrono::ceil<milliseconds>(until - Clock::now());
    std::array<epoll_event, 64> events{};
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                   static_cast<int>(std::clamp<long>(wait.count(), 0, 60'000)));
    int running = 0;
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.fd == wake_.get()) {
        std::uint64_t ignored = 0;
        static_cast<void>(!::read(wake_.get(), &ignored, sizeof ignored));
        woken_ = true;
        continue;
      }
      const int actions = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                          ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                          ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
      curl_multi_socket_action(multi_.get(), event.data.fd, actions, &running);
    }
    act_if_due();
  }

  /// Lets curl do what it wanted to be called for, and takes what has ended.
  void act_if_due() {
    if (curl_deadline_ && *curl_deadline_ <= Clock::now()) {
      curl_deadline_.reset();
      int running = 0;
      curl_multi_socket_action(multi_.get(), CURL_SOCKET_TIMEOUT, 0, &running);
    }
    collect_finished();
  }

  void collect_finished() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) {
        continue;
      }
      const CURLcode code = message->data.result;
      CURL* handle = message->easy_handle;
      curl_multi_remove_handle(multi_.get(), handle);
      finish(std::move(transfers_.extract(handle).mapped()), code);
    }
  }

  void finish(std::unique_ptr<Transfer> transfer, CURLcode code) {
    CURL* handle = transfer->route.handle.get();
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    transfer->response.status = static_cast<int>(status);
    long version = 0;
    curl_easy_getinfo(handle, CURLINFO_HTTP_VERSION, &version);
    transfer->http_version = version == CURL_HTTP_VERSION_2_0 ? 20 : version == 0 ? 0 : 11;
    std::optional<HttpFailure> failure;
    std::optional<std::string> redirect_url;
    if (code != CURLE_OK) {
      failure = describe(*transfer, code);
    } else if (is_redirect(transfer->response.status)) {
      failure = resolve_redirect(*transfer, redirect_url);
    }
    if (redirect_url) {
      ++transfer->redirects;
      transfer->route.request.url = std::move(*redirect_url);
      transfer->response = {};
      transfer->header_bytes = 0;
      transfer->is_sent = false;
      set_up(transfer->route);
      start(std::move(transfer));
      return;
    }
    transfer->route.request.body.clear();
    idle_.push_back(std::move(transfer->route));
    done_.push_back({std::move(transfer), std::move(failure)});
  }

  static HttpFailure describe(const Transfer& transfer, CURLcode code) {
    const HttpRequest& request = transfer.route.request;
    HttpFailure failure{.failure_class = std::string(class_of(code)),
                        .message = transfer.route.authority + ": " + curl_easy_strerror(code)};
    if (transfer.too_large) {
      failure.failure_class = "too_large";
      failure.message = transfer.route.authority + ": the answer is longer than " +
                        std::to_string(request.max_response_bytes) + " bytes";
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
      curl_off_t sending_after = 0;
      curl_easy_getinfo(transfer.route.handle.get(), CURLINFO_PRETRANSFER_TIME_T, &sending_after);
      failure.message =
          transfer.route.authority +
          (sending_after > 0
               ? ": no complete answer within " + in_seconds(request.total_timeout)
               : ": no connection within " +
                     in_seconds(std::min(request.connect_timeout, request.total_timeout)));
    } else if (code == CURLE_ABORTED_BY_CALLBACK) {
      failure.message = transfer.route.authority + ": the connection broke before an answer came";
    } else if (code == CURLE_UNSUPPORTED_PROTOCOL) {
      failure.message = transfer.route.authority + ": the answer is not HTTP";
    }
    return failure;
  }

  /// Sets `url` where the redirect is to be followed; else returns why not.
  static std::optional<HttpFailure> resolve_redirect(const Transfer& transfer,
                                                     std::optional<std::string>& url) {
    HttpFailure failure{.failure_class = "redirect", .message = ""};
    const char* target = nullptr;
    curl_easy_getinfo(transfer.route.handle.get(), CURLINFO_REDIRECT_URL, &target);
    const auto from = parse_url(transfer.route.request.url);
    const auto to = target == nullptr ? std::nullopt : parse_url(target);
    if (!to || !from) {
      failure.message = transfer.route.authority + ": redirects, but not to an http(s) URL";
    } else if (to->origin() != from->origin() || to->has_credentials) {
      failure.message = transfer.route.authority + ": redirects to another server (" +
                        to->origin() + "), which is not followed";
    } else if (transfer.redirects >= transfer.route.request.max_redirects) {
      failure.message = transfer.route.authority + ": more than " +
                        std::to_string(transfer.route.request.max_redirects) + " redirects";
    } else {
      url = target;
      return std::nullopt;
    }
    return failure;
  }

  bool hand_over_completed() {
    const bool any = !done_.empty();
    while (!done_.empty()) {
      Done done = std::move(done_.front());
      done_.pop_front();
      HttpResult result{
          .failure = std::move(done.failure),
          .response = std::move(done.transfer->response),
          .seconds = std::chrono::duration<double>(Clock::now() - done.transfer->submitted).count(),
          .http_version = done.transfer->http_version};
      const OnDone on_done = std::move(done.transfer->on_done);
      done.transfer.reset();
      on_done(std::move(result));
    }
    return any;
  }

  bool run_due_timer() {
    bool any = false;
    while (!timers_.empty() && timers_.begin()->first <= Clock::now()) {
      const auto timer = timers_.extract(timers_.begin());
      timer.mapped()();
      any = true;
    }
    return any;
  }

  Descriptor epoll_;
  Descriptor wake_;
  std::unordered_map<int, Interest> sockets_;  ///< Those of connections.
  std::vector<int> changed_;  ///< Sockets whose interest may differ from what epoll watches.
  std::map<CURL*, std::unique_ptr<Transfer>> transfers_;
  std::vector<Route> idle_;
  std::deque<Done> done_;
  std::multimap<Clock::time_point, std::function<void()>> timers_;
  std::optional<Clock::time_point> curl_deadline_;  ///< When curl wants to be called next.
  bool woken_ = false;
  /// Last, so that it goes first: closing it still calls back into the members above.
  MultiHandle multi_;
};

HttpLoop::HttpLoop() : impl_(std::make_unique<Impl>()) {}
HttpLoop::~HttpLoop() = default;

void HttpLoop::submit(HttpRequest request, OnDone on_done) {
  impl_->submit(std::move(request), std::move(on_done));
}

void HttpLoop::submit(const HttpRequest& request, std::string body, OnDone on_done) {
  impl_->submit(request, std::move(body), std::move(on_done));
}

void HttpLoop::call_at(Clock::time_point when, std::function<void()> action) {
  impl_->call_at(when, std::move(action));
}

void HttpLoop::run_once(milliseconds max_wait) {
  impl_->run_once(max_wait);
}

void HttpLoop::wake() noexcept {
  impl_->wake();
}

std::size_t HttpLoop::in_flight() const noexcept {
  return impl_->in_flight();
}

std::string curl_library_version() {
  return curl_version_info(CURLVERSION_NOW)->version;
}

}  // namespace crudbench
