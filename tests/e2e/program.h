#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/core/json.h"
#include "tests/support/process.h"
#include "tests/support/testing.h"

namespace crudbench::testing_support {

/// The program under test.
std::filesystem::path program();
std::filesystem::path fault_server();

/// Runs `crudbench ARGUMENTS…` to its end.
ProcessResult crudbench(const std::vector<std::string>& arguments);

/// The last line of what `crudbench run --json` has printed.
Json last_event(const std::string& output);

/// The shipped sample experiment.
std::string sample_config();

/// Everything a workspace's runs hold that must not depend on time or interruptions, as text: for
/// each run its fingerprint, for each sample its fate, prediction, hits and scores.
std::string workspace_digest(const std::filesystem::path& workspace);

/// The loopback endpoint that misbehaves, for the life of the object.
class FaultServer {
 public:
  explicit FaultServer(const std::vector<std::string>& arguments);
  const std::string& base_url() const noexcept { return base_url_; }

 private:
  Process process_;
  std::string base_url_;
};

}  // namespace crudbench::testing_support
