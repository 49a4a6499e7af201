#include "core/link/memory_port.h"

#include <catch2/catch.hpp>

#include "tests/support/packets.h"

namespace pontoon {
namespace {

using namespace test;

constexpr Instant kNow{};

struct Ready final : ReadySink {
  void on_ready() noexcept override { ++calls; }
  int calls = 0;
};

Bytes some_frame() {
  return udp_frame(between("10.0.0.1", "10.0.0.2"), 1, 2, pattern(10));
}

}  // namespace

TEST_CASE("memory port: what is injected arrives in order and tells the sink") {
  FramePool pool;
  MemoryPort port(pool);
  Ready ready;
  port.set_ready_sink(&ready);
  Offload offload;
  offload.checksum_valid = true;
  port.inject(pattern(60, 1), offload);
  port.inject(pattern(70, 2));
  port.inject(pattern(80, 3));
  CHECK(ready.calls == 3);

  std::array<FrameRef, 2> out;
  CHECK(port.receive(out, kNow) == 2);
  CHECK(to_bytes(out[0]->bytes()) == pattern(60, 1));
  CHECK(out[0]->offload.checksum_valid);
  CHECK(to_bytes(out[1]->bytes()) == pattern(70, 2));
  CHECK(port.receive(out, kNow) == 1);
  CHECK(port.receive(out, kNow) == 0);
  CHECK(port.counters().received_frames == 3);
  CHECK(port.counters().received_bytes == 210);
}

TEST_CASE("memory port: what is sent shows after the flush") {
  FramePool pool;
  MemoryPort port(pool);
  port.send(to_frame(pool, some_frame()), kNow);
  CHECK(port.take_sent().empty());
  port.flush(kNow);
  const auto sent = port.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(to_bytes(sent[0]->bytes()) == some_frame());
  CHECK(port.take_sent().empty());
  CHECK(port.counters().sent_frames == 1);
  CHECK(port.counters().sent_bytes == some_frame().size());
}

TEST_CASE("memory port: behaves as a real port with its features does") {
  FramePool pool;
  const auto super =
      tcp_super_frame(between("10.0.0.1", "10.0.0.2"), wire::TcpRepr{}, pattern(4000), 1000);
  MemoryPort plain(pool);
  plain.send(to_frame(pool, super.bytes, super.offload), kNow);
  plain.flush(kNow);
  CHECK(plain.take_sent().size() == 4);
  MemoryPort capable(pool, PortFeatures{.checksum = true, .tso4 = true});
  capable.send(to_frame(pool, super.bytes, super.offload), kNow);
  capable.flush(kNow);
  CHECK(capable.take_sent().size() == 1);
}

TEST_CASE("memory port: a full queue and a closed port count their drops",
          "[limit:kPortQueueFrames][drop:port_queue_full]") {
  FramePool pool;
  MemoryPort port(pool);
  const FrameRef frame = to_frame(pool, some_frame());
  for (std::size_t i = 0; i < limits::kPortQueueFrames + 3; ++i)
    port.send(frame.share(), kNow);
  CHECK(port.counters().drops[DropReason::port_queue_full] == 3);
  Ready ready;
  port.set_ready_sink(&ready);
  port.close();
  CHECK(ready.calls == 1);
  CHECK_FALSE(port.open());
  port.send(frame.share(), kNow);
  CHECK(port.counters().drops[DropReason::port_closed] == 1);
}

TEST_CASE("memory port: injecting without a free frame is counted") {
  FramePool pool(1);
  MemoryPort port(pool);
  port.inject(some_frame());
  port.inject(some_frame());
  CHECK(port.counters().drops[DropReason::pool_exhausted] == 1);
}

}  // namespace pontoon
