#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include <set>

#include "core/stack/tcp/sack_scoreboard.h"

using namespace pontoon;
using stack::tcp::SackScoreboard;
using stack::tcp::SequenceRange;
using wire::TcpSequence;

namespace {

constexpr std::uint32_t kBase = 0xfffffff0;  // every test crosses the wrap

SequenceRange range(std::uint32_t begin, std::uint32_t end) {
  return {TcpSequence{kBase} + begin, TcpSequence{kBase} + end};
}

}  // namespace

TEST_CASE("ranges that touch become one") {
  SackScoreboard board;
  REQUIRE(board.add(range(10, 20)));
  REQUIRE(board.add(range(30, 40)));
  REQUIRE(board.ranges().size() == 2);
  REQUIRE(board.add(range(20, 30)));
  REQUIRE(board.ranges().size() == 1);
  REQUIRE(board.ranges()[0] == range(10, 40));
  REQUIRE_FALSE(board.add(range(15, 35)));  // no news
  REQUIRE_FALSE(board.add(range(35, 35)));
  REQUIRE_FALSE(board.add(range(35, 20)));
}

TEST_CASE("a full scoreboard forgets the newcomer, not what it knows", "[limit:kTcpSackRanges]") {
  SackScoreboard board;
  for (std::uint32_t i = 0; i < limits::kTcpSackRanges; ++i)
    REQUIRE(board.add(range(i * 10, i * 10 + 5)));
  REQUIRE_FALSE(board.add(range(1000, 1005)));
  REQUIRE(board.held_in(range(0, 2000)) == limits::kTcpSackRanges * 5);
  REQUIRE(board.add(range(5, 10)));  // closes a gap, so it fits
  REQUIRE(board.add(range(1000, 1005)));
}

TEST_CASE("acknowledged bytes are forgotten") {
  SackScoreboard board;
  board.add(range(10, 20));
  board.add(range(30, 40));
  board.acknowledge(TcpSequence{kBase} + 15U);
  REQUIRE(board.ranges()[0] == range(15, 20));
  board.acknowledge(TcpSequence{kBase} + 30U);
  REQUIRE(board.ranges().size() == 1);
  board.acknowledge(TcpSequence{kBase} + 50U);
  REQUIRE(board.empty());
}

TEST_CASE("holes are found in order") {
  SackScoreboard board;
  board.add(range(10, 20));
  board.add(range(30, 40));
  REQUIRE(board.first_hole(range(0, 50)) == range(0, 10));
  REQUIRE(board.first_hole(range(10, 50)) == range(20, 30));
  REQUIRE(board.first_hole(range(35, 50)) == range(40, 50));
  REQUIRE(board.first_hole(range(12, 18)).empty());
  REQUIRE(board.first_hole(range(12, 25)) == range(20, 25));
}

TEST_CASE("loss needs three segments or three ranges behind it (RFC 6675)") {
  SackScoreboard board;
  const TcpSequence from = TcpSequence{kBase};
  REQUIRE(board.lost_before(from, 100) == from);
  board.add(range(100, 300));
  REQUIRE(board.lost_before(from, 100) == from);
  SECTION("by bytes") {
    board.add(range(300, 301));
    REQUIRE(board.lost_before(from, 100) == from + 100U);
  }
  SECTION("by ranges") {
    board.add(range(400, 410));
    REQUIRE(board.lost_before(from, 200) == from);
    board.add(range(500, 510));
    REQUIRE(board.lost_before(from, 200) == from + 100U);
  }
}

TEST_CASE("the scoreboard agrees with a set of bytes") {
  REQUIRE(rc::check([] {
    SackScoreboard board;
    std::set<std::uint32_t> bytes;
    const auto steps = *rc::gen::inRange(1, 40);
    for (int i = 0; i < steps; ++i) {
      const auto begin = *rc::gen::inRange<std::uint32_t>(0, 60);
      const auto size = *rc::gen::inRange<std::uint32_t>(1, 20);
      const std::size_t ranges = board.ranges().size();
      if (board.add(range(begin, begin + size)) || ranges < limits::kTcpSackRanges)
        for (std::uint32_t at = begin; at < begin + size; ++at)
          bytes.insert(at);
      RC_ASSERT(board.held_in(range(0, 100)) == bytes.size());
      const auto from = *rc::gen::inRange<std::uint32_t>(0, 80);
      const SequenceRange hole = board.first_hole(range(from, 100));
      std::uint32_t expected = from;
      while (bytes.contains(expected))
        ++expected;
      RC_ASSERT(hole.begin == TcpSequence{kBase} + expected);
    }
  }));
}
