#include <catch2/catch.hpp>

#include "tests/support/tcp_talk.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

TEST_CASE("the endpoint ends first") {
  TcpTalk talk;
  talk.connect();
  talk.send(talk.segment("FA", "bye"));
  REQUIRE(talk.host->written == "bye");
  REQUIRE(talk.host->write_shut);
  REQUIRE(talk.state() == "CLOSE-WAIT");
  talk.expect_ack();

  talk.host->say("but first");  // half-closed: the other direction lives
  talk.settle();
  talk.their_next = talk.expect_text("but first").end();
  talk.send(talk.segment("A"));
  talk.host->end();
  talk.settle();
  talk.their_next = talk.expect("FA").end();
  REQUIRE(talk.state() == "LAST-ACK");
  talk.send(talk.segment("A"));
  REQUIRE(talk.engine.flow_count() == 0);
  REQUIRE(talk.host->closed);
  REQUIRE_FALSE(talk.host->aborted);
  REQUIRE(talk.engine.counters().closed == 1);
  talk.expect_nothing();
}

TEST_CASE("the host ends first", "[limit:kTcpTimeWait]") {
  TcpTalk talk;
  talk.connect();
  talk.host->say("last words");
  talk.host->end();
  talk.settle();
  talk.expect_text("last words");
  const Sent fin = talk.expect("FA");
  REQUIRE(talk.state() == "FIN-WAIT-1");
  talk.their_next = fin.end();
  talk.send(talk.segment("A"));
  REQUIRE(talk.state() == "FIN-WAIT-2");
  REQUIRE(talk.host->consumed == 10);

  talk.send(talk.segment("A", "still here"));
  REQUIRE(talk.host->written == "still here");
  talk.expect_ack();
  talk.send(talk.segment("FA"));
  talk.expect_ack();
  REQUIRE(talk.state() == "TIME-WAIT");
  REQUIRE(talk.host->closed);  // nothing is left for the host socket to do
  REQUIRE(talk.host->write_shut);
  REQUIRE_FALSE(talk.host->aborted);

  SECTION("and TIME-WAIT is short") {
    talk.tick(limits::kTcpTimeWait);
    REQUIRE(talk.engine.flow_count() == 0);
    REQUIRE(talk.engine.counters().closed == 1);
    talk.expect_nothing();
  }
  SECTION("a repeated FIN is acknowledged and starts it anew") {
    talk.tick(1s);
    talk.our_next -= 1;
    talk.send(talk.segment("FA"));
    talk.expect_ack();
    talk.tick(limits::kTcpTimeWait - 500ms);
    REQUIRE(talk.state() == "TIME-WAIT");
    talk.tick(500ms);
    REQUIRE(talk.engine.flow_count() == 0);
  }
  SECTION("a new SYN beyond the old numbers is a new flow with higher numbers of ours") {
    talk.host = std::make_shared<ScriptedHost>();
    talk.our_next += 1000;
    talk.send_syn();
    REQUIRE(talk.expect("SA").tcp.sequence > talk.their_next);
    REQUIRE(talk.opens == 2);
  }
  SECTION("an old SYN is not") {
    TcpTalk::Draft old = talk.segment("S");
    old.tcp.sequence -= 5000;
    talk.send(old);
    talk.expect("A");
    REQUIRE(talk.opens == 1);
  }
  SECTION("a published port may reuse the pair") {
    auto second = std::make_shared<ScriptedHost>();
    REQUIRE(
        talk.engine.open(talk.published_key(), std::make_unique<ScriptedStream>(second), talk.now));
    talk.settle();
    REQUIRE(talk.expect("S").tcp.sequence > talk.their_next);
  }
  SECTION("a reset ends it") {
    talk.send(talk.segment("R"));
    REQUIRE(talk.engine.flow_count() == 0);
  }
}

TEST_CASE("both end at once") {
  TcpTalk talk;
  talk.connect();
  talk.host->end();
  talk.settle();
  const Sent fin = talk.expect("FA");
  talk.send(talk.segment("FA"));  // does not acknowledge ours yet
  talk.expect_ack();
  REQUIRE(talk.state() == "CLOSING");
  talk.their_next = fin.end();
  talk.send(talk.segment("A"));
  REQUIRE(talk.state() == "TIME-WAIT");
  talk.tick(limits::kTcpTimeWait);
  REQUIRE(talk.engine.flow_count() == 0);
}

TEST_CASE("a FIN that acknowledges ours goes straight to TIME-WAIT") {
  TcpTalk talk;
  talk.connect();
  talk.host->end();
  talk.settle();
  talk.their_next = talk.expect("FA").end();
  talk.send(talk.segment("FA"));
  talk.expect_ack();
  REQUIRE(talk.state() == "TIME-WAIT");
}

TEST_CASE("a lost FIN is sent again") {
  TcpTalk talk;
  talk.connect();
  talk.host->say("x");
  talk.host->end();
  talk.settle();
  talk.expect_text("x");
  const Sent fin = talk.expect("FA");
  SECTION("alone") {
    talk.their_next = fin.tcp.sequence;
    talk.send(talk.segment("A"));
    talk.tick(1s);
    REQUIRE(talk.expect("FA").tcp.sequence == fin.tcp.sequence);
  }
  SECTION("with the text before it") {
    talk.tick(1s);
    talk.expect_text("x");
    talk.their_next = fin.tcp.sequence;
    talk.send(talk.segment("A"));
    REQUIRE(talk.expect("FA").tcp.sequence == fin.tcp.sequence);
    talk.their_next = fin.end();
    talk.send(talk.segment("A"));
    REQUIRE(talk.state() == "FIN-WAIT-2");
    REQUIRE(talk.host->consumed == 1);
  }
  SECTION("and given up in the end") {
    talk.tick(1h);
    REQUIRE(talk.engine.flow_count() == 0);
    REQUIRE(talk.host->aborted);
  }
}

TEST_CASE("a reset from the endpoint reaches the host in every state") {
  TcpTalk talk;
  talk.connect();
  const int state = GENERATE(0, 1, 2, 3, 4, 5);
  if (state == 1 || state == 4 || state == 5) {
    talk.send(talk.segment("FA"));
    talk.expect_ack();
  }
  if (state == 2 || state == 3 || state == 4) {
    talk.host->end();
    talk.settle();
    const Sent fin = talk.expect("FA");
    if (state == 3) {
      talk.their_next = fin.end();
      talk.send(talk.segment("A"));
    }
    if (state == 4) REQUIRE(talk.state() == "LAST-ACK");
  }
  talk.send(talk.segment("R"));
  REQUIRE(talk.host->aborted);
  REQUIRE(talk.engine.flow_count() == 0);
  REQUIRE(talk.engine.counters().reset == 1);
  talk.expect_nothing();
  REQUIRE(talk.timers.size() == 0);
}

TEST_CASE("a host that fails resets the endpoint") {
  TcpTalk talk;
  talk.connect();
  SECTION("at once when nothing is under way") {
    talk.host->fail(SocketError::reset);
    talk.settle();
    const Sent reset = talk.expect("RA");
    REQUIRE(reset.tcp.sequence == talk.their_next);
    REQUIRE(reset.tcp.acknowledgement == talk.our_next);
    REQUIRE(talk.engine.flow_count() == 0);
  }
  SECTION("after what it had said has been delivered") {
    talk.host->readable = "epitaph";
    talk.host->writes_fail = true;
    talk.send(talk.segment("A", "text"));
    talk.their_next = talk.expect_text("epitaph").end();
    talk.expect_nothing();
    talk.send(talk.segment("A"));
    talk.expect("RA");
    REQUIRE(talk.engine.flow_count() == 0);
  }
  SECTION("even when the epitaph is lost on the way") {
    talk.host->readable = "epitaph";
    talk.host->writes_fail = true;
    talk.send(talk.segment("A", "text"));
    talk.expect_text("epitaph");
    talk.tick(limits::kTcpMinRto);
    talk.their_next = talk.expect_text("epitaph").end();
    talk.send(talk.segment("A"));
    talk.expect("RA");
  }
  SECTION("at once when what is in flight cannot be read again") {
    talk.host->say("lost");
    talk.settle();
    talk.expect_text("lost");
    talk.host->reads_fail = true;
    talk.host->notify();
    talk.settle();
    talk.expect_nothing();
    talk.tick(1s);
    talk.expect("RA");
    REQUIRE(talk.engine.flow_count() == 0);
  }
  SECTION("when it takes no more after it has ended") {
    talk.host->end();
    talk.settle();
    talk.their_next = talk.expect("FA").end();
    talk.send(talk.segment("A"));
    talk.host->writes_fail = true;
    talk.send(talk.segment("A", "to nobody"));
    talk.expect("RA");
  }
}

TEST_CASE("idle flows end", "[limit:kTcpEstablishedIdle][limit:kTcpTransitoryIdle]") {
  TcpTalk talk;
  talk.connect();
  SECTION("established ones after RFC 5382's two hours and four minutes") {
    talk.tick(limits::kTcpEstablishedIdle - 1s);
    REQUIRE(talk.engine.flow_count() == 1);
    SECTION("unless something is heard") {
      talk.send(talk.segment("A", "x"));
      talk.tick(limits::kTcpEstablishedIdle - 1s);
      REQUIRE(talk.engine.flow_count() == 1);
    }
    SECTION("with a reset for both") {
      talk.tick(1s);
      talk.expect("RA");
      REQUIRE(talk.host->aborted);
      REQUIRE(talk.engine.counters().timed_out == 1);
    }
  }
  SECTION("half-closed ones are not in transition") {
    talk.send(talk.segment("FA"));
    talk.expect_ack();
    talk.tick(limits::kTcpTransitoryIdle + 1s);
    REQUIRE(talk.state() == "CLOSE-WAIT");
  }
}

TEST_CASE("an endpoint that has gone takes its flows along, silently") {
  TcpTalk talk;
  talk.connect();
  const auto first = talk.host;
  talk.host = std::make_shared<ScriptedHost>();
  talk.endpoint.ip = Ipv4Address::of(172, 17, 0, 3);
  talk.connect();
  talk.engine.drop_endpoint(Ipv4Address::of(172, 17, 0, 2));
  REQUIRE(first->aborted);
  REQUIRE_FALSE(talk.host->aborted);
  REQUIRE(talk.engine.flow_count() == 1);
  talk.settle();
  talk.expect_nothing();
}
