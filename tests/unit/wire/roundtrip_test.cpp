// from(parse(emit(x))) == x for every format.
#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "core/wire/arp.h"
#include "core/wire/ethernet.h"
#include "core/wire/icmp.h"
#include "core/wire/icmpv6.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"
#include "core/wire/ndp.h"
#include "core/wire/tcp.h"
#include "core/wire/udp.h"
#include "core/wire/vlan.h"
#include "tests/support/packets.h"
#include "tests/unit/wire/generators.h"

namespace pontoon::wire {
namespace {

using test::any;
using test::any_bytes;
using test::any_bytes_up_to;
using test::any_ip4;
using test::any_ip6;
using test::any_mac;
using test::joined;

template <class View, class Repr>
void require_same(const Repr& repr, ByteView bytes) {
  const auto view = View::parse(bytes);
  RC_ASSERT(view.has_value());
  RC_ASSERT(Repr::from(*view) == repr);
}

// Formats whose emit() needs nothing but the header.
template <class View, class Repr>
void check_header(const Repr& repr) {
  auto bytes = any_bytes(repr.header_size());
  repr.emit(bytes);
  require_same<View>(repr, bytes);
}

IpAddress any_address(bool v4) {
  return v4 ? IpAddress(any_ip4()) : IpAddress(any_ip6());
}

// Transport formats, over both families; the payload and the checksum must come back as well.
template <class View, class Repr>
void check_transport(const Repr& repr) {
  const bool v4 = any<bool>();
  const IpAddress source = any_address(v4);
  const IpAddress destination = any_address(v4);
  const auto payload = any_bytes_up_to(100);
  auto header = any_bytes(repr.header_size());
  repr.emit(header, payload, source, destination);
  const auto bytes = joined(header, payload);
  require_same<View>(repr, bytes);
  const auto view = *View::parse(bytes);
  RC_ASSERT(view.checksum_ok(source, destination));
  RC_ASSERT(test::to_bytes(view.payload()) == payload);
}

template <class View, class Repr>
void check_ndp(const Repr& repr) {
  auto bytes = any_bytes(repr.header_size());
  const Ipv6Address source = any_ip6();
  const Ipv6Address destination = any_ip6();
  repr.emit(bytes, source, destination);
  require_same<View>(repr, bytes);
  RC_ASSERT(Icmpv6View::parse(bytes)->checksum_ok(source, destination));
}

Ipv6Address any_unicast() {
  Ipv6Address address = any_ip6();
  if (address.is_multicast()) address.octets[0] = 0xfd;
  return address;
}

Ipv4Repr any_ipv4() {
  Ipv4Repr repr;
  repr.source = any_ip4();
  repr.destination = any_ip4();
  repr.protocol = static_cast<IpProtocol>(any<std::uint8_t>());
  repr.payload_length = *rc::gen::inRange<std::uint16_t>(0, 200);
  repr.ttl = any<std::uint8_t>();
  repr.dscp = *rc::gen::inRange<std::uint8_t>(0, 64);
  repr.ecn = *rc::gen::inRange<std::uint8_t>(0, 4);
  repr.identification = any<std::uint16_t>();
  repr.dont_fragment = any<bool>();
  repr.more_fragments = any<bool>();
  repr.fragment_offset = static_cast<std::uint16_t>(*rc::gen::inRange(0, 8192) * 8);
  const auto options = any_bytes(*rc::gen::inRange<std::size_t>(0, 11) * 4);
  std::copy(options.begin(), options.end(), repr.options.bytes.begin());
  repr.options.size = static_cast<std::uint8_t>(options.size());
  return repr;
}

TcpRepr any_tcp() {
  TcpRepr repr;
  repr.source_port = any<std::uint16_t>();
  repr.destination_port = any<std::uint16_t>();
  repr.sequence = test::any_sequence();
  repr.acknowledgement = test::any_sequence();
  repr.flags = TcpFlags::from_bits(any<std::uint8_t>());
  repr.window = any<std::uint16_t>();
  repr.urgent = any<std::uint16_t>();
  repr.options = test::any_tcp_options();
  // As many blocks as the other options leave room for.
  const std::size_t room = TcpView::kMaxHeaderSize - repr.header_size();
  const std::size_t fit = room < 12 ? 0 : (room - 4) / 8;
  const auto count = *rc::gen::inRange<std::size_t>(0, fit + 1);
  for (std::size_t i = 0; i < count; ++i)
    repr.options.add_sack({test::any_sequence(), test::any_sequence()});
  return repr;
}

}  // namespace

TEST_CASE("round trip: Ethernet") {
  REQUIRE(rc::check([] {
    check_header<EthernetView>(
        EthernetRepr{any_mac(), any_mac(), static_cast<EtherType>(any<std::uint16_t>())});
  }));
}

TEST_CASE("round trip: VLAN") {
  REQUIRE(rc::check([] {
    check_header<VlanView>(VlanRepr{*rc::gen::inRange<std::uint8_t>(0, 8), any<bool>(),
                                    *rc::gen::inRange<std::uint16_t>(0, 4096),
                                    static_cast<EtherType>(any<std::uint16_t>())});
  }));
}

TEST_CASE("round trip: ARP") {
  REQUIRE(rc::check([] {
    check_header<ArpView>(ArpRepr{static_cast<ArpOperation>(any<std::uint16_t>()), any_mac(),
                                  any_ip4(), any_mac(), any_ip4()});
  }));
}

TEST_CASE("round trip: IPv4, with options and padding behind the packet") {
  REQUIRE(rc::check([] {
    const Ipv4Repr repr = any_ipv4();
    auto bytes = any_bytes(repr.header_size() + repr.payload_length + 7);
    repr.emit(bytes);
    require_same<Ipv4View>(repr, bytes);
    const auto view = *Ipv4View::parse(bytes);
    RC_ASSERT(view.checksum_ok());
    RC_ASSERT(view.payload().size() == repr.payload_length);
    RC_ASSERT(view.is_fragment() == (repr.more_fragments || repr.fragment_offset != 0));
  }));
}

TEST_CASE("round trip: IPv6, with padding behind the packet") {
  REQUIRE(rc::check([] {
    const Ipv6Repr repr{any_ip6(),
                        any_ip6(),
                        static_cast<IpProtocol>(any<std::uint8_t>()),
                        *rc::gen::inRange<std::uint16_t>(0, 200),
                        any<std::uint8_t>(),
                        any<std::uint8_t>(),
                        *rc::gen::inRange<std::uint32_t>(0, 1 << 20)};
    auto bytes = any_bytes(40U + repr.payload_length + 7U);
    repr.emit(bytes);
    require_same<Ipv6View>(repr, bytes);
    RC_ASSERT(Ipv6View::parse(bytes)->payload().size() == repr.payload_length);
  }));
}

TEST_CASE("round trip: the IPv6 fragment header") {
  REQUIRE(rc::check([] {
    Ipv6Repr ip;
    ip.next_header = IpProtocol::fragment;
    ip.payload_length = 20;
    Ipv6Fragment fragment;
    fragment.identification = any<std::uint32_t>();
    fragment.offset = static_cast<std::uint16_t>(*rc::gen::inRange(0, 8192) * 8);
    fragment.more = any<bool>();
    fragment.next_header = IpProtocol::udp;
    fragment.header_offset = 40;
    auto bytes = any_bytes(60);
    ip.emit(bytes);
    emit_fragment_header(MutableBytes(bytes).subspan(40), fragment);
    const auto chain = Ipv6View::parse(bytes)->chain();
    RC_ASSERT(chain.status == Ipv6ChainStatus::ok);
    RC_ASSERT(chain.fragment == fragment);
    RC_ASSERT(chain.payload.size() == 12U);
  }));
}

TEST_CASE("round trip: UDP") {
  REQUIRE(rc::check([] {
    check_transport<UdpView>(UdpRepr{any<std::uint16_t>(), any<std::uint16_t>()});
  }));
}

TEST_CASE("round trip: TCP with every combination of options") {
  REQUIRE(rc::check([] { check_transport<TcpView>(any_tcp()); }));
}

TEST_CASE("round trip: ICMP") {
  REQUIRE(rc::check([] {
    const IcmpRepr repr{static_cast<IcmpType>(any<std::uint8_t>()), any<std::uint8_t>(),
                        any<std::uint32_t>()};
    const auto payload = any_bytes_up_to(60);
    auto header = any_bytes(IcmpRepr::header_size());
    repr.emit(header, payload);
    const auto bytes = joined(header, payload);
    require_same<IcmpView>(repr, bytes);
    RC_ASSERT(IcmpView::parse(bytes)->checksum_ok());
  }));
}

TEST_CASE("round trip: ICMPv6") {
  REQUIRE(rc::check([] {
    check_transport<Icmpv6View>(Icmpv6Repr{static_cast<Icmpv6Type>(any<std::uint8_t>()),
                                           any<std::uint8_t>(), any<std::uint32_t>()});
  }));
}

TEST_CASE("round trip: neighbour solicitations and advertisements") {
  REQUIRE(rc::check([] {
    check_ndp<NeighbourSolicitationView>(
        NeighbourSolicitationRepr{any_unicast(), test::any_ndp_options()});
    check_ndp<NeighbourAdvertisementView>(NeighbourAdvertisementRepr{
        any<bool>(), any<bool>(), any<bool>(), any_unicast(), test::any_ndp_options()});
  }));
}

TEST_CASE("round trip: router solicitations and advertisements") {
  REQUIRE(rc::check([] {
    check_ndp<RouterSolicitationView>(RouterSolicitationRepr{test::any_ndp_options()});
    check_ndp<RouterAdvertisementView>(RouterAdvertisementRepr{
        any<std::uint8_t>(), any<bool>(), any<bool>(), any<std::uint16_t>(), any<std::uint32_t>(),
        any<std::uint32_t>(), test::any_ndp_options()});
  }));
}

}  // namespace pontoon::wire
