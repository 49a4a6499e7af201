// DHCPDECLINE by an endpoint's client (RFC 2131 4.3.3): all that knows its address follows.
#include "dhcp/message.h"
#include "tests/talk/control/network_bench.h"

using namespace pontoon;
using namespace pontoon::test;

namespace {

const SocketAddress kClient{*IpAddress::parse("203.0.113.7"), 5555};
const SocketAddress kPublished{*IpAddress::parse("127.0.0.1"), 8080};

Bytes decline_frame(const NetworkBench& net, const Member& member, Ipv4Address server) {
  dhcp::Message message;
  message.xid = 7;
  message.chaddr = member.mac();
  message.type = dhcp::MessageType::decline;
  message.requested_address = member.address().v4();
  message.server_identifier = server;
  PacketEnds ends = net.to_gateway(member);
  ends.target_mac = MacAddress::broadcast();
  ends.source = Ipv4Address::any();
  ends.target = Ipv4Address::broadcast();
  return udp_frame(ends, 68, 67, message.emit(1400));
}

Member& add_web(NetworkBench& net, bool by_dhcp) {
  control::EndpointRequest request = NetworkBench::request("web");
  request.publish = {"127.0.0.1:8080:80", "127.0.0.1:5353:53/udp"};
  request.dhcp = by_dhcp;
  return net.add(request);
}

// The network's word on the endpoint, which the bench's copy does not follow.
IpAddress address_of(const NetworkBench& net, const Member& member) {
  return net.network->find(member.info.name)->ipv4.address;
}

}  // namespace

TEST_CASE("names, ports, guard and listing follow an endpoint that declines its address") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = add_web(net, true);
  Member& other = net.add("other");
  const IpAddress bad = web.address();
  CHECK(outside.host.deliver(kClient, {ip("127.0.0.1"), 5353}, "query"));  // a flow to where it was
  net.turn();
  net.send(web, decline_frame(net, web, net.gateway()));
  web.inbox.clear();
  other.inbox.clear();

  const IpAddress good = address_of(net, web);
  REQUIRE(good != bad);
  const DnsMessage answer = net.resolve(other, "web");
  CHECK(answer.texts() == std::vector{good.to_string()});
  const auto declined = net.network->take_declined();
  REQUIRE(declined.size() == 1);
  CHECK(IpAddress(declined[0].address) == bad);
  CHECK(net.network->take_declined().empty());

  // The guard lets it speak from the new address, and no longer from the former one.
  net.send(web, udp_frame(net.between_members(web, other), 9, 9, as_bytes("old")));
  net.expect_nothing(other);
  CHECK(net.drops().at("web/guard_source_ip") == 1);
  web.info.ipv4.address = good;
  net.send(web, udp_frame(net.between_members(web, other), 9, 9, as_bytes("new")));
  CHECK(as_text(net.expect(other, "from the new address").payload) == "new");

  net.send(web, arp_frame({wire::ArpOperation::request, web.mac(), good.v4(), MacAddress{},
                           net.gateway()}));
  CHECK(net.expect(web, "the gateway's ARP reply").arp);
  CHECK(outside.host.deliver(kClient, {ip("127.0.0.1"), 5353}, "again"));
  net.turn();
  CHECK(net.expect(web, "a published datagram").target == good);
  REQUIRE(outside.host.dial(kClient, kPublished));
  net.turn();
  Dissected opened = net.expect(web, "a published connection");
  while (opened.arp)  // the gateway asks whether the neighbour is still there
    opened = net.expect(web, "a published connection");
  CHECK(opened.target == good);
}

TEST_CASE("a DHCPDECLINE moves no endpoint whose interface was set up by hand") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = add_web(net, false);
  net.send(web, decline_frame(net, web, net.gateway()));
  CHECK(address_of(net, web) == web.address());
  CHECK(net.network->take_declined().empty());
  CHECK(net.drops().at("dhcp/dhcp_not_ours") == 1);
}
