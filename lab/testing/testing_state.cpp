#include "lab/testing/testing_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/capture/writer.h"
#include "core/wire/arp.h"
#include "core/wire/ethernet.h"

namespace pontoon::testing::detail {
namespace {

Error::Code code_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return Error::Code::invalid;
    case ErrorCode::not_found:
      return Error::Code::not_found;
    case ErrorCode::already_exists:
    case ErrorCode::conflict:
      return Error::Code::conflict;
    case ErrorCode::permission_denied:
    case ErrorCode::exhausted:
    case ErrorCode::unavailable:
    case ErrorCode::unsupported:
    case ErrorCode::internal:
      return Error::Code::other;
  }
  return Error::Code::other;
}

capture::Direction direction_of(FrameEvent event) noexcept {
  switch (event) {
    case FrameEvent::from_endpoint:
      return capture::Direction::outbound;
    case FrameEvent::to_endpoint:
      return capture::Direction::inbound;
    case FrameEvent::dropped:
      return capture::Direction::unknown;
  }
  return capture::Direction::unknown;
}

}  // namespace

void raise(const pontoon::Error& error) {
  throw Error(code_of(error.code), error.message);
}

void raise_invalid(const std::string& text) {
  throw Error(Error::Code::invalid, text);
}

SocketAddress socket_address(std::string_view text, std::string_view what) {
  const std::size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  const std::string_view digits =
      colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const auto ip = IpAddress::parse(host);
  const bool whole =
      !digits.empty() && error == std::errc() && end == digits.data() + digits.size();
  if (!ip || !whole) {
    raise_invalid(
        fmt::format("{}: \"{}\" is no address with a port; write it like 10.0.0.1:80 or "
                    "[fd00::1]:80",
                    what, text));
  }
  return {*ip, port};
}

Ipv4Address ipv4_address(std::string_view text, std::string_view what) {
  const auto address = Ipv4Address::parse(text);
  if (!address)
    raise_invalid(
        fmt::format("{}: \"{}\" is no IPv4 address; write it like 172.17.0.9", what, text));
  return *address;
}

void CaptureLog::add(std::string_view where, FrameEvent event, ByteView frame,
                     std::optional<DropReason> reason, std::int64_t time_ns) {
  seen_.push_back({std::string(where), event, reason, time_ns, Bytes(frame.begin(), frame.end())});
  held_ += frame.size();
  while (held_ > World::kCaptureBytes && seen_.size() > 1) {
    held_ -= seen_.front().bytes.size();
    seen_.pop_front();
  }
}

Bytes CaptureLog::take() {
  Bytes file;
  capture::append_section_header(file, fmt::format("pontoon {}", control::kVersion));
  std::vector<std::string_view> places;
  for (const Seen& seen : seen_) {
    if (std::find(places.begin(), places.end(), seen.where) == places.end())
      places.push_back(seen.where);
  }
  for (const std::string_view place : places) {
    capture::Interface interface;
    interface.name = place;
    capture::append_interface(file, interface);
  }
  for (const Seen& seen : seen_) {
    capture::Packet packet;
    packet.interface = static_cast<std::uint32_t>(
        std::find(places.begin(), places.end(), seen.where) - places.begin());
    packet.time_ns = seen.time_ns;
    packet.direction = direction_of(seen.event);
    packet.bytes = seen.bytes;
    if (seen.reason) {
      packet.comment =
          fmt::format("dropped: {} ({})", to_string(*seen.reason), describe(*seen.reason));
    }
    capture::append_packet(file, packet);
  }
  seen_.clear();
  held_ = 0;
  return file;
}

WorldState::WorldState(std::uint64_t seed) : world(seed), start(world.now()) {
  world.set_watcher([this](std::string_view where, FrameEvent event, ByteView frame,
                           std::optional<DropReason> reason, Instant now) {
    capture.add(where, event, frame, reason, (now - start).count());
    if (event == FrameEvent::to_endpoint) note_arp(where, frame);
  });
  world.add_player([this](Instant) { return answer_arp(); });
}

void WorldState::note_arp(std::string_view where, ByteView frame) {
  const auto ethernet = wire::EthernetView::parse(frame);
  if (!ethernet || ethernet->ether_type() != wire::EtherType::arp) return;
  const auto asked = wire::ArpView::parse(ethernet->payload());
  if (!asked || asked->operation() != wire::ArpOperation::request) return;
  for (const EndpointState& state : endpoints) {
    lab::Member& member = *state.member;
    if (!state.answer_arp || member.name() != where) continue;
    if (IpAddress(asked->target_ip()) != member.address()) continue;
    Bytes reply(wire::EthernetView::kHeaderSize + wire::ArpView::kSize);
    wire::EthernetRepr{asked->sender_mac(), member.mac(), wire::EtherType::arp}.emit(reply);
    wire::ArpRepr{wire::ArpOperation::reply, member.mac(), asked->target_ip(), asked->sender_mac(),
                  asked->sender_ip()}
        .emit(MutableBytes(reply).subspan(wire::EthernetView::kHeaderSize));
    answers_.push_back({&member, std::move(reply)});
  }
}

bool WorldState::answer_arp() {
  const std::vector<Answer> due = std::exchange(answers_, {});
  for (const Answer& answer : due) {
    if (answer.member->plugged()) world.put(*answer.member, answer.frame);
  }
  return !due.empty();
}

EndpointState& WorldState::state_of(lab::Member& member) {
  for (EndpointState& state : endpoints) {
    if (state.member == &member) return state;
  }
  endpoints.push_back({&member, false});
  return endpoints.back();
}

}  // namespace pontoon::testing::detail
