#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/error.h"
#include "harness/core/fingerprint.h"
#include "reports/bundle.h"

namespace {

using namespace crudbench;  // A program, not a header.

/// With the hashes that the lines should have, so that most inputs get past them.
std::string sealed(std::string_view lines) {
  std::string parts[3];
  for (std::size_t begin = 0, number = 0; begin < lines.size(); ++number) {
    const std::size_t end = std::min(lines.find('\n', begin), lines.size() - 1) + 1;
    const std::string_view line = lines.substr(begin, end - begin);
    const bool is_run = line.find("\"run\"") != std::string_view::npos;
    parts[number == 0 ? 0 : is_run ? 1 : 2] += line;
    begin = end;
  }
  const Json hashes = {{"config", sha256_hex(parts[0])},
                       {"metrics", sha256_hex(parts[1])},
                       {"samples", sha256_hex(parts[2])},
                       {"bundle", sha256_hex(lines)}};
  return std::string(lines) + to_text({{"sha256", hashes}}) + "\n";
}

}  // namespace

/// Any bytes are a bundle or an error that names the file; what was read can be checked, merged and
/// written, and reads back as the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const std::string& text : {std::string(input), sealed(input)}) {
    try {
      const Bundle bundle = parse_bundle(text, "fuzz");
      SerialExecutor executor;
      check_bundle(bundle, executor);
      const std::string written = bundle_text(bundle);
      if (bundle_text(parse_bundle(written, "fuzz")) != written) {
        std::abort();
      }
      merge_bundles(std::vector{bundle}, {.intervals = false}, executor);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kInvalidData) {
        std::abort();
      }
    }
  }
  return 0;
}
