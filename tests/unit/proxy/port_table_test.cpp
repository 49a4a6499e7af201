#include "proxy/port_table.h"

#include <catch2/catch.hpp>

#include <rapidcheck.h>

#include "core/base/limits.h"

using namespace pontoon;
using namespace pontoon::proxy;

namespace {

HostPort port(const char* ip, unsigned number, Protocol protocol = Protocol::tcp) {
  return {*IpAddress::parse(ip), static_cast<std::uint16_t>(number), protocol};
}

bool take(PortTable& table, std::string_view owner, std::vector<HostPort> ports) {
  auto reservation = table.reserve(owner, ports);
  if (!reservation) return false;
  reservation->commit();
  return true;
}

}  // namespace

TEST_CASE("a port is held by one endpoint, and the error says by whom") {
  PortTable table;
  REQUIRE(take(table, "web", {port("0.0.0.0", 8080)}));
  const std::vector<HostPort> same{port("0.0.0.0", 8080)};
  const auto refused = table.reserve("api", same);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::conflict);
  CHECK(refused.error().message ==
        "Bind for 0.0.0.0:8080 failed: port is already allocated by web; stop it or choose another "
        "host port");
  CHECK(table.holder(same.front()) == "web");
  CHECK_FALSE(take(table, "web", same));  // not even twice by the same one
  table.release_owner("web");
  CHECK_FALSE(table.holder(same.front()));
  CHECK(take(table, "api", same));
}

TEST_CASE("wildcards exclude the addresses of their own family") {
  struct Pair {
    HostPort held;
    HostPort wanted;
    bool conflict;
  };
  const Pair pairs[] = {
      {port("0.0.0.0", 80), port("127.0.0.1", 80), true},
      {port("127.0.0.1", 80), port("0.0.0.0", 80), true},
      {port("::", 80), port("::1", 80), true},
      {port("::1", 80), port("::", 80), true},
      {port("0.0.0.0", 80), port("::", 80), false},
      {port("::", 80), port("0.0.0.0", 80), false},
      {port("::", 80), port("127.0.0.1", 80), false},
      {port("127.0.0.1", 80), port("127.0.0.2", 80), false},
      {port("127.0.0.1", 80), port("127.0.0.1", 80), true},
      {port("127.0.0.1", 80), port("127.0.0.1", 81), false},
      {port("0.0.0.0", 53), port("0.0.0.0", 53, Protocol::udp), false},
      {port("0.0.0.0", 53, Protocol::udp), port("10.0.0.1", 53, Protocol::udp), true},
  };
  for (const Pair& pair : pairs) {
    INFO(pair.held.to_string() << " then " << pair.wanted.to_string());
    PortTable table;
    REQUIRE(take(table, "a", {pair.held}));
    CHECK(table.holder(pair.wanted).has_value() == pair.conflict);
    CHECK(take(table, "b", {pair.wanted}) != pair.conflict);
  }
}

TEST_CASE("a reservation takes all of its ports or none") {
  PortTable table;
  REQUIRE(take(table, "web", {port("0.0.0.0", 8002)}));
  CHECK_FALSE(take(table, "api",
                   {port("0.0.0.0", 8000), port("0.0.0.0", 8001), port("0.0.0.0", 8002),
                    port("0.0.0.0", 8003)}));
  CHECK(table.size() == 1);
  CHECK_FALSE(table.holder(port("0.0.0.0", 8000)));
  // Ports that exclude each other within one request.
  CHECK_FALSE(take(table, "api", {port("0.0.0.0", 9000), port("127.0.0.1", 9000)}));
  CHECK(table.size() == 1);
}

TEST_CASE("a reservation in flight excludes others until it is given back") {
  PortTable table;
  const std::vector<HostPort> ports{port("0.0.0.0", 80), port("::", 80)};
  {
    auto reservation = table.reserve("web", ports);
    REQUIRE(reservation);
    CHECK_FALSE(take(table, "api", ports));
    table.release_owner("web");  // does not touch what is being opened
    CHECK(table.size() == 2);
    reservation->give_up(ports[1]);
    CHECK(take(table, "api", {ports[1]}));
    CHECK_FALSE(table.entries()[1].committed);
    PortTable::Reservation moved = std::move(*reservation);
    CHECK(table.size() == 2);
  }
  CHECK(table.size() == 1);
  CHECK(table.holder(port("::", 80)) == "api");
  table.release(port("::", 80));
  table.release(port("::", 80));  // harmless
  CHECK(table.size() == 0);
}

TEST_CASE("the table is bounded", "[limit:kPublishedPorts]") {
  PortTable table;
  std::vector<HostPort> many;
  for (unsigned i = 0; i < limits::kPublishedPorts; ++i)
    many.push_back(port("0.0.0.0", i + 1));
  REQUIRE(take(table, "web", many));
  const std::vector<HostPort> one{port("0.0.0.0", 60000)};
  const auto refused = table.reserve("api", one);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::exhausted);
  CHECK(table.size() == limits::kPublishedPorts);
}

namespace {

// The rule as one would say it, over a plain list.
struct NaiveTable {
  struct Held {
    HostPort port;
    std::string owner;
  };
  std::vector<Held> held;

  static bool excludes(const HostPort& a, const HostPort& b) {
    return a.protocol == b.protocol && a.port == b.port && a.ip.is_v4() == b.ip.is_v4() &&
           (a.ip == b.ip || a.ip.is_any() || b.ip.is_any());
  }
  bool take(const std::string& owner, const std::vector<HostPort>& ports) {
    std::vector<Held> after = held;
    for (const HostPort& wanted : ports) {
      for (const Held& other : after) {
        if (excludes(other.port, wanted)) return false;
      }
      after.push_back({wanted, owner});
    }
    held = after;
    return true;
  }
  void release(const std::string& owner) {
    std::erase_if(held, [&](const Held& one) { return one.owner == owner; });
  }
};

}  // namespace

TEST_CASE("the table behaves as the naive one") {
  REQUIRE(rc::check("against a list", [] {
    PortTable table;
    NaiveTable naive;
    const auto any_port = rc::gen::map(
        rc::gen::tuple(rc::gen::element("0.0.0.0", "127.0.0.1", "10.0.0.1", "::", "::1"),
                       rc::gen::inRange(1U, 4U), rc::gen::arbitrary<bool>()),
        [](const std::tuple<const char*, unsigned, bool>& parts) {
          return port(std::get<0>(parts), std::get<1>(parts),
                      std::get<2>(parts) ? Protocol::tcp : Protocol::udp);
        });
    const auto owners = rc::gen::element<std::string>("a", "b", "c");
    for (int step = 0; step < 40; ++step) {
      const std::string owner = *owners;
      const int action = *rc::gen::inRange(0, 10);
      if (action == 0) {
        table.release_owner(owner);
        naive.release(owner);
      } else {
        const auto count = *rc::gen::inRange<std::size_t>(1, 4);
        const auto ports = *rc::gen::container<std::vector<HostPort>>(count, any_port);
        const bool committed = action != 1;
        if (committed) {
          RC_ASSERT(take(table, owner, ports) == naive.take(owner, ports));
        } else {  // reserved, and given back at once
          NaiveTable copy = naive;
          RC_ASSERT(table.reserve(owner, ports).has_value() == copy.take(owner, ports));
        }
      }
      RC_ASSERT(table.size() == naive.held.size());
    }
    for (const PortTable::Entry& entry : table.entries()) {
      RC_ASSERT(std::any_of(naive.held.begin(), naive.held.end(), [&](const auto& one) {
        return one.port == entry.port && one.owner == entry.owner;
      }));
    }
  }));
}
