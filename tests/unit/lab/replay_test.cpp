#include "lab/replay/replay.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "core/capture/writer.h"
#include "lab/replay/replay_files.h"
#include "lab/replay/replay_players.h"
#include "lab/replay/replay_timeline.h"

namespace pontoon::lab {
namespace {

using capture::Direction;
using Bytes = std::vector<std::uint8_t>;

constexpr std::int64_t kStart = 1'700'000'000'000'000'000;
constexpr std::int64_t kMs = 1'000'000;
const MacAddress kWeb = *MacAddress::parse("02:42:ac:11:00:02");
const MacAddress kDb = *MacAddress::parse("02:42:ac:11:00:03");
const MacAddress kRouter = *MacAddress::parse("02:42:ac:11:00:01");

constexpr std::string_view kCase = R"(
after = "1s"
[[network]]
subnet = "172.17.0.0/16"
gateway_mac = "02:42:ac:11:00:01"
[[endpoint]]
name = "web"
ip = "172.17.0.2"
mac = "02:42:ac:11:00:02"
)";

Case case_of(std::string_view toml) {
  auto made = parse_case(toml, "case.toml");
  INFO((made ? std::string() : made.error().message));
  REQUIRE(made);
  return *made;
}

// An ARP request for the gateway: the shortest question that is answered at once.
Bytes question(const MacAddress& from, const MacAddress& to = MacAddress::broadcast()) {
  Bytes frame;
  const auto put = [&frame](const auto& bytes) {
    frame.insert(frame.end(), std::begin(bytes), std::end(bytes));
  };
  put(to.octets);
  put(from.octets);
  put(Bytes{0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1});
  put(from.octets);
  put(Bytes{172, 17, 0, from.octets[5], 0, 0, 0, 0, 0, 0, 172, 17, 0, 1});
  return frame;
}

capture::Packet packet(std::int64_t time_ns, Bytes frame, Direction direction = Direction::outbound,
                       std::uint32_t interface = 0) {
  capture::Packet out;
  out.interface = interface;
  out.time_ns = time_ns;
  out.direction = direction;
  out.original_length = static_cast<std::uint32_t>(frame.size());
  out.bytes = std::move(frame);
  return out;
}

CaptureFile capture_of(std::vector<capture::Packet> packets,
                       const std::vector<std::string>& names = {"web"}) {
  CaptureFile out;
  for (const std::string& name : names) {
    capture::Interface interface;
    interface.name = name;
    out.interfaces.push_back(interface);
  }
  out.packets = std::move(packets);
  return out;
}

ReplayResult played(std::string_view toml, const CaptureFile& capture) {
  auto result = replay(case_of(toml), capture);
  INFO((result ? std::string() : result.error().message));
  REQUIRE(result);
  return *result;
}

TEST_CASE("a question is answered at its own time") {
  const ReplayResult result =
      played(kCase, capture_of({packet(kStart, question(kWeb)),
                                packet(kStart + 70 * kMs, question(kWeb, kRouter))}));
  CHECK(result.played == 2);
  CHECK(result.notes.empty());
  REQUIRE(result.events.size() == 4);
  CHECK(result.events[0].event == FrameEvent::from_endpoint);
  CHECK(result.events[0].frame == question(kWeb));
  CHECK(result.events[1].event == FrameEvent::to_endpoint);
  CHECK(result.events[1].port == "web");
  CHECK(result.events[1].time_ns == kStart);
  CHECK(result.events[3].time_ns == kStart + 70 * kMs);
  REQUIRE(result.endpoints.size() == 1);
  CHECK(result.endpoints[0].mac == kWeb);
}

TEST_CASE("two replays of one case have the same bytes") {
  const CaptureFile capture = capture_of({packet(kStart, question(kWeb))});
  const Bytes first = sent_to(played(kCase, capture), "web");
  CHECK(first == sent_to(played(kCase, capture), "web"));
  CHECK_FALSE(first.empty());
  CHECK(sent_to(played(kCase, capture), "nobody").empty());
  const auto read = read_capture(first);
  REQUIRE(read);
  REQUIRE(read->interfaces.size() == 1);
  CHECK(read->interfaces[0].name == "web");
  CHECK(read->interfaces[0].mac == kWeb);
  REQUIRE(read->packets.size() == 1);
  CHECK(read->packets[0].direction == Direction::inbound);
  CHECK(read->packets[0].time_ns == kStart);
}

TEST_CASE("a sink gets the events, and the result holds none") {
  class Counter final : public ReplaySink {
   public:
    void on_event(ReplayEvent&&) override { ++events; }
    std::size_t events = 0;
  } counter;
  const auto result = replay(case_of(kCase), capture_of({packet(kStart, question(kWeb))}), counter);
  REQUIRE(result);
  CHECK(counter.events == 2);
  CHECK(result->events.empty());
}

TEST_CASE("frames to a replaced station go to our gateway") {
  const MacAddress theirs = *MacAddress::parse("02:00:00:00:00:99");
  const CaptureFile capture = capture_of({packet(kStart, question(kWeb, theirs))});
  CHECK(sent_to(played(kCase, capture), "web").empty());
  const std::string replaced = "replaced = [\"02:00:00:00:00:99\"]\n" + std::string(kCase);
  CHECK_FALSE(sent_to(played(replaced, capture), "web").empty());
}

TEST_CASE("what is dropped is an event with its reason and a count") {
  const ReplayResult result = played(kCase, capture_of({packet(kStart, question(kDb))}));
  CHECK(result.played == 1);
  REQUIRE(result.drops.size() == 1);
  CHECK(result.drops[0].where == "web");
  CHECK(result.drops[0].reason == "guard_source_mac");
  REQUIRE(result.events.size() == 2);
  CHECK(result.events[1].event == FrameEvent::dropped);
  CHECK(result.events[1].reason == DropReason::guard_source_mac);
}

TEST_CASE("packets that cannot be played are noted", "[limit:kReplayNotes]") {
  capture::Packet cut = packet(kStart, question(kWeb));
  cut.original_length = 1514;
  ReplayResult result = played(kCase, capture_of({cut, packet(kStart, Bytes(70000, 1))}));
  CHECK(result.played == 0);
  CHECK(result.notes ==
        std::vector<std::string>{"packet 1: cut to 42 of 1514 bytes; not played",
                                 "packet 2: 70000 bytes are more than a frame holds; not played"});
  result = played(kCase, capture_of(std::vector<capture::Packet>(limits::kReplayNotes + 7, cut)));
  CHECK(result.notes.size() == limits::kReplayNotes + 1);
  CHECK(result.notes.back() == "... and 7 more notes about packets");
}

TEST_CASE("any frames can be played") {
  CHECK(rc::check([](const std::vector<std::pair<std::uint32_t, Bytes>>& frames) {
    std::vector<capture::Packet> packets;
    for (const auto& [time_ns, bytes] : frames)
      packets.push_back(packet(time_ns, bytes));
    const auto result = replay(case_of(kCase), capture_of(packets));
    RC_ASSERT(result);
    RC_ASSERT(result->played == frames.size());
  }));
}

TEST_CASE("clients act without a capture") {
  const std::string toml = "input = \"\"\n" + std::string(kCase) +
                           "[[tcp_client]]\nfrom = \"198.51.100.9:50000\"\n"
                           "to = \"192.0.2.1:8080\"\nafter = \"100ms\"\n";
  const ReplayResult result = played(toml, CaptureFile{});
  REQUIRE(result.clients.size() == 1);
  CHECK(result.clients[0].state == ClientOutcome::State::refused);
}

TEST_CASE("impairments begin at their time and are seeded by the case") {
  const std::string toml =
      std::string(kCase) +
      "[[impair]]\nafter = \"50ms\"\ntarget = \"web\"\nwords = \"partition\"\n";
  const ReplayResult result = played(toml, capture_of({packet(kStart, question(kWeb)),
                                                       packet(kStart + 60 * kMs, question(kWeb))}));
  CHECK(result.played == 2);
  REQUIRE(result.drops.size() == 1);
  CHECK(result.drops[0].reason == "impaired");
}

TEST_CASE("cases that cannot be made are errors") {
  const auto error_of = [](std::string_view toml, const CaptureFile& capture) {
    const auto result = replay(case_of(toml), capture);
    return result ? std::string("played") : result.error().message;
  };
  const CaptureFile capture = capture_of({packet(kStart, question(kWeb))}, {"eth0"});
  CHECK_THAT(error_of("[[endpoint]]\nname = \"a\"\ninterface = \"eth1\"", capture),
             Catch::Equals("endpoint a: the capture has no interface eth1; it has eth0"));
  CHECK_THAT(error_of("[[endpoint]]\nname = \"a\"\n[[endpoint]]\nname = \"b\"", capture),
             Catch::StartsWith("none of the capture's 1 packets is an endpoint's: a ("));
  CHECK_THAT(error_of("[[endpoint]]\nname = \"a\"\nnetwork = \"x\"", capture),
             Catch::StartsWith("endpoint a: No such network: x"));
}

// --- whose packet it is ---

std::string owners(std::string_view toml, const CaptureFile& capture) {
  const Case description = case_of(toml);
  std::vector<MacAddress> macs;
  for (const CaseEndpoint& endpoint : description.endpoints)
    macs.push_back(endpoint.request.mac.value_or(MacAddress{}));
  const auto players = Players::make(description, macs, capture);
  REQUIRE(players);
  std::string out;
  for (const capture::Packet& each : capture.packets) {
    const auto found = players->find(each, each.bytes);
    out += found ? description.endpoints[*found].request.name : "-";
  }
  return out;
}

const std::string kTwo =
    "[[endpoint]]\nname = \"w\"\nmac = \"02:42:ac:11:00:02\"\n{w}"
    "[[endpoint]]\nname = \"d\"\nmac = \"02:42:ac:11:00:03\"\n{d}";

std::string two(const std::string& w, const std::string& d) {
  std::string out = kTwo;
  out.replace(out.find("{w}"), 3, w);
  return out.replace(out.find("{d}"), 3, d);
}

TEST_CASE("an interface gives what is outbound or unknown") {
  const CaptureFile capture = capture_of({packet(0, question(kDb), Direction::outbound, 0),
                                          packet(0, question(kWeb), Direction::inbound, 0),
                                          packet(0, question(kWeb), Direction::unknown, 0),
                                          packet(0, question(kWeb), Direction::outbound, 1),
                                          packet(0, {}, {}, 0), packet(0, question(kWeb), {}, 9)},
                                         {"w", "d"});
  CHECK(owners(two("", ""), capture) == "w-wdw-");
  CHECK(owners(two("interface = \"d\"\n", "interface = \"w\"\n"), capture) == "d-dwd-");
}

TEST_CASE("senders are told apart on one interface, whatever the direction") {
  const CaptureFile capture = capture_of(
      {packet(0, question(kWeb), Direction::inbound), packet(0, question(kDb), Direction::unknown),
       packet(0, question(kRouter), Direction::outbound), packet(0, {1, 2, 3})},
      {"br0"});
  const std::string web = "senders = [\"02:42:ac:11:00:02\"]\n";
  const std::string db = "senders = [\"02:42:ac:11:00:03\"]\n";
  CHECK(owners(two(web, db), capture) == "wd--");
  CHECK(owners(two("interface = \"br0\"\n" + web, "interface = \"br0\"\n" + db), capture) ==
        "wd--");
  CHECK(owners(two("", ""), capture) == "wd--");  // by their own addresses
}

TEST_CASE("a station that stands twice in the capture is played once") {
  const CaptureFile capture = capture_of({packet(0, question(kWeb), Direction::outbound, 0),
                                          packet(0, question(kWeb), Direction::inbound, 1),
                                          packet(0, question(kDb), Direction::inbound, 0)},
                                         {"one", "two"});
  CHECK(owners(two("senders = [\"02:42:ac:11:00:02\"]\n", ""), capture) == "w-d");
}

TEST_CASE("one endpoint and one interface belong together; nameless interfaces have numbers") {
  const std::string one = "[[endpoint]]\nname = \"w\"\n";
  CHECK(owners(one, capture_of({packet(0, question(kDb))}, {""})) == "w");
  CHECK(owners(one + "interface = \"1\"\n",
               capture_of({packet(0, question(kDb)), packet(0, question(kDb), {}, 1)}, {"", ""})) ==
        "-w");
}

// --- time ---

TEST_CASE("distances stay as they are, and outputs have the capture's times") {
  const Instant start{std::chrono::seconds(5000)};
  Timeline timeline(kStart, start);
  std::string note;
  CHECK(timeline.at(kStart, note) == start);
  CHECK(timeline.at(kStart + 5, note) == start + Duration(5));
  CHECK(note.empty());
  CHECK(timeline.time_of(start + Duration(7)) == kStart + 7);
}

TEST_CASE("packets out of order are played late") {
  const Instant start{};
  Timeline timeline(1000, start);
  std::string note;
  (void)timeline.at(2000, note);
  CHECK(timeline.at(1500, note) == start + Duration(1000));
  CHECK_THAT(note, Catch::Contains("0.000000500 s before an earlier packet"));
  note.clear();
  CHECK(timeline.at(2500, note) == start + Duration(1500));
  CHECK(note.empty());
}

TEST_CASE("a clock that was set back goes on from there") {
  const Instant start{};
  Timeline timeline(kStart, start);
  std::string note;
  (void)timeline.at(kStart + 100, note);
  CHECK(timeline.at(kStart - 3600 * 1000 * kMs, note) == start + Duration(100));
  CHECK_THAT(note, Catch::Contains("goes back by 3600.000000100 s"));
  CHECK(timeline.at(kStart - 3600 * 1000 * kMs + 50, note) == start + Duration(150));
}

TEST_CASE("long silences are cut, and a year is the end", "[limit:kReplayGap]") {
  const Instant start{};
  Timeline timeline(0, start);
  std::string note;
  const std::int64_t decades = std::int64_t{50} * 365 * 86400 * 1000 * kMs;
  CHECK(timeline.at(decades, note) == start + limits::kReplayGap);
  CHECK_FALSE(note.empty());
  CHECK(timeline.at(decades + 5, note) == start + limits::kReplayGap + Duration(5));
  std::int64_t time = decades;
  unsigned more = 0;
  while (timeline.at(time += Duration(limits::kReplayGap).count(), note))
    ++more;
  CHECK(more == 10);
  CHECK_FALSE(timeline.at(time, note));
}

TEST_CASE("whatever the times, played ones never go back nor leave the year") {
  CHECK(rc::check([](std::int64_t first, const std::vector<std::int64_t>& times) {
    const Instant start{};
    Timeline timeline(first, start);
    Instant last = start;
    for (const std::int64_t time : times) {
      std::string note;
      const auto when = timeline.at(time, note);
      if (!when) continue;
      RC_ASSERT(*when >= last);
      RC_ASSERT(*when <= start + limits::kReplaySpan);
      last = *when;
      (void)timeline.time_of(*when);
    }
  }));
}

}  // namespace
}  // namespace pontoon::lab
