// DISCOVER and every branch of the request table, RFC 2131 4.3.1 and 4.3.2.
#include <catch2/catch.hpp>

#include "tests/support/dhcp_talk.h"

using namespace pontoon;
using namespace pontoon::dhcp;
using namespace std::chrono_literals;
using test::DhcpClient;
using test::DhcpTalk;

namespace {

const Ipv4Address kOtherServer = Ipv4Address::of(172, 17, 9, 9);
const Ipv4Address kElsewhere = Ipv4Address::of(10, 1, 2, 3);

Ipv4Address address(const char* text) {
  return *Ipv4Address::parse(text);
}

}  // namespace

TEST_CASE("DISCOVER, OFFER, REQUEST, ACK: a new client has an address", "[RFC 2131 3.1]") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  talk.send(client.discover());
  const auto offer = talk.expect(MessageType::offer, "172.17.0.2");
  CHECK(offer.link == client.mac);
  CHECK(offer.ip == address("172.17.0.2"));
  CHECK(offer.port == kClientPort);
  CHECK_FALSE(offer.message.from_client);
  CHECK(offer.message.xid == client.discover().xid);
  CHECK(offer.message.server_identifier == talk.gateway);
  CHECK(offer.message.lease_time_s == 43200);
  CHECK(offer.message.renewal_time_s == 21600);
  CHECK(offer.message.rebinding_time_s == 37800);
  CHECK(offer.message.subnet_mask == address("255.255.0.0"));
  CHECK(offer.message.broadcast_address == address("172.17.255.255"));
  CHECK(offer.message.routers == std::vector{talk.gateway});
  CHECK(offer.message.dns_servers == std::vector{talk.gateway});
  CHECK(offer.message.domain_name == "default.internal");
  CHECK(offer.message.interface_mtu == 1500);
  CHECK(offer.message.host_name.empty());
  CHECK(offer.payload.size() >= 300);

  talk.send(client.select(offer.message.yiaddr, talk.gateway));
  const auto ack = talk.expect(MessageType::ack, "172.17.0.2");
  CHECK(ack.message.lease_time_s == 43200);
  CHECK(talk.book.find(address("172.17.0.2"))->state == LeaseState::bound);
}

TEST_CASE("an offer is not durable and lapses", "[RFC 2131 4.3.1][limit:kDhcpOffer]") {
  DhcpTalk talk;
  talk.send(DhcpClient::numbered(1).discover());
  talk.expect(MessageType::offer, "172.17.0.2");
  CHECK(talk.store.durable().empty());
  talk.send(DhcpClient::numbered(2).discover());
  talk.expect(MessageType::offer, "172.17.0.3");
  talk.tick(limits::kDhcpOffer);
  CHECK(talk.book.size() == 0);
  talk.send(DhcpClient::numbered(3).discover());
  talk.expect(MessageType::offer, "172.17.0.2");
  CHECK(talk.store.durable().empty());
}

TEST_CASE(
    "DISCOVER: the current address, else the previous, else the one asked for, else a new one",
    "[RFC 2131 4.3.1]") {
  DhcpTalk talk;
  DhcpClient client = DhcpClient::numbered(1);
  auto discover = client.discover();
  discover.requested_address = address("172.17.5.5");
  talk.send(discover);
  talk.expect(MessageType::offer, "172.17.5.5");
  talk.send(client.select(address("172.17.5.5"), talk.gateway));
  talk.expect(MessageType::ack, "172.17.5.5");

  discover.requested_address = address("172.17.6.6");
  talk.send(discover);
  talk.expect(MessageType::offer, "172.17.5.5");  // current
  CHECK(talk.book.find(address("172.17.5.5"))->state == LeaseState::bound);

  talk.unicast(client.release(address("172.17.5.5"), talk.gateway));
  talk.expect_nothing();
  talk.send(discover);
  talk.expect(MessageType::offer, "172.17.5.5");  // previous

  auto other = DhcpClient::numbered(2).discover();
  other.requested_address = address("172.17.5.5");
  talk.send(other);
  talk.expect(MessageType::offer, "172.17.0.2");  // taken
  other = DhcpClient::numbered(3).discover();
  other.requested_address = kElsewhere;
  talk.send(other);
  talk.expect(MessageType::offer, "172.17.0.3");  // not of this network
  other = DhcpClient::numbered(4).discover();
  other.requested_address = talk.gateway;
  talk.send(other);
  talk.expect(MessageType::offer, "172.17.0.4");  // reserved
}

TEST_CASE("SELECTING another server: our offer is withdrawn, in silence", "[RFC 2131 4.3.2]") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  talk.send(client.discover());
  talk.expect(MessageType::offer, "172.17.0.2");
  talk.send(client.select(address("172.17.0.2"), kOtherServer));
  talk.expect_drop(DropReason::dhcp_not_ours);
  CHECK(talk.book.size() == 0);
}

TEST_CASE("SELECTING an address that was not offered: NAK", "[RFC 2131 4.3.2]") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  talk.join(DhcpClient::numbered(2));
  talk.send(client.discover());
  talk.expect(MessageType::offer, "172.17.0.3");
  for (const char* wrong :
       {"172.17.0.2", "172.17.0.4", "172.17.0.1", "172.17.255.255", "10.0.0.1"}) {
    talk.send(client.select(address(wrong), talk.gateway));
    const auto nak = talk.expect(MessageType::nak);
    CHECK(nak.message.yiaddr.is_any());
    CHECK_FALSE(nak.message.lease_time_s);
    CHECK(nak.message.server_identifier == talk.gateway);
    CHECK(nak.ip.is_broadcast());
    CHECK(nak.link.is_broadcast());
  }
}

TEST_CASE("SELECTING after the offer has lapsed: fine while the address is nobody's",
          "[RFC 2131 4.3.2]") {
  DhcpTalk talk;
  const DhcpClient slow = DhcpClient::numbered(1);
  talk.send(slow.discover());
  talk.expect(MessageType::offer, "172.17.0.2");
  talk.tick(limits::kDhcpOffer + 1s);
  talk.send(slow.select(address("172.17.0.2"), talk.gateway));
  talk.expect(MessageType::ack, "172.17.0.2");

  const DhcpClient slower = DhcpClient::numbered(2);
  talk.send(slower.discover());
  talk.expect(MessageType::offer, "172.17.0.3");
  talk.tick(limits::kDhcpOffer + 1s);
  talk.join(DhcpClient::numbered(3));
  talk.send(slower.select(address("172.17.0.3"), talk.gateway));
  talk.expect(MessageType::nak);
}

TEST_CASE("INIT-REBOOT with the right address: ACK", "[RFC 2131 4.3.2]") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  const Ipv4Address held = talk.join(client);
  talk.tick(1h);
  talk.send(client.reboot(held));
  talk.expect(MessageType::ack, "172.17.0.2");
  CHECK(talk.book.find(held)->expires == talk.now() + limits::kDhcpLease);
}

TEST_CASE("INIT-REBOOT with a wrong address: NAK, broadcast", "[RFC 2131 4.3.2]") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  talk.join(client);
  talk.send(client.reboot(address("172.17.0.9")));
  CHECK(talk.expect(MessageType::nak).ip.is_broadcast());
}

TEST_CASE("INIT-REBOOT on the wrong network: NAK, also to the unknown", "[RFC 2131 4.3.2]") {
  DhcpTalk talk;
  talk.send(DhcpClient::numbered(1).reboot(kElsewhere));
  talk.expect(MessageType::nak);
}

TEST_CASE("INIT-REBOOT of a client without record: silence", "[RFC 2131 4.3.2]") {
  DhcpTalk talk;
  talk.send(DhcpClient::numbered(1).reboot(address("172.17.0.9")));
  talk.expect_drop(DropReason::dhcp_not_ours);
  CHECK(talk.book.size() == 0);
}

TEST_CASE("RENEWING and REBINDING extend the lease", "[RFC 2131 4.3.2]") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  const Ipv4Address held = talk.join(client);
  talk.tick(6h);
  talk.unicast(client.renew(held));
  const auto ack = talk.expect(MessageType::ack, "172.17.0.2");
  CHECK(ack.ip == held);
  CHECK(ack.link == client.mac);
  CHECK(ack.message.ciaddr == held);
  CHECK(ack.message.lease_time_s == 43200);
  CHECK(talk.book.find(held)->expires == talk.now() + 12h);
  talk.tick(11h);
  talk.send(client.renew(held));
  talk.expect(MessageType::ack, "172.17.0.2");
  CHECK(talk.book.find(held)->expires == talk.now() + 12h);
  CHECK(talk.store.durable().at(0).expires == talk.now() + 12h);
}

TEST_CASE("RENEWING what one does not hold: NAK", "[RFC 2131 4.3.2]") {
  DhcpTalk talk;
  const DhcpClient holder = DhcpClient::numbered(1);
  const DhcpClient client = DhcpClient::numbered(2);
  const Ipv4Address theirs = talk.join(holder);
  talk.unicast(client.renew(theirs));
  talk.expect(MessageType::nak);
  talk.unicast(client.renew(address("172.17.0.77")));
  talk.expect(MessageType::nak);
  talk.send(client.renew(kElsewhere));
  talk.expect(MessageType::nak);
  talk.join(client);
  talk.unicast(client.renew(theirs));
  talk.expect(MessageType::nak);
  CHECK(talk.book.find(theirs)->mac == holder.mac);
}

TEST_CASE("a lease expires, rests, and comes back to its client",
          "[RFC 2131 4.3.1][limit:kDhcpLease]") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  const Ipv4Address held = talk.join(client);
  talk.tick(limits::kDhcpLease);
  CHECK(talk.book.find(held)->state == LeaseState::expired);
  CHECK(talk.store.durable().at(0).state == LeaseState::expired);
  CHECK(talk.join(DhcpClient::numbered(2)) == address("172.17.0.3"));
  talk.unicast(client.renew(held));
  talk.expect(MessageType::ack, "172.17.0.2");
}

TEST_CASE("a REQUEST that is none of the four kinds is malformed", "[RFC 2131 4.3.2]") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  talk.send(client.message(MessageType::request));
  talk.expect_drop(DropReason::dhcp_malformed);
  auto no_address = client.message(MessageType::request);
  no_address.server_identifier = talk.gateway;
  talk.send(no_address);
  talk.expect_drop(DropReason::dhcp_malformed);
}

TEST_CASE("the network is full: silence, then the lease that ended first is given away",
          "[RFC 2131 4.3.1][drop:dhcp_no_address]") {
  test::DhcpTalkOptions options;
  options.prefix = "192.168.0.1/29";
  DhcpTalk talk(options);
  std::vector<Ipv4Address> held;
  for (unsigned i = 0; i < 5; ++i)
    held.push_back(talk.join(DhcpClient::numbered(i)));
  talk.send(DhcpClient::numbered(9).discover());
  talk.expect_drop(DropReason::dhcp_no_address);
  talk.unicast(DhcpClient::numbered(3).release(held[3], talk.gateway));
  talk.tick(1s);
  talk.unicast(DhcpClient::numbered(1).release(held[1], talk.gateway));
  talk.tick(1s);
  CHECK(talk.join(DhcpClient::numbered(9)) == held[3]);
  CHECK(talk.join(DhcpClient::numbered(1)) == held[1]);
  talk.send(DhcpClient::numbered(3).discover());
  talk.expect_drop(DropReason::dhcp_no_address);
}
