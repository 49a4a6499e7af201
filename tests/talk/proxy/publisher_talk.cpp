// Publishing, and what clients outside see of it, in virtual time.
#include "proxy/publisher.h"

#include <catch2/catch.hpp>

#include <set>

#include "core/base/limits.h"
#include "proxy/egress.h"
#include "tests/support/proxy_world.h"

using namespace pontoon;
using namespace pontoon::proxy;
using namespace std::chrono_literals;
using test::at;
using test::ip;
using test::MemoryNetwork;
using test::RecordingSide;
using test::ToldFacts;

namespace {

const PublisherConfig kConfig{*IpPrefix::parse("172.17.0.1/16"), *IpPrefix::parse("fd00:17::1/64")};
const PublishTarget kWeb{ip("172.17.0.2"), std::nullopt};
const PublishTarget kDual{ip("172.17.0.2"), ip("fd00:17::2")};

struct World {
  MemoryNetwork host;
  RecordingSide inside;
  TimerQueue timers;
  PortTable ports;
  ToldFacts facts;
  Publisher publisher{kConfig, host, inside, timers, ports, facts};
  Instant now{};

  Result<std::vector<PortBinding>> publish(std::string_view owner, std::vector<std::string> texts,
                                           const PublishTarget& target = kWeb) {
    const auto specs = parse_publications(texts);
    REQUIRE(specs);
    return publisher.publish(owner, target, *specs);
  }
  std::string outcome(std::string_view owner, std::vector<std::string> texts) {
    const auto bindings = publish(owner, std::move(texts));
    return bindings ? format_ports(*bindings) : bindings.error().message;
  }
  void pump() { publisher.pump(now); }
  void wait(Duration time) {
    now += time;
    while (timers.run_due(now, limits::kTurnTimers) > 0) {
    }
  }
  bool reply(const SocketAddress& from, const SocketAddress& to, std::string_view text,
             std::uint16_t segment_size = 0) {
    stack::UdpDatagram datagram;
    datagram.source = from;
    datagram.target = to;
    datagram.segment_size = segment_size;
    datagram.payload = as_bytes(text);
    return publisher.on_reply(datagram, now);
  }
};

const SocketAddress kClient = at("198.51.100.7", 5000);

}  // namespace

TEST_CASE("a publication without an address listens on both families") {
  World world;
  CHECK(world.outcome("web", {"8080:80"}) == "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp");
  CHECK(world.host.listening(at("0.0.0.0", 8080)));
  CHECK(world.host.listening(at("::", 8080)));
  CHECK(world.ports.holder({ip("127.0.0.1"), 8080, Protocol::tcp}) == "web");
  CHECK(world.publisher.bindings("web").size() == 2);
  CHECK(world.outcome("web", {"127.0.0.1:9090:90", "[::1]:53:53/udp"}) ==
        "[::1]:53->53/udp, 127.0.0.1:9090->90/tcp");
  CHECK(world.publisher.bindings("web").size() == 4);
}

TEST_CASE("where the host lacks a family the other one is enough") {
  World world;
  SECTION("no IPv6") {
    world.host.disable(IpFamily::v6);
    CHECK(world.outcome("web", {"8080:80"}) == "0.0.0.0:8080->80/tcp");
    CHECK_FALSE(world.ports.holder({ip("::"), 8080, Protocol::tcp}));
    CHECK(world.outcome("web", {"80"}) == "0.0.0.0:40000->80/tcp");
    CHECK(world.outcome("web", {"[::]:8081:80"}) ==
          "Bind for [::]:8081 failed: this host has no IPv6");
  }
  SECTION("no IPv4") {
    world.host.disable(IpFamily::v4);
    CHECK(world.outcome("web", {"8080:80"}) == "[::]:8080->80/tcp");
  }
  SECTION("neither") {
    world.host.disable(IpFamily::v4);
    world.host.disable(IpFamily::v6);
    CHECK(world.outcome("web", {"8080:80"}) == "Bind for [::]:8080 failed: this host has no IPv6");
    CHECK(world.ports.size() == 0);
  }
}

TEST_CASE("what stands in the way has a name") {
  World world;
  REQUIRE(world.publish("web", {"8080:80"}));
  CHECK(world.outcome("api", {"127.0.0.1:8080:80"}) ==
        "Bind for 127.0.0.1:8080 failed: port is already allocated by web; stop it or choose "
        "another host port");
  world.host.occupy(at("0.0.0.0", 9090), Protocol::tcp);
  world.facts.holder = PortHolder{"nginx", 4242};
  CHECK(world.outcome("api", {"9090:80"}) ==
        "Bind for 0.0.0.0:9090 failed: another process (nginx, pid 4242) listens there; stop it or "
        "choose another host port");
  world.host.forbid_ports_below(1024);
  CHECK(world.outcome("api", {"80:80"}) ==
        "Bind for 0.0.0.0:80 failed: port 80 is below 1024 and you are not root: publish a port >= "
        "1024, e.g. -p 8080:80, or lower it with: sysctl net.ipv4.ip_unprivileged_port_start=80");
  CHECK(world.outcome("api", {"10.9.9.9:8081:80"}) ==
        "Bind for 10.9.9.9:8081 failed: no interface of this host has the address 10.9.9.9");
  CHECK(world.ports.size() == 2);
  CHECK(world.host.open_sockets() == 2);
}

TEST_CASE("all of a request or nothing") {
  World world;
  world.host.occupy(at("0.0.0.0", 8002), Protocol::tcp);
  CHECK_FALSE(world.publish("web", {"8000-8002:80-82", "53:53/udp"}));
  CHECK_FALSE(world.publish("web", {"53:53/udp", "9000:90", "9000:91"}));
  CHECK(world.ports.size() == 0);
  CHECK(world.host.open_sockets() == 0);
  CHECK_FALSE(world.publisher.has_work());
  CHECK(world.outcome("web", {"8003-8005:80-82"}) ==
        "0.0.0.0:8003-8005->80-82/tcp, [::]:8003-8005->80-82/tcp");
}

TEST_CASE("a range of host ports gives the first free one") {
  World world;
  REQUIRE(world.publish("web", {"127.0.0.1:8000:80"}));  // ours
  world.host.occupy(at("::", 8001), Protocol::tcp);      // a stranger's, one family
  CHECK(world.outcome("api", {"8000-8003:80"}) == "0.0.0.0:8002->80/tcp, [::]:8002->80/tcp");
  CHECK(world.outcome("api", {"8000-8003:80"}) == "0.0.0.0:8003->80/tcp, [::]:8003->80/tcp");
  CHECK(world.outcome("api", {"8000-8003:80"}) ==
        "Bind for 0.0.0.0:8000-8003 failed: all ports of the range are taken; widen it or leave "
        "the host port out");
  CHECK(world.host.open_sockets() == 5);
  // An error that no other port would mend ends the search.
  CHECK(world.outcome("api", {"10.9.9.9:8000-8003:80"}) ==
        "Bind for 10.9.9.9:8000 failed: no interface of this host has the address 10.9.9.9");
}

TEST_CASE("an ephemeral port is the same for both families") {
  World world;
  world.host.occupy(at("::", 40000), Protocol::tcp);
  world.host.occupy(at("::", 40001), Protocol::tcp);
  CHECK(world.outcome("web", {"80"}) == "0.0.0.0:40002->80/tcp, [::]:40002->80/tcp");
  CHECK(world.host.open_sockets() == 2);
  CHECK(world.outcome("web", {"127.0.0.1::80/udp"}) == "127.0.0.1:40003->80/udp");
  for (unsigned i = 0; i < 100; ++i)
    world.host.occupy(at("::", 40004 + i), Protocol::tcp);
  world.facts.holder.reset();
  CHECK(world.outcome("api", {"80"}).find("another process listens there") != std::string::npos);
  CHECK(world.ports.size() == 3);
  CHECK(world.host.open_sockets() == 3);
}

TEST_CASE("an accepted connection is opened inside, from the client's own address") {
  World world;
  REQUIRE(world.publish("web", {"8080:80"}));
  world.pump();
  const auto client = world.host.dial(kClient, at("192.0.2.1", 8080));
  REQUIRE(client);
  CHECK(world.inside.connections.empty());
  CHECK(world.publisher.has_work());
  world.pump();
  REQUIRE(world.inside.connections.size() == 1);
  CHECK(world.inside.connections[0].flow == stack::FlowKey{kClient, at("172.17.0.2", 80)});
  test::write_all(*client, "GET /");
  CHECK(test::read_all(*world.inside.connections[0].stream) == "GET /");
  CHECK(world.publisher.counters().accepted == 1);
  CHECK_FALSE(world.publisher.has_work());
  world.inside.connections.clear();
}

TEST_CASE("clients that would look alike inside get different ports") {
  World world;
  REQUIRE(world.publish("web", {"8080:80", "8081:80"}));
  std::vector<std::unique_ptr<Stream>> clients;
  clients.push_back(world.host.dial(at("127.0.0.1", 5000), at("127.0.0.1", 8080)));
  clients.push_back(world.host.dial(at("127.0.0.1", 5000), at("127.0.0.1", 8081)));
  clients.push_back(world.host.dial(at("127.0.0.2", 5000), at("127.0.0.1", 8080)));
  clients.push_back(world.host.dial(at("::1", 5000), at("::1", 8080)));
  clients.push_back(world.host.dial(at("127.0.0.1", 600), at("127.0.0.1", 8080)));
  world.pump();
  REQUIRE(world.inside.connections.size() == 5);
  std::set<stack::FlowKey> flows;
  for (const auto& connection : world.inside.connections) {
    CHECK(connection.flow.initiator.ip == ip("172.17.0.1"));
    CHECK(connection.flow.initiator.port >= 1024);
    flows.insert(connection.flow);
  }
  CHECK(flows.size() == 5);
  CHECK(world.inside.connections[0].flow.initiator.port == 5000);
  world.inside.connections.clear();
}

TEST_CASE("a connection that the engine does not take is reset") {
  World world;
  REQUIRE(world.publish("web", {"8080:80"}));
  world.inside.refuse_tcp = true;
  const auto client = world.host.dial(kClient, at("192.0.2.1", 8080));
  world.pump();
  CHECK(client->state() == Stream::State::failed);
  CHECK(world.publisher.counters().refused == 1);
  CHECK(world.publisher.counters().accepted == 0);
}

TEST_CASE("accepting is bounded per turn", "[limit:kAcceptBatch]") {
  World world;
  REQUIRE(world.publish("web", {"0.0.0.0:8080:80", "0.0.0.0:8081:81"}));
  std::vector<std::unique_ptr<Stream>> clients;
  for (unsigned i = 0; i < limits::kAcceptBatch * 2 + 5; ++i)
    clients.push_back(world.host.dial(at("198.51.100.7", 5000 + i), at("192.0.2.1", 8080)));
  clients.push_back(world.host.dial(at("198.51.100.8", 5000), at("192.0.2.1", 8081)));
  world.pump();
  // The busy port does not keep the other one waiting.
  CHECK(world.inside.connections.size() == limits::kAcceptBatch + 1);
  CHECK(world.publisher.has_work());
  world.pump();
  world.pump();
  CHECK(world.inside.connections.size() == clients.size());
  world.pump();
  CHECK_FALSE(world.publisher.has_work());
  world.inside.connections.clear();
}

TEST_CASE("out of descriptors accepting rests instead of spinning", "[limit:kAcceptPause]") {
  World world;
  REQUIRE(world.publish("web", {"0.0.0.0:8080:80"}));
  world.pump();
  world.host.limit_sockets(1);
  std::vector<std::unique_ptr<Stream>> clients;
  for (unsigned i = 0; i < 3; ++i)
    clients.push_back(world.host.dial(at("198.51.100.7", 5000 + i), at("192.0.2.1", 8080)));
  world.pump();
  CHECK(world.inside.connections.size() == 1);
  CHECK(world.publisher.counters().accept_pauses == 1);
  CHECK_FALSE(world.publisher.has_work());
  // Readiness meanwhile does not cut the pause short.
  clients.push_back(world.host.dial(at("198.51.100.7", 6000), at("192.0.2.1", 8080)));
  CHECK_FALSE(world.publisher.has_work());
  world.inside.connections.clear();
  world.host.limit_sockets(100);
  world.wait(limits::kAcceptPause - 1ns);
  CHECK_FALSE(world.publisher.has_work());
  world.wait(1ns);
  CHECK(world.publisher.has_work());
  world.pump();
  CHECK(world.inside.connections.size() == 3);
  world.inside.connections.clear();
}

TEST_CASE("connections that died in the queue are passed over, other errors pause") {
  World world;
  REQUIRE(world.publish("web", {"0.0.0.0:8080:80"}));
  const auto client = world.host.dial(kClient, at("192.0.2.1", 8080));
  world.host.fail_accepts(at("0.0.0.0", 8080), SocketError::reset, 5);
  world.pump();
  CHECK(world.inside.connections.size() == 1);
  CHECK(world.publisher.counters().accept_errors == 5);
  CHECK(world.publisher.counters().accept_pauses == 0);
  world.host.fail_accepts(at("0.0.0.0", 8080), SocketError::other, 1);
  world.pump();
  CHECK(world.publisher.counters().accept_pauses == 1);
  // Endless errors do not hold the turn.
  world.wait(limits::kAcceptPause);
  world.host.fail_accepts(at("0.0.0.0", 8080), SocketError::reset, 1000000);
  world.pump();
  CHECK(world.publisher.counters().accept_errors == 6 + limits::kAcceptBatch);
  world.inside.connections.clear();
}

TEST_CASE("withdrawing closes at once and frees the ports") {
  World world;
  REQUIRE(world.publish("web", {"8080:80", "53:53/udp"}));
  REQUIRE(world.publish("api", {"8081:80"}));
  const auto client = world.host.dial(kClient, at("192.0.2.1", 8080));
  world.host.deliver(kClient, at("192.0.2.1", 53), "q");
  const PortBinding one{{ip("0.0.0.0"), 8081, Protocol::tcp}, 80};
  CHECK_FALSE(world.publisher.withdraw("web", one));
  CHECK(world.publisher.withdraw("api", one));
  CHECK_FALSE(world.host.listening(at("0.0.0.0", 8081)));
  CHECK(world.host.listening(at("::", 8081)));
  world.publisher.withdraw("web");
  CHECK_FALSE(world.host.listening(at("0.0.0.0", 8080)));
  CHECK_FALSE(world.host.bound(at("0.0.0.0", 53)));
  CHECK(world.publisher.bindings("web").empty());
  world.pump();
  CHECK(world.inside.connections.empty());
  CHECK(world.inside.datagrams.empty());
  CHECK(world.ports.size() == 1);
  CHECK(world.outcome("new", {"8080:80", "53:53/udp"}) ==
        "0.0.0.0:53->53/udp, [::]:53->53/udp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp");
}

TEST_CASE("a publisher that goes leaves nothing in the table") {
  MemoryNetwork host;
  RecordingSide inside;
  TimerQueue timers;
  PortTable ports;
  ToldFacts facts;
  {
    Publisher publisher(kConfig, host, inside, timers, ports, facts);
    REQUIRE(publisher.publish("web", kWeb, *parse_publication("53:53/udp")));
    host.deliver(kClient, at("192.0.2.1", 53), "q");
    publisher.pump(Instant{});
    CHECK(ports.size() == 2);
  }
  CHECK(ports.size() == 0);
  CHECK(host.open_sockets() == 0);
  CHECK(timers.size() == 0);
}

TEST_CASE("a UDP client's question goes in and the answer comes from where it had asked") {
  World world;
  REQUIRE(world.publish("dns", {"53:5353/udp"}));
  world.pump();
  REQUIRE(world.host.deliver(kClient, at("192.0.2.1", 53), "question"));
  CHECK(world.inside.datagrams.empty());
  world.pump();
  REQUIRE(world.inside.datagrams.size() == 1);
  CHECK(world.inside.datagrams[0].source == kClient);
  CHECK(world.inside.datagrams[0].target == at("172.17.0.2", 5353));
  CHECK(world.inside.datagrams[0].payload == "question");

  CHECK(world.reply(at("172.17.0.2", 5353), kClient, "answer"));
  const auto sent = world.host.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].from == at("192.0.2.1", 53));
  CHECK(sent[0].to == kClient);
  CHECK(sent[0].text() == "answer");

  // Not an answer: another source port, another endpoint, another client.
  CHECK_FALSE(world.reply(at("172.17.0.2", 9), kClient, "x"));
  CHECK_FALSE(world.reply(at("172.17.0.3", 5353), kClient, "x"));
  CHECK_FALSE(world.reply(at("172.17.0.2", 5353), at("198.51.100.7", 5001), "x"));
}

TEST_CASE("one client that speaks to two addresses of the host is two flows") {
  World world;
  REQUIRE(world.publish("dns", {"0.0.0.0:53:53/udp"}));
  world.host.deliver(kClient, at("192.0.2.1", 53), "a");
  world.host.deliver(kClient, at("192.0.2.2", 53), "b");
  world.pump();
  REQUIRE(world.inside.datagrams.size() == 2);
  const SocketAddress first = world.inside.datagrams[0].source;
  const SocketAddress second = world.inside.datagrams[1].source;
  CHECK(first == kClient);
  CHECK(second.ip == kClient.ip);
  CHECK(second.port != kClient.port);
  CHECK(world.reply(at("172.17.0.2", 53), second, "to b"));
  CHECK(world.reply(at("172.17.0.2", 53), first, "to a"));
  const auto sent = world.host.take_sent();
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].from == at("192.0.2.2", 53));
  CHECK(sent[1].from == at("192.0.2.1", 53));
  CHECK(sent[0].to == kClient);
}

TEST_CASE("a socket on one address answers from it without being told") {
  World world;
  REQUIRE(world.publish("dns", {"127.0.0.1:5300:53/udp", "[::1]:5300:53/udp"}, kDual));
  world.host.deliver(at("127.0.0.1", 6000), at("127.0.0.1", 5300), "a");
  world.host.deliver(at("::1", 6000), at("::1", 5300), "b");
  world.pump();
  REQUIRE(world.inside.datagrams.size() == 2);
  CHECK(world.inside.datagrams[0].source == at("172.17.0.1", 6000));
  CHECK(world.inside.datagrams[1].source == at("fd00:17::1", 6000));
  CHECK(world.inside.datagrams[1].target == at("fd00:17::2", 53));
  CHECK(world.reply(at("172.17.0.2", 53), at("172.17.0.1", 6000), "A"));
  CHECK(world.reply(at("fd00:17::2", 53), at("fd00:17::1", 6000), "B"));
  const auto sent = world.host.take_sent();
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].to == at("127.0.0.1", 6000));
  CHECK(sent[1].to == at("::1", 6000));
}

TEST_CASE("published UDP flows end when both sides were silent long enough") {
  World world;
  REQUIRE(world.publish("dns", {"0.0.0.0:53:53/udp"}));
  world.host.deliver(kClient, at("192.0.2.1", 53), "a");
  world.pump();
  world.wait(200s);
  CHECK(world.reply(at("172.17.0.2", 53), kClient, "b"));
  world.wait(limits::kUdpIdle - 1ns);
  CHECK(world.publisher.flows(world.now).size() == 1);
  world.wait(1ns);
  CHECK(world.publisher.flows(world.now).empty());
  CHECK_FALSE(world.reply(at("172.17.0.2", 53), kClient, "late"));
  CHECK(world.timers.size() == 0);
}

TEST_CASE("clients are bounded per publication, the least recently used one leaves",
          "[limit:kPublishedUdpFlows]") {
  World world;
  REQUIRE(world.publish("dns", {"0.0.0.0:53:53/udp"}));
  const auto ask = [&](unsigned i) {
    world.host.deliver({Ipv4Address{0xc6330000U + i}, 5000}, at("192.0.2.1", 53), "q");
    world.pump();
  };
  for (unsigned i = 0; i < limits::kPublishedUdpFlows; ++i)
    ask(i);
  ask(0);
  ask(100000);
  CHECK(world.publisher.flows(world.now).size() == limits::kPublishedUdpFlows);
  CHECK(world.publisher.counters().udp_evicted == 1);
  CHECK(world.reply(at("172.17.0.2", 53), {Ipv4Address{0xc6330000U}, 5000}, "x"));
  CHECK_FALSE(world.reply(at("172.17.0.2", 53), {Ipv4Address{0xc6330001U}, 5000}, "x"));
  CHECK(world.reply(at("172.17.0.2", 53), {Ipv4Address{0xc6330000U + 100000}, 5000}, "x"));
}

TEST_CASE("answers in trains are cut, errors of the socket do not swallow one") {
  World world;
  REQUIRE(world.publish("dns", {"0.0.0.0:53:53/udp"}));
  world.host.deliver(kClient, at("192.0.2.1", 53), "a");
  world.pump();
  CHECK(world.reply(at("172.17.0.2", 53), kClient, "aabbc", 2));
  CHECK(world.host.take_sent().size() == 3);
  CHECK(world.reply(at("172.17.0.2", 53), kClient, ""));
  CHECK(world.host.take_sent().size() == 1);
  CHECK(world.reply(at("172.17.0.2", 53), kClient, std::string(1000, 'x'), 1));
  CHECK(world.host.take_sent().size() == limits::kUdpTrainSegments);
  CHECK(world.publisher.drops()[DropReason::malformed_udp] == 1);

  DatagramError gone;
  gone.target = kClient;
  gone.error = SocketError::refused;
  REQUIRE(world.host.fail(1, gone));
  world.host.fail_next_send(1, SocketError::refused);
  CHECK(world.reply(at("172.17.0.2", 53), kClient, "again"));
  CHECK(world.host.take_sent().size() == 1);
  world.host.block_sends(true);
  CHECK(world.reply(at("172.17.0.2", 53), kClient, "lost"));
  CHECK(world.publisher.drops()[DropReason::host_refused] == 1);
}

TEST_CASE("the egress asks the publisher before it opens a mapping of its own") {
  World world;
  REQUIRE(world.publish("dns", {"0.0.0.0:53:53/udp"}));
  PolicyConfig policy;
  policy.gateway = {ip("172.17.0.1")};
  policy.networks = {*IpPrefix::parse("172.17.0.0/16")};
  Egress egress(policy, world.host, world.inside, world.timers);
  egress.set_udp_replies(&world.publisher);
  world.host.deliver(at("127.0.0.1", 5000), at("127.0.0.1", 53), "q");
  world.host.deliver(kClient, at("192.0.2.1", 53), "q");
  world.pump();
  stack::UdpDatagram answer;
  answer.source = at("172.17.0.2", 53);
  answer.payload = as_bytes("a");
  for (const SocketAddress& client : {kClient, at("172.17.0.1", 5000)}) {
    answer.target = client;
    egress.on_datagram(answer, world.now);
  }
  const auto sent = world.host.take_sent();
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].from == at("192.0.2.1", 53));
  CHECK(sent[1].to == at("127.0.0.1", 5000));
  CHECK(egress.flows(world.now).empty());
  CHECK(world.inside.errors.empty());
}
