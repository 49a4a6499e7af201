// libtins as an independent judge: it serialises the same packets from its own classes, with its
// own checksums, and must arrive at our bytes.
#include <catch2/catch.hpp>
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <tins/tins.h>
#pragma GCC diagnostic pop

#include <string>

#include "core/base/random.h"
#include "tests/support/hex.h"
#include "tests/support/packets.h"

namespace pontoon::wire {
namespace {

using namespace test;

constexpr char kSourceMac[] = "02:00:00:00:00:01";
constexpr char kTargetMac[] = "02:00:00:00:00:02";

Tins::HWAddress<6> tins_mac(const char* text) {
  return Tins::HWAddress<6>(std::string(text));
}

PacketEnds v4_ends() {
  PacketEnds ends = between("172.17.0.2", "10.1.2.3");
  ends.identification = 0xbeef;
  return ends;
}

Tins::EthernetII tins_ethernet() {
  return Tins::EthernetII(tins_mac(kTargetMac), tins_mac(kSourceMac));
}

Tins::IP tins_ip() {
  Tins::IP ip("10.1.2.3", "172.17.0.2");
  ip.id(0xbeef);
  ip.ttl(64);
  ip.flags(Tins::IP::DONT_FRAGMENT);
  return ip;
}

Tins::IPv6 tins_ip6() {
  Tins::IPv6 ip("fd00::1", "fd00::2");
  ip.hop_limit(64);
  return ip;
}

// Ethernet's minimal size is met by libtins with padding, which is not ours to add.
Bytes without_padding(Bytes bytes, std::size_t size) {
  while (bytes.size() > size && bytes.back() == 0)
    bytes.pop_back();
  return bytes;
}

void check_same(const Bytes& ours, Tins::PDU& theirs) {
  CHECK(hex(ours) == hex(without_padding(theirs.serialize(), ours.size())));
}

Bytes random_payload(std::size_t size) {
  Bytes payload(size);
  SeededRandom(size, "oracle").fill(payload);
  if (!payload.empty()) payload.back() = 0x5a;  // cannot be taken for padding
  return payload;
}

TcpRepr syn() {
  TcpRepr repr;
  repr.source_port = 40000;
  repr.destination_port = 443;
  repr.sequence = {0xdeadbeef};
  repr.flags = {.syn = true, .ece = true, .cwr = true};
  repr.window = 64240;
  repr.options.mss = 1460;
  repr.options.timestamps = TcpTimestamps{0x01020304, 0};
  repr.options.sack_permitted = true;
  repr.options.window_scale = 9;
  return repr;
}

Tins::TCP tins_syn() {
  Tins::TCP tcp(443, 40000);
  tcp.seq(0xdeadbeef);
  tcp.flags(Tins::TCP::SYN | Tins::TCP::ECE | Tins::TCP::CWR);
  tcp.window(64240);
  tcp.mss(1460);
  tcp.sack_permitted();
  tcp.timestamp(0x01020304, 0);
  tcp.add_option(Tins::TCP::option(Tins::TCP::NOP));
  tcp.winscale(9);
  return tcp;
}

}  // namespace

TEST_CASE("oracle: ARP") {
  const ArpRepr repr{ArpOperation::reply, mac(kSourceMac), ip4("172.17.0.1"), mac(kTargetMac),
                     ip4("172.17.0.2")};
  Tins::ARP arp("172.17.0.2", "172.17.0.1", tins_mac(kTargetMac), tins_mac(kSourceMac));
  arp.opcode(Tins::ARP::REPLY);
  auto theirs = tins_ethernet() / arp;
  check_same(arp_frame(repr), theirs);
}

TEST_CASE("oracle: UDP over both families, even and odd payloads") {
  for (const std::size_t size : {1, 2, 63, 64, 1471, 1472}) {
    const Bytes payload = random_payload(size);
    Tins::UDP udp(53, 4000);
    auto four = tins_ethernet() / tins_ip() / udp / Tins::RawPDU(payload);
    check_same(udp_frame(v4_ends(), 4000, 53, payload), four);
    auto six = tins_ethernet() / tins_ip6() / udp / Tins::RawPDU(payload);
    check_same(udp_frame(between("fd00::2", "fd00::1"), 4000, 53, payload), six);
  }
}

TEST_CASE("oracle: TCP with the options of a SYN, and with data") {
  const Bytes payload = random_payload(777);
  auto four = tins_ethernet() / tins_ip() / tins_syn();
  check_same(tcp_frame(v4_ends(), syn()), four);
  auto six = tins_ethernet() / tins_ip6() / tins_syn() / Tins::RawPDU(payload);
  check_same(tcp_frame(between("fd00::2", "fd00::1"), syn(), payload), six);
}

TEST_CASE("oracle: echo requests") {
  const Bytes payload = random_payload(57);
  Tins::ICMP four_request;
  four_request.id(0x1234);
  four_request.sequence(9);
  auto four = tins_ethernet() / tins_ip() / four_request / Tins::RawPDU(payload);
  check_same(echo_frame(v4_ends(), true, 0x1234, 9, payload), four);

  Tins::ICMPv6 six_request(Tins::ICMPv6::ECHO_REQUEST);
  six_request.identifier(0x1234);
  six_request.sequence(9);
  auto six = tins_ethernet() / tins_ip6() / six_request / Tins::RawPDU(payload);
  check_same(echo_frame(between("fd00::2", "fd00::1"), true, 0x1234, 9, payload), six);
}

TEST_CASE("oracle: a neighbour advertisement") {
  NeighbourAdvertisementRepr repr;
  repr.solicited = true;
  repr.overrides = true;
  repr.target = ip6("fd00::2");
  repr.options.target_link = mac(kSourceMac);
  Tins::ICMPv6 message(Tins::ICMPv6::NEIGHBOUR_ADVERT);
  message.solicited(1);
  message.override(1);
  message.target_addr("fd00::2");
  message.target_link_layer_addr(tins_mac(kSourceMac));
  Tins::IPv6 ip = tins_ip6();
  ip.hop_limit(255);
  auto theirs = tins_ethernet() / ip / message;
  check_same(ndp_frame(between("fd00::2", "fd00::1"), repr), theirs);
}

TEST_CASE("oracle: libtins reads what we emit") {
  const Bytes frame = tcp_frame(v4_ends(), syn(), random_payload(100));
  const Tins::EthernetII parsed(frame.data(), static_cast<std::uint32_t>(frame.size()));
  const auto& tcp = parsed.rfind_pdu<Tins::TCP>();
  CHECK(tcp.mss() == 1460);
  CHECK(tcp.winscale() == 9);
  CHECK(tcp.has_sack_permitted());
  CHECK(tcp.timestamp().first == 0x01020304);
  CHECK(parsed.rfind_pdu<Tins::IP>().tot_len() == frame.size() - 14);
}

}  // namespace pontoon::wire
