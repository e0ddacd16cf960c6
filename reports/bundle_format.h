#pragma once

#include <array>
#include <string>
#include <string_view>

#include "harness/core/fingerprint.h"
#include "reports/bundle.h"
#include "reports/run_summary.h"

/// What the parts of bundles share; for reports/bundle*.cpp only.
namespace crudbench {

inline constexpr std::string_view kBundleFormat = "crudbench-bundle";
inline constexpr std::int64_t kBundleVersion = 1;

/// A run of a bundle, scored as it stands. Items are numbered from 1 in the order of the file.
ScoredRun score_bundle_run(const BundleRun& run, const SummaryOptions& options, Executor& executor);

/// What a bundle of version 1 states of a run; its intervals are those of the default options.
Json bundle_summary(const BundleRun& run, Executor& executor);

/// The kinds of lines, each hashed on its own, so that a check can say what was changed.
class BundleHashes {
 public:
  enum class Part { kConfig, kMetrics, kSamples };

  /// `line` ends in "\n".
  void add(Part part, std::string_view line);
  /// {"config", "metrics", "samples", "bundle"}: SHA-256 of the lines of each kind and of all. The
  /// object must not be used afterwards.
  Json take();

 private:
  std::array<Sha256, 3> parts_;
  Sha256 all_;
};

}  // namespace crudbench
