#include "control/address_plan.h"

#include <catch2/catch.hpp>

using namespace pontoon;
using control::choose_subnet;

namespace {

IpPrefix prefix(const char* text) {
  return *IpPrefix::parse(text);
}

}  // namespace

TEST_CASE("the first network is 172.17.0.0/16") {
  CHECK(*choose_subnet({}) == prefix("172.17.0.0/16"));
}

TEST_CASE("networks and routes are stepped past") {
  const std::vector<IpPrefix> taken{prefix("172.17.0.0/16"), prefix("172.18.5.0/24"),
                                    prefix("172.19.255.255/32")};
  CHECK(*choose_subnet(taken) == prefix("172.20.0.0/16"));
}

TEST_CASE("a route with host bits, or one that is wider, counts as well") {
  CHECK(*choose_subnet(std::vector{prefix("172.17.42.1/16")}) == prefix("172.18.0.0/16"));
  CHECK(*choose_subnet(std::vector{prefix("172.16.0.0/12")}) == prefix("192.168.0.0/20"));
}

TEST_CASE("IPv6 and other prefixes are in nobody's way") {
  CHECK(*choose_subnet(std::vector{prefix("fd00::/8"), prefix("10.0.0.0/8"), prefix("::/0")}) ==
        prefix("172.17.0.0/16"));
}

TEST_CASE("each network gets another subnet until all are used") {
  std::vector<IpPrefix> taken;
  for (int i = 0; i < 31; ++i) {
    const auto chosen = choose_subnet(taken);
    REQUIRE(chosen);
    for (const IpPrefix& other : taken)
      CHECK_FALSE(other.overlaps(*chosen));
    CHECK(chosen->address == chosen->network());
    taken.push_back(*chosen);
  }
  CHECK(taken.back() == prefix("192.168.240.0/20"));
  const auto none = choose_subnet(taken);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == ErrorCode::exhausted);
  CHECK(none.error().message.find("--subnet") != std::string::npos);
}

TEST_CASE("a host that routes everything leaves nothing to choose") {
  CHECK_FALSE(choose_subnet(std::vector{prefix("0.0.0.0/0")}));
}

TEST_CASE("the host's routes are networks, the default one not among them") {
  for (const IpPrefix& route : control::host_routes()) {
    INFO(route.to_string());
    CHECK(route.length > 0);
    CHECK(route.length <= 32);
    CHECK(route.address == route.network());
  }
}
