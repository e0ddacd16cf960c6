#include "retrievers/chunkers/chunk_size.h"

#include <array>
#include <cstdint>
#include <string>

#include "harness/text/tokenizer.h"
#include "harness/text/utf8.h"

namespace crudbench {

ChunkSize read_chunk_size(Options& options) {
  constexpr std::int64_t kLargest = 1'000'000'000;
  const std::int64_t size = options.integer("size", 128, 1, kLargest);
  const std::int64_t overlap = options.integer("overlap", 0, 0, kLargest);
  if (overlap >= size) {
    options.fail("overlap", "an integer below \"size\" (" + std::to_string(size) + ")");
  }
  return {static_cast<std::size_t>(size), static_cast<std::size_t>(overlap)};
}

SizeUnit read_size_unit(Options& options, SizeUnit default_unit) {
  constexpr std::array<std::string_view, 2> kNames{"characters", "cl100k"};
  const std::string_view default_name = kNames[default_unit == SizeUnit::kCharacters ? 0 : 1];
  return options.one_of("unit", kNames, default_name) == kNames[0] ? SizeUnit::kCharacters
                                                                   : SizeUnit::kCl100k;
}

std::size_t count_units(std::string_view text, SizeUnit unit) {
  return unit == SizeUnit::kCharacters ? count_code_points(text) : cl100k_tokenizer().count(text);
}

}  // namespace crudbench
