#include "harness/generators/external_reply.h"

#include <limits>

#include "harness/generators/endpoint_reply.h"

namespace crudbench {

namespace {

std::int64_t count_or_unknown(const Json& value) {
  return value.is_number_unsigned() &&
                 value.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max()
             ? value.get<std::int64_t>()
             : -1;
}

}  // namespace

std::optional<std::vector<ExternalContext>> read_external_contexts(const Json& list,
                                                                   const char* text_key,
                                                                   const char* id_key) {
  if (!list.is_array()) {
    return std::nullopt;
  }
  std::vector<ExternalContext> contexts;
  for (const Json& entry : list) {
    ExternalContext context;
    if (entry.is_string()) {
      context.text = entry.get<std::string>();
    } else {
      context = {.doc_id = text_or_empty(member_of(entry, id_key)),
                 .text = text_or_empty(member_of(entry, text_key))};
      if (context.doc_id.empty() && context.text.empty()) {
        return std::nullopt;
      }
    }
    contexts.push_back(std::move(context));
  }
  return contexts;
}

Usage read_usage(const Json& usage) {
  std::int64_t cached =
      count_or_unknown(member_of(member_of(usage, "prompt_tokens_details"), "cached_tokens"));
  if (cached < 0) {  // As DeepSeek names it.
    cached = count_or_unknown(member_of(usage, "prompt_cache_hit_tokens"));
  }
  return {.prompt_tokens = count_or_unknown(member_of(usage, "prompt_tokens")),
          .cached_prompt_tokens = cached,
          .completion_tokens = count_or_unknown(member_of(usage, "completion_tokens"))};
}

}  // namespace crudbench
