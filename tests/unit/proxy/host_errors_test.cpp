#include "proxy/host_errors.h"

#include <catch2/catch.hpp>

#include "tests/support/proxy_world.h"

using namespace pontoon;
using namespace pontoon::proxy;
using stack::IcmpErrorSpec;
using stack::TcpRefusal;
using stack::Unreachable;
using test::at;
using test::ip;

TEST_CASE("a connect that fails at once is refused truthfully") {
  CHECK(refusal_for(SocketError::refused) == TcpRefusal::refused);
  CHECK(refusal_for(SocketError::prohibited) == TcpRefusal::prohibited);
  CHECK(refusal_for(SocketError::host_unreachable) == TcpRefusal::host_unreachable);
  CHECK(refusal_for(SocketError::network_unreachable) == TcpRefusal::network_unreachable);
  CHECK(refusal_for(SocketError::unsupported) == TcpRefusal::network_unreachable);
  CHECK(refusal_for(SocketError::no_resources) == TcpRefusal::busy);
  CHECK(refusal_for(SocketError::address_in_use) == TcpRefusal::busy);
}

namespace {

std::optional<IcmpErrorSpec> told(DatagramError error, const char* endpoint = "172.17.0.2") {
  IcmpErrorSpec spec;
  spec.flow.initiator = at(endpoint, 5000);
  if (!describe(error, spec)) return std::nullopt;
  return spec;
}

DatagramError error(SocketError kind, const char* target = "8.8.8.8") {
  DatagramError made;
  made.target = at(target, 53);
  made.error = kind;
  return made;
}

}  // namespace

TEST_CASE("ICMP errors from outside keep their meaning and their reporter") {
  DatagramError unreachable = error(SocketError::host_unreachable);
  unreachable.reporter = ip("203.0.113.1");
  unreachable.icmp_type = 3;
  REQUIRE(told(unreachable));
  CHECK(told(unreachable)->reason == Unreachable::host);
  CHECK(told(unreachable)->reporter == ip("203.0.113.1"));

  unreachable.icmp_type = 11;
  CHECK(told(unreachable)->reason == Unreachable::time_exceeded);

  DatagramError v6 = error(SocketError::host_unreachable, "2001:db8::1");
  v6.reporter = ip("2001:db8::ff");
  v6.icmp_type = 3;
  CHECK(told(v6, "fd00:17::2")->reason == Unreachable::time_exceeded);
  v6.icmp_type = 1;
  CHECK(told(v6, "fd00:17::2")->reason == Unreachable::host);

  CHECK(told(error(SocketError::refused))->reason == Unreachable::port);
  CHECK(told(error(SocketError::prohibited))->reason == Unreachable::prohibited);
  CHECK(told(error(SocketError::network_unreachable))->reason == Unreachable::network);
}

TEST_CASE("too big is told with a size or not at all") {
  DatagramError big = error(SocketError::message_too_big);
  CHECK_FALSE(told(big));
  big.mtu = 1400;
  REQUIRE(told(big));
  CHECK(told(big)->reason == Unreachable::too_big);
  CHECK(told(big)->mtu == 1400);
}

TEST_CASE("what has no word in ICMP is not told") {
  for (const SocketError kind : {SocketError::other, SocketError::no_resources,
                                 SocketError::address_in_use, SocketError::reset}) {
    CHECK_FALSE(told(error(kind)));
  }
}

TEST_CASE("the host's private routers are not shown") {
  DatagramError hidden = error(SocketError::refused);
  for (const char* reporter : {"127.0.0.1", "169.254.1.1", "2001:db8::1"}) {
    hidden.reporter = ip(reporter);
    CHECK_FALSE(told(hidden)->reporter);
  }
}
