# Run by crudbench_embed_text at build time: writes FILE as the C++ function NAME into SOURCE.
cmake_minimum_required(VERSION 3.25)

file(READ ${FILE} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" bytes "${bytes}")
# A literal a line: GCC reads these many times faster than a list of characters.
string(REPEAT "." 128 line)
string(REGEX REPLACE "(${line})" "\\1\"\n\"" bytes "${bytes}")
file(WRITE ${SOURCE}
"#include <string_view>

namespace crudbench {

std::string_view ${NAME}();

std::string_view ${NAME}() {
  static constexpr char kBytes[] =
      \"${bytes}\";
  return {kBytes, sizeof kBytes - 1};
}

}  // namespace crudbench
")
