#pragma once

#include <string_view>
#include <vector>

#include "harness/core/types.h"

namespace crudbench {

/// The sentences of a text, without the white space around them. One ends with 。！？!?；;…, with a
/// full stop that white space follows, each with the closing quotes and brackets behind it, or with
/// its line.
std::vector<ByteSpan> split_sentences(std::string_view text);

}  // namespace crudbench
