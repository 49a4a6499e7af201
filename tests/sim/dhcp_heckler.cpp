#include "tests/sim/dhcp_heckler.h"

namespace pontoon::sim {
namespace {

constexpr std::uint8_t kRequested = 50, kServer = 54, kIdentifier = 61;
constexpr unsigned kOwn = 8;  // kinds of messages in its own name

std::vector<std::uint8_t> option(Ipv4Address address) {
  const auto bytes = address.bytes();
  return {bytes.begin(), bytes.end()};
}

std::vector<std::uint8_t> option(const std::string& identifier) {
  std::vector<std::uint8_t> out{0};
  out.insert(out.end(), identifier.begin(), identifier.end());
  return out;
}

}  // namespace

DhcpText DhcpHeckler::text(std::uint8_t type) {
  DhcpText out;
  out.xid = random_.u32();
  out.chaddr = mac();
  out.type = type;
  return out;
}

DhcpHeckler::Message DhcpHeckler::next(const Victim& victim) {
  const unsigned kind = random_.below(kOwn + 4);
  return kind < kOwn ? in_its_own_name(victim, kind) : in_the_victims_name(victim, kind - kOwn);
}

DhcpHeckler::Message DhcpHeckler::in_its_own_name(const Victim& victim, unsigned kind) {
  const Ipv4Address all = Ipv4Address::broadcast();
  switch (kind) {
    case 0: {
      DhcpText out = text(dhcp_type::release);
      out.ciaddr = victim.address;
      out.options[kServer] = option(server_);
      return {"a release of another's address", victim.address, server_, out.emit(), {}};
    }
    case 1: {
      DhcpText out = text(dhcp_type::decline);
      out.options[kServer] = option(server_);
      out.options[kRequested] = option(victim.address);
      return {"a decline of another's address", {}, all, out.emit(), {}};
    }
    case 2: {
      DhcpText out = text(dhcp_type::request);
      out.ciaddr = victim.address;
      const Ipv4Address target = random_.below(2) == 0 ? server_ : all;
      return {"a renewal of another's address",
              victim.address,
              target,
              out.emit(),
              {dhcp_type::nak},
              true};
    }
    case 3: {
      DhcpText out = text(dhcp_type::request);
      out.options[kServer] = option(server_);
      out.options[kRequested] = option(victim.address);
      return {"a request for another's address", {}, all, out.emit(), {dhcp_type::nak}, true};
    }
    case 4: {
      DhcpText out = text(dhcp_type::request);
      out.options[kRequested] = option(Ipv4Address::of(192, 0, 2, 77));
      return {"a memory of another network", {}, all, out.emit(), {dhcp_type::nak}, true};
    }
    case 5: {
      DhcpText out = text(dhcp_type::request);
      out.options[kServer] = option(Ipv4Address{victim.address.value ^ 1U});
      out.options[kRequested] = option(Ipv4Address{server_.value + 1 + random_.below(10)});
      return {"the choice of another server", {}, all, out.emit(), {}};
    }
    case 6: {
      DhcpText out = text(dhcp_type::discover);
      out.op = 2;
      return {"a server's message", {}, all, out.emit(), {}};
    }
    default:
      return hoard();
  }
}

DhcpHeckler::Message DhcpHeckler::hoard() {
  DhcpText out = text(dhcp_type::discover);
  out.options[kIdentifier] = option("hoard " + std::to_string(hoarded_++));
  return {"one of many questions", {}, Ipv4Address::broadcast(), out.emit(), {dhcp_type::offer}};
}

// Its own hardware address is on the frame, or the victim's identifier in the message.
DhcpHeckler::Message DhcpHeckler::in_the_victims_name(const Victim& victim, unsigned kind) {
  if (kind < 2) {
    DhcpText out = text(kind == 0 ? dhcp_type::release : dhcp_type::decline);
    out.chaddr = victim.mac;
    out.ciaddr = kind == 0 ? victim.address : Ipv4Address{};
    out.options[kServer] = option(server_);
    out.options[kRequested] = option(victim.address);
    if (!victim.identifier.empty()) out.options[kIdentifier] = option(victim.identifier);
    return {"a farewell in another's name", victim.address, server_, out.emit(), {}};
  }
  DhcpText out = text(dhcp_type::request);
  out.options[kIdentifier] = option(victim.identifier);
  if (kind == 2) {
    out.ciaddr = victim.address;
  } else {
    out.options[kServer] = option(server_);
    out.options[kRequested] = option(victim.address);
  }
  return {"a request with another's identifier",
          victim.address,
          server_,
          out.emit(),
          {dhcp_type::nak},
          true};
}

}  // namespace pontoon::sim
