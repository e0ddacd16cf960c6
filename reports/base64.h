#pragma once

#include <string>
#include <string_view>

namespace crudbench {

/// RFC 4648 Base64, with padding.
std::string base64(std::string_view bytes);

}  // namespace crudbench
