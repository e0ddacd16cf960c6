#pragma once

namespace crudbench {

/// The hidden command of the program that is an engine process.
inline constexpr const char* kLlamaWorkerCommand = "llama-worker";

/// Answers the protocol of `llama_protocol.h`: reads `input`, writes `output`, until `input` ends
/// or the process that started this one does. Returns the exit status. An engine that calls abort()
/// ends this process and no other.
int run_llama_worker(int input, int output);

}  // namespace crudbench
