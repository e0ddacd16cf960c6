#pragma once

namespace crudbench {

/// What the program's exit status tells; documented in the README.
enum class ExitCode {
  kDone = 0,
  kInternal = 1,
  kUsage = 2,        ///< Usage or configuration.
  kData = 3,         ///< Data or file.
  kFailures = 4,     ///< More failed samples than --max-failures allows, or an endpoint is down.
  kInterrupted = 5,  ///< Stopped by a signal; the same command continues.
  kWorse = 6,        ///< 'check' found a metric that is significantly worse than allowed.
};

}  // namespace crudbench
