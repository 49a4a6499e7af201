#include <catch2/catch.hpp>

#include "tests/support/tcp_talk.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;
using stack::TcpRefusal;
using stack::Unreachable;

TEST_CASE("a SYN is held until the host has connected", "[limit:kTcpConnectTimeout]") {
  TcpTalk talk;
  talk.host->state = Stream::State::connecting;
  talk.send_syn();
  talk.expect_nothing();
  REQUIRE(talk.state() == "SYN-RECEIVED");

  SECTION("and answered then") {
    talk.tick(300ms);
    talk.host->connect();
    talk.settle();
    const Sent answer = talk.expect("SA");
    REQUIRE(answer.tcp.acknowledgement == talk.our_next);
    talk.their_next = answer.end();
    talk.send(talk.segment("A"));
    talk.expect_nothing();
    REQUIRE(talk.state() == "ESTABLISHED");
    REQUIRE(talk.engine.counters().opened == 1);
  }
  SECTION("and its repetitions are absorbed") {
    for (int i = 0; i < 3; ++i) {
      talk.tick(1s);
      talk.our_next = TcpSequence{1000};
      talk.send_syn();
    }
    talk.expect_nothing();
    REQUIRE(talk.opens == 1);
    talk.host->connect();
    talk.settle();
    talk.expect("SA");
    talk.expect_nothing();
  }
  SECTION("and a SYN of an endpoint that has started anew counts instead") {
    talk.our_next = TcpSequence{900000};
    talk.send_syn();
    talk.host->connect();
    talk.settle();
    REQUIRE(talk.expect("SA").tcp.acknowledgement == TcpSequence{900001});
    REQUIRE(talk.opens == 1);
  }
  SECTION("and an acknowledgement of what we never said is refused") {
    talk.send(talk.segment("A"));
    talk.expect("R");
    REQUIRE(talk.drops[DropReason::tcp_bad_ack] == 1);
    REQUIRE(talk.engine.flow_count() == 1);
  }
  SECTION("and an endpoint that gives up ends the connect") {
    talk.send(talk.segment("R"));
    REQUIRE(talk.host->aborted);
    REQUIRE(talk.engine.flow_count() == 0);
    talk.expect_nothing();
  }
  SECTION("and no longer than the connect timeout") {
    talk.tick(limits::kTcpConnectTimeout - 1s);
    REQUIRE(talk.engine.flow_count() == 1);
    talk.tick(1s);
    REQUIRE(talk.engine.flow_count() == 0);
    REQUIRE(talk.host->aborted);
    REQUIRE(talk.engine.counters().timed_out == 1);
    talk.expect_nothing();  // silence is the truth
  }
}

TEST_CASE("the endpoint learns why the host could not connect") {
  struct Case {
    SocketError error;
    bool reset;
    std::optional<Unreachable> icmp;
  };
  const Case one =
      GENERATE(Case{SocketError::refused, true, {}},
               Case{SocketError::host_unreachable, false, Unreachable::host},
               Case{SocketError::network_unreachable, false, Unreachable::network},
               Case{SocketError::prohibited, false, Unreachable::prohibited},
               Case{SocketError::timed_out, false, {}}, Case{SocketError::no_resources, false, {}});
  TcpTalk talk;
  talk.host->state = Stream::State::connecting;
  talk.send_syn();
  talk.host->fail(one.error);
  talk.settle();
  if (one.reset) {
    const Sent reset = talk.expect("RA");
    REQUIRE(reset.tcp.sequence == TcpSequence{0});
    REQUIRE(reset.tcp.acknowledgement == TcpSequence{1001});
  }
  talk.expect_nothing();
  REQUIRE(talk.icmp_errors.size() == (one.icmp ? 1 : 0));
  if (one.icmp) {
    REQUIRE(talk.icmp_errors[0].reason == *one.icmp);
    REQUIRE(talk.icmp_errors[0].flow.initiator == talk.endpoint);
    REQUIRE(talk.icmp_errors[0].flow.target == talk.far);
    REQUIRE(talk.icmp_errors[0].tcp_sequence == 1000);
  }
  REQUIRE(talk.engine.flow_count() == 0);
  REQUIRE(talk.engine.counters().refused == 1);
  REQUIRE(talk.host->closed);
}

TEST_CASE("the forwarder's refusal is told") {
  TcpTalk talk;
  SECTION("refused") {
    talk.refusal = TcpRefusal::refused;
    talk.send_syn();
    talk.expect("RA");
  }
  SECTION("prohibited") {
    talk.refusal = TcpRefusal::prohibited;
    talk.send_syn();
    REQUIRE(talk.icmp_errors.at(0).reason == Unreachable::prohibited);
    REQUIRE(talk.drops[DropReason::policy_denied] == 1);
  }
  SECTION("busy is silence") {
    talk.refusal = TcpRefusal::busy;
    talk.send_syn();
  }
  SECTION("no forwarder at all") {
    talk.engine.set_forwarder(nullptr);
    talk.send_syn();
    talk.expect("RA");
  }
  talk.expect_nothing();
  REQUIRE(talk.drops.total() == 1);
  REQUIRE(talk.engine.flow_count() == 0);
}

TEST_CASE("options are those that both sides have", "[limit:kTcpMinMss]") {
  TcpTalk talk;
  SECTION("all of them") {
    talk.syn_options.mss = 1400;
    talk.syn_options.window_scale = 3;
    talk.syn_options.sack_permitted = true;
    talk.timestamps = true;
    talk.send_syn();
    const Sent answer = talk.expect("SA");
    REQUIRE(answer.tcp.options.mss == 1460);
    REQUIRE(answer.tcp.options.window_scale);
    REQUIRE(answer.tcp.options.sack_permitted);
    REQUIRE(answer.tcp.options.timestamps->echo == 5000);
    talk.their_next = answer.end();
    talk.timestamp_echo = answer.tcp.options.timestamps->value;
    talk.window = 1000;
    talk.send(talk.segment("A"));
    talk.host->say(pattern(20000));
    talk.settle();
    const Sent text = talk.expect("A");
    REQUIRE(text.segment_size == 1388);  // their MSS less the timestamps
    REQUIRE(text.text.size() == 8000 / 1388 * 1388);
    REQUIRE(text.tcp.options.timestamps);
    REQUIRE(text.tcp.window == 65536 >> *answer.tcp.options.window_scale);
  }
  SECTION("none of them") {
    talk.host->room = 1 << 20;
    talk.send_syn();
    const Sent answer = talk.expect("SA");
    REQUIRE(answer.tcp.options.mss == 1460);
    REQUIRE_FALSE(answer.tcp.options.window_scale);
    REQUIRE_FALSE(answer.tcp.options.sack_permitted);
    REQUIRE_FALSE(answer.tcp.options.timestamps);
    REQUIRE(answer.tcp.window == 65535);
    talk.their_next = answer.end();
    talk.send(talk.segment("A"));
    talk.host->say(pattern(3000));
    talk.settle();
    REQUIRE(talk.expect("A").segment_size == 536);  // RFC 9293 3.7.1
  }
  SECTION("an MSS that asks for too many segments is raised") {
    talk.syn_options.mss = 1;
    talk.connect();
    talk.host->say(pattern(500));
    talk.settle();
    REQUIRE(talk.expect("A").segment_size == limits::kTcpMinMss);
  }
  SECTION("a window scale beyond 14 means 14") {
    talk.syn_options.window_scale = 200;
    talk.window = 1;
    talk.connect();
    talk.host->say(pattern(20000));
    talk.settle();
    REQUIRE(talk.expect("A").end() - talk.their_next > 0);
  }
}

TEST_CASE("IPv6 takes its own header sizes") {
  TcpTalk talk;
  talk.endpoint = {*IpAddress::parse("fd00::2"), 40000};
  talk.far = {*IpAddress::parse("2001:db8::1"), 443};
  talk.send_syn();
  REQUIRE(talk.expect("SA").tcp.options.mss == 1440);
}

TEST_CASE("a lost SYN-ACK is sent again", "[limit:kTcpSynRetries]") {
  TcpTalk talk;
  talk.send_syn();
  const Sent first = talk.expect("SA");
  SECTION("when the timer says so, with growing patience, then given up") {
    unsigned again = 0;
    for (int s = 0; s < 120; ++s) {
      talk.tick(1s);
      while (!talk.sent.empty() && talk.sent.front().tcp.flags.syn) {
        REQUIRE(talk.expect("SA").tcp.sequence == first.tcp.sequence);
        ++again;
      }
    }
    REQUIRE(again == limits::kTcpSynRetries);
    REQUIRE(talk.engine.flow_count() == 0);
    REQUIRE(talk.host->aborted);
    REQUIRE(talk.engine.counters().timed_out == 1);
  }
  SECTION("when the endpoint's SYN comes again") {
    talk.our_next = TcpSequence{1000};
    talk.send_syn();
    REQUIRE(talk.expect("SA").tcp.sequence == first.tcp.sequence);
    talk.their_next = first.end();
    talk.send(talk.segment("A"));
    REQUIRE(talk.state() == "ESTABLISHED");
  }
}

TEST_CASE("an answer to our SYN-ACK that acknowledges something else is reset") {
  TcpTalk talk;
  talk.send_syn();
  talk.their_next = talk.expect("SA").end() + 77U;
  talk.send(talk.segment("A"));
  const Sent reset = talk.expect("R");
  REQUIRE(reset.tcp.sequence == talk.their_next);
  REQUIRE(talk.state() == "SYN-RECEIVED");
}

TEST_CASE("the first segment of the endpoint may carry text and even the end") {
  TcpTalk talk;
  talk.send_syn();
  talk.their_next = talk.expect("SA").end();
  talk.send(talk.segment("FA", "GET /"));
  REQUIRE(talk.host->written == "GET /");
  REQUIRE(talk.host->write_shut);
  REQUIRE(talk.state() == "CLOSE-WAIT");
  talk.expect_ack();
}

namespace {

// A client of a published port was accepted, and our SYN has gone to the endpoint.
struct PublishedOpening {
  PublishedOpening() {
    talk.syn_options.mss = 1000;
    talk.host->readable = "early";
    REQUIRE(talk.engine.open(talk.published_key(), std::make_unique<ScriptedStream>(talk.host),
                             talk.now));
    talk.settle();
    syn = talk.expect("S");
    REQUIRE(syn.tcp.source_port == talk.far.port);
    REQUIRE(syn.tcp.options.mss == 1460);
    REQUIRE(syn.tcp.options.sack_permitted);
    REQUIRE(syn.tcp.options.timestamps);
    REQUIRE(syn.tcp.options.window_scale);
    REQUIRE(talk.state() == "SYN-SENT");
    talk.their_next = syn.end();
  }

  TcpTalk talk;
  Sent syn;
};

}  // namespace

TEST_CASE_METHOD(PublishedOpening, "a published port opens toward the endpoint") {
  SECTION("data that waits flows with the acknowledgement of the SYN") {
    talk.send(talk.segment("SA"));
    const Sent text = talk.expect_text("early");
    REQUIRE(text.tcp.acknowledgement == talk.our_next);
    REQUIRE_FALSE(text.tcp.options.timestamps);  // the endpoint has none
    talk.expect_nothing();
    REQUIRE_FALSE(talk.engine.flows().at(0).from_endpoint);
    REQUIRE(talk.engine.flows().at(0).flow.initiator == talk.far);
  }
  SECTION("a client that has ended already is told by FIN after its data") {
    talk.host->ended = true;
    talk.send(talk.segment("SA"));
    talk.expect_text("early");
    talk.expect("FA");
    REQUIRE(talk.state() == "FIN-WAIT-1");
  }
  SECTION("a refusal resets the client") {
    talk.send(talk.segment("RA"));
    REQUIRE(talk.host->aborted);
    REQUIRE(talk.engine.flow_count() == 0);
    REQUIRE(talk.engine.counters().refused == 1);
  }
  SECTION("a reset that acknowledges nothing of ours is not believed") {
    talk.their_next = syn.tcp.sequence;
    talk.send(talk.segment("RA"));
    REQUIRE_FALSE(talk.host->aborted);
    talk.expect_nothing();
  }
  SECTION("an old acknowledgement is reset, the SYN goes again") {
    talk.their_next = syn.end() + 5U;
    talk.send(talk.segment("A"));
    REQUIRE(talk.expect("R").tcp.sequence == talk.their_next);
    talk.tick(1s);
    talk.expect("S");
  }
}

TEST_CASE_METHOD(PublishedOpening,
                 "an opening toward the endpoint that does not go its usual way") {
  SECTION("silence resets the client after the last try") {
    unsigned again = 0;
    for (int s = 0; s < 120; ++s) {
      talk.tick(1s);
      for (; !talk.sent.empty(); ++again)
        talk.expect("S");
    }
    REQUIRE(again == limits::kTcpSynRetries);
    REQUIRE(talk.host->aborted);
    REQUIRE(talk.engine.flow_count() == 0);
  }
  SECTION("an ICMP error ends the attempt") {
    talk.engine.on_icmp_error(talk.published_key(), Unreachable::host, 0, talk.now);
    REQUIRE(talk.host->aborted);
    REQUIRE(talk.engine.flow_count() == 0);
  }
  SECTION("a client that goes away takes the attempt with it") {
    talk.host->fail(SocketError::reset);
    talk.settle();
    talk.expect("R");
    REQUIRE(talk.engine.flow_count() == 0);
  }
  SECTION("simultaneous open") {
    TcpTalk::Draft theirs = talk.segment("S");
    theirs.tcp.acknowledgement = {};
    talk.send(theirs);
    REQUIRE(talk.expect("SA").tcp.sequence == syn.tcp.sequence);
    REQUIRE(talk.state() == "SYN-RECEIVED");
    TcpTalk::Draft answer = talk.segment("SA");
    answer.tcp.sequence = TcpSequence{1000};
    talk.send(answer);
    REQUIRE(talk.state() == "ESTABLISHED");
    talk.expect_text("early");
  }
  SECTION("the same pair cannot be opened twice") {
    auto second = std::make_shared<ScriptedHost>();
    REQUIRE_FALSE(
        talk.engine.open(talk.published_key(), std::make_unique<ScriptedStream>(second), talk.now));
    REQUIRE(second->aborted);
    REQUIRE(talk.engine.flow_count() == 1);
  }
}

TEST_CASE("initial sequence numbers differ from flow to flow and rise over time") {
  TcpTalk talk;
  talk.send_syn();
  const TcpSequence first = talk.expect("SA").tcp.sequence;
  talk.send(talk.segment("R"));
  talk.tick(10ms);
  talk.send_syn();
  const TcpSequence second = talk.expect("SA").tcp.sequence;
  REQUIRE(second - first == 2500);  // RFC 6528: 4 microseconds each
  talk.endpoint.port = 40001;
  talk.host = std::make_shared<ScriptedHost>();
  talk.send_syn();
  const std::int32_t apart = talk.expect("SA").tcp.sequence - second;
  REQUIRE(std::abs(apart) > 1000);
}
