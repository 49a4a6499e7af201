// DHCP and DNS at a network's gateway.
#include <set>

#include "dhcp/message.h"
#include "tests/talk/control/network_bench.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kTypePtr = 12;
constexpr std::uint16_t kTypeAaaa = 28;
constexpr unsigned kNxDomain = 3;
constexpr unsigned kRefused = 5;

dhcp::Message dhcp_message(const Member& member, dhcp::MessageType type) {
  dhcp::Message message;
  message.xid = 0x01020304;
  message.chaddr = member.mac();
  message.type = type;
  return message;
}

Bytes dhcp_frame(const Member& member, const dhcp::Message& message) {
  PacketEnds ends;
  ends.source_mac = member.mac();
  ends.target_mac = MacAddress::broadcast();
  ends.source = Ipv4Address::any();
  ends.target = Ipv4Address::broadcast();
  return udp_frame(ends, 68, 67, message.emit(1400));
}

dhcp::Message expect_dhcp(NetworkBench& net, Member& member, dhcp::MessageType type) {
  const Dissected packet = net.expect(member, "a DHCP reply");
  REQUIRE(packet.udp);
  CHECK(packet.udp->source_port == 67);
  CHECK(packet.udp->destination_port == 68);
  CHECK(packet.source == IpAddress(net.gateway()));
  const auto message = dhcp::Message::parse(packet.payload);
  REQUIRE(message);
  CHECK(message->type == type);
  return *message;
}

Member& add_dhcp(NetworkBench& net, const std::string& name) {
  control::EndpointRequest request = net.request(name);
  request.dhcp = true;
  return net.add(request);
}

}  // namespace

TEST_CASE("a DHCP client gets the address that was reserved for its endpoint") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& other = net.add("other");
  Member& web = add_dhcp(net, "web");

  net.send(web, dhcp_frame(web, dhcp_message(web, dhcp::MessageType::discover)));
  const dhcp::Message offer = expect_dhcp(net, web, dhcp::MessageType::offer);
  CHECK(IpAddress(offer.yiaddr) == web.address());

  dhcp::Message request = dhcp_message(web, dhcp::MessageType::request);
  request.requested_address = offer.yiaddr;
  request.server_identifier = offer.server_identifier;
  net.send(web, dhcp_frame(web, request));
  const dhcp::Message ack = expect_dhcp(net, web, dhcp::MessageType::ack);
  CHECK(ack.yiaddr == offer.yiaddr);
  CHECK(ack.subnet_mask == Ipv4Address::of(255, 255, 0, 0));
  CHECK(ack.routers == std::vector{net.gateway()});
  CHECK(ack.dns_servers == std::vector{net.gateway()});
  CHECK(ack.domain_name == "default.internal");
  CHECK(ack.interface_mtu == 1500);
  net.expect_nothing(web);
  CHECK(other.inbox.size() == 2);  // broadcasts are everybody's, answers are not
}

TEST_CASE("what a container calls itself does not reach DNS") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& other = net.add("other");
  Member& web = add_dhcp(net, "web");
  dhcp::Message discover = dhcp_message(web, dhcp::MessageType::discover);
  discover.host_name = "gateway";
  net.send(web, dhcp_frame(web, discover));
  expect_dhcp(net, web, dhcp::MessageType::offer);
  other.inbox.clear();
  CHECK(net.resolve(other, "gateway").rcode() == kNxDomain);
}

TEST_CASE("an address that the disk does not have yet is not acknowledged") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  net.disk_held = true;
  Member& web = add_dhcp(net, "web");
  CHECK_FALSE(net.network->is_durable("web"));
  dhcp::Message request = dhcp_message(web, dhcp::MessageType::request);
  request.requested_address = web.address().v4();
  net.send(web, dhcp_frame(web, request));
  net.expect_silence();
  net.disk_held = false;
  net.turn();
  CHECK(expect_dhcp(net, web, dhcp::MessageType::ack).yiaddr == web.address().v4());
  CHECK(net.network->is_durable("web"));
}

TEST_CASE("endpoints find each other by all their names") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  control::EndpointRequest request = net.request("db");
  request.aliases = {"postgres"};
  Member& db = net.add(request);
  const std::vector<std::string> expected{db.address().to_string()};
  for (const char* name :
       {"db", "DB", "db.default", "db.default.internal", "postgres", "postgres.default.internal"}) {
    INFO(name);
    const DnsMessage answer = net.resolve(web, name);
    CHECK(answer.rcode() == 0);
    CHECK(answer.texts() == expected);
    CHECK(answer.has(0x8400));  // QR and AA
  }
  const DnsMessage aaaa = net.resolve(web, "db", kTypeAaaa);
  CHECK(aaaa.rcode() == 0);
  CHECK(aaaa.answers.empty());
  CHECK(net.resolve(web, "cache").rcode() == kNxDomain);
  for (const char* name : {"gateway.pontoon.internal", "host.docker.internal"})
    CHECK(net.resolve(web, name).texts() == std::vector<std::string>{net.gateway().to_string()});
  const Ipv4Address address = db.address().v4();
  const auto octets = address.bytes();
  const std::string reverse =
      std::to_string(octets[3]) + "." + std::to_string(octets[2]) + ".17.172.in-addr.arpa";
  CHECK(net.resolve(web, reverse, kTypePtr).texts() ==
        std::vector<std::string>{"db.default.internal"});
  CHECK(net.forwarder.asked.empty());
}

TEST_CASE("a name that is not ours is asked upstream and answered when the answer comes") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  net.send(web, udp_frame(net.to_gateway(web), 5353, 53, encode(question("example.com"))));
  net.expect_silence();
  REQUIRE(net.forwarder.asked.size() == 1);
  CHECK(decode(net.forwarder.asked[0].query).name == "example.com");
  net.forwarder.answer("198.51.100.9", net.now);
  net.turn();
  const Dissected answer = net.expect(web, "the answer");
  REQUIRE(answer.udp);
  CHECK(decode(answer.payload).texts() == std::vector<std::string>{"198.51.100.9"});
  CHECK(net.resolve(web, "example.com").texts() == std::vector<std::string>{"198.51.100.9"});
  CHECK(net.forwarder.asked.empty());  // that one came from the cache
}

TEST_CASE("an upstream that never answers is a failure in time") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  net.send(web, udp_frame(net.to_gateway(web), 5353, 53, encode(question("example.com"))));
  net.tick(10s);
  const Dissected answer = net.expect(web, "SERVFAIL");
  CHECK(decode(answer.payload).rcode() == 2);
  CHECK(net.forwarder.asked.empty());  // cancelled
}

TEST_CASE("DNS over TCP is served by the same names") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  Member& db = net.add("db");
  TcpEndpoint tcp(net, web, net.gateway().to_string(), 53);
  tcp.syn();
  tcp.finish_handshake();
  Bytes query = encode(question("db"));
  query.insert(query.begin(), {0, static_cast<std::uint8_t>(query.size())});
  tcp.text(as_text(query));
  const std::string answer = tcp.take_text();
  REQUIRE(answer.size() > 2);
  CHECK(decode(as_bytes(answer).subspan(2)).texts() ==
        std::vector<std::string>{db.address().to_string()});
  CHECK(outside.host.connects().empty());
  tcp.close();
  net.tick(3s);
  CHECK(net.network->flows(net.now).empty());
}

TEST_CASE("queries in one train are answered one by one") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  net.add("db");
  const Bytes query = encode(question("db"));
  const Bytes both = joined(query, query);
  const SuperFrame train = udp_super_frame(net.to_gateway(web), 5353, 53, both,
                                           static_cast<std::uint16_t>(query.size()));
  net.send(web, train.bytes, train.offload);
  for (int i = 0; i < 2; ++i)
    CHECK(decode(net.expect(web, "an answer").payload).rcode() == 0);
  net.expect_silence();
}

TEST_CASE("an internal network resolves its own names and no others") {
  Outside outside;
  NetworkBench net(outside, "quiet", "172.18.0.0/16", {.internal = true});
  Member& web = net.add("web");
  CHECK(net.resolve(web, "web.quiet.internal").rcode() == 0);
  CHECK(net.resolve(web, "example.com").rcode() == kRefused);
  CHECK(net.forwarder.asked.empty());
}

TEST_CASE("the names of an endpoint are checked before anything is reserved") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  control::EndpointRequest request = net.request("web");
  request.aliases = {"not a name"};
  CHECK_FALSE(net.network->reserve(request, "id", WallTime{}, net.now));
  CHECK(net.network->leases().empty());
  CHECK(net.network->endpoints().empty());
}
