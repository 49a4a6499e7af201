#include "lab/replay/replay_players.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/wire/ethernet.h"

namespace pontoon::lab {
namespace {

using capture::Direction;

std::string name_of(const CaptureFile& capture, std::size_t interface) {
  const std::string& name = capture.interfaces[interface].name;
  return name.empty() ? std::to_string(interface) : name;
}

bool has_interface(const CaptureFile& capture, const std::string& name) {
  for (std::size_t i = 0; i < capture.interfaces.size(); ++i) {
    if (name_of(capture, i) == name) return true;
  }
  return false;
}

std::string interface_names(const CaptureFile& capture) {
  constexpr std::size_t kShown = 10;
  std::string names;
  for (std::size_t i = 0; i < std::min(capture.interfaces.size(), kShown); ++i)
    names += (names.empty() ? "" : ", ") + name_of(capture, i);
  return names + (capture.interfaces.size() > kShown ? ", ..." : "");
}

std::optional<MacAddress> source_of(ByteView frame) {
  if (frame.size() < 2 * MacAddress::size) return std::nullopt;
  return MacAddress::from(frame.subspan(MacAddress::size, MacAddress::size));
}

}  // namespace

Result<Players> Players::make(const Case& description, const std::vector<MacAddress>& macs,
                              const CaptureFile& capture) {
  Players players;
  players.by_interface_.resize(capture.interfaces.size());
  const bool alone = description.endpoints.size() == 1 && capture.interfaces.size() == 1;
  for (std::size_t i = 0; i < description.endpoints.size(); ++i) {
    const CaseEndpoint& endpoint = description.endpoints[i];
    if (!endpoint.interface.empty() && !has_interface(capture, endpoint.interface)) {
      return Error{
          ErrorCode::not_found,
          fmt::format("endpoint {}: the capture has no interface {}; it has {}",
                      endpoint.request.name, endpoint.interface, interface_names(capture))};
    }
    players.add(i, endpoint, macs[i], capture, alone);
  }
  players.find_doubled(capture);
  return players;
}

void Players::add(std::size_t endpoint, const CaseEndpoint& description, const MacAddress& mac,
                  const CaptureFile& capture, bool alone) {
  if (!description.interface.empty()) {
    add_interface(endpoint, description.interface, description.senders, capture);
  } else if (!description.senders.empty()) {
    for (const MacAddress& sender : description.senders)
      by_sender_.emplace(sender, endpoint);
  } else if (has_interface(capture, description.request.name)) {
    add_interface(endpoint, description.request.name, {}, capture);
  } else if (alone) {
    by_interface_.front().push_back({endpoint, {}});
  } else {
    by_sender_.emplace(mac, endpoint);
  }
}

void Players::add_interface(std::size_t endpoint, const std::string& name,
                            const std::vector<MacAddress>& senders, const CaptureFile& capture) {
  for (std::size_t i = 0; i < by_interface_.size(); ++i) {
    if (name_of(capture, i) == name)
      by_interface_[i].push_back({endpoint, {senders.begin(), senders.end()}});
  }
}

// Only for those that are found by their address alone: interfaces have their own directions.
void Players::find_doubled(const CaptureFile& capture) {
  if (by_sender_.empty()) return;
  for (const capture::Packet& packet : capture.packets) {
    if (packet.direction != Direction::outbound) continue;
    const auto source = source_of(packet.bytes);
    if (source && by_sender_.contains(*source)) outbound_.insert(*source);
  }
}

std::optional<std::size_t> Players::find(const capture::Packet& packet, ByteView frame) const {
  const auto source = source_of(frame);
  const bool inbound = packet.direction == Direction::inbound;
  if (packet.interface < by_interface_.size() && !by_interface_[packet.interface].empty()) {
    for (const Claim& claim : by_interface_[packet.interface]) {
      const bool its = claim.senders.empty() ? !inbound : source && claim.senders.contains(*source);
      if (its) return claim.endpoint;
    }
    return std::nullopt;
  }
  if (!source || by_sender_.empty()) return std::nullopt;
  const auto found = by_sender_.find(*source);
  if (found == by_sender_.end()) return std::nullopt;
  if (inbound && outbound_.contains(*source)) return std::nullopt;
  return found->second;
}

}  // namespace pontoon::lab
