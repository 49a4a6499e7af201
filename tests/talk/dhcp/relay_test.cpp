// A relay agent that we trust (RFC 1542 4, RFC 2131 4.1, RFC 3046).
#include <catch2/catch.hpp>

#include "tests/support/dhcp_talk.h"
#include "tests/support/hex.h"

namespace pontoon::test {
namespace {

using dhcp::Message;
using dhcp::MessageType;

const MacAddress kRelay{{0x02, 0, 0, 0, 0, 0x99}};
constexpr Ipv4Address kRelayAddress = Ipv4Address::of(172, 17, 0, 9);

Message relayed(Message message) {
  message.giaddr = kRelayAddress;
  message.hops = 1;
  message.relay_agent_information = unhex("010161");
  return message;
}

void forward(DhcpTalk& talk, const Message& message) {
  talk.send_bytes(message.emit(548), kRelay);
}

TEST_CASE("a trusted relay's clients get addresses through it", "[RFC 2131 4.1]") {
  DhcpTalk talk;
  talk.server.trust_relay(kRelay);
  const DhcpClient client = DhcpClient::numbered(1);
  forward(talk, relayed(client.discover()));
  const auto offer = talk.expect(MessageType::offer);
  CHECK(offer.link == kRelay);
  CHECK(offer.ip == kRelayAddress);
  CHECK(offer.port == dhcp::kServerPort);
  CHECK(offer.message.giaddr == kRelayAddress);
  CHECK(offer.message.chaddr == client.mac);
  CHECK(offer.message.relay_agent_information == unhex("010161"));
  forward(talk, relayed(client.select(offer.message.yiaddr, talk.gateway)));
  const auto ack = talk.expect(MessageType::ack);
  CHECK(ack.message.yiaddr == offer.message.yiaddr);
  CHECK(ack.link == kRelay);

  forward(talk, relayed(DhcpClient::numbered(2).discover()));
  CHECK(talk.expect(MessageType::offer).message.yiaddr != ack.message.yiaddr);
}

TEST_CASE("a relay passes a refusal on as a broadcast", "[RFC 2131 4.3.2]") {
  DhcpTalk talk;
  talk.server.trust_relay(kRelay);
  const DhcpClient client = DhcpClient::numbered(1);
  forward(talk, relayed(client.reboot(Ipv4Address::of(10, 0, 0, 5))));
  const auto nak = talk.expect(MessageType::nak);
  CHECK(nak.ip == kRelayAddress);
  CHECK(nak.message.broadcast);
}

TEST_CASE("nobody else speaks for others, nor a relay once it is not trusted any more") {
  DhcpTalk talk;
  forward(talk, relayed(DhcpClient::numbered(1).discover()));
  talk.expect_drop(DropReason::dhcp_not_ours);
  talk.server.trust_relay(kRelay);
  forward(talk, DhcpClient::numbered(1).discover());  // without giaddr it is no relay's
  talk.expect_drop(DropReason::dhcp_not_ours);
  talk.server.distrust_relay(kRelay);
  forward(talk, relayed(DhcpClient::numbered(1).discover()));
  talk.expect_drop(DropReason::dhcp_not_ours);
  CHECK(talk.book.size() == 0);
}

}  // namespace
}  // namespace pontoon::test
