#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace crudbench {

/// What a caller can do about an error.
enum class ErrorCode {
  kInvalidConfig,  ///< A config or an option is wrong: the user mends it; nothing has started.
  kInvalidData,    ///< A corpus, sample or index file is malformed: the user mends it.
  kIo,             ///< Disk or database failed: the run ends, what is stored stays.
  kUnavailable,    ///< A provider is down, limited or too slow: this sample fails.
  kBadReply,       ///< A provider answered, but not in the agreed form: this sample fails.
};

/// The one exception of the program. `what()` is a full sentence for the user: it names the thing,
/// the rule and the value found, and never holds a secret.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

/// True for the errors that fail one sample and leave the run going.
bool is_sample_scoped(ErrorCode code) noexcept;

/// `Error(kIo)` for a failed system call on `path`: "cannot open 'x': No such file or directory".
/// `error_number` is an `errno` value.
Error io_error(std::string_view action, const std::string& path, int error_number);

}  // namespace crudbench
