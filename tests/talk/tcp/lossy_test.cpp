// Two engines face to face over a link that loses, repeats and reorders: what one host says, the
// other hears, every byte once and in order, and both ends come to rest.
#include <catch2/catch.hpp>

#include <deque>
#include <map>

#include "tests/support/tcp_talk.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kBytes = 200 * 1024;

struct Impairment {
  std::uint32_t loss_percent = 0;
  std::uint32_t duplicate_percent = 0;
  std::uint32_t reorder_percent = 0;
  Duration delay = 2ms;
};

struct Packet {
  bool to_passive = false;
  IpAddress source;
  IpAddress target;
  std::vector<std::uint8_t> bytes;
};

// One end: an engine with a host whose reader takes its time.
class End final : public stack::SegmentOutput, public stack::TcpForwarder {
 public:
  End(std::uint64_t seed, bool passive, class World& world)
      : random(seed, passive ? "passive" : "active"),
        engine(stack::StackContext{pool, timers, random}, *this, drops),
        passive_(passive),
        world_(world) {
    engine.set_forwarder(this);
  }

  Result<std::unique_ptr<Stream>, stack::TcpRefusal> open(const stack::FlowKey&,
                                                          Instant) noexcept override {
    return std::unique_ptr<Stream>(std::make_unique<ScriptedStream>(host));
  }
  bool send_segment(const IpAddress& source, const IpAddress& target, FrameRef frame,
                    std::uint16_t segment_size, Instant now) noexcept override;
  void send_icmp_error(const stack::IcmpErrorSpec&, Instant) noexcept override {}
  std::uint16_t mtu_to(const IpAddress&) const noexcept override { return 1500; }

  FramePool pool;
  TimerQueue timers;
  SeededRandom random;
  DropCounters drops;
  stack::TcpEngine engine;
  std::shared_ptr<ScriptedHost> host = std::make_shared<ScriptedHost>();

 private:
  bool passive_;
  World& world_;
};

class World {
 public:
  World(std::uint64_t seed, const Impairment& impairment)
      : chance_(seed, "link"),
        impairment_(impairment),
        active(seed, false, *this),
        passive(seed, true, *this) {}

  void put(const Packet& packet) {
    if (chance_.below(100) < impairment_.loss_percent) return;
    const unsigned copies = chance_.below(100) < impairment_.duplicate_percent ? 2 : 1;
    for (unsigned i = 0; i < copies; ++i) {
      Duration delay = impairment_.delay;
      if (chance_.below(100) < impairment_.reorder_percent)
        delay += std::chrono::microseconds(chance_.below(5000));
      wire_.emplace(now + delay, packet);
    }
  }

  // Runs until nothing is left to happen or the time is over.
  void run(Duration limit) {
    const Instant end = now + limit;
    while (now < end) {
      step(active);
      step(passive);
      if (active.engine.has_work() || passive.engine.has_work()) continue;
      Instant next = std::min(active.timers.next_deadline(), passive.timers.next_deadline());
      if (!wire_.empty()) next = std::min(next, wire_.begin()->first);
      if (finished() || next == kNever) return;
      now = std::max(now, next);
    }
  }
  bool finished() const {
    return active.engine.flow_count() == 0 && passive.engine.flow_count() == 0;
  }

 private:
  void step(End& end) {
    while (!wire_.empty() && wire_.begin()->first <= now) {
      const Packet packet = std::move(wire_.begin()->second);
      wire_.erase(wire_.begin());
      End& to = packet.to_passive ? passive : active;
      to.engine.on_segment(packet.source, packet.target, *wire::TcpView::parse(packet.bytes), now);
    }
    end.timers.run_due(now, limits::kTurnTimers);
    end.engine.pump(now);
    read(*end.host);
  }
  // The host's application reads a part of what is there, some of the time.
  void read(ScriptedHost& host) {
    if (host.room > 20000 || chance_.below(4) != 0) return;
    host.give_room(host.room + 1000 + chance_.below(60000));
  }

  SeededRandom chance_;
  Impairment impairment_;
  std::multimap<Instant, Packet> wire_;

 public:
  Instant now{1h};
  End active;
  End passive;
};

bool End::send_segment(const IpAddress& source, const IpAddress& target, FrameRef frame,
                       std::uint16_t segment_size, Instant) noexcept {
  const auto view = wire::TcpView::parse(frame->bytes());
  if (!view) return false;
  const std::size_t step = segment_size == 0 ? 65535 : segment_size;
  ByteView text = view->payload();
  wire::TcpRepr repr = wire::TcpRepr::from(*view);
  do {
    const ByteView piece = text.first(std::min(step, text.size()));
    text = text.subspan(piece.size());
    Packet packet{!passive_, source, target, {}};
    packet.bytes.resize(repr.header_size() + piece.size());
    std::copy(piece.begin(), piece.end(),
              packet.bytes.begin() + static_cast<std::ptrdiff_t>(repr.header_size()));
    repr.emit(std::span(packet.bytes).first(repr.header_size()), piece, source, target);
    world_.put(packet);
    repr.sequence += static_cast<std::uint32_t>(piece.size());
  } while (!text.empty());
  return true;
}

void transfer(std::uint64_t seed, const Impairment& impairment) {
  INFO("seed " << seed);
  World world(seed, impairment);
  const std::string there = pattern(kBytes, static_cast<unsigned>(seed));
  const std::string back = pattern(kBytes, static_cast<unsigned>(seed) + 1000);
  world.active.host->readable = there;
  world.active.host->ended = true;
  world.passive.host->readable = back;
  world.passive.host->ended = true;
  const stack::FlowKey key{{Ipv4Address::of(10, 0, 0, 1), 1234},
                           {Ipv4Address::of(172, 17, 0, 2), 80}};
  REQUIRE(world.active.engine.open(key, std::make_unique<ScriptedStream>(world.active.host),
                                   world.now));
  world.run(30min);
  REQUIRE(world.passive.host->written.size() == there.size());
  REQUIRE(world.passive.host->written == there);
  REQUIRE(world.active.host->written.size() == back.size());
  REQUIRE(world.active.host->written == back);
  REQUIRE(world.active.host->write_shut);
  REQUIRE(world.passive.host->write_shut);
  REQUIRE_FALSE(world.active.host->aborted);
  REQUIRE_FALSE(world.passive.host->aborted);
  REQUIRE(world.finished());
  REQUIRE(world.active.pool.in_use() == 0);
  REQUIRE(world.passive.pool.in_use() == 0);
  REQUIRE(world.active.timers.size() + world.passive.timers.size() == 0);
}

}  // namespace

TEST_CASE("200 KiB each way over a clean link") {
  transfer(1, {});
}

TEST_CASE("200 KiB each way over lossy links") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed)
    transfer(seed, {static_cast<std::uint32_t>(seed % 8), static_cast<std::uint32_t>(seed % 5),
                    static_cast<std::uint32_t>(seed * 7 % 40), 2ms});
}

TEST_CASE("200 KiB each way over a terrible link") {
  for (std::uint64_t seed = 101; seed <= 105; ++seed)
    transfer(seed, {15, 10, 50, 20ms});
}

TEST_CASE("the same seed gives the same conversation") {
  std::uint64_t retransmitted[2];
  for (std::uint64_t& count : retransmitted) {
    World world(5, {5, 5, 20, 2ms});
    world.active.host->readable = pattern(kBytes);
    world.active.host->ended = world.passive.host->ended = true;
    REQUIRE(world.active.engine.open(
        {{Ipv4Address::of(10, 0, 0, 1), 1}, {Ipv4Address::of(172, 17, 0, 2), 80}},
        std::make_unique<ScriptedStream>(world.active.host), world.now));
    world.run(30min);
    count = world.active.engine.counters().retransmitted_segments;
  }
  REQUIRE(retransmitted[0] > 0);
  REQUIRE(retransmitted[0] == retransmitted[1]);
}
