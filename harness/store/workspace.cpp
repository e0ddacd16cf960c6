#include "harness/store/workspace.h"

#include <array>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/json.h"

namespace crudbench {

namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

/// "process 12 on host h since …" as the holder wrote it; vague if it has not finished writing.
std::string describe_holder(const Workspace& workspace) {
  try {
    const Json holder = parse_json(read_file(workspace.lock_file()), workspace.lock_file().string(),
                                   ErrorCode::kInvalidData);
    return "process " + to_text(holder.at("pid")) + " on host " +
           holder.at("host").get<std::string>() + " since " + holder.at("since").get<std::string>();
  } catch (const std::exception&) {
    return "another process";
  }
}

}  // namespace

std::string utc_timestamp() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

WorkspaceLock::WorkspaceLock(const Workspace& workspace) {
  create_folders(workspace.folder);
  const std::string file = workspace.lock_file().string();
  descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) {
    throw io_error("write to workspace", file, errno);
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    const int problem = errno;
    ::close(descriptor_);
    if (problem == EWOULDBLOCK) {
      throw Error(ErrorCode::kIo, "workspace '" + workspace.folder.string() + "' is in use by " +
                                      describe_holder(workspace));
    }
    throw io_error("lock workspace", file, problem);
  }
  const std::string holder =
      to_text({{"pid", ::getpid()}, {"host", host_name()}, {"since", utc_timestamp()}}) + "\n";
  if (::ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, holder.data(), holder.size(), 0) !=
                                              static_cast<ssize_t>(holder.size())) {
    const int problem = errno;
    ::close(descriptor_);
    throw io_error("write to workspace", file, problem);
  }
}

WorkspaceLock::~WorkspaceLock() {
  ::close(descriptor_);
}

}  // namespace crudbench
