#include "bridge/guard.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "tests/support/packets.h"

namespace pontoon::bridge {
namespace {

using test::Bytes;
using wire::EtherType;
using wire::IpProtocol;

const MacAddress kOwn = test::mac("02:42:ac:11:00:02");
const MacAddress kOther = test::mac("02:42:ac:11:00:03");
const MacAddress kGateway = test::mac("02:42:ac:11:00:01");
constexpr auto kLinkLocal = "fe80::42:acff:fe11:2";         // EUI-64 of kOwn
constexpr auto kOtherLinkLocal = "fe80::42:acff:fe11:3";    // EUI-64 of kOther
constexpr auto kGatewayLinkLocal = "fe80::42:acff:fe11:1";  // EUI-64 of kGateway
constexpr auto kStableLinkLocal = "fe80::a1b2:c3d4:e5f6:1789";

GuardPolicy policy() {
  return {kOwn, test::ip("172.17.0.2"), test::ip("fd00::2")};
}

std::optional<DropReason> judged(const GuardPolicy& guard, ByteView frame) {
  const auto view = wire::EthernetView::parse(frame);
  REQUIRE(view);
  return judge(guard, *view);
}

test::PacketEnds from(std::string_view source, std::string_view target) {
  test::PacketEnds ends = test::between(source, target);
  ends.source_mac = kOwn;
  ends.target_mac = kGateway;
  return ends;
}

struct Case {
  std::string name;
  Bytes frame;
  std::optional<DropReason> expected;
};

void check_all(const std::vector<Case>& cases, const GuardPolicy& guard = policy()) {
  for (const Case& one : cases) {
    INFO(one.name);
    const auto verdict = judged(guard, one.frame);
    CHECK((verdict ? to_string(*verdict) : "pass") ==
          (one.expected ? to_string(*one.expected) : "pass"));
  }
}

constexpr auto kPass = std::nullopt;

Bytes arp(wire::ArpOperation operation, const MacAddress& sender, std::string_view address) {
  return test::ethernet_frame(kOwn, MacAddress::broadcast(), EtherType::arp, [&] {
    Bytes bytes(wire::ArpView::kSize);
    wire::ArpRepr{operation, sender, test::ip4(address), {}, test::ip4("172.17.0.9")}.emit(bytes);
    return bytes;
  }());
}

Bytes cut(Bytes frame, std::size_t size) {
  frame.resize(size);
  return frame;
}

TEST_CASE("guard: the Ethernet header") {
  const test::PacketEnds own = from("172.17.0.2", "1.1.1.1");
  test::PacketEnds spoofed = own;
  spoofed.source_mac = kOther;
  const Bytes good = test::udp_frame(own, 4000, 53, test::pattern(20));
  const Bytes rest(46);
  check_all({
      {"its own MAC", good, kPass},
      {"another's MAC", test::udp_frame(spoofed, 4000, 53, {}), DropReason::guard_source_mac},
      {"802.1Q", test::tagged(good, 5), DropReason::guard_ethertype},
      {"802.1ad", test::ethernet_frame(kOwn, kGateway, EtherType{0x88a8}, rest),
       DropReason::guard_ethertype},
      {"LLDP", test::ethernet_frame(kOwn, kGateway, EtherType{0x88cc}, rest),
       DropReason::guard_ethertype},
      {"an 802.3 length", test::ethernet_frame(kOwn, kGateway, EtherType{46}, rest),
       DropReason::guard_ethertype},
      {"MPLS", test::ethernet_frame(kOwn, kGateway, EtherType{0x8847}, rest),
       DropReason::guard_ethertype},
      {"nothing behind the header", cut(good, 14), DropReason::malformed_ip},
  });
}

TEST_CASE("guard: ARP") {
  using Operation = wire::ArpOperation;
  const Bytes good = arp(Operation::request, kOwn, "172.17.0.2");
  Bytes token_ring = good;
  token_ring[15] = 6;
  const std::vector<Case> cases{
      {"request", good, kPass},
      {"reply", arp(Operation::reply, kOwn, "172.17.0.2"), kPass},
      {"probe", arp(Operation::request, kOwn, "0.0.0.0"), kPass},
      {"reply from 0.0.0.0", arp(Operation::reply, kOwn, "0.0.0.0"), DropReason::guard_arp},
      {"request for another's address", arp(Operation::request, kOwn, "172.17.0.3"),
       DropReason::guard_arp},
      {"reply as the gateway", arp(Operation::reply, kOwn, "172.17.0.1"), DropReason::guard_arp},
      {"another's sender MAC", arp(Operation::reply, kOther, "172.17.0.2"), DropReason::guard_arp},
      {"another's MAC in a probe", arp(Operation::request, kOther, "0.0.0.0"),
       DropReason::guard_arp},
      {"RARP's operation", arp(Operation{3}, kOwn, "172.17.0.2"), DropReason::guard_arp},
      {"InARP's reply", arp(Operation{9}, kOwn, "172.17.0.2"), DropReason::guard_arp},
      {"truncated", cut(good, good.size() - 1), DropReason::malformed_arp},
      {"wrong hardware type", token_ring, DropReason::malformed_arp},
  };
  check_all(cases);
}

TEST_CASE("guard: an endpoint without an IPv4 address") {
  GuardPolicy guard = policy();
  guard.ipv4.reset();
  const auto nobody = from("0.0.0.0", "255.255.255.255");
  check_all(
      {
          {"ARP probe", arp(wire::ArpOperation::request, kOwn, "0.0.0.0"), kPass},
          {"ARP claim", arp(wire::ArpOperation::request, kOwn, "172.17.0.2"),
           DropReason::guard_arp},
          {"DHCP discover", test::udp_frame(nobody, 68, 67, test::pattern(300)), kPass},
          {"an address of its own choice",
           test::udp_frame(from("172.17.0.2", "1.1.1.1"), 68, 67, {}), DropReason::guard_source_ip},
      },
      guard);
}

TEST_CASE("guard: IPv4 sources") {
  const auto own = from("172.17.0.2", "1.1.1.1");
  const auto other = from("172.17.0.3", "1.1.1.1");
  const auto nobody = from("0.0.0.0", "255.255.255.255");
  wire::TcpRepr syn;
  syn.source_port = 4000;
  syn.destination_port = 80;
  check_all({
      {"UDP", test::udp_frame(own, 4000, 53, test::pattern(9)), kPass},
      {"TCP", test::tcp_frame(own, syn), kPass},
      {"echo", test::echo_frame(own, true, 1, 1), kPass},
      {"UDP from another's", test::udp_frame(other, 4000, 53, {}), DropReason::guard_source_ip},
      {"TCP from another's", test::tcp_frame(other, syn), DropReason::guard_source_ip},
      {"from broadcast", test::udp_frame(from("255.255.255.255", "172.17.0.1"), 1, 2, {}),
       DropReason::guard_source_ip},
      {"from loopback", test::udp_frame(from("127.0.0.1", "172.17.0.1"), 1, 2, {}),
       DropReason::guard_source_ip},
      {"DHCP from 0.0.0.0", test::udp_frame(nobody, 68, 67, test::pattern(300)), kPass},
      {"other UDP from 0.0.0.0", test::udp_frame(nobody, 4000, 67, {}),
       DropReason::guard_source_ip},
      {"DHCP port reversed from 0.0.0.0", test::udp_frame(nobody, 67, 68, {}),
       DropReason::guard_source_ip},
      {"TCP from 0.0.0.0", test::tcp_frame(nobody, syn), DropReason::guard_source_ip},
      {"IGMP from 0.0.0.0", test::ip_frame(nobody, IpProtocol{2}, test::pattern(8)),
       DropReason::guard_source_ip},
  });
}

TEST_CASE("guard: a relay forwards DHCP to a server and does nothing else of a server") {
  const auto own = from("172.17.0.2", "172.17.0.1");
  const auto relayed = test::udp_frame(own, 67, 67, test::pattern(300));
  check_all({{"not a relay", relayed, DropReason::guard_service}});
  GuardPolicy relay = policy();
  relay.relay = true;
  check_all(
      {
          {"forwarded", relayed, kPass},
          {"to a client", test::udp_frame(own, 67, 68, {}), DropReason::guard_service},
          {"from the server's port", test::udp_frame(own, 67, 5000, {}), DropReason::guard_service},
          {"of another", test::udp_frame(from("172.17.0.3", "172.17.0.1"), 67, 67, {}),
           DropReason::guard_source_ip},
      },
      relay);
}

TEST_CASE("guard: IPv4 services") {
  const auto own = from("172.17.0.2", "172.17.0.3");
  check_all({
      {"DHCP renewal", test::udp_frame(own, 68, 67, test::pattern(300)), kPass},
      {"DHCP offer", test::udp_frame(own, 67, 68, test::pattern(300)), DropReason::guard_service},
      {"from the server's port", test::udp_frame(own, 67, 5000, {}), DropReason::guard_service},
      {"to a client's port from any other", test::udp_frame(own, 5000, 68, {}),
       DropReason::guard_service},
      {"ICMP redirect", test::icmp_frame(own, {wire::IcmpType::redirect, 1, 0}, test::pattern(28)),
       DropReason::guard_service},
      {"ICMP unreachable",
       test::icmp_frame(own, wire::IcmpRepr::unreachable(wire::IcmpUnreachable::port),
                        test::pattern(28)),
       kPass},
      {"UDP of 7 bytes", test::ip_frame(own, IpProtocol::udp, test::pattern(7)),
       DropReason::malformed_udp},
  });
}

// An IPv4 frame whose transport is a piece of something.
Bytes fragment4(const test::PacketEnds& ends, IpProtocol protocol, ByteView piece,
                std::uint16_t offset, bool more) {
  wire::Ipv4Repr repr;
  repr.source = ends.source.v4();
  repr.destination = ends.target.v4();
  repr.protocol = protocol;
  repr.payload_length = static_cast<std::uint16_t>(piece.size());
  repr.fragment_offset = offset;
  repr.more_fragments = more;
  Bytes header(repr.header_size());
  repr.emit(header);
  return test::ethernet_frame(ends.source_mac, ends.target_mac, EtherType::ipv4,
                              test::joined(header, piece));
}

Bytes udp_header(std::uint16_t source, std::uint16_t target) {
  Bytes bytes(8);
  store_be<std::uint16_t>(bytes.data(), source);
  store_be<std::uint16_t>(bytes.data() + 2, target);
  store_be<std::uint16_t>(bytes.data() + 4, 600);
  return bytes;
}

TEST_CASE("guard: IPv4 fragments") {
  const auto own = from("172.17.0.2", "172.17.0.3");
  const auto other = from("172.17.0.4", "172.17.0.3");
  const auto nobody = from("0.0.0.0", "255.255.255.255");
  const IpProtocol udp = IpProtocol::udp;
  check_all({
      {"first", fragment4(own, udp, udp_header(4000, 53), 0, true), kPass},
      {"first of a DHCP server", fragment4(own, udp, udp_header(67, 68), 0, true),
       DropReason::guard_service},
      {"first, ports cut", fragment4(own, udp, test::pattern(4), 0, true),
       DropReason::malformed_udp},
      {"later, bytes that look like a server's ports",
       fragment4(own, udp, udp_header(67, 68), 8, true), kPass},
      {"last", fragment4(own, udp, test::pattern(3), 1480, false), kPass},
      {"later of another's", fragment4(other, udp, test::pattern(64), 1480, false),
       DropReason::guard_source_ip},
      {"DHCP from 0.0.0.0 in pieces", fragment4(nobody, udp, udp_header(68, 67), 0, true),
       DropReason::guard_source_ip},
      {"later piece from 0.0.0.0", fragment4(nobody, udp, udp_header(68, 67), 8, false),
       DropReason::guard_source_ip},
  });
}

TEST_CASE("guard: an IPv4 packet that is cut or lies about its length") {
  const Bytes good = test::udp_frame(from("172.17.0.2", "1.1.1.1"), 4000, 53, test::pattern(30));
  for (std::size_t size = 14; size < good.size(); ++size)
    CHECK(judged(policy(), cut(good, size)) == DropReason::malformed_ip);
  Bytes padded = good;
  padded.resize(good.size() + 20);
  CHECK(judged(policy(), padded) == std::nullopt);
  Bytes version = good;
  version[14] = 0x65;
  CHECK(judged(policy(), version) == DropReason::malformed_ip);
  Bytes header = good;
  header[14] = 0x44;
  CHECK(judged(policy(), header) == DropReason::malformed_ip);
}

TEST_CASE("guard: super-frames are judged by their headers") {
  wire::TcpRepr repr;
  repr.source_port = 4000;
  repr.destination_port = 80;
  const Bytes data = test::pattern(60'000);
  check_all({
      {"TCP over IPv4",
       test::tcp_super_frame(from("172.17.0.2", "1.1.1.1"), repr, data, 1448).bytes, kPass},
      {"TCP over IPv6", test::tcp_super_frame(from("fd00::2", "fd00::3"), repr, data, 1428).bytes,
       kPass},
      {"TCP from another's",
       test::tcp_super_frame(from("172.17.0.3", "1.1.1.1"), repr, data, 1448).bytes,
       DropReason::guard_source_ip},
      {"UDP", test::udp_super_frame(from("172.17.0.2", "1.1.1.1"), 4000, 443, data, 1200).bytes,
       kPass},
      {"UDP of a DHCP server",
       test::udp_super_frame(from("172.17.0.2", "172.17.0.3"), 67, 68, data, 300).bytes,
       DropReason::guard_service},
  });
}

TEST_CASE("guard: IPv6 sources") {
  const auto udp = [](std::string_view source) {
    return test::udp_frame(from(source, "fd00::1"), 4000, 53, test::pattern(9));
  };
  check_all({
      {"its own", udp("fd00::2"), kPass},
      {"its link-local", udp(kLinkLocal), kPass},
      {"a stable-privacy link-local", udp(kStableLinkLocal), kPass},
      {"another's", udp("fd00::3"), DropReason::guard_source_ip},
      {"another's link-local", udp(kOtherLinkLocal), DropReason::guard_source_ip},
      {"the gateway's link-local", udp(kGatewayLinkLocal), DropReason::guard_source_ip},
      {"its EUI-64 under another prefix", udp("fd00::42:acff:fe11:2"), DropReason::guard_source_ip},
      {"::", udp("::"), DropReason::guard_source_ip},
      {"loopback", udp("::1"), DropReason::guard_source_ip},
      {"multicast", udp("ff02::1"), DropReason::guard_source_ip},
  });
  GuardPolicy none = policy();
  none.ipv6.reset();
  check_all({{"no address: link-local only", udp("fd00::2"), DropReason::guard_source_ip},
             {"no address: link-local", udp(kLinkLocal), kPass}},
            none);
}

TEST_CASE("guard: an IPv4-mapped source is no way around") {
  Bytes frame = test::udp_frame(from("fd00::2", "fd00::1"), 4000, 53, {});
  const Bytes mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 172, 17, 0, 3};
  std::copy(mapped.begin(), mapped.end(), frame.begin() + 14 + 8);
  CHECK(judged(policy(), frame) == DropReason::guard_source_ip);
}

TEST_CASE("guard: what may come from ::") {
  const auto nobody = from("::", "ff02::1");
  const auto message = [&](std::uint8_t type, const Bytes& body = Bytes(4)) {
    return test::icmpv6_frame(nobody, {static_cast<wire::Icmpv6Type>(type), 0, 0}, body);
  };
  check_all({
      {"router solicitation", message(133, {}), kPass},
      {"MLDv1 report", message(131, Bytes(16)), kPass},
      {"MLDv1 done", message(132, Bytes(16)), kPass},
      {"MLDv2 report", message(143), kPass},
      {"echo", message(128), DropReason::guard_source_ip},
      {"neighbour advertisement", message(136, Bytes(16)), DropReason::guard_source_ip},
      {"router advertisement", message(134, Bytes(8)), DropReason::guard_source_ip},
      {"DHCPv6", test::udp_frame(nobody, 546, 547, {}), DropReason::guard_source_ip},
  });
}

Bytes solicitation(std::string_view source, std::string_view target,
                   std::optional<MacAddress> source_link) {
  wire::NeighbourSolicitationRepr repr;
  repr.target = test::ip6(target);
  repr.options.source_link = source_link;
  return test::ndp_frame(from(source, "ff02::1:ff00:2"), repr);
}

Bytes advertisement(std::string_view source, std::string_view target,
                    std::optional<MacAddress> target_link) {
  wire::NeighbourAdvertisementRepr repr;
  repr.target = test::ip6(target);
  repr.overrides = true;
  repr.options.target_link = target_link;
  return test::ndp_frame(from(source, "ff02::1"), repr);
}

TEST_CASE("guard: neighbour messages claim nothing of others") {
  const std::vector<Case> cases{
      {"solicitation", solicitation("fd00::2", "fd00::1", kOwn), kPass},
      {"solicitation without option", solicitation(kLinkLocal, "fd00::1", {}), kPass},
      {"solicitation with another's MAC", solicitation("fd00::2", "fd00::1", kOther),
       DropReason::guard_arp},
      {"DAD for its own", solicitation("::", "fd00::2", {}), kPass},
      {"DAD for its link-local", solicitation("::", kLinkLocal, {}), kPass},
      {"DAD for a stable-privacy one", solicitation("::", kStableLinkLocal, {}), kPass},
      {"DAD for another's", solicitation("::", "fd00::3", {}), DropReason::guard_arp},
      {"DAD for the gateway's", solicitation("::", kGatewayLinkLocal, {}), DropReason::guard_arp},
      {"advertisement", advertisement("fd00::2", "fd00::2", kOwn), kPass},
      {"advertisement of a link-local", advertisement(kLinkLocal, kStableLinkLocal, kOwn), kPass},
      {"advertisement without option", advertisement("fd00::2", "fd00::2", {}), kPass},
      {"advertisement of another's", advertisement("fd00::2", "fd00::3", kOwn),
       DropReason::guard_arp},
      {"advertisement of the gateway's", advertisement(kLinkLocal, kGatewayLinkLocal, kOwn),
       DropReason::guard_arp},
      {"advertisement with another's MAC", advertisement("fd00::2", "fd00::2", kOther),
       DropReason::guard_arp},
  };
  check_all(cases);
}

// An ICMPv6 frame with any body behind type and code.
Bytes icmpv6(std::uint8_t type, ByteView rest, std::string_view source = "fd00::2") {
  return test::icmpv6_frame(from(source, "ff02::1"), {static_cast<wire::Icmpv6Type>(type), 0, 0},
                            rest);
}

TEST_CASE("guard: neighbour options") {
  const Bytes target = test::to_bytes(ByteView(test::ip6("fd00::2").octets));
  const Bytes own{2, 1, 0x02, 0x42, 0xac, 0x11, 0x00, 0x02};
  const Bytes other{2, 1, 0x02, 0x42, 0xac, 0x11, 0x00, 0x03};
  const auto with = [&](const Bytes& first, const Bytes& second = {}) {
    return icmpv6(136, test::joined(test::joined(target, first), second));
  };
  check_all({
      {"the second of two", with(own, other), DropReason::guard_arp},
      {"the first of two", with(other, own), DropReason::guard_arp},
      {"behind an unknown one", with({200, 1, 0, 0, 0, 0, 0, 0}, other), DropReason::guard_arp},
      {"a longer one", with({2, 2, 0x02, 0x42, 0xac, 0x11, 0x00, 0x03}, Bytes(8)),
       DropReason::guard_arp},
      {"length zero", with({2, 0, 0x02, 0x42, 0xac, 0x11, 0x00, 0x02}), DropReason::malformed_ndp},
      {"cut", with({2, 1, 0x02, 0x42, 0xac, 0x11}), DropReason::malformed_ndp},
      {"one byte", with({2}), DropReason::malformed_ndp},
      {"no target", icmpv6(136, Bytes(15)), DropReason::malformed_ndp},
      {"another's in a router solicitation",
       icmpv6(133, Bytes{1, 1, 0x02, 0x42, 0xac, 0x11, 0x00, 0x03}), DropReason::guard_arp},
      {"its own in a router solicitation",
       icmpv6(133, Bytes{1, 1, 0x02, 0x42, 0xac, 0x11, 0x00, 0x02}), kPass},
  });
}

TEST_CASE("guard: IPv6 services") {
  const auto own = from(kLinkLocal, "fd00::3");
  check_all({
      {"router advertisement", icmpv6(134, Bytes(8), kLinkLocal), DropReason::guard_service},
      {"redirect", icmpv6(137, Bytes(32), kLinkLocal), DropReason::guard_service},
      {"router renumbering", icmpv6(138, Bytes(8)), DropReason::guard_service},
      {"inverse solicitation", icmpv6(141, Bytes(16)), DropReason::guard_arp},
      {"inverse advertisement", icmpv6(142, Bytes(16)), DropReason::guard_arp},
      {"DHCPv6 client", test::udp_frame(own, 546, 547, {}), kPass},
      {"DHCPv6 server", test::udp_frame(own, 547, 546, {}), DropReason::guard_service},
      {"from the server's port", test::udp_frame(own, 547, 5000, {}), DropReason::guard_service},
      {"to a client's port", test::udp_frame(own, 5000, 546, {}), DropReason::guard_service},
      {"IPv4's DHCP ports mean nothing here", test::udp_frame(own, 67, 68, {}), kPass},
      {"echo", icmpv6(128, test::pattern(40)), kPass},
      {"an error", icmpv6(1, test::pattern(48)), kPass},
      {"ICMPv6 without a byte", test::ip_frame(own, IpProtocol::icmpv6, {}),
       DropReason::malformed_icmp},
      {"UDP of 7 bytes", test::ip_frame(own, IpProtocol::udp, test::pattern(7)),
       DropReason::malformed_udp},
  });
}

// A jumbo-style UDP length of zero is accepted by some stacks: the ports could not be trusted.
TEST_CASE("guard: a UDP length of zero") {
  Bytes frame = test::udp_frame(from(kLinkLocal, "fd00::3"), 547, 546, test::pattern(20));
  frame[14 + 40 + 4] = 0;
  frame[14 + 40 + 5] = 0;
  CHECK(judged(policy(), frame) == DropReason::malformed_udp);
}

constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kFragment = 44;
constexpr std::uint8_t kOptions = 60;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kUdp = 17;

// A header of 8 bytes that leads on to `next`.
Bytes extension(std::uint8_t next) {
  return {next, 0, 1, 4, 0, 0, 0, 0};
}
Bytes fragment6(std::uint8_t next, std::uint16_t offset, bool more) {
  const auto word = static_cast<std::uint16_t>(offset | (more ? 1 : 0));
  return {next, 0, static_cast<std::uint8_t>(word >> 8), static_cast<std::uint8_t>(word), 0, 0,
          0,    7};
}

Bytes chain(std::uint8_t first, const std::vector<Bytes>& pieces,
            std::string_view source = kLinkLocal) {
  Bytes all;
  for (const Bytes& piece : pieces)
    all = test::joined(all, piece);
  return test::ip_frame(from(source, "ff02::1"), static_cast<IpProtocol>(first), all);
}

TEST_CASE("guard: extension headers hide nothing") {
  const Bytes advert{134, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const Bytes report{143, 0, 0, 0, 0, 0, 0, 0};
  const std::vector<Bytes> too_many(limits::kIpv6ExtensionHeaders + 1, extension(kOptions));
  check_all({
      {"MLD behind a router alert", chain(kHopByHop, {extension(kIcmpv6), report}), kPass},
      {"the same from ::", chain(kHopByHop, {extension(kIcmpv6), report}, "::"), kPass},
      {"RA behind destination options", chain(kOptions, {extension(kIcmpv6), advert}),
       DropReason::guard_service},
      {"RA behind three headers",
       chain(kHopByHop, {extension(kRouting), extension(kOptions), extension(kIcmpv6), advert}),
       DropReason::guard_service},
      {"DHCPv6 server behind options", chain(kOptions, {extension(kUdp), udp_header(547, 546)}),
       DropReason::guard_service},
      {"too many headers", chain(kOptions, too_many), DropReason::ip_options},
      {"a header that is cut", chain(kOptions, {{kUdp, 9, 0, 0, 0, 0, 0, 0}}),
       DropReason::malformed_ip},
      {"nothing behind", chain(kOptions, {extension(59)}), kPass},
      {"another's address behind headers", chain(kOptions, {extension(kUdp)}, "fd00::3"),
       DropReason::guard_source_ip},
  });
}

TEST_CASE("guard: IPv6 fragments") {
  const Bytes advert{134, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const Bytes echo{128, 0, 0, 0, 0, 1, 0, 1};
  Bytes dad{135, 0, 0, 0, 0, 0, 0, 0};
  dad.resize(24);
  check_all({
      {"first of an echo", chain(kFragment, {fragment6(kIcmpv6, 0, true), echo}), kPass},
      {"first of UDP", chain(kFragment, {fragment6(kUdp, 0, true), udp_header(4000, 53)}), kPass},
      {"first of an RA", chain(kFragment, {fragment6(kIcmpv6, 0, true), advert}),
       DropReason::guard_service},
      {"atomic RA", chain(kFragment, {fragment6(kIcmpv6, 0, false), advert}),
       DropReason::guard_service},
      {"first of a DHCPv6 server",
       chain(kFragment, {fragment6(kUdp, 0, true), udp_header(547, 546)}),
       DropReason::guard_service},
      {"first, ports cut", chain(kFragment, {fragment6(kUdp, 0, true), test::pattern(4)}),
       DropReason::malformed_udp},
      {"first without its chain (RFC 7112)",
       chain(kFragment, {fragment6(kOptions, 0, true), extension(kIcmpv6)}),
       DropReason::ip_options},
      {"fragmented neighbour discovery (RFC 6980)",
       chain(kFragment, {fragment6(kIcmpv6, 0, true), dad}), DropReason::malformed_ndp},
      {"atomic neighbour discovery", chain(kFragment, {fragment6(kIcmpv6, 0, false), dad}),
       DropReason::malformed_ndp},
      {"fragmented DAD from ::", chain(kFragment, {fragment6(kIcmpv6, 0, false), dad}, "::"),
       DropReason::guard_source_ip},
      {"later", chain(kFragment, {fragment6(kIcmpv6, 1448, true), advert}), kPass},
      {"later of another's", chain(kFragment, {fragment6(kUdp, 1448, false), advert}, "fd00::3"),
       DropReason::guard_source_ip},
      {"two fragment headers",
       chain(kFragment, {fragment6(kFragment, 0, false), fragment6(kUdp, 0, false)}),
       DropReason::malformed_ip},
  });
}

TEST_CASE("guard: an IPv6 packet that is cut") {
  const Bytes good = test::udp_frame(from("fd00::2", "fd00::1"), 4000, 53, test::pattern(30));
  for (std::size_t size = 14; size < good.size(); ++size)
    CHECK(judged(policy(), cut(good, size)) == DropReason::malformed_ip);
}

// Whatever happens to a frame on the way, what passes speaks for its own port only.
TEST_CASE("guard: no damage makes a frame pass as another's") {
  const std::vector<Bytes> seeds{
      arp(wire::ArpOperation::request, kOwn, "172.17.0.2"),
      test::udp_frame(from("172.17.0.2", "172.17.0.3"), 4000, 53, test::pattern(20)),
      test::udp_frame(from("0.0.0.0", "255.255.255.255"), 68, 67, test::pattern(20)),
      test::udp_frame(from("fd00::2", "fd00::3"), 4000, 53, test::pattern(20)),
      advertisement(kLinkLocal, kLinkLocal, kOwn),
      solicitation("::", "fd00::2", {}),
  };
  REQUIRE(rc::check([&] {
    Bytes frame = seeds[*rc::gen::inRange<std::size_t>(0, seeds.size())];
    const auto damages = *rc::gen::inRange(0, 6);
    for (int i = 0; i < damages; ++i)
      frame[*rc::gen::inRange<std::size_t>(0, frame.size())] = *rc::gen::arbitrary<std::uint8_t>();
    frame.resize(*rc::gen::inRange<std::size_t>(14, frame.size() + 8));
    const auto view = wire::EthernetView::parse(frame);
    if (judge(policy(), *view)) return;
    RC_ASSERT(view->source() == kOwn);
    if (const auto packet = wire::ArpView::parse(view->payload());
        packet && view->ether_type() == EtherType::arp) {
      RC_ASSERT(packet->sender_mac() == kOwn);
      RC_ASSERT(packet->sender_ip() == test::ip4("172.17.0.2") || packet->sender_ip().is_any());
    } else if (view->ether_type() == EtherType::ipv4) {
      const auto source = wire::Ipv4View::parse(view->payload())->source();
      RC_ASSERT(source == test::ip4("172.17.0.2") || source.is_any());
    } else {
      RC_ASSERT(view->ether_type() == EtherType::ipv6);
      const auto source = wire::Ipv6View::parse(view->payload())->source();
      RC_ASSERT(source == test::ip6("fd00::2") || source.is_any() || source.is_link_local());
      RC_ASSERT(source != test::ip6(kGatewayLinkLocal));
    }
  }));
}

}  // namespace
}  // namespace pontoon::bridge
