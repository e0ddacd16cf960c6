#pragma once

#include <string>
#include <vector>

#include "harness/store/workspace.h"

namespace crudbench {

/// Something in a workspace that is not as it should be.
struct Finding {
  std::string place;    ///< "crudbench.db, samples of run 3"
  std::string problem;  ///< What is wrong.
  std::string remedy;   ///< What the program would do about it, or what people can do.

  friend bool operator==(const Finding&, const Finding&) = default;
};

/// Checks a workspace's database and changes nothing: SQLite's own integrity, references between
/// tables, the form of every stored JSON text, replies that stand in the completion cache. Empty if
/// all is well, or if there is no database. Throws Error(kIo) if the file cannot be read.
std::vector<Finding> check_database(const Workspace& workspace);

}  // namespace crudbench
