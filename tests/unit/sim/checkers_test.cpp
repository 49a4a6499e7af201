// The simulator's smaller checkers pass what is right and find what is not.
#include <catch2/catch.hpp>

#include "lab/world/world.h"
#include "tests/sim/book_checker.h"
#include "tests/sim/frame_inspector.h"
#include "tests/sim/reference_tcp.h"
#include "tests/sim/switch_arena.h"
#include "tests/support/packets.h"

namespace pontoon::sim {
namespace {

using namespace std::chrono_literals;
using test::Bytes;

Bytes segment(std::size_t length) {
  wire::TcpRepr repr;
  repr.source_port = 80;
  repr.destination_port = 30000;
  repr.flags.ack = true;
  return test::tcp_frame(test::between("198.51.100.1", "10.20.0.2"), repr, test::pattern(length));
}

TEST_CASE("frames that are right pass the inspector, of odd and even lengths") {
  const test::PacketEnds ends = test::between("198.51.100.1", "10.20.0.2");
  const std::size_t length = GENERATE(0U, 1U, 2U, 31U, 1400U);
  CHECK_FALSE(fault_of(segment(length)));
  CHECK_FALSE(fault_of(test::udp_frame(ends, 53, 5353, test::pattern(length))));
  CHECK_FALSE(fault_of(test::echo_frame(ends, false, 7, 1, test::pattern(length))));
  CHECK_FALSE(fault_of(test::arp_frame({})));
}

TEST_CASE("any octet of an IPv4 packet that is another is found") {
  const Bytes right = segment(5);
  for (std::size_t at = 14; at < right.size(); ++at) {
    Bytes wrong = right;
    wrong[at] ^= 0x10;
    INFO("octet " << at);
    CHECK(fault_of(wrong));
  }
}

TEST_CASE("lengths that do not fit are found") {
  Bytes frame = segment(100);
  SECTION("cut") {
    frame.pop_back();
  }
  SECTION("longer than it says") {
    frame.push_back(0);
  }
  SECTION("no header") {
    frame.resize(20);
  }
  SECTION("another EtherType") {
    frame[12] = 0x81;
  }
  CHECK(fault_of(frame));
}

struct Book {
  dhcp::Lease bind(const char* text) {
    const auto lease = book.bind({client, {}, {}}, test::ip4(text), until, now);
    return **lease;
  }
  Instant now{5000s};
  Instant until = now + 60s;
  MacAddress client = test::mac("02:00:00:00:00:01");
  TimerQueue timers;
  dhcp::LeaseBook book{{1, "net", *IpPrefix::parse("10.0.0.0/24"), test::ip4("10.0.0.1"), {}},
                       timers};
  Report report;
  BookChecker checker{report};
};

TEST_CASE("a promise that the book keeps passes, any other is found") {
  Book bench;
  const dhcp::Lease lease = bench.bind("10.0.0.7");
  bench.checker.check_promise(bench.book, lease.address, bench.client, bench.until);
  bench.checker.check_ends(bench.book, bench.now);
  bench.checker.check_share(bench.book, bench.client);
  bench.checker.check_disk(bench.book, {lease});
  REQUIRE_FALSE(bench.report.failed());
  SECTION("to another client") {
    bench.checker.check_promise(bench.book, lease.address, test::mac("02:00:00:00:00:02"),
                                bench.until);
  }
  SECTION("for longer") {
    bench.checker.check_promise(bench.book, lease.address, bench.client, bench.until + 2s);
  }
  SECTION("of an address that nobody has") {
    bench.checker.check_promise(bench.book, test::ip4("10.0.0.8"), bench.client, bench.until);
  }
  SECTION("a lease that has outlived its end") {
    bench.checker.check_ends(bench.book, bench.until + 2s);
  }
  SECTION("the disk knows nothing") {
    bench.checker.check_disk(bench.book, {});
  }
  SECTION("the disk knows more") {
    dhcp::Lease other = lease;
    other.address = test::ip4("10.0.0.9");
    bench.checker.check_disk(bench.book, {lease, other});
  }
  CHECK(bench.report.failed());
}

TEST_CASE("the switch does as its model says, and two runs are equal") {
  Report report;
  SwitchArena first(7, report);
  first.run(500);
  SwitchArena second(7, report);
  second.run(500);
  INFO(report.failure());
  CHECK_FALSE(report.failed());
  CHECK(first.hash() == second.hash());
  CHECK(first.frames() > 200);
}

// A peer that is told what to send.
struct TcpBench {
  explicit TcpBench(const TcpManners& wanted) : manners(wanted) {
    tcp.connect(now);
    wire::TcpRepr answer = reply();
    answer.flags.syn = true;
    answer.sequence = {peer};
    answer.options.mss = 1460;
    tcp.on_segment(answer, {}, now);
  }
  wire::TcpRepr reply() const {
    wire::TcpRepr out;
    out.flags.ack = true;
    out.window = 60000;
    out.sequence = {peer + 1};
    out.acknowledgement = {1001};
    return out;
  }
  static constexpr std::uint32_t peer = 0xffffff00;
  TcpManners manners;
  Instant now{5000s};
  TimerQueue timers;
  std::string violation;
  ReferenceTcp tcp{manners,
                   1000,
                   {timers, [](const wire::TcpRepr&, std::string_view) {},
                    [](std::uint64_t, std::string_view) {},
                    [this](const std::string& what) { violation = what; }, [] {}}};
};

TEST_CASE("a strict reference TCP bears no repetition, a firm one no shrinking window") {
  TcpManners manners;
  manners.strict = manners.firm = true;
  TcpBench bench(manners);
  bench.tcp.on_segment(bench.reply(), "hello", bench.now);
  REQUIRE(bench.violation.empty());
  SECTION("text comes again") {
    bench.tcp.on_segment(bench.reply(), "hello", bench.now);
  }
  SECTION("the window's edge goes back") {
    wire::TcpRepr less = bench.reply();
    less.sequence += 5;
    less.window = 50000;
    bench.tcp.on_segment(less, {}, bench.now);
  }
  SECTION("a SACK block of what was not agreed upon") {
    wire::TcpRepr told = bench.reply();
    told.sequence += 5;
    told.options.add_sack({{1001}, {1002}});
    bench.tcp.on_segment(told, {}, bench.now);
  }
  SECTION("nothing is answered") {
    bench.tcp.write("text", bench.now);
    bench.timers.run_due(bench.now + 60s, 8);
  }
  CHECK_FALSE(bench.violation.empty());
}

}  // namespace
}  // namespace pontoon::sim
