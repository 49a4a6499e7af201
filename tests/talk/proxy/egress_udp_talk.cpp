// Conversations of endpoints with the world outside over UDP, in virtual time.
#include <catch2/catch.hpp>

#include <set>

#include "core/base/limits.h"
#include "proxy/egress.h"
#include "tests/support/proxy_world.h"

using namespace pontoon;
using namespace pontoon::proxy;
using namespace std::chrono_literals;
using stack::Unreachable;
using test::at;
using test::ip;
using test::MemoryNetwork;
using test::RecordingSide;

namespace {

PolicyConfig policy() {
  PolicyConfig config;
  config.gateway = {ip("172.17.0.1"), ip("fd00:17::1")};
  config.networks = {*IpPrefix::parse("172.17.0.0/16"), *IpPrefix::parse("fd00:17::/64"),
                     *IpPrefix::parse("172.18.0.0/16")};
  config.host_v4 = ip("172.17.0.1");
  config.host_v6 = ip("fd00:17::1");
  return config;
}

struct World {
  explicit World(PolicyConfig config = policy())
      : egress(std::move(config), host, inside, timers) {}

  MemoryNetwork host;
  RecordingSide inside;
  TimerQueue timers;
  Egress egress;
  Instant now{};

  void say(const SocketAddress& from, const SocketAddress& to, std::string_view text,
           std::uint16_t segment_size = 0) {
    stack::UdpDatagram datagram;
    datagram.source = from;
    datagram.target = to;
    datagram.segment_size = segment_size;
    datagram.payload = as_bytes(text);
    egress.on_datagram(datagram, now);
  }
  void wait(Duration time) {
    now += time;
    while (timers.run_due(now, limits::kTurnTimers) > 0) {
    }
  }
  void pump() { egress.pump(now); }
};

const SocketAddress kEndpoint = at("172.17.0.2", 5000);
const SocketAddress kServer = at("198.51.100.1", 7);

}  // namespace

TEST_CASE("a question goes out and its answer comes back") {
  World world;
  world.say(kEndpoint, kServer, "hello");
  const auto sent = world.host.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].to == kServer);
  CHECK(sent[0].text() == "hello");
  CHECK(sent[0].from.ip == ip("0.0.0.0"));

  REQUIRE(world.host.deliver_to(sent[0].socket, kServer, as_bytes("you too")));
  CHECK(world.inside.datagrams.empty());  // handlers only take note
  CHECK(world.egress.has_work());
  world.pump();
  CHECK_FALSE(world.egress.has_work());
  REQUIRE(world.inside.datagrams.size() == 1);
  CHECK(world.inside.datagrams[0].source == kServer);
  CHECK(world.inside.datagrams[0].target == kEndpoint);
  CHECK(world.inside.datagrams[0].payload == "you too");
}

TEST_CASE("IPv6 goes out through an IPv6 socket, empty datagrams too") {
  World world;
  world.say(at("fd00:17::2", 5000), at("2001:db8::1", 7), "");
  const auto sent = world.host.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].from.ip == ip("::"));
  CHECK(sent[0].payload.empty());
}

TEST_CASE("the mapping is the same whomever the endpoint talks to") {
  World world;
  world.say(kEndpoint, kServer, "a");
  world.say(kEndpoint, at("198.51.100.2", 8), "b");
  world.say(kEndpoint, at("203.0.113.9", 9), "c");
  world.say(at("172.17.0.2", 5001), kServer, "d");
  world.say(at("172.17.0.3", 5000), kServer, "e");
  const auto sent = world.host.take_sent();
  REQUIRE(sent.size() == 5);
  CHECK(sent[0].from == sent[1].from);
  CHECK(sent[0].from == sent[2].from);
  CHECK(std::set<SocketAddress>{sent[0].from, sent[3].from, sent[4].from}.size() == 3);
  CHECK(world.host.open_sockets() == 3);
}

TEST_CASE("only addresses that the endpoint has contacted are let in, from any port",
          "[drop:udp_unsolicited]") {
  World world;
  world.say(kEndpoint, kServer, "a");
  const int socket = world.host.take_sent()[0].socket;
  world.host.deliver_to(socket, at("198.51.100.99", 7), as_bytes("intruder"));
  world.host.deliver_to(socket, at("198.51.100.1", 4444), as_bytes("same host"));
  world.pump();
  REQUIRE(world.inside.datagrams.size() == 1);
  CHECK(world.inside.datagrams[0].payload == "same host");
  CHECK(world.inside.datagrams[0].source == at("198.51.100.1", 4444));
  CHECK(world.egress.drops()[DropReason::udp_unsolicited] == 1);
}

TEST_CASE("the set of contacted peers is bounded, the first one leaves",
          "[limit:kUdpPeersPerFlow]") {
  World world;
  for (unsigned i = 0; i <= limits::kUdpPeersPerFlow; ++i)
    world.say(kEndpoint, {Ipv4Address{0xc6336400U + i}, 7}, "x");
  const int socket = world.host.take_sent()[0].socket;
  world.host.deliver_to(socket, {Ipv4Address{0xc6336400U}, 7}, as_bytes("first"));
  world.host.deliver_to(socket, {Ipv4Address{0xc6336401U}, 7}, as_bytes("second"));
  world.pump();
  REQUIRE(world.inside.datagrams.size() == 1);
  CHECK(world.inside.datagrams[0].payload == "second");
}

TEST_CASE("a mapping lives exactly as long as RFC 4787 and our limits say", "[limit:kUdpIdle]") {
  World world;
  world.say(kEndpoint, kServer, "a");
  const int socket = world.host.take_sent()[0].socket;

  SECTION("it dies when nothing was sent") {
    world.wait(limits::kUdpIdle - 1ns);
    CHECK(world.host.open_sockets() == 1);
    world.wait(1ns);
    CHECK(world.host.open_sockets() == 0);
    CHECK(world.egress.flows(world.now).empty());
  }
  SECTION("what is sent refreshes it") {
    world.wait(200s);
    world.say(kEndpoint, kServer, "b");
    world.wait(limits::kUdpIdle - 1ns);
    CHECK(world.host.open_sockets() == 1);
    world.wait(1ns);
    CHECK(world.host.open_sockets() == 0);
  }
  SECTION("what comes in does not") {
    world.wait(200s);
    world.host.deliver_to(socket, kServer, as_bytes("x"));
    world.pump();
    world.wait(100s);
    CHECK(world.host.open_sockets() == 0);
  }
}

TEST_CASE("a mapping for DNS alone is short-lived", "[limit:kUdpDnsIdle]") {
  World world;
  world.say(kEndpoint, at("9.9.9.9", 53), "query");
  SECTION("DNS only") {
    world.wait(limits::kUdpDnsIdle - 1ns);
    CHECK(world.host.open_sockets() == 1);
    world.wait(1ns);
    CHECK(world.host.open_sockets() == 0);
  }
  SECTION("anything else makes it an ordinary one, for good") {
    world.say(kEndpoint, kServer, "x");
    world.say(kEndpoint, at("9.9.9.9", 53), "query");
    world.wait(limits::kUdpIdle - 1ns);
    CHECK(world.host.open_sockets() == 1);
    world.wait(1ns);
    CHECK(world.host.open_sockets() == 0);
  }
}

TEST_CASE("a train is cut into its datagrams", "[limit:kUdpTrainSegments]") {
  World world;
  world.say(kEndpoint, kServer, "aaabbbcc", 3);
  const auto sent = world.host.take_sent();
  REQUIRE(sent.size() == 3);
  CHECK(sent[0].text() == "aaa");
  CHECK(sent[1].text() == "bbb");
  CHECK(sent[2].text() == "cc");
  world.say(kEndpoint, kServer, "aaa", 3);
  CHECK(world.host.take_sent().size() == 1);
  // A train of one-byte datagrams would be thousands of system calls.
  world.say(kEndpoint, kServer, std::string(60000, 'x'), 1);
  CHECK(world.host.take_sent().size() == limits::kUdpTrainSegments);
  CHECK(world.egress.drops()[DropReason::malformed_udp] == 1);
}

TEST_CASE("what the policy forbids is answered with ICMP and opens nothing",
          "[drop:policy_denied]") {
  World world;
  world.say(kEndpoint, at("127.0.0.1", 53), "x");
  world.say(kEndpoint, at("169.254.169.254", 80), "x");
  world.say(kEndpoint, at("172.18.0.2", 80), "x");
  REQUIRE(world.inside.errors.size() == 3);
  for (const auto& error : world.inside.errors) {
    CHECK(error.reason == Unreachable::prohibited);
    CHECK(error.quoted == stack::IcmpErrorSpec::Quoted::udp);
    CHECK(error.flow.initiator == kEndpoint);
  }
  CHECK(world.egress.drops()[DropReason::policy_denied] == 3);
  // The gateway is there, it just does not serve that port.
  world.say(kEndpoint, at("172.17.0.1", 9), "x");
  REQUIRE(world.inside.errors.size() == 4);
  CHECK(world.inside.errors[3].reason == Unreachable::port);
  // Nothing is said about groups.
  world.say(kEndpoint, at("224.0.0.251", 5353), "x");
  world.say(kEndpoint, at("172.17.255.255", 137), "x");
  CHECK(world.inside.errors.size() == 4);
  CHECK(world.egress.drops()[DropReason::policy_denied] == 5);
  CHECK(world.host.take_sent().empty());
  CHECK(world.host.most_open_sockets() == 0);
}

TEST_CASE("the host's loopback is reached under its name, and answers under it") {
  PolicyConfig config = policy();
  config.allow_host_loopback = true;
  World world(config);
  world.say(kEndpoint, at("172.17.0.1", 8125), "metric");
  auto sent = world.host.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].to == at("127.0.0.1", 8125));
  world.host.deliver_to(sent[0].socket, at("127.0.0.1", 8125), as_bytes("ok"));
  DatagramError refused;
  refused.target = at("127.0.0.1", 8125);
  refused.error = SocketError::refused;
  refused.reporter = ip("127.0.0.1");
  world.host.fail(sent[0].socket, refused);
  world.pump();
  REQUIRE(world.inside.datagrams.size() == 1);
  CHECK(world.inside.datagrams[0].source == at("172.17.0.1", 8125));
  REQUIRE(world.inside.errors.size() == 1);
  CHECK(world.inside.errors[0].flow.target == at("172.17.0.1", 8125));
  CHECK_FALSE(world.inside.errors[0].reporter);
}

TEST_CASE("ICMP errors from outside reach the endpoint, about the right flow") {
  World world;
  world.say(kEndpoint, kServer, "a");
  world.say(kEndpoint, at("198.51.100.2", 8), "b");
  const int socket = world.host.take_sent()[0].socket;
  DatagramError error;
  error.target = at("198.51.100.2", 8);
  error.error = SocketError::refused;
  error.reporter = ip("198.51.100.2");
  error.icmp_type = 3;
  error.icmp_code = 3;
  world.host.fail(socket, error);
  error.error = SocketError::message_too_big;
  error.mtu = 1280;
  world.host.fail(socket, error);
  error.error = SocketError::other;
  world.host.fail(socket, error);
  CHECK(world.inside.errors.empty());
  world.pump();
  REQUIRE(world.inside.errors.size() == 2);
  CHECK(world.inside.errors[0].reason == Unreachable::port);
  CHECK(world.inside.errors[0].flow == stack::FlowKey{kEndpoint, at("198.51.100.2", 8)});
  CHECK(world.inside.errors[0].reporter == ip("198.51.100.2"));
  CHECK(world.inside.errors[1].reason == Unreachable::too_big);
  CHECK(world.inside.errors[1].mtu == 1280);
}

TEST_CASE("an earlier datagram's error does not swallow the next datagram") {
  World world;
  world.say(kEndpoint, kServer, "a");
  const int socket = world.host.take_sent()[0].socket;
  DatagramError error;
  error.target = kServer;
  error.error = SocketError::refused;
  world.host.fail(socket, error);
  world.host.fail_next_send(socket, SocketError::refused);
  world.say(kEndpoint, at("198.51.100.2", 8), "b");
  const auto sent = world.host.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].text() == "b");
  REQUIRE(world.inside.errors.size() == 1);
  CHECK(world.inside.errors[0].flow.target == kServer);
  CHECK(world.egress.drops().total() == 0);
}

TEST_CASE("what the host's kernel refuses is told and counted", "[drop:host_refused]") {
  World world;
  world.host.fail_sends_to(kServer, SocketError::network_unreachable);
  world.say(kEndpoint, kServer, "a");
  REQUIRE(world.inside.errors.size() == 1);
  CHECK(world.inside.errors[0].reason == Unreachable::network);
  CHECK(world.inside.errors[0].flow == stack::FlowKey{kEndpoint, kServer});
  CHECK(world.egress.drops()[DropReason::host_refused] == 1);
  world.host.block_sends(true);
  world.say(kEndpoint, at("198.51.100.2", 8), "b");
  CHECK(world.egress.drops()[DropReason::host_refused] == 2);
  CHECK(world.inside.errors.size() == 1);
  // No IPv6 outside.
  world.host.disable(IpFamily::v6);
  world.say(at("fd00:17::2", 5000), at("2001:db8::1", 7), "c");
  REQUIRE(world.inside.errors.size() == 2);
  CHECK(world.inside.errors[1].reason == Unreachable::network);
}

TEST_CASE("receiving is bounded per turn and loses nothing", "[limit:kDatagramBatch]") {
  World world;
  world.say(kEndpoint, kServer, "a");
  const int socket = world.host.take_sent()[0].socket;
  const std::size_t count = limits::kDatagramBatch * 3 + 1;
  for (std::size_t i = 0; i < count; ++i)
    world.host.deliver_to(socket, kServer, as_bytes(std::to_string(i)));
  world.pump();
  CHECK(world.inside.datagrams.size() == limits::kDatagramBatch);
  CHECK(world.egress.has_work());
  for (int turn = 0; turn < 3; ++turn)
    world.pump();
  REQUIRE(world.inside.datagrams.size() == count);
  CHECK(world.inside.datagrams.back().payload == std::to_string(count - 1));
  CHECK_FALSE(world.egress.has_work());
}

TEST_CASE("the largest datagram comes through") {
  World world;
  world.say(kEndpoint, kServer, std::string(65507, 'q'));
  const auto sent = world.host.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].payload.size() == 65507);
  world.host.deliver_to(sent[0].socket, kServer, sent[0].payload);
  world.pump();
  REQUIRE(world.inside.datagrams.size() == 1);
  CHECK(world.inside.datagrams[0].payload.size() == 65507);
}

TEST_CASE("a flood of source ports stays within its own limits", "[limit:kUdpFlowsPerEndpoint]") {
  World world;
  world.say(at("172.17.0.9", 1), kServer, "quiet");
  for (unsigned i = 0; i < 100000; ++i) {
    const IpAddress target = Ipv4Address{0xc6336400U + i / 65000};
    world.say(at("172.17.0.2", 1 + i % 65000), {target, 7}, "x");
    if (i % 1000 == 0) world.host.take_sent();
  }
  CHECK(world.host.most_open_sockets() <= limits::kUdpFlowsPerEndpoint + 1);
  CHECK(world.egress.flows(world.now).size() == limits::kUdpFlowsPerEndpoint + 1);
  const auto flows = world.egress.flows(world.now);
  CHECK(std::any_of(flows.begin(), flows.end(), [](const FlowInfo& flow) {
    return flow.flow.initiator == at("172.17.0.9", 1);
  }));
}

TEST_CASE("several endpoints that flood do not take a quiet one's place", "[limit:kUdpFlows]") {
  World world;
  world.say(at("172.17.0.9", 1), kServer, "quiet");
  const std::size_t flooders = limits::kUdpFlows / limits::kUdpFlowsPerEndpoint + 2;
  for (unsigned endpoint = 0; endpoint < flooders; ++endpoint) {
    for (unsigned port = 1; port <= limits::kUdpFlowsPerEndpoint; ++port)
      world.say({Ipv4Address::of(172, 17, 1, endpoint), static_cast<std::uint16_t>(port)}, kServer,
                "x");
    world.host.take_sent();
  }
  const auto flows = world.egress.flows(world.now);
  CHECK(flows.size() == limits::kUdpFlows);
  CHECK(world.host.open_sockets() == limits::kUdpFlows);
  CHECK(std::any_of(flows.begin(), flows.end(), [](const FlowInfo& flow) {
    return flow.flow.initiator == at("172.17.0.9", 1);
  }));
}

TEST_CASE("out of descriptors the endpoint with the most flows pays with its oldest") {
  World world;
  world.host.limit_sockets(3);
  world.say(at("172.17.0.3", 1), kServer, "other");
  world.say(at("172.17.0.2", 1), kServer, "a");
  world.say(at("172.17.0.2", 2), kServer, "b");
  world.say(at("172.17.0.2", 1), kServer, "a");  // now the other one is the older
  world.say(at("172.17.0.2", 3), kServer, "c");
  CHECK(world.host.take_sent().size() == 5);
  // One that has nothing to give up gets what another has hoarded.
  world.say(at("172.17.0.4", 1), kServer, "d");
  CHECK(world.host.take_sent().size() == 1);
  CHECK(world.egress.drops().total() == 0);
  const auto flows = world.egress.flows(world.now);
  REQUIRE(flows.size() == 3);
  CHECK(flows[0].flow.initiator == at("172.17.0.2", 3));
  CHECK(flows[1].flow.initiator == at("172.17.0.3", 1));
  CHECK(flows[2].flow.initiator == at("172.17.0.4", 1));
}

TEST_CASE("out of descriptors and without a flow to give up a datagram is refused") {
  World world;
  world.host.limit_sockets(0);
  world.say(at("172.17.0.4", 1), kServer, "d");
  CHECK(world.host.take_sent().empty());
  CHECK(world.egress.drops()[DropReason::host_refused] == 1);
  CHECK(world.egress.flows(world.now).empty());
}

TEST_CASE("flows are listed with age, idle time and bytes") {
  World world;
  world.say(kEndpoint, kServer, "12345");
  const int socket = world.host.take_sent()[0].socket;
  world.wait(10s);
  world.host.deliver_to(socket, kServer, as_bytes("123"));
  world.pump();
  const auto flows = world.egress.flows(world.now);
  REQUIRE(flows.size() == 1);
  CHECK(flows[0].protocol == "udp");
  CHECK(flows[0].flow == stack::FlowKey{kEndpoint, kServer});
  CHECK_FALSE(flows[0].published);
  CHECK(flows[0].age == 10s);
  CHECK(flows[0].bytes_to_host == 5);
  CHECK(flows[0].bytes_to_endpoint == 3);
}

TEST_CASE("an endpoint that goes takes its flows along, even ready ones") {
  World world;
  world.say(kEndpoint, kServer, "a");
  const int socket = world.host.take_sent()[0].socket;
  world.say(at("172.17.0.3", 5000), kServer, "b");
  world.host.deliver_to(socket, kServer, as_bytes("late"));
  world.egress.drop_endpoint(kEndpoint.ip);
  world.pump();
  CHECK(world.inside.datagrams.empty());
  CHECK(world.host.open_sockets() == 1);
  CHECK(world.timers.size() == 1);
}
