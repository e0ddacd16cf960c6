#include "harness/net/server_sent_events.h"

#include <set>
#include <utility>

namespace crudbench {

namespace {

/// Takes one line with its end off the front; false where the line is not whole.
bool take_line(std::string_view& rest, std::string_view& line) noexcept {
  const std::size_t end = rest.find_first_of("\r\n");
  if (end == std::string_view::npos) {
    return false;
  }
  line = rest.substr(0, end);
  const bool is_pair = rest.substr(end).starts_with("\r\n");
  rest.remove_prefix(end + (is_pair ? 2 : 1));
  return true;
}

class EventReader {
 public:
  explicit EventReader(std::string_view stream) : size_(stream.size()), rest_(stream) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (rest_.starts_with(kByteOrderMark)) {
      rest_.remove_prefix(kByteOrderMark.size());
    }
  }

  std::vector<ServerSentEvent> read() {
    for (std::string_view line; take_line(rest_, line);) {
      if (line.empty()) {
        dispatch();
      } else {
        take_field(line);
      }
    }
    if (rest_.empty()) {
      dispatch();
    }
    return std::move(events_);
  }

 private:
  void take_field(std::string_view line) {
    const std::size_t colon = line.find(':');
    const std::string_view field = line.substr(0, colon);
    std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) {
      value.remove_prefix(1);
    }
    if (field == "data") {
      if (has_data_) {
        event_.data += '\n';
      }
      event_.data += value;
      has_data_ = true;
    } else if (field == "event") {
      event_.name = value;
    } else if (field == "id" && value.find('\0') == std::string_view::npos) {
      event_.id = value;
    }
  }

  void dispatch() {
    const bool is_new =
        event_.id.empty() || !has_data_ || seen_.emplace(event_.id, event_.data).second;
    if (has_data_ && is_new) {
      event_.end = size_ - rest_.size();
      events_.push_back(std::move(event_));
    }
    event_ = {};
    has_data_ = false;
  }

  std::size_t size_;
  std::string_view rest_;
  ServerSentEvent event_;
  bool has_data_ = false;
  std::set<std::pair<std::string, std::string>> seen_;  ///< Id and data of the events with an id.
  std::vector<ServerSentEvent> events_;
};

}  // namespace

std::vector<ServerSentEvent> parse_server_sent_events(std::string_view stream) {
  return EventReader(stream).read();
}

}  // namespace crudbench
