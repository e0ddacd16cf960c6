# cmake -DINPUT=… -DOUTPUT=… -DNAME=… -P embed_text_script.cmake: see EmbedText.cmake.
file(READ "${INPUT}" bytes HEX)
string(LENGTH "${bytes}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
file(WRITE "${OUTPUT}" "#include <string_view>
namespace crudbench::embedded {
namespace {
constexpr unsigned char kBytes[] = {${bytes}0};
}
extern const std::string_view ${NAME};
const std::string_view ${NAME}(reinterpret_cast<const char*>(kBytes), ${size});
}
")
