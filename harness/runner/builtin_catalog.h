#pragma once

#include "harness/core/catalog.h"

namespace crudbench {

/// Everything this program can vary: the built-in members of every axis.
const Catalog& builtin_catalog();

}  // namespace crudbench
