#include "harness/core/error.h"

#include <system_error>

namespace crudbench {

bool is_sample_scoped(ErrorCode code) noexcept {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kBadReply;
}

Error io_error(std::string_view action, const std::string& path, int error_number) {
  std::string message = "cannot ";
  message.append(action).append(" '").append(path).append("': ");
  message.append(std::generic_category().message(error_number));
  return {ErrorCode::kIo, message};
}

}  // namespace crudbench
