// RELEASE, DECLINE, INFORM, identities, endpoints, and messages that are not for us.
#include <catch2/catch.hpp>

#include "tests/support/dhcp_talk.h"
#include "tests/support/hex.h"

using namespace pontoon;
using namespace pontoon::dhcp;
using namespace std::chrono_literals;
using test::DhcpClient;
using test::DhcpTalk;

namespace {
Ipv4Address address(const char* text) {
  return *Ipv4Address::parse(text);
}
}  // namespace

TEST_CASE("RELEASE ends the lease of its client, and of nobody else", "[RFC 2131 4.3.4]") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  const DhcpClient thief = DhcpClient::numbered(2);
  const Ipv4Address held = talk.join(client);
  talk.unicast(thief.release(held, talk.gateway));
  talk.expect_drop(DropReason::dhcp_not_ours);
  talk.unicast(client.release(held, address("172.17.0.250")));
  talk.expect_drop(DropReason::dhcp_not_ours);
  CHECK(talk.book.find(held)->state == LeaseState::bound);
  talk.unicast(client.release(held, talk.gateway));
  talk.expect_nothing();
  CHECK(talk.book.find(held)->state == LeaseState::released);
  CHECK(talk.store.durable().at(0).state == LeaseState::released);
  talk.unicast(client.release(held, talk.gateway));
  talk.expect_drop(DropReason::dhcp_not_ours);
}

TEST_CASE("DECLINE puts the address into quarantine", "[RFC 2131 4.3.3][limit:kDhcpQuarantine]") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  const Ipv4Address bad = talk.join(client);
  talk.send(DhcpClient::numbered(2).decline(bad, talk.gateway));
  talk.expect_drop(DropReason::dhcp_not_ours);
  talk.send(client.decline(bad, talk.gateway));
  talk.expect_nothing();
  CHECK(talk.book.find(bad)->state == LeaseState::declined);
  CHECK(talk.store.durable().at(0).state == LeaseState::declined);
  CHECK(talk.join(client) == address("172.17.0.3"));
  talk.send(client.select(bad, talk.gateway));
  talk.expect(MessageType::nak);
  talk.tick(limits::kDhcpQuarantine);
  CHECK(talk.book.find(bad) == nullptr);
  CHECK(talk.store.durable().size() == 1);
  CHECK(talk.join(DhcpClient::numbered(3)) == bad);
}

TEST_CASE("one client cannot put the whole pool into quarantine", "[RFC 2131 4.3.3]") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  for (std::size_t i = 0; i < limits::kLeasesPerPort; ++i)
    talk.send(client.decline(talk.join(client), talk.gateway));
  talk.send(client.discover());
  talk.expect_drop(DropReason::dhcp_no_address);
  talk.join(DhcpClient::numbered(2));
  talk.tick(limits::kDhcpQuarantine);
  talk.join(client);
}

TEST_CASE("the quarantine is bounded: the oldest address comes back early",
          "[limit:kDhcpQuarantined]") {
  DhcpTalk talk;
  Ipv4Address first;
  for (unsigned i = 0; i <= limits::kDhcpQuarantined; ++i) {
    const DhcpClient client = DhcpClient::numbered(i);
    const Ipv4Address bad = talk.join(client);
    if (i == 0) first = bad;
    talk.send(client.decline(bad, talk.gateway));
  }
  CHECK(talk.book.size() == limits::kDhcpQuarantined);
  CHECK(talk.book.find(first) == nullptr);
}

TEST_CASE("INFORM gets parameters and no lease", "[RFC 2131 4.3.5]") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  talk.unicast(client.inform(address("172.17.9.9")));
  const auto ack = talk.expect(MessageType::ack, "0.0.0.0");
  CHECK(ack.ip == address("172.17.9.9"));
  CHECK(ack.message.ciaddr == address("172.17.9.9"));
  CHECK_FALSE(ack.message.lease_time_s);
  CHECK_FALSE(ack.message.renewal_time_s);
  CHECK(ack.message.routers == std::vector{talk.gateway});
  CHECK(talk.book.size() == 0);
  talk.send(client.inform(Ipv4Address::any()));
  talk.expect_drop(DropReason::dhcp_malformed);
}

TEST_CASE("a DHCP client inside an endpoint gets exactly the endpoint's address and name") {
  DhcpTalk talk;
  DhcpClient inside = DhcpClient::numbered(1);
  inside.host_name = "evil";
  inside.client_id = test::unhex("ff01020304");
  REQUIRE(talk.book.claim({"web", inside.mac, address("172.17.3.3")}, talk.now()));
  talk.end_turn();
  talk.send(inside.discover());
  CHECK(talk.expect(MessageType::offer, "172.17.3.3").message.host_name == "web");
  talk.hold_disk();
  talk.send(inside.select(address("172.17.3.3"), talk.gateway));
  talk.expect(MessageType::ack, "172.17.3.3");  // nothing to write: the claim is durable
  const Lease* lease = talk.book.find_endpoint("web");
  CHECK(lease->expires == kNever);
  CHECK(lease->hostname.empty());

  talk.unicast(inside.release(address("172.17.3.3"), talk.gateway));
  talk.expect_nothing();
  talk.send(inside.decline(address("172.17.3.3"), talk.gateway));
  talk.expect_drop(DropReason::dhcp_not_ours);
  talk.tick(1000h);
  CHECK(talk.book.find_endpoint("web")->state == LeaseState::bound);
  talk.unicast(inside.inform(address("172.17.3.3")));
  CHECK(talk.expect(MessageType::ack).message.host_name == "web");
  talk.send(inside.reboot(address("172.17.0.9")));
  talk.expect(MessageType::nak);
}

TEST_CASE("an endpoint's client waits until the claim is on the disk") {
  DhcpTalk talk;
  const DhcpClient inside = DhcpClient::numbered(1);
  talk.hold_disk();
  const auto lease = talk.book.claim({"web", inside.mac, {}}, talk.now());
  REQUIRE(lease);
  talk.end_turn();
  talk.send(inside.select(lease->address, talk.gateway));
  talk.expect_nothing();
  CHECK(talk.server.parked() == 1);
  talk.mend_disk();
  talk.expect(MessageType::ack, lease->address.to_string());
}

TEST_CASE("the client identifier is the identity, not the MAC", "[RFC 2131 4.2]") {
  DhcpTalk talk;
  DhcpClient client = DhcpClient::numbered(1);
  client.client_id = test::unhex("00 636c69656e74");
  const Ipv4Address held = talk.join(client);
  DhcpClient same_mac = DhcpClient::numbered(1);
  CHECK(talk.join(same_mac) != held);
  talk.unicast(client.release(held, talk.gateway));
  DhcpClient new_mac = DhcpClient::numbered(2);
  new_mac.client_id = client.client_id;
  CHECK(talk.join(new_mac) == held);
}

TEST_CASE("a neighbour's client identifier does not give its address away", "[RFC 2131 4.2]") {
  DhcpTalk talk;
  DhcpClient victim = DhcpClient::numbered(1);
  victim.client_id = test::unhex("01020304");
  const Ipv4Address held = talk.join(victim);
  DhcpClient thief = DhcpClient::numbered(2);
  thief.client_id = victim.client_id;
  const Ipv4Address own = talk.join(thief);
  CHECK(own != held);
  talk.unicast(thief.release(held, talk.gateway));
  talk.expect_drop(DropReason::dhcp_not_ours);
  talk.unicast(thief.renew(held));
  talk.expect(MessageType::nak);
  // Also later, when the victim's lease rests, the thief keeps to its own address.
  talk.unicast(victim.release(held, talk.gateway));
  talk.unicast(thief.renew(own));
  talk.expect(MessageType::ack, own.to_string());
  CHECK(talk.join(victim) == held);
}

TEST_CASE("RFC 6842: the client identifier comes back, also in a NAK") {
  DhcpTalk talk;
  DhcpClient client = DhcpClient::numbered(1);
  client.client_id = test::unhex("01020304");
  auto discover = client.discover();
  discover.relay_agent_information = test::unhex("010161");
  talk.send(discover);
  const auto offer = talk.expect(MessageType::offer);
  CHECK(offer.message.client_identifier == client.client_id);
  CHECK(offer.message.relay_agent_information == test::unhex("010161"));
  talk.send(client.reboot(address("10.0.0.1")));
  CHECK(talk.expect(MessageType::nak).message.client_identifier == client.client_id);
}

TEST_CASE("one MAC has a share of the pool, and takes nothing from others to renew it",
          "[limit:kLeasesPerPort]") {
  DhcpTalk talk;
  const Ipv4Address neighbour = talk.join(DhcpClient::numbered(100));
  talk.unicast(DhcpClient::numbered(100).release(neighbour, talk.gateway));
  DhcpClient greedy = DhcpClient::numbered(1);
  std::vector<Ipv4Address> held;
  for (std::uint8_t i = 0; i < limits::kLeasesPerPort; ++i) {
    greedy.client_id = {1, i};
    held.push_back(talk.join(greedy));
  }
  greedy.client_id = {2};
  talk.send(greedy.discover());
  talk.expect_drop(DropReason::dhcp_no_address);
  greedy.client_id = {1, 3};
  talk.unicast(greedy.release(held[3], talk.gateway));
  for (std::uint8_t i = 0; i < 100; ++i) {
    greedy.client_id = {3, i};
    const Ipv4Address again = talk.join(greedy);
    talk.unicast(greedy.release(again, talk.gateway));
  }
  CHECK(talk.book.size() == limits::kLeasesPerPort + 1);
  CHECK(talk.join(DhcpClient::numbered(100)) == neighbour);
}

TEST_CASE("what option 12 claims is kept for display only, without control characters",
          "[limit:kDhcpHostName]") {
  DhcpTalk talk;
  DhcpClient client = DhcpClient::numbered(1);
  client.host_name = std::string("na\x1b[2Jm\0e\xff", 10) + std::string(200, 'x');
  const Ipv4Address held = talk.join(client);
  const std::string shown = talk.book.find(held)->hostname;
  CHECK(shown.substr(0, 8) == "na[2Jmex");
  CHECK(shown.size() <= limits::kDhcpHostName);
}

TEST_CASE("messages that are not for us are counted and change nothing",
          "[drop:dhcp_malformed][drop:dhcp_not_ours]") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  for (const MessageType type : {MessageType::offer, MessageType::ack, MessageType::nak}) {
    talk.send(client.message(type));
    talk.expect_drop(DropReason::dhcp_not_ours);
  }
  auto reply = client.discover();
  reply.from_client = false;
  talk.send(reply);
  talk.expect_drop(DropReason::dhcp_not_ours);
  // RFC 2131 table 1: chaddr is the client's own; the frame says who that is.
  talk.send_bytes(client.discover().emit(576), DhcpClient::numbered(2).mac);
  talk.expect_drop(DropReason::dhcp_not_ours);
  auto multicast = client.discover();
  multicast.chaddr = MacAddress::broadcast();
  talk.send(multicast);
  talk.expect_drop(DropReason::dhcp_not_ours);
  talk.send_bytes(test::unhex("0101"), client.mac);
  talk.expect_drop(DropReason::dhcp_malformed);
  talk.send_bytes({}, client.mac);
  talk.expect_drop(DropReason::dhcp_malformed);
  CHECK(talk.book.size() == 0);
}

TEST_CASE("a relay on another network is not served", "[RFC 2131 4.3.1]") {
  DhcpTalk talk;
  auto relayed = DhcpClient::numbered(1).discover();
  relayed.giaddr = address("192.168.7.1");
  talk.send(relayed);
  talk.expect_drop(DropReason::dhcp_not_ours);
  CHECK(talk.book.size() == 0);
  relayed.giaddr = address("172.17.0.9");
  talk.send(relayed);
  CHECK(talk.expect(MessageType::offer).ip == address("172.17.0.9"));
}

TEST_CASE(
    "an endpoint that takes its address by DHCP declines it: quarantine, and another address") {
  DhcpTalk talk;
  const DhcpClient inside = DhcpClient::numbered(1);
  const Ipv4Address bad = talk.book.claim({"web", inside.mac, {}, true}, talk.now())->address;
  talk.end_turn();
  talk.send(inside.decline(bad, address("172.17.0.200")));
  talk.expect_drop(DropReason::dhcp_not_ours);
  CHECK(talk.book.find_endpoint("web")->address == bad);
  talk.send(inside.decline(bad, talk.gateway));
  talk.expect_nothing();

  const Lease moved = *talk.book.find_endpoint("web");
  CHECK(moved.address != bad);
  CHECK(moved.state == LeaseState::bound);
  const Lease quarantined = *talk.book.find(bad);
  CHECK(quarantined.state == LeaseState::declined);
  CHECK(quarantined.expires == talk.now() + limits::kDhcpQuarantine);
  CHECK(quarantined.endpoint.empty());
  CHECK(talk.store.durable() == std::vector{quarantined, moved});
  const auto declined = talk.book.take_declined();
  REQUIRE(declined.size() == 1);
  CHECK(declined[0].address == bad);
  CHECK(declined[0].endpoint == "web");
  CHECK(declined[0].instead == moved.address);
  CHECK(talk.book.take_declined().empty());

  CHECK(talk.join(inside) == moved.address);
  talk.send(inside.reboot(bad));
  talk.expect(MessageType::nak);
  // Whoever asks for it has to wait; so does the control plane.
  dhcp::Message wish = DhcpClient::numbered(2).discover();
  wish.requested_address = bad;
  talk.send(wish);
  CHECK(talk.expect(MessageType::offer).message.yiaddr != bad);
  CHECK_FALSE(talk.book.claim({"db", DhcpClient::numbered(3).mac, bad}, talk.now()));
  talk.tick(limits::kDhcpQuarantine);
  CHECK(talk.book.find(bad) == nullptr);
}

TEST_CASE("an endpoint that asks again for what it has declined keeps what it has now") {
  DhcpTalk talk;
  const DhcpClient inside = DhcpClient::numbered(1);
  const Ipv4Address bad = talk.book.claim({"web", inside.mac, {}, true}, talk.now())->address;
  talk.send(inside.decline(bad, talk.gateway));
  const Ipv4Address good = talk.book.find_endpoint("web")->address;
  CHECK(talk.book.claim({"web", inside.mac, bad, true}, talk.now())->address == good);
  CHECK_FALSE(talk.book.claim({"web", inside.mac, bad, false}, talk.now()));
  CHECK_FALSE(talk.book.claim({"db", DhcpClient::numbered(2).mac, bad, true}, talk.now()));
}

TEST_CASE("an endpoint whose interface was set up by hand is not moved by a DHCPDECLINE") {
  DhcpTalk talk;
  const DhcpClient inside = DhcpClient::numbered(1);
  const Ipv4Address own = talk.book.claim({"web", inside.mac, {}}, talk.now())->address;
  talk.send(inside.decline(own, talk.gateway));
  talk.expect_drop(DropReason::dhcp_not_ours);
  CHECK(talk.book.find_endpoint("web")->address == own);
  CHECK(talk.book.take_declined().empty());
}

TEST_CASE("an endpoint that declines everything holds its share of addresses, no more",
          "[limit:kLeasesPerPort]") {
  DhcpTalk talk;
  const DhcpClient inside = DhcpClient::numbered(1);
  REQUIRE(talk.book.claim({"web", inside.mac, {}, true}, talk.now()));
  for (std::size_t i = 0; i < limits::kLeasesPerPort + 4; ++i)
    talk.send(inside.decline(talk.book.find_endpoint("web")->address, talk.gateway));
  CHECK(talk.book.size() == limits::kLeasesPerPort + 1);
  CHECK(talk.drops[DropReason::dhcp_not_ours] == 4);
  CHECK(talk.book.find_endpoint("web")->state == LeaseState::bound);
  talk.tick(limits::kDhcpQuarantine);
  CHECK(talk.book.size() == 1);
}

TEST_CASE("an endpoint stays where it is when there is no other address") {
  test::DhcpTalkOptions options;
  options.prefix = "192.168.9.1/30";
  DhcpTalk talk(options);
  const DhcpClient inside = DhcpClient::numbered(1);
  const Ipv4Address only = talk.book.claim({"web", inside.mac, {}, true}, talk.now())->address;
  talk.send(inside.decline(only, talk.gateway));
  talk.expect_drop(DropReason::dhcp_not_ours);
  CHECK(talk.book.find_endpoint("web")->address == only);
  CHECK(talk.join(inside) == only);
}
