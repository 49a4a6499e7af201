#include "core/link/observed_port.h"

#include <catch2/catch.hpp>

#include "core/link/memory_port.h"
#include "tests/support/packets.h"

namespace pontoon {
namespace {

using namespace test;

constexpr Instant kNow{std::chrono::seconds(7)};

struct Seen {
  std::uint32_t tag = 0;
  FrameEvent event{};
  Bytes bytes;
  std::optional<DropReason> reason;
  Instant now;
};

struct Watcher final : FrameObserver {
  void on_frame(std::uint32_t tag, FrameEvent event, const FrameRef& frame,
                std::optional<DropReason> reason, Instant now) noexcept override {
    seen.push_back({tag, event, to_bytes(frame->bytes()), reason, now});
  }
  std::vector<Seen> seen;
};

Bytes some_frame(std::uint8_t seed = 1) {
  return udp_frame(between("10.0.0.1", "10.0.0.2"), 1, 2, pattern(10, seed));
}

struct Bench {
  Bench() {
    auto inner = std::make_unique<MemoryPort>(pool);
    wire = inner.get();
    port = std::make_unique<ObservedPort>(std::move(inner), 42);
  }
  FramePool pool;
  MemoryPort* wire = nullptr;
  std::unique_ptr<ObservedPort> port;
  Watcher watcher;
};

}  // namespace

TEST_CASE("observed port: tells of frames in both directions, with its tag and the turn's time") {
  Bench bench;
  bench.port->set_observer(&bench.watcher);
  bench.wire->inject(some_frame(1));
  bench.wire->inject(some_frame(2));
  std::array<FrameRef, 4> batch;
  REQUIRE(bench.port->receive(batch, kNow) == 2);
  bench.port->send(to_frame(bench.pool, some_frame(3)), kNow);
  bench.port->flush(kNow);

  REQUIRE(bench.watcher.seen.size() == 3);
  const FrameEvent expected[] = {FrameEvent::from_endpoint, FrameEvent::from_endpoint,
                                 FrameEvent::to_endpoint};
  for (std::size_t i = 0; i < 3; ++i) {
    const Seen& seen = bench.watcher.seen[i];
    CHECK(seen.tag == 42);
    CHECK(seen.event == expected[i]);
    CHECK(seen.bytes == some_frame(static_cast<std::uint8_t>(i + 1)));
    CHECK_FALSE(seen.reason);
    CHECK(seen.now == kNow);
  }
  CHECK(bench.wire->take_sent().size() == 1);
}

TEST_CASE("observed port: without an observer everything passes and nothing is told") {
  Bench bench;
  bench.port->set_observer(&bench.watcher);
  bench.port->set_observer(nullptr);
  bench.wire->inject(some_frame());
  std::array<FrameRef, 4> batch;
  CHECK(bench.port->receive(batch, kNow) == 1);
  bench.port->send(to_frame(bench.pool, some_frame()), kNow);
  bench.port->flush(kNow);
  CHECK(bench.wire->take_sent().size() == 1);
  CHECK(bench.watcher.seen.empty());
}

TEST_CASE("observed port: what the inner port refuses is told as dropped, with its reason") {
  Bench bench;
  bench.port->set_observer(&bench.watcher);
  for (std::size_t i = 0; i <= limits::kPortQueueFrames; ++i)
    bench.port->send(to_frame(bench.pool, some_frame()), kNow);
  REQUIRE(bench.watcher.seen.size() == limits::kPortQueueFrames + 1);
  CHECK(bench.watcher.seen[limits::kPortQueueFrames - 1].event == FrameEvent::to_endpoint);
  CHECK(bench.watcher.seen.back().event == FrameEvent::dropped);
  CHECK(bench.watcher.seen.back().reason == DropReason::port_queue_full);

  bench.wire->close();
  bench.port->send(to_frame(bench.pool, some_frame()), kNow);
  CHECK(bench.watcher.seen.back().reason == DropReason::port_closed);
  bench.wire->flush(kNow);
}

TEST_CASE("observed port: passes on what else a port has to say") {
  Bench bench;
  CHECK(bench.port->open());
  CHECK(bench.port->features().mtu == bench.wire->features().mtu);
  bench.wire->close();
  CHECK_FALSE(bench.port->open());
  CHECK(bench.port->tag() == 42);
  CHECK(&bench.port->counters() == &bench.wire->counters());
}

}  // namespace pontoon
