#pragma once

#include <sys/types.h>
#include <vector>

namespace crudbench::testing_support {

/// The processes that `parent` has started and that are still there, as /proc tells.
std::vector<pid_t> children_of(pid_t parent);

/// Whether there is a process of this number that has not ended.
bool is_running(pid_t process);

}  // namespace crudbench::testing_support
