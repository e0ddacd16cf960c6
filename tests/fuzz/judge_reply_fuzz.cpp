#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "harness/text/utf8.h"
#include "metrics/judge_reply.h"
#include "metrics/metric_values.h"
#include "metrics/quest_eval.h"

namespace {

using namespace crudbench;  // A program, not a header.

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

}  // namespace

/// Any bytes are the answers that were asked for or none; what comes out of them survives JSON, and
/// its scores lie between 0 and 1. The first byte says how many questions there were.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::size_t count = 1 + data[0] % 8;
  const std::string_view reply(reinterpret_cast<const char*>(data) + 1, size - 1);
  Examination examination;
  examination.refused = is_refusal(reply);
  if (const auto questions = parse_questions(reply)) {
    require(!questions->empty());
    examination.set.questions = *questions;
  }
  if (const auto answers = parse_answers(reply, count)) {
    require(answers->size() == count);
    examination.set.questions.resize(count, "问题？");
    examination.set.gold_answers = *answers;
    examination.answers = *answers;
    const QuestScores upstream =
        upstream_quest_scores(examination.set.gold_answers, examination.answers);
    require(upstream.f1 >= 0.0 && upstream.f1 <= 1.0 + 1e-12);
    require(upstream.recall >= 0.0 && upstream.recall <= 1.0);
    if (const auto clean = clean_quest_scores(examination.set, examination.answers)) {
      require(clean->answered == clean->asked && clean->recall == 1.0);  // Gold against itself.
      require(!clean->f1 || *clean->f1 > 1.0 - 1e-9);
    }
  }
  if (!find_invalid_utf8(reply)) {
    require(examination_from(to_json(examination)) == examination);
  }
  return 0;
}
