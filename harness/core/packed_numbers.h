#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace crudbench {

/// Many small counts as a short text: each as a variable-length number of 7 bits a byte (LEB128), a
/// row of zeros as a 0 and its length, all in base64 (RFC 4648, without padding).
std::string pack_numbers(std::span<const std::uint64_t> numbers);

/// The inverse. Throws Error(kInvalidData) unless `text` holds exactly `count` numbers.
std::vector<std::uint64_t> unpack_numbers(std::string_view text, std::size_t count);

}  // namespace crudbench
