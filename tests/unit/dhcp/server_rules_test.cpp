// The two decisions that are pure functions: which kind of request, and where a reply goes.
#include <catch2/catch.hpp>

#include "dhcp/server.h"

using namespace pontoon;
using namespace pontoon::dhcp;

namespace {

const Ipv4Address kServer = Ipv4Address::of(172, 17, 0, 1);
const Ipv4Address kAddress = Ipv4Address::of(172, 17, 0, 2);
const Ipv4Address kRelay = Ipv4Address::of(10, 0, 0, 1);
constexpr MacAddress kMac{{2, 0, 0, 0, 0, 1}};
constexpr MacAddress kRelayMac{{2, 0, 0, 0, 0, 9}};

Message request(bool server, bool requested, bool ciaddr) {
  Message message;
  message.type = MessageType::request;
  message.chaddr = kMac;
  if (server) message.server_identifier = kServer;
  if (requested) message.requested_address = kAddress;
  if (ciaddr) message.ciaddr = kAddress;
  return message;
}

}  // namespace

TEST_CASE("the four kinds of REQUEST", "[RFC 2131 4.3.2]") {
  const Ipv4Address all = Ipv4Address::broadcast();
  CHECK(request_kind(request(true, true, false), all) == RequestKind::selecting);
  CHECK(request_kind(request(true, true, true), all) == RequestKind::selecting);
  CHECK(request_kind(request(true, false, false), all) == RequestKind::malformed);
  CHECK(request_kind(request(true, false, true), kServer) == RequestKind::malformed);
  CHECK(request_kind(request(false, true, false), all) == RequestKind::init_reboot);
  CHECK(request_kind(request(false, false, true), kServer) == RequestKind::renewing);
  CHECK(request_kind(request(false, false, true), all) == RequestKind::rebinding);
  CHECK(request_kind(request(false, true, true), kServer) == RequestKind::renewing);
  CHECK(request_kind(request(false, true, true), all) == RequestKind::rebinding);
  CHECK(request_kind(request(false, false, false), all) == RequestKind::malformed);
}

TEST_CASE("where a reply goes", "[RFC 2131 4.1]") {
  const ReplyAddress everybody{MacAddress::broadcast(), Ipv4Address::broadcast(), kClientPort};
  Message plain = request(false, true, false);
  CHECK(reply_address(plain, MessageType::ack, kAddress, kMac) ==
        ReplyAddress{kMac, kAddress, kClientPort});
  CHECK(reply_address(plain, MessageType::nak, {}, kMac) == everybody);

  Message deaf = plain;
  deaf.broadcast = true;
  CHECK(reply_address(deaf, MessageType::offer, kAddress, kMac) == everybody);

  Message renewing = request(false, false, true);
  renewing.broadcast = true;  // whoever has an address can be reached at it
  CHECK(reply_address(renewing, MessageType::ack, kAddress, kMac) ==
        ReplyAddress{kMac, kAddress, kClientPort});
  CHECK(reply_address(renewing, MessageType::nak, {}, kMac) == everybody);

  Message relayed = plain;
  relayed.giaddr = kRelay;
  for (const MessageType type : {MessageType::offer, MessageType::ack, MessageType::nak})
    CHECK(reply_address(relayed, type, kAddress, kRelayMac) ==
          ReplyAddress{kRelayMac, kRelay, kServerPort});
}
