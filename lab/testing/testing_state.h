// What stands behind the handles of testing.h.
#pragma once

#include <deque>
#include <string>
#include <utility>

#include "core/base/result.h"
#include "lab/testing/testing.h"
#include "lab/world/world.h"

namespace pontoon::testing::detail {

[[noreturn]] void raise(const pontoon::Error& error);
[[noreturn]] void raise_invalid(const std::string& text);

template <class T>
T value_of(Result<T> result) {
  if (!result) raise(result.error());
  return std::move(*result);
}
inline void require(const Status<>& status) {
  if (!status) raise(status.error());
}

// Errors name what was to be read: `TcpServer::at`.
SocketAddress socket_address(std::string_view text, std::string_view what);
Ipv4Address ipv4_address(std::string_view text, std::string_view what);

struct EndpointState {
  lab::Member* member = nullptr;
  bool answer_arp = false;
};

// What a world has shown of its frames, within a budget of bytes.
class CaptureLog {
 public:
  void add(std::string_view where, FrameEvent event, ByteView frame,
           std::optional<DropReason> reason, std::int64_t time_ns);
  Bytes take();

 private:
  struct Seen {
    std::string where;
    FrameEvent event = FrameEvent::dropped;
    std::optional<DropReason> reason;
    std::int64_t time_ns = 0;
    Bytes bytes;
  };
  std::deque<Seen> seen_;
  std::size_t held_ = 0;
};

struct WorldState {
  explicit WorldState(std::uint64_t seed);

  lab::World world;
  Instant start;
  std::deque<EndpointState> endpoints;
  CaptureLog capture;

  EndpointState& state_of(lab::Member& member);

 private:
  void note_arp(std::string_view where, ByteView frame);
  bool answer_arp();

  struct Answer {
    lab::Member* member = nullptr;
    Bytes frame;
  };
  std::vector<Answer> answers_;  // to requests that came since the player's last visit
};

}  // namespace pontoon::testing::detail
