#pragma once

#include <string>

namespace crudbench {

/// A reply taken apart: what a reasoning model thought, and what it answered.
struct SplitReply {
  std::string reasoning;
  std::string answer;

  friend bool operator==(const SplitReply&, const SplitReply&) = default;
};

/// Takes a leading `<think>…</think>` off a reply, as open reasoning models write it. The opening
/// tag may be missing, because many chat templates put it into the prompt. A block that never ends
/// (the reply was cut at its limit) is all reasoning. White space around both parts goes; tags
/// further inside an answer stay.
SplitReply split_reasoning(std::string reply);

}  // namespace crudbench
