// Limits of egress and publishing that no other conversation reaches.
#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "proxy/client_flow.h"
#include "proxy/egress.h"
#include "proxy/publisher.h"
#include "tests/support/proxy_world.h"

using namespace pontoon;
using namespace pontoon::proxy;
using test::at;
using test::ip;
using test::MemoryNetwork;
using test::RecordingSide;

namespace {

PolicyConfig policy() {
  PolicyConfig config;
  config.gateway = {ip("172.17.0.1")};
  config.networks = {*IpPrefix::parse("172.17.0.0/16")};
  config.host_v4 = ip("172.17.0.1");
  return config;
}

struct World {
  MemoryNetwork host;
  RecordingSide inside;
  TimerQueue timers;
  Egress egress{policy(), host, inside, timers};
  Instant now{};

  void say(const SocketAddress& from, const SocketAddress& to, std::string_view text) {
    stack::UdpDatagram datagram;
    datagram.source = from;
    datagram.target = to;
    datagram.payload = as_bytes(text);
    egress.on_datagram(datagram, now);
  }
};

class OneAcceptor final : public StreamAcceptor {
 public:
  void accept(std::unique_ptr<Stream> accepted, const SocketAddress&, Instant) noexcept override {
    stream = std::move(accepted);
  }
  std::unique_ptr<Stream> stream;
};

const SocketAddress kEndpoint = at("172.17.0.2", 5000);
const SocketAddress kServer = at("198.51.100.1", 7);

}  // namespace

TEST_CASE("kSocketErrorBatch errors of one socket are told in one visit",
          "[limit:kSocketErrorBatch]") {
  World world;
  world.say(kEndpoint, kServer, "a");
  const int socket = world.host.take_sent().at(0).socket;
  DatagramError refused;
  refused.target = kServer;
  refused.error = SocketError::refused;
  for (std::size_t i = 0; i < limits::kSocketErrorBatch + 3; ++i)
    REQUIRE(world.host.fail(socket, refused));
  world.egress.pump(world.now);
  CHECK(world.inside.errors.size() == limits::kSocketErrorBatch);
  CHECK(world.egress.has_work());
  world.egress.pump(world.now);
  CHECK(world.inside.errors.size() == limits::kSocketErrorBatch + 3);
  CHECK_FALSE(world.egress.has_work());
}

TEST_CASE("kTurnFlows sockets are visited in one turn, the others in the next",
          "[limit:kTurnFlows]") {
  World world;
  for (std::size_t i = 0; i < limits::kTurnFlows + 10; ++i)
    world.say({kEndpoint.ip, static_cast<std::uint16_t>(1000 + i)}, kServer, "a");
  for (const MemoryNetwork::Sent& sent : world.host.take_sent())
    REQUIRE(world.host.deliver_to(sent.socket, kServer, as_bytes("b")));
  world.egress.pump(world.now);
  CHECK(world.inside.datagrams.size() == limits::kTurnFlows);
  CHECK(world.egress.has_work());
  world.egress.pump(world.now);
  CHECK(world.inside.datagrams.size() == limits::kTurnFlows + 10);
}

TEST_CASE("a service at the gateway buffers kServicePipeBytes each way",
          "[limit:kServicePipeBytes]") {
  World world;
  OneAcceptor service;
  world.egress.register_tcp_service(53, service);
  auto stream = world.egress.open({kEndpoint, at("172.17.0.1", 53)}, world.now);
  REQUIRE(stream);
  REQUIRE(service.stream);
  CHECK((*stream)->write_room() == limits::kServicePipeBytes);
  CHECK(service.stream->write_room() == limits::kServicePipeBytes);
  test::write_all(**stream, std::string(limits::kServicePipeBytes, 'x'));
  CHECK((*stream)->write_room() == 0);
}

TEST_CASE("a port for both families is looked for kEphemeralPortTries times",
          "[limit:kEphemeralPortTries]") {
  World world;
  test::ToldFacts facts;
  PortTable ports;
  const PublisherConfig config{*IpPrefix::parse("172.17.0.1/16"), std::nullopt};
  Publisher publisher(config, world.host, world.inside, world.timers, ports, facts);
  world.host.set_next_ephemeral(40000);
  // The kernel offers 40000 and up for IPv4; a stranger has them over IPv6.
  for (unsigned i = 0; i < limits::kEphemeralPortTries; ++i)
    world.host.occupy(at("::", 40000 + i), Protocol::tcp);
  const auto specs = parse_publication("80");
  REQUIRE(specs);
  CHECK_FALSE(publisher.publish("web", {ip("172.17.0.2"), std::nullopt}, *specs));
  CHECK(world.host.open_sockets() == 0);
  CHECK(publisher.publish("web", {ip("172.17.0.2"), std::nullopt}, *specs));
}

TEST_CASE("kSourcePortProbes ports are looked at for a client, then it is refused",
          "[limit:kSourcePortProbes]") {
  SourcePorts ports;
  unsigned looked_at = 0;
  const auto all_taken = [&](const stack::FlowKey&) {
    ++looked_at;
    return true;
  };
  stack::FlowKey flow{at("172.17.0.1", 5000), at("172.17.0.2", 80)};
  CHECK_FALSE(ports.make_unique(flow, all_taken));
  CHECK(looked_at >= limits::kSourcePortProbes);
  CHECK(looked_at <= limits::kSourcePortProbes + 1);  // its own port, and the others
}
