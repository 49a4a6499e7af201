#include <catch2/catch.hpp>
#include <vector>

#include "core/frame/frame.h"
#include "tests/support/packets.h"

namespace pontoon {
namespace {

constexpr std::size_t kSmallPayload = limits::kSmallFrameBytes - limits::kFrameHeadroom;
constexpr std::size_t kLargePayload = limits::kLargeFrameBytes - limits::kFrameHeadroom;

}  // namespace

TEST_CASE("pool: a frame is empty and has its headroom and room for what was asked",
          "[limit:kFrameHeadroom]") {
  FramePool pool;
  for (const std::size_t payload : {std::size_t{0}, std::size_t{60}, kSmallPayload,
                                    kSmallPayload + 1, std::size_t{65550}, kLargePayload}) {
    FrameRef frame = pool.allocate(payload);
    REQUIRE(frame);
    CHECK(frame->size() == 0);
    CHECK(frame->headroom() == limits::kFrameHeadroom);
    CHECK(frame->tailroom() >= payload);
    CHECK(frame->writable().size() >= payload);
    // All of it can be written: AddressSanitizer watches.
    test::Bytes content = test::pattern(payload);
    ByteWriter(frame->append(payload)).bytes(content);
    ByteWriter(frame->prepend(limits::kFrameHeadroom)).fill(limits::kFrameHeadroom, 0xee);
    CHECK(frame->size() == payload + limits::kFrameHeadroom);
  }
  CHECK(pool.in_use() == 0);
}

TEST_CASE("pool: nothing larger than a super-frame", "[limit:kLargeFrameBytes]") {
  FramePool pool;
  CHECK_FALSE(pool.allocate(kLargePayload + 1));
  CHECK_FALSE(pool.allocate(~std::size_t{0}));
  CHECK(pool.in_use() == 0);
}

TEST_CASE("pool: a network has kPoolFrames frames", "[limit:kPoolFrames]") {
  FramePool pool;
  std::vector<FrameRef> held;
  for (std::size_t i = 0; i < limits::kPoolFrames; ++i)
    held.push_back(pool.allocate(10));
  CHECK(held.back());
  CHECK_FALSE(pool.allocate(10));
  CHECK(pool.in_use() == limits::kPoolFrames);
}

TEST_CASE("pool: the limit holds for both sizes together") {
  FramePool pool(3);
  const FrameRef one = pool.allocate(10);
  const FrameRef two = pool.allocate(60000);
  FrameRef three = pool.allocate(10);
  REQUIRE(three);
  CHECK(pool.in_use() == 3);
  CHECK_FALSE(pool.allocate(10));
  CHECK_FALSE(pool.allocate(60000));
  three.reset();
  CHECK(pool.allocate(10));
}

TEST_CASE("pool: at the limit a free frame of one size serves as the other") {
  FramePool pool(2);
  const auto fill_with = [&pool](std::size_t payload) {
    std::vector<FrameRef> held;
    for (int i = 0; i < 2; ++i)
      held.push_back(pool.allocate(payload));
    return held[0] && held[1];
  };
  CHECK(fill_with(10));
  CHECK(fill_with(60000));
  CHECK(fill_with(10));
  CHECK(fill_with(60000));
  FrameRef large = pool.allocate(60000);
  REQUIRE(large);
  ByteWriter(large->append(60000)).fill(60000, 1);
}

TEST_CASE("pool: a frame that comes back forgets its offload and its bounds") {
  FramePool pool(1);
  {
    const FrameRef frame = pool.allocate(10);
    frame->offload.gso = Gso::tcp4;
    frame->offload.needs_checksum = true;
    frame->append(10);
    frame->drop_front(4);
  }
  const FrameRef again = pool.allocate(10);
  CHECK(again->offload.gso == Gso::none);
  CHECK_FALSE(again->offload.needs_checksum);
  CHECK(again->size() == 0);
  CHECK(again->headroom() == limits::kFrameHeadroom);
}

TEST_CASE("pool: sharing keeps one frame, copying makes another") {
  FramePool pool(3);
  FrameRef first = test::to_frame(pool, test::pattern(100));
  first->offload.ecn = true;
  FrameRef second = first.share();
  CHECK(pool.in_use() == 1);
  CHECK(first->shared());

  const FrameRef copied = pool.copy(*first);
  REQUIRE(copied);
  CHECK(pool.in_use() == 2);
  CHECK_FALSE(copied->shared());
  CHECK(copied->offload.ecn);
  CHECK(test::to_bytes(copied->bytes()) == test::pattern(100));
  copied->mutable_bytes()[0] = 0xff;
  CHECK(first->bytes()[0] == 0);

  first.reset();
  CHECK_FALSE(second->shared());
  CHECK(pool.in_use() == 2);
  second.reset();
  second.reset();
  CHECK(pool.in_use() == 1);
  const FrameRef a = pool.allocate(1);
  const FrameRef b = pool.allocate(1);
  CHECK_FALSE(pool.copy(*copied));
}

TEST_CASE("pool: moving a reference neither shares nor releases") {
  FramePool pool(2);
  FrameRef frame = pool.allocate(1);
  FrameRef moved = std::move(frame);
  CHECK_FALSE(moved->shared());
  moved = pool.allocate(1);  // the first one goes back
  CHECK(pool.in_use() == 1);
}

}  // namespace pontoon
