#include "core/link/port_edge.h"

#include <catch2/catch.hpp>
#include <vector>

#include "tests/support/packets.h"

namespace pontoon {
namespace {

using namespace test;

class Wire final : public FrameSink {
 public:
  bool accept(FrameRef frame) noexcept override {
    if (full) return false;
    frames.push_back(std::move(frame));
    return true;
  }
  std::vector<FrameRef> frames;
  bool full = false;
};

constexpr PortFeatures kEverything{.checksum = true, .tso4 = true, .tso6 = true, .uso = true};

// One edge with its surroundings.
struct Bench {
  explicit Bench(PortFeatures features, std::size_t frames = 256)
      : pool(frames), edge(pool, features, wire, drops) {}

  void deliver(const SuperFrame& super) {
    edge.deliver(to_frame(pool, super.bytes, super.offload));
  }
  void deliver(const Bytes& bytes, const Offload& offload = {}) {
    edge.deliver(to_frame(pool, bytes, offload));
  }

  FramePool pool;
  Wire wire;
  DropCounters drops;
  PortEdge edge;
};

const PacketEnds& v4() {
  static const PacketEnds ends = between("172.17.0.2", "172.17.0.3");
  return ends;
}

const PacketEnds& v6() {
  static const PacketEnds ends = between("fd00::2", "fd00::3");
  return ends;
}

SuperFrame tcp4(std::size_t size = 5000, std::uint16_t segment = 1400) {
  return tcp_super_frame(v4(), wire::TcpRepr{}, pattern(size), segment);
}

}  // namespace

TEST_CASE("edge: super-frames pass as they are where the feature is there") {
  Bench bench(kEverything);
  bench.deliver(tcp4());
  bench.deliver(tcp_super_frame(v6(), wire::TcpRepr{}, pattern(5000), 1400));
  bench.deliver(udp_super_frame(v4(), 1, 2, pattern(5000), 1400));
  REQUIRE(bench.wire.frames.size() == 3);
  for (const FrameRef& frame : bench.wire.frames) {
    CHECK(frame->offload.gso != Gso::none);
    CHECK(frame->offload.needs_checksum);
  }
  CHECK(bench.drops.total() == 0);
}

TEST_CASE("edge: each feature is for its own kind only") {
  const SuperFrame four = tcp4();
  const SuperFrame six = tcp_super_frame(v6(), wire::TcpRepr{}, pattern(5000), 1400);
  const SuperFrame udp = udp_super_frame(v4(), 1, 2, pattern(5000), 1400);
  const auto frames_of = [](PortFeatures features, const SuperFrame& super) {
    Bench bench(features);
    bench.deliver(super);
    return bench.wire.frames.size();
  };
  CHECK(frames_of({.checksum = true, .tso4 = true}, four) == 1);
  CHECK(frames_of({.checksum = true, .tso4 = true}, six) == 4);
  CHECK(frames_of({.checksum = true, .tso4 = true}, udp) == 4);
  CHECK(frames_of({.checksum = true, .tso6 = true}, four) == 4);
  CHECK(frames_of({.checksum = true, .tso6 = true}, six) == 1);
  CHECK(frames_of({.checksum = true, .uso = true}, udp) == 1);
  // Whoever cannot finish checksums cannot take a super-frame either.
  CHECK(frames_of({.tso4 = true}, four) == 4);
}

TEST_CASE("edge: segments are complete and fit the MTU") {
  Bench bench(PortFeatures{});
  bench.deliver(tcp4());
  REQUIRE(bench.wire.frames.size() == 4);
  Bytes payload;
  for (const FrameRef& frame : bench.wire.frames) {
    const Dissected got = dissect(frame->bytes());
    CHECK(got.problem == "");
    payload = joined(payload, got.payload);
    CHECK(frame->size() <= 1514);
  }
  CHECK(payload == pattern(5000));
}

TEST_CASE("edge: segments that exceed the MTU are one drop") {
  Bench bench(PortFeatures{.mtu = 1400});
  bench.deliver(tcp4(5000, 1400));
  CHECK(bench.wire.frames.empty());
  CHECK(bench.drops[DropReason::too_big] == 1);
  CHECK(bench.drops.total() == 1);
}

TEST_CASE("edge: a partial checksum is kept or finished") {
  Bytes frame = udp_frame(v4(), 1, 2, pattern(100));
  Bytes partial = frame;
  const auto sum =
      wire::Checksum::pseudo_header(v4().source, v4().target, wire::IpProtocol::udp, 108);
  store_be(partial.data() + 40, sum.folded());
  const Offload offload = partial_checksum(frame);

  Bench able(kEverything);
  able.deliver(partial, offload);
  REQUIRE(able.wire.frames.size() == 1);
  CHECK(able.wire.frames[0]->offload.needs_checksum);
  CHECK(to_bytes(able.wire.frames[0]->bytes()) == partial);

  Bench unable(PortFeatures{});
  unable.deliver(partial, offload);
  REQUIRE(unable.wire.frames.size() == 1);
  CHECK(to_bytes(unable.wire.frames[0]->bytes()) == frame);

  // Shared with another port: that one's frame stays as it was.
  const FrameRef shared = to_frame(unable.pool, partial, offload);
  unable.edge.deliver(shared.share());
  REQUIRE(unable.wire.frames.size() == 2);
  CHECK(to_bytes(unable.wire.frames[1]->bytes()) == frame);
  CHECK(to_bytes(shared->bytes()) == partial);
  CHECK(shared->offload.needs_checksum);
}

TEST_CASE("edge: plain frames up to the MTU, not counting the link header and a tag") {
  Bench bench(PortFeatures{});
  const Bytes full = udp_frame(v4(), 1, 2, pattern(1472));
  bench.deliver(full);
  bench.deliver(tagged(full, 7));
  CHECK(bench.wire.frames.size() == 2);
  bench.deliver(udp_frame(v4(), 1, 2, pattern(1473)));
  bench.deliver(tagged(udp_frame(v4(), 1, 2, pattern(1473)), 7));
  CHECK(bench.wire.frames.size() == 2);
  CHECK(bench.drops[DropReason::too_big] == 2);
}

TEST_CASE("edge: frames whose offload lies are counted and dropped", "[drop:malformed_offload]") {
  Bench bench(PortFeatures{});
  SuperFrame lie = tcp4();
  lie.offload.gso = Gso::tcp6;
  bench.deliver(lie);
  Offload outside;
  outside.needs_checksum = true;
  outside.checksum_start = 2000;
  bench.deliver(udp_frame(v4(), 1, 2, pattern(10)), outside);
  CHECK(bench.wire.frames.empty());
  CHECK(bench.drops[DropReason::malformed_offload] == 2);
  CHECK(bench.drops.total() == 2);
  CHECK(bench.pool.in_use() == 0);
}

TEST_CASE("edge: an empty pool is counted once") {
  Bench bench(PortFeatures{}, 1);
  bench.deliver(tcp4());
  CHECK(bench.drops[DropReason::pool_exhausted] == 1);
  const Bytes frame = udp_frame(v4(), 1, 2, pattern(10));
  const FrameRef shared = to_frame(bench.pool, frame, partial_checksum(frame));
  bench.edge.deliver(shared.share());
  CHECK(bench.drops[DropReason::pool_exhausted] == 2);
  CHECK(bench.drops.total() == 2);
}

TEST_CASE("edge: what the sink refuses is the sink's to count") {
  Bench bench(PortFeatures{});
  bench.wire.full = true;
  bench.deliver(tcp4());
  bench.deliver(udp_frame(v4(), 1, 2, pattern(10)));
  CHECK(bench.drops.total() == 0);
  CHECK(bench.pool.in_use() == 0);
}

}  // namespace pontoon
