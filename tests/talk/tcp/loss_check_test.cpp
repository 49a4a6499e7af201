// Losses that no three segments behind them tell (RFC 8985): tails, the last segments but one or
// two, and repetitions.
#include <catch2/catch.hpp>

#include "tests/talk/tcp/sender_talk.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

// Ten segments are in flight, and nothing more is at hand.
std::string send_ten(TcpTalk& talk, bool sack = true) {
  connect_wide(talk, sack);
  const std::string text = pattern(10 * kMss);
  talk.host->say(text);
  talk.settle();
  REQUIRE(talk.expect("A").text.size() == text.size());
  return text;
}

}  // namespace

TEST_CASE("one segment that passed another by is proof enough, a reordering window later",
          "[limit:kTcpReorderingWindow]") {
  TcpTalk talk;
  const std::string text = send_ten(talk);
  talk.send(sack_of(talk, 8000, 9000, 10000));
  talk.tick(limits::kTcpReorderingWindow - 1ms);
  talk.expect_nothing();

  SECTION("when nothing has come") {
    talk.tick(1ms);
    const Sent again = talk.expect("A");
    CHECK(offset_of(talk, again) == 8000);
    CHECK(again.text == text.substr(8000, 1000));
    talk.send(ack_of(talk, 10000));
    talk.tick(1min);
    talk.expect_nothing();
  }
  SECTION("not when it was only late") {
    talk.send(ack_of(talk, 10000));
    talk.tick(1min);
    talk.expect_nothing();
  }
  SECTION("further news does not begin the window anew") {
    talk.send(sack_of(talk, 8000, 9500, 10000));
    talk.tick(1ms);
    CHECK(offset_of(talk, talk.expect("A")) == 8000);
  }
  CHECK(talk.engine.counters().timed_out == 0);
}

TEST_CASE("the tail is probed by its last segment, and what the answer passes by is lost",
          "[limit:kTcpTailProbe][limit:kTcpTailProbes]") {
  TcpTalk talk;
  const std::string text = send_ten(talk);
  talk.tick(limits::kTcpTailProbe - 1ms);
  talk.expect_nothing();
  talk.tick(1ms);
  const Sent probe = talk.expect("A");
  CHECK(offset_of(talk, probe) == 9000);
  CHECK(probe.text == text.substr(9000));

  SECTION("some times, with growing patience; then the timer decides") {
    Duration waited{};
    for (unsigned i = 1; i < limits::kTcpTailProbes; ++i) {
      const Duration patience = limits::kTcpTailProbe * (1U << i);
      talk.tick(patience - 1ms);
      talk.expect_nothing();
      talk.tick(1ms);
      CHECK(offset_of(talk, talk.expect("A")) == 9000);
      waited += patience;
    }
    talk.tick(limits::kTcpMinRto - waited - 1ms);
    talk.expect_nothing();
    talk.tick(1ms);
    CHECK(offset_of(talk, talk.expect("A")) == 0);
  }
  SECTION("the flight was lost but for the probe") {
    talk.send(sack_of(talk, 6000, 9000, 10000));
    talk.tick(limits::kTcpReorderingWindow);
    const Sent again = talk.expect("A");
    CHECK(offset_of(talk, again) == 6000);
    CHECK(again.text == text.substr(6000, 3000));
    talk.send(ack_of(talk, 10000));
    talk.expect_nothing();
  }
  SECTION("all of it had come: the duplicate says so, nothing slows down") {
    talk.send(sack_of(talk, 10000, 9000, 10000));
    talk.their_next += 10000;
    talk.host->say(pattern(40000));
    talk.settle();
    CHECK(talk.take_text().size() >= 10 * kMss);
  }
}

TEST_CASE("a probe that was needed ends the window's fast growth") {
  TcpTalk talk;
  const std::string text = send_ten(talk);
  talk.tick(limits::kTcpTailProbe);
  CHECK(offset_of(talk, talk.expect("A")) == 9000);
  talk.send(ack_of(talk, 10000));
  talk.their_next += 10000;
  talk.host->say(pattern(kMss));
  talk.settle();
  CHECK(talk.take_text().size() == kMss);
  talk.send(talk.segment("A"));
  talk.host->say(pattern(40000));
  talk.settle();
  CHECK(talk.take_text().size() == 10 * kMss);  // the window is at its least
  talk.send(talk.segment("A"));
  CHECK(talk.take_text().size() == 11 * kMss);
}

TEST_CASE("new text is the better probe") {
  TcpTalk talk;
  connect_wide(talk, true);
  const std::string text = pattern(20 * kMss);
  talk.host->say(text);
  talk.settle();
  const auto flight = static_cast<std::uint32_t>(talk.expect("A").text.size());
  REQUIRE(flight == 10 * kMss);  // the first congestion window
  talk.tick(limits::kTcpTailProbe);
  const Sent probe = talk.expect("A");
  CHECK(offset_of(talk, probe) == flight);
  CHECK(probe.text == text.substr(flight, kMss));
  CHECK(talk.engine.counters().retransmitted_segments == 0);
  talk.send(sack_of(talk, 0, flight, flight + kMss));
  talk.tick(limits::kTcpReorderingWindow);
  CHECK(offset_of(talk, talk.expect("A")) == 0);
}

TEST_CASE("when the acknowledgement that ends a recovery is lost, a probe asks for it") {
  TcpTalk talk;
  send_ten(talk);
  talk.send(sack_of(talk, 0, 1000, 10000));
  CHECK(offset_of(talk, talk.expect("A")) == 0);
  talk.tick(limits::kTcpTailProbe);
  CHECK(offset_of(talk, talk.expect("A")) == 9000);
  talk.send(sack_of(talk, 10000, 9000, 10000));
  talk.tick(1min);
  talk.expect_nothing();
  CHECK(talk.engine.counters().timed_out == 0);
}

TEST_CASE("a lost end is probed with the text before it") {
  TcpTalk talk;
  connect_wide(talk, true);
  talk.host->say(pattern(5 * kMss));
  talk.host->end();
  talk.settle();
  talk.expect("A");
  talk.expect("FA");
  talk.tick(limits::kTcpTailProbe);
  CHECK(offset_of(talk, talk.expect("A")) == 4000);
  CHECK(offset_of(talk, talk.expect("FA")) == 5000);
  talk.send(ack_of(talk, 5001));
  CHECK(talk.state() == "FIN-WAIT-2");
}

TEST_CASE("what is never probed") {
  TcpTalk talk;
  SECTION("a lone segment: its answer may be delayed") {
    connect_wide(talk, true);
    talk.host->say(pattern(kMss));
    talk.settle();
    talk.expect("A");
  }
  SECTION("without SACK nobody could say what is missing") {
    send_ten(talk, false);
  }
  talk.tick(limits::kTcpMinRto - 1ms);
  talk.expect_nothing();
  talk.tick(1ms);
  CHECK(offset_of(talk, talk.expect("A")) == 0);
}

TEST_CASE("a repetition is lost when later text has come") {
  TcpTalk talk;
  connect_wide(talk, true);
  const std::string text = pattern(60 * kMss);
  talk.host->say(text);
  talk.settle();
  REQUIRE(talk.expect("A").text.size() == 10 * kMss);
  talk.send(sack_of(talk, 0, 1000, 10000));
  CHECK(offset_of(talk, talk.expect("A")) == 0);
  // Most of the window is in use by nothing now, so new text follows the repetition.
  const Sent later = talk.expect("A");
  CHECK(offset_of(talk, later) == 10000);
  REQUIRE(later.text.size() >= 3 * kMss);

  SECTION("three segments of it say so at once") {
    talk.send(sack_of(talk, 0, 1000, 13000));
    CHECK(offset_of(talk, talk.expect("A")) == 0);
  }
  SECTION("one does so a reordering window later") {
    talk.send(sack_of(talk, 0, 1000, 11000));
    talk.tick(limits::kTcpReorderingWindow - 1ms);
    while (!talk.sent.empty())
      CHECK(offset_of(talk, talk.expect("A")) >= 11000);
    talk.tick(1ms);
    CHECK(offset_of(talk, talk.expect("A")) == 0);
  }
  SECTION("and again, when that is lost too") {
    std::uint32_t held = 14000;
    unsigned again = 0;
    for (int i = 0; i < 8; ++i) {
      talk.sent.clear();
      talk.send(sack_of(talk, 0, 1000, held));
      talk.tick(limits::kTcpReorderingWindow);
      for (const Sent& sent : talk.sent) {
        if (offset_of(talk, sent) == 0) ++again;
        held = std::max(held, offset_of(talk, sent) + static_cast<std::uint32_t>(sent.text.size()));
      }
    }
    if (again < 4) talk.fail("repeated " + std::to_string(again) + " times");
    talk.sent.clear();
    talk.send(ack_of(talk, held));
    CHECK(talk.host->consumed == held);
  }
  CHECK(talk.engine.counters().timed_out == 0);
}
