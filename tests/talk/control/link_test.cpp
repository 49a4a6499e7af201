// The switch of a network and what goes across it.
#include "tests/talk/control/network_bench.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

Bytes arp_request(const Member& from, const IpAddress& target) {
  return arp_frame({wire::ArpOperation::request, from.mac(), from.address().v4(), {}, target.v4()});
}

}  // namespace

TEST_CASE("two endpoints find each other and exchange a frame") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  Member& db = net.add("db");
  CHECK(web.address() != db.address());

  net.send(web, arp_request(web, db.address()));
  const Dissected asked = net.expect(db, "the request");
  REQUIRE(asked.arp);
  CHECK(asked.arp->sender_ip == web.address().v4());
  net.send(db, arp_frame({wire::ArpOperation::reply, db.mac(), db.address().v4(), web.mac(),
                          web.address().v4()}));
  CHECK(net.expect(web, "the reply").arp->sender_mac == db.mac());

  const Bytes frame = udp_frame(net.between_members(web, db), 1000, 2000, as_bytes("hello"));
  net.send(web, frame);
  REQUIRE(db.inbox.size() == 1);
  CHECK(db.inbox.front() == frame);  // not a byte was touched
  db.inbox.clear();
  net.expect_silence();
  CHECK(net.drops().empty());
}

TEST_CASE("the gateway answers for itself and for nobody else") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  net.send(web, arp_request(web, net.gateway()));
  const Dissected reply = net.expect(web, "the gateway's reply");
  REQUIRE(reply.arp);
  CHECK(reply.arp->sender_mac == net.gateway_mac());
  net.send(web, arp_request(web, ip("172.17.99.99")));
  net.send(web, arp_request(web, ip("8.8.8.8")));
  net.expect_silence();

  net.send(web, echo_frame(net.to_gateway(web), true, 7, 1, as_bytes("ping")));
  const Dissected pong = net.expect(web, "the echo");
  REQUIRE(pong.icmp);
  CHECK(as_text(pong.payload) == "ping");
}

TEST_CASE("an endpoint speaks only for itself") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  Member& db = net.add("db");
  PacketEnds forged = net.between_members(web, db);
  forged.source_mac = mac("02:66:66:66:66:66");
  net.send(web, udp_frame(forged, 1, 2, as_bytes("x")));
  forged = net.between_members(web, db);
  forged.source = ip("172.17.0.99");
  net.send(web, udp_frame(forged, 1, 2, as_bytes("x")));
  wire::ArpRepr claim{wire::ArpOperation::reply, web.mac(), net.gateway(), db.mac(),
                      db.address().v4()};
  net.send(web, arp_frame(claim));
  net.send(web, udp_frame(net.between_members(web, db), 67, 68, as_bytes("an offer")));
  net.expect_silence();
  const auto drops = net.drops();
  CHECK(drops.at("web/guard_source_mac") == 1);
  CHECK(drops.at("web/guard_source_ip") == 1);
  CHECK(drops.at("web/guard_arp") == 1);
  CHECK(drops.at("web/guard_service") == 1);
  CHECK(net.network->endpoints().front().dropped_frames == 4);
}

TEST_CASE("frames are counted where they pass") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  Member& db = net.add("db");
  for (int i = 0; i < 3; ++i)
    net.send(web, udp_frame(net.between_members(web, db), 1, 2, as_bytes("x")));
  const auto endpoints = net.network->endpoints();
  REQUIRE(endpoints.size() == 2);
  CHECK(endpoints[0].received_frames == 3);
  CHECK(endpoints[1].sent_frames == 3);
  db.inbox.clear();
}

TEST_CASE("a link that closes is told once, and frames for it go nowhere") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  Member& db = net.add("db");
  CHECK(net.network->take_gone().empty());
  db.port->close();
  net.turn();
  CHECK(net.network->take_gone() == std::vector<std::string>{"db"});
  CHECK(net.network->take_gone().empty());
  net.send(web, udp_frame(net.between_members(web, db), 1, 2, as_bytes("x")));
  net.expect_silence();
  net.remove(db);
  CHECK(net.network->take_gone().empty());
}

TEST_CASE("an endpoint's second link replaces the first") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  Member& db = net.add("db");
  FramePool pool;
  auto port = std::make_unique<MemoryPort>(pool);
  MemoryPort* second = port.get();
  db.port = nullptr;
  REQUIRE(net.network->attach("db", std::move(port), "memory", net.now));
  net.send(web, udp_frame(net.between_members(web, db), 1, 2, as_bytes("x")));
  CHECK(second->take_sent().size() == 1);
  net.remove(db);
}

TEST_CASE("who is not there cannot be attached, removed or found") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  FramePool pool;
  const auto attached =
      net.network->attach("nobody", std::make_unique<MemoryPort>(pool), "memory", net.now);
  REQUIRE_FALSE(attached);
  CHECK(attached.error().code == ErrorCode::not_found);
  CHECK_FALSE(net.network->remove("nobody", net.now));
  CHECK(net.network->find("nobody") == nullptr);
  CHECK_FALSE(net.network->is_durable("nobody"));
}

TEST_CASE("a quiet network wakes for its ageing only") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  CHECK(net.network->next_deadline() > net.now);
  CHECK(net.network->next_deadline() <= net.now + 30s);
  net.tick(1h);
  net.expect_nothing(web);
  CHECK(net.network->drops().empty());
}
