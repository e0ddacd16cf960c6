#include "harness/generators/llama_worker.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <memory>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/prctl.h>
#include <unistd.h>

#include "harness/core/error.h"
#include "harness/generators/llama_protocol.h"
#include "harness/llama/llama_service.h"

namespace crudbench {

namespace {

using Clock = std::chrono::steady_clock;

/// Lines of a pipe.
class LineInput {
 public:
  explicit LineInput(int descriptor) : descriptor_(descriptor) {}

  /// The next line; nullopt if none is there now, or with `wait` if the pipe has ended.
  std::optional<std::string> next(bool wait) {
    for (;;) {
      if (const std::size_t end = text_.find('\n'); end != std::string::npos) {
        std::string line = text_.substr(0, end);
        text_.erase(0, end + 1);
        return line;
      }
      pollfd polled{.fd = descriptor_, .events = POLLIN, .revents = 0};
      if (has_ended_ || ::poll(&polled, 1, wait ? -1 : 0) <= 0) {
        return std::nullopt;
      }
      std::array<char, 65536> buffer;
      const ssize_t size = ::read(descriptor_, buffer.data(), buffer.size());
      if (size > 0) {
        text_.append(buffer.data(), static_cast<std::size_t>(size));
      } else if (size == 0 || errno != EINTR) {
        has_ended_ = true;
      }
    }
  }

  bool has_ended() const noexcept { return has_ended_; }

 private:
  int descriptor_;
  std::string text_;
  bool has_ended_ = false;
};

/// False if nobody reads any more.
bool write_line(int descriptor, std::string line) {
  line += '\n';
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t size = ::write(descriptor, rest.data(), rest.size());
    if (size < 0 && errno != EINTR) {
      return false;
    }
    rest.remove_prefix(size > 0 ? static_cast<std::size_t>(size) : 0);
  }
  return true;
}

/// How much of its threads' time the engine gets: they spin when they wait for each other, so what
/// is missing went to others.
class CoreWatch {
 public:
  explicit CoreWatch(std::size_t threads) : threads_(threads) {}

  /// To be called after every step; a share that is low enough to complain about, at most once a
  /// minute.
  std::optional<double> look() {
    constexpr double kWindowSeconds = 5.0;
    constexpr double kLowShare = 0.8;
    const Clock::time_point now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - since_).count();
    if (seconds < kWindowSeconds) {
      return std::nullopt;
    }
    const double used = processor_seconds();
    const double share = (used - used_since_) / (seconds * static_cast<double>(threads_));
    since_ = now;
    used_since_ = used;
    if (share >= kLowShare || now < silent_until_) {
      return std::nullopt;
    }
    silent_until_ = now + std::chrono::minutes(1);
    return share;
  }

  /// After a time without work.
  void restart() {
    since_ = Clock::now();
    used_since_ = processor_seconds();
  }

 private:
  static double processor_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  }

  std::size_t threads_;
  Clock::time_point since_ = Clock::now();
  double used_since_ = processor_seconds();
  Clock::time_point silent_until_;
};

class Worker {
 public:
  Worker(int input, int output) : input_(input), output_(output) {}

  void run() {
    while (!reader_has_gone_) {
      const bool is_idle = !service_ || service_->load() == 0;
      if (is_idle && watch_) {
        watch_->restart();
      }
      std::optional<std::string> line = input_.next(is_idle);
      if (line) {
        obey(*line);
      } else if (is_idle) {
        return;
      } else {
        if (input_.has_ended()) {
          return;  // Nobody wants what is under way.
        }
        work();
      }
    }
  }

 private:
  void obey(const std::string& line) {
    const Json message = Json::parse(line);
    if (const auto prompt = message.find("prompt"); prompt != message.end()) {
      service_->submit(prompt->at("ticket").get<std::size_t>(),
                       prompt->at("text").get<std::string>());
      return;
    }
    Options options(message.at("configure"), "generator");
    options.text("type");
    const LlamaOptions read = read_llama_options(options);
    if (service_) {
      service_->configure(read);
      return;
    }
    service_ = make_llama_service(read);
    const Json description = service_->describe();
    watch_.emplace(description.at("threads").get<std::size_t>());
    say(ready_line(description));
  }

  void work() {
    for (const LlamaReply& reply : service_->step()) {
      say(reply_line(reply));
    }
    if (const auto share = watch_->look()) {
      say(busy_line(*share));
    }
  }

  void say(std::string line) { reader_has_gone_ = !write_line(output_, std::move(line)); }

  LineInput input_;
  int output_;
  bool reader_has_gone_ = false;
  std::unique_ptr<LlamaService> service_;
  std::optional<CoreWatch> watch_;
};

/// Should memory run out, this process goes, and not the one with the results.
void offer_oneself_to_the_kernel() {
  if (std::FILE* file = std::fopen("/proc/self/oom_score_adj", "w")) {
    std::fputs("500", file);
    std::fclose(file);
  }
}

}  // namespace

int run_llama_worker(int input, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGPIPE, SIG_IGN);
  offer_oneself_to_the_kernel();
  // What else is printed in this process is no part of the protocol.
  const int protocol = ::dup(output);
  ::dup2(STDERR_FILENO, output);
  try {
    Worker(input, protocol).run();
    return 0;
  } catch (const Error& error) {
    write_line(protocol, error_line(error));
  } catch (const std::exception& error) {
    write_line(protocol, error_line(Error(ErrorCode::kBadReply, error.what())));
  }
  return 1;
}

}  // namespace crudbench
