#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "datasets/samples_file.h"
#include "harness/core/error.h"
#include "harness/text/utf8.h"

namespace {

using crudbench::Error;
using crudbench::Sample;
using crudbench::SamplesFile;

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

/// What reading `text` in pieces of `piece_bytes` gives, as a text: samples and issues, or the
/// error.
std::string outcome_of(std::string_view text, std::size_t piece_bytes) {
  std::string outcome;
  std::size_t sample_count = 0;
  const auto next_piece = [&] {
    const std::string_view piece = text.substr(0, piece_bytes);
    text.remove_prefix(piece.size());
    return piece;
  };
  const auto take = [&](const Sample& sample) {
    ++sample_count;
    require(!sample.sample_id.empty());
    outcome += sample.task + "/" + sample.sample_id + "\n";
    for (const auto& [name, field] : sample.fields) {
      require(!crudbench::find_invalid_utf8(field));
      outcome += name + "=" + field + "\n";
    }
  };
  try {
    const SamplesFile file = crudbench::read_samples("fuzz.json", next_piece, take);
    for (const auto& [task, count] : file.record_counts) {
      require(count >= file.excluded_counts.at(task));
      sample_count -= count - file.excluded_counts.at(task);
    }
    require(sample_count == 0);
    for (const auto& issue : file.issues) {
      outcome += issue.problem + "|" + issue.where + "|" + issue.detail + "\n";
    }
    return outcome + file.fingerprint;
  } catch (const Error& error) {
    require(error.code() == crudbench::ErrorCode::kInvalidData);
    return error.what();
  }
}

}  // namespace

/// Any bytes are samples or an Error(kInvalidData); samples are well-formed; counts add up; nothing
/// depends on how the file is cut. The first byte says how it is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  require(outcome_of(text, std::size_t{data[0]} + 1) == outcome_of(text, std::string_view::npos));
  return 0;
}
