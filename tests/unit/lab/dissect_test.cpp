#include "lab/dissect/dissect.h"

#include <catch2/catch.hpp>

#include "tests/support/hex.h"
#include "tests/support/packets.h"
#include "tests/unit/lab/dissect_lines.h"

using namespace pontoon;
using namespace pontoon::test;

namespace {

wire::ArpRepr arp(wire::ArpOperation operation, std::string_view sender, std::string_view target) {
  return {operation, mac("02:00:00:00:00:01"), ip4(sender), mac("02:00:00:00:00:02"), ip4(target)};
}

}  // namespace

TEST_CASE("dissect: Ethernet and ARP, every field") {
  const Dissection got =
      lab::dissect(arp_frame(arp(wire::ArpOperation::request, "172.17.0.2", "172.17.0.1")));
  CHECK(got.summary == "ARP who has 172.17.0.1? tell 172.17.0.2");
  CHECK(got.source == "172.17.0.2");
  CHECK(got.target == "ff:ff:ff:ff:ff:ff");
  CHECK(protocols(got) == Lines{"Ethernet", "ARP"});
  CHECK(lines(got.layers[0]) ==
        Lines{"destination: ff:ff:ff:ff:ff:ff", "source: 02:00:00:00:00:01", "type: 0x0806 ARP"});
  CHECK(lines(got.layers[1]) ==
        Lines{"hardware type: 1", "protocol type: 0x0800", "hardware address length: 6",
              "protocol address length: 4", "operation: 1 request",
              "sender hardware address: 02:00:00:00:00:01", "sender protocol address: 172.17.0.2",
              "target hardware address: 02:00:00:00:00:02", "target protocol address: 172.17.0.1"});
}

TEST_CASE("dissect: ARP in its own words") {
  using wire::ArpOperation;
  const auto summary = [](const wire::ArpRepr& repr) {
    return lab::dissect(arp_frame(repr)).summary;
  };
  CHECK(summary(arp(ArpOperation::reply, "172.17.0.1", "172.17.0.2")) ==
        "ARP 172.17.0.1 is at 02:00:00:00:00:01");
  CHECK(summary(arp(ArpOperation::request, "172.17.0.2", "172.17.0.2")) ==
        "ARP announcement 172.17.0.2 is at 02:00:00:00:00:01");
  CHECK(summary(arp(ArpOperation::request, "0.0.0.0", "172.17.0.2")) == "ARP probe 172.17.0.2");
  CHECK(summary(arp(static_cast<ArpOperation>(9), "1.2.3.4", "172.17.0.2")) == "ARP operation 9");
}

TEST_CASE("dissect: ARP that is not IPv4's shows what is there") {
  Bytes frame = arp_frame(arp(wire::ArpOperation::request, "172.17.0.2", "172.17.0.1"));
  frame[18] = 8;  // hardware address length
  const Dissection got = lab::dissect(frame);
  CHECK(layer(got, "ARP").problem == "not IPv4 over Ethernet");
  CHECK(value(layer(got, "ARP"), "sender hardware address") == "02 00 00 00 00 01 ac 11");
  CHECK(got.summary == "ARP [ARP: not IPv4 over Ethernet]");
}

TEST_CASE("dissect: IPv4 and UDP, every field") {
  const Dissection got =
      lab::dissect(udp_frame(between("172.17.0.2", "172.17.0.1"), 4000, 7, as_bytes("hello")));
  CHECK(got.summary == "UDP 4000 > 7 len 5");
  CHECK(got.source == "172.17.0.2");
  CHECK(got.target == "172.17.0.1");
  CHECK(protocols(got) == Lines{"Ethernet", "IPv4", "UDP", "data"});
  CHECK(lines(got.layers[1]) ==
        Lines{"version: 4", "header length: 20 bytes", "type of service: DSCP 0 ECN 0",
              "total length: 33", "identification: 0", "flags: DF", "fragment offset: 0",
              "time to live: 64", "protocol: 17 UDP", "header checksum: 0xe2a6",
              "source address: 172.17.0.2", "destination address: 172.17.0.1"});
  CHECK(lines(got.layers[2]) ==
        Lines{"source port: 4000", "destination port: 7", "length: 13", "checksum: 0x5435"});
  CHECK(lines(got.layers[3]) == Lines{"length: 5 bytes", "0000: 68 65 6c 6c 6f |hello|"});
}

TEST_CASE("dissect: wrong checksums are told with the right ones") {
  Bytes frame = udp_frame(between("172.17.0.2", "172.17.0.1"), 4000, 7, as_bytes("hello"));
  frame[24] = 0x12;  // IPv4's
  frame[25] = 0x34;
  frame[40] = 0x43;  // UDP's
  const Dissection got = lab::dissect(frame);
  CHECK(layer(got, "IPv4").problem == "checksum is 0x1234, should be 0xe2a6");
  CHECK(layer(got, "UDP").problem == "checksum is 0x4335, should be 0x5435");
  CHECK(got.summary == "UDP 4000 > 7 len 5 [IPv4: checksum is 0x1234, should be 0xe2a6]");
  frame[40] = frame[41] = 0;
  CHECK(value(layer(lab::dissect(frame), "UDP"), "checksum") == "none");
  CHECK(layer(lab::dissect(frame), "UDP").problem.empty());
}

TEST_CASE("dissect: lengths that disagree with the frame") {
  const Bytes whole = udp_frame(between("172.17.0.2", "172.17.0.1"), 4000, 7, pattern(40));
  SECTION("padding behind the packet") {
    const Dissection got = lab::dissect(joined(whole, Bytes(6)));
    CHECK(value(layer(got, "IPv4"), "padding") == "6 bytes");
    CHECK(layer(got, "UDP").problem.empty());
  }
  SECTION("cut") {
    const Dissection got = lab::dissect(ByteView(whole).first(whole.size() - 10));
    CHECK(layer(got, "IPv4").problem == "total length 68, but 58 bytes are there");
    CHECK(layer(got, "UDP").problem.empty());  // can't be judged
    CHECK(value(layer(got, "data"), "length") == "30 bytes");
  }
  SECTION("cut within UDP's header") {
    const Dissection got = lab::dissect(ByteView(whole).first(14 + 20 + 5));
    CHECK(layer(got, "UDP").problem == "ends after 5 bytes, within or before \"length\"");
    CHECK(value(layer(got, "UDP"), "destination port") == "7");
  }
  SECTION("UDP length too long") {
    Bytes frame = whole;
    frame[38] = 0x10;
    CHECK(layer(lab::dissect(frame), "UDP").problem == "length 4144, but 48 bytes are there");
  }
  SECTION("UDP length below the header's") {
    Bytes frame = whole;
    frame[39] = 3;
    CHECK(layer(lab::dissect(frame), "UDP").problem == "length 3 is below the header's");
  }
  SECTION("header length below 20") {
    Bytes frame = whole;
    frame[14] = 0x43;
    CHECK(
        layer(lab::dissect(frame), "IPv4").problem.starts_with("header length is below 20 bytes"));
  }
  SECTION("total length below the header's") {
    Bytes frame = whole;
    frame[17] = 10;
    const std::string problem = layer(lab::dissect(frame), "IPv4").problem;
    CHECK(problem.find("total length 10 is below the header's") != std::string::npos);
  }
}

TEST_CASE("dissect: IPv4 options and fragments") {
  wire::Ipv4Repr repr;
  repr.source = ip4("172.17.0.2");
  repr.destination = ip4("172.17.0.1");
  repr.protocol = wire::IpProtocol::udp;
  repr.payload_length = 16;
  repr.identification = 77;
  const auto frame = [&] {
    Bytes packet(repr.header_size());
    repr.emit(packet);
    return ethernet_frame(mac("02:00:00:00:00:01"), mac("02:00:00:00:00:02"), wire::EtherType::ipv4,
                          joined(packet, pattern(16)));
  };
  SECTION("options by name, up to the end of the list") {
    const Bytes options = unhex("94040000 01 8307 04 01020304 00");
    std::copy(options.begin(), options.end(), repr.options.bytes.begin());
    repr.options.size = 16;
    const Dissection got = lab::dissect(frame());
    Lines options_shown;
    for (const Field& field : layer(got, "IPv4").fields)
      if (field.name == "option") options_shown.push_back(field.value);
    CHECK(options_shown == Lines{"148 router alert 00 00", "no operation",
                                 "131 loose source route 04 01 02 03 04", "end of list"});
  }
  SECTION("an option that does not fit") {
    repr.options.bytes = {0x07, 0x50};
    repr.options.size = 4;
    CHECK(layer(lab::dissect(frame()), "IPv4").problem == "option 7 does not fit the header");
  }
  SECTION("a first fragment shows the transport header without judging it") {
    repr.more_fragments = true;
    const Dissection got = lab::dissect(frame());
    CHECK(protocols(got) == Lines{"Ethernet", "IPv4", "UDP", "data"});
    CHECK(layer(got, "UDP").problem.empty());
    CHECK(got.summary == "IPv4 fragment UDP id 77 offset 0 len 16 more");
  }
  SECTION("a later one is data") {
    repr.fragment_offset = 1480;
    const Dissection got = lab::dissect(frame());
    CHECK(protocols(got) == Lines{"Ethernet", "IPv4", "data"});
    CHECK(got.summary == "IPv4 fragment UDP id 77 offset 1480 len 16 last");
  }
  SECTION("an unknown protocol") {
    repr.protocol = static_cast<wire::IpProtocol>(47);
    CHECK(lab::dissect(frame()).summary == "IPv4 GRE len 16");
    repr.protocol = static_cast<wire::IpProtocol>(253);
    CHECK(lab::dissect(frame()).summary == "IPv4 protocol 253 len 16");
  }
}

TEST_CASE("dissect: VLAN tags, 802.3 lengths and unknown types") {
  const Bytes inner = udp_frame(between("172.17.0.2", "172.17.0.1"), 4000, 7, as_bytes("x"));
  const Dissection got = lab::dissect(tagged(inner, 100));
  CHECK(protocols(got) == Lines{"Ethernet", "VLAN", "IPv4", "UDP", "data"});
  CHECK(lines(got.layers[1]) == Lines{"identifier: 100", "priority: 0", "type: 0x0800 IPv4"});
  const Dissection unknown = lab::dissect(ethernet_frame(
      mac("02:00:00:00:00:01"), mac("01:80:c2:00:00:0e"), wire::EtherType{0x88cc}, pattern(3)));
  CHECK(unknown.summary == "Ethernet type 0x88cc len 3");
  CHECK(unknown.target == "01:80:c2:00:00:0e");
  CHECK(lab::dissect(ethernet_frame(mac("02:00:00:00:00:01"), mac("01:80:c2:00:00:00"),
                                    wire::EtherType{38}, pattern(38)))
            .summary == "Ethernet 802.3 len 38");
  const Bytes tags(14 + 4 * 100, 0x81);
  Bytes nested = tags;
  for (std::size_t at = 12; at + 1 < nested.size(); at += 4)
    nested[at + 1] = 0;
  CHECK(lab::dissect(nested).layers.size() < 20);
}

TEST_CASE("dissect: IPv6 with extension headers") {
  const PacketEnds ends = between("fd00::2", "fd00::1");
  Bytes udp(8 + 4);
  wire::UdpRepr{4000, 7}.emit(udp, ByteView(udp).subspan(8), ends.source, ends.target);
  SECTION("hop-by-hop and destination options") {
    const Bytes chain = joined(unhex("3c00 050200000100 1100 010400000000"), udp);
    const Dissection got = lab::dissect(ip_frame(ends, wire::IpProtocol::hop_by_hop, chain));
    CHECK(protocols(got) == Lines{"Ethernet", "IPv6", "IPv6 hop-by-hop options",
                                  "IPv6 destination options", "UDP", "data"});
    CHECK(lines(got.layers[1]) == Lines{"version: 6", "traffic class: DSCP 0 ECN 0",
                                        "flow label: 0x00000", "payload length: 28",
                                        "next header: 0 hop-by-hop options", "hop limit: 64",
                                        "source address: fd00::2", "destination address: fd00::1"});
    CHECK(lines(got.layers[2]) == Lines{"next header: 60 destination options", "length: 8 bytes",
                                        "data: 05 02 00 00 01 00"});
    CHECK(got.summary == "UDP 4000 > 7 len 4");
    CHECK(layer(got, "UDP").problem.empty());
  }
  SECTION("a first and a later fragment") {
    const Bytes first = joined(unhex("1100 0001 00000007"), udp);
    CHECK(lab::dissect(ip_frame(ends, wire::IpProtocol::fragment, first)).summary ==
          "IPv6 fragment UDP id 7 offset 0 len 12 more");
    const Bytes later = joined(unhex("1100 0010 00000007"), udp);
    const Dissection got = lab::dissect(ip_frame(ends, wire::IpProtocol::fragment, later));
    CHECK(got.summary == "IPv6 fragment UDP id 7 offset 16 len 12 last");
    CHECK(protocols(got) == Lines{"Ethernet", "IPv6", "IPv6 fragment", "data"});
  }
  SECTION("a header longer than the packet") {
    const Dissection got =
        lab::dissect(ip_frame(ends, wire::IpProtocol::hop_by_hop, unhex("11ff 0102030405060708")));
    CHECK(layer(got, "IPv6 hop-by-hop options").problem == "is longer than the packet");
  }
  SECTION("no checksum") {
    udp[6] = udp[7] = 0;
    CHECK(layer(lab::dissect(ip_frame(ends, wire::IpProtocol::udp, udp)), "UDP").problem ==
          "no checksum over IPv6");
  }
}

TEST_CASE("dissect: TCP with its options, every field") {
  wire::TcpRepr repr;
  repr.source_port = 40000;
  repr.destination_port = 80;
  repr.sequence = {1};
  repr.window = 64240;
  repr.flags.syn = true;
  repr.options.mss = 1460;
  repr.options.window_scale = 7;
  repr.options.sack_permitted = true;
  repr.options.timestamps = wire::TcpTimestamps{100, 200};
  const PacketEnds ends = between("172.17.0.2", "1.1.1.1");
  const Dissection syn = lab::dissect(tcp_frame(ends, repr));
  CHECK(syn.summary == "TCP 40000 > 80 SYN seq 1 win 64240");
  Lines shown = lines(layer(syn, "TCP"));
  CHECK(shown[7].starts_with("checksum: 0x"));
  shown.erase(shown.begin() + 7);
  std::sort(shown.begin() + 8, shown.end());
  CHECK(shown == Lines{"source port: 40000", "destination port: 80", "sequence number: 1",
                       "acknowledgment number: 0", "data offset: 40 bytes", "flags: SYN",
                       "window: 64240", "urgent pointer: 0", "SACK permitted: yes",
                       "maximum segment size: 1460", "timestamps: TSval 100 TSecr 200",
                       "window scale: 7"});

  repr.flags = {};
  repr.flags.ack = repr.flags.psh = true;
  repr.acknowledgement = {9};
  repr.options = {};
  repr.options.add_sack({{10}, {20}});
  repr.options.add_sack({{30}, {40}});
  const Dissection text = lab::dissect(tcp_frame(ends, repr, as_bytes("hi")));
  CHECK(text.summary == "TCP 40000 > 80 PSH ACK seq 1 ack 9 win 64240 len 2");
  CHECK(value(layer(text, "TCP"), "SACK") == "10-20 30-40");
  CHECK(layer(text, "data").fields.size() == 2);
}

TEST_CASE("dissect: TCP that is wrong") {
  wire::TcpRepr repr;
  repr.flags.syn = true;
  repr.options.mss = 1460;
  Bytes frame = tcp_frame(between("172.17.0.2", "1.1.1.1"), repr);
  SECTION("checksum") {
    frame[50] ^= 1;
    CHECK(layer(lab::dissect(frame), "TCP").problem.starts_with("checksum is 0x"));
  }
  SECTION("an option of a wrong length") {
    frame[55] = 3;
    CHECK(layer(lab::dissect(frame), "TCP").problem.starts_with("option 2 has length 3"));
  }
  SECTION("an option longer than the header") {
    frame[55] = 30;
    CHECK(layer(lab::dissect(frame), "TCP").problem.starts_with("option 2 does not fit"));
  }
  SECTION("data offset too small, too large") {
    frame[46] = 0x40;
    CHECK(layer(lab::dissect(frame), "TCP").problem.starts_with("data offset is below 20 bytes"));
    frame[46] = 0xf0;
    CHECK(layer(lab::dissect(frame), "TCP").problem.starts_with("header is longer than"));
  }
}

TEST_CASE("dissect: ICMP echo and errors with the quoted packet") {
  const PacketEnds ends = between("172.17.0.1", "172.17.0.2");
  const Dissection echo = lab::dissect(echo_frame(ends, true, 1, 2, pattern(3)));
  CHECK(echo.summary == "ICMP echo request id 1 seq 2");
  CHECK(lines(layer(echo, "ICMP")) == Lines{"type: 8 echo request", "code: 0", "checksum: 0xf5fb",
                                            "identifier: 1", "sequence number: 2"});
  const Bytes udp = udp_frame(between("172.17.0.2", "1.1.1.1"), 4000, 53, pattern(100));
  const auto error = [&](const wire::IcmpRepr& repr, std::size_t size) {
    return lab::dissect(icmp_frame(ends, repr, ByteView(udp).subspan(14, size)));
  };
  const Dissection refused = error(wire::IcmpRepr::unreachable(wire::IcmpUnreachable::port), 28);
  CHECK(refused.summary == "ICMP port unreachable (UDP 172.17.0.2:4000 > 1.1.1.1:53)");
  CHECK(protocols(refused) == Lines{"Ethernet", "IPv4", "ICMP", "quoted IPv4", "quoted UDP"});
  CHECK(refused.source == "172.17.0.1");
  CHECK(layer(refused, "quoted IPv4").problem.empty());
  CHECK(error(wire::IcmpRepr::unreachable(wire::IcmpUnreachable::fragmentation_needed, 1400), 28)
            .summary == "ICMP fragmentation needed mtu 1400 (UDP 172.17.0.2:4000 > 1.1.1.1:53)");
  CHECK(error(wire::IcmpRepr::time_exceeded(wire::IcmpTimeExceeded::ttl), 28).summary ==
        "ICMP TTL exceeded (UDP 172.17.0.2:4000 > 1.1.1.1:53)");
  CHECK(error(wire::IcmpRepr::unreachable(wire::IcmpUnreachable::host), 21).summary ==
        "ICMP host unreachable (UDP 172.17.0.2 > 1.1.1.1)");
  Bytes unknown = echo_frame(ends, true, 1, 2);
  unknown[34] = 42;
  CHECK(lab::dissect(unknown).summary.starts_with("ICMP type 42 [ICMP: checksum is"));
}

TEST_CASE("dissect: a quote within a quote is data") {
  const PacketEnds ends = between("172.17.0.1", "172.17.0.2");
  Bytes frame = udp_frame(ends, 1, 2, {});
  for (int i = 0; i < 20; ++i)
    frame = icmp_frame(ends, wire::IcmpRepr::unreachable(wire::IcmpUnreachable::port),
                       ByteView(frame).subspan(14));
  const Dissection got = lab::dissect(frame);
  CHECK(protocols(got) ==
        Lines{"Ethernet", "IPv4", "ICMP", "quoted IPv4", "quoted ICMP", "quoted data"});
}

TEST_CASE("dissect: ICMPv6 and neighbour discovery") {
  const PacketEnds ends = between("fe80::2", "fe80::1");
  CHECK(lab::dissect(echo_frame(ends, false, 7, 8)).summary == "ICMPv6 echo reply id 7 seq 8");

  wire::NeighbourSolicitationRepr ask;
  ask.target = ip6("fe80::1");
  ask.options.source_link = mac("02:00:00:00:00:01");
  const Dissection solicitation = lab::dissect(ndp_frame(ends, ask));
  CHECK(solicitation.summary == "NDP neighbour solicitation fe80::1");
  CHECK(value(layer(solicitation, "ICMPv6"), "source link-layer address") == "02:00:00:00:00:01");

  wire::NeighbourAdvertisementRepr tell;
  tell.target = ip6("fe80::2");
  tell.solicited = tell.overrides = true;
  CHECK(value(layer(lab::dissect(ndp_frame(ends, tell)), "ICMPv6"), "flags") ==
        "solicited override");

  wire::RouterAdvertisementRepr router;
  router.lifetime_s = 1800;
  router.options.mtu = 1500;
  router.options.add_prefix({ip6("fd00::"), 64, true, true, 86400, 14400});
  router.options.add_dns_server(ip6("fd00::1"));
  router.options.dns_lifetime_s = 600;
  const Dissection advertisement = lab::dissect(ndp_frame(ends, router));
  CHECK(advertisement.summary == "NDP router advertisement lifetime 1800 s prefix fd00::/64");
  const Layer& icmp = layer(advertisement, "ICMPv6");
  CHECK(icmp.problem.empty());
  CHECK(value(icmp, "MTU") == "1500");
  CHECK(value(icmp, "prefix information") ==
        "fd00::/64 on-link autonomous valid 86400 s preferred 14400 s");
  CHECK(value(icmp, "recursive DNS server") == "fd00::1 lifetime 600 s");

  Bytes endless = ndp_frame(ends, ask);
  endless[14 + 40 + 25] = 0;  // the option's length
  CHECK(layer(lab::dissect(endless), "ICMPv6").problem.ends_with("option of a bad length"));

  const Bytes quoted = udp_frame(between("fd00::2", "2001:db8::1"), 4000, 53, pattern(9));
  CHECK(lab::dissect(icmpv6_frame(ends, wire::Icmpv6Repr::packet_too_big(1280),
                                  ByteView(quoted).subspan(14)))
            .summary == "ICMPv6 packet too big mtu 1280 (UDP [fd00::2]:4000 > [2001:db8::1]:53)");
}
