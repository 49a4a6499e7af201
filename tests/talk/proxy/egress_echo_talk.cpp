// ping from inside, in virtual time.
#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "proxy/egress.h"
#include "tests/support/proxy_world.h"

using namespace pontoon;
using namespace pontoon::proxy;
using namespace std::chrono_literals;
using stack::IcmpErrorSpec;
using stack::Unreachable;
using test::at;
using test::ip;
using test::MemoryNetwork;
using test::RecordingSide;

namespace {

PolicyConfig policy() {
  PolicyConfig config;
  config.gateway = {ip("172.17.0.1")};
  config.networks = {*IpPrefix::parse("172.17.0.0/16")};
  return config;
}

struct World {
  MemoryNetwork host;
  RecordingSide inside;
  TimerQueue timers;
  Egress egress{policy(), host, inside, timers};
  Instant now{};

  void ping(const char* from, const char* to, unsigned identifier, unsigned sequence,
            std::string_view payload = "payload") {
    stack::EchoRequest request;
    request.source_mac = *MacAddress::parse("02:42:ac:11:00:02");
    request.source = ip(from);
    request.target = ip(to);
    request.identifier = static_cast<std::uint16_t>(identifier);
    request.sequence = static_cast<std::uint16_t>(sequence);
    request.payload = as_bytes(payload);
    egress.on_echo_request(request, now);
  }
  // The kernel's answer: its own identifier in the header.
  void pong(int socket, const char* from, unsigned sequence, std::string_view payload = "payload",
            std::uint8_t type = 0) {
    std::vector<std::uint8_t> message{type,
                                      0,
                                      0,
                                      0,
                                      0xaa,
                                      0xbb,
                                      static_cast<std::uint8_t>(sequence >> 8),
                                      static_cast<std::uint8_t>(sequence)};
    message.insert(message.end(), payload.begin(), payload.end());
    host.deliver_to(socket, at(from, 0), message);
    egress.pump(now);
  }
  void wait(Duration time) {
    now += time;
    while (timers.run_due(now, limits::kTurnTimers) > 0) {
    }
  }
};

}  // namespace

TEST_CASE("a ping goes out through a ping socket and its reply comes back under its identifier") {
  World world;
  world.ping("172.17.0.2", "198.51.100.1", 77, 1);
  const auto sent = world.host.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].to.ip == ip("198.51.100.1"));
  const std::vector<std::uint8_t> header(sent[0].payload.begin(), sent[0].payload.begin() + 8);
  CHECK(header == std::vector<std::uint8_t>{8, 0, 0, 0, 0, 77, 0, 1});
  CHECK(sent[0].text().substr(8) == "payload");

  world.pong(sent[0].socket, "198.51.100.1", 1);
  REQUIRE(world.inside.replies.size() == 1);
  const auto& reply = world.inside.replies[0];
  CHECK(reply.payload == "payload");
  CHECK(reply.about.source == ip("172.17.0.2"));
  CHECK(reply.about.target == ip("198.51.100.1"));
  CHECK(reply.about.identifier == 77);
  CHECK(reply.about.sequence == 1);
  CHECK(reply.about.source_mac.to_string() == "02:42:ac:11:00:02");
  world.pong(sent[0].socket, "198.51.100.1", 1);  // ping wants to see duplicates
  CHECK(world.inside.replies.size() == 2);
}

TEST_CASE("ICMPv6 echo has its own types") {
  World world;
  world.ping("fd00:17::2", "2001:db8::1", 1, 9);
  const auto sent = world.host.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].payload[0] == 128);
  world.pong(sent[0].socket, "2001:db8::1", 9, "x", 0);
  CHECK(world.inside.replies.empty());
  world.pong(sent[0].socket, "2001:db8::1", 9, "x", 129);
  CHECK(world.inside.replies.size() == 1);
}

TEST_CASE("replies that nobody asked for are dropped") {
  World world;
  world.ping("172.17.0.2", "198.51.100.1", 77, 5);
  const int socket = world.host.take_sent()[0].socket;
  world.pong(socket, "198.51.100.2", 5);
  world.pong(socket, "198.51.100.1", 6);
  world.pong(socket, "198.51.100.1", 5 + limits::kEchoPending);
  CHECK(world.egress.drops()[DropReason::udp_unsolicited] == 3);
  world.host.deliver_to(socket, at("198.51.100.1", 0), as_bytes("short"));
  world.egress.pump(world.now);
  world.pong(socket, "198.51.100.1", 5, "payload", 3);
  CHECK(world.egress.drops()[DropReason::malformed_icmp] == 2);
  CHECK(world.inside.replies.empty());
}

TEST_CASE("the last requests can be answered in any order, older ones no more",
          "[limit:kEchoPending]") {
  World world;
  for (unsigned sequence = 0; sequence <= limits::kEchoPending; ++sequence)
    world.ping("172.17.0.2", "198.51.100.1", 77, sequence);
  const auto sent = world.host.take_sent();
  CHECK(world.host.open_sockets() == 1);
  world.pong(sent[0].socket, "198.51.100.1", limits::kEchoPending);
  world.pong(sent[0].socket, "198.51.100.1", 1);
  CHECK(world.inside.replies.size() == 2);
  world.pong(sent[0].socket, "198.51.100.1", 0);
  CHECK(world.inside.replies.size() == 2);
}

TEST_CASE("without permission the endpoint is told, and so is whoever asks") {
  World world;
  world.host.forbid_echo(SocketError::prohibited);
  CHECK_FALSE(world.egress.echo_unavailable());
  world.ping("172.17.0.2", "198.51.100.1", 77, 1);
  CHECK(world.egress.echo_unavailable());
  REQUIRE(world.inside.errors.size() == 1);
  CHECK(world.inside.errors[0].reason == Unreachable::prohibited);
  CHECK(world.inside.errors[0].quoted == IcmpErrorSpec::Quoted::echo);
  CHECK(world.inside.errors[0].echo_sequence == 1);
  CHECK(world.inside.errors[0].flow == stack::FlowKey{at("172.17.0.2", 77), at("198.51.100.1", 0)});
  CHECK(world.egress.drops()[DropReason::host_refused] == 1);
}

TEST_CASE("forbidden targets are not pinged") {
  World world;
  world.ping("172.17.0.2", "127.0.0.1", 77, 1);
  world.ping("172.17.0.2", "169.254.169.254", 77, 1);
  CHECK(world.inside.errors.size() == 2);
  CHECK(world.inside.errors[0].reason == Unreachable::prohibited);
  world.ping("172.17.0.2", "224.0.0.1", 77, 1);
  CHECK(world.inside.errors.size() == 2);
  CHECK(world.egress.drops()[DropReason::policy_denied] == 3);
  CHECK(world.host.most_open_sockets() == 0);
}

TEST_CASE("errors from outside quote the last request to that target") {
  World world;
  world.ping("172.17.0.2", "198.51.100.1", 77, 1);
  world.ping("172.17.0.2", "198.51.100.2", 77, 2);
  world.ping("172.17.0.2", "198.51.100.1", 77, 3);
  const int socket = world.host.take_sent()[0].socket;
  DatagramError error;
  error.target = at("198.51.100.2", 0);
  error.error = SocketError::host_unreachable;
  error.reporter = ip("203.0.113.1");
  error.icmp_type = 11;
  world.host.fail(socket, error);
  error.target = at("198.51.100.1", 0);
  error.icmp_type = 3;
  world.host.fail(socket, error);
  world.egress.pump(world.now);
  REQUIRE(world.inside.errors.size() == 2);
  CHECK(world.inside.errors[0].reason == Unreachable::time_exceeded);
  CHECK(world.inside.errors[0].echo_sequence == 2);
  CHECK(world.inside.errors[0].flow == stack::FlowKey{at("172.17.0.2", 77), at("198.51.100.2", 0)});
  CHECK(world.inside.errors[1].reason == Unreachable::host);
  CHECK(world.inside.errors[1].echo_sequence == 3);
}

TEST_CASE("an echo flow ends exactly when it was idle long enough", "[limit:kEchoIdle]") {
  World world;
  world.ping("172.17.0.2", "198.51.100.1", 77, 1);
  world.wait(30s);
  world.ping("172.17.0.2", "198.51.100.1", 77, 2);
  world.wait(limits::kEchoIdle - 1ns);
  CHECK(world.host.open_sockets() == 1);
  CHECK(world.egress.flows(world.now).size() == 1);
  world.wait(1ns);
  CHECK(world.host.open_sockets() == 0);
}

TEST_CASE("identifiers are bounded per endpoint and altogether",
          "[limit:kEchoFlows][limit:kEchoFlowsPerEndpoint]") {
  World world;
  world.ping("172.17.0.9", "198.51.100.1", 1, 1);
  for (unsigned identifier = 0; identifier < 10000; ++identifier)
    world.ping("172.17.0.2", "198.51.100.1", identifier, 1);
  CHECK(world.host.open_sockets() == limits::kEchoFlowsPerEndpoint + 1);
  CHECK(world.host.most_open_sockets() == limits::kEchoFlowsPerEndpoint + 1);
  for (unsigned last = 0; last < 255; ++last) {
    for (unsigned identifier = 0; identifier < limits::kEchoFlowsPerEndpoint; ++identifier)
      world.ping(("172.17.1." + std::to_string(last)).c_str(), "198.51.100.1", identifier, 1);
  }
  CHECK(world.host.open_sockets() == limits::kEchoFlows);
  const auto flows = world.egress.flows(world.now);
  CHECK(std::any_of(flows.begin(), flows.end(), [](const FlowInfo& flow) {
    return flow.flow.initiator == at("172.17.0.9", 1);
  }));
  world.egress.drop_endpoint(ip("172.17.0.9"));
  CHECK(world.host.open_sockets() == limits::kEchoFlows - 1);
}

TEST_CASE("a request that cannot be put together is counted") {
  World world;
  world.ping("172.17.0.2", "198.51.100.1", 77, 1, std::string(65536 - 8, 'x'));
  CHECK(world.host.take_sent().size() == 1);
  world.ping("172.17.0.2", "198.51.100.1", 77, 2, std::string(65536 - 7, 'x'));
  CHECK(world.host.take_sent().empty());
  CHECK(world.egress.drops()[DropReason::malformed_icmp] == 1);
}
