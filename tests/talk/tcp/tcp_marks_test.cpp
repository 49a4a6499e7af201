// Limits of the TCP engine that no other conversation reaches.
#include "core/base/limits.h"
#include "tests/support/tcp_talk.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

TEST_CASE("a tiny MSS does not make endless super-segments", "[limit:kTcpSuperSegmentPieces]") {
  TcpTalk talk;
  talk.syn_options.mss = limits::kTcpMinMss;
  talk.connect();
  talk.host->say(pattern(60000));
  talk.settle();
  std::size_t longest = 0;
  for (unsigned round = 0; round < 50; ++round) {
    while (!talk.sent.empty()) {
      const Sent got = talk.expect("A");
      longest = std::max(longest, got.text.size());
      talk.their_next = later(talk.their_next, got.end());
    }
    talk.send(talk.segment("A"));  // its window grows with every acknowledgement
  }
  CHECK(longest > 10 * limits::kTcpMinMss);
  CHECK(longest <= limits::kTcpSuperSegmentPieces * limits::kTcpMinMss);
}

TEST_CASE("a host that takes nothing is looked at less and less often",
          "[limit:kTcpRoomPollDoublings][limit:kTcpRoomPoll]") {
  TcpTalk talk;
  talk.connect();
  talk.host->room = 0;
  talk.send(talk.segment("A", "waits"));
  constexpr Duration kLongest = limits::kTcpRoomPoll * (1 << limits::kTcpRoomPollDoublings);
  talk.tick(4 * kLongest);
  const Duration rest = talk.timers.next_deadline() - talk.now;
  CHECK(rest <= kLongest);
  talk.tick(rest);
  CHECK(talk.timers.next_deadline() - talk.now == kLongest);
  CHECK(talk.host->written.empty());
  talk.host->room = 100;  // and nobody tells
  talk.tick(kLongest);
  CHECK(talk.host->written == "waits");
}

TEST_CASE("one pump works off kTurnFlows flows", "[limit:kTurnFlows]") {
  TcpTalk talk;
  talk.advance = false;
  for (std::size_t i = 0; i < limits::kTurnFlows + 10; ++i) {
    talk.endpoint.port = static_cast<std::uint16_t>(10000 + i);
    talk.host = std::make_shared<ScriptedHost>();
    TcpTalk::Draft syn = talk.segment("S");
    syn.tcp.acknowledgement = {};
    talk.deliver(syn);
  }
  talk.engine.pump(talk.now);
  CHECK(talk.sent.size() == limits::kTurnFlows);
  CHECK(talk.engine.has_work());
  talk.engine.pump(talk.now);
  CHECK(talk.sent.size() == limits::kTurnFlows + 10);
}
