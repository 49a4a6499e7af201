#include "core/capture/recorder.h"

#include <catch2/catch.hpp>

#include "core/capture/frame_writer.h"
#include "tests/support/hex.h"
#include "tests/support/packets.h"
#include "tests/unit/frame/collecting_sink.h"

namespace pontoon::capture {
namespace {

using namespace pontoon::test;

struct Kept {
  Recorded recorded;
  Bytes bytes;
};

std::vector<Kept> since(const Recorder& recorder, std::int64_t time_ns) {
  std::vector<Kept> kept;
  recorder.for_each_since(time_ns, [&](const Recorded& each) {
    kept.push_back({each, to_bytes(each.bytes)});
  });
  return kept;
}

TEST_CASE("recorder: remembers what was said of a frame, and its beginning") {
  FramePool pool;
  Recorder recorder(4096, 100);
  CHECK(since(recorder, 0).empty());
  recorder.add(*to_frame(pool, pattern(60)), 7, Direction::inbound, {}, 1000);
  const FrameRef large = to_frame(pool, pattern(200), {.gso = Gso::tcp4, .segment_size = 9});
  recorder.add(*large, 8, Direction::unknown, DropReason::guard_arp, 2000);
  const auto kept = since(recorder, 0);
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].recorded.tag == 7);
  CHECK(kept[0].recorded.time_ns == 1000);
  CHECK(kept[0].recorded.direction == Direction::inbound);
  CHECK_FALSE(kept[0].recorded.reason);
  CHECK(kept[0].recorded.original_length == 60);
  CHECK_FALSE(kept[0].recorded.cut());
  CHECK(kept[0].bytes == pattern(60));
  CHECK(kept[1].recorded.reason == DropReason::guard_arp);
  CHECK(kept[1].recorded.original_length == 200);
  CHECK(kept[1].recorded.cut());
  CHECK(kept[1].recorded.offload.gso == Gso::tcp4);
  CHECK(kept[1].recorded.offload.segment_size == 9);
  CHECK(kept[1].bytes == pattern(100));
}

TEST_CASE("recorder: the newest takes the place of the oldest, over and over") {
  FramePool pool;
  Recorder recorder(2000, 60);
  const std::size_t capacity = recorder.capacity();
  REQUIRE(capacity > 5);
  REQUIRE(capacity * 60 < 2000);
  for (std::size_t count = 1; count <= 3 * capacity + 1; ++count) {
    const auto first = static_cast<std::uint8_t>(count);
    recorder.add(*to_frame(pool, pattern(count % 60, first)), static_cast<std::uint32_t>(count),
                 Direction::outbound, {}, static_cast<std::int64_t>(count));
    const auto kept = since(recorder, 0);
    REQUIRE(kept.size() == std::min(count, capacity));
    CHECK(recorder.size() == kept.size());
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const std::size_t number = count - kept.size() + 1 + i;
      CHECK(kept[i].recorded.tag == number);
      CHECK(kept[i].bytes == pattern(number % 60, static_cast<std::uint8_t>(number)));
    }
  }
  CHECK(recorder.added() == 3 * capacity + 1);
}

TEST_CASE("recorder: only what is not older than asked for") {
  FramePool pool;
  Recorder recorder(4096);
  for (const std::int64_t time : {10, 20, 30})
    recorder.add(*to_frame(pool, pattern(4)), 0, Direction::inbound, {}, time);
  CHECK(since(recorder, 10).size() == 3);
  CHECK(since(recorder, 20).size() == 2);
  CHECK(since(recorder, 31).empty());
}

TEST_CASE("recorder: every drop reason comes back") {
  FramePool pool;
  Recorder recorder(64 * 1024, 16);
  for (std::size_t i = 0; i < kDropReasonCount; ++i)
    recorder.add(*to_frame(pool, pattern(4)), 0, Direction::unknown, DropReason(i), 0);
  const auto kept = since(recorder, 0);
  REQUIRE(kept.size() == kDropReasonCount);
  for (std::size_t i = 0; i < kDropReasonCount; ++i)
    CHECK(kept[i].recorded.reason == DropReason(i));
}

TEST_CASE("recorder: a budget for nothing holds one frame, and none of its bytes if so asked") {
  FramePool pool;
  Recorder recorder(0, 0);
  CHECK(recorder.capacity() == 1);
  recorder.add(*to_frame(pool, pattern(4)), 1, Direction::inbound, {}, 1);
  recorder.add(*to_frame(pool, {}), 2, Direction::inbound, {}, 2);
  recorder.add(*to_frame(pool, pattern(9)), 3, Direction::inbound, {}, 3);
  const auto kept = since(recorder, 0);
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].recorded.tag == 3);
  CHECK(kept[0].recorded.original_length == 9);
  CHECK(kept[0].bytes.empty());
}

// As bytes, once the frames have gone through write_wire_frames().
struct Written {
  WireForm form = WireForm::whole;
  std::vector<Bytes> frames;
};

Written written(FramePool& pool, const FrameRef& frame) {
  CollectingSink sink;
  Written result;
  result.form = write_wire_frames(frame, pool, sink);
  for (const FrameRef& each : sink.frames)
    result.frames.push_back(to_bytes(each->bytes()));
  return result;
}

wire::TcpRepr segment() {
  wire::TcpRepr repr;
  repr.source_port = 80;
  repr.destination_port = 40000;
  repr.flags = {.psh = true, .ack = true};
  return repr;
}

TEST_CASE("frame writer: a plain frame is shared, not copied") {
  FramePool pool;
  const FrameRef frame = to_frame(pool, pattern(60));
  CollectingSink sink;
  CHECK(write_wire_frames(frame, pool, sink) == WireForm::whole);
  REQUIRE(sink.frames.size() == 1);
  CHECK(&*sink.frames[0] == &*frame);
}

TEST_CASE("frame writer: a partial checksum is finished in a copy") {
  FramePool pool;
  const PacketEnds ends = between("172.17.0.2", "172.17.0.3");
  const Bytes whole = udp_frame(ends, 1000, 53, pattern(30));
  Bytes partial = whole;
  partial[40] = partial[41] = 0;
  const SuperFrame super = udp_super_frame(ends, 1000, 53, pattern(30), 30);
  const FrameRef frame = to_frame(pool, super.bytes, partial_checksum(super.bytes));
  const FrameRef other = frame.share();
  const Written result = written(pool, frame);
  CHECK(result.form == WireForm::whole);
  REQUIRE(result.frames.size() == 1);
  CHECK(result.frames[0] == whole);
  CHECK(to_bytes(other->bytes()) == super.bytes);
  CHECK(other->offload.needs_checksum);
}

TEST_CASE("frame writer: a super-frame becomes its segments, each of them right") {
  FramePool pool;
  const PacketEnds ends = between("fd00::2", "fd00::3");
  const SuperFrame super = tcp_super_frame(ends, segment(), pattern(250), 100);
  const FrameRef frame = to_frame(pool, super.bytes, super.offload);
  const FrameRef other = frame.share();
  const Written result = written(pool, frame);
  CHECK(result.form == WireForm::whole);
  REQUIRE(result.frames.size() == 3);
  Bytes payload;
  for (const Bytes& each : result.frames) {
    CHECK(dissect(each).problem == "");
    payload = joined(payload, dissect(each).payload);
  }
  CHECK(payload == pattern(250));
  CHECK(to_bytes(other->bytes()) == super.bytes);
}

TEST_CASE("frame writer: metadata that disagrees with the frame leaves it as it is") {
  FramePool pool;
  const Bytes bytes = udp_frame(between("172.17.0.2", "172.17.0.3"), 1, 2, pattern(9));
  for (const Offload& offload :
       {Offload{.gso = Gso::tcp4, .segment_size = 100}, Offload{.gso = Gso::udp},
        Offload{.needs_checksum = true, .checksum_start = 0xffff, .checksum_offset = 0xffff},
        Offload{.needs_checksum = true, .checksum_start = 2}}) {
    const Written result = written(pool, to_frame(pool, bytes, offload));
    CHECK(result.form == WireForm::as_it_is);
    REQUIRE(result.frames.size() == 1);
    CHECK(result.frames[0] == bytes);
  }
}

TEST_CASE("frame writer: without free frames it says so") {
  FramePool pool(2);
  const PacketEnds ends = between("172.17.0.2", "172.17.0.3");
  const SuperFrame super = tcp_super_frame(ends, segment(), pattern(250), 100);
  const FrameRef frame = to_frame(pool, super.bytes, super.offload);
  CHECK(written(pool, frame).form == WireForm::pool_exhausted);
  CHECK(written(pool, frame).frames.size() == 1);
  const SuperFrame plain = udp_super_frame(ends, 1000, 53, pattern(30), 30);
  const FrameRef last = to_frame(pool, plain.bytes, partial_checksum(plain.bytes));
  CHECK(written(pool, last).form == WireForm::pool_exhausted);
  CHECK(written(pool, last).frames.empty());
}

TEST_CASE("frame writer: a sink that stops gets no more") {
  FramePool pool;
  const SuperFrame super =
      tcp_super_frame(between("172.17.0.2", "172.17.0.3"), segment(), pattern(250), 100);
  CollectingSink sink(1);
  CHECK(write_wire_frames(to_frame(pool, super.bytes, super.offload), pool, sink) ==
        WireForm::whole);
  CHECK(sink.frames.size() == 1);
}

}  // namespace
}  // namespace pontoon::capture
