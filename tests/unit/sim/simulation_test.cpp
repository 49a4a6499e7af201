// What the simulator promises: a seed's run is always the same, and the goodput of TCP is what was
// reviewed. That it finds bugs is shown by planting them; see docs/simulator.md.
#include "tests/sim/simulation.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

#include "tests/sim/goodput.h"
#include "tests/sim/stream_checker.h"

namespace pontoon::sim {
namespace {

TEST_CASE("two runs of a seed are equal, and two seeds differ") {
  for (const std::uint64_t seed : {11ULL, 12ULL, 13ULL}) {
    const Verdict first = Simulation(seed, false).run();
    const Verdict second = Simulation(seed, true).run();
    INFO(first.failure);
    CHECK(first.hash == second.hash);
    CHECK(first.frames == second.frames);
    CHECK(first.frames > 100);
    CHECK_FALSE(second.captures.empty());
    CHECK(Simulation(seed + 100, false).run().hash != first.hash);
  }
}

TEST_CASE("the goodput of TCP is as it was reviewed") {
  std::ifstream file(std::string(PONTOON_SOURCE_DIR) + "/tests/sim/goodput.txt");
  std::stringstream kept;
  kept << file.rdbuf();
  // After a change that is meant: pontoon_sim --goodput >tests/sim/goodput.txt
  CHECK(goodput_table() == kept.str());
}

struct StreamBench {
  Report report;
  Script script{7, {100, 0, true, std::nullopt}, {100, 0, true, std::nullopt}};
  StreamChecker checker{script, report};
};

TEST_CASE("what was said passes, at any place and in any order") {
  StreamBench bench;
  bench.checker.on_said(Way::up, 100);
  bench.checker.on_heard(Way::up, 50, spoken(7, Way::up, 50, 50));
  bench.checker.on_heard(Way::up, 0, spoken(7, Way::up, 0, 60));
  bench.checker.on_shut_down(Way::up, 100);
  bench.checker.on_end(Way::up, 100);
  CHECK_FALSE(bench.report.failed());
}

TEST_CASE("a byte at the wrong place, too early or from elsewhere is found") {
  StreamBench bench;
  bench.checker.on_said(Way::up, 50);
  SECTION("shifted by one") {
    bench.checker.on_heard(Way::up, 11, spoken(7, Way::up, 10, 20));
  }
  SECTION("not yet said") {
    bench.checker.on_heard(Way::up, 40, spoken(7, Way::up, 40, 20));
  }
  SECTION("another conversation's") {
    bench.checker.on_heard(Way::up, 10, spoken(8, Way::up, 10, 20));
  }
  SECTION("the other way's") {
    bench.checker.on_heard(Way::up, 10, spoken(7, Way::down, 10, 20));
  }
  CHECK(bench.report.failed());
}

TEST_CASE("an orderly end before the last byte is found, unless the daemon died") {
  StreamBench bench;
  bench.checker.on_said(Way::down, 100);
  bench.checker.on_shut_down(Way::down, 100);
  const bool disturbed = GENERATE(false, true);
  if (disturbed) bench.checker.disturb();
  bench.checker.on_end(Way::down, 99);
  CHECK(bench.report.failed() == !disturbed);
}

TEST_CASE("a conversation's first bytes tell whose they are") {
  CHECK(id_of(spoken(0x01020304, Way::up, 0, 20), Way::up) == 0x01020304);
  CHECK_FALSE(id_of(spoken(7, Way::up, 0, 20), Way::down));
  CHECK_FALSE(id_of("sim>", Way::up));
}

Bytes frame_between(const MacAddress& from, const MacAddress& to) {
  test::PacketEnds ends = test::between("10.20.0.2", "10.20.0.3");
  ends.source_mac = from;
  ends.target_mac = to;
  return test::udp_frame(ends, 1, 2, as_bytes("text"));
}

struct LedgerBench {
  LedgerBench() {
    ledger.add_network("one", test::mac("02:00:00:00:00:01"));
    ledger.add_network("two", test::mac("02:00:00:00:00:11"));
    ledger.add_member("a", "one", a);
    ledger.add_member("b", "one", b);
    ledger.add_member("c", "one", c);
    ledger.add_member("d", "two", d);
  }
  void see(const char* where, FrameEvent event, const Bytes& frame,
           std::optional<DropReason> reason = std::nullopt) {
    ledger.on_frame(where, event, frame, reason, Instant{});
  }
  bool failed() {
    ledger.close();
    return report.failed();
  }
  const MacAddress a = test::mac("02:00:00:00:00:0a");
  const MacAddress b = test::mac("02:00:00:00:00:0b");
  const MacAddress c = test::mac("02:00:00:00:00:0c");
  const MacAddress d = test::mac("02:00:00:00:00:0d");
  Report report;
  FrameLedger ledger{report};
};

TEST_CASE("frames that reach whom they are for, or are dropped once, pass the ledger") {
  LedgerBench bench;
  const Bytes frame = frame_between(bench.a, bench.b);
  bench.see("a", FrameEvent::from_endpoint, frame);
  SECTION("delivered") {
    bench.see("b", FrameEvent::to_endpoint, frame);
  }
  SECTION("dropped by the switch") {
    bench.see("a", FrameEvent::dropped, frame, DropReason::storm_limit);
  }
  SECTION("dropped at the other's queue") {
    bench.see("b", FrameEvent::dropped, frame, DropReason::port_queue_full);
  }
  CHECK_FALSE(bench.failed());
}

TEST_CASE("the ledger finds frames that are lost, doubled, misled or made up") {
  LedgerBench bench;
  const Bytes frame = frame_between(bench.a, bench.b);
  bench.see("a", FrameEvent::from_endpoint, frame);
  SECTION("lost") {}
  SECTION("delivered twice") {
    bench.see("b", FrameEvent::to_endpoint, frame);
    bench.see("b", FrameEvent::to_endpoint, frame);
  }
  SECTION("to another") {
    bench.see("c", FrameEvent::to_endpoint, frame);
  }
  SECTION("to another network") {
    bench.see("d", FrameEvent::to_endpoint, frame);
  }
  SECTION("back to its sender") {
    bench.see("a", FrameEvent::to_endpoint, frame);
  }
  SECTION("dropped by the guard, though honest") {
    bench.see("a", FrameEvent::dropped, frame, DropReason::guard_source_ip);
  }
  SECTION("delivered and dropped") {
    bench.see("b", FrameEvent::to_endpoint, frame);
    bench.see("a", FrameEvent::dropped, frame, DropReason::storm_limit);
  }
  CHECK(bench.failed());
}

TEST_CASE("a forged frame must be dropped") {
  LedgerBench bench;
  const Bytes frame = frame_between(bench.a, bench.b);
  bench.ledger.intend(FrameLedger::Intent::forged);
  bench.see("c", FrameEvent::from_endpoint, frame);
  SECTION("dropped") {
    bench.see("c", FrameEvent::dropped, frame, DropReason::guard_source_mac);
    CHECK_FALSE(bench.failed());
  }
  SECTION("delivered") {
    bench.see("b", FrameEvent::to_endpoint, frame);
    CHECK(bench.failed());
  }
  SECTION("neither") {
    CHECK(bench.failed());
  }
}

}  // namespace
}  // namespace pontoon::sim
