// Networks do not know each other; and the same script gives the same bytes.
#include "tests/talk/control/network_bench.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

const SocketAddress kServer{*IpAddress::parse("198.51.100.1"), 80};
const SocketAddress kClient{*IpAddress::parse("203.0.113.7"), 5555};

struct TwoNetworks {
  TwoNetworks() : front(outside, "front", "172.17.0.0/16"), back(outside, "back", "172.18.0.0/16") {
    const std::vector<control::NetworkSpec> all{front.network->spec(), back.network->spec()};
    front.network->set_networks(all);
    back.network->set_networks(all);
  }
  Outside outside;
  NetworkBench front;
  NetworkBench back;
};

// A little of everything that a network does.
std::string play() {
  Outside outside;
  outside.host.script_connect(kServer, MemoryNetwork::Connect::succeed());
  NetworkBench net(outside, "default", "172.17.0.0/16");
  control::EndpointRequest request = net.request("web");
  request.publish = {"127.0.0.1:8080:80"};
  Member& web = net.add(request);
  Member& db = net.add("db");
  (void)net.resolve(db, "web");
  net.send(db, udp_frame(net.to_gateway(db), 5353, 53, encode(question("example.com"))));
  net.forwarder.answer("198.51.100.9", net.now);
  net.turn();
  TcpEndpoint tcp(net, db, "198.51.100.1", 80, 41000);
  db.inbox.clear();
  tcp.syn();
  net.settle();
  tcp.finish_handshake();
  tcp.text("GET /");
  const auto far = outside.host.take_accepted(kServer);
  write_all(*far, std::string(5000, 'x'));
  net.turn();
  net.tick(3s);  // nobody acknowledges: retransmissions
  const auto client = outside.host.dial(kClient, {*IpAddress::parse("127.0.0.1"), 8080});
  net.turn();
  net.tick(2s);
  net.send(
      web,
      arp_frame({wire::ArpOperation::request, web.mac(), web.address().v4(), {}, net.gateway()}));
  net.remove(db);
  net.tick(1min);
  return net.transcript();
}

}  // namespace

TEST_CASE("one network reaches nothing of another") {
  TwoNetworks world;
  Member& web = world.front.add("web");
  Member& db = world.back.add("db");
  const std::string target = db.address().to_string();

  TcpEndpoint tcp(world.front, web, target, 80);
  tcp.syn();
  world.front.settle();
  CHECK_FALSE(world.front.expect(web, "a refusal").tcp);
  world.front.send(web, udp_frame(world.front.to_foreign(web, target), 1000, 53, as_bytes("x")));
  CHECK(world.front.expect(web, "a refusal").icmp);
  world.front.send(web, echo_frame(world.front.to_foreign(web, target), true, 1, 1));
  const Dissected refusal = world.front.expect(web, "a refusal");
  REQUIRE(refusal.icmp);
  CHECK(refusal.icmp->type != wire::IcmpType::echo_reply);
  world.front.send(
      web,
      arp_frame(
          {wire::ArpOperation::request, web.mac(), web.address().v4(), {}, db.address().v4()}));
  PacketEnds direct = world.front.to_foreign(web, target);
  direct.target_mac = db.mac();
  world.front.send(web, udp_frame(direct, 1, 2, as_bytes("x")));
  direct.target_mac = MacAddress::broadcast();
  direct.target = Ipv4Address::broadcast();
  world.front.send(web, udp_frame(direct, 1, 2, as_bytes("x")));

  world.back.turn();
  world.back.tick(10s);
  CHECK(world.back.transcript() == "");
  world.front.expect_silence();
  CHECK(world.outside.host.connects().empty());
  CHECK(world.outside.host.take_sent().empty());
}

TEST_CASE("the names of one network do not exist in another") {
  TwoNetworks world;
  Member& web = world.front.add("web");
  world.back.add("db");
  for (const char* name : {"db", "db.back.internal"}) {
    INFO(name);
    CHECK(world.front.resolve(web, name).rcode() == 3);
  }
  CHECK(world.front.forwarder.asked.empty());  // nor does anybody outside hear of them
}

TEST_CASE("a network that was removed is like any other address") {
  TwoNetworks world;
  Member& web = world.front.add("web");
  TcpEndpoint before(world.front, web, "172.18.0.9", 80, 40000);
  before.syn();
  world.front.settle();
  web.inbox.clear();
  CHECK(world.outside.host.connects().empty());
  world.front.network->set_networks({world.front.network->spec()});
  TcpEndpoint after(world.front, web, "172.18.0.9", 80, 40001);
  after.syn();
  CHECK(world.outside.host.connects().size() == 1);
}

TEST_CASE("the same script gives the same bytes, twice") {
  const std::string first = play();
  CHECK(std::count(first.begin(), first.end(), '\n') > 10);
  const std::string second = play();
  CHECK((first == second));
}
