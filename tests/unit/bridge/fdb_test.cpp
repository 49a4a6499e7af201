#include "bridge/fdb.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "bridge/port_slot.h"

namespace pontoon::bridge {
namespace {

using namespace std::chrono_literals;
using Learned = Fdb::Learned;

constexpr Instant kStart{std::chrono::hours(1)};
const PortId kFirst = make_port_id(0, 0);
const PortId kSecond = make_port_id(1, 0);

MacAddress station(std::uint32_t number) {
  return {{0x02, 0x42, static_cast<std::uint8_t>(number >> 24),
           static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
           static_cast<std::uint8_t>(number)}};
}

Fdb with_two_ports() {
  Fdb fdb;
  fdb.add_port(kFirst);
  fdb.add_port(kSecond);
  return fdb;
}

TEST_CASE("an unknown address is on no port") {
  const Fdb fdb = with_two_ports();
  CHECK(fdb.find(station(1), kStart) == std::nullopt);
  CHECK(fdb.entries(kStart).empty());
}

TEST_CASE("a station is found where it spoke last") {
  Fdb fdb = with_two_ports();
  CHECK(fdb.learn(station(1), kFirst, kStart) == Learned::added);
  CHECK(fdb.learn(station(1), kFirst, kStart + 1s) == Learned::known);
  CHECK(fdb.find(station(1), kStart) == kFirst);
  CHECK(fdb.learn(station(1), kSecond, kStart + 2s) == Learned::moved);
  CHECK(fdb.find(station(1), kStart + 2s) == kSecond);
  CHECK(fdb.size() == 1);
}

TEST_CASE("an address ages out kFdbAge after it was last seen", "[limit:kFdbAge]") {
  Fdb fdb = with_two_ports();
  fdb.learn(station(1), kFirst, kStart);
  fdb.learn(station(1), kFirst, kStart + 100s);
  const Instant end = kStart + 100s + limits::kFdbAge;
  CHECK(fdb.find(station(1), end - 1ns) == kFirst);
  CHECK(fdb.find(station(1), end) == std::nullopt);
  SECTION("a sweep removes it") {
    fdb.age(end - 1ns);
    CHECK(fdb.size() == 1);
    fdb.age(end);
    CHECK(fdb.size() == 0);
  }
  SECTION("it is added anew, on any port") {
    CHECK(fdb.learn(station(1), kSecond, end) == Learned::added);
    CHECK(fdb.find(station(1), end) == kSecond);
    CHECK(fdb.size() == 1);
  }
}

TEST_CASE("a pinned address neither moves nor ages") {
  Fdb fdb = with_two_ports();
  fdb.learn(station(1), kSecond, kStart);
  fdb.pin(station(1), kFirst);
  CHECK(fdb.learn(station(1), kSecond, kStart) == Learned::fixed_other);
  CHECK(fdb.learn(station(1), kFirst, kStart) == Learned::known);
  fdb.age(kStart + 10 * limits::kFdbAge);
  CHECK(fdb.find(station(1), kStart + 10 * limits::kFdbAge) == kFirst);
  const auto entries = fdb.entries(kStart + 10 * limits::kFdbAge);
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].fixed);
  CHECK(entries[0].age == 0s);
  SECTION("until it is pinned elsewhere") {
    fdb.pin(station(1), kSecond);
    CHECK(fdb.find(station(1), kStart) == kSecond);
    CHECK(fdb.size() == 1);
  }
}

TEST_CASE("a port holds kMacsPerPort learned addresses") {
  Fdb fdb = with_two_ports();
  for (std::uint32_t i = 0; i < limits::kMacsPerPort; ++i)
    CHECK(fdb.learn(station(i), kFirst, kStart + i * 1s) == Learned::added);
  CHECK(fdb.learn(station(100), kFirst, kStart) == Learned::port_full);
  CHECK(fdb.find(station(100), kStart) == std::nullopt);

  SECTION("the other port is not affected") {
    CHECK(fdb.learn(station(100), kSecond, kStart) == Learned::added);
    // Not even a move gets past the limit: the station stays where it was.
    CHECK(fdb.learn(station(100), kFirst, kStart) == Learned::port_full);
    CHECK(fdb.find(station(100), kStart) == kSecond);
  }
  SECTION("one that moves away makes room") {
    CHECK(fdb.learn(station(3), kSecond, kStart) == Learned::moved);
    CHECK(fdb.learn(station(100), kFirst, kStart) == Learned::added);
  }
  SECTION("one that has aged out makes room without a sweep") {
    const Instant later = kStart + limits::kFdbAge;
    CHECK(fdb.learn(station(100), kFirst, later) == Learned::added);
    CHECK(fdb.learn(station(101), kFirst, later) == Learned::port_full);
    CHECK(fdb.learn(station(0), kFirst, later) == Learned::port_full);
  }
  SECTION("pinned addresses do not count") {
    fdb.pin(station(200), kFirst);
    fdb.pin(station(0), kFirst);
    CHECK(fdb.learn(station(100), kFirst, kStart) == Learned::added);
    CHECK(fdb.learn(station(101), kFirst, kStart) == Learned::port_full);
  }
}

TEST_CASE("removing a port forgets its addresses, the pinned ones too") {
  Fdb fdb = with_two_ports();
  for (std::uint32_t i = 0; i < 10; ++i)
    fdb.learn(station(i), kFirst, kStart);
  fdb.pin(station(50), kFirst);
  fdb.learn(station(60), kSecond, kStart);
  fdb.remove_port(kFirst);
  CHECK(fdb.size() == 1);
  CHECK(fdb.find(station(60), kStart) == kSecond);
  SECTION("its slot can be used again") {
    const PortId again = make_port_id(0, 1);
    fdb.add_port(again);
    CHECK(fdb.learn(station(1), again, kStart) == Learned::added);
    CHECK(fdb.find(station(1), kStart) == again);
  }
}

TEST_CASE("a full network fits") {
  Fdb fdb;
  for (std::size_t port = 0; port < limits::kPortsPerNetwork; ++port)
    fdb.add_port(make_port_id(port, 0));
  std::uint32_t number = 0;
  for (std::size_t port = 0; port < limits::kPortsPerNetwork; ++port) {
    for (std::size_t i = 0; i < limits::kMacsPerPort; ++i)
      REQUIRE(fdb.learn(station(number++), make_port_id(port, 0), kStart) == Learned::added);
  }
  for (std::uint32_t i = 0; i < number; ++i)
    REQUIRE(fdb.find(station(i), kStart) == make_port_id(i / limits::kMacsPerPort, 0));
}

// The same as a map that is searched and counted naively.
class Model {
 public:
  void pin(const MacAddress& mac, PortId port) { entries_[mac] = {port, true, {}}; }
  void remove_port(PortId port) {
    std::erase_if(entries_, [&](const auto& entry) { return entry.second.port == port; });
  }
  std::optional<PortId> find(const MacAddress& mac, Instant now) const {
    const auto entry = entries_.find(mac);
    if (entry == entries_.end() || !live(entry->second, now)) return std::nullopt;
    return entry->second.port;
  }
  Learned learn(const MacAddress& mac, PortId port, Instant now) {
    std::erase_if(entries_, [&](const auto& entry) { return !live(entry.second, now); });
    const auto entry = entries_.find(mac);
    if (entry != entries_.end() && entry->second.port == port) {
      entry->second.seen = now;
      return Learned::known;
    }
    if (entry != entries_.end() && entry->second.fixed) return Learned::fixed_other;
    const auto learned = std::count_if(entries_.begin(), entries_.end(), [&](const auto& other) {
      return other.second.port == port && !other.second.fixed;
    });
    if (learned >= static_cast<long>(limits::kMacsPerPort)) return Learned::port_full;
    const bool moved = entry != entries_.end();
    entries_[mac] = {port, false, now};
    return moved ? Learned::moved : Learned::added;
  }
  std::size_t live_count(Instant now) const {
    return static_cast<std::size_t>(
        std::count_if(entries_.begin(), entries_.end(),
                      [&](const auto& entry) { return live(entry.second, now); }));
  }

 private:
  struct Entry {
    PortId port{};
    bool fixed = false;
    Instant seen{};
  };
  static bool live(const Entry& entry, Instant now) {
    return entry.fixed || now - entry.seen < limits::kFdbAge;
  }
  std::map<MacAddress, Entry> entries_;
};

TEST_CASE("the table behaves like a map of what was seen") {
  constexpr unsigned ports = 3;
  constexpr std::uint32_t stations = 60;  // more than three ports hold
  REQUIRE(rc::check([] {
    Fdb fdb;
    Model model;
    std::array<unsigned, ports> generations{};
    const auto id = [&](std::size_t slot) { return make_port_id(slot, generations[slot]); };
    for (std::size_t slot = 0; slot < ports; ++slot)
      fdb.add_port(id(slot));
    Instant now = kStart;
    const auto steps = *rc::gen::inRange(0, 400);
    for (int step = 0; step < steps; ++step) {
      const auto slot = *rc::gen::inRange<std::size_t>(0, ports);
      const MacAddress mac = station(*rc::gen::inRange<std::uint32_t>(0, stations));
      const int action = *rc::gen::inRange(0, 100);
      if (action < 80) {
        RC_ASSERT(fdb.learn(mac, id(slot), now) == model.learn(mac, id(slot), now));
      } else if (action < 92) {
        now += std::chrono::seconds(*rc::gen::inRange(0, 200));
      } else if (action < 95) {
        fdb.age(now);
        RC_ASSERT(fdb.size() == model.live_count(now));
      } else if (action < 97) {
        fdb.pin(mac, id(slot));
        model.pin(mac, id(slot));
      } else {
        fdb.remove_port(id(slot));
        model.remove_port(id(slot));
        ++generations[slot];
        fdb.add_port(id(slot));
      }
      RC_ASSERT(fdb.find(mac, now) == model.find(mac, now));
    }
    for (std::uint32_t i = 0; i < stations; ++i)
      RC_ASSERT(fdb.find(station(i), now) == model.find(station(i), now));
    RC_ASSERT(fdb.entries(now).size() == model.live_count(now));
  }));
}

TEST_CASE("a port id names its slot, and another port each time the slot is used") {
  std::set<PortId> seen;
  for (unsigned generation = 0; generation < kPortGenerations; ++generation) {
    const PortId id = make_port_id(77, generation);
    CHECK(slot_of(id) == 77);
    CHECK(seen.insert(id).second);
  }
}

}  // namespace
}  // namespace pontoon::bridge
