#include "dhcp/address_pool.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include <set>

using namespace pontoon;
using namespace pontoon::dhcp;

namespace {
IpPrefix prefix(const char* text) {
  return *IpPrefix::parse(text);
}
}  // namespace

TEST_CASE("a pool leaves out network, broadcast and reserved addresses") {
  AddressPool pool(prefix("192.168.7.9/29"),
                   {Ipv4Address::of(192, 168, 7, 9), Ipv4Address::of(192, 168, 7, 9),
                    Ipv4Address::of(10, 0, 0, 1)});
  CHECK(pool.capacity() == 5);
  std::vector<std::string> all;
  while (const auto address = pool.lowest_free()) {
    all.push_back(address->to_string());
    pool.take(*address);
  }
  CHECK(all == std::vector<std::string>{"192.168.7.10", "192.168.7.11", "192.168.7.12",
                                        "192.168.7.13", "192.168.7.14"});
  CHECK_FALSE(pool.contains(Ipv4Address::of(192, 168, 7, 8)));
  CHECK_FALSE(pool.contains(Ipv4Address::of(192, 168, 7, 15)));
  CHECK_FALSE(pool.is_free(Ipv4Address::of(192, 168, 7, 9)));
}

TEST_CASE("a /8 is no harder than a /28") {
  AddressPool pool(prefix("10.0.0.0/8"), {});
  pool.take(Ipv4Address::of(10, 255, 255, 254));
  pool.take(Ipv4Address::of(10, 0, 0, 1));
  CHECK(pool.lowest_free() == Ipv4Address::of(10, 0, 0, 2));
  CHECK(pool.capacity() == (1u << 24) - 2);
}

TEST_CASE("a pool behaves like a set of free addresses") {
  REQUIRE(rc::check([] {
    AddressPool pool(prefix("10.1.2.0/27"), {Ipv4Address::of(10, 1, 2, 1)});
    std::set<std::uint32_t> free;
    for (std::uint32_t host = 2; host < 31; ++host)
      free.insert(Ipv4Address::of(10, 1, 2, host).value);
    for (int step = 0; step < 200; ++step) {
      const Ipv4Address address = Ipv4Address::of(10, 1, 2, *rc::gen::inRange(0u, 32u));
      RC_ASSERT(pool.is_free(address) == free.contains(address.value));
      if (free.contains(address.value)) {
        pool.take(address);
        free.erase(address.value);
      } else if (pool.contains(address)) {
        pool.give_back(address);
        free.insert(address.value);
      }
      const auto lowest = pool.lowest_free();
      RC_ASSERT(lowest.has_value() == !free.empty());
      if (lowest) RC_ASSERT(lowest->value == *free.begin());
    }
  }));
}
