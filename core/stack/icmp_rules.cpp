#include "core/stack/icmp_rules.h"

#include "core/wire/icmp.h"
#include "core/wire/icmpv6.h"
#include "core/wire/ip_protocol.h"

namespace pontoon::stack {
namespace {

using wire::IcmpType;
using wire::IcmpUnreachable;
using wire::Icmpv6Type;
using wire::Icmpv6Unreachable;

IcmpMessage unreachable4(IcmpUnreachable code, std::uint32_t rest = 0) noexcept {
  return {static_cast<std::uint8_t>(IcmpType::unreachable), static_cast<std::uint8_t>(code), rest};
}

IcmpMessage unreachable6(Icmpv6Unreachable code) noexcept {
  return {static_cast<std::uint8_t>(Icmpv6Type::unreachable), static_cast<std::uint8_t>(code), 0};
}

IcmpMessage message4(Unreachable reason, std::uint32_t mtu) noexcept {
  switch (reason) {
    case Unreachable::network:
      return unreachable4(IcmpUnreachable::network);
    case Unreachable::host:
      return unreachable4(IcmpUnreachable::host);
    case Unreachable::port:
      return unreachable4(IcmpUnreachable::port);
    case Unreachable::too_big:
      return unreachable4(IcmpUnreachable::fragmentation_needed, std::min(mtu, 0xffffU));
    case Unreachable::prohibited:
      return unreachable4(IcmpUnreachable::prohibited);
    case Unreachable::time_exceeded:
      return {static_cast<std::uint8_t>(IcmpType::time_exceeded), 0, 0};
  }
  return {};
}

IcmpMessage message6(Unreachable reason, std::uint32_t mtu) noexcept {
  switch (reason) {
    case Unreachable::network:
      return unreachable6(Icmpv6Unreachable::no_route);
    case Unreachable::host:
      return unreachable6(Icmpv6Unreachable::address);
    case Unreachable::port:
      return unreachable6(Icmpv6Unreachable::port);
    case Unreachable::too_big:
      return {static_cast<std::uint8_t>(Icmpv6Type::packet_too_big), 0, mtu};
    case Unreachable::prohibited:
      return unreachable6(Icmpv6Unreachable::prohibited);
    case Unreachable::time_exceeded:
      return {static_cast<std::uint8_t>(Icmpv6Type::time_exceeded), 0, 0};
  }
  return {};
}

std::optional<Unreachable> meaning_of_unreachable4(std::uint8_t code) noexcept {
  switch (code) {
    case 0:   // network
    case 5:   // source route failed
    case 6:   // network unknown
    case 11:  // network, for this type of service
      return Unreachable::network;
    case 1:   // host
    case 7:   // host unknown
    case 8:   // host isolated
    case 12:  // host, for this type of service
      return Unreachable::host;
    case 2:  // protocol
    case 3:  // port
      return Unreachable::port;
    case 4:
      return Unreachable::too_big;
    case 9:   // network prohibited
    case 10:  // host prohibited
    case 13:  // communication prohibited
      return Unreachable::prohibited;
    default:
      return std::nullopt;
  }
}

std::optional<Unreachable> meaning_of_unreachable6(std::uint8_t code) noexcept {
  switch (code) {
    case 0:  // no route
    case 2:  // beyond the scope of the source
      return Unreachable::network;
    case 1:  // prohibited
    case 5:  // source address failed policy
    case 6:  // reject route
      return Unreachable::prohibited;
    case 3:
      return Unreachable::host;
    case 4:
      return Unreachable::port;
    default:
      return std::nullopt;
  }
}

}  // namespace

IcmpMessage icmp_message(IpFamily family, Unreachable reason, std::uint32_t mtu) noexcept {
  return family == IpFamily::v4 ? message4(reason, mtu) : message6(reason, mtu);
}

IcmpMessage icmp_reassembly_timeout(IpFamily family) noexcept {
  if (family == IpFamily::v4) return {static_cast<std::uint8_t>(IcmpType::time_exceeded), 1, 0};
  return {static_cast<std::uint8_t>(Icmpv6Type::time_exceeded), 1, 0};
}

std::optional<Unreachable> meaning_of_icmp(std::uint8_t type, std::uint8_t code) noexcept {
  if (type == static_cast<std::uint8_t>(IcmpType::unreachable))
    return meaning_of_unreachable4(code);
  if (type == static_cast<std::uint8_t>(IcmpType::time_exceeded)) return Unreachable::time_exceeded;
  return std::nullopt;
}

std::optional<Unreachable> meaning_of_icmpv6(std::uint8_t type, std::uint8_t code) noexcept {
  if (type == static_cast<std::uint8_t>(Icmpv6Type::unreachable)) {
    return meaning_of_unreachable6(code);
  }
  if (type == static_cast<std::uint8_t>(Icmpv6Type::packet_too_big)) return Unreachable::too_big;
  if (type == static_cast<std::uint8_t>(Icmpv6Type::time_exceeded)) {
    return Unreachable::time_exceeded;
  }
  return std::nullopt;
}

bool is_icmp_error(IpFamily family, std::uint8_t protocol, ByteView transport) noexcept {
  if (family == IpFamily::v4) {
    if (protocol != static_cast<std::uint8_t>(wire::IpProtocol::icmp)) return false;
    const auto message = wire::IcmpView::parse(transport);
    return !message || message->is_error();
  }
  if (protocol != static_cast<std::uint8_t>(wire::IpProtocol::icmpv6)) return false;
  const auto message = wire::Icmpv6View::parse(transport);
  return !message || message->is_error() || message->type() == Icmpv6Type::redirect;
}

}  // namespace pontoon::stack
