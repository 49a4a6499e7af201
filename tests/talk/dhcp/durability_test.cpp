// An ACK leaves only after its lease is durable.
#include <catch2/catch.hpp>

#include "tests/support/dhcp_talk.h"

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

TEST_CASE("an ACK waits for the disk, an OFFER does not") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  talk.hold_disk();
  talk.send(client.discover());
  talk.expect(MessageType::offer, "172.17.0.2");
  talk.send(client.select(address("172.17.0.2"), talk.gateway));
  talk.tick(1s);
  talk.expect_nothing();
  CHECK(talk.store.durable().empty());
  CHECK(talk.store.waiting() == 1);
  talk.mend_disk();
  CHECK(talk.expect(MessageType::ack, "172.17.0.2").message.lease_time_s == 43200);
  CHECK(talk.store.durable().size() == 1);
}

// Found by the simulator: the client counted from its repetition, the book from the first request.
TEST_CASE("while the disk is slow no client is promised more than the disk was") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  talk.hold_disk();
  talk.send(client.discover());
  talk.expect(MessageType::offer, "172.17.0.2");
  talk.send(client.select(address("172.17.0.2"), talk.gateway));
  talk.tick(60s);
  const bool heard_again = GENERATE(false, true);
  if (heard_again) {
    talk.send(client.select(address("172.17.0.2"), talk.gateway));
    talk.expect_drop(DropReason::dhcp_not_durable);
  }
  talk.tick(4s);
  talk.mend_disk();
  CHECK(talk.expect(MessageType::ack, "172.17.0.2").message.lease_time_s == 43200 - 64);
}

// Found by the simulator: the disk was told of the release before it was told of the return.
TEST_CASE("an endpoint that went and came back is not acknowledged by what was written before") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  const auto claim = [&] {
    REQUIRE(talk.book.claim({"web", client.mac, std::nullopt}, talk.now()));
  };
  talk.hold_disk();
  claim();
  talk.send(client.discover());
  talk.expect(MessageType::offer, "172.17.0.2");
  talk.send(client.select(address("172.17.0.2"), talk.gateway));  // waits for the claim
  talk.book.release("web", talk.now());
  talk.end_turn();
  claim();
  talk.store.complete_all();
  for (const Completion& completion : talk.store.poll())
    talk.server.on_durable(completion, talk.now());
  CHECK(talk.store.durable().at(0).state == LeaseState::released);
  talk.expect_drop(DropReason::dhcp_not_durable);
  talk.mend_disk();
  talk.send(client.select(address("172.17.0.2"), talk.gateway));
  talk.expect(MessageType::ack, "172.17.0.2");
}

TEST_CASE("a slow disk makes batches larger, not longer", "[limit:kLeaseBatchesInFlight]") {
  DhcpTalk talk;
  talk.hold_disk();
  for (unsigned i = 0; i < 100; ++i) {
    const DhcpClient client = DhcpClient::numbered(i);
    talk.send(client.discover());
    const auto offer = talk.expect(MessageType::offer);
    talk.send(client.select(offer.message.yiaddr, talk.gateway));
    talk.expect_nothing();
  }
  CHECK(talk.store.waiting() == limits::kLeaseBatchesInFlight);
  CHECK(talk.server.parked() == 100);
  talk.store.complete_all();
  talk.end_turn();
  for (const Completion& completion : talk.store.poll())
    talk.server.on_durable(completion, talk.now());
  CHECK(talk.server.parked() == 100 - limits::kLeaseBatchesInFlight);
  talk.mend_disk();
  CHECK(talk.server.parked() == 0);
  CHECK(talk.store.durable().size() == 100);
}

TEST_CASE("the disk fails: a new lease is refused, and served once the disk is mended",
          "[drop:dhcp_not_durable]") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  talk.break_disk();
  talk.send(client.discover());
  talk.expect(MessageType::offer, "172.17.0.2");
  talk.send(client.select(address("172.17.0.2"), talk.gateway));
  talk.expect_drop(DropReason::dhcp_not_durable);
  CHECK(talk.book.find(address("172.17.0.2"))->state == LeaseState::expired);
  talk.mend_disk();
  talk.send(client.select(address("172.17.0.2"), talk.gateway));
  talk.expect(MessageType::ack, "172.17.0.2");
  CHECK(talk.store.durable().at(0).state == LeaseState::bound);
}

TEST_CASE("the disk fails: a renewal is served for as long as the disk promises") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  const Ipv4Address held = talk.join(client);
  talk.tick(6h);
  talk.break_disk();
  talk.unicast(client.renew(held));
  const auto ack = talk.expect(MessageType::ack, "172.17.0.2");
  CHECK(ack.message.lease_time_s == 6 * 3600);
  CHECK(ack.message.renewal_time_s == 3 * 3600);
  // Once the disk works the book's state reaches it by itself.
  talk.mend_disk();
  talk.tick(limits::kLeaseRetry);
  CHECK(talk.book.is_durable(held));
  CHECK(talk.store.durable().at(0).expires == talk.book.find(held)->expires);
  CHECK_FALSE(talk.book.has_unsaved());
}

// Found by the simulator: the last second of a lease was given to somebody else.
TEST_CASE("the disk fails: what is left of a lease stays its holder's to the end") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  const Ipv4Address held = talk.join(client);
  talk.tick(limits::kDhcpLease - 500ms);
  talk.break_disk();
  talk.unicast(client.renew(held));
  talk.expect_drop(DropReason::dhcp_not_durable);
  CHECK(talk.book.find(held)->state == LeaseState::bound);
  talk.tick(499ms);
  CHECK(talk.book.find(held)->state == LeaseState::bound);
  talk.tick(1ms);
  CHECK(talk.book.find(held)->state == LeaseState::expired);
}

TEST_CASE("a failing disk is tried once per kLeaseRetry, not in every turn",
          "[limit:kLeaseRetry]") {
  DhcpTalk talk;
  talk.hold_disk();
  REQUIRE(talk.book.claim({"web", DhcpClient::numbered(1).mac, {}}, talk.now()));
  talk.end_turn();
  CHECK(talk.store.waiting() == 1);
  talk.store.fail_all("no space left");
  for (const Completion& completion : talk.store.poll())
    talk.server.on_durable(completion, talk.now());
  for (int turn = 0; turn < 10; ++turn)
    talk.end_turn();
  CHECK(talk.store.waiting() == 0);
  CHECK_FALSE(talk.book.is_durable(address("172.17.0.2")));
  talk.tick(limits::kLeaseRetry);
  CHECK(talk.store.waiting() == 1);
}

TEST_CASE("a client that releases while its ACK waits gets none") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  talk.hold_disk();
  talk.send(client.discover());
  talk.expect(MessageType::offer, "172.17.0.2");
  talk.send(client.select(address("172.17.0.2"), talk.gateway));
  talk.unicast(client.release(address("172.17.0.2"), talk.gateway));
  talk.mend_disk();
  talk.expect_drop(DropReason::dhcp_not_durable);
  CHECK(talk.store.durable().at(0).state == LeaseState::released);
}

TEST_CASE("no more than kDhcpParked replies wait; what comes then changes nothing",
          "[limit:kDhcpParked]") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(60000);
  const Ipv4Address held = talk.join(client);
  const Instant expires = talk.book.find(held)->expires;
  talk.hold_disk();
  for (unsigned i = 0; i < limits::kDhcpParked; ++i) {
    const DhcpClient other = DhcpClient::numbered(i);
    talk.send(other.discover());
    const Ipv4Address offered = talk.expect(MessageType::offer).message.yiaddr;
    talk.send(other.select(offered, talk.gateway));
  }
  CHECK(talk.server.parked() == limits::kDhcpParked);
  talk.tick(1h);
  talk.unicast(client.renew(held));
  talk.expect_drop(DropReason::dhcp_not_durable);
  CHECK(talk.book.find(held)->expires == expires);
}

TEST_CASE("a client that asks again while its ACK waits gets one ACK, and not later for it") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  talk.hold_disk();
  talk.send(client.discover());
  talk.expect(MessageType::offer, "172.17.0.2");
  const Message request = client.select(address("172.17.0.2"), talk.gateway);
  talk.send(request);
  const Instant expires = talk.book.find(address("172.17.0.2"))->expires;
  for (int retry = 0; retry < 5; ++retry) {
    talk.tick(4s);
    talk.send(request);
    talk.expect_drop(DropReason::dhcp_not_durable);
  }
  CHECK(talk.store.waiting() == 1);
  CHECK(talk.book.find(address("172.17.0.2"))->expires == expires);
  // Another transaction is another matter: the client has started over.
  Message restarted = request;
  restarted.xid = 99;
  talk.send(restarted);
  talk.expect_drop(DropReason::dhcp_not_durable);
  talk.mend_disk();
  CHECK(talk.expect(MessageType::ack, "172.17.0.2").message.xid == 99);
}

TEST_CASE("another book's completion is not ours") {
  DhcpTalk talk;
  const DhcpClient client = DhcpClient::numbered(1);
  talk.hold_disk();
  talk.send(client.discover());
  talk.expect(MessageType::offer);
  const Ticket ticket = talk.book.next_ticket();
  talk.send(client.select(address("172.17.0.2"), talk.gateway));
  talk.server.on_durable({{ticket.book + 1, ticket.number}, true, {}}, talk.now());
  talk.server.on_durable({{ticket.book, ticket.number + 1}, true, {}}, talk.now());
  talk.expect_nothing();
  CHECK_FALSE(talk.book.is_durable(address("172.17.0.2")));
  talk.mend_disk();
  talk.expect(MessageType::ack, "172.17.0.2");
}

TEST_CASE("after a restart every client and every name has what it had") {
  std::vector<Lease> stored;
  const DhcpClient running = DhcpClient::numbered(1);
  const DhcpClient gone = DhcpClient::numbered(2);
  const DhcpClient inside = DhcpClient::numbered(3);
  {
    DhcpTalk talk;
    talk.join(running);
    const Ipv4Address left = talk.join(gone);
    talk.unicast(gone.release(left, talk.gateway));
    REQUIRE(talk.book.claim({"web", inside.mac, {}}, talk.now()));
    talk.end_turn();
    talk.send(DhcpClient::numbered(4).discover());
    stored = talk.store.durable();
  }
  CHECK(stored.size() == 3);
  test::DhcpTalkOptions options;
  options.stored = stored;
  DhcpTalk talk(options);
  talk.unicast(running.renew(address("172.17.0.2")));
  talk.expect(MessageType::ack, "172.17.0.2");
  CHECK(talk.join(DhcpClient::numbered(5)) == address("172.17.0.5"));
  CHECK(talk.join(gone) == address("172.17.0.3"));
  CHECK(talk.book.claim({"web", inside.mac, {}}, talk.now())->address == address("172.17.0.4"));
}
