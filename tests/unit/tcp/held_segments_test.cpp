#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include <string>

#include "core/stack/tcp/held_segments.h"

using namespace pontoon;
using stack::tcp::HeldList;
using stack::tcp::HeldPool;
using stack::tcp::HoldResult;
using stack::tcp::SequenceRange;
using wire::TcpSequence;

namespace {

const TcpSequence kStart{0xffffffc0};
const std::string kText = [] {
  std::string text;
  for (int i = 0; i < 5000; ++i)
    text += static_cast<char>('a' + i % 23);
  return text;
}();

HoldResult hold(HeldPool& pool, HeldList& list, std::uint32_t at, std::size_t count) {
  return pool.hold(list, kStart + at, as_bytes(kText).subspan(at, count));
}

}  // namespace

TEST_CASE("a piece is given out once its turn has come") {
  FramePool frames;
  HeldPool pool(frames);
  HeldList list;
  REQUIRE(hold(pool, list, 100, 50) == HoldResult::held);
  REQUIRE(pool.front(list, kStart).empty());
  REQUIRE(as_text(pool.front(list, kStart + 100U)) == kText.substr(100, 50));
  REQUIRE(as_text(pool.front(list, kStart + 120U)) == kText.substr(120, 30));
  pool.drop_before(list, kStart + 120U);
  REQUIRE(list.bytes == 30);
  REQUIRE(as_text(pool.front(list, kStart + 120U)) == kText.substr(120, 30));
  pool.drop_before(list, kStart + 150U);
  REQUIRE(list.empty());
  REQUIRE(frames.in_use() == 0);
}

TEST_CASE("text that continues a piece shares its frame") {
  FramePool frames;
  HeldPool pool(frames);
  HeldList list;
  for (std::uint32_t i = 0; i < 100; ++i)
    REQUIRE(hold(pool, list, 10 + i, 1) == HoldResult::held);
  REQUIRE(frames.in_use() == 1);
  REQUIRE(list.bytes == 100);
  pool.clear(list);
  REQUIRE(pool.bytes() == 0);
}

TEST_CASE("runs join what touches, and the newest can be found") {
  FramePool frames;
  HeldPool pool(frames);
  HeldList list;
  hold(pool, list, 2000, 1000);
  hold(pool, list, 100, 50);
  hold(pool, list, 1000, 1000);  // touches the first, in another frame
  std::array<SequenceRange, 4> runs;
  REQUIRE(pool.runs(list, runs) == 2);
  REQUIRE(runs[0] == SequenceRange{kStart + 100U, kStart + 150U});
  REQUIRE(runs[1] == SequenceRange{kStart + 1000U, kStart + 3000U});
  REQUIRE(pool.run_around(list, kStart + 2500U) == runs[1]);
  REQUIRE(pool.run_around(list, kStart + 100U) == runs[0]);
  REQUIRE(pool.run_around(list, kStart + 150U).empty());
  REQUIRE(pool.runs(list, std::span(runs).first(1)) == 1);
  pool.clear(list);
}

TEST_CASE("the pool's frames are not all for us") {
  FramePool frames(2);
  HeldPool pool(frames);
  HeldList list;
  REQUIRE(hold(pool, list, 0, 10) == HoldResult::held);
  REQUIRE(hold(pool, list, 20, 10) == HoldResult::held);
  REQUIRE(hold(pool, list, 40, 10) == HoldResult::no_frame);
  REQUIRE(list.bytes == 20);
  pool.clear(list);
}

TEST_CASE("all lists together are bounded", "[limit:kTcpOutOfOrderPieces]") {
  FramePool frames;
  HeldPool pool(frames);
  std::vector<HeldList> lists(limits::kTcpOutOfOrderPieces / limits::kTcpOutOfOrderPiecesPerFlow +
                              1);
  std::size_t held = 0;
  HoldResult last = HoldResult::held;
  for (HeldList& list : lists)
    for (std::uint32_t i = 0; i < limits::kTcpOutOfOrderPiecesPerFlow; ++i) {
      last = hold(pool, list, i * 2, 1);
      held += last == HoldResult::held ? 1 : 0;
    }
  REQUIRE(last == HoldResult::full);
  REQUIRE(held == limits::kTcpOutOfOrderPieces);
  for (HeldList& list : lists)
    pool.clear(list);
  REQUIRE(pool.pieces() == 0);
}

TEST_CASE("all lists together hold kTcpOutOfOrderTotalBytes at most",
          "[limit:kTcpOutOfOrderTotalBytes][limit:kTcpOutOfOrderBytes]") {
  FramePool frames;
  HeldPool pool(frames);
  const std::string text(limits::kTcpOutOfOrderBytes / 20, 'x');
  std::vector<HeldList> lists(limits::kTcpOutOfOrderTotalBytes / limits::kTcpOutOfOrderBytes + 2);
  bool full = false;
  for (HeldList& list : lists) {
    for (std::uint32_t i = 0; i < 19; ++i) {
      const auto at = kStart + i * 60000;
      full = pool.hold(list, at, as_bytes(text)) == HoldResult::full || full;
    }
    REQUIRE(list.bytes <= limits::kTcpOutOfOrderBytes);
    REQUIRE(pool.bytes() <= limits::kTcpOutOfOrderTotalBytes);
  }
  REQUIRE(full);
  REQUIRE(pool.bytes() > limits::kTcpOutOfOrderTotalBytes - text.size());
  for (HeldList& list : lists)
    pool.clear(list);
}

TEST_CASE("any order of overlapping pieces gives back the text") {
  REQUIRE(rc::check([] {
    FramePool frames;
    HeldPool pool(frames);
    HeldList list;
    std::vector<bool> known(300, false);
    const auto steps = *rc::gen::inRange(1, 30);
    for (int i = 0; i < steps; ++i) {
      const auto at = *rc::gen::inRange<std::uint32_t>(0, 250);
      const auto count = *rc::gen::inRange<std::size_t>(1, 50);
      RC_ASSERT(hold(pool, list, at, count) == HoldResult::held);
      std::fill_n(known.begin() + at, count, true);
    }
    RC_ASSERT(list.bytes ==
              static_cast<std::uint32_t>(std::count(known.begin(), known.end(), true)));
    for (std::uint32_t at = 0; at < known.size();) {
      pool.drop_before(list, kStart + at);
      const ByteView piece = pool.front(list, kStart + at);
      RC_ASSERT(piece.empty() == !known[at]);
      RC_ASSERT(as_text(piece) == kText.substr(at, piece.size()));
      at += piece.empty() ? 1 : static_cast<std::uint32_t>(piece.size());
    }
    pool.clear(list);
    RC_ASSERT(frames.in_use() == 0U && pool.bytes() == 0U);
  }));
}
