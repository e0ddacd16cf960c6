#pragma once

#include <string>

#include "harness/core/json.h"
#include "harness/llama/gguf_file.h"

namespace crudbench {

/// A size in bytes for people: "612 bytes", "1.5 MB", "18.6 GB"; powers of 1000.
std::string bytes_text(std::uint64_t bytes);
/// A number of parameters for people: "262", "1.2 M", "30.5 B".
std::string parameters_text(std::uint64_t count);

/// `model inspect` for machines: what the file says, and the memory it needs.
Json model_report_json(const GgufFile& model, const MemoryNeeds& needs,
                       const std::string& chat_template_state);
/// The same for people.
std::string model_report_text(const GgufFile& model, const MemoryNeeds& needs,
                              const std::string& chat_template_state);

}  // namespace crudbench
