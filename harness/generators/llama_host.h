#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/json.h"
#include "harness/llama/llama_service.h"

namespace crudbench {

/// A loaded engine, in this process or in one of its own. Not thread-safe.
class LlamaLink {
 public:
  /// What has come from the engine.
  struct News {
    std::vector<LlamaReply> replies;
    /// How the engine ended, and the last it said; it is gone then, with all prompts under way.
    std::optional<std::string> crash;
  };

  virtual ~LlamaLink() = default;
  /// As `LlamaService::configure`; `resolved` is what `options` were read from.
  virtual void configure(const LlamaOptions& options, const Json& resolved) = 0;
  virtual void send(std::size_t ticket, std::string_view prompt) = 0;
  /// Waits at most so long for news. Throws the Error that made the engine give up.
  virtual News receive(std::chrono::milliseconds wait) = 0;
  /// Ends the engine, whatever it is doing.
  virtual void kill() noexcept = 0;
};

/// Keeps one engine loaded, for the generators of an experiment one after the other: the runs of a
/// cell, its repeats, a judge on the same model. Not thread-safe.
class LlamaHost {
 public:
  /// `command` starts an engine process; empty: this program's own hidden command.
  explicit LlamaHost(std::vector<std::string> command = {});
  ~LlamaHost();
  LlamaHost(const LlamaHost&) = delete;
  LlamaHost& operator=(const LlamaHost&) = delete;

  /// The engine for these options: the one that is loaded, configured anew, or another in its
  /// place; valid until the next call. Returns when the model is loaded, null if `stop` came
  /// before. Throws the Error that loading ended with, and Error(kUnavailable) if the engine
  /// process ended over it.
  LlamaLink* open(const LlamaOptions& options, const Json& resolved, const std::stop_token& stop);
  /// Ends the engine.
  void close() noexcept;

 private:
  std::vector<std::string> command_;
  std::unique_ptr<LlamaLink> link_;
  std::string loaded_;  ///< What `link_` has loaded.
};

}  // namespace crudbench
