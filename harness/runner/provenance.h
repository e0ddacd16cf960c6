#pragma once

#include <string>

#include "datasets/dataset.h"
#include "harness/core/json.h"

namespace crudbench {

/// "0.1.0".
std::string program_version();

/// What made a run's numbers: versions of program and libraries, source revision, data hashes and
/// health, knowledge-base mode, machine. Holds no path and no secret.
Json make_provenance(const Dataset& dataset);

}  // namespace crudbench
