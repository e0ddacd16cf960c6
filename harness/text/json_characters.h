#pragma once

#include <string>
#include <string_view>

namespace crudbench {

/// Appends what stands between the quotes of `text` as a JSON string (RFC 8259); beyond ASCII as it
/// is, each ill-formed byte as U+FFFD.
void append_json_characters(std::string& json, std::string_view text);

}  // namespace crudbench
