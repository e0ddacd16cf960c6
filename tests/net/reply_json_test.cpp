#include "harness/net/reply_json.h"

#include <string>
#include <vector>

#include "tests/support/testing.h"

namespace crudbench {
namespace {

using namespace std::string_literals;

void expect_same_as_nlohmann(const std::string& text) {
  const Json expected = Json::parse(text, nullptr, false);
  const Json parsed = parse_reply(text);
  ASSERT_EQ(parsed.is_discarded(), expected.is_discarded()) << text.substr(0, 80);
  if (!expected.is_discarded()) {
    EXPECT_EQ(parsed, expected) << text.substr(0, 80);
    EXPECT_EQ(to_text(parsed), to_text(expected));
    EXPECT_EQ(parsed.type(), expected.type()) << text.substr(0, 80);
  }
}

TEST(ParseReply, ReadsWhatServersSend) {
  const Json reply =
      parse_reply(R"({"choices":[{"message":{"content":"答案\n\"是\" 😀"},"finish_reason":"stop"}],)"
                  R"("usage":{"prompt_tokens":12},"score":-0.25,"cached":false,"error":null})");
  EXPECT_EQ(reply.at("choices").at(0).at("message").at("content"), "答案\n\"是\" 😀");
  EXPECT_TRUE(reply.at("usage").at("prompt_tokens").is_number_unsigned());
  EXPECT_EQ(reply.at("score"), -0.25);
  EXPECT_EQ(reply.at("cached"), false);
  EXPECT_TRUE(reply.at("error").is_null());
}

TEST(ParseReply, AgreesWithNlohmannAboutEveryKindOfValue) {
  for (const char* text : {"0",
                           "-0",
                           "[-0]",
                           "-1",
                           "[-0.0, 1e-0]",
                           "9223372036854775807",
                           "9223372036854775808",
                           "-9223372036854775808",
                           "-9223372036854775809",
                           "18446744073709551615",
                           "18446744073709551616",
                           "1e308",
                           "1e309",
                           "[1e400]",
                           "5e-324",
                           "1e-400",
                           "0.1",
                           "1E+2",
                           "123456789012345678901234567890.5",
                           "true",
                           "null",
                           "\"\"",
                           "[]",
                           "{}",
                           " [ 1 , 2 ] \n",
                           R"({"a":1,"a":2,"b":{"a":3}})",
                           R"("\u0000\u00e9\ud83d\ude00\/\b\f")"}) {
    expect_same_as_nlohmann(text);
  }
}

TEST(ParseReply, AgreesWithNlohmannAboutWhatIsNoJson) {
  for (const std::string& text : {""s,
                                  " "s,
                                  "{"s,
                                  "[1,]"s,
                                  "01"s,
                                  "NaN"s,
                                  "[Infinity]"s,
                                  "{'a':1}"s,
                                  "\"\t\""s,
                                  "\"a"s,
                                  "\"\\ud800\""s,
                                  "\"\\x\""s,
                                  "\"\xFF\""s,
                                  "\"\xC0\xAF\""s,
                                  "1 2"s,
                                  "{}\0x"s,
                                  "{}x"s,
                                  "\xEF\xBB\xBF[1]"s,
                                  "tru"s,
                                  "{\"a\" 1}"s,
                                  "[1] // no"s}) {
    expect_same_as_nlohmann(text);
  }
}

TEST(ParseReply, AgreesWithNlohmannAboutGreatDepth) {
  for (const std::size_t depth : {1000U, 1023U, 1024U, 1025U, 5000U}) {
    expect_same_as_nlohmann(std::string(depth, '[') + std::string(depth, ']'));
    expect_same_as_nlohmann(std::string(depth, '['));
  }
}

}  // namespace
}  // namespace crudbench
