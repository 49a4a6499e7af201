#include <catch2/catch.hpp>

#include <algorithm>

#include "lab/adopt/adopt.h"
#include "tests/support/capture_builder.h"
#include "tests/support/dhcp_talk.h"
#include "tests/support/dns.h"

namespace pontoon::test {
namespace {

using lab::normalise;

bool says(const std::vector<std::string>& notes, const std::string& what) {
  return std::any_of(notes.begin(), notes.end(),
                     [&](const std::string& note) { return note.find(what) != std::string::npos; });
}

Bytes without_ethernet(const Bytes& frame) {
  return Bytes(frame.begin() + 14, frame.end());
}

Bytes query_frame(const PacketEnds& ends) {
  return udp_frame(ends, 40000, 53, encode(question("example.com")));
}

Dissected frame_at(const CaptureBuilder& capture, std::size_t index) {
  Dissected out = dissect(capture.file().packets[index].bytes);
  CHECK(out.problem.empty());
  return out;
}

TEST_CASE("normalise: plain Ethernet stays as it is") {
  CaptureBuilder capture;
  capture.add(dhcp_frame(DhcpClient::numbered(1).discover()))
      .add(query_frame(outwards(DhcpClient::numbered(1).mac, "192.168.1.5", "8.8.8.8")))
      .add(Bytes{1, 2, 3});
  const std::vector<capture::Packet> before = capture.file().packets;
  CHECK(normalise(capture.file()).empty());
  for (std::size_t i = 0; i < before.size(); ++i)
    CHECK(capture.file().packets[i].bytes == before[i].bytes);
}

TEST_CASE("normalise: raw IP gets headers, a DHCP client its own MAC") {
  const DhcpClient client = DhcpClient::numbered(1);
  CaptureBuilder capture(capture::LinkType::raw);
  dhcp::Message renewal = client.renew(ip4("10.0.0.5"));
  capture.add(without_ethernet(dhcp_frame(client.discover())))
      .add(without_ethernet(dhcp_frame(renewal, "10.0.0.1")))
      .add(without_ethernet(query_frame(outwards(client.mac, "10.0.0.5", "10.0.0.1"))))
      .add(without_ethernet(query_frame(outwards(client.mac, "10.0.0.6", "10.0.0.1"))))
      .add(Bytes{0x45, 0});
  const auto notes = normalise(capture.file());
  CHECK(says(notes, "5 packets had no Ethernet header"));
  CHECK(capture.file().interfaces[0].link_type == capture::LinkType::ethernet);
  CHECK(frame_at(capture, 0).ethernet->source == client.mac);
  CHECK(frame_at(capture, 0).ethernet->destination == MacAddress::broadcast());
  CHECK(frame_at(capture, 1).ethernet->source == client.mac);
  CHECK(frame_at(capture, 2).ethernet->source == client.mac);
  CHECK(frame_at(capture, 3).ethernet->source == mac("02:00:0a:00:00:06"));
  CHECK(frame_at(capture, 3).ethernet->destination == mac("02:00:0a:00:00:01"));
  CHECK(capture.file().packets[0].original_length == capture.file().packets[0].bytes.size());
}

TEST_CASE("normalise: VLAN tags go, stacked ones too") {
  const Bytes plain = dhcp_frame(DhcpClient::numbered(1).discover());
  CaptureBuilder capture;
  capture.add(tagged(plain, 42)).add(tagged(tagged(plain, 7), 42)).add(tagged(plain, 3));
  capture.file().packets[2].bytes.resize(16);
  const auto notes = normalise(capture.file());
  CHECK(says(notes, "2 packets had VLAN tags"));
  CHECK(capture.file().packets[0].bytes == plain);
  CHECK(capture.file().packets[1].bytes == plain);
  CHECK_FALSE(capture.file().packets[1].cut());
  CHECK(capture.file().packets[2].cut());
}

TEST_CASE("normalise: the loopback network becomes one that may stand on a wire") {
  PacketEnds ends = between("127.0.0.1", "127.0.0.53");
  ends.source_mac = ends.target_mac = MacAddress{};
  PacketEnds self = ends;
  self.target = self.source;
  CaptureBuilder capture;
  capture.add(query_frame(ends)).add(query_frame(self));
  capture.add(udp_frame(self, 53, 40000, pattern(20)));
  CHECK(says(normalise(capture.file()), "3 packets went over the loopback network"));
  CHECK(frame_at(capture, 0).source == ip("10.127.0.1"));
  CHECK(frame_at(capture, 0).target == ip("10.127.0.53"));
  CHECK(frame_at(capture, 0).ethernet->source == mac("02:00:0a:7f:00:01"));
  CHECK(frame_at(capture, 1).source == ip("10.127.0.1"));
  CHECK(frame_at(capture, 1).target == ip("10.127.0.129"));
  CHECK(frame_at(capture, 2).source == ip("10.127.0.129"));
  CHECK(frame_at(capture, 2).ethernet->destination == frame_at(capture, 1).ethernet->source);
}

TEST_CASE("normalise: who asks by DHCP stands in chaddr, whatever MAC carried it") {
  const MacAddress tool = mac("00:0c:29:99:99:99");
  CaptureBuilder capture;
  for (const unsigned number : {1U, 2U}) {
    Bytes frame = dhcp_frame(DhcpClient::numbered(number).discover());
    std::copy(tool.octets.begin(), tool.octets.end(), frame.begin() + 6);
    capture.add(frame);
  }
  dhcp::Message relayed = DhcpClient::numbered(3).discover();
  relayed.giaddr = ip4("10.0.0.1");
  Bytes frame = dhcp_frame(relayed);
  std::copy(tool.octets.begin(), tool.octets.end(), frame.begin() + 6);
  capture.add(frame);
  CHECK(says(normalise(capture.file()), "did not say who sent them"));
  CHECK(frame_at(capture, 0).ethernet->source == DhcpClient::numbered(1).mac);
  CHECK(frame_at(capture, 1).ethernet->source == DhcpClient::numbered(2).mac);
  CHECK(frame_at(capture, 2).ethernet->source == tool);  // a relay speaks for itself
}

TEST_CASE("normalise: one MAC at both ends is two stations") {
  const MacAddress tool = mac("00:0c:29:99:99:99");
  PacketEnds ends = between("10.0.0.5", "10.0.0.1");
  ends.source_mac = tool;
  ends.target_mac = MacAddress::broadcast();
  PacketEnds back = ends.reversed();
  back.source_mac = tool;
  back.target_mac = MacAddress::broadcast();
  const Bytes query = encode(question("example.com"));
  CaptureBuilder capture;
  capture.add(udp_frame(ends, 40000, 53, query))
      .add(udp_frame(back, 53, 40000, encode(response_to(query))));
  normalise(capture.file());
  CHECK(frame_at(capture, 0).ethernet->source == tool);
  CHECK(frame_at(capture, 0).ethernet->destination == mac("02:00:0a:00:00:01"));
  CHECK(frame_at(capture, 1).ethernet->source == mac("02:00:0a:00:00:01"));
}

TEST_CASE("normalise: checksums that were left to the network card are finished") {
  const PacketEnds ends = outwards(DhcpClient::numbered(1).mac, "192.168.1.5", "8.8.8.8");
  const Bytes whole = query_frame(ends);
  Bytes partial = whole;
  const auto length = whole.size() - 14 - 20;
  const auto sum =
      wire::Checksum::pseudo_header(ends.source, ends.target, wire::IpProtocol::udp, length);
  store_be(&partial[14 + 20 + 6], sum.folded());
  CaptureBuilder capture;
  capture.add(partial);
  CHECK(says(normalise(capture.file()), "1 packet had checksums"));
  CHECK(capture.file().packets[0].bytes == whole);
}

TEST_CASE("normalise: cooked captures keep the senders that they know") {
  const MacAddress client = DhcpClient::numbered(1).mac;
  const auto cooked = [](const MacAddress& sender, std::uint8_t kind, const Bytes& frame) {
    Bytes out{0, kind, 0, 1, 0, 6};
    out.insert(out.end(), sender.octets.begin(), sender.octets.end());
    out.insert(out.end(), {0, 0, 0x08, 0x00});
    out.insert(out.end(), frame.begin() + 14, frame.end());
    return out;
  };
  const PacketEnds ends = outwards(client, "192.168.1.5", "8.8.8.8");
  CaptureBuilder capture(capture::LinkType::linux_sll);
  capture.add(cooked(client, 4, query_frame(ends)))
      .add(cooked(kRouterMac, 0, udp_frame(ends.reversed(), 53, 40000, pattern(30))));
  normalise(capture.file());
  CHECK(frame_at(capture, 0).ethernet->source == client);
  CHECK(frame_at(capture, 1).ethernet->source == kRouterMac);
  CHECK(frame_at(capture, 1).ethernet->destination == client);
}

TEST_CASE("normalise: a packet of an interface that nobody declared stays as it is") {
  CaptureBuilder capture;
  capture.add(pattern(60));
  capture.file().packets[0].interface = 7;
  const Bytes before = capture.file().packets[0].bytes;
  normalise(capture.file());
  CHECK(capture.file().packets[0].bytes == before);
}

}  // namespace
}  // namespace pontoon::test
