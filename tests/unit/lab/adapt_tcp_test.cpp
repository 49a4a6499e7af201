#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "lab/replay/adapt.h"
#include "tests/unit/lab/adapt_home.h"

namespace pontoon::test {
namespace {

using lab::Adapter;

constexpr wire::TcpFlags kSyn{.syn = true};
constexpr wire::TcpFlags kSynAck{.syn = true, .ack = true};
constexpr wire::TcpFlags kAck{.ack = true};
constexpr wire::TcpFlags kFinAck{.fin = true, .ack = true};
constexpr wire::TcpFlags kResetAck{.rst = true, .ack = true};

wire::TcpRepr segment(std::uint16_t from, std::uint16_t to, std::uint32_t sequence,
                      std::uint32_t acknowledgement, wire::TcpFlags flags) {
  wire::TcpRepr repr;
  repr.source_port = from;
  repr.destination_port = to;
  repr.sequence = {sequence};
  repr.acknowledgement = {acknowledgement};
  repr.flags = flags;
  repr.window = 1000;
  return repr;
}

// A client's connection to 93.184.216.34:80: captured server's first number 500, ours 9000.
struct Connection {
  Connection() {
    wire::TcpRepr captured = segment(80, 40000, 500, 101, kSynAck);
    captured.options.timestamps = {{7000, 10}};
    capture.add(tcp_frame(to_web(), segment(40000, 80, 100, 0, kSyn)))
        .add(tcp_frame(to_web().reversed(), captured));
  }
  void open(Adapter& adapter) {
    wire::TcpRepr syn = segment(40000, 80, 100, 0, kSyn);
    syn.options.sack_permitted = true;
    syn.options.timestamps = {{10, 0}};
    syn.options.window_scale = 7;
    Bytes frame = tcp_frame(to_web(), syn);
    adapter.adapt("web", frame);
    offered = sound(frame).tcp->options;
    wire::TcpRepr ours = segment(80, 40000, 9000, 101, kSynAck);
    ours.options.timestamps = {{200, 10}};
    answer(adapter, ours);
  }
  void answer(Adapter& adapter, const wire::TcpRepr& repr, ByteView payload = {}) {
    Bytes frame = tcp_frame(to_web().reversed(), repr, payload);
    const Bytes before = frame;
    adapter.on_sent("web", frame);
    CHECK(frame == before);
  }
  wire::TcpRepr adapted(Adapter& adapter, const wire::TcpRepr& repr) {
    Bytes frame = tcp_frame(to_web(), repr, pattern(7));
    adapter.adapt("web", frame);
    return *sound(frame).tcp;
  }

  CaptureBuilder capture;
  wire::TcpOptions offered;
};

TEST_CASE("adapt: acknowledgements, SACK and the timestamps' echo move to our numbers") {
  Connection talk;
  Adapter adapter(home(), talk.capture.file());
  talk.open(adapter);
  talk.answer(adapter, segment(80, 40000, 9001, 101, kAck), pattern(300));
  wire::TcpRepr said = segment(40000, 80, 101, 601, kAck);
  said.options.timestamps = {{11, 7000}};
  said.options.add_sack({{701}, {801}});
  const wire::TcpRepr got = talk.adapted(adapter, said);
  CHECK(got.sequence.value == 101);
  CHECK(got.acknowledgement.value == 9101);
  CHECK(got.options.timestamps->echo == 200);
  CHECK(got.options.timestamps->value == 11);
  REQUIRE(got.options.sack_count == 1);
  CHECK(got.options.sack[0] == wire::TcpSackBlock{{9201}, {9301}});
}

TEST_CASE("adapt: nothing is acknowledged that our side has not said") {
  Connection talk;
  Adapter adapter(home(), talk.capture.file());
  talk.open(adapter);
  CHECK(talk.adapted(adapter, segment(40000, 80, 101, 5000, kAck)).acknowledgement.value == 9001);
  wire::TcpRepr late = segment(40000, 80, 101, 501, kAck);
  late.options.timestamps = {{11, 999999}};
  CHECK(talk.adapted(adapter, late).options.timestamps->echo == 200);
}

TEST_CASE("adapt: what the captured server declined is taken out of the SYN") {
  Connection talk;
  Adapter adapter(home(), talk.capture.file());
  talk.open(adapter);
  CHECK(talk.offered.timestamps);
  CHECK_FALSE(talk.offered.sack_permitted);
  CHECK_FALSE(talk.offered.window_scale);
}

TEST_CASE("adapt: without a captured SYN-ACK its number is deduced from the first ACK") {
  CaptureBuilder nothing;
  Connection talk;
  Adapter adapter(home(), nothing.file());
  talk.open(adapter);
  CHECK(talk.offered.sack_permitted);
  talk.answer(adapter, segment(80, 40000, 9001, 101, kAck), pattern(300));
  CHECK(talk.adapted(adapter, segment(40000, 80, 101, 501, kAck)).acknowledgement.value == 9001);
  CHECK(talk.adapted(adapter, segment(40000, 80, 101, 511, kAck)).acknowledgement.value == 9011);
}

TEST_CASE("adapt: the last acknowledgement is of all that our side has said, be it more or less") {
  Connection talk;
  talk.capture.add(tcp_frame(to_web(), segment(40000, 80, 101, 501, kAck)))
      .add(tcp_frame(to_web(), segment(40000, 80, 101, 601, kAck)))
      .add(tcp_frame(to_web(), segment(40000, 80, 101, 602, kAck)));  // with the FIN
  Adapter adapter(home(), talk.capture.file());
  talk.open(adapter);
  talk.answer(adapter, segment(80, 40000, 9001, 101, kAck), pattern(300));
  CHECK(talk.adapted(adapter, segment(40000, 80, 101, 551, kAck)).acknowledgement.value == 9051);
  CHECK(talk.adapted(adapter, segment(40000, 80, 101, 601, kAck)).acknowledgement.value == 9301);
  CHECK(talk.adapted(adapter, segment(40000, 80, 101, 602, kAck)).acknowledgement.value == 9301);
}

// A peer that has both FINs acknowledged forgets the connection, and resets what comes after.
TEST_CASE("adapt: our FIN is acknowledged by the last acknowledgement only") {
  Connection talk;
  talk.capture.add(tcp_frame(to_web(), segment(40000, 80, 101, 501, kAck)))
      .add(tcp_frame(to_web(), segment(40000, 80, 101, 801, kAck)))
      .add(tcp_frame(to_web(), segment(40000, 80, 101, 802, kAck)));  // with the FIN
  Adapter adapter(home(), talk.capture.file());
  talk.open(adapter);
  talk.answer(adapter, segment(80, 40000, 9001, 101, kFinAck), pattern(100));
  const auto acknowledged = [&](std::uint32_t theirs) {
    return talk.adapted(adapter, segment(40000, 80, 101, theirs, kAck)).acknowledgement.value;
  };
  CHECK(acknowledged(551) == 9051);
  CHECK(acknowledged(701) == 9101);
  CHECK(acknowledged(801) == 9101);
  CHECK(acknowledged(802) == 9102);
}

TEST_CASE("adapt: numbers wrap around") {
  CaptureBuilder capture;
  capture.add(tcp_frame(to_web(), segment(40000, 80, 100, 0, kSyn)))
      .add(tcp_frame(to_web().reversed(), segment(80, 40000, 0xfffffff0, 101, kSynAck)));
  Connection talk;
  Adapter adapter(home(), capture.file());
  talk.open(adapter);
  talk.answer(adapter, segment(80, 40000, 9001, 101, kAck), pattern(300));
  CHECK(talk.adapted(adapter, segment(40000, 80, 101, 5, kAck)).acknowledgement.value == 9021);
}

// A client outside comes through the published port 80 of 192.168.1.5. Captured: from
// 203.0.113.9:5000 with the first number 700 and a clock of 50; what the station said began at 300.
struct Published {
  static PacketEnds from_client(const char* address = "203.0.113.9") {
    return outwards(kClientMac, "192.168.1.5", address).reversed();
  }
  static wire::TcpRepr captured_syn() {
    wire::TcpRepr syn = segment(5000, 80, 700, 0, kSyn);
    syn.options.timestamps = {{50, 0}};
    return syn;
  }
  static wire::TcpRepr syn_ack() {
    wire::TcpRepr out = segment(80, 5000, 300, 701, kSynAck);
    out.options.sack_permitted = true;
    out.options.window_scale = 7;
    out.options.timestamps = {{4000, 50}};
    return out;
  }
  static wire::TcpRepr our_syn(std::uint16_t port, std::uint32_t initial) {
    wire::TcpRepr syn = segment(port, 80, initial, 0, kSyn);
    syn.options.sack_permitted = true;
    syn.options.timestamps = {{90000, 0}};
    return syn;
  }
  static void send(Adapter& adapter, const wire::TcpRepr& repr, ByteView payload = {},
                   const char* from = "203.0.113.9") {
    Bytes frame = tcp_frame(from_client(from), repr, payload);
    const Bytes before = frame;
    adapter.on_sent("web", frame);
    CHECK(frame == before);
  }
  static Dissected say(Adapter& adapter, const wire::TcpRepr& repr,
                       const char* to = "203.0.113.9") {
    Bytes frame = tcp_frame(from_client(to).reversed(), repr, pattern(5));
    adapter.adapt("web", frame);
    return sound(frame);
  }
  static wire::TcpRepr said(Adapter& adapter, const wire::TcpRepr& repr) {
    return *say(adapter, repr).tcp;
  }

  CaptureBuilder capture;
};

TEST_CASE("adapt: who answers our SYN answers its number and its clock") {
  Published talk;
  talk.capture.add(tcp_frame(Published::from_client(), Published::captured_syn()));
  Adapter adapter(home(), talk.capture.file());
  Published::send(adapter, Published::our_syn(5000, 9000));
  const wire::TcpRepr answer = Published::said(adapter, Published::syn_ack());
  CHECK(answer.sequence.value == 300);
  CHECK(answer.acknowledgement.value == 9001);
  CHECK(answer.options.timestamps == wire::TcpTimestamps{4000, 90000});
  CHECK(answer.options.sack_permitted);
  CHECK_FALSE(answer.options.window_scale);  // which our SYN did not offer

  wire::TcpRepr request = segment(5000, 80, 9001, 301, kAck);
  request.options.timestamps = {{90007, 4000}};
  Published::send(adapter, request, pattern(200));
  wire::TcpRepr later = segment(80, 5000, 301, 751, kAck);
  later.options.timestamps = {{4001, 55}};
  later.options.add_sack({{801}, {851}});
  const wire::TcpRepr got = Published::said(adapter, later);
  CHECK(got.sequence.value == 301);
  CHECK(got.acknowledgement.value == 9051);
  CHECK(got.options.timestamps == wire::TcpTimestamps{4001, 90005});
  CHECK(got.options.sack[0] == wire::TcpSackBlock{{9101}, {9151}});
  // Not more than was sent; and the SYN-ACK once more is what it was.
  CHECK(Published::said(adapter, segment(80, 5000, 301, 2000, kAck)).acknowledgement.value == 9201);
  CHECK(Published::said(adapter, Published::syn_ack()).acknowledgement.value == 9001);
}

TEST_CASE("adapt: without the captured SYN its number is what the SYN-ACK acknowledges") {
  CaptureBuilder nothing;
  Adapter adapter(home(), nothing.file());
  Published::send(adapter, Published::our_syn(5000, 9000));
  CHECK(Published::said(adapter, Published::syn_ack()).acknowledgement.value == 9001);
  Published::send(adapter, segment(5000, 80, 9001, 301, kAck), pattern(60));
  CHECK(Published::said(adapter, segment(80, 5000, 301, 751, kAck)).acknowledgement.value == 9051);
}

TEST_CASE("adapt: the station's last acknowledgement is of all that our client has said") {
  const PacketEnds out = Published::from_client().reversed();
  Published talk;
  talk.capture.add(tcp_frame(out, Published::syn_ack()))
      .add(tcp_frame(out, segment(80, 5000, 301, 801, kAck)))
      .add(tcp_frame(out, segment(80, 5000, 301, 802, kAck)));
  Adapter adapter(home(), talk.capture.file());
  Published::send(adapter, Published::our_syn(5000, 9000));
  Published::said(adapter, Published::syn_ack());
  Published::send(adapter, segment(5000, 80, 9001, 301, kFinAck), pattern(200));
  CHECK(Published::said(adapter, segment(80, 5000, 301, 801, kAck)).acknowledgement.value == 9201);
  CHECK(Published::said(adapter, segment(80, 5000, 301, 802, kAck)).acknowledgement.value == 9202);
}

TEST_CASE("adapt: what is said to the captured client goes to ours, whatever its port or address") {
  Published talk;
  talk.capture.add(tcp_frame(Published::from_client(), Published::captured_syn()));
  for (const char* address : {"203.0.113.9", "192.168.1.1"}) {
    Adapter adapter(home(), talk.capture.file());
    Published::send(adapter, Published::our_syn(61000, 9000), {}, address);
    const Dissected answer = Published::say(adapter, Published::syn_ack());
    CHECK(answer.target == ip(address));
    CHECK(answer.tcp->destination_port == 61000);
    CHECK(answer.tcp->acknowledgement.value == 9001);
    Published::send(adapter, segment(61000, 80, 9001, 301, kAck), pattern(10), address);
    const Dissected data = Published::say(adapter, segment(80, 5000, 301, 706, kAck));
    CHECK(data.target == ip(address));
    CHECK(data.tcp->destination_port == 61000);
    CHECK(data.tcp->acknowledgement.value == 9006);
  }
}

TEST_CASE("adapt: of several SYNs an answer takes its own, the same address, the oldest") {
  const auto open = [](Adapter& adapter) {
    Published::send(adapter, Published::our_syn(61000, 1000), {}, "203.0.113.7");
    Published::send(adapter, Published::our_syn(61001, 2000));
    Published::send(adapter, Published::our_syn(61002, 3000));
    Published::send(adapter, Published::our_syn(5000, 4000));
  };
  const auto number = [](Adapter& adapter, std::uint16_t port) {
    wire::TcpRepr answer = Published::syn_ack();
    answer.destination_port = port;
    return Published::said(adapter, answer).acknowledgement.value;
  };
  CaptureBuilder nothing;
  Adapter adapter(home(), nothing.file());
  open(adapter);
  CHECK(number(adapter, 5000) == 4001);
  CHECK(number(adapter, 5001) == 2001);
  CHECK(number(adapter, 5002) == 3001);
  CHECK(number(adapter, 5003) == 1001);
  CHECK(number(adapter, 5004) == 701);  // nobody is left, and it passes unchanged
  // A SYN that stands in the capture waits for its own answer.
  CaptureBuilder known;
  wire::TcpRepr syn = Published::captured_syn();
  syn.source_port = 61001;
  known.add(tcp_frame(Published::from_client(), syn));
  Adapter other(home(), known.file());
  open(other);
  CHECK(number(other, 5009) == 3001);
  CHECK(number(other, 61001) == 2001);
}

TEST_CASE("adapt: a port whose connections come one after the other, and a refusal") {
  CaptureBuilder nothing;
  Adapter adapter(home(), nothing.file());
  Published::send(adapter, Published::our_syn(5000, 1000));
  Published::send(adapter, Published::our_syn(5000, 1000));  // once more
  CHECK(Published::said(adapter, Published::syn_ack()).acknowledgement.value == 1001);
  Published::send(adapter, Published::our_syn(5000, 7000));
  wire::TcpRepr refusal = segment(80, 5000, 0, 901, kResetAck);
  CHECK(Published::said(adapter, refusal).acknowledgement.value == 7001);
  // The same ends, opened by the station.
  Published::said(adapter, segment(80, 5000, 100, 0, kSyn));
  Published::send(adapter, segment(5000, 80, 8000, 101, kSynAck));
  CHECK(Published::said(adapter, segment(80, 5000, 101, 31, kAck)).acknowledgement.value == 8001);
}

TEST_CASE("adapt: between two captured stations nothing changes") {
  Published talk;
  Adapter adapter(home(), talk.capture.file());
  Published::send(adapter, Published::captured_syn());
  for (wire::TcpRepr repr : {Published::syn_ack(), segment(80, 5000, 301, 5000, kAck)}) {
    Bytes frame = tcp_frame(Published::from_client().reversed(), repr, pattern(5));
    const Bytes before = frame;
    adapter.adapt("web", frame);
    CHECK(frame == before);
  }
}

// Whatever both sides say: ours passes untouched, and of the station's only what speaks of our side
// changes, with its checksum.
void judge_segment(Adapter& adapter, bool from_station, const wire::TcpRepr& repr,
                   const char* address) {
  const PacketEnds in = Published::from_client(address);
  Bytes frame =
      tcp_frame(from_station ? in.reversed() : in, repr, pattern(*rc::gen::inRange(0, 9)));
  const Bytes before = frame;
  if (!from_station) {
    adapter.on_sent("web", frame);
    RC_ASSERT(frame == before);
    return;
  }
  adapter.adapt("web", frame);
  RC_ASSERT(frame.size() == before.size());
  const Dissected got = dissect(frame);
  RC_ASSERT(got.problem.empty());
  RC_ASSERT(got.source == in.target);
  RC_ASSERT(got.tcp->source_port == repr.source_port);
  RC_ASSERT(got.tcp->sequence == repr.sequence);
  RC_ASSERT(got.tcp->flags == repr.flags);
  RC_ASSERT(got.tcp->window == repr.window);
  RC_ASSERT(got.payload == dissect(before).payload);
}

TEST_CASE("adapt: connections in any disorder stay sound") {
  const auto holds = [] {
    Published talk;
    talk.capture.add(tcp_frame(Published::from_client(), Published::captured_syn()));
    talk.capture.add(tcp_frame(Published::from_client().reversed(), Published::syn_ack()));
    Adapter adapter(home(), talk.capture.file());
    const auto number = rc::gen::element<std::uint32_t>(0, 1, 300, 700, 701, 9000, 0xffffffff);
    for (int left = *rc::gen::inRange(1, 60); left > 0; --left) {
      const bool from_station = *rc::gen::arbitrary<bool>();
      const auto port = *rc::gen::element<std::uint16_t>(5000, 5001, 61000);
      wire::TcpRepr repr =
          segment(from_station ? 80 : port, from_station ? port : 80, *number, *number,
                  wire::TcpFlags::from_bits(*rc::gen::arbitrary<std::uint8_t>()));
      repr.options.sack_permitted = *rc::gen::arbitrary<bool>();
      if (*rc::gen::arbitrary<bool>()) repr.options.timestamps = {{*number, *number}};
      if (*rc::gen::arbitrary<bool>()) repr.options.add_sack({{*number}, {*number}});
      judge_segment(adapter, from_station, repr,
                    *rc::gen::element("203.0.113.9", "203.0.113.10", "192.168.1.1"));
    }
  };
  REQUIRE(rc::check(holds));
}

TEST_CASE("adapt: of the SYNs that nobody answers the oldest are forgotten",
          "[limit:kAdaptedFlows]") {
  CaptureBuilder nothing;
  Adapter adapter(home(), nothing.file());
  for (unsigned i = 0; i <= limits::kAdaptedFlows; ++i) {
    Published::send(adapter, Published::our_syn(static_cast<std::uint16_t>(2000 + i), 9000 + i));
  }
  wire::TcpRepr answer = Published::syn_ack();
  answer.destination_port = 2001;
  CHECK(Published::said(adapter, answer).acknowledgement.value == 9002);
  // The very first is not known any more; an answer to it takes the oldest of those that wait.
  answer.destination_port = 2000;
  const Dissected got = Published::say(adapter, answer);
  CHECK(got.tcp->destination_port == 2000 + limits::kAdaptedFlows - 63);
}

TEST_CASE("adapt: a wrong checksum stays wrong, and before our answer nothing changes") {
  Connection talk;
  Adapter adapter(home(), talk.capture.file());
  Bytes early = tcp_frame(to_web(), segment(40000, 80, 101, 501, kAck));
  const Bytes before = early;
  adapter.adapt("web", early);
  CHECK(early == before);
  talk.open(adapter);
  Bytes wrong = before;
  wrong[14 + 20 + 16] ^= 0x40;
  adapter.adapt("web", wrong);
  CHECK(wrong != before);
  CHECK_FALSE(dissect(wrong).tcp);
}

TEST_CASE("adapt: bytes of any kind pass") {
  Connection talk;
  Adapter adapter(home(), talk.capture.file());
  talk.open(adapter);
  Published::send(adapter, Published::our_syn(5000, 9000));
  Published::said(adapter, Published::syn_ack());
  const Bytes tcp = tcp_frame(to_web(), segment(40000, 80, 101, 501, kAck), pattern(20));
  const Bytes answer = tcp_frame(Published::from_client().reversed(), Published::syn_ack());
  const Bytes dialled = tcp_frame(Published::from_client(), Published::our_syn(5000, 9000));
  const Bytes dhcp =
      dhcp_frame(DhcpClient::numbered(1).select(ip4("192.168.1.50"), ip4("192.168.1.9")));
  for (const Bytes& whole : {tcp, answer, dialled, dhcp}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      adapter.adapt("web", cut);
      adapter.on_sent("web", cut);
      CHECK(cut.size() == size);
    }
    for (std::size_t at = 12; at < whole.size(); ++at) {
      for (const unsigned value : {0x00U, 0x7fU, 0xffU}) {
        Bytes bent = whole;
        bent[at] = static_cast<std::uint8_t>(value);
        adapter.adapt("web", bent);
        adapter.on_sent("web", bent);
        CHECK(bent.size() == whole.size());
      }
    }
  }
}

}  // namespace
}  // namespace pontoon::test
