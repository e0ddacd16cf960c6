#include "harness/llama/backend.h"

#include <dlfcn.h>
#include <filesystem>
#include <llama.h>
#include <mutex>
#include <string_view>
#include <system_error>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/log.h"

namespace crudbench {

namespace {

/// The errors that llama.cpp has reported since they were last taken.
class ReportedErrors {
 public:
  void add(std::string_view line) {
    constexpr std::size_t kMostBytes = 2000;
    const std::lock_guard lock(mutex_);
    if (text_.size() + line.size() < kMostBytes) {
      text_.append(text_.empty() ? "" : "; ").append(line);
    }
  }
  std::string take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(text_, {});
  }

 private:
  std::mutex mutex_;  ///< Guards `text_`.
  std::string text_;
};

ReportedErrors& reported_errors() {
  static ReportedErrors errors;
  return errors;
}

/// llama.cpp logs parts of lines; what belongs to a line follows with GGML_LOG_LEVEL_CONT.
void log_line(ggml_log_level level, const char* text, void* /*user_data*/) {
  if (level == GGML_LOG_LEVEL_WARN || level == GGML_LOG_LEVEL_ERROR) {
    std::string_view line(text);
    while (!line.empty() && line.back() == '\n') {
      line.remove_suffix(1);
    }
    if (level == GGML_LOG_LEVEL_ERROR) {
      reported_errors().add(line);
    }
    log_debug("llama.cpp", line);
  }
}

/// The folder that llama.cpp itself was loaded from: its back ends lie beside it.
std::filesystem::path library_folder() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&llama_backend_init), &info) == 0 ||
      info.dli_fname == nullptr) {
    return {};
  }
  std::error_code ignored;
  return std::filesystem::canonical(info.dli_fname, ignored).parent_path();
}

LlamaRuntime load_runtime() {
  llama_log_set(log_line, nullptr);
  ggml_backend_load_all_from_path(library_folder().c_str());
  if (ggml_backend_dev_count() == 0) {
    ggml_backend_load_all();  // Where llama.cpp itself looks for them.
  }
  llama_backend_init();
  LlamaRuntime runtime{.version = llama_version(), .devices = {}};
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_t device = ggml_backend_dev_get(i);
    runtime.devices.push_back(std::string(ggml_backend_dev_name(device)) + " (" +
                              ggml_backend_dev_description(device) + ")");
  }
  if (runtime.devices.empty()) {
    throw Error(ErrorCode::kInvalidConfig,
                "llama.cpp found no back end for this machine's processor");
  }
  return runtime;
}

}  // namespace

const LlamaRuntime& llama_runtime() {
  static const LlamaRuntime kRuntime = load_runtime();
  return kRuntime;
}

bool has_llama() noexcept {
  return true;
}

std::string take_llama_errors() {
  return reported_errors().take();
}

}  // namespace crudbench
