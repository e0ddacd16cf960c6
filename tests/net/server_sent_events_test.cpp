#include "harness/net/server_sent_events.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

std::vector<std::string> data_of(std::string_view stream) {
  std::vector<std::string> data;
  for (const ServerSentEvent& event : parse_server_sent_events(stream)) {
    data.push_back(event.data);
  }
  return data;
}

using Texts = std::vector<std::string>;

TEST(ServerSentEvents, TakesEventsWithNamesIdsAndEnds) {
  const auto events = parse_server_sent_events("event: e\nid: 7\ndata: 一\n\ndata:b\n\n");
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0], (ServerSentEvent{.name = "e", .data = "一", .id = "7", .end = 26}));
  EXPECT_EQ(events[1], (ServerSentEvent{.data = "b", .end = 34}));
}

TEST(ServerSentEvents, JoinsDataLines) {
  EXPECT_EQ(data_of("data: a\ndata:\ndata:  b\n\n"), Texts{"a\n\n b"});
}

TEST(ServerSentEvents, TakesEveryKindOfLineEnd) {
  EXPECT_EQ(data_of("data: a\r\n\r\ndata: b\r\rdata: c\n\n"), (Texts{"a", "b", "c"}));
}

TEST(ServerSentEvents, LeavesOutCommentsOtherFieldsAndEventsWithoutData) {
  EXPECT_EQ(data_of(": ping\n\nretry: 5\n\nevent: x\n\nfoo\n\ndata: a\n\n"), Texts{"a"});
}

TEST(ServerSentEvents, KeepsAnEmptyDataLine) {
  EXPECT_EQ(data_of("data\n\n"), Texts{""});
}

TEST(ServerSentEvents, SkipsAByteOrderMark) {
  EXPECT_EQ(data_of("\xEF\xBB\xBF"
                    "data: a\n\n"),
            Texts{"a"});
}

TEST(ServerSentEvents, LeavesOutWhatBreaksOffInALine) {
  EXPECT_EQ(data_of("data: a\n\ndata: {\"half"), Texts{"a"});
}

TEST(ServerSentEvents, KeepsALastEventThatLacksItsBlankLine) {
  EXPECT_EQ(data_of("data: a\n\ndata: [DONE]\n"), (Texts{"a", "[DONE]"}));
}

TEST(ServerSentEvents, TakesARepeatedEventOnce) {
  EXPECT_EQ(data_of("id: 1\ndata: 哈\n\nid: 1\ndata: 哈\n\nid: 2\ndata: 哈\n\n"),
            (Texts{"哈", "哈"}));
}

TEST(ServerSentEvents, KeepsEqualEventsWithoutId) {
  EXPECT_EQ(data_of("data: 哈\n\ndata: 哈\n\n"), (Texts{"哈", "哈"}));
}

TEST(ServerSentEvents, KeepsDifferentEventsOfOneId) {
  EXPECT_EQ(data_of("id: 1\ndata: a\n\nid: 1\ndata: b\n\n"), (Texts{"a", "b"}));
}

TEST(ServerSentEvents, TakesAnyBytes) {
  EXPECT_TRUE(parse_server_sent_events("").empty());
  EXPECT_TRUE(parse_server_sent_events("\xFF\xFE no stream").empty());
  EXPECT_EQ(data_of(std::string_view("data: \0\xFF\n\n", 10)), Texts{std::string("\0\xFF", 2)});
}

}  // namespace
}  // namespace crudbench
