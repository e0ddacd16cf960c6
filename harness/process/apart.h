#pragma once

#include <functional>
#include <optional>
#include <string>

namespace crudbench {

/// What `work` returns, done in a forked child so that an abort or a crash in it ends nothing else;
/// nullopt if it ended the child. What the child says on stdout and stderr is dropped. `work` may
/// not throw. Call it before the program makes threads: a child inherits their locks. Throws
/// Error(kIo) if no child can be made.
std::optional<std::string> run_apart(const std::function<std::string()>& work);

}  // namespace crudbench
