#pragma once

#include <chrono>
#include <functional>
#include <utility>

#include "harness/generators/generator.h"

namespace crudbench::testing_support {

/// Answers every prompt with what a function says of it, one at a time.
class AnsweringGenerator final : public Generator {
 public:
  using Answer = std::function<Reply(const Prompt& prompt)>;

  explicit AnsweringGenerator(Answer answer) : answer_(std::move(answer)) {}

  void generate(PromptSource& source, ReplySink& sink, std::stop_token stop) override {
    Prompt prompt;
    while (!stop.stop_requested()) {
      const auto status = source.next(prompt, std::chrono::milliseconds(20));
      if (status == PromptSource::Status::kEnd) {
        return;
      }
      if (status == PromptSource::Status::kPrompt) {
        sink.accept(prompt.ticket, answer_(prompt));
      }
    }
  }

 private:
  Answer answer_;
};

}  // namespace crudbench::testing_support
