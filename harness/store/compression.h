#pragma once

#include <string>
#include <string_view>

namespace crudbench {

/// The bytes in gzip's form (RFC 1952), the same for the same bytes. Less than 4
/// GiB of them. `level` is libdeflate's, 1 to 12.
std::string gzip(std::string_view bytes, int level);

/// The bytes that `gzip` was given. Throws Error(kInvalidData) if `bytes` are not whole.
std::string gunzip(std::string_view bytes);

}  // namespace crudbench
