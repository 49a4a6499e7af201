// Conversations between ports over the switch, in virtual time.
#include "bridge/switch.h"

#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "core/link/decorator.h"
#include "core/link/memory_port.h"
#include "tests/support/packets.h"

namespace pontoon::bridge {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using wire::EtherType;

const MacAddress kFirst = test::mac("02:42:ac:11:00:02");
const MacAddress kSecond = test::mac("02:42:ac:11:00:03");
const MacAddress kThird = test::mac("02:42:ac:11:00:04");
const MacAddress kGateway = test::mac("02:42:ac:11:00:01");
const MacAddress kGroup = test::mac("01:00:5e:00:00:fb");

Bytes frame(const MacAddress& source, const MacAddress& target, std::uint8_t mark = 0) {
  return test::ethernet_frame(source, target, EtherType{0x88b5}, test::pattern(46, mark));
}

// Counts how often the switch asked for a turn.
class Bell final : public ReadySink {
 public:
  void on_ready() noexcept override { ++rings; }
  int rings = 0;
};

// A network of memory ports around one switch.
class World {
 public:
  explicit World(std::size_t count = 3, std::optional<GuardPolicy> guard = {}) {
    for (std::size_t i = 0; i < count; ++i)
      add({.gateway = false, .guard = guard});
  }
  ~World() {
    for (const PortId id : ids)
      lan.remove(id);
  }

  std::size_t add(const PortSpec& spec, PortFeatures features = {}) {
    ports.push_back(std::make_unique<MemoryPort>(pool, features));
    ids.push_back(*lan.add(*ports.back(), spec, now));
    return ids.size() - 1;
  }
  void turn() {
    lan.pull(now);
    lan.flush(now);
  }
  // Sends and switches, until nothing is left to do.
  void send(std::size_t from, ByteView bytes, const Offload& offload = {}) {
    ports[from]->inject(bytes, offload);
    do {
      turn();
    } while (lan.has_work());
  }
  // What has come out of a port since the last call.
  std::vector<Bytes> sent(std::size_t port) {
    std::vector<Bytes> out;
    for (const FrameRef& one : ports[port]->take_sent())
      out.push_back(test::to_bytes(one->bytes()));
    return out;
  }
  std::vector<std::size_t> counts() {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < ports.size(); ++i)
      out.push_back(sent(i).size());
    return out;
  }
  std::uint64_t dropped(std::size_t port, DropReason reason) const {
    return lan.drops(ids[port])[reason];
  }

  FramePool pool;
  std::vector<std::unique_ptr<MemoryPort>> ports;
  Switch lan{pool};
  std::vector<PortId> ids;
  Instant now{1h};
};

using Counts = std::vector<std::size_t>;

TEST_CASE("an unknown station's frame goes everywhere but back") {
  World world;
  const Bytes hello = frame(kFirst, kSecond);
  world.send(0, hello);
  CHECK(world.sent(0).empty());
  CHECK(world.sent(1) == std::vector<Bytes>{hello});
  CHECK(world.sent(2) == std::vector<Bytes>{hello});
  CHECK(world.lan.drops(world.ids[0]).total() == 0);
}

TEST_CASE("a station that has spoken is sent to alone") {
  World world;
  world.send(1, frame(kSecond, MacAddress::broadcast()));
  world.counts();
  world.send(0, frame(kFirst, kSecond));
  CHECK(world.counts() == Counts{0, 1, 0});
  world.send(1, frame(kSecond, kFirst));
  CHECK(world.counts() == Counts{1, 0, 0});
}

TEST_CASE("a station that moves is found again") {
  World world;
  world.send(1, frame(kSecond, MacAddress::broadcast()));
  world.send(2, frame(kSecond, MacAddress::broadcast()));
  world.counts();
  world.send(0, frame(kFirst, kSecond));
  CHECK(world.counts() == Counts{0, 0, 1});
}

TEST_CASE("a silent station is flooded to again after kFdbAge") {
  World world;
  world.send(1, frame(kSecond, MacAddress::broadcast()));
  world.counts();
  world.now += limits::kFdbAge - 1ns;
  world.send(0, frame(kFirst, kSecond));
  CHECK(world.counts() == Counts{0, 1, 0});
  world.now += 1ns;
  world.send(0, frame(kFirst, kSecond));
  CHECK(world.counts() == Counts{0, 1, 1});
  REQUIRE(world.lan.fdb(world.now).size() == 1);
  world.now += limits::kFdbAge;
  world.lan.age(world.now);
  CHECK(world.lan.fdb(world.now).empty());
}

TEST_CASE("a station on the sender's own port is nobody to forward to") {
  World world;
  world.send(0, frame(kSecond, MacAddress::broadcast()));
  world.counts();
  world.send(0, frame(kFirst, kSecond));
  CHECK(world.counts() == Counts{0, 0, 0});
  CHECK(world.dropped(0, DropReason::no_destination_port) == 1);
}

TEST_CASE("alone on a network", "[drop:no_destination_port]") {
  World world(1);
  world.send(0, frame(kFirst, MacAddress::broadcast()));
  CHECK(world.dropped(0, DropReason::no_destination_port) == 1);
  CHECK(world.pool.in_use() == 0);
}

TEST_CASE("each frame that goes nowhere has one reason",
          "[drop:malformed_ethernet][drop:guard_source_mac][drop:guard_ethertype][drop:reserved_"
          "multicast]") {
  struct Case {
    std::string name;
    Bytes bytes;
    DropReason reason;
  };
  const GuardPolicy guard{kFirst, test::ip("172.17.0.2"), {}};
  World world(3, guard);
  Bytes runt(13);
  std::vector<Case> cases{
      {"runt", runt, DropReason::malformed_ethernet},
      {"group source", frame(kGroup, kSecond), DropReason::guard_source_mac},
      {"broadcast source", frame(MacAddress::broadcast(), kSecond), DropReason::guard_source_mac},
      {"no source", frame({}, kSecond), DropReason::guard_source_mac},
      {"another's source", frame(kThird, kSecond), DropReason::guard_source_mac},
      {"EtherType", frame(kFirst, kSecond), DropReason::guard_ethertype},
  };
  for (unsigned last = 0; last <= 0x0f; ++last) {
    const MacAddress reserved{{0x01, 0x80, 0xc2, 0, 0, static_cast<std::uint8_t>(last)}};
    cases.push_back({"reserved", frame(kFirst, reserved), DropReason::reserved_multicast});
  }
  for (const Case& one : cases) {
    INFO(one.name);
    const std::uint64_t before = world.dropped(0, one.reason);
    const std::uint64_t total = world.lan.drops(world.ids[0]).total();
    world.send(0, one.bytes);
    CHECK(world.dropped(0, one.reason) == before + 1);
    CHECK(world.lan.drops(world.ids[0]).total() == total + 1);
    CHECK(world.counts() == Counts{0, 0, 0});
  }
  CHECK(world.lan.fdb(world.now).empty());
}

TEST_CASE("the next group address behind the reserved ones is forwarded") {
  World world;
  world.send(0, frame(kFirst, test::mac("01:80:c2:00:00:10")));
  CHECK(world.counts() == Counts{0, 1, 1});
}

TEST_CASE("flooding shares the frame") {
  World world(4);
  world.send(0, frame(kFirst, kGroup));
  CHECK(world.pool.in_use() == 1);
  CHECK(world.counts() == Counts{0, 1, 1, 1});
  CHECK(world.pool.in_use() == 0);
}

TEST_CASE("flooding survives a closed port and a full one") {
  World world(4);
  world.ports[1]->close();
  world.turn();
  for (std::size_t i = 0; i < limits::kPortQueueFrames; ++i)
    world.ports[2]->send(test::to_frame(world.pool, frame(kSecond, kThird)), world.now);
  world.send(0, frame(kFirst, MacAddress::broadcast()));
  CHECK(world.counts() == Counts{0, 0, limits::kPortQueueFrames, 1});
  CHECK(world.ports[2]->counters().drops[DropReason::port_queue_full] == 1);
  CHECK(world.ports[1]->counters().drops.total() == 0);
  CHECK(world.lan.drops(world.ids[0]).total() == 0);
}

TEST_CASE("a frame for a port that has closed", "[drop:port_closed]") {
  World world;
  world.send(1, frame(kSecond, MacAddress::broadcast()));
  world.counts();
  world.ports[1]->close();
  world.send(0, frame(kFirst, kSecond));
  CHECK(world.dropped(0, DropReason::port_closed) == 1);
  CHECK(world.counts() == Counts{0, 0, 0});
}

TEST_CASE("a closed port is reported once, and its removal forgets it") {
  World world;
  world.send(1, frame(kSecond, MacAddress::broadcast()));
  CHECK(world.lan.take_closed().empty());
  world.ports[1]->close();
  world.turn();
  CHECK(world.lan.take_closed() == std::vector<PortId>{world.ids[1]});
  CHECK(world.lan.take_closed().empty());
  world.lan.remove(world.ids[1]);
  world.counts();
  world.send(0, frame(kFirst, kSecond));
  CHECK(world.counts() == Counts{0, 0, 1});
  CHECK(world.dropped(0, DropReason::port_closed) == 0);
}

TEST_CASE("a port that closes with a report pending can be removed unreported") {
  World world;
  world.ports[1]->close();
  world.turn();
  world.lan.remove(world.ids[1]);
  CHECK(world.lan.take_closed().empty());
}

TEST_CASE("a super-frame and its offload pass untouched") {
  World world(1);
  world.add({}, {.checksum = true, .tso4 = true, .tso6 = true, .uso = true, .mtu = 1500});
  wire::TcpRepr repr;
  repr.source_port = 4000;
  repr.destination_port = 80;
  const auto big = test::tcp_super_frame(test::between("172.17.0.2", "172.17.0.3"), repr,
                                         test::pattern(60'000), 1448);
  world.send(0, big.bytes, big.offload);
  const auto out = world.ports[1]->take_sent();
  REQUIRE(out.size() == 1);
  CHECK(test::to_bytes(out[0]->bytes()) == big.bytes);
  CHECK(out[0]->offload.gso == Gso::tcp4);
  CHECK(out[0]->offload.segment_size == 1448);
  CHECK(out[0]->offload.needs_checksum);
}

TEST_CASE("the guard's verdict is counted, and nothing learned from what it refuses",
          "[drop:guard_source_ip]") {
  World world(2, GuardPolicy{kFirst, test::ip("172.17.0.2"), {}});
  test::PacketEnds ends = test::between("172.17.0.9", "172.17.0.1");
  ends.source_mac = kFirst;
  world.send(0, test::udp_frame(ends, 1, 2, {}));
  CHECK(world.dropped(0, DropReason::guard_source_ip) == 1);
  CHECK(world.lan.fdb(world.now).empty());

  SECTION("a new policy holds from the next frame on") {
    world.lan.set_guard(world.ids[0], {kFirst, test::ip("172.17.0.9"), {}});
    world.send(0, test::udp_frame(ends, 1, 2, {}));
    CHECK(world.counts() == Counts{0, 1});
  }
}

TEST_CASE("the gateway's port is neither guarded nor limited, and its MAC is its own") {
  World world(2);
  const std::size_t gateway = world.add({.gateway = true, .guard = GuardPolicy{}});
  world.lan.pin(kGateway, world.ids[gateway]);
  for (std::uint32_t i = 0; i < 2 * limits::kStormBurst; ++i)
    world.ports[gateway]->inject(frame(kGateway, MacAddress::broadcast()));
  world.lan.drain(world.ids[gateway], world.now);
  world.lan.flush(world.now);
  CHECK_FALSE(world.lan.drops(world.ids[gateway]).total() != 0);
  world.counts();

  SECTION("nobody takes it over") {
    world.send(0, frame(kGateway, MacAddress::broadcast()));
    CHECK(world.counts() == Counts{0, 0, 0});
    CHECK(world.dropped(0, DropReason::guard_source_mac) == 1);
    world.send(1, frame(kSecond, kGateway));
    CHECK(world.counts() == Counts{0, 0, 1});
  }
}

TEST_CASE("a storm is cut down to the port's rate, unicast to strangers included",
          "[drop:storm_limit]") {
  const auto target = GENERATE(MacAddress::broadcast(), kGroup, kThird);
  World world(2);
  const Bytes one = frame(kFirst, target);
  for (std::uint32_t i = 0; i < limits::kStormBurst; ++i) {
    world.send(0, one);
    if (i % 100 == 0) world.counts();
  }
  CHECK(world.lan.drops(world.ids[0]).total() == 0);
  world.counts();
  world.send(0, one);
  CHECK(world.dropped(0, DropReason::storm_limit) == 1);
  CHECK(world.counts() == Counts{0, 0});

  SECTION("what is not flooded still passes") {
    world.send(1, frame(kSecond, kFirst));
    world.send(0, frame(kFirst, kSecond));
    CHECK(world.counts() == Counts{1, 1});
  }
  SECTION("the other ports have their own limit") {
    world.send(1, frame(kSecond, MacAddress::broadcast()));
    CHECK(world.counts() == Counts{1, 0});
  }
  SECTION("it passes again later") {
    world.now += 1s;
    world.send(0, one);
    CHECK(world.counts() == Counts{0, 1});
  }
}

TEST_CASE("a broadcast super-frame costs as much as its segments") {
  World world(2);
  const auto big = test::udp_super_frame(test::between("172.17.0.2", "172.17.0.255"), 1, 2,
                                         test::pattern(50'000), 100);
  Bytes bytes = big.bytes;
  std::fill_n(bytes.begin(), 6, std::uint8_t{0xff});
  for (int i = 0; i < 3; ++i)
    world.send(0, bytes, big.offload);
  CHECK(world.dropped(0, DropReason::storm_limit) == 1);
}

TEST_CASE("addresses beyond kMacsPerPort are forwarded, not learned", "[limit:kMacsPerPort]") {
  World world(2);
  for (std::size_t i = 0; i < limits::kMacsPerPort + 5; ++i) {
    MacAddress source = kFirst;
    source.octets[5] = static_cast<std::uint8_t>(100 + i);
    world.send(0, frame(source, MacAddress::broadcast()));
  }
  CHECK(world.counts() == Counts{0, limits::kMacsPerPort + 5});
  CHECK(world.lan.fdb(world.now).size() == limits::kMacsPerPort);
  CHECK(world.lan.unlearned(world.ids[0]) == 5);
}

TEST_CASE("a busy port does not starve another", "[limit:kTurnFramesPerPort]") {
  World world(3);
  for (std::size_t i = 0; i < 10 * limits::kTurnFramesPerPort; ++i)
    world.ports[0]->inject(frame(kFirst, kThird, 1));
  world.ports[1]->inject(frame(kSecond, kThird, 2));
  world.turn();
  const auto out = world.sent(2);
  REQUIRE(out.size() == limits::kTurnFramesPerPort + 1);
  CHECK(out.back() == frame(kSecond, kThird, 2));
  int turns = 1;
  for (; world.lan.has_work(); ++turns)
    world.turn();
  // The tenth batch is full, so that an eleventh visit has to find nothing.
  CHECK(turns == 11);
  CHECK(world.sent(2).size() == 9 * limits::kTurnFramesPerPort);
}

TEST_CASE("the network is woken once for what becomes ready between its turns") {
  World world(2);
  world.turn();
  Bell bell;
  world.lan.set_wake(&bell);
  CHECK(bell.rings == 0);
  world.ports[0]->inject(frame(kFirst, kSecond));
  world.ports[0]->inject(frame(kFirst, kSecond));
  world.ports[1]->inject(frame(kSecond, kFirst));
  CHECK(bell.rings == 1);
  CHECK(world.lan.has_work());
  world.turn();
  CHECK_FALSE(world.lan.has_work());
  world.ports[1]->inject(frame(kSecond, kFirst));
  CHECK(bell.rings == 2);

  SECTION("also when it listens late") {
    Bell late;
    world.lan.set_wake(&late);
    CHECK(late.rings == 1);
  }
  world.lan.set_wake(nullptr);
}

// A port that reports itself ready from within the calls of a turn, as a congested one does.
class Insistent final : public PortDecorator {
 public:
  using PortDecorator::PortDecorator;
  void set_ready_sink(ReadySink* sink) noexcept override { sink_ = sink; }
  void flush(Instant now) noexcept override {
    PortDecorator::flush(now);
    ++flushes;
    if (insists > 0 && sink_ != nullptr) {
      --insists;
      sink_->on_ready();
    }
  }
  int insists = 0;
  int flushes = 0;

 private:
  ReadySink* sink_ = nullptr;
};

TEST_CASE("what becomes ready within a turn is work for the next one, without a wake-up") {
  FramePool pool;
  MemoryPort memory(pool);
  Insistent port(memory);
  Switch lan(pool);
  const Instant now{1h};
  const PortId id = *lan.add(port, {}, now);
  Bell bell;
  lan.pull(now);
  lan.set_wake(&bell);
  port.insists = 1;
  lan.flush(now);
  CHECK(bell.rings == 0);
  CHECK(lan.has_work());
  lan.pull(now);
  lan.flush(now);
  CHECK(port.flushes == 2);
  CHECK_FALSE(lan.has_work());
  lan.remove(id);
}

TEST_CASE("frames that were there before the port joined are not forgotten") {
  World world(1);
  MemoryPort early(world.pool);
  early.inject(frame(kSecond, kFirst));
  const PortId id = *world.lan.add(early, {}, world.now);
  CHECK(world.lan.has_work());
  world.turn();
  CHECK(world.counts() == Counts{1});
  world.lan.remove(id);
}

TEST_CASE("a port can go while frames wait to leave it, and come while others do") {
  World world(3);
  world.ports[0]->inject(frame(kFirst, MacAddress::broadcast()));
  world.ports[1]->inject(frame(kSecond, MacAddress::broadcast()));
  world.lan.pull(world.now);
  world.lan.remove(world.ids[1]);
  const std::size_t late = world.add({});
  world.lan.flush(world.now);
  CHECK(world.counts() == Counts{1, 0, 2, 0});
  world.send(0, frame(kFirst, kSecond));
  CHECK(world.counts() == Counts{0, 0, 1, 1});
  CHECK(world.ids[late] != world.ids[1]);
}

TEST_CASE("a port that is removed while it is ready is not visited") {
  World world(2);
  world.ports[0]->inject(frame(kFirst, kSecond));
  world.lan.remove(world.ids[0]);
  CHECK(world.lan.has_work());  // the other one has just joined
  world.turn();
  CHECK(world.counts() == Counts{0, 0});
  CHECK_FALSE(world.lan.has_work());
  // Nobody listens to it any more.
  world.ports[0]->inject(frame(kFirst, kSecond));
  CHECK_FALSE(world.lan.has_work());
}

TEST_CASE("an id that was given back names nobody") {
  World world(1);
  const PortId old = world.ids[0];
  world.lan.remove(old);
  world.lan.remove(old);
  world.lan.set_guard(old, {});
  world.lan.pin(kFirst, old);
  world.lan.drain(old, world.now);
  CHECK(world.lan.drops(old).total() == 0);
  CHECK(world.lan.unlearned(old) == 0);
  CHECK(world.lan.fdb(world.now).empty());
}

TEST_CASE("a network holds kPortsPerNetwork ports, again and again", "[limit:kPortsPerNetwork]") {
  FramePool pool;
  MemoryPort port(pool);
  Switch lan(pool);
  const Instant now{1h};
  std::vector<PortId> ids;
  for (int round = 0; round < 3; ++round) {
    while (ids.size() < limits::kPortsPerNetwork)
      ids.push_back(*lan.add(port, {}, now));
    const auto refused = lan.add(port, {}, now);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == SwitchError::too_many_ports);
    for (std::size_t i = 0; i < 600; ++i) {
      lan.remove(ids.back());
      ids.pop_back();
    }
  }
}

TEST_CASE("the table lists stations with their ports and ages") {
  World world(2);
  world.lan.pin(kGateway, world.ids[1]);
  world.send(0, frame(kFirst, kGateway));
  world.now += 7s;
  auto table = world.lan.fdb(world.now);
  REQUIRE(table.size() == 2);
  std::sort(table.begin(), table.end(),
            [](const FdbEntry& left, const FdbEntry& right) { return left.mac < right.mac; });
  CHECK(table[0].mac == kGateway);
  CHECK(table[0].port == world.ids[1]);
  CHECK(table[0].fixed);
  CHECK(table[1].mac == kFirst);
  CHECK(table[1].port == world.ids[0]);
  CHECK(table[1].age == 7s);
}

TEST_CASE("ports and switch may end in either order") {
  FramePool pool;
  auto early = std::make_unique<MemoryPort>(pool);
  MemoryPort late(pool);
  auto lan = std::make_unique<Switch>(pool);
  REQUIRE(lan->add(*early, {}, Instant{}));
  REQUIRE(lan->add(late, {}, Instant{}));
  early.reset();
  lan.reset();
  CHECK(late.open());
}

TEST_CASE("after warm-up, frames come back to the pool") {
  World world(3);
  for (int i = 0; i < 1000; ++i) {
    world.send(0, frame(kFirst, kSecond));
    world.send(1, frame(kSecond, kFirst));
    world.counts();
  }
  CHECK(world.pool.in_use() == 0);
}

}  // namespace
}  // namespace pontoon::bridge
