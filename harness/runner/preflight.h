#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "harness/generators/generator.h"

namespace crudbench {

/// What is known of the generators of an execution, by name: whether they have answered, and how
/// many of their latest requests were refused in a row. Thread-safe.
class ProvenGenerators {
 public:
  bool is_proven(const std::string& name) const;
  /// Lets one caller at a time send the first request to what is not proven; true for all after
  /// that. `withdraw` by the one who was let through, if it has not come to an answer.
  bool may_ask(const std::string& name);
  void withdraw(const std::string& name);
  void count_answer(const std::string& name);
  /// A request has failed: for want of access, or otherwise. Returns the refusals in a row; nullopt
  /// where nothing has been answered yet.
  std::optional<int> count_failure(const std::string& name, bool is_refused_access);

 private:
  struct State {
    bool is_proven = false;
    bool first_is_under_way = false;
    int refusals_in_row = 0;
  };

  mutable std::mutex mutex_;  ///< Guards `states_`.
  std::map<std::string, State> states_;
};

/// `inner`, tried before it is trusted: while `proven` lacks `name`, one prompt at a time goes
/// through, and the first of thousands is the test of key, model and template. No request is made
/// that is not needed anyway.
///
/// If that prompt fails in a way that all others would (refused with HTTP 4xx, no TLS, a redirect),
/// Error(kInvalidConfig) with the server's words ends the run; where nothing answers at all,
/// Error(kUnavailable). After that, `kRefusalsUntilStop` refusals in a row (HTTP 401, 402, 403) end
/// it too, over all runs of the execution: the key was withdrawn or the account is empty. `proven`
/// outlives the generator.
std::unique_ptr<Generator> make_preflight_generator(std::unique_ptr<Generator> inner,
                                                    std::string name, ProvenGenerators& proven);

inline constexpr int kRefusalsUntilStop = 16;

}  // namespace crudbench
