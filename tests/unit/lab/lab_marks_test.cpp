// Limits of cases and replays.
#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "lab/replay/case.h"
#include "lab/replay/replay.h"
#include "lab/replay/replay_timeline.h"

using namespace pontoon;
using namespace pontoon::lab;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart{5000s};

std::string error_of(const std::string& toml) {
  const auto parsed = parse_case(toml, "case.toml");
  return parsed ? "(no error)" : parsed.error().message;
}

}  // namespace

TEST_CASE("a case has kCaseBytes at most", "[limit:kCaseBytes]") {
  const std::string text = "[[endpoint]]\nname = \"web\"\n";
  CHECK(error_of(text + std::string(limits::kCaseBytes - text.size(), '\n')) == "(no error)");
  CHECK_THAT(error_of(text + std::string(limits::kCaseBytes, '\n')),
             Catch::Contains("longer than"));
}

TEST_CASE("a case has kCaseActors of a kind at most", "[limit:kCaseActors]") {
  std::string text = "[[endpoint]]\nname = \"web\"\n";
  for (std::size_t i = 0; i < limits::kCaseActors; ++i)
    text += "[[udp_service]]\nat = \"192.0.2.1:" + std::to_string(1000 + i) + "\"\n";
  CHECK(error_of(text) == "(no error)");
  CHECK(error_of(text + "[[udp_service]]\nat = \"192.0.2.1:9\"\n") != "(no error)");
}

TEST_CASE("a long silence is played as kReplayGap", "[limit:kReplayGap]") {
  Timeline timeline(0, kStart);
  std::string note;
  const std::int64_t late = Duration(limits::kReplayGap + 1h).count();
  CHECK(timeline.at(late, note) == kStart + limits::kReplayGap);
  CHECK_FALSE(note.empty());
  // What follows keeps its distance.
  CHECK(timeline.at(late + 5, note) == kStart + limits::kReplayGap + 5ns);
}

TEST_CASE("what is kReplaySpan behind the first packet is not played", "[limit:kReplaySpan]") {
  Timeline timeline(0, kStart);
  std::string note;
  Duration position{};
  while (position + limits::kReplayGap <= limits::kReplaySpan) {
    position += limits::kReplayGap;
    REQUIRE(timeline.at(position.count(), note) == kStart + position);
  }
  CHECK_FALSE(timeline.at(Duration(limits::kReplaySpan + 1ns).count(), note));
  CHECK(timeline.at(Duration(limits::kReplaySpan).count(), note) == kStart + limits::kReplaySpan);
}

TEST_CASE("packets may be kReplayClockSlack out of order", "[limit:kReplayClockSlack]") {
  Timeline timeline(0, kStart);
  std::string note;
  const Duration last = 10s;
  REQUIRE(timeline.at(last.count(), note) == kStart + last);
  CHECK(timeline.at((last - limits::kReplayClockSlack).count(), note) == kStart + last);
  CHECK(timeline.at((last + 1s).count(), note) == kStart + last + 1s);
  // Beyond that the clock was set back, and times go on from there.
  const Duration back = last + 1s - limits::kReplayClockSlack - 1s;
  CHECK(timeline.at(back.count(), note) == kStart + last + 1s);
  CHECK(timeline.at((back + 2s).count(), note) == kStart + last + 3s);
}

TEST_CASE("kReplayNotes notes are made about packets, the others counted", "[limit:kReplayNotes]") {
  const auto description =
      parse_case("[[endpoint]]\nname = \"web\"\ninterface = \"web\"\n", "case");
  REQUIRE(description);
  CaptureFile capture;
  capture.interfaces.push_back({});
  capture.interfaces[0].name = "web";
  for (std::size_t i = 0; i < limits::kReplayNotes + 20; ++i) {
    capture::Packet packet;
    packet.direction = capture::Direction::outbound;
    packet.bytes.resize(60);
    packet.original_length = 1514;  // cut
    capture.packets.push_back(packet);
  }
  const auto result = replay(*description, capture);
  REQUIRE(result);
  CHECK(result->notes.size() == limits::kReplayNotes + 1);
  CHECK_THAT(result->notes.back(), Catch::Contains("20 more"));
}
