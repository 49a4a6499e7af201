// Drop reasons of a whole network that no other conversation reaches by name.
#include "tests/talk/control/network_bench.h"

using namespace pontoon;
using namespace pontoon::test;

TEST_CASE("an endpoint cannot play its network's DHCP server", "[drop:guard_service]") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  Member& other = net.add("other");
  net.send(web, udp_frame(net.between_members(web, other), 67, 68, pattern(300)));
  net.expect_nothing(other);
  CHECK(net.drops().at("web/guard_service") == 1);
}
