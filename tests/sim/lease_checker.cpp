#include "tests/sim/lease_checker.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/support/packets.h"

namespace pontoon::sim {
namespace {

constexpr std::string_view kName = "lease exclusivity";
constexpr std::size_t kYiaddrAt = 16;
constexpr std::size_t kClientAt = 28;
constexpr std::size_t kOptionsAt = 240;

// The message type of a DHCP message, by RFC 2131 alone; 0 when it has none.
std::uint8_t type_of(ByteView message) {
  for (std::size_t at = kOptionsAt; at + 2 < message.size() && message[at] != 255;) {
    if (message[at] == 0) {
      ++at;
      continue;
    }
    if (message[at] == 53) return message[at + 2];
    at += 2U + message[at + 1];
  }
  return 0;
}

}  // namespace

void LeaseChecker::on_member(const lab::Member& member) {
  if (std::find(members_.begin(), members_.end(), &member) == members_.end())
    members_.push_back(&member);
  const IpPrefix subnet = world_.network(member.info().network)->spec().subnet;
  if (!subnet.contains(member.address()) || member.address() == subnet.network() ||
      member.address() == subnet.last() ||
      member.address() == IpAddress(world_.network(member.info().network)->spec().gateway)) {
    report_.fail(kName, fmt::format("{} has {}, which is nobody's to have", member.name(),
                                    member.address().to_string()));
  }
  for (const lab::Member* other : members_) {
    const bool both = other != &member && other->plugged() && member.plugged() &&
                      other->info().network == member.info().network;
    if (both && other->address() == member.address()) {
      report_.fail(kName, fmt::format("{} and {} both have {}", member.name(), other->name(),
                                      member.address().to_string()));
    }
  }
}

void LeaseChecker::on_frame(std::string_view where, ByteView frame) {
  if (frame.size() < 14 + 20 + 8 + kOptionsAt || frame[23] != 17 || frame[34] != 0 ||
      frame[35] != 67)
    return;
  const ByteView message = frame.subspan(14 + 20 + 8);
  if (type_of(message) != 5) return;
  const lab::Member* member = world_.member(where);
  const MacAddress client = MacAddress::from(message.subspan(kClientAt, 6));
  if (member != nullptr && member->mac() == client)
    on_acknowledgement(*member, Ipv4Address::from(message.subspan(kYiaddrAt, 4)));
}

void LeaseChecker::on_acknowledgement(const lab::Member& member, Ipv4Address address) {
  if (address.is_any()) return;  // the answer to an INFORM
  if (IpAddress(address) != member.address()) {
    return report_.fail(kName, fmt::format("{} has {} and is told {}", member.name(),
                                           member.address().to_string(), address.to_string()));
  }
  const auto& rows = world_.leases().durable();
  const bool durable = std::any_of(rows.begin(), rows.end(), [&](const dhcp::Lease& lease) {
    return lease.network == member.info().network && lease.address == address &&
           lease.mac == member.mac() && lease.state == dhcp::LeaseState::bound;
  });
  if (!durable) {
    report_.fail(kName, fmt::format("{} was acknowledged to {}, and the disk does not know it",
                                    address.to_string(), member.name()));
  }
}

}  // namespace pontoon::sim
