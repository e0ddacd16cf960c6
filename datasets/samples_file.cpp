#include "datasets/samples_file.h"

#include <algorithm>
#include <array>
#include <deque>
#include <istream>
#include <optional>
#include <streambuf>
#include <unordered_map>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/fingerprint.h"
#include "harness/core/json.h"
#include "harness/core/suggest.h"
#include "harness/text/utf8.h"

namespace crudbench {

namespace {

constexpr std::string_view kIdField = "ID";
constexpr std::string_view kNull = "null";  ///< As messages call it.
/// What upstream's scripts left behind where their call of a model had failed.
constexpr std::string_view kRequestFailed = R"(","msg":"request openai failed")";

/// A task and the texts its records must have.
struct TaskSchema {
  std::string_view task;
  std::array<std::string_view, 3> required;  ///< Empty names fill it up.
};

constexpr std::array<TaskSchema, 6> kSchemas{{
    {"event_summary", {"event", "summary", "text"}},
    {"continuing_writing", {"beginning", "continuing"}},
    {"hallu_modified", {"newsBeginning", "hallucinatedContinuation", "hallucinatedMod"}},
    {"questanswer_1doc", {"questions", "answers", "news1"}},
    {"questanswer_2docs", {"questions", "answers", "news1"}},
    {"questanswer_3docs", {"questions", "answers", "news1"}},
}};

constexpr std::array<std::string_view, 6> kTasks = [] {
  std::array<std::string_view, 6> tasks;
  std::transform(kSchemas.begin(), kSchemas.end(), tasks.begin(),
                 [](const TaskSchema& schema) { return schema.task; });
  return tasks;
}();

constexpr std::array<std::string_view, 17> kKeptFields{"event",
                                                       "summary",
                                                       "text",
                                                       "title",
                                                       "time",
                                                       "beginning",
                                                       "continuing",
                                                       "headLine",
                                                       "broadcastDate",
                                                       "newsBeginning",
                                                       "hallucinatedContinuation",
                                                       "realContinuation",
                                                       "newsRemainder",
                                                       "hallucinatedMod",
                                                       "questions",
                                                       "answers",
                                                       kQuestionTypeField};

/// "news1" … "news9".
bool is_news_field(std::string_view field) {
  return field.size() == 5 && field.starts_with("news") && field[4] >= '1' && field[4] <= '9';
}

bool is_kept(std::string_view field) {
  return is_news_field(field) ||
         std::find(kKeptFields.begin(), kKeptFields.end(), field) != kKeptFields.end();
}

std::string to_string(TextPosition position) {
  return std::to_string(position.line) + ":" + std::to_string(position.column);
}

/// `position`, moved on over `text`.
TextPosition after(TextPosition position, std::string_view text) {
  const TextPosition moved = position_of(text, text.size());
  return moved.line == 1 ? TextPosition{position.line, position.column + moved.column - 1}
                         : TextPosition{position.line + moved.line - 1, moved.column};
}

/// The bytes of a file as a stream of UTF-8 that knows where its reader stands.
///
/// Ill-formed bytes are handed on as '?', which the JSON parser takes inside a string, and are
/// remembered, so that the record they stand in can be named.
class Utf8Buffer final : public std::streambuf {
 public:
  struct InvalidByte {
    std::size_t offset;
    TextPosition position;
  };

  explicit Utf8Buffer(const NextPiece& next_piece) : next_piece_(next_piece) {}

  /// Whether the reader has come to the end of the file.
  bool at_end() const noexcept { return at_end_; }
  /// Bytes handed out.
  std::size_t offset() const { return begin_ + static_cast<std::size_t>(gptr() - eback()); }
  /// Line and column of a byte of the buffer, of its end, or of the byte before it: the parser
  /// looks one byte ahead at most.
  TextPosition position_at(std::size_t offset) const {
    return offset < begin_ ? last_position_
                           : after(position_, std::string_view(buffer_).substr(0, offset - begin_));
  }
  /// The first ill-formed byte handed out since the last call; forgets all of these.
  std::optional<InvalidByte> take_invalid_byte();

  bool has_byte_order_mark() const noexcept { return head_ == "\xEF\xBB\xBF"; }
  std::size_t crlf_count() const noexcept { return crlf_count_; }
  std::string fingerprint() { return sha_.hex_digest(); }

 protected:
  int_type underflow() override;

 private:
  void note(std::string_view piece);
  void replace_invalid_bytes();

  const NextPiece& next_piece_;
  bool at_end_ = false;
  std::string buffer_;          // whole code points, as far as the bytes are well-formed
  std::string unfinished_;      // the start of a code point that the next piece goes on with
  std::size_t begin_ = 0;       // offset of the buffer in the file
  TextPosition position_;       // of the buffer's start
  TextPosition last_position_;  // of the byte before it
  std::deque<InvalidByte> invalid_bytes_;
  std::string head_;           // the first three bytes of the file
  bool ends_with_cr_ = false;  // the last piece
  std::size_t crlf_count_ = 0;
  Sha256 sha_;
};

/// How many bytes at the end of `text` are the start of a code point that is longer.
std::size_t unfinished_bytes(std::string_view text) {
  for (std::size_t count = 1; count <= std::min<std::size_t>(text.size(), 3); ++count) {
    const auto byte = static_cast<unsigned char>(text[text.size() - count]);
    if (byte >= 0xC0) {
      const std::size_t needed = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
      return needed > count ? count : 0;
    }
    if (byte < 0x80) {
      return 0;
    }
  }
  return 0;
}

Utf8Buffer::int_type Utf8Buffer::underflow() {
  if (!buffer_.empty()) {
    const std::string_view passed = buffer_;
    begin_ += passed.size();
    last_position_ = after(position_, passed.substr(0, passed.size() - 1));
    position_ = after(last_position_, passed.substr(passed.size() - 1));
  }
  buffer_ = std::exchange(unfinished_, {});
  bool no_more = false;
  while (!no_more && unfinished_bytes(buffer_) == buffer_.size()) {
    const std::string_view piece = next_piece_();
    no_more = piece.empty();
    note(piece);
    buffer_.append(piece);
  }
  if (!no_more) {
    const std::size_t whole = buffer_.size() - unfinished_bytes(buffer_);
    unfinished_ = buffer_.substr(whole);
    buffer_.resize(whole);
  }
  replace_invalid_bytes();
  setg(buffer_.data(), buffer_.data(), buffer_.data() + buffer_.size());
  at_end_ = buffer_.empty();
  return at_end_ ? traits_type::eof() : traits_type::to_int_type(buffer_.front());
}

void Utf8Buffer::note(std::string_view piece) {
  sha_.update(piece);
  head_.append(piece.substr(0, 3 - head_.size()));
  constexpr std::string_view kCrlf = "\r\n";
  if (ends_with_cr_ && piece.starts_with('\n')) {
    ++crlf_count_;
  }
  for (std::size_t at = piece.find(kCrlf); at != std::string_view::npos;
       at = piece.find(kCrlf, at + kCrlf.size())) {
    ++crlf_count_;
  }
  ends_with_cr_ = piece.ends_with('\r');
}

void Utf8Buffer::replace_invalid_bytes() {
  std::size_t offset = 0;
  TextPosition position = position_;
  const std::string_view text = buffer_;
  while (const auto distance = find_invalid_utf8(text.substr(offset))) {
    position = after(position, text.substr(offset, *distance));
    offset += *distance;
    invalid_bytes_.push_back({begin_ + offset, position});
    buffer_[offset] = '?';
  }
}

std::optional<Utf8Buffer::InvalidByte> Utf8Buffer::take_invalid_byte() {
  std::optional<InvalidByte> first;
  while (!invalid_bytes_.empty() && invalid_bytes_.front().offset < offset()) {
    first = first ? first : invalid_bytes_.front();
    invalid_bytes_.pop_front();
  }
  return first;
}

/// What the JSON parser says of an error, without its name, its place and the text around it.
std::string problem_of(const Json::exception& error) {
  constexpr std::size_t kLongest = 200;
  std::string_view problem = error.what();
  for (const std::string_view head : {"[json.exception.", "parse error at "}) {
    if (problem.starts_with(head)) {
      const std::string_view end = head.starts_with('[') ? "] " : ": ";
      problem.remove_prefix(std::min(problem.find(end), problem.size() - end.size()) + end.size());
    }
  }
  problem = problem.substr(0, problem.find("; last read: "));
  return std::string(problem.substr(0, kLongest));
}

/// Takes the JSON parser's events, and makes samples of them.
class SamplesParser final : public nlohmann::json_sax<Json> {
 public:
  SamplesParser(const std::string& file, Utf8Buffer& buffer, SamplesFile& result,
                const std::function<void(Sample)>& take)
      : file_(file), buffer_(buffer), result_(result), take_(take) {}

  bool null() override { return on_value(kNull); }
  bool boolean(bool /*value*/) override { return on_value("true or false"); }
  bool number_integer(number_integer_t /*value*/) override { return on_value("an integer"); }
  bool number_unsigned(number_unsigned_t /*value*/) override { return on_value("an integer"); }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override {
    return on_value("a number");
  }
  bool string(string_t& text) override;
  bool binary(binary_t& /*bytes*/) override { return on_value("bytes"); }
  bool start_object(std::size_t /*size*/) override;
  bool key(string_t& name) override;
  bool end_object() override;
  bool start_array(std::size_t /*size*/) override;
  bool end_array() override;
  [[noreturn]] bool parse_error(std::size_t byte, const std::string& token,
                                const Json::exception& error) override;

 private:
  /// How deep the parser stands.
  enum Depth : std::size_t { kOutside, kInFile, kInTask, kInRecord };

  /// One record while it is read.
  struct Record {
    Fields texts;                                                    ///< With its ID.
    std::map<std::string, std::string_view, std::less<>> non_texts;  ///< Field → type.
  };

  /// A value that is no text; `type` is in words for messages.
  bool on_value(std::string_view type);
  void begin_task(const std::string& name);
  /// Hands the record over as a sample, or counts it as excluded.
  void end_record();
  /// Whether the record can be used; reports everything that is wrong with it.
  bool is_valid(const Record& record);
  bool has_text(const Record& record, std::string_view field);
  /// Takes away a question type that says nothing, and reports one that is no text.
  void tidy_question_type(Record& record);
  void report(std::string_view problem, const Record& record, const std::string& detail,
              bool is_excluded = true);
  /// Throws if there was an ill-formed byte that stands in no record.
  void refuse_invalid_bytes();
  [[noreturn]] void fail(const std::string& what) const;

  const std::string& file_;
  Utf8Buffer& buffer_;
  SamplesFile& result_;
  const std::function<void(Sample)>& take_;

  std::size_t depth_ = kOutside;
  const TaskSchema* schema_ = nullptr;  ///< Of the task whose list is read; null elsewhere.
  std::size_t record_number_ = 0;       ///< In its list, from 1.
  std::optional<Record> record_;
  std::string field_;
  std::unordered_map<std::string, std::size_t> known_ids_;  ///< ID → record number.
};

bool SamplesParser::string(string_t& text) {
  if (depth_ != kInRecord || !record_) {
    return on_value("a string");
  }
  if (field_ == kIdField || is_kept(field_)) {
    record_->non_texts.erase(field_);
    record_->texts.insert_or_assign(field_, std::move(text));
  }
  return true;
}

bool SamplesParser::on_value(std::string_view type) {
  switch (depth_) {
    case kOutside:
      fail("expected an object from task to records at the top, found " + std::string(type));
    case kInFile:
      if (schema_ != nullptr) {
        fail(std::string(schema_->task) + ": expected a list of records, found " +
             std::string(type));
      }
      break;
    case kInTask:
      if (schema_ != nullptr) {
        ++record_number_;
        report("wrong_type", {}, "expected an object, found " + std::string(type));
        ++result_.excluded_counts[std::string(schema_->task)];
      }
      break;
    case kInRecord:
      if (record_ && (field_ == kIdField || is_kept(field_))) {
        record_->texts.erase(field_);
        record_->non_texts.insert_or_assign(field_, type);
      }
      break;
    default:
      break;
  }
  return true;
}

bool SamplesParser::start_object(std::size_t /*size*/) {
  if (depth_ == kInTask && schema_ != nullptr) {
    refuse_invalid_bytes();
    ++record_number_;
    record_.emplace();
  } else if (depth_ != kOutside) {
    on_value("an object");
  }
  ++depth_;
  return true;
}

bool SamplesParser::end_object() {
  --depth_;
  if (depth_ == kInTask && record_) {
    end_record();
  } else if (depth_ == kOutside) {
    refuse_invalid_bytes();
  }
  return true;
}

bool SamplesParser::start_array(std::size_t /*size*/) {
  if (depth_ != kInFile || schema_ == nullptr) {
    on_value("a list");
  }
  ++depth_;
  return true;
}

bool SamplesParser::end_array() {
  --depth_;
  if (depth_ == kInFile && schema_ != nullptr) {
    result_.record_counts[std::string(schema_->task)] = record_number_;
    schema_ = nullptr;
  }
  return true;
}

bool SamplesParser::key(string_t& name) {
  if (depth_ == kInFile) {
    refuse_invalid_bytes();
    begin_task(name);
  } else if (depth_ == kInRecord && record_) {
    field_ = std::move(name);
  }
  return true;
}

void SamplesParser::begin_task(const std::string& name) {
  const auto schema = std::find_if(kSchemas.begin(), kSchemas.end(),
                                   [&](const TaskSchema& known) { return known.task == name; });
  schema_ = schema == kSchemas.end() ? nullptr : &*schema;
  record_number_ = 0;
  known_ids_.clear();
  if (schema_ == nullptr) {
    const std::vector<std::string> known(kTasks.begin(), kTasks.end());
    result_.issues.push_back(
        {"unknown_task", file_, "no task is named '" + name + "'" + suggestion(name, known)});
  } else if (result_.record_counts.contains(name)) {
    fail("the task '" + name + "' stands here a second time");
  } else {
    result_.record_counts[name] = 0;
    result_.excluded_counts[name] = 0;
  }
}

void SamplesParser::end_record() {
  Record record = std::move(*record_);
  record_.reset();
  if (!is_valid(record)) {
    ++result_.excluded_counts[std::string(schema_->task)];
    return;
  }
  tidy_question_type(record);
  const auto id = record.texts.find(kIdField);
  known_ids_.emplace(id->second, record_number_);
  Sample sample{.sample_id = std::move(id->second), .task = std::string(schema_->task)};
  record.texts.erase(id);
  sample.fields = std::move(record.texts);
  for (const auto& [field, type] : record.non_texts) {
    if (is_news_field(field)) {
      sample.fields.emplace(field, "");
    }
  }
  take_(std::move(sample));
}

bool SamplesParser::is_valid(const Record& record) {
  if (const auto invalid = buffer_.take_invalid_byte()) {
    report("invalid_utf8", record,
           "not UTF-8 at line " + std::to_string(invalid->position.line) + ", column " +
               std::to_string(invalid->position.column) + " (byte " +
               std::to_string(invalid->offset) + " of the file)");
    return false;
  }
  bool valid = has_text(record, kIdField);
  for (const std::string_view field : schema_->required) {
    valid = (field.empty() || has_text(record, field)) && valid;
  }
  if (!valid) {
    return false;
  }
  const auto known = known_ids_.find(record.texts.find(kIdField)->second);
  if (known != known_ids_.end()) {
    report("duplicate_id", record,
           "record " + std::to_string(record_number_) + " has the ID of record " +
               std::to_string(known->second) + ", which is the one taken");
    return false;
  }
  return true;
}

bool SamplesParser::has_text(const Record& record, std::string_view field) {
  const std::string quoted = std::string(1, '\'').append(field).append("'");
  if (const auto other = record.non_texts.find(field); other != record.non_texts.end()) {
    report("wrong_type", record,
           quoted + ": expected a string, found " + std::string(other->second));
    return false;
  }
  const auto text = record.texts.find(field);
  if (text == record.texts.end()) {
    report("missing_field", record, quoted + " is missing");
  } else if (strip(text->second).empty()) {
    report("empty_field", record, quoted + " holds no text");
  } else if (text->second.find(kRequestFailed) != std::string::npos) {
    report("request_failed", record, quoted + " holds upstream's mark of a failed request");
  } else {
    return true;
  }
  return false;
}

void SamplesParser::tidy_question_type(Record& record) {
  if (const auto type = record.texts.find(kQuestionTypeField); type != record.texts.end()) {
    type->second = std::string(strip(type->second));
    if (type->second.empty()) {
      record.texts.erase(type);
    }
  }
  const auto other = record.non_texts.find(kQuestionTypeField);
  if (other != record.non_texts.end() && other->second != kNull) {
    report("wrong_type", record,
           "'" + std::string(kQuestionTypeField) + "': expected a string, found " +
               std::string(other->second),
           false);
  }
}

void SamplesParser::report(std::string_view problem, const Record& record,
                           const std::string& detail, bool is_excluded) {
  const auto id = record.texts.find(kIdField);
  const bool has_id = id != record.texts.end() && !id->second.empty();
  const std::string name = has_id ? "/" + id->second : " record " + std::to_string(record_number_);
  result_.issues.push_back({std::string(problem), file_ + ": " + std::string(schema_->task) + name,
                            detail, is_excluded});
}

void SamplesParser::refuse_invalid_bytes() {
  if (const auto invalid = buffer_.take_invalid_byte()) {
    throw Error(ErrorCode::kInvalidData, file_ + ":" + to_string(invalid->position) +
                                             ": not UTF-8 (byte " +
                                             std::to_string(invalid->offset) + " of the file)");
  }
}

void SamplesParser::fail(const std::string& what) const {
  throw Error(ErrorCode::kInvalidData,
              file_ + ":" + to_string(buffer_.position_at(buffer_.offset() - 1)) + ": " + what);
}

bool SamplesParser::parse_error(std::size_t byte, const std::string& /*token*/,
                                const Json::exception& error) {
  refuse_invalid_bytes();
  // The parser counts bytes from 1, the end of the file among them.
  throw Error(ErrorCode::kInvalidData,
              file_ + ":" + to_string(buffer_.position_at(byte == 0 ? 0 : byte - 1)) +
                  ": not valid JSON: " + problem_of(error));
}

}  // namespace

std::span<const std::string_view> crud_rag_tasks() noexcept {
  return kTasks;
}

SamplesFile read_samples(const std::string& file, const NextPiece& next_piece,
                         const std::function<void(Sample)>& take) {
  SamplesFile result;
  Utf8Buffer buffer(next_piece);
  std::istream stream(&buffer);
  SamplesParser parser(file, buffer, result, take);
  Json::sax_parse(stream, &parser);
  if (!buffer.at_end()) {  // The JSON parser takes a zero byte for the end.
    throw Error(ErrorCode::kInvalidData, file + ":" +
                                             to_string(buffer.position_at(buffer.offset() - 1)) +
                                             ": not valid JSON: a zero byte after the end");
  }
  if (buffer.has_byte_order_mark()) {
    result.issues.push_back({.problem = "byte_order_mark",
                             .where = file,
                             .detail = "starts with a byte order mark, which is left out",
                             .excluded = false});
  }
  if (const std::size_t count = buffer.crlf_count(); count > 0) {
    result.issues.push_back({.problem = "crlf",
                             .where = file,
                             .detail = std::to_string(count) + (count == 1 ? " line" : " lines") +
                                       " with CRLF at the end, read as LF",
                             .excluded = false,
                             .count = count});
  }
  result.fingerprint = buffer.fingerprint();
  return result;
}

}  // namespace crudbench
