#include "lab/dissect/dissect.h"

#include <catch2/catch.hpp>

#include "tests/support/dns.h"
#include "tests/support/hex.h"
#include "tests/support/packets.h"
#include "tests/unit/lab/dissect_lines.h"

using namespace pontoon;
using namespace pontoon::test;

namespace {

// A UDP frame from port 68 to 67 with these bytes behind the magic cookie.
Bytes dhcp_frame(std::string_view options, std::uint8_t op = 1, std::string_view file = "") {
  Bytes message(240);
  message[0] = op;
  message[1] = 1;
  message[2] = 6;
  store_be<std::uint32_t>(message.data() + 4, 0x12345678);
  store_be<std::uint16_t>(message.data() + 10, 0x8000);
  const Bytes client = unhex("020000000001");
  std::copy(client.begin(), client.end(), message.begin() + 28);
  const Bytes in_file = unhex(file);
  std::copy(in_file.begin(), in_file.end(), message.begin() + 108);
  if (op == 2) store_be<std::uint32_t>(message.data() + 16, 0xac110002);
  store_be<std::uint32_t>(message.data() + 236, 0x63825363);
  return udp_frame(between("172.17.0.1", "172.17.0.2"), op == 1 ? 68 : 67, op == 1 ? 67 : 68,
                   joined(message, unhex(options)));
}

Dissection dns(const Bytes& message, bool response = false) {
  const PacketEnds ends = between("172.17.0.2", "172.17.0.1");
  return lab::dissect(response ? udp_frame(ends.reversed(), 53, 40000, message)
                               : udp_frame(ends, 40000, 53, message));
}

}  // namespace

TEST_CASE("dissect: DHCP, every field of an offer") {
  const Dissection got = lab::dissect(dhcp_frame(
      "350102 3604ac110001 3304 00000e10 0104ffff0000 0304ac110001 0604ac110001 0f07 6465666175"
      "6c74 1a0205dc ff",
      2));
  CHECK(got.summary == "DHCP OFFER 172.17.0.2 mask /16 router 172.17.0.1 lease 3600 s");
  CHECK(lines(layer(got, "DHCP")) == Lines{"op: 2 BOOTREPLY",
                                           "htype: 1",
                                           "hlen: 6",
                                           "hops: 0",
                                           "xid: 0x12345678",
                                           "secs: 0",
                                           "flags: broadcast",
                                           "ciaddr: 0.0.0.0",
                                           "yiaddr: 172.17.0.2",
                                           "siaddr: 0.0.0.0",
                                           "giaddr: 0.0.0.0",
                                           "chaddr: 02:00:00:00:00:01",
                                           "magic cookie: 0x63825363",
                                           "file: \"\"",
                                           "sname: \"\"",
                                           "message type (53): 2 OFFER",
                                           "server identifier (54): 172.17.0.1",
                                           "lease time (51): 3600 s",
                                           "subnet mask (1): 255.255.0.0 (/16)",
                                           "router (3): 172.17.0.1",
                                           "domain name server (6): 172.17.0.1",
                                           "domain name (15): \"default\"",
                                           "interface MTU (26): 1500"});
}

TEST_CASE("dissect: what DHCP clients say") {
  CHECK(lab::dissect(dhcp_frame("350101 3204ac110005 0c03776562 ff")).summary ==
        "DHCP DISCOVER 172.17.0.5 name web");
  CHECK(lab::dissect(dhcp_frame("350103 3204ac110005 3604ac110001 ff")).summary ==
        "DHCP REQUEST 172.17.0.5 server 172.17.0.1");
  CHECK(lab::dissect(dhcp_frame("350106 3802 6e6f ff", 2)).summary == "DHCP NAK 172.17.0.2 \"no\"");
  CHECK(lab::dissect(dhcp_frame("35014d ff")).summary == "DHCP type 77");
  CHECK(lab::dissect(dhcp_frame("ff")).summary == "BOOTP request");
}

TEST_CASE("dissect: DHCP options by name and kind") {
  const Dissection got = lab::dissect(
      dhcp_frame("350101 37050103060f77 390205dc 3d0701020000000001 3c05 7564686370 ff"));
  const Layer& dhcp = layer(got, "DHCP");
  CHECK(value(dhcp, "parameter request list (55)") == "1 3 6 15 119");
  CHECK(value(dhcp, "maximum message size (57)") == "1500");
  CHECK(value(dhcp, "client identifier (61)") == "1 02:00:00:00:00:01");
  CHECK(value(dhcp, "vendor class identifier (60)") == "\"udhcp\"");
  const Dissection routes = lab::dissect(dhcp_frame("790d 18c0a801 ac110001 00ac110001 ff"));
  CHECK(value(layer(routes, "DHCP"), "classless static route (121)") ==
        "192.168.1.0/24 via 172.17.0.1, 0.0.0.0/0 via 172.17.0.1");
  const Dissection search =
      lab::dissect(dhcp_frame("7709 036c616203636f6d00 5000 c80401020304 ff"));
  CHECK(value(layer(search, "DHCP"), "domain search (119)") == "lab.com");
  CHECK(value(layer(search, "DHCP"), "rapid commit (80)") == "yes");
  CHECK(value(layer(search, "DHCP"), "option (200)") == "01 02 03 04");
  const Dissection wrong = lab::dissect(dhcp_frame("3303000001 ff"));
  CHECK(value(layer(wrong, "DHCP"), "lease time (51)") == "00 00 01 (3 bytes, a wrong length)");
}

TEST_CASE("dissect: DHCP overload, split options and broken ends") {
  SECTION("options continue in file; a split one is whole again") {
    const Dissection got =
        lab::dissect(dhcp_frame("350101 340101 0c02 7765 ff", 1, "0c0162 0f0164 ff"));
    CHECK(value(layer(got, "DHCP"), "host name (12)") == "\"web\" (in 2 parts)");
    CHECK(value(layer(got, "DHCP"), "domain name (15)") == "\"d\"");
    CHECK(value(layer(got, "DHCP"), "file") == "(absent)");
    CHECK(layer(got, "DHCP").problem.empty());
  }
  SECTION("no END") {
    CHECK(layer(lab::dissect(dhcp_frame("350101")), "DHCP").problem == "no END in options");
  }
  SECTION("a length beyond the end") {
    const Dissection got = lab::dissect(dhcp_frame("350101 0c0977 65"));
    CHECK(layer(got, "DHCP").problem == "option 12 in options says 9 bytes, but 2 bytes are there");
    CHECK(value(layer(got, "DHCP"), "host name (12)") == "\"we\"");
  }
  SECTION("a code without a length") {
    CHECK(layer(lab::dissect(dhcp_frame("350101 0c")), "DHCP").problem ==
          "option 12 in options has no length");
  }
  SECTION("another cookie") {
    Bytes frame = dhcp_frame("350101 ff");
    frame[42 + 236] = 0;
    frame[40] = frame[41] = 0;  // no UDP checksum
    CHECK(lab::dissect(frame).summary == "BOOTP request [DHCP: not DHCP's magic cookie]");
  }
  SECTION("hostile names steer no terminal") {
    const Dissection got = lab::dissect(dhcp_frame("350101 0c06 1b5b324a220a ff"));
    CHECK(value(layer(got, "DHCP"), "host name (12)") == "\"\\x1b[2J\\x22\\x0a\"");
    CHECK(got.summary == "DHCP DISCOVER name \\x1b[2J\\x22\\x0a");
  }
}

TEST_CASE("dissect: DNS questions and answers") {
  DnsMessage query = question("web.default");
  query.opt = DnsMessage::Opt{1232, 0, 0, true, unhex("000a 0002 abcd")};
  const Dissection asked = dns(encode(query));
  CHECK(asked.summary == "DNS A? web.default");
  CHECK(lines(layer(asked, "DNS")) == Lines{"id: 0x1234", "opcode: QUERY", "flags: RD",
                                            "counts: 1 0 0 1", "question: web.default IN A",
                                            "EDNS: version 0 payload 1232 DO option 10 [ab cd]",
                                            "rcode: NOERROR"});

  DnsMessage answer = response_to(encode(question("web.default")));
  answer.answers = {address_record("web.default", 60, "172.17.0.2"),
                    address_record("web.default", 60, "172.17.0.3")};
  const Dissection answered = dns(encode(answer), true);
  CHECK(answered.summary == "DNS NOERROR web.default A 172.17.0.2, A 172.17.0.3");
  CHECK(lines(layer(answered, "DNS")) ==
        Lines{"id: 0x1234", "opcode: QUERY", "flags: QR RD RA", "counts: 1 2 0 0",
              "question: web.default IN A", "answer: web.default 60 IN A 172.17.0.2",
              "answer: web.default 60 IN A 172.17.0.3", "rcode: NOERROR"});

  DnsMessage stray = response_to(encode(question("web")));
  stray.answers = {name_record("WEB", 5, 60, "other"), address_record("other", 60, "172.17.0.2"),
                   address_record("stray", 60, "172.17.0.3")};
  CHECK(dns(encode(stray), true).summary ==
        "DNS NOERROR web CNAME other, A 172.17.0.2, stray A 172.17.0.3");

  DnsMessage none = response_to(encode(question("x", 28)), 3);
  none.authorities = {soa_record("default", 300, 60)};
  const Dissection refused = dns(encode(none), true);
  CHECK(refused.summary == "DNS NXDOMAIN AAAA? x");
}

TEST_CASE("dissect: the data of every record type") {
  const auto data = [](std::uint16_t type, std::string_view bytes) {
    DnsMessage message = response_to(encode(question("x", type)));
    message.answers = {{"x", type, 1, 5, unhex(bytes), ""}};
    const Dissection got = dns(encode(message), true);
    std::string text = value(layer(got, "DNS"), "answer");
    if (!layer(got, "DNS").problem.empty()) text += " PROBLEM " + layer(got, "DNS").problem;
    return text;
  };
  CHECK(data(28, "fd000000000000000000000000000001") == "x 5 IN AAAA fd00::1");
  CHECK(data(5, "0377656200") == "x 5 IN CNAME web");
  CHECK(data(12, "c00c") == "x 5 IN PTR x");  // compressed
  CHECK(data(2, "026e730178 00") == "x 5 IN NS ns.x");
  CHECK(data(15, "000a 046d61696c00") == "x 5 IN MX 10 mail");
  CHECK(data(16, "0268690122 00") == "x 5 IN TXT \"hi\" \"\\x22\" \"\"");
  CHECK(data(33, "0001 0002 01bb 0377656200") == "x 5 IN SRV 1 2 443 web");
  CHECK(data(6, "0161000162 00 00000001000000020000000300000004 00000005") ==
        "x 5 IN SOA a b 1 2 3 4 5");
  CHECK(data(999, "c0ffee") == "x 5 IN TYPE999 \\# 3 c0ffee");
  CHECK(data(1, "0102") == "x 5 IN A \\# 2 0102 PROBLEM bad A data at byte 19");
  CHECK(data(5, "c0ff") == "x 5 IN CNAME \\# 2 c0ff PROBLEM bad CNAME data at byte 19");
}

TEST_CASE("dissect: DNS that is wrong") {
  SECTION("shorter than a header") {
    CHECK(layer(dns(unhex("1234")), "DNS").problem == "2 bytes, less than a header");
  }
  SECTION("a name that points to itself") {
    const Dissection got = dns(unhex("1234 0100 0001 0000 0000 0000 c00c 0001 0001"));
    CHECK(layer(got, "DNS").problem == "bad question at byte 12");
    CHECK(got.summary == "DNS query without a question [DNS: bad question at byte 12]");
  }
  SECTION("counts that promise more than there is") {
    const Dissection got = dns(unhex("1234 8180 0000 ffff ffff ffff"), true);
    CHECK(layer(got, "DNS").problem == "bad answer at byte 12");
  }
  SECTION("bytes left over") {
    Bytes message = encode(question("web"));
    message.push_back(0xaa);
    CHECK(value(layer(dns(message), "DNS"), "behind the message") == "aa");
  }
  SECTION("other opcodes, classes, two questions") {
    CHECK(dns(unhex("0001 2000 0001 0000 0000 0000 0161 00 0006 0001")).summary ==
          "DNS NOTIFY SOA? a");
    CHECK(dns(unhex("0001 0000 0002 0000 0000 0000 0161 00 0010 0003 0162 00 0001 0001")).summary ==
          "DNS CH TXT? a, A? b");
  }
  SECTION("hostile labels") {
    const std::string shown =
        dns(unhex("0001 0000 0001 0000 0000 0000 041b0a222e 00 0001 0001")).summary;
    for (const char letter : shown)
      CHECK((letter >= 0x20 && letter < 0x7f));
  }
}

TEST_CASE("dissect: DNS over TCP, as far as whole messages begin here") {
  const PacketEnds ends = between("172.17.0.2", "172.17.0.1");
  wire::TcpRepr repr;
  repr.source_port = 40000;
  repr.destination_port = 53;
  repr.flags.ack = true;
  const Bytes message = encode(question("web"));
  Bytes framed(2);
  store_be(framed.data(), static_cast<std::uint16_t>(message.size()));
  framed = joined(framed, message);
  const Dissection two = lab::dissect(tcp_frame(ends, repr, joined(framed, framed)));
  CHECK(protocols(two) == Lines{"Ethernet", "IPv4", "TCP", "DNS", "DNS"});
  CHECK(two.summary == "TCP 40000 > 53 ACK seq 0 ack 0 win 0 len 46 (DNS A? web, DNS A? web)");
  const Dissection part = lab::dissect(tcp_frame(ends, repr, ByteView(framed).first(5)));
  CHECK(protocols(part) == Lines{"Ethernet", "IPv4", "TCP", "data"});
  CHECK(part.summary == "TCP 40000 > 53 ACK seq 0 ack 0 win 0 len 5");
}
