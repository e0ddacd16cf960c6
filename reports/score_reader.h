#pragma once

#include <functional>
#include <string_view>

#include "harness/core/json.h"

namespace crudbench {

/// Takes the scores of a sample one by one, in the order of their names.
class ScoreVisitor {
 public:
  virtual ~ScoreVisitor() = default;
  /// A value.
  virtual void on_value(std::string_view metric, double value) = 0;
  /// Anything else: null (undefined), {"failed": class}, counts.
  virtual void on_other(std::string_view metric, const Json& score) = 0;
};

/// Reads the scores of `SampleRecord::score_text`, a JSON object as the store writes it, without
/// building it: a report reads millions of them. Throws Error(kInvalidData) for anything else.
void read_score_text(std::string_view text, ScoreVisitor& visitor);

/// The same of scores that are parsed already.
void read_scores(const Json& scores, ScoreVisitor& visitor);

}  // namespace crudbench
