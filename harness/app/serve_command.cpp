#include <charconv>

#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/app/signal_watcher.h"
#include "harness/core/error.h"
#include "harness/serve/live_pages.h"
#include "harness/serve/live_server.h"

namespace crudbench {

namespace {

constexpr OptionSpec kOptions[]{
    {"port", "N", "the port to listen on (default: any free one)"},
    {"host", "ADDRESS", "the address to listen on (default: 127.0.0.1)"},
    {"experiment", "NAME", "the report shows the runs of this experiment only"},
    {"i-know", "", "allow a --host that other machines can reach"},
    kThreadsOption,
};

constexpr CommandSpec kSpec{
    .name = "serve",
    .arguments = "[WORKSPACE]",
    .summary = "Show a workspace as live pages on this machine, while runs go on.",
    .max_positionals = 1,
    .options = kOptions,
    .examples =
        "  crudbench serve workspace\n"
        "  crudbench serve workspace --port 8765\n"};

int port_of(const Arguments& arguments) {
  constexpr int kLastPort = 65535;
  const std::string text = arguments.value("port").value_or("0");
  int port = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped_at, problem] = std::from_chars(text.data(), end, port);
  if (problem != std::errc() || stopped_at != end || port < 0 || port > kLastPort) {
    throw Error(ErrorCode::kInvalidConfig,
                "--port: expected an integer from 0 to 65535, found '" + text + "'");
  }
  return port;
}

std::string host_of(const Arguments& arguments) {
  std::string host = arguments.value("host").value_or("127.0.0.1");
  if (!is_loopback(host) && !arguments.has("i-know")) {
    throw Error(ErrorCode::kInvalidConfig,
                "--host " + host +
                    ": other machines could reach it, and whoever sees the address can read all "
                    "results; --i-know allows it");
  }
  return host;
}

ExitCode run(const Arguments& arguments) {
  const Workspace workspace = report_workspace_of(arguments);
  const ServerOptions options{
      .host = host_of(arguments), .port = port_of(arguments), .token = random_token()};
  if (std::filesystem::exists(workspace.database_file())) {
    const Store store(workspace, Database::Mode::kReadOnly);  // Says now if it cannot be read.
  }
  const SignalWatcher signals("serve", "stopping");
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  LivePages pages(workspace, arguments.value("experiment"), *pool);
  LiveServer server(options, pages);
  if (arguments.has("json")) {
    print(to_text({{"url", server.url()}}) + "\n");
  } else {
    print(server.url() + "\n");
  }
  server.run(signals.stop_token());
  return ExitCode::kDone;
}

}  // namespace

const Command kServeCommand{kSpec, run};

}  // namespace crudbench
