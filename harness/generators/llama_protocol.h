#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "harness/core/error.h"
#include "harness/core/json.h"
#include "harness/llama/llama_service.h"

/// What the program and its engine process say to each other: one JSON object a line.
///
/// To the engine:   {"protocol": 1, "configure": OPTIONS}    resolved options; the first loads the
/// model
///                  {"prompt": {"ticket", "text"}}
/// From the engine: {"protocol": 1, "ready": DESCRIPTION}    after the model was loaded
///                  {"reply": {"ticket", "text", "failure", "finish_reason", "usage", …}}
///                  {"busy": SHARE}                          its share of its threads' time, if low
///                  {"error": {"code", "message"}}           cannot go on; then it ends
namespace crudbench {

inline constexpr int kLlamaProtocol = 1;

/// Something that the engine says; one member is set.
struct LlamaMessage {
  Json ready;  ///< Null: it says something else.
  std::optional<LlamaReply> reply;
  std::optional<Error> error;
  double busy_share = 1.0;
};

std::string configure_line(const Json& options);
std::string prompt_line(std::size_t ticket, std::string_view text);
std::string ready_line(const Json& description);
std::string reply_line(const LlamaReply& reply);
std::string busy_line(double share);
std::string error_line(const Error& error);

/// Reads a line of the engine. Throws Error(kBadReply) for what is none.
LlamaMessage parse_llama_message(std::string_view line);

}  // namespace crudbench
