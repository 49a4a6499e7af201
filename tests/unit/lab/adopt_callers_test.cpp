#include "lab/adopt/adopt_callers.h"

#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "lab/adopt/adopt.h"
#include "tests/support/capture_builder.h"

namespace pontoon::test {
namespace {

const MacAddress kServer{{2, 0, 0, 0, 0, 9}};
constexpr wire::TcpFlags kSyn{.syn = true};
constexpr wire::TcpFlags kAck{.ack = true};
constexpr wire::TcpFlags kFinAck{.fin = true, .ack = true};

// From outside to the endpoint; its segments, by the caller's sequence number.
PacketEnds call_from(const std::string& caller, const std::string& callee = "172.17.0.9") {
  return outwards(kServer, callee, caller).reversed();
}

Bytes part(const PacketEnds& ends, std::uint16_t port, std::uint32_t sequence, wire::TcpFlags flags,
           std::string_view text = {}) {
  wire::TcpRepr repr;
  repr.source_port = port;
  repr.destination_port = 80;
  repr.sequence = {sequence};
  repr.flags = flags;
  repr.window = 65535;
  return tcp_frame(ends, repr, to_bytes(as_bytes(text)));
}

const MacAddress kNeighbour{{2, 0, 0, 0, 0, 8}};

// As `pontoon capture` marks it: an interface for each endpoint, and what came in there.
void mark(lab::CaptureFile& file) {
  file.interfaces.clear();
  file.interfaces.push_back(
      {"web", "", capture::LinkType::ethernet, 0, kServer, IpPrefix::parse("172.17.0.9/16")});
  file.interfaces.push_back(
      {"db", "", capture::LinkType::ethernet, 0, kNeighbour, IpPrefix::parse("172.17.0.8/16")});
  for (capture::Packet& packet : file.packets) {
    const MacAddress source = MacAddress::from(ByteView(packet.bytes).subspan(6, 6));
    packet.interface = source == kNeighbour ? 1 : 0;
    const bool own = source == kServer || source == kNeighbour;
    packet.direction = own ? capture::Direction::outbound : capture::Direction::inbound;
  }
}

// The endpoint is known by what it sends.
void introduce(CaptureBuilder& capture) {
  capture.add(udp_frame(outwards(kServer, "172.17.0.9", "172.17.0.1"), 1000, 53, pattern(20)));
}

lab::Case adopted(CaptureBuilder& capture) {
  mark(capture.file());
  lab::normalise(capture.file());
  auto made = lab::adopt(capture.file(), {});
  if (!made) FAIL(made.error().message);
  return made->description;
}

}  // namespace

TEST_CASE("callers: a connection from outside comes through a published port, as it was") {
  CaptureBuilder capture;
  introduce(capture);
  const PacketEnds ends = call_from("198.51.100.7");
  capture.add(part(ends, 5000, 100, kSyn))
      .add(part(ends, 5000, 100, kSyn))  // again
      .add(part(ends, 5000, 101, kAck, "GET "))
      .add(part(ends, 5000, 101, kAck, "GET "))
      .add(part(ends, 5000, 105, kAck, "/"))
      .add(part(ends, 5000, 106, kFinAck));
  const lab::Case made = adopted(capture);
  REQUIRE(made.endpoints.size() == 1);
  CHECK(made.endpoints[0].request.publish == std::vector<std::string>{"20000:80"});
  REQUIRE(made.clients.size() == 1);
  CHECK(made.clients[0].after == std::chrono::milliseconds(10));
  const lab::TcpClient& client = *made.clients[0].tcp;
  CHECK(client.from.to_string() == "198.51.100.7:5000");
  CHECK(client.to.to_string() == "192.0.2.1:20000");
  CHECK(client.send == "GET /");
  CHECK(client.shut_down);
}

TEST_CASE("callers: what was lost ends the text, and who has not ended does not end") {
  CaptureBuilder capture;
  introduce(capture);
  const PacketEnds ends = call_from("198.51.100.7");
  capture.add(part(ends, 5000, 100, kSyn))
      .add(part(ends, 5000, 101, kAck, "one"))
      .add(part(ends, 5000, 110, kAck, "three"))
      .add(part(ends, 5000, 115, kFinAck));
  const lab::Case made = adopted(capture);
  REQUIRE(made.clients.size() == 1);
  CHECK(made.clients[0].tcp->send == "one");
  CHECK_FALSE(made.clients[0].tcp->shut_down);
}

TEST_CASE("callers: two from one port, and one by the host's loopback") {
  CaptureBuilder capture;
  introduce(capture);
  const PacketEnds ends = call_from("198.51.100.7");
  const PacketEnds local = call_from("172.17.0.1");
  capture.add(part(ends, 5000, 100, kSyn))
      .add(part(ends, 5000, 200, kSyn))
      .add(part(ends, 5000, 201, kAck, "second"))
      .add(part(local, 5002, 400, kSyn));
  const lab::Case made = adopted(capture);
  CHECK(made.endpoints[0].request.publish.size() == 1);
  REQUIRE(made.clients.size() == 3);
  CHECK(made.clients[0].tcp->send.empty());
  CHECK(made.clients[1].tcp->send == "second");
  CHECK(made.clients[2].tcp->from.to_string() == "127.0.0.1:5002");
  CHECK(made.clients[2].tcp->to.to_string() == "127.0.0.1:20000");
}

TEST_CASE("callers: neighbours, strangers' addresses and pieces without a beginning are none") {
  CaptureBuilder capture;
  introduce(capture);
  capture.add(udp_frame(outwards(kNeighbour, "172.17.0.8", "172.17.0.1"), 1000, 53, pattern(20)));
  PacketEnds beside = call_from("172.17.0.8");
  beside.source_mac = kNeighbour;
  capture.add(part(beside, 5000, 100, kSyn))
      .add(part(call_from("198.51.100.7", "172.17.0.77"), 5000, 100, kSyn))
      .add(part(call_from("198.51.100.7"), 5000, 100, kAck, "middle"));
  const lab::Case made = adopted(capture);
  CHECK(made.clients.empty());
  for (const lab::CaseEndpoint& endpoint : made.endpoints)
    CHECK(endpoint.request.publish.empty());
}

TEST_CASE("callers: kCaseActors bounds a scan") {
  CaptureBuilder capture;
  introduce(capture);
  const PacketEnds ends = call_from("198.51.100.7");
  for (unsigned i = 0; i < limits::kCaseActors + 10; ++i)
    capture.add(part(ends, static_cast<std::uint16_t>(1000 + i), 100, kSyn));
  CHECK(adopted(capture).clients.size() == limits::kCaseActors);
}

}  // namespace pontoon::test
