#include <catch2/catch.hpp>

#include <algorithm>

#include "core/base/limits.h"
#include "lab/adopt/adopt.h"
#include "lab/adopt/adopt_plan.h"
#include "tests/support/capture_builder.h"
#include "tests/support/dhcp_talk.h"
#include "tests/support/dns.h"

namespace pontoon::test {
namespace {

using dhcp::MessageType;
using lab::adopt;
using lab::Adopted;
using lab::normalise;

Adopted adopted(CaptureBuilder& capture, const lab::AdoptOptions& options = {}) {
  normalise(capture.file());
  auto made = adopt(capture.file(), options);
  if (!made) FAIL(made.error().message);
  return *made;
}

const lab::CaseEndpoint& endpoint(const Adopted& made, const std::string& name) {
  for (const lab::CaseEndpoint& each : made.description.endpoints) {
    if (each.request.name == name) return each;
  }
  FAIL("no endpoint " << name);
  throw std::logic_error("unreachable");
}

bool notes_say(const std::vector<std::string>& notes, const std::string& what) {
  return std::any_of(notes.begin(), notes.end(),
                     [&](const std::string& note) { return note.find(what) != std::string::npos; });
}

DhcpClient named(unsigned number, const std::string& name) {
  DhcpClient client = DhcpClient::numbered(number);
  client.host_name = name;
  return client;
}

wire::TcpRepr segment(std::uint16_t from, std::uint16_t to, std::uint32_t sequence,
                      std::uint32_t acknowledgement, wire::TcpFlags flags) {
  wire::TcpRepr repr;
  repr.source_port = from;
  repr.destination_port = to;
  repr.sequence = {sequence};
  repr.acknowledgement = {acknowledgement};
  repr.flags = flags;
  repr.window = 65535;
  return repr;
}
constexpr wire::TcpFlags kSyn{.syn = true};
constexpr wire::TcpFlags kSynAck{.syn = true, .ack = true};
constexpr wire::TcpFlags kAck{.ack = true};
constexpr wire::TcpFlags kRstAck{.rst = true, .ack = true};

TEST_CASE("adopt: a DHCP exchange gives subnet, gateway, its MAC and the client's address") {
  const DhcpClient client = named(1, "DESKTOP-7F3K2L1");
  const dhcp::Message discover = client.discover();
  const dhcp::Message request = client.select(ip4("192.168.1.50"), ip4("192.168.1.1"));
  CaptureBuilder capture;
  capture.add(dhcp_frame(discover))
      .add(dhcp_reply_frame(
          dhcp_answer(discover, MessageType::offer, "192.168.1.50", "192.168.1.1")))
      .add(dhcp_frame(request))
      .add(dhcp_reply_frame(dhcp_answer(request, MessageType::ack, "192.168.1.50", "192.168.1.1")))
      .add(arp_frame(
          {wire::ArpOperation::request, client.mac, ip4("192.168.1.50"), {}, ip4("192.168.1.1")}))
      .add(arp_frame({wire::ArpOperation::reply, kRouterMac, ip4("192.168.1.1"), client.mac,
                      ip4("192.168.1.50")}));
  const Adopted made = adopted(capture);

  REQUIRE(made.description.networks.size() == 1);
  const control::NetworkSpec& network = made.description.networks[0];
  CHECK(network.subnet.to_string() == "192.168.1.0/24");
  CHECK(network.gateway == ip4("192.168.1.1"));
  CHECK(network.gateway_mac == kRouterMac);
  REQUIRE(made.description.endpoints.size() == 1);
  const lab::CaseEndpoint& found = endpoint(made, "desktop-7f3k2l1");
  CHECK(found.request.ip == ip4("192.168.1.50"));
  CHECK(found.request.mac == client.mac);
  CHECK(found.request.dhcp);
  CHECK(found.senders == std::vector{client.mac});
  CHECK(made.description.adapt);
}

TEST_CASE("adopt: a client alone is believed what it names") {
  const DhcpClient client = DhcpClient::numbered(1);
  CaptureBuilder capture;
  capture.add(dhcp_frame(client.discover()))
      .add(dhcp_frame(client.select(ip4("10.0.0.77"), ip4("10.0.0.138"))));
  const Adopted made = adopted(capture);
  CHECK(made.description.networks[0].subnet.to_string() == "10.0.0.0/24");
  CHECK(made.description.networks[0].gateway == ip4("10.0.0.138"));
  CHECK(endpoint(made, "client-1").request.ip == ip4("10.0.0.77"));
}

TEST_CASE("adopt: a server outside of the client's /24 widens the guess") {
  const DhcpClient client = DhcpClient::numbered(1);
  CaptureBuilder capture;
  capture.add(dhcp_frame(client.select(ip4("10.0.5.77"), ip4("10.0.0.1"))));
  const Adopted made = adopted(capture);
  CHECK(made.description.networks[0].subnet.to_string() == "10.0.0.0/21");
  CHECK(made.description.networks[0].gateway == ip4("10.0.0.1"));
}

TEST_CASE("adopt: who says nothing of itself stands in the default network") {
  CaptureBuilder capture;
  capture.add(dhcp_frame(DhcpClient::numbered(1).discover()));
  const Adopted made = adopted(capture);
  CHECK(made.description.networks[0].subnet.to_string() == "172.17.0.0/16");
  CHECK(made.description.networks[0].gateway == ip4("172.17.0.1"));
  CHECK(endpoint(made, "client-1").request.ip == ip4("172.17.0.2"));
}

TEST_CASE("adopt: a rebooting client's address founds a network only when nothing surer does") {
  const DhcpClient rebooting = DhcpClient::numbered(1);
  CaptureBuilder alone;
  alone.add(dhcp_frame(rebooting.reboot(ip4("192.168.178.23"))));
  const Adopted first = adopted(alone);
  CHECK(first.description.networks[0].subnet.to_string() == "192.168.178.0/24");
  CHECK(endpoint(first, "client-1").request.ip == ip4("192.168.178.23"));

  CaptureBuilder roaming;
  roaming.add(dhcp_frame(rebooting.reboot(ip4("192.168.178.23"))))
      .add(dhcp_frame(DhcpClient::numbered(2).select(ip4("10.0.0.5"), ip4("10.0.0.1"))));
  const Adopted second = adopted(roaming);
  REQUIRE(second.description.networks.size() == 1);
  CHECK(second.description.networks[0].subnet.to_string() == "10.0.0.0/24");
  CHECK(endpoint(second, "client-1").request.ip == ip4("10.0.0.2"));
}

TEST_CASE("adopt: a DNS capture without DHCP: the gateway is the server that is asked") {
  const MacAddress mac = DhcpClient::numbered(1).mac;
  const PacketEnds ends = outwards(mac, "192.168.7.20", "192.168.7.1");
  const Bytes query = encode(question("example.com"));
  DnsMessage answer = response_to(query);
  answer.answers = {address_record("example.com", 60, "93.184.216.34")};
  CaptureBuilder capture;
  capture.add(udp_frame(ends, 40000, 53, query))
      .add(udp_frame(ends.reversed(), 53, 40000, encode(answer)));
  const Adopted made = adopted(capture);
  CHECK(made.description.networks[0].gateway == ip4("192.168.7.1"));
  CHECK(made.description.networks[0].gateway_mac == kRouterMac);
  CHECK(endpoint(made, "client-1").request.ip == ip4("192.168.7.20"));
  CHECK_FALSE(endpoint(made, "client-1").request.dhcp);
  REQUIRE(made.description.responses.size() == 1);
  CHECK(made.description.responses[0] == encode(answer));
  CHECK(made.description.endpoints.size() == 1);
  CHECK(made.description.replaced == std::vector{kRouterMac});
}

TEST_CASE("adopt: a DNS server elsewhere is stood in for, and a note says so") {
  const MacAddress mac = DhcpClient::numbered(1).mac;
  CaptureBuilder capture;
  capture.add(udp_frame(outwards(mac, "192.168.7.20", "8.8.8.8"), 40000, 53,
                        encode(question("example.com"))));
  const Adopted made = adopted(capture);
  CHECK(made.description.networks[0].gateway == ip4("192.168.7.1"));
  CHECK(notes_say(made.notes, "DNS queries to 8.8.8.8"));
}

TEST_CASE("adopt: clients of several subnets stand in several networks") {
  CaptureBuilder capture;
  capture.add(dhcp_frame(DhcpClient::numbered(1).select(ip4("192.168.1.5"), ip4("192.168.1.1"))))
      .add(dhcp_frame(DhcpClient::numbered(2).select(ip4("10.9.8.7"), ip4("10.9.8.1"))));
  const Adopted made = adopted(capture);
  REQUIRE(made.description.networks.size() == 2);
  CHECK(endpoint(made, "client-1").request.network == "default");
  CHECK(endpoint(made, "client-2").request.network == "network-2");
  CHECK(made.description.networks[1].gateway == ip4("10.9.8.1"));
}

TEST_CASE("adopt: an address that two clients want is the first one's") {
  CaptureBuilder capture;
  capture.add(dhcp_frame(DhcpClient::numbered(1).reboot(ip4("192.168.1.5"))))
      .add(dhcp_frame(DhcpClient::numbered(2).reboot(ip4("192.168.1.5"))));
  const Adopted made = adopted(capture);
  CHECK(endpoint(made, "client-1").request.ip == ip4("192.168.1.5"));
  CHECK(endpoint(made, "client-2").request.ip != ip4("192.168.1.5"));
}

TEST_CASE("adopt: names are made fit for DNS and unique", "[limit:kNameBytes]") {
  CHECK(lab::sanitised("Anna's MacBook Pro.local") == "anna-s-macbook-pro");
  CHECK(lab::sanitised("--- ") == "");
  CHECK(lab::sanitised("") == "");
  CHECK(lab::sanitised("gateway") == "gateway-1");
  CHECK(lab::sanitised(std::string("a\0b", 3)) == "a-b");
  CHECK(lab::sanitised(std::string(200, 'x')).size() == limits::kNameBytes);

  CaptureBuilder capture;
  capture.add(dhcp_frame(named(1, "Phone").discover()))
      .add(dhcp_frame(named(2, "phone").discover()))
      .add(dhcp_frame(named(3, "\xff\xfe").discover()));
  const Adopted made = adopted(capture);
  CHECK(endpoint(made, "phone").request.mac == DhcpClient::numbered(1).mac);
  CHECK(endpoint(made, "phone-2").request.mac == DhcpClient::numbered(2).mac);
  CHECK(endpoint(made, "client-1").request.mac == DhcpClient::numbered(3).mac);
}

TEST_CASE("adopt: a capture of ours names its endpoints and their network") {
  CaptureBuilder capture;
  const MacAddress web{{2, 0, 0, 0, 0, 1}};
  const MacAddress db{{2, 0, 0, 0, 0, 2}};
  capture.add(udp_frame(outwards(web, "10.9.1.2", "10.9.200.3"), 1000, 53, pattern(20)));
  capture.add(udp_frame(outwards(db, "10.9.200.3", "192.0.2.1"), 1000, 53, pattern(20)));
  const auto watched = [&](const char* name, const MacAddress& mac, const char* prefix) {
    capture.file().interfaces.push_back(
        {name, "", capture::LinkType::ethernet, 0, mac, IpPrefix::parse(prefix)});
  };
  watched("web", web, "10.9.1.2/16");
  watched("db", db, "10.9.200.3/16");
  watched("quiet", MacAddress{{2, 0, 0, 0, 0, 3}}, "10.9.7.7/16");
  const Adopted made = adopted(capture);
  REQUIRE(made.description.endpoints.size() == 2);
  CHECK(endpoint(made, "web").request.ip == ip4("10.9.1.2"));
  CHECK(endpoint(made, "db").request.mac == db);
  REQUIRE(made.description.networks.size() == 1);
  CHECK(made.description.networks[0].subnet.to_string() == "10.9.0.0/16");
}

TEST_CASE("adopt: an interface's prefix may be anything") {
  for (const char* prefix : {"0.0.0.0/0", "255.255.255.255/32", "10.9.1.2/31", "fd00::1/64"}) {
    CaptureBuilder capture;
    const MacAddress mac{{2, 0, 0, 0, 0, 1}};
    capture.add(udp_frame(outwards(mac, "10.9.1.2", "192.0.2.1"), 1000, 53, pattern(20)));
    capture.file().interfaces.push_back(
        {"web", "", capture::LinkType::ethernet, 0, mac, IpPrefix::parse(prefix)});
    CHECK(adopted(capture).description.endpoints.size() == 1);
  }
}

TEST_CASE("adopt: --map chooses who is played and under which name") {
  CaptureBuilder capture;
  capture.add(dhcp_frame(DhcpClient::numbered(1).select(ip4("192.168.1.5"), ip4("192.168.1.1"))))
      .add(dhcp_frame(DhcpClient::numbered(2).select(ip4("192.168.1.6"), ip4("192.168.1.1"))));
  const Adopted made = adopted(capture, {{{"192.168.1.6", "web"}}, 7});
  REQUIRE(made.description.endpoints.size() == 1);
  CHECK(endpoint(made, "web").request.mac == DhcpClient::numbered(2).mac);
  CHECK(made.description.seed == 7);

  const auto nobody = adopt(capture.file(), {{{"192.168.1.99", "web"}}, 1});
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().message.find("192.168.1.99") != std::string::npos);
  CHECK(nobody.error().message.find("192.168.1.5") != std::string::npos);
  CHECK_FALSE(adopt(capture.file(), {{{"192.168.1.6", "not a name"}}, 1}));
  CHECK_FALSE(adopt(capture.file(), {{{"192.168.1.6", "a"}, {"192.168.1.6", "b"}}, 1}));
  const auto by_mac = adopt(capture.file(), {{{DhcpClient::numbered(1).mac.to_string(), "db"}}, 1});
  REQUIRE(by_mac);
  CHECK(endpoint(*by_mac, "db").request.ip == ip4("192.168.1.5"));
}

TEST_CASE("adopt: a relay stands at its 'giaddr', in the network of its clients") {
  dhcp::Message message = DhcpClient::numbered(1).discover();
  message.giaddr = ip4("192.168.50.1");
  CaptureBuilder capture;
  capture.add(udp_frame(outwards(DhcpClient::numbered(9).mac, "10.0.0.1", "10.0.0.5"), 67, 67,
                        message.emit(548)));
  const Adopted made = adopted(capture);
  REQUIRE(made.description.endpoints.size() == 1);
  CHECK(endpoint(made, "relay").request.relay);
  CHECK(endpoint(made, "relay").request.ip == ip4("192.168.50.1"));
  CHECK(endpoint(made, "relay").request.mac == DhcpClient::numbered(9).mac);
  CHECK(made.description.networks[0].subnet.to_string() == "192.168.50.0/24");
  CHECK(made.description.networks[0].gateway == ip4("192.168.50.2"));
}

TEST_CASE("adopt: TCP servers outside say what the captured ones said") {
  const MacAddress mac = DhcpClient::numbered(1).mac;
  const PacketEnds web = outwards(mac, "192.168.1.5", "93.184.216.34");
  const PacketEnds mail = outwards(mac, "192.168.1.5", "198.51.100.25");
  const PacketEnds closed = outwards(mac, "192.168.1.5", "203.0.113.1");
  const auto text = [](std::string_view words) { return to_bytes(as_bytes(words)); };
  CaptureBuilder capture;
  capture.add(tcp_frame(web, segment(40000, 80, 100, 0, kSyn)))
      .add(tcp_frame(web.reversed(), segment(80, 40000, 500, 101, kSynAck)))
      .add(tcp_frame(web, segment(40000, 80, 101, 501, kAck), text("GET /")))
      .add(tcp_frame(web.reversed(), segment(80, 40000, 501, 106, kAck), text("200 ")))
      .add(tcp_frame(web.reversed(), segment(80, 40000, 501, 106, kAck), text("200 ")))
      .add(tcp_frame(web.reversed(), segment(80, 40000, 505, 106, kAck), text("OK")))
      .add(tcp_frame(mail, segment(40001, 25, 100, 0, kSyn)))
      .add(tcp_frame(mail.reversed(), segment(25, 40001, 500, 101, kSynAck)))
      .add(tcp_frame(mail.reversed(), segment(25, 40001, 501, 101, kAck), text("220 hi")))
      .add(tcp_frame(closed, segment(40002, 81, 100, 0, kSyn)))
      .add(tcp_frame(closed.reversed(), segment(81, 40002, 0, 101, kRstAck)));
  const Adopted made = adopted(capture);
  REQUIRE(made.description.tcp_services.size() == 3);
  std::map<std::string, lab::TcpService> services;
  for (const lab::TcpService& service : made.description.tcp_services)
    services[service.at.to_string()] = service;
  CHECK(services["93.184.216.34:80"].talk == lab::TcpService::Talk::reply);
  CHECK(services["93.184.216.34:80"].reply == "200 OK");
  CHECK(services["198.51.100.25:25"].greeting == "220 hi");
  CHECK(services["203.0.113.1:81"].connect == lab::TcpService::Connect::refuse);
  // The router that carried all this is nobody to be played.
  CHECK(made.description.endpoints.size() == 1);
}

TEST_CASE("adopt: with the client's side only, servers accept and hosts answer pings") {
  const MacAddress mac = DhcpClient::numbered(1).mac;
  const PacketEnds ends = outwards(mac, "192.168.1.5", "93.184.216.34");
  CaptureBuilder capture;
  capture.add(tcp_frame(ends, segment(40000, 80, 100, 0, kSyn))).add(echo_frame(ends, true, 7, 1));
  const Adopted made = adopted(capture);
  REQUIRE(made.description.tcp_services.size() == 1);
  CHECK(made.description.tcp_services[0].connect == lab::TcpService::Connect::accept);
  CHECK(made.description.echo_hosts == std::vector{ip("93.184.216.34")});
}

TEST_CASE("adopt: UDP servers answer what they answered") {
  const PacketEnds ends = outwards(DhcpClient::numbered(1).mac, "192.168.1.5", "198.51.100.123");
  CaptureBuilder capture;
  capture.add(udp_frame(ends, 40000, 123, pattern(48)))
      .add(udp_frame(ends.reversed(), 123, 40000, pattern(48, 9)));
  const Adopted made = adopted(capture);
  REQUIRE(made.description.udp_services.size() == 1);
  CHECK(made.description.udp_services[0].at.to_string() == "198.51.100.123:123");
  const Bytes answer = pattern(48, 9);
  CHECK(made.description.udp_services[0].reply == as_text(answer));
}

TEST_CASE("adopt: what cannot be played is noted") {
  CaptureBuilder servers_only;
  const dhcp::Message request = DhcpClient::numbered(1).discover();
  servers_only.add(
      dhcp_reply_frame(dhcp_answer(request, MessageType::offer, "192.168.1.5", "192.168.1.1")));
  CHECK(notes_say(adopted(servers_only).notes, "nothing to play"));

  CaptureBuilder mixed;
  mixed.add(dhcp_frame(request)).add_cut(dhcp_frame(request), 1500);
  PacketEnds v6 = between("fe80::1", "ff02::2");
  v6.source_mac = DhcpClient::numbered(9).mac;
  mixed.add(echo_frame(v6, true, 1, 1));
  const Adopted made = adopted(mixed);
  CHECK(notes_say(made.notes, "1 packets were cut"));
  CHECK(notes_say(made.notes, "IPv4 only"));
  CHECK(made.description.endpoints.size() == 1);
}

TEST_CASE("adopt: a capture without a usable frame is an error") {
  CaptureBuilder empty;
  CHECK_FALSE(adopt(empty.file(), {}));
  CaptureBuilder short_frames;
  short_frames.add(Bytes{1, 2, 3});
  CHECK_FALSE(adopt(short_frames.file(), {}));
  CaptureBuilder unknown(static_cast<capture::LinkType>(127));
  unknown.add(pattern(100));
  normalise(unknown.file());
  CHECK_FALSE(adopt(unknown.file(), {}));
}

TEST_CASE("adopt: a flood of clients is bounded by kAdoptedEndpoints and kAdoptedStations",
          "[limit:kAdoptedStations][limit:kAdoptedEndpoints]") {
  CaptureBuilder capture;
  for (unsigned i = 1; i <= limits::kAdoptedStations + 10; ++i)
    capture.add(dhcp_frame(DhcpClient::numbered(i).reboot(ip4("192.168.1.5"))));
  const Adopted made = adopted(capture);
  CHECK(made.description.endpoints.size() == limits::kAdoptedEndpoints);
  CHECK(notes_say(made.notes, "3584 more clients are not played"));
  CHECK(notes_say(made.notes, "10 packets are of stations beyond the first 4096"));
  // The guessed network has grown so that all of them find room.
  CHECK(made.description.networks[0].subnet.length <= 22);
}

TEST_CASE("adopt: a given subnet that is too small leaves clients out") {
  const DhcpClient first = DhcpClient::numbered(1);
  const dhcp::Message request = first.select(ip4("192.168.1.50"), ip4("192.168.1.1"));
  CaptureBuilder capture;
  capture.add(dhcp_frame(request))
      .add(dhcp_reply_frame(dhcp_answer(request, MessageType::ack, "192.168.1.50", "192.168.1.1")));
  for (unsigned i = 2; i <= 300; ++i)
    capture.add(dhcp_frame(DhcpClient::numbered(i).discover()));
  const Adopted made = adopted(capture);
  CHECK(made.description.endpoints.size() == 253);
  CHECK(notes_say(made.notes, "47 clients are not played"));
}

TEST_CASE("adopt: kAdoptedFlows, kAdoptedReplyBytes and kAdoptedResponses bound what is kept",
          "[limit:kAdoptedFlows][limit:kAdoptedReplyBytes][limit:kAdoptedResponses]") {
  const MacAddress mac = DhcpClient::numbered(1).mac;
  const PacketEnds web = outwards(mac, "192.168.1.5", "93.184.216.34");
  CaptureBuilder capture;
  capture.add(tcp_frame(web, segment(40000, 80, 100, 0, kSyn)))
      .add(tcp_frame(web.reversed(), segment(80, 40000, 500, 101, kSynAck)))
      .add(tcp_frame(web, segment(40000, 80, 101, 501, kAck), pattern(5)));
  for (std::uint32_t i = 0; i < 70; ++i) {
    capture.add(
        tcp_frame(web.reversed(), segment(80, 40000, 501 + i * 1000, 106, kAck), pattern(1000)));
  }
  for (unsigned i = 0; i < limits::kAdoptedFlows + 5; ++i) {
    const auto port = static_cast<std::uint16_t>(1000 + i);
    capture.add(tcp_frame(web, segment(port, port, 100, 0, kSyn)));
  }
  for (unsigned i = 0; i < limits::kAdoptedResponses + 5; ++i)
    capture.add(udp_frame(web.reversed(), 53, 999, encode(response_to(encode(question("a"))))));
  const Adopted made = adopted(capture);
  CHECK(made.description.tcp_services.size() == limits::kAdoptedFlows);
  CHECK(made.description.responses.size() == limits::kAdoptedResponses);
  CHECK(std::any_of(made.description.tcp_services.begin(), made.description.tcp_services.end(),
                    [](const lab::TcpService& service) {
                      return service.reply.size() == limits::kAdoptedReplyBytes;
                    }));
}

TEST_CASE("adopt: garbage of any length neither fails nor hangs") {
  CaptureBuilder capture;
  const Bytes whole = dhcp_frame(DhcpClient::numbered(1).select(ip4("10.0.0.9"), ip4("10.0.0.1")));
  for (std::size_t size = 0; size <= whole.size(); ++size)
    capture.add(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
  for (std::size_t at = 12; at < whole.size(); ++at) {
    Bytes bent = whole;
    bent[at] = 0xff;
    capture.add(bent);
  }
  const Adopted made = adopted(capture);
  CHECK(made.description.endpoints.size() >= 1);
}

}  // namespace
}  // namespace pontoon::test
