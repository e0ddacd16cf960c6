#include "harness/generators/llama_host.h"

#include <cmath>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/log.h"
#include "harness/generators/llama_protocol.h"
#include "harness/generators/llama_worker.h"
#include "harness/process/line_process.h"
#include "harness/text/utf8.h"

namespace crudbench {

namespace {

using std::chrono::milliseconds;

class InProcessLink final : public LlamaLink {
 public:
  explicit InProcessLink(const LlamaOptions& options) : service_(make_llama_service(options)) {}

  void configure(const LlamaOptions& options, const Json& /*resolved*/) override {
    service_->configure(options);
  }
  void send(std::size_t ticket, std::string_view prompt) override {
    service_->submit(ticket, prompt);
  }
  News receive(milliseconds /*wait*/) override {
    News news{.replies = service_->step()};
    for (LlamaReply& reply : news.replies) {
      reply.text = replace_invalid_utf8(reply.text);
    }
    return news;
  }
  void kill() noexcept override {}

 private:
  std::unique_ptr<LlamaService> service_;
};

/// The last lines of what an engine wrote to standard error, for a message.
std::string last_words(const std::string& errors) {
  constexpr std::size_t kMostBytes = 1000;
  std::string_view words = strip(errors);
  if (words.size() > kMostBytes) {
    words.remove_prefix(words.size() - kMostBytes);
    words.remove_prefix(std::min(words.find('\n') + 1, words.size()));
  }
  return words.empty() ? "" : "; its last words: " + replace_invalid_utf8(words);
}

class ProcessLink final : public LlamaLink {
 public:
  explicit ProcessLink(const std::vector<std::string>& command) : process_(command) {}

  /// False if `stop` came before the model was loaded.
  bool load(const Json& resolved, const std::stop_token& stop) {
    constexpr milliseconds kInterval{50};  // After which a stop is noticed at the latest.
    process_.post(configure_line(resolved));
    while (!is_ready_ && !stop.stop_requested()) {
      const News news = receive(kInterval);
      if (news.crash) {
        throw Error(ErrorCode::kUnavailable, "the engine cannot load the model: it " + *news.crash);
      }
    }
    return is_ready_;
  }

  void configure(const LlamaOptions& /*options*/, const Json& resolved) override {
    process_.post(configure_line(resolved));
  }

  void send(std::size_t ticket, std::string_view prompt) override {
    process_.post(prompt_line(ticket, prompt));
  }

  News receive(milliseconds wait) override {
    News news;
    while (auto answer = process_.receive(news.replies.empty() ? wait : milliseconds(0))) {
      if (answer->failure) {
        news.crash = answer->failure->message + last_words(process_.errors());
        return news;
      }
      LlamaMessage message = parse_llama_message(answer->line);
      if (message.error) {
        throw Error(*message.error);
      }
      if (message.reply) {
        news.replies.push_back(std::move(*message.reply));
      } else if (!message.ready.is_null()) {
        log_info("llama", to_text(message.ready.at("model")) + " loaded: context " +
                              to_text(message.ready.at("context")) + ", parallel " +
                              to_text(message.ready.at("parallel")) + ", threads " +
                              to_text(message.ready.at("threads")));
        is_ready_ = true;
        return news;
      } else {
        log_warning("llama", "the model gets only " +
                                 std::to_string(std::lround(100.0 * message.busy_share)) +
                                 " % of its threads' time: other programs keep the cores busy, and "
                                 "its speed suffers");
      }
    }
    return news;
  }

  void kill() noexcept override { process_.kill(); }

 private:
  LineProcess process_;
  bool is_ready_ = false;
};

}  // namespace

LlamaHost::LlamaHost(std::vector<std::string> command) : command_(std::move(command)) {
  if (command_.empty()) {
    command_ = {"/proc/self/exe", kLlamaWorkerCommand};
  }
}

LlamaHost::~LlamaHost() {
  close();
}

LlamaLink* LlamaHost::open(const LlamaOptions& options, const Json& resolved,
                           const std::stop_token& stop) {
  const std::string wanted = to_text(without_request_options(resolved)) +
                             (options.isolated ? " in a process" : " in this process");
  if (link_ && wanted == loaded_) {
    link_->configure(options, resolved);
    return link_.get();
  }
  close();
  if (options.isolated) {
    auto link = std::make_unique<ProcessLink>(command_);
    if (!link->load(resolved, stop)) {
      link->kill();
      return nullptr;
    }
    link_ = std::move(link);
  } else {
    link_ = std::make_unique<InProcessLink>(options);
  }
  loaded_ = wanted;
  return link_.get();
}

void LlamaHost::close() noexcept {
  if (link_) {
    link_->kill();
    link_.reset();
  }
}

}  // namespace crudbench
