#include <catch2/catch.hpp>

#include "lab/dissect/dissect.h"
#include "tests/support/hex.h"
#include "tests/support/packets.h"

using namespace pontoon;
using namespace pontoon::test;

TEST_CASE("side by side: only what differs is spread out") {
  const Bytes expected = udp_frame(between("172.17.0.2", "172.17.0.1"), 4000, 7, as_bytes("hello"));
  const Bytes got = udp_frame(between("172.17.0.2", "172.17.0.1"), 4000, 9, as_bytes("hallo"));
  CHECK(lab::side_by_side(expected, got, 80) ==
        "  expected                              | got\n"
        "! UDP 4000 > 7 len 5                    | UDP 4000 > 9 len 5\n"
        "  Ethernet: equal\n"
        "  IPv4: equal\n"
        "! UDP                                   | UDP\n"
        "!   destination port: 7                 |   destination port: 9\n"
        "!   checksum: 0x5435                    |   checksum: 0x5437\n"
        "    2 fields equal\n"
        "! data                                  | data\n"
        "!   0000: 68 65 6c 6c 6f |hello|        |   0000: 68 61 6c 6c 6f |hallo|\n"
        "    1 field equal\n");
}

TEST_CASE("side by side: a frame that is missing") {
  const Bytes frame = arp_frame({wire::ArpOperation::reply, mac("02:00:00:00:00:01"),
                                 ip4("172.17.0.1"), mac("02:00:00:00:00:02"), ip4("172.17.0.2")});
  const std::string text = lab::side_by_side(frame, {}, 100);
  CHECK(
      text.starts_with("  expected                                        | got\n"
                       "! ARP 172.17.0.1 is at 02:00:00:00:00:01          | (no frame)\n"
                       "! Ethernet                                        |\n"
                       "!   destination: 02:00:00:00:00:02                |\n"));
  CHECK(text.ends_with("!   target protocol address: 172.17.0.2           |\n"));
  CHECK(lab::side_by_side({}, frame, 100)
            .find("\n!                                                 "
                  "| Ethernet\n") != std::string::npos);
}

TEST_CASE("side by side: equal frames, and bytes that no field shows") {
  const Bytes frame = udp_frame(between("172.17.0.2", "172.17.0.1"), 4000, 7, {});
  CHECK(lab::side_by_side(frame, frame, 80).find('!') == std::string::npos);
  const std::string text =
      lab::side_by_side(joined(frame, unhex("00ff")), joined(frame, unhex("0000")), 80);
  CHECK(text ==
        "  expected                              | got\n"
        "  UDP 4000 > 7 len 0                    | UDP 4000 > 7 len 0\n"
        "  Ethernet: equal\n"
        "  IPv4: equal\n"
        "  UDP: equal\n"
        "! bytes from 43                         | bytes from 43\n"
        "!   ff                                  |   00\n");
}

TEST_CASE("side by side: fields in another order, and other protocols") {
  const PacketEnds ends = between("172.17.0.2", "172.17.0.1");
  Bytes dhcp(240);
  dhcp[0] = 1;
  store_be<std::uint32_t>(dhcp.data() + 236, 0x63825363);
  const Bytes one = udp_frame(ends, 68, 67, joined(dhcp, unhex("350101 0c0161 ff")));
  const Bytes other = udp_frame(ends, 68, 67, joined(dhcp, unhex("0c0161 350101 ff")));
  const std::string text = lab::side_by_side(one, other, 200);
  CHECK(text.find("!   in the order op, htype") != std::string::npos);
  CHECK(text.find("message type (53), host name (12)") != std::string::npos);

  const std::string parted = lab::side_by_side(one, echo_frame(ends, true, 1, 2), 80);
  CHECK(parted.find("! UDP                                   | ICMP\n") != std::string::npos);
}

TEST_CASE("side by side: a long value goes on in the next line") {
  const PacketEnds ends = between("172.17.0.2", "172.17.0.1");
  const std::string text = lab::side_by_side(udp_frame(ends, 1, 2, pattern(8)),
                                             udp_frame(ends, 1, 2, pattern(8, 1)), 40);
  CHECK(text.find("!   0000: 00 01 02  |   0000: 01 02 03\n"
                  "! 03 04 05 06 07 |. | 04 05 06 07 08 |.\n"
                  "! .......|          | .......|\n") != std::string::npos);
}
