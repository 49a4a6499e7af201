// What an endpoint must not be able to do: RFC 5961, PAWS, segments for nobody, full tables.
#include <catch2/catch.hpp>

#include "tests/support/tcp_talk.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

TEST_CASE("a segment for no connection is reset (RFC 9293 3.10.7.1)",
          "[limit:kTcpResetsPerSecond][drop:tcp_no_flow]") {
  TcpTalk talk;
  talk.their_next = TcpSequence{7777};
  SECTION("at its own acknowledgement") {
    talk.send(talk.segment("A", "text"));
    const Sent reset = talk.expect("R");
    REQUIRE(reset.tcp.sequence == TcpSequence{7777});
  }
  SECTION("or by acknowledging it") {
    talk.send(talk.segment("F", "text"));
    const Sent reset = talk.expect("RA");
    REQUIRE(reset.tcp.sequence == TcpSequence{0});
    REQUIRE(reset.tcp.acknowledgement == TcpSequence{1005});
  }
  SECTION("a SYN-ACK too") {
    talk.send(talk.segment("SA"));
    talk.expect("R");
  }
  SECTION("but a reset is not") {
    talk.send(talk.segment("RA"));
    talk.expect_nothing();
  }
  SECTION("and not without end") {
    for (std::uint32_t i = 0; i < limits::kTcpResetsPerSecond + 50; ++i)
      talk.deliver(talk.segment("A"));
    REQUIRE(talk.sent.size() == limits::kTcpResetsPerSecond);
    talk.sent.clear();
    talk.tick(1s);
    talk.send(talk.segment("A"));
    talk.expect("R");
    return;
  }
  REQUIRE(talk.drops[DropReason::tcp_no_flow] == 1);
  REQUIRE(talk.opens == 0);
}

TEST_CASE("nonsense is dropped") {
  TcpTalk talk;
  SECTION("SYN with FIN") {
    talk.send(talk.segment("SF"));
    REQUIRE(talk.drops[DropReason::malformed_tcp] == 1);
  }
  SECTION("port 0") {
    talk.far.port = 0;
    talk.send(talk.segment("S"));
    REQUIRE(talk.drops[DropReason::malformed_tcp] == 1);
  }
  talk.expect_nothing();
  REQUIRE(talk.engine.flow_count() == 0);
}

TEST_CASE("RFC 5961: resets must be exact") {
  TcpTalk talk;
  talk.connect();
  TcpTalk::Draft reset = talk.segment("R");
  SECTION("one in the window gets a challenge") {
    reset.tcp.sequence += 10;
    talk.send(reset);
    talk.expect_ack();
    REQUIRE(talk.engine.counters().challenge_acks == 1);
  }
  SECTION("one outside gets nothing") {
    reset.tcp.sequence -= 10;
    talk.send(reset);
    reset.tcp.sequence += 100000;
    talk.send(reset);
    talk.expect_nothing();
    REQUIRE(talk.drops[DropReason::tcp_out_of_window] == 2);
  }
  REQUIRE(talk.state() == "ESTABLISHED");
  REQUIRE_FALSE(talk.host->aborted);
}

TEST_CASE("RFC 5961: a SYN in a connection gets a challenge wherever it stands") {
  TcpTalk talk;
  talk.connect();
  TcpTalk::Draft syn = talk.segment("S");
  syn.tcp.sequence += GENERATE(0U, 500U, 0x70000000U);
  talk.advance = false;
  talk.send(syn);
  talk.expect_ack();
  REQUIRE(talk.engine.counters().challenge_acks == 1);
  REQUIRE(talk.state() == "ESTABLISHED");
}

TEST_CASE("RFC 5961: acknowledgements of what never was are not believed", "[drop:tcp_bad_ack]") {
  TcpTalk talk;
  talk.connect();
  TcpTalk::Draft draft = talk.segment("A", "injected");
  draft.tcp.acknowledgement += GENERATE(1U, 100000U, 0x80000001U);
  talk.advance = false;
  talk.send(draft);
  talk.expect_ack();
  REQUIRE(talk.host->written.empty());
  REQUIRE(talk.drops[DropReason::tcp_bad_ack] == 1);
}

TEST_CASE("challenges are rationed over all flows", "[limit:kTcpChallengesPerSecond]") {
  TcpTalk talk;
  talk.connect();
  TcpTalk::Draft syn = talk.segment("S");
  talk.advance = false;
  for (std::uint32_t i = 0; i < limits::kTcpChallengesPerSecond + 20; ++i)
    talk.send(syn);
  REQUIRE(talk.sent.size() == limits::kTcpChallengesPerSecond);
}

TEST_CASE("segments outside the window are answered with where we stand",
          "[drop:tcp_out_of_window]") {
  TcpTalk talk;
  talk.connect();
  talk.advance = false;
  TcpTalk::Draft draft = talk.segment("A", "text");
  draft.tcp.sequence += GENERATE(70000U, 0x7fff0000U, 0xffffff00U);
  talk.send(draft);
  talk.expect_ack();
  REQUIRE(talk.host->written.empty());
  REQUIRE(talk.drops[DropReason::tcp_out_of_window] == 1);
}

TEST_CASE("a segment without ACK is dropped") {
  TcpTalk talk;
  talk.connect();
  talk.send(talk.segment("", "text"));
  talk.expect_nothing();
  REQUIRE(talk.host->written.empty());
  REQUIRE(talk.drops[DropReason::tcp_bad_ack] == 1);
}

TEST_CASE("text behind the FIN is dropped", "[drop:tcp_after_end]") {
  TcpTalk talk;
  talk.connect();
  talk.send(talk.segment("FA"));
  talk.expect_ack();
  talk.send(talk.segment("A", "more"));
  REQUIRE(talk.host->written.empty());
  REQUIRE(talk.drops[DropReason::tcp_after_end] == 1);
}

TEST_CASE("PAWS: an old timestamp marks an old segment") {
  TcpTalk talk;
  talk.timestamps = true;
  talk.timestamp = 0xfffffff0;  // about to wrap
  talk.connect();
  talk.timestamp = 20;
  talk.send(talk.segment("A", "new"));
  REQUIRE(talk.expect("A").tcp.options.timestamps->echo == 20);
  REQUIRE(talk.host->written == "new");
  talk.advance = false;
  SECTION("it is acknowledged and dropped") {
    talk.timestamp = 0xfffffff5;
    talk.send(talk.segment("A", "old"));
    talk.expect_ack();
    REQUIRE(talk.host->written == "new");
    REQUIRE(talk.drops[DropReason::tcp_out_of_window] == 1);
  }
  SECTION("one without a timestamp is dropped in silence") {
    talk.timestamps = false;
    talk.send(talk.segment("A", "bare"));
    talk.expect_nothing();
    REQUIRE(talk.host->written == "new");
  }
  SECTION("a reset needs none") {
    talk.timestamps = false;
    talk.send(talk.segment("R"));
    REQUIRE(talk.engine.flow_count() == 0);
  }
  SECTION("what is ahead of a hole is not echoed (RFC 7323 4.3)") {
    TcpTalk::Draft ahead = talk.segment("A", "ahead");
    ahead.tcp.sequence += 100;
    ahead.tcp.options.timestamps->value = 999;
    talk.send(ahead);
    REQUIRE(talk.expect("A").tcp.options.timestamps->echo == 20);
  }
}

TEST_CASE("half-open flows are limited per endpoint", "[limit:kTcpHalfOpenPerEndpoint]") {
  TcpTalk talk;
  for (std::size_t i = 0; i < limits::kTcpHalfOpenPerEndpoint; ++i) {
    talk.host = std::make_shared<ScriptedHost>();
    talk.host->state = Stream::State::connecting;
    talk.endpoint.port = static_cast<std::uint16_t>(1000 + i);
    talk.deliver(talk.segment("S"));
  }
  talk.endpoint.port = 999;
  talk.send(talk.segment("S"));
  talk.expect_nothing();
  REQUIRE(talk.engine.flow_count() == limits::kTcpHalfOpenPerEndpoint);
  REQUIRE(talk.drops[DropReason::flow_limit] == 1);
  REQUIRE(talk.engine.counters().refused == 1);
  SECTION("another endpoint is not concerned") {
    talk.endpoint.ip = Ipv4Address::of(172, 17, 0, 9);
    talk.send_syn();
    REQUIRE(talk.engine.flow_count() == limits::kTcpHalfOpenPerEndpoint + 1);
  }
  SECTION("a published port meets the same limit") {
    auto stream = std::make_shared<ScriptedHost>();
    REQUIRE_FALSE(
        talk.engine.open(talk.published_key(), std::make_unique<ScriptedStream>(stream), talk.now));
    REQUIRE(stream->aborted);
  }
  SECTION("one that connects makes room") {
    talk.host->connect();
    talk.endpoint.port = static_cast<std::uint16_t>(1000 + limits::kTcpHalfOpenPerEndpoint - 1);
    talk.settle();
    talk.their_next = talk.expect("SA").end();
    talk.our_next = TcpSequence{1001 + limits::kTcpHalfOpenPerEndpoint - 1};
    talk.send(talk.segment("A"));
    talk.endpoint.port = 999;
    talk.host = std::make_shared<ScriptedHost>();
    talk.send_syn();
    talk.expect("SA");
  }
}

TEST_CASE("flows are limited per endpoint, and nobody is evicted",
          "[limit:kTcpFlowsPerEndpoint][drop:flow_limit]") {
  TcpTalk talk;
  for (std::size_t i = 0; i < limits::kTcpFlowsPerEndpoint; ++i) {
    talk.host = std::make_shared<ScriptedHost>();
    talk.endpoint.port = static_cast<std::uint16_t>(1 + i);
    talk.our_next = TcpSequence{1000};
    talk.deliver(talk.segment("S"));
    talk.engine.pump(talk.now);
    talk.their_next = talk.sent.at(0).end();
    talk.sent.clear();
    talk.deliver(talk.segment("A"));
    talk.engine.pump(talk.now);
  }
  REQUIRE(talk.engine.counters().opened == limits::kTcpFlowsPerEndpoint);
  talk.endpoint.port = 65000;
  talk.send(talk.segment("S"));
  talk.expect_nothing();
  REQUIRE(talk.engine.flow_count() == limits::kTcpFlowsPerEndpoint);
  REQUIRE(talk.drops[DropReason::flow_limit] == 1);
}

// Anything at all, near the numbers that matter: the engine survives it, delivers nothing twice,
// and gives back what it holds.
TEST_CASE("a hostile endpoint breaks nothing") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    TcpTalk talk(seed);
    SeededRandom random(seed, "hostile");
    talk.timestamps = random.below(2) == 0;
    talk.syn_options.sack_permitted = random.below(2) == 0;
    talk.syn_options.window_scale = static_cast<std::uint8_t>(random.below(16));
    talk.syn_options.mss = static_cast<std::uint16_t>(random.below(3000));
    talk.advance = false;
    talk.connect();
    std::vector<std::shared_ptr<ScriptedHost>> hosts{talk.host};
    for (int step = 0; step < 400; ++step) {
      TcpTalk::Draft draft = talk.segment("A", std::string(random.below(3000), 'x'));
      draft.tcp.flags = TcpFlags::from_bits(static_cast<std::uint8_t>(random.u32()));
      if (random.below(3) != 0) draft.tcp.flags = flags_from("A");
      draft.tcp.sequence += random.below(8) == 0 ? random.u32() : random.below(5000);
      draft.tcp.acknowledgement += random.below(8) == 0 ? random.u32() : random.below(5000);
      draft.tcp.window = random.u16();
      draft.tcp.options.add_sack({talk.their_next + random.below(9000), {random.u32()}});
      draft.tcp.options.add_sack(
          {talk.their_next + random.below(9000), talk.their_next + random.below(9000)});
      if (random.below(4) == 0) hosts.back()->say(std::string(random.below(20000), 'y'));
      if (random.below(6) == 0) hosts.back()->give_room(random.below(100000));
      if (random.below(60) == 0) hosts.back()->end();
      if (random.below(20) == 0) talk.tick(std::chrono::milliseconds(random.below(3000)));
      if (hosts.back()->closed) {
        talk.host = std::make_shared<ScriptedHost>();
        hosts.push_back(talk.host);
      }
      talk.send(draft);
      if (!talk.sent.empty()) talk.their_next = talk.sent.back().tcp.sequence;
      if (!talk.sent.empty()) talk.our_next = talk.sent.back().tcp.acknowledgement;
      talk.sent.clear();
    }
    talk.engine.drop_endpoint(talk.endpoint.ip);
    REQUIRE(talk.engine.flow_count() == 0);
    REQUIRE(talk.pool.in_use() == 0);
    REQUIRE(talk.timers.size() == 0);
  }
}
