// From the host to the endpoint.
#include <catch2/catch.hpp>

#include "tests/talk/tcp/sender_talk.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

TEST_CASE("the host's bytes stay with the host until the endpoint has them") {
  TcpTalk talk;
  connect_wide(talk);
  talk.host->say("hello");
  talk.settle();
  const Sent text = talk.expect_text("hello");
  REQUIRE(text.tcp.sequence == talk.their_next);
  REQUIRE(text.tcp.flags.psh);
  REQUIRE(talk.host->consumed == 0);
  talk.send(ack_of(talk, 3));
  REQUIRE(talk.host->consumed == 3);
  talk.send(ack_of(talk, 5));
  REQUIRE(talk.host->consumed == 5);
  talk.expect_nothing();
  REQUIRE(talk.engine.flows().at(0).bytes_to_endpoint == 5);
  REQUIRE(talk.timers.next_deadline() < kNever);
}

TEST_CASE("text leaves in super-segments, paced by slow start") {
  TcpTalk talk;
  connect_wide(talk);
  const std::string text = pattern(200000);
  talk.host->say(text);
  talk.settle();
  const Sent first = talk.expect("A");
  REQUIRE(first.text == text.substr(0, 10 * kMss));  // RFC 6928
  REQUIRE(first.segment_size == kMss);
  talk.expect_nothing();
  talk.send(ack_of(talk, 10 * kMss));
  // RFC 3465: two segments for one acknowledgement, however much it covers.
  REQUIRE(talk.expect("A").text.size() == 12 * kMss);
  talk.expect_nothing();
}

TEST_CASE("a whole transfer is exact, over the wrap of the sequence numbers") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    TcpTalk talk(seed);
    connect_wide(talk);
    const std::string text = pattern(300000, static_cast<unsigned>(seed));
    talk.host->say(text);
    talk.settle();
    std::string got;
    while (!talk.sent.empty()) {
      got += talk.take_text();
      talk.send(talk.segment("A"));
    }
    REQUIRE(got == text);
    REQUIRE(talk.host->consumed == text.size());
    REQUIRE(talk.engine.counters().retransmitted_segments == 0);
  }
}

TEST_CASE("the endpoint's window bounds what is in flight") {
  TcpTalk talk;
  talk.syn_options.mss = kMss;
  talk.window = 2500;
  talk.connect();
  talk.host->say(pattern(10000));
  talk.settle();
  // A piece smaller than a segment is not worth the window's last bytes.
  REQUIRE(talk.expect("A").text.size() == 2000);
  talk.expect_nothing();
  talk.window = 1500;
  talk.send(ack_of(talk, 1000));
  talk.expect_nothing();
  talk.window = 3000;
  talk.send(ack_of(talk, 2000));
  REQUIRE(talk.expect("A").text.size() == 3000);
}

// Found by the simulator: the window of the segment ahead of the hole was kept.
TEST_CASE("a repetition that acknowledges more sets the window") {
  TcpTalk talk;
  talk.syn_options.mss = kMss;
  talk.window = 1000;
  talk.connect();
  const TcpTalk::Draft lost = talk.segment("A", "lost");
  talk.our_next += 4;
  talk.send(talk.segment("A", "ahead"));  // with the window of a thousand
  talk.expect_ack(9);
  talk.host->say(pattern(5000));
  talk.settle();
  CHECK(talk.expect("A").text.size() == 1000);
  TcpTalk::Draft again = lost;
  again.tcp.acknowledgement += 1000;
  again.tcp.window = 0;
  talk.advance = false;
  talk.send(again);
  CHECK(talk.expect("A").text.empty());  // text would be beyond the window
  talk.expect_nothing();
}

TEST_CASE("a window smaller than a segment is used when nothing is in flight") {
  TcpTalk talk;
  talk.syn_options.mss = kMss;
  talk.window = 300;
  talk.connect();
  talk.host->say(pattern(700));
  talk.settle();
  REQUIRE(talk.expect("A").text.size() == 300);
  talk.expect_nothing();
  talk.send(ack_of(talk, 300));
  REQUIRE(talk.expect("A").text.size() == 300);
}

TEST_CASE("a closed window is probed until it opens") {
  TcpTalk talk;
  connect_wide(talk);
  talk.window = 0;
  talk.send(talk.segment("A"));
  talk.host->say(pattern(500));
  talk.settle();
  talk.expect_nothing();

  SECTION("for as long as the endpoint answers") {
    unsigned probes = 0;
    for (int s = 0; s < 1800; ++s) {
      talk.tick(1s);
      for (; !talk.sent.empty(); ++probes) {
        const Sent probe = talk.expect("A");
        REQUIRE(probe.text.empty());
        REQUIRE(probe.tcp.sequence == talk.their_next - 1U);
        talk.send(talk.segment("A"));
      }
    }
    REQUIRE(probes > 25);
    REQUIRE(probes < 60);
    talk.window = 1000;
    talk.send(talk.segment("A"));
    REQUIRE(talk.expect("A").text.size() == 500);
  }
  SECTION("an endpoint that does not answer is given up") {
    talk.tick(1h);
    REQUIRE(talk.host->aborted);
    REQUIRE(talk.engine.flow_count() == 0);
    REQUIRE(talk.sent.size() == limits::kTcpRetries + 1);
    REQUIRE(talk.sent.back().tcp.flags.rst);
  }
  SECTION("a silent host needs no probes") {
    talk.window = 1000;
    talk.send(talk.segment("A"));
    talk.their_next = talk.expect("A").end();
    talk.window = 0;
    talk.send(talk.segment("A"));
    talk.tick(1min);
    talk.expect_nothing();
  }
  SECTION("the end of the host needs no window") {
    talk.window = 1000;
    talk.send(talk.segment("A"));
    talk.their_next = talk.expect("A").end();
    talk.window = 0;
    talk.send(talk.segment("A"));
    talk.host->end();
    talk.settle();
    talk.expect("FA");
  }
}

TEST_CASE("answered probes of a closed window put no later retransmission off") {
  TcpTalk talk;
  connect_wide(talk);
  talk.window = 0;
  talk.send(talk.segment("A"));
  talk.host->say(pattern(500));
  talk.settle();
  for (int s = 0; s < 60; ++s) {
    talk.tick(1s);
    for (; !talk.sent.empty(); talk.send(talk.segment("A")))
      talk.expect("A");
  }
  talk.window = 1000;
  talk.send(talk.segment("A"));
  const Sent first = talk.expect("A");
  REQUIRE(first.text.size() == 500);
  talk.tick(limits::kTcpInitialRto);
  REQUIRE(talk.expect("A").text == first.text);
}

TEST_CASE("what is not acknowledged is sent again, with growing patience",
          "[limit:kTcpRetries][limit:kTcpSteadyTimeouts]") {
  TcpTalk talk;
  connect_wide(talk);
  talk.host->say(pattern(2500));
  talk.settle();
  const Sent first = talk.expect("A");
  REQUIRE(first.text.size() == 2500);
  std::vector<Duration> gaps;
  Instant before = talk.now;
  while (talk.engine.flow_count() > 0) {
    talk.tick(talk.timers.next_deadline() - talk.now);
    if (talk.sent.empty() || talk.sent.front().tcp.flags.rst) continue;
    const Sent again = talk.expect("A");
    REQUIRE(again.tcp.sequence == first.tcp.sequence);
    REQUIRE(again.text == first.text.substr(0, kMss));  // one segment: the congestion window is one
    gaps.push_back(talk.now - before);
    before = talk.now;
  }
  REQUIRE(gaps.size() == limits::kTcpRetries);
  for (unsigned i = 0; i <= limits::kTcpSteadyTimeouts; ++i)
    REQUIRE(gaps[i] == limits::kTcpMinRto);
  REQUIRE(gaps[limits::kTcpSteadyTimeouts + 1] == limits::kTcpMinRto * 2);
  REQUIRE(gaps[limits::kTcpSteadyTimeouts + 2] == limits::kTcpMinRto * 4);
  REQUIRE(gaps.back() == limits::kTcpMaxRto);
  talk.expect("RA");
  REQUIRE(talk.host->aborted);
  REQUIRE(talk.engine.counters().timed_out == 1);
}

TEST_CASE("after a timeout everything is sent again as acknowledgements come") {
  TcpTalk talk;
  connect_wide(talk);
  const std::string text = pattern(5000);
  talk.host->say(text);
  talk.settle();
  talk.expect_text(text);
  talk.tick(limits::kTcpMinRto);
  REQUIRE(talk.expect("A").text == text.substr(0, 1000));
  talk.expect_nothing();
  talk.send(ack_of(talk, 1000));
  REQUIRE(talk.expect("A").text == text.substr(1000, 2000));
  talk.send(ack_of(talk, 5000));  // the rest had arrived
  talk.expect_nothing();
  REQUIRE(talk.host->consumed == 5000);
  talk.tick(1min);
  talk.expect_nothing();
}

TEST_CASE("three duplicate acknowledgements are a loss") {
  TcpTalk talk;
  connect_wide(talk);
  const std::string text = pattern(10000);
  talk.host->say(text);
  talk.settle();
  talk.expect("A");
  talk.send(ack_of(talk, 2000));
  talk.send(ack_of(talk, 2000));
  talk.send(ack_of(talk, 2000));
  talk.expect_nothing();
  talk.send(ack_of(talk, 2000));
  const Sent again = talk.expect("A");
  REQUIRE(offset_of(talk, again) == 2000);
  REQUIRE(again.text == text.substr(2000, 1000));
  talk.expect_nothing();

  SECTION("a partial acknowledgement names the next one (RFC 6582)") {
    talk.send(ack_of(talk, 5000));
    REQUIRE(offset_of(talk, talk.expect("A")) == 5000);
    talk.send(ack_of(talk, 10000));
    talk.expect_nothing();
    REQUIRE(talk.engine.counters().retransmitted_segments == 2);
  }
  SECTION("more duplicates do not repeat it") {
    for (int i = 0; i < 10; ++i)
      talk.send(ack_of(talk, 2000));
    talk.expect_nothing();
  }
  SECTION("duplicates after the recovery say nothing") {
    talk.send(ack_of(talk, 10000));
    talk.host->say(pattern(3000));
    talk.settle();
    REQUIRE(talk.expect("A").text.size() == 3000);
    for (int i = 0; i < 5; ++i)
      talk.send(ack_of(talk, 10000));
    talk.expect_nothing();
  }
}

TEST_CASE("a change of the window or text is no duplicate") {
  TcpTalk talk;
  connect_wide(talk);
  talk.host->say(pattern(5000));
  talk.settle();
  talk.expect("A");
  for (int i = 0; i < 5; ++i) {
    talk.window = static_cast<std::uint16_t>(talk.window + 1);
    talk.send(talk.segment("A"));
  }
  talk.expect_nothing();
  for (int i = 0; i < 5; ++i) {
    talk.send(talk.segment("A", "x"));
    talk.expect_ack();
  }
  talk.expect_nothing();
}

TEST_CASE("SACK says exactly what is missing") {
  TcpTalk talk;
  connect_wide(talk, true);
  const std::string text = pattern(10000);
  talk.host->say(text);
  talk.settle();
  talk.expect("A");

  SECTION("plain duplicates say nothing then") {
    for (int i = 0; i < 5; ++i)
      talk.send(ack_of(talk, 0));
    talk.expect_nothing();
  }
  SECTION("only the holes are sent again") {
    talk.send(sack_of(talk, 1000, 2000, 3000));
    talk.expect_nothing();
    TcpTalk::Draft second = sack_of(talk, 1000, 2000, 3000);
    second.tcp.options.add_sack({talk.their_next + 4000U, talk.their_next + 7000U});
    talk.send(second);
    const Sent one = talk.expect("A");
    REQUIRE(offset_of(talk, one) == 1000);
    REQUIRE(one.text == text.substr(1000, 1000));
    const Sent two = talk.expect("A");
    REQUIRE(offset_of(talk, two) == 3000);
    REQUIRE(two.text == text.substr(3000, 1000));
    talk.expect_nothing();
    talk.send(sack_of(talk, 3000, 4000, 8000));
    talk.expect_nothing();
    talk.send(ack_of(talk, 10000));
    talk.expect_nothing();
    REQUIRE(talk.host->consumed == 10000);
  }
  SECTION("blocks that lie beyond what was sent, backwards or behind are ignored") {
    talk.send(sack_of(talk, 0, 9000, 20000));
    talk.send(sack_of(talk, 0, 8000, 5000));
    talk.send(sack_of(talk, 5000, 0, 4000));
    talk.send(sack_of(talk, 5000, 0x80000000, 6000));
    talk.expect_nothing();
  }
  SECTION("after a timeout even what was held counts as lost (RFC 2018 8)") {
    talk.send(sack_of(talk, 0, 1000, 2000));
    talk.tick(limits::kTcpReorderingWindow);
    REQUIRE(offset_of(talk, talk.expect("A")) == 0);
    for (unsigned i = 0; i < limits::kTcpTailProbes; ++i) {
      talk.tick(limits::kTcpTailProbe * (1U << i));
      REQUIRE(offset_of(talk, talk.expect("A")) == 9000);
    }
    talk.tick(limits::kTcpMinRto);
    REQUIRE(offset_of(talk, talk.expect("A")) == 0);
    talk.send(ack_of(talk, 1000));
    REQUIRE(talk.expect("A").text == text.substr(1000, 2000));
  }
}

TEST_CASE("timestamps give the round trip even for what was sent twice") {
  TcpTalk talk;
  talk.timestamps = true;
  connect_wide(talk);
  talk.host->say("a");
  talk.settle();
  const Sent first = talk.expect("A");
  REQUIRE(first.tcp.options.timestamps->echo == 5000);
  talk.tick(1s);
  const Sent again = talk.expect("A");
  REQUIRE(again.tcp.options.timestamps->value - first.tcp.options.timestamps->value >= 200);
  talk.tick(30ms);
  talk.timestamp_echo = again.tcp.options.timestamps->value;
  talk.their_next += 1;
  talk.send(talk.segment("A"));
  talk.host->say("b");
  talk.settle();
  talk.expect("A");
  talk.tick(1s);
  REQUIRE_FALSE(talk.sent.empty());  // the timeout is no longer doubled
}

TEST_CASE("a smaller path MTU is obeyed, and what did not fit is sent again") {
  TcpTalk talk;
  talk.syn_options.mss = 1460;
  talk.syn_options.window_scale = 7;
  talk.connect();
  talk.host->say(pattern(5000));
  talk.settle();
  REQUIRE(talk.expect("A").segment_size == 1460);
  talk.engine.on_icmp_error(talk.published_key(), stack::Unreachable::too_big, 1280, talk.now);
  talk.settle();
  REQUIRE(talk.expect("A").segment_size == 1240);
  talk.sent.clear();
  SECTION("but not one that nobody has") {
    talk.engine.on_icmp_error(talk.published_key(), stack::Unreachable::too_big, 0, talk.now);
    talk.settle();
    REQUIRE(talk.expect("A").segment_size == 512);
  }
  SECTION("and other errors do not end what is established (RFC 5927)") {
    talk.engine.on_icmp_error(talk.published_key(), stack::Unreachable::port, 0, talk.now);
    REQUIRE(talk.state() == "ESTABLISHED");
  }
}

TEST_CASE("one elephant leaves the others their turn",
          "[limit:kTcpTurnBytes][limit:kTcpSuperSegmentBytes]") {
  TcpTalk talk;
  talk.syn_options.window_scale = 14;
  talk.window = 65535;
  talk.connect();
  auto elephant = talk.host;
  elephant->say(pattern(4 << 20));
  // Let its congestion window grow.
  talk.settle();
  for (int i = 0; i < 400; ++i) {
    (void)talk.take_text();
    talk.deliver(talk.segment("A"));
    talk.engine.pump(talk.now);
    std::size_t burst = 0;
    for (const Sent& sent : talk.sent)
      burst += sent.text.size();
    REQUIRE(burst < limits::kTcpTurnBytes + limits::kTcpSuperSegmentBytes);
  }
}

TEST_CASE("an exhausted frame pool delays, it does not lose") {
  TcpTalk talk;
  connect_wide(talk);
  std::vector<FrameRef> hoard;
  while (FrameRef frame = talk.pool.allocate(0))
    hoard.push_back(std::move(frame));
  talk.host->say("late");
  talk.settle();
  talk.expect_nothing();
  hoard.clear();
  talk.tick(limits::kTcpRoomPoll);
  talk.expect_text("late");
  REQUIRE(talk.drops[DropReason::pool_exhausted] == 1);
}
