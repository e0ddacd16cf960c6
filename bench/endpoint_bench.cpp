// Requests a second and CPU a request against nginx on the loopback: a bare loop over libcurl's
// multi interface, the whole path of `crudbench run` (prompt, request, parse, completion and sample
// stored), and a pool of Python threads, one after another in each round.
//
//   crudbench_endpoint_bench [REQUESTS [ROUNDS [whole]]]
//
// "whole": the whole path alone, for a profiler or to watch its memory.
//
// Needs nginx (Debian: nginx-light), without which it says so and does nothing, and Python's
// `requests` (python3-requests), without which that peer is left out. nginx runs with a
// configuration of its own in a temporary folder, on a port that was free. Answers have 2 KB,
// prompts 3 KB, 64 requests are in flight. CPU is that of the client's process.

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <curl/curl.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "harness/core/files.h"
#include "harness/core/json.h"
#include "harness/core/log.h"
#include "harness/runner/builtin_catalog.h"
#include "harness/runner/runner.h"
#include "harness/runner/thread_pool.h"
#include "tests/support/process.h"

namespace crudbench {

namespace {

constexpr std::size_t kInFlight = 64;
constexpr const char* kNginx = "/usr/sbin/nginx";

/// A port that nobody listens on now.
int free_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound =
      ::bind(descriptor, generic, size) == 0 && ::getsockname(descriptor, generic, &size) == 0;
  ::close(descriptor);
  return bound ? ntohs(address.sin_port) : 0;
}

std::string url() {
  static const int port = free_port();
  return "http://127.0.0.1:" + std::to_string(port) + "/v1";
}

std::string host_and_port() {
  return url().substr(7, url().size() - 10);
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Resident memory in MB.
double resident_megabytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0;
  file >> pages >> pages;
  return static_cast<double>(pages) * 4096.0 / 1e6;
}

struct Measurement {
  double per_second = 0.0;
  double cpu_us = 0.0;
};

template <class Work>
Measurement measure(std::size_t requests, const Work& work) {
  const double cpu_start = cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  return {.per_second = static_cast<double>(requests) / wall.count(),
          .cpu_us = (cpu_seconds() - cpu_start) * 1e6 / static_cast<double>(requests)};
}

/// An answer of 2 KB in the agreed form.
std::string answer() {
  Json body = {{"id", "chatcmpl-0"},
               {"object", "chat.completion"},
               {"choices",
                {{{"index", 0},
                  {"message", {{"role", "assistant"}, {"content", ""}}},
                  {"finish_reason", "stop"}}}},
               {"usage", {{"prompt_tokens", 900}, {"completion_tokens", 500}}}};
  constexpr std::size_t kSize = 2005;
  std::string text = "<response>";
  while (body.dump().size() + text.size() + 14 < kSize) {
    text += "答";
  }
  body["choices"][0]["message"]["content"] = text + "</response>";
  return body.dump();
}

class Nginx {
 public:
  explicit Nginx(const std::filesystem::path& folder) {
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "nginx.conf")
        << "daemon off;\nmaster_process off;\nworker_processes 1;\npid " << folder.string()
        << "/pid;\nerror_log " << folder.string()
        << "/error.log;\nevents { worker_connections 1024; }\nhttp {\n  access_log off;\n"
           "  keepalive_requests 100000000;\n  default_type application/json;\n"
           "  client_body_temp_path "
        << folder.string() << "/body;\n  client_body_buffer_size 64k;\n  server {\n    listen "
        << host_and_port() << ";\n    location / { return 200 '" << answer() << "'; }\n  }\n}\n";
    process_ = std::make_unique<testing_support::Process>(
        kNginx, std::vector<std::string>{"-c", (folder / "nginx.conf").string(), "-e",
                                         (folder / "error.log").string()});
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    if (process_->has_ended()) {
      std::fprintf(stderr, "nginx ended: %s\n", read_file(folder / "error.log").c_str());
      std::exit(EXIT_FAILURE);
    }
  }

 private:
  std::unique_ptr<testing_support::Process> process_;
};

std::size_t drop(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

/// The least that a client over libcurl can do.
void bare_loop(std::size_t requests) {
  const std::string body(3000, 'x');
  const std::string address = url() + "/chat/completions";
  CURLM* multi = curl_multi_init();
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
  headers = curl_slist_append(headers, "Expect:");
  std::vector<CURL*> handles;
  std::size_t started = 0;
  for (; started < std::min(kInFlight, requests); ++started) {
    CURL* handle = curl_easy_init();
    curl_easy_setopt(handle, CURLOPT_URL, address.c_str());
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &drop);
    curl_multi_add_handle(multi, handle);
    handles.push_back(handle);
  }
  for (std::size_t finished = 0; finished < requests;) {
    int running = 0;
    curl_multi_perform(multi, &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      CURL* handle = message->easy_handle;
      curl_multi_remove_handle(multi, handle);
      ++finished;
      if (started < requests) {
        curl_multi_add_handle(multi, handle);
        ++started;
      }
    }
    if (running > 0) {
      curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
    }
  }
  for (CURL* handle : handles) {
    curl_easy_cleanup(handle);
  }
  curl_slist_free_all(headers);
  curl_multi_cleanup(multi);
}

/// Questions that differ, with prompts of 3 KB.
Dataset make_dataset(std::size_t count) {
  Dataset dataset;
  dataset.corpus.add_named("d", "一篇文章");
  dataset.knowledge_base_mode = "paper";
  dataset.corpus_fingerprint = "corpus";
  dataset.samples_fingerprint = "samples" + std::to_string(count);
  std::string padding;
  while (padding.size() < 2400) {
    padding += "说明";
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    dataset.samples.push_back(
        {.sample_id = "s" + number,
         .task = "questanswer_1doc",
         .fields = {{"questions", "第" + number + "个问题？" + padding}, {"answers", "答"}}});
  }
  return dataset;
}

/// Samples the memory when a tenth and when all of the samples are stored.
class MemoryWatch final : public RunListener {
 public:
  explicit MemoryWatch(std::size_t count) : count_(count) {}
  void run_started(const PlannedRun&, std::size_t, std::size_t) override {}
  void sample_finished(const PlannedRun&, const SampleRecord& sample) override {
    failed += sample.failure ? 1U : 0U;
    if (++finished_ == count_ / 10) {
      early = resident_megabytes();
    } else if (finished_ == count_) {
      late = resident_megabytes();
    }
  }
  void judging_started(const PlannedRun&, const std::string&, std::size_t) override {}
  void sample_judged(const PlannedRun&) override {}
  void run_finished(const PlannedRun&, const RunProgress&) override {}

  double early = 0.0;
  double late = 0.0;
  std::size_t failed = 0;

 private:
  std::size_t count_;
  std::size_t finished_ = 0;
};

void whole_path(const Dataset& dataset, const std::filesystem::path& folder, ThreadPool& pool,
                MemoryWatch& memory) {
  const Catalog& catalog = builtin_catalog();
  const std::string sample = (folder / "unread").string();
  const Experiment experiment = parse_experiment(
      {{"experiment", "bench"},
       {"dataset",
        {{"type", "crud_rag"},
         {"samples", sample},
         {"corpus", sample},
         {"tasks", {"questanswer_1doc"}}}},
       {"retriever", {{"type", "none"}}},
       {"generator",
        {{"type", "openai"}, {"base_url", url()}, {"model", "m"}, {"max_concurrency", kInFlight}}},
       {"metrics", {"format"}}},
      "bench.json", "/", {}, catalog);
  const Workspace workspace{folder};
  Store store(workspace, Database::Mode::kReadWrite);
  run_experiment(experiment, dataset, catalog, store, workspace, pool, {}, memory, {});
}

constexpr const char* kPython = R"python(
import sys, threading, time, resource
try:
    import requests
except ImportError:
    print("none"); sys.exit(0)
count, url = int(sys.argv[1]), sys.argv[2]
body = b"x" * 3000
per_thread = count // 20
def work():
    with requests.Session() as session:
        for _ in range(per_thread):
            session.post(url, data=body, headers={"Content-Type": "application/json"}).json()
threads = [threading.Thread(target=work) for _ in range(20)]
start, cpu = time.time(), time.process_time()
for thread in threads: thread.start()
for thread in threads: thread.join()
done = per_thread * 20
print(done / (time.time() - start), (time.process_time() - cpu) * 1e6 / done)
)python";

std::optional<Measurement> python_pool(std::size_t requests) {
  const auto result = testing_support::run_process(
      "/usr/bin/env",
      {"python3", "-c", kPython, std::to_string(requests), url() + "/chat/completions"});
  Measurement measurement;
  if (result.exit_status != 0 || std::sscanf(result.output.c_str(), "%lf %lf",
                                             &measurement.per_second, &measurement.cpu_us) != 2) {
    return std::nullopt;
  }
  return measurement;
}

void show(const char* name, const Measurement& measurement) {
  std::printf("%-28s %9.0f requests/s %7.1f us of CPU each\n", name, measurement.per_second,
              measurement.cpu_us);
  std::fflush(stdout);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2.0;
}

int run(std::size_t requests, int rounds, bool whole_only) {
  if (!std::filesystem::exists(kNginx)) {
    std::fprintf(stderr, "skipped: %s is not there (Debian: nginx-light)\n", kNginx);
    return EXIT_SUCCESS;
  }
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("endpoint_bench_" + std::to_string(::getpid()));
  ::setenv("no_proxy", "127.0.0.1", 1);
  set_log_level(LogLevel::kWarning);
  {
    const Nginx nginx(folder / "nginx");
    const Dataset dataset = make_dataset(requests);
    ThreadPool pool(available_cores());
    if (!whole_only) {
      bare_loop(requests / 10);
    }
    std::vector<double> of_bare;
    std::vector<double> of_python;
    std::vector<double> cpu_of_bare;
    for (int round = 0; round < rounds; ++round) {
      Measurement bare;
      if (!whole_only) {
        bare = measure(requests, [&] { bare_loop(requests); });
        show("libcurl multi, bare", bare);
      }
      MemoryWatch memory(requests);
      const std::filesystem::path workspace = folder / ("ws" + std::to_string(round));
      const Measurement whole =
          measure(requests, [&] { whole_path(dataset, workspace, pool, memory); });
      show("crudbench, whole path", whole);
      std::printf("%-28s %zu failed; resident %.1f MB after a tenth, %.1f MB at the end\n", "",
                  memory.failed, memory.early, memory.late);
      if (whole_only) {
        std::filesystem::remove_all(workspace);
        continue;
      }
      of_bare.push_back(whole.per_second / bare.per_second);
      cpu_of_bare.push_back(whole.cpu_us / bare.cpu_us);
      std::printf("%-28s %9.2f of the bare loop\n", "", of_bare.back());
      const auto python_requests = std::min<std::size_t>(requests / 10, 5000);
      if (const auto python = python_pool(python_requests)) {
        show("Python requests, 20 threads", *python);
        of_python.push_back(whole.per_second / python->per_second);
        std::printf("%-28s %9.1f times the Python pool\n", "", of_python.back());
      }
      std::filesystem::remove_all(workspace);
    }
    if (!of_bare.empty()) {
      std::printf("%-28s %9.2f of the bare loop, with %.1f times its CPU\n", "median of the rounds",
                  median(of_bare), median(cpu_of_bare));
    }
    if (!of_python.empty()) {
      std::printf("%-28s %9.1f times the Python pool\n", "", median(of_python));
    }
  }
  std::filesystem::remove_all(folder);
  return EXIT_SUCCESS;
}

}  // namespace

}  // namespace crudbench

int main(int count, char** arguments) {
  const std::size_t requests = count > 1 ? std::stoul(arguments[1]) : 20'000;
  const int rounds = count > 2 ? std::stoi(arguments[2]) : 3;
  const bool whole_only = count > 3 && std::string_view(arguments[3]) == "whole";
  return crudbench::run(requests, rounds, whole_only);
}
