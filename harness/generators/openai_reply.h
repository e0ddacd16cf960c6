#pragma once

#include "harness/generators/endpoint_reply.h"

namespace crudbench {

/// How an answer of OpenAI's interface is to be read.
struct OpenaiReplyFormat {
  bool is_chat = true;           ///< `/chat/completions`; else `/completions`.
  bool splits_reasoning = true;  ///< Leading <think> blocks are no answer.
};

/// Reads a whole answer of `/chat/completions` or `/completions` (OpenAI API reference, "Chat
/// completion object", "Chat completion chunk object", "Completion object"), streamed or not: the
/// body itself tells which, since servers ignore what they do not know.
///
/// Reasoning that a server keeps apart ("reasoning_content", "reasoning") stands in the reply's
/// `reasoning`. A stream without an end ([DONE] or a finish_reason) is malformed, like any other
/// answer that has not the agreed form; a blank answer is `empty`, one that the provider's filter
/// stopped is `refused`. Of what the server says the key is masked.
EndpointReply read_openai_reply(const HttpResult& result, const OpenaiReplyFormat& format,
                                const KeyMask& mask);

}  // namespace crudbench
