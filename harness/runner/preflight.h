#pragma once

#include <map>
#include <memory>
#include <string>

#include "harness/generators/generator.h"

namespace crudbench {

/// What is known to work: the generators that have answered, by name, with the number of their
/// latest requests that were refused in a row.
using ProvenGenerators = std::map<std::string, int>;

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
