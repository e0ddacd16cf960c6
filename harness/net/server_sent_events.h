#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace crudbench {

/// One event of a stream (WHATWG HTML, "Server-sent events").
struct ServerSentEvent {
  std::string name;     ///< Of the field "event"; empty for none.
  std::string data;     ///< The lines of the fields "data", with '\n' between them.
  std::string id;       ///< Of the field "id" of this very event; empty for none.
  std::size_t end = 0;  ///< Bytes of the stream up to its end.

  friend bool operator==(const ServerSentEvent&, const ServerSentEvent&) = default;
};

/// The events of a whole stream, in order. Lines end with LF, CR LF or CR; comments, other fields
/// and events without data are left out. An event that the stream breaks off before its blank line
/// is left out too, unless its last line is whole: some servers omit the last blank line. An event
/// with the id and the data of an earlier one is left out: a server that repeats itself after a
/// hiccup says nothing twice. Any bytes are a stream.
std::vector<ServerSentEvent> parse_server_sent_events(std::string_view stream);

}  // namespace crudbench
