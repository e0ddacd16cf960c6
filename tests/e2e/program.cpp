#include "tests/e2e/program.h"

#include <chrono>
#include <stdexcept>
#include <thread>

#include "harness/store/store.h"

namespace crudbench::testing_support {

std::filesystem::path program() {
  return CRUDBENCH_PROGRAM;
}

std::filesystem::path fault_server() {
  return CRUDBENCH_FAULT_SERVER;
}

ProcessResult crudbench(const std::vector<std::string>& arguments) {
  return run_process(program(), arguments);
}

Json last_event(const std::string& output) {
  const std::size_t end = output.find_last_not_of('\n');
  const std::size_t begin = output.rfind('\n', end);
  return Json::parse(output.substr(begin == std::string::npos ? 0 : begin + 1));
}

std::string sample_config() {
  return (source_root() / "configs" / "experiments" / "sample.json").string();
}

std::string workspace_digest(const std::filesystem::path& workspace) {
  const Store store(Workspace{workspace}, Database::Mode::kReadOnly);
  std::string digest;
  for (const RunRecord& run : store.runs()) {
    digest += run.fingerprint + "\n";
    store.visit_samples(run.run_id, [&](const ItemRecord& item, SampleRecord&& sample) {
      Json hits = Json::array();
      for (const StoredHit& hit : sample.hits) {
        hits.push_back({hit.doc_id, hit.span.begin, hit.span.end, hit.score, hit.is_gold});
      }
      digest +=
          to_text({item.task, item.sample_id, sample.failure ? sample.failure->failure_class : "ok",
                   sample.prediction, hits, sample.scores}) +
          "\n";
    });
  }
  return digest;
}

FaultServer::FaultServer(const std::vector<std::string>& arguments)
    : process_(fault_server(), arguments) {
  for (int attempt = 0; attempt < 500; ++attempt) {
    const std::string output = process_.output();
    if (output.ends_with('\n')) {
      base_url_ = "http://127.0.0.1:" + output.substr(0, output.size() - 1) + "/v1";
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  throw std::runtime_error("the fault server did not start");
}

}  // namespace crudbench::testing_support
