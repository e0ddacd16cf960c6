#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "harness/core/error.h"
#include "harness/llama/gguf_header.h"

/// Any bytes are a header or an Error, and no tensor of a header lies outside the file. The file
/// may be longer than what is there of it: the first two bytes say by how much.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const std::uint64_t more = (data[0] | static_cast<std::uint64_t>(data[1]) << 8U) << 12U;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  try {
    const crudbench::GgufHeader header =
        crudbench::parse_gguf_header(bytes, bytes.size() + more, "fuzz");
    std::uint64_t sum = 0;
    for (const crudbench::GgufTensor& tensor : header.tensors) {
      sum += tensor.size_bytes;
    }
    if (sum > bytes.size() + more) {
      std::abort();
    }
  } catch (const crudbench::Error&) {
  }
  return 0;
}
