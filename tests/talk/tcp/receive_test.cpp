// From the endpoint to the host.
#include <catch2/catch.hpp>

#include "tests/support/tcp_talk.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

void allow_sack(TcpTalk& talk) {
  talk.syn_options.sack_permitted = true;
  talk.syn_options.window_scale = 7;
}

// Text at an offset from where the conversation stands, without moving it.
TcpTalk::Draft piece(const TcpTalk& talk, const std::string& all, std::size_t at,
                     std::size_t count) {
  TcpTalk::Draft draft = talk.segment("A", all.substr(at, count));
  draft.tcp.sequence += static_cast<std::uint32_t>(at);
  return draft;
}

}  // namespace

TEST_CASE("text goes to the host at once and is acknowledged at the end of the turn") {
  TcpTalk talk;
  talk.connect();
  talk.deliver(talk.segment("A", "one "));
  talk.deliver(talk.segment("A", "two "));
  talk.deliver(talk.segment("A", "three"));
  REQUIRE(talk.host->written == "one two three");
  talk.expect_nothing();
  talk.settle();
  talk.expect_ack();
  talk.expect_nothing();
  REQUIRE(talk.engine.flows().at(0).bytes_to_host == 13);
}

TEST_CASE("a super-segment arrives whole, over the wrap of the sequence numbers") {
  TcpTalk talk;
  talk.our_next = TcpSequence{0xffffff00};
  talk.host->room = 1 << 20;
  talk.syn_options.window_scale = 7;
  talk.connect();
  const std::string text = pattern(64000);
  talk.send(talk.segment("A", text));
  REQUIRE(talk.host->written == text);
  talk.expect_ack();
}

namespace {

// A host that took 600 of 1000 bytes: the rest waits.
struct ShortWrite {
  ShortWrite() {
    allow_sack(talk);
    talk.connect();
    talk.host->room = 600;  // less than was offered: the host's kernel has changed its mind
    talk.send(talk.segment("A", text.substr(0, 1000)));
    REQUIRE(talk.host->written == text.substr(0, 600));
    const Sent answer = talk.expect("A");
    REQUIRE(answer.tcp.acknowledgement == talk.our_next - 400U);
    // No hole precedes what waits, so there is nothing to tell of it; what was offered stays
    // offered.
    REQUIRE(answer.tcp.options.sack_count == 0);
    REQUIRE((answer.tcp.window + 0U) * 128U >= 65000U);
    REQUIRE(talk.drops[DropReason::tcp_host_full] == 0);
  }

  TcpTalk talk;
  const std::string text = pattern(3000);
};

}  // namespace

TEST_CASE_METHOD(ShortWrite, "what the host does not take waits, and need not come again",
                 "[limit:kTcpRoomPoll]") {
  SECTION("it is written when the host has room again") {
    talk.host->give_room(5000);
    talk.settle();
    REQUIRE(talk.host->written == text.substr(0, 1000));
    talk.expect_ack();
    REQUIRE(talk.pool.in_use() == 0);
  }
  SECTION("in as many steps as it takes") {
    for (std::size_t more = 1; more <= 4; ++more) {
      talk.host->give_room(100);
      talk.settle();
      REQUIRE(talk.host->written == text.substr(0, 600 + more * 100));
      talk.expect_ack(400U - static_cast<std::uint32_t>(more * 100));
    }
    REQUIRE(talk.pool.in_use() == 0);
  }
  SECTION("even if the host never tells") {
    talk.host->room = 5000;
    talk.tick(limits::kTcpRoomPoll);
    REQUIRE(talk.host->written == text.substr(0, 1000));
    talk.expect_ack();
  }
  SECTION("what else is under way joins it without duplicate ACKs") {
    talk.send(talk.segment("A", text.substr(1000, 1000)));
    talk.send(talk.segment("A", text.substr(2000, 1000)));
    talk.expect_nothing();
    REQUIRE(talk.engine.counters().out_of_order_segments == 0);
    talk.host->give_room(5000);
    talk.settle();
    REQUIRE(talk.host->written == text);
    talk.expect_ack();
    talk.expect_nothing();
  }
  SECTION("a hole behind it is told as ever") {
    TcpTalk::Draft beyond = talk.segment("A", text.substr(2000, 1000));
    beyond.tcp.sequence += 1000U;
    talk.advance = false;
    talk.send(beyond);
    const Sent duplicate = talk.expect("A");
    REQUIRE(duplicate.tcp.acknowledgement == talk.our_next - 400U);
    REQUIRE(duplicate.tcp.options.sack_count == 1);
    REQUIRE(duplicate.tcp.options.sack[0].left == talk.our_next + 1000U);
    talk.host->give_room(5000);
    talk.settle();
    REQUIRE(talk.expect("A").tcp.acknowledgement == talk.our_next);
    talk.send(talk.segment("A", text.substr(1000, 1000)));
    REQUIRE(talk.host->written == text);
  }
}

TEST_CASE_METHOD(ShortWrite, "a flow goes on while text of its own waits for the host") {
  SECTION("an endpoint that repeats itself is answered, and nothing is written twice") {
    TcpTalk::Draft again = talk.segment("A", text.substr(600, 400));
    again.tcp.sequence -= 400U;
    talk.send(again);
    talk.expect_ack(400);
    talk.host->give_room(5000);
    talk.settle();
    REQUIRE(talk.host->written == text.substr(0, 1000));
    talk.expect_ack();
  }
  SECTION("its end waits with it") {
    talk.send(talk.segment("FA"));
    REQUIRE_FALSE(talk.host->write_shut);
    talk.host->give_room(5000);
    talk.settle();
    REQUIRE(talk.host->written == text.substr(0, 1000));
    REQUIRE(talk.host->write_shut);
    talk.expect_ack();
  }
  SECTION("acknowledgements that come meanwhile count") {
    talk.host->say("reply");
    talk.settle();
    talk.their_next = talk.expect_text("reply").end();
    talk.send(talk.segment("A", "more"));
    REQUIRE(talk.host->consumed == 5);
  }
  SECTION("and goes with its flow") {
    talk.host->fail(SocketError::reset);
    talk.settle();
    talk.expect("RA");
    REQUIRE(talk.pool.in_use() == 0);
  }
  SECTION("and the host is not asked in haste") {
    talk.tick(60s);
    talk.expect_nothing();
    REQUIRE(talk.host->room_asked < 100);
  }
}

TEST_CASE("what can neither be written nor held is dropped, and the window is taken back") {
  TcpTalk talk;
  talk.syn_options.window_scale = 7;
  talk.host->room = 4 << 20;
  talk.connect();
  talk.send(talk.segment("A", "the window of a SYN-ACK is not scaled"));
  talk.expect_ack();
  talk.host->written.clear();
  talk.host->room = 0;
  const std::string large = pattern(60000);
  constexpr std::size_t kHeld = limits::kTcpOutOfOrderBytes / 60000;
  for (std::size_t i = 0; i < kHeld; ++i)
    talk.send(talk.segment("A", large));
  // The first one said where we stand.
  REQUIRE(talk.expect("A").tcp.acknowledgement == talk.our_next - 60000U * kHeld);
  talk.expect_nothing();
  talk.send(talk.segment("A", large));
  REQUIRE(talk.drops[DropReason::tcp_out_of_order_full] == 1);
  REQUIRE(talk.expect("A").tcp.window == 0);
  talk.our_next -= 60000U;

  talk.host->give_room(8 << 20);
  talk.settle();
  REQUIRE(talk.host->written.size() == 60000 * kHeld);
  const Sent update = talk.expect("A");
  REQUIRE(update.tcp.acknowledgement == talk.our_next);
  REQUIRE(update.tcp.window > 0);
  REQUIRE(talk.pool.in_use() == 0);
}

TEST_CASE("the window mirrors the host's room and opens in worthwhile steps") {
  TcpTalk talk;
  talk.host->room = 10000;
  talk.connect();
  talk.send(talk.segment("A", pattern(4000)));
  REQUIRE(talk.expect("A").tcp.window == 6000);
  talk.send(talk.segment("A", pattern(6000)));
  REQUIRE(talk.expect("A").tcp.window == 0);

  talk.host->give_room(100);  // not worth a segment
  talk.settle();
  talk.expect_nothing();
  talk.host->give_room(2000);
  talk.settle();
  REQUIRE(talk.expect("A").tcp.window == 2000);

  SECTION("what was offered is not taken back") {
    talk.host->room = 100;
    talk.send(talk.segment("A", "x"));
    REQUIRE(talk.expect("A").tcp.window == 1999);
  }
}

TEST_CASE("a window probe is answered at once", "[drop:tcp_host_full]") {
  TcpTalk talk;
  talk.host->room = 3000;
  talk.connect();
  talk.send(talk.segment("A", pattern(3000)));
  REQUIRE(talk.expect("A").tcp.window == 0);
  SECTION("with a byte that does not fit") {
    talk.send(talk.segment("A", "x"));
    const Sent answer = talk.expect("A");
    REQUIRE(answer.tcp.acknowledgement == talk.our_next - 1U);
    REQUIRE(answer.tcp.window == 0);
  }
  SECTION("with a byte that the host takes after all") {
    talk.host->room = 3000;
    talk.send(talk.segment("A", "x"));
    REQUIRE(talk.host->written.back() == 'x');
    REQUIRE(talk.expect("A").tcp.window == 2999);
  }
  SECTION("without a byte, one before the window, as often as it comes") {
    TcpTalk::Draft probe = talk.segment("A");
    probe.tcp.sequence -= 1U;
    for (int i = 0; i < 200; ++i) {
      talk.send(probe);
      talk.expect_ack();
    }
  }
  SECTION("and an acknowledgement that comes with it counts") {
    talk.host->say("reply");
    talk.settle();
    talk.their_next = talk.expect_text("reply").end();
    talk.send(talk.segment("A", "x"));
    REQUIRE(talk.host->consumed == 5);
  }
}

TEST_CASE("text out of order is held until the hole closes") {
  TcpTalk talk;
  allow_sack(talk);
  talk.connect();
  talk.advance = false;
  const std::string all = pattern(5000);
  talk.send(piece(talk, all, 1000, 1000));
  const Sent first = talk.expect("A");
  REQUIRE(first.tcp.acknowledgement == talk.our_next);
  REQUIRE(first.tcp.options.sack_count == 1);
  REQUIRE(first.tcp.options.sack[0] ==
          wire::TcpSackBlock{talk.our_next + 1000U, talk.our_next + 2000U});

  talk.send(piece(talk, all, 3000, 1000));
  const Sent second = talk.expect("A");
  REQUIRE(second.tcp.options.sack_count == 2);
  // RFC 2018 4: the newest first.
  REQUIRE(second.tcp.options.sack[0].left == talk.our_next + 3000U);
  REQUIRE(second.tcp.options.sack[1].left == talk.our_next + 1000U);

  talk.send(piece(talk, all, 1500, 1600));  // overlaps both
  const Sent third = talk.expect("A");
  REQUIRE(third.tcp.options.sack_count == 1);
  REQUIRE(third.tcp.options.sack[0] ==
          wire::TcpSackBlock{talk.our_next + 1000U, talk.our_next + 4000U});
  REQUIRE(talk.host->written.empty());

  talk.send(piece(talk, all, 0, 1000));
  REQUIRE(talk.host->written == all.substr(0, 4000));
  const Sent whole = talk.expect("A");
  REQUIRE(whole.tcp.acknowledgement == talk.our_next + 4000U);
  REQUIRE(whole.tcp.options.sack_count == 0);
  REQUIRE(talk.pool.in_use() == 0);
  REQUIRE(talk.engine.counters().out_of_order_segments == 3);
}

TEST_CASE("held text waits for room, too") {
  TcpTalk talk;
  allow_sack(talk);
  talk.connect();
  talk.advance = false;
  const std::string all = pattern(3000);
  talk.send(piece(talk, all, 1000, 2000));
  talk.expect("A");
  talk.host->room = 1500;
  talk.send(piece(talk, all, 0, 1000));
  REQUIRE(talk.host->written == all.substr(0, 1500));
  REQUIRE(talk.expect("A").tcp.acknowledgement == talk.our_next + 1500U);
  talk.host->give_room(50000);
  talk.settle();
  REQUIRE(talk.host->written == all);
  REQUIRE(talk.expect("A").tcp.acknowledgement == talk.our_next + 3000U);
  REQUIRE(talk.pool.in_use() == 0);
}

TEST_CASE("duplicates and overlaps give every byte once") {
  TcpTalk talk;
  talk.connect();
  talk.advance = false;
  const std::string all = pattern(3000);
  talk.send(piece(talk, all, 0, 1000));
  talk.send(piece(talk, all, 0, 1000));
  talk.send(piece(talk, all, 500, 1000));
  talk.send(piece(talk, all, 0, 3000));
  REQUIRE(talk.host->written == all);
  for (int i = 0; i < 4; ++i)
    talk.expect("A");
  REQUIRE(talk.drops[DropReason::tcp_out_of_window] == 1);
}

TEST_CASE("a FIN ahead of missing text is remembered") {
  TcpTalk talk;
  talk.connect();
  talk.advance = false;
  const std::string all = pattern(2000);
  TcpTalk::Draft last = piece(talk, all, 1000, 1000);
  last.tcp.flags.fin = true;
  talk.send(last);
  talk.expect("A");
  REQUIRE_FALSE(talk.host->write_shut);
  talk.send(piece(talk, all, 0, 1000));
  REQUIRE(talk.host->written == all);
  REQUIRE(talk.host->write_shut);
  REQUIRE(talk.expect("A").tcp.acknowledgement == talk.our_next + 2001U);
  REQUIRE(talk.state() == "CLOSE-WAIT");
}

TEST_CASE("a FIN waits until the host has taken all that precedes it") {
  TcpTalk talk;
  talk.connect();
  talk.host->room = 3;
  TcpTalk::Draft last = talk.segment("FA", "abcdef");
  talk.send(last);
  REQUIRE_FALSE(talk.host->write_shut);
  talk.expect("A");
  talk.host->give_room(4000);
  talk.settle();
  REQUIRE(talk.host->written == "abcdef");
  REQUIRE(talk.host->write_shut);
  talk.expect_ack();
  talk.send(last);  // our answer was lost
  talk.expect_ack();
}

TEST_CASE(
    "the hold for text out of order is bounded",
    "[limit:kTcpOutOfOrderBytes][limit:kTcpOutOfOrderPiecesPerFlow][drop:tcp_out_of_order_full]") {
  TcpTalk talk;
  allow_sack(talk);
  talk.host->room = 8 << 20;
  talk.connect();
  talk.advance = false;
  const std::string octet = "x";
  SECTION("in pieces") {
    for (std::uint32_t i = 1; i <= limits::kTcpOutOfOrderPiecesPerFlow + 10; ++i) {
      TcpTalk::Draft draft = talk.segment("A", octet);
      draft.tcp.sequence += i * 2;
      talk.send(draft);
    }
    REQUIRE(talk.drops[DropReason::tcp_out_of_order_full] == 10);
    REQUIRE(talk.pool.in_use() == limits::kTcpOutOfOrderPiecesPerFlow);
  }
  SECTION("in bytes") {
    const std::string large = pattern(60000);
    for (std::uint32_t i = 0; i < 30; ++i) {
      TcpTalk::Draft draft = talk.segment("A", large);
      draft.tcp.sequence += 1 + i * 60000;
      talk.send(draft);
    }
    REQUIRE(talk.drops[DropReason::tcp_out_of_order_full] ==
            30 - limits::kTcpOutOfOrderBytes / 60000);
  }
  talk.engine.drop_endpoint(talk.endpoint.ip);
  REQUIRE(talk.pool.in_use() == 0);
}

TEST_CASE("urgent text is text") {
  TcpTalk talk;
  talk.connect();
  TcpTalk::Draft draft = talk.segment("A", "attention");
  draft.tcp.flags.urg = true;
  draft.tcp.urgent = 3;
  talk.send(draft);
  REQUIRE(talk.host->written == "attention");
}

TEST_CASE("an endpoint that repeats what arrived is told so") {
  TcpTalk talk;
  allow_sack(talk);
  talk.connect();
  const std::string text = pattern(3000);
  talk.send(talk.segment("A", text.substr(0, 2000)));
  REQUIRE(talk.expect("A").tcp.options.sack_count == 0);
  talk.advance = false;
  const auto again = [&](std::size_t at, std::size_t count) {
    TcpTalk::Draft draft = talk.segment("A", text.substr(at, count));
    draft.tcp.sequence -= static_cast<std::uint32_t>(2000 - at);
    return draft;
  };

  SECTION("when it probes for its tail") {
    talk.send(again(1000, 1000));
    const Sent answer = talk.expect("A");
    REQUIRE(answer.tcp.acknowledgement == talk.our_next);
    REQUIRE(answer.tcp.options.sack_count == 1);
    REQUIRE(answer.tcp.options.sack[0] == wire::TcpSackBlock{talk.our_next - 1000U, talk.our_next});
    talk.send(talk.segment("A", text.substr(2000)));
    REQUIRE(talk.expect("A").tcp.options.sack_count == 0);
  }
  SECTION("when part of it is new") {
    talk.send(again(1500, 1500));
    REQUIRE(talk.host->written == text);
    const Sent answer = talk.expect("A");
    REQUIRE(answer.tcp.acknowledgement == talk.our_next + 1000U);
    REQUIRE(answer.tcp.options.sack[0] == wire::TcpSackBlock{talk.our_next - 500U, talk.our_next});
  }
  SECTION("before the text that is held") {
    TcpTalk::Draft beyond = talk.segment("A", text.substr(2500));
    beyond.tcp.sequence += 500U;
    talk.send(beyond);
    talk.expect("A");
    talk.send(again(0, 1000));
    const Sent answer = talk.expect("A");
    REQUIRE(answer.tcp.options.sack_count == 2);
    REQUIRE(answer.tcp.options.sack[0].left == talk.our_next - 2000U);
    REQUIRE(answer.tcp.options.sack[1].left == talk.our_next + 500U);
  }
}

TEST_CASE("many acknowledgements in one turn take bytes out of the host socket once") {
  TcpTalk talk;
  talk.connect();
  talk.host->say(pattern(5000));
  talk.settle();
  const TcpSequence begin = talk.their_next;
  REQUIRE(talk.take_text() == pattern(5000));
  for (std::uint32_t i = 1; i <= 4; ++i) {
    talk.their_next = begin + i * 1000U;
    talk.deliver(talk.segment("A"));
  }
  REQUIRE(talk.host->consumed == 0);
  talk.settle();
  REQUIRE(talk.host->consumed == 4000);
  REQUIRE(talk.host->consumes == 1);
}
