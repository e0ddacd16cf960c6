#include "datasets/samples_file.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/core/fingerprint.h"
#include "harness/core/json.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// All that reading a file gives, in a form that can be compared.
struct Outcome {
  std::vector<Sample> samples;
  SamplesFile file;
  std::vector<std::string> issues;  ///< "PROBLEM|WHERE|DETAIL", "kept" added where it is.
};

constexpr std::size_t kWhole = std::string_view::npos;

/// Reads `text` as file "s.json", in pieces of `piece_bytes`.
Outcome read(std::string_view text, std::size_t piece_bytes = kWhole) {
  Outcome outcome;
  std::string piece;
  const NextPiece next_piece = [&]() -> std::string_view {
    piece = std::string(text.substr(0, piece_bytes));
    text.remove_prefix(piece.size());
    return piece;
  };
  outcome.file = read_samples("s.json", next_piece,
                              [&](Sample sample) { outcome.samples.push_back(std::move(sample)); });
  for (const HealthIssue& issue : outcome.file.issues) {
    outcome.issues.push_back(issue.problem + "|" + issue.where + "|" + issue.detail +
                             (issue.excluded ? "" : "|kept"));
  }
  return outcome;
}

Json summary_record(const std::string& id) {
  return {{"ID", id}, {"event", "事件"}, {"summary", "概要"}, {"text", "正文"}};
}

/// A file with these records of event_summary.
std::string summary_file(const Json& records) {
  return Json{{"event_summary", records}}.dump();
}

/// The issues of a file whose one record is `record`; checks that it is excluded.
std::vector<std::string> issues_of_excluded(const std::string& task, const Json& record) {
  const Outcome outcome = read(Json{{task, Json::array({record})}}.dump());
  EXPECT_THAT(outcome.samples, IsEmpty());
  EXPECT_EQ(outcome.file.record_counts.at(task), 1U);
  EXPECT_EQ(outcome.file.excluded_counts.at(task), 1U);
  return outcome.issues;
}

TEST(SamplesFile, GivesTheSamplesInFileOrder) {
  const Outcome outcome = read(R"({
    "questanswer_1doc": [
      {"ID": "b", "questions": "问", "answers": "答", "news1": "文"},
      {"ID": "a", "questions": "问", "answers": "答", "news1": "文"}],
    "event_summary": [{"ID": "b", "event": "事", "summary": "概", "text": "文"}]})");
  EXPECT_THAT(outcome.issues, IsEmpty());
  ASSERT_EQ(outcome.samples.size(), 3U);
  EXPECT_EQ(outcome.samples[0].task, "questanswer_1doc");
  EXPECT_EQ(outcome.samples[0].sample_id, "b");
  EXPECT_EQ(outcome.samples[1].sample_id, "a");
  EXPECT_EQ(outcome.samples[2].task, "event_summary");
  EXPECT_EQ(outcome.samples[2].fields,
            (Fields{{"event", "事"}, {"summary", "概"}, {"text", "文"}}));
  EXPECT_EQ(outcome.file.record_counts,
            (decltype(outcome.file.record_counts){{"event_summary", 1}, {"questanswer_1doc", 2}}));
  EXPECT_EQ(outcome.file.excluded_counts,
            (decltype(outcome.file.record_counts){{"event_summary", 0}, {"questanswer_1doc", 0}}));
}

TEST(SamplesFile, AcceptsARecordOfEveryTask) {
  const Outcome outcome = read(R"({
    "event_summary": [{"ID": "1", "event": "事", "summary": "概", "text": "文"}],
    "continuing_writing": [{"ID": "1", "beginning": "上", "continuing": "下"}],
    "hallu_modified": [{"ID": "1", "newsBeginning": "上", "hallucinatedContinuation": "误",
                        "hallucinatedMod": "正"}],
    "questanswer_1doc": [{"ID": "1", "questions": "问", "answers": "答", "news1": "文"}],
    "questanswer_2docs": [{"ID": "1", "questions": "问", "answers": "答", "news1": "文"}],
    "questanswer_3docs": [{"ID": "1", "questions": "问", "answers": "答", "news1": "文"}]})");
  EXPECT_THAT(outcome.issues, IsEmpty());
  EXPECT_EQ(outcome.samples.size(), crud_rag_tasks().size());
}

TEST(SamplesFile, KeepsTheTextsThatAreUsedAndNoOthers) {
  const Outcome outcome = read(R"({"hallu_modified": [{
    "ID": "1", "headLine": "题", "broadcastDate": "日", "type": "doc", "newsBeginning": "上",
    "hallucinatedContinuation": "误", "generatedBy": "模型", "appearedKeywords": ["甲", {"ID": "2"}],
    "allKeywords": {"甲": "合理", "newsBeginning": "别处"}, "realContinuation": "真",
    "newsRemainder": "余", "hallucinatedMod": "正", "_src": "here", "url": "u", "n": 1.5e3}]})");
  EXPECT_THAT(outcome.issues, IsEmpty());
  ASSERT_EQ(outcome.samples.size(), 1U);
  EXPECT_EQ(outcome.samples[0].fields, (Fields{{"headLine", "题"},
                                               {"broadcastDate", "日"},
                                               {"newsBeginning", "上"},
                                               {"hallucinatedContinuation", "误"},
                                               {"realContinuation", "真"},
                                               {"newsRemainder", "余"},
                                               {"hallucinatedMod", "正"}}));
}

TEST(SamplesFile, LeavesOutOptionalFieldsThatAreNoText) {
  const Outcome outcome = read(R"({"questanswer_1doc": [{
    "ID": "1", "event": null, "title": ["题"], "questions": "问", "answers": "答", "news1": "文"}]})");
  EXPECT_THAT(outcome.issues, IsEmpty());
  ASSERT_EQ(outcome.samples.size(), 1U);
  EXPECT_EQ(outcome.samples[0].fields,
            (Fields{{"questions", "问"}, {"answers", "答"}, {"news1", "文"}}));
}

TEST(SamplesFile, TakesTheQuestionTypeWhereThereIsOne) {
  const Outcome outcome = read(R"({"questanswer_1doc": [
    {"ID": "1", "question_type": " 原因\n", "questions": "问", "answers": "答", "news1": "文"},
    {"ID": "2", "question_type": "\u3000 ", "questions": "问", "answers": "答", "news1": "文"},
    {"ID": "3", "question_type": null, "questions": "问", "answers": "答", "news1": "文"},
    {"ID": "4", "questions": "问", "answers": "答", "news1": "文"}]})");
  EXPECT_THAT(outcome.issues, IsEmpty());
  ASSERT_EQ(outcome.samples.size(), 4U);
  EXPECT_EQ(outcome.samples[0].fields.at("question_type"), "原因");
  for (const std::size_t without : {1U, 2U, 3U}) {
    EXPECT_FALSE(outcome.samples[without].fields.contains("question_type")) << without;
  }
}

TEST(SamplesFile, ReportsAQuestionTypeThatIsNoTextAndTakesItsRecord) {
  const Outcome outcome = read(R"({"questanswer_1doc": [
    {"ID": "1", "question_type": 3, "questions": "问", "answers": "答", "news1": "文"},
    {"ID": "2", "question_type": ["a"], "questions": "问", "answers": "答", "news1": "文"}]})");
  EXPECT_THAT(outcome.issues,
              ElementsAre("wrong_type|s.json: questanswer_1doc/1|'question_type': expected a "
                          "string, found an integer|kept",
                          "wrong_type|s.json: questanswer_1doc/2|'question_type': expected a "
                          "string, found a list|kept"));
  EXPECT_EQ(outcome.samples.size(), 2U);
  EXPECT_EQ(outcome.file.excluded_counts.at("questanswer_1doc"), 0U);
}

TEST(SamplesFile, KeepsAnArticleThatIsNoTextAsAnEmptyOne) {
  const Outcome outcome = read(R"({"questanswer_2docs": [{
    "ID": "1", "questions": "问", "answers": "答", "news1": "文", "news2": null}]})");
  ASSERT_EQ(outcome.samples.size(), 1U);
  EXPECT_EQ(outcome.samples[0].fields.at("news2"), "");
}

TEST(SamplesFile, DecodesEscapes) {
  const Outcome outcome = read(
      R"({"event_summary": [{"ID": "1", "event": "\u4e8b\n\"\ud83d\ude00", "summary": "概", "text": "文"}]})");
  ASSERT_EQ(outcome.samples.size(), 1U);
  EXPECT_EQ(outcome.samples[0].fields.at("event"), "事\n\"😀");
}

TEST(SamplesFile, TakesTheLastOfRepeatedFieldsAsPythonDoes) {
  const Outcome outcome = read(
      R"({"event_summary": [{"ID": "1", "event": 1, "event": "事", "summary": "概", "text": "文"},
                            {"ID": "2", "event": "事", "event": 1, "summary": "概", "text": "文"}]})");
  ASSERT_EQ(outcome.samples.size(), 1U);
  EXPECT_EQ(outcome.samples[0].sample_id, "1");
  EXPECT_THAT(outcome.issues, ElementsAre("wrong_type|s.json: event_summary/2|'event': expected a "
                                          "string, found an integer"));
}

TEST(SamplesFile, AcceptsATaskWithoutRecords) {
  const Outcome outcome = read(R"({"event_summary": []})");
  EXPECT_THAT(outcome.issues, IsEmpty());
  EXPECT_EQ(outcome.file.record_counts.at("event_summary"), 0U);
}

TEST(SamplesFile, ExcludesARecordWithoutARequiredField) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> required{
      {"event_summary", {"event", "summary", "text"}},
      {"continuing_writing", {"beginning", "continuing"}},
      {"hallu_modified", {"newsBeginning", "hallucinatedContinuation", "hallucinatedMod"}},
      {"questanswer_1doc", {"questions", "answers", "news1"}},
      {"questanswer_2docs", {"questions", "answers", "news1"}},
      {"questanswer_3docs", {"questions", "answers", "news1"}},
  };
  for (const auto& [task, fields] : required) {
    for (const std::string& missing : fields) {
      Json record{{"ID", "7"}};
      for (const std::string& field : fields) {
        if (field != missing) {
          record[field] = "文";
        }
      }
      EXPECT_THAT(issues_of_excluded(task, record),
                  ElementsAre("missing_field|s.json: " + task + "/7|'" + missing + "' is missing"));
    }
  }
}

TEST(SamplesFile, ExcludesARecordWithABlankField) {
  Json record = summary_record("7");
  record["summary"] = " \n　";
  EXPECT_THAT(issues_of_excluded("event_summary", record),
              ElementsAre("empty_field|s.json: event_summary/7|'summary' holds no text"));
}

TEST(SamplesFile, ExcludesARecordWithAFieldOfAnotherType) {
  const std::vector<std::pair<Json, std::string>> found{
      {nullptr, "null"},
      {true, "true or false"},
      {3, "an integer"},
      {-3, "an integer"},
      {2.5, "a number"},
      {Json::array({"文"}), "a list"},
      {Json{{"a", "文"}}, "an object"},
  };
  for (const auto& [value, type] : found) {
    Json record = summary_record("7");
    record["text"] = value;
    EXPECT_THAT(
        issues_of_excluded("event_summary", record),
        ElementsAre("wrong_type|s.json: event_summary/7|'text': expected a string, found " + type));
  }
}

TEST(SamplesFile, ExcludesARecordWithTheMarkOfAFailedRequest) {
  Json record = summary_record("7");
  record["summary"] = R"(前","msg":"request openai failed"后)";
  EXPECT_THAT(issues_of_excluded("event_summary", record),
              ElementsAre("request_failed|s.json: event_summary/7|'summary' holds upstream's mark "
                          "of a failed request"));
}

TEST(SamplesFile, CountsARecordOnceHoweverMuchIsWrongWithIt) {
  EXPECT_THAT(issues_of_excluded("event_summary", Json{{"ID", "7"}, {"event", ""}, {"text", 1}}),
              ElementsAre("empty_field|s.json: event_summary/7|'event' holds no text",
                          "missing_field|s.json: event_summary/7|'summary' is missing",
                          "wrong_type|s.json: event_summary/7|'text': expected a string, found an "
                          "integer"));
}

TEST(SamplesFile, NamesARecordWithoutIdByItsNumber) {
  Json without = summary_record("");
  without.erase("ID");
  Json number = summary_record("");
  number["ID"] = 12;
  const Outcome outcome =
      read(summary_file(Json::array({summary_record("1"), without, summary_record(""), number})));
  EXPECT_THAT(outcome.issues,
              ElementsAre("missing_field|s.json: event_summary record 2|'ID' is missing",
                          "empty_field|s.json: event_summary record 3|'ID' holds no text",
                          "wrong_type|s.json: event_summary record 4|'ID': expected a string, "
                          "found an integer"));
  EXPECT_EQ(outcome.samples.size(), 1U);
}

TEST(SamplesFile, ExcludesARecordThatIsNoObject) {
  const Outcome outcome = read(summary_file(
      Json::array({"文", Json::array({summary_record("1")}), nullptr, summary_record("2")})));
  EXPECT_THAT(
      outcome.issues,
      ElementsAre("wrong_type|s.json: event_summary record 1|expected an object, found a string",
                  "wrong_type|s.json: event_summary record 2|expected an object, found a list",
                  "wrong_type|s.json: event_summary record 3|expected an object, found null"));
  ASSERT_EQ(outcome.samples.size(), 1U);
  EXPECT_EQ(outcome.samples[0].sample_id, "2");
  EXPECT_EQ(outcome.file.record_counts.at("event_summary"), 4U);
  EXPECT_EQ(outcome.file.excluded_counts.at("event_summary"), 3U);
}

TEST(SamplesFile, KeepsTheFirstOfRecordsWithOneId) {
  Json second = summary_record("1");
  second["event"] = "另一事件";
  const Outcome outcome = read(summary_file(Json::array({summary_record("1"), second})));
  EXPECT_THAT(outcome.issues, ElementsAre("duplicate_id|s.json: event_summary/1|record 2 has the "
                                          "ID of record 1, which is the one taken"));
  ASSERT_EQ(outcome.samples.size(), 1U);
  EXPECT_EQ(outcome.samples[0].fields.at("event"), "事件");
}

TEST(SamplesFile, KeepsAValidRecordWhoseIdAnExcludedOneHad) {
  Json broken = summary_record("1");
  broken["event"] = "";
  const Outcome outcome = read(summary_file(Json::array({broken, summary_record("1")})));
  EXPECT_EQ(outcome.samples.size(), 1U);
  EXPECT_EQ(outcome.file.excluded_counts.at("event_summary"), 1U);
}

TEST(SamplesFile, AcceptsOneIdInTwoTasks) {
  const Outcome outcome = read(R"({
    "event_summary": [{"ID": "1", "event": "事", "summary": "概", "text": "文"}],
    "continuing_writing": [{"ID": "1", "beginning": "上", "continuing": "下"}]})");
  EXPECT_THAT(outcome.issues, IsEmpty());
  EXPECT_EQ(outcome.samples.size(), 2U);
}

TEST(SamplesFile, ExcludesARecordThatIsNotUtf8AndSaysWhere) {
  // Line 2 starts at byte 20; the bad byte is the 25th of it ('甲' has three), its 23rd character.
  const std::string text =
      "{\"event_summary\": [\n"
      "{\"ID\": \"1\", \"event\": \"甲\xFF\", \"summary\": \"概\", \"text\": \"文\"},\n"
      "{\"ID\": \"2\", \"event\": \"事\", \"summary\": \"概\", \"text\": \"文\"}]}";
  const Outcome outcome = read(text);
  EXPECT_THAT(outcome.issues,
              ElementsAre("invalid_utf8|s.json: event_summary/1|not UTF-8 at line 2, column 24 "
                          "(byte " +
                          std::to_string(text.find('\xFF')) + " of the file)"));
  ASSERT_EQ(outcome.samples.size(), 1U);
  EXPECT_EQ(outcome.samples[0].sample_id, "2");
  EXPECT_EQ(outcome.file.excluded_counts.at("event_summary"), 1U);
}

TEST(SamplesFile, ReportsAnUnknownTaskWithTheNearestKnownOne) {
  const Outcome outcome = read(R"({"event_sumary": [{"ID": "1"}, ["甲"]], "event_summary": []})");
  EXPECT_THAT(outcome.issues, ElementsAre("unknown_task|s.json|no task is named 'event_sumary'; "
                                          "did you mean 'event_summary'?"));
  EXPECT_THAT(outcome.samples, IsEmpty());
  EXPECT_FALSE(outcome.file.record_counts.contains("event_sumary"));
}

TEST(SamplesFile, AcceptsAByteOrderMarkAndCrlf) {
  const Outcome outcome = read("\xEF\xBB\xBF{\r\n\"event_summary\": []\r\n}\n");
  EXPECT_THAT(
      outcome.issues,
      ElementsAre("byte_order_mark|s.json|starts with a byte order mark, which is left out|kept",
                  "crlf|s.json|2 lines with CRLF at the end, read as LF|kept"));
  EXPECT_EQ(outcome.file.issues.back().count, 2U);
}

TEST(SamplesFile, FingerprintIsTheHashOfItsBytes) {
  const std::string text = "\xEF\xBB\xBF" + summary_file(Json::array({summary_record("1")})) + "\n";
  EXPECT_EQ(read(text).file.fingerprint, sha256_hex(text));
  EXPECT_EQ(read(text, 5).file.fingerprint, sha256_hex(text));
}

struct MalformedFile {
  std::string text;
  std::string message;
};

std::vector<MalformedFile> malformed_files() {
  return {
      {"",
       "s.json:1:1: not valid JSON: syntax error while parsing value - unexpected end of input"},
      {"[]", "s.json:1:1: expected an object from task to records at the top, found a list"},
      {" 12", "s.json:1:3: expected an object from task to records at the top, found an integer"},
      {"\"甲\"", "s.json:1:3: expected an object from task to records at the top, found a string"},
      {"{\"event_summary\": {}}",
       "s.json:1:19: event_summary: expected a list of records, found an object"},
      {"{\"event_summary\": \"甲\"}",
       "s.json:1:21: event_summary: expected a list of records, found a string"},
      {"{\"event_summary\": [],\n \"event_summary\": []}",
       "s.json:2:16: the task 'event_summary' stands here a second time"},
      {"{\"event_summary\": [\n{\"ID\": \"甲乙",
       "s.json:2:11: not valid JSON: syntax error while parsing value - invalid string: missing "
       "closing quote"},
      {"{\"event_summary\": [\n{\"ID\": \"1\"},",
       "s.json:2:13: not valid JSON: syntax error while parsing value - unexpected end of input"},
      {"{\"event_summary\": []}\n甲",
       "s.json:2:1: not valid JSON: syntax error while parsing value - invalid literal"},
      {"{\"event_summary\": [{\"ID\" 12}]}",
       "s.json:1:27: not valid JSON: syntax error while parsing object separator - unexpected "
       "number literal; expected ':'"},
      {"{\"event_summary\": [{\"ID\": 1e999}]}", "number overflow parsing '1e999'"},
      {"{\"event_\xFFsummary\": []}", "s.json:1:9: not UTF-8 (byte 8 of the file)"},
      {"{\"event_summary\": [\xFF]}", "s.json:1:20: not UTF-8 (byte 19 of the file)"},
      {"{\"event_summary\": [\"\xE4\xB8\"]}", "s.json:1:21: not UTF-8 (byte 20 of the file)"},
      {std::string("{}\n\0\0", 5), "s.json:2:1: not valid JSON: a zero byte after the end"},
      {"{\"a\": \"\xFF\"}", "s.json:1:8: not UTF-8 (byte 7 of the file)"},
  };
}

TEST(SamplesFile, RefusesWhatIsNoSuchFileAndSaysWhere) {
  for (const MalformedFile& file : malformed_files()) {
    SCOPED_TRACE(file.text);
    EXPECT_ERROR(read(file.text), ErrorCode::kInvalidData, file.message);
  }
}

TEST(SamplesFile, QuotesNoTextOfTheFileInAnError) {
  try {
    read("{\"event_summary\": [\"" + std::string(100'000, 'x'));
    ADD_FAILURE() << "no error was thrown";
  } catch (const Error& error) {
    EXPECT_LT(std::string(error.what()).size(), 300U);
  }
}

TEST(SamplesFile, StandsAnyDepthOfNesting) {
  constexpr std::size_t kDepth = 200'000;
  const Outcome outcome = read("{\"event_summary\": [], \"deep\": " + std::string(kDepth, '[') +
                               std::string(kDepth, ']') + "}");
  EXPECT_EQ(outcome.issues.size(), 1U);
}

TEST(SamplesFileContract, DoesNotDependOnHowTheFileIsCut) {
  const std::string text =
      "\xEF\xBB\xBF{\r\n\"event_summary\": [\r\n"
      "{\"ID\": \"一\", \"event\": \"事\\u4e8b😀\", \"summary\": \"概\", \"text\": \"文\"},\r\n"
      "{\"ID\": \"二\", \"event\": \"甲\xE4\xB8\", \"summary\": \"概\xF0\x9F\", \"text\": "
      "\"文\"},\n"
      "{\"ID\": \"一\", \"event\": \"事\", \"summary\": \"概\", \"text\": \"文\"},\n"
      "{\"ID\": \"三\", \"event\": 12345, \"summary\": \" \"}],\n\"unbekannt\": [1, \"é\"]}\r\n";
  const Outcome whole = read(text);
  ASSERT_EQ(whole.samples.size(), 1U);
  ASSERT_EQ(whole.issues.size(), 8U);
  for (std::size_t piece_bytes = 1; piece_bytes <= text.size(); ++piece_bytes) {
    const Outcome cut = read(text, piece_bytes);
    ASSERT_EQ(cut.samples.size(), 1U);
    EXPECT_EQ(cut.samples[0].sample_id, whole.samples[0].sample_id);
    EXPECT_EQ(cut.samples[0].fields, whole.samples[0].fields);
    EXPECT_EQ(cut.issues, whole.issues);
    EXPECT_EQ(cut.file.record_counts, whole.file.record_counts);
    EXPECT_EQ(cut.file.excluded_counts, whole.file.excluded_counts);
    EXPECT_EQ(cut.file.fingerprint, whole.file.fingerprint);
  }
}

TEST(SamplesFileContract, ErrorsDoNotDependOnHowTheFileIsCut) {
  for (const MalformedFile& file : malformed_files()) {
    for (std::size_t piece_bytes = 1; piece_bytes <= file.text.size(); ++piece_bytes) {
      SCOPED_TRACE(file.text + " in pieces of " + std::to_string(piece_bytes));
      EXPECT_ERROR(read(file.text, piece_bytes), ErrorCode::kInvalidData, file.message);
    }
  }
}

TEST(SamplesFile, PassesOnAnErrorOfItsSource) {
  const NextPiece broken = []() -> std::string_view { throw io_error("read", "x", 5); };
  EXPECT_ERROR(read_samples("x", broken, [](const Sample&) {}), ErrorCode::kIo, "cannot read 'x'");
}

}  // namespace
}  // namespace crudbench
