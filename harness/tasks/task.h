#pragma once

#include <span>
#include <string>
#include <string_view>

#include "harness/core/types.h"

namespace crudbench {

/// One of the CRUD tasks: pure functions of a sample.
class Task {
 public:
  virtual ~Task() = default;

  /// What is sent to the retriever; a view into the sample.
  virtual std::string_view query(const Sample& sample) const = 0;
  /// The values of the prompt template's placeholders other than `search_documents`.
  virtual Fields prompt_fields(const Sample& sample) const = 0;
  /// The part of a model's reply that is scored. Pure; never fails: a reply without the agreed tags
  /// is its own answer, as upstream has it.
  virtual std::string extract_answer(std::string_view reply) const = 0;
  /// What the dataset says is right; a view into the sample.
  virtual std::string_view reference(const Sample& sample) const = 0;
};

}  // namespace crudbench
