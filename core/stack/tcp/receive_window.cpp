#include "core/stack/tcp/receive_window.h"

#include <algorithm>

namespace pontoon::stack::tcp {
namespace {

constexpr std::uint32_t kUnscaledMost = 0xffff;

std::uint32_t host_room(const Flow& flow, std::uint8_t scale) noexcept {
  const bool takes = half_open(flow.state) || receives_text(flow.state);
  if (flow.stream == nullptr || flow.stream_failed || !takes) return 0;
  return static_cast<std::uint32_t>(
      std::min<std::size_t>(flow.stream->write_room(), kUnscaledMost << scale));
}

std::uint32_t offered(const Flow& flow) noexcept {
  return flow.receive.edge <= flow.receive.next
             ? 0
             : static_cast<std::uint32_t>(flow.receive.edge - flow.receive.next);
}

// RFC 9293 3.8.6.2.2: a step of the edge is at least the smaller of a segment and half the buffer.
std::uint32_t least_step(const Flow& flow) noexcept {
  return std::max(std::min<std::uint32_t>(flow.receive.mss, flow.receive.most_room / 2), 1U);
}

}  // namespace

std::uint16_t offer_window(Flow& flow, bool syn) noexcept {
  ReceiveSide& receive = flow.receive;
  const std::uint8_t scale = syn ? std::uint8_t{0} : receive.scale;
  const std::uint32_t room = host_room(flow, scale);
  receive.most_room = std::max(receive.most_room, room);
  const std::uint32_t unit = 1U << scale;
  std::uint32_t window = offered(flow);
  if (room >= window + least_step(flow)) {
    window = room;
  } else {
    window += unit - 1;  // what was offered stays, so it is rounded up
  }
  window = std::min(window >> scale, kUnscaledMost);
  receive.edge = receive.next + (window << scale);
  receive.furthest = wire::later(receive.furthest, receive.edge);
  return static_cast<std::uint16_t>(window);
}

bool window_update_due(const Flow& flow) noexcept {
  if (!receives_text(flow.state)) return false;
  const std::uint32_t window = offered(flow);
  // Asking the host for its room costs system calls: only when the window has fallen to a half.
  if (window * 2 > flow.receive.most_room) return false;
  const std::uint32_t room = host_room(flow, flow.receive.scale);
  return room >= window * 2 && room >= window + least_step(flow);
}

bool window_nearly_closed(const Flow& flow) noexcept {
  return receives_text(flow.state) && offered(flow) < flow.receive.mss;
}

void withdraw_window(Flow& flow) noexcept {
  const std::uint32_t room = host_room(flow, flow.receive.scale);
  if (room < offered(flow)) flow.receive.edge = flow.receive.next + room;
}

}  // namespace pontoon::stack::tcp
