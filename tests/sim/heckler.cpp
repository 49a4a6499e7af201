#include "tests/sim/heckler.h"

#include <array>

namespace pontoon::sim {
namespace {

constexpr std::string_view kNoise = "this was never said";

enum class Kind : std::uint8_t {
  reset,              // within the window, not at its beginning
  synchronize,        // likewise
  unsent,             // acknowledges what the gateway has not sent
  long_past,          // acknowledges what is behind by half the numbers
  beyond,             // text behind every window
  unacknowledging,    // text without ACK
  outdated,           // text with a timestamp of long ago (RFC 7323 5.3)
  known,              // other text where text was acknowledged already
  outdated_reset,     // a reset from before the window
  closed_by_a_guess,  // SYN and FIN
};
constexpr std::array kKinds{
    Kind::reset,          Kind::synchronize,      Kind::unsent,   Kind::long_past,
    Kind::beyond,         Kind::unacknowledging,  Kind::outdated, Kind::known,
    Kind::outdated_reset, Kind::closed_by_a_guess};

// Nothing when this kind makes no sense here.
std::optional<wire::TcpRepr> segment_of(Kind kind, const ReferenceTcp& tcp, std::uint32_t chance) {
  wire::TcpRepr segment = tcp.place();
  const std::uint32_t ahead = 1 + chance % 500;
  switch (kind) {
    case Kind::reset:
      segment.flags.rst = true;
      segment.sequence += ahead;
      return segment;
    case Kind::synchronize:
      segment.flags = {.syn = true};
      segment.sequence += ahead;
      return segment;
    case Kind::unsent:
      segment.acknowledgement += 1'000'000 + ahead;
      return segment;
    case Kind::long_past:
      segment.acknowledgement -= (1U << 30) + ahead;
      return segment;
    case Kind::beyond:
      segment.sequence += (1U << 24) + ahead;
      return segment;
    case Kind::unacknowledging:
      segment.flags.ack = false;
      return segment;
    case Kind::outdated:
      if (!segment.options.timestamps) return std::nullopt;
      segment.options.timestamps->value -= 10'000 + ahead;
      return segment;
    case Kind::known:
      if (tcp.acknowledged() < 50) return std::nullopt;
      segment.sequence -= 2 * static_cast<std::uint32_t>(kNoise.size());
      return segment;
    case Kind::outdated_reset:
      segment.flags.rst = true;
      segment.sequence -= 200'000 + ahead;
      return segment;
    case Kind::closed_by_a_guess:
      segment.flags = {.fin = true, .syn = true, .ack = true};
      segment.sequence += ahead;
      return segment;
  }
  return std::nullopt;
}

bool carries_text(Kind kind) {
  return kind == Kind::beyond || kind == Kind::unacknowledging || kind == Kind::outdated ||
         kind == Kind::known;
}

}  // namespace

bool Heckler::act(Station& station) {
  const auto live = station.talking();
  if (live.empty() || !station.member().plugged()) return false;
  const auto& connection = live[random_.below(static_cast<std::uint32_t>(live.size()))];
  const Kind kind = kKinds[random_.below(kKinds.size())];
  auto segment = segment_of(kind, *connection.tcp, random_.u32());
  if (!segment) return true;
  // Behind all that was sent nothing is acknowledged; what is known lies before the oldest octet.
  if (kind == Kind::known) segment->sequence -= connection.tcp->in_flight();
  segment->source_port = connection.port;
  segment->destination_port = connection.peer.port;
  const ByteView text = carries_text(kind) ? as_bytes(kNoise) : ByteView{};
  world_.put(station.member(),
             test::tcp_frame(station.ends_to(connection.peer.ip), *segment, text));
  return true;
}

}  // namespace pontoon::sim
