// Captures of a whole network in virtual time, read back with the capture library's own reader.
#include "control/capture_tap.h"

#include "core/capture/reader.h"
#include "tests/talk/control/network_bench.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

using capture::Direction;

constexpr std::int64_t kWall = 1'700'000'000'000'000'000;

struct File {
  std::vector<capture::Interface> interfaces;
  std::vector<capture::Packet> packets;

  const std::string& where(std::size_t i) const { return interfaces[packets[i].interface].name; }
  // "web out web -> db", in order.
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < packets.size(); ++i) {
      const char* direction = packets[i].direction == Direction::outbound  ? " out "
                              : packets[i].direction == Direction::inbound ? " in "
                                                                           : " ? ";
      out.push_back(where(i) + direction + packets[i].comment);
    }
    return out;
  }
};

File parse(ByteView bytes) {
  File file;
  auto reader = capture::Reader::open(bytes);
  REQUIRE(reader);
  while (auto packet = (*reader)->next())
    file.packets.push_back(*packet);
  CHECK((*reader)->problem() == "");
  file.interfaces = (*reader)->interfaces();
  return file;
}

struct Options {
  std::string endpoint;
  std::string filter;
  std::uint32_t snap_length = 0;
};

// A capture that reads all at once, or never.
class TestCapture final : public control::CaptureListener {
 public:
  explicit TestCapture(control::CaptureTap& tap, Options options = {})
      : options_(std::move(options)),
        encoder_(tap.names(), filter(tap), options_.snap_length, tap.names().endpoints()) {}

  control::CaptureEncoder& encoder() noexcept override { return encoder_; }
  const std::string& endpoint() const noexcept override { return options_.endpoint; }
  void on_captured() override { ++calls; }
  void on_endpoint(bool present) override { presence.push_back(present); }
  void on_network_gone() override { gone = true; }

  File finish() {
    encoder_.finish(kWall);
    return parse(encoder_.queued());
  }

  int calls = 0;
  bool gone = false;
  std::vector<bool> presence;

 private:
  capture::Filter filter(const control::CaptureTap& tap) const {
    if (options_.filter.empty()) return {};
    auto parsed =
        capture::Filter::parse(options_.filter, const_cast<control::CaptureTap&>(tap).names());
    REQUIRE(parsed);
    return std::move(*parsed);
  }

  Options options_;
  control::CaptureEncoder encoder_;
};

using Words = std::vector<std::string>;

struct Pair {
  explicit Pair(std::size_t recorder_bytes = 0)
      : net(outside, "default", "172.17.0.0/16"),
        web(net.add("web")),
        db(net.add("db")),
        tap(std::make_unique<control::CaptureTap>(*net.network, recorder_bytes)) {}

  void send(Member& member, const Bytes& frame, const Offload& offload = {}) {
    net.send(member, frame, offload);
    tap->end_turn(kWall);
  }
  Bytes to_db(std::size_t size = 9) {
    return udp_frame(net.between_members(web, db), 1000, 2000, pattern(size));
  }
  // With another's address.
  Bytes lie() {
    PacketEnds ends = net.between_members(web, db);
    ends.source = ip("172.17.99.99");
    return udp_frame(ends, 1, 2, pattern(1));
  }

  Outside outside;
  NetworkBench net;
  Member& web;
  Member& db;
  std::unique_ptr<control::CaptureTap> tap;
};

const char* const kGuard = "; dropped: guard_source_ip (source IP is not the port's own)";

}  // namespace

TEST_CASE("a capture has an interface per endpoint and a frame at each of its places") {
  Pair pair;
  TestCapture listener(*pair.tap);
  pair.tap->add(listener);
  pair.send(pair.web, pair.to_db());
  pair.send(pair.web, echo_frame(pair.net.to_gateway(pair.web), true, 1, 1));
  CHECK(listener.calls == 2);
  const File file = listener.finish();
  REQUIRE(file.interfaces.size() == 2);
  CHECK(file.interfaces[0].name == "web");
  CHECK(file.interfaces[0].mac == pair.web.mac());
  CHECK(file.interfaces[0].ipv4 == pair.web.info.ipv4);
  CHECK(file.interfaces[0].link_type == capture::LinkType::ethernet);
  CHECK(file.lines() == Words{"web out web -> db", "db in web -> db", "web out web -> gateway",
                              "web in gateway -> web"});
  CHECK(file.packets[0].bytes == pair.to_db());
  CHECK(file.packets[0].time_ns == kWall + pair.net.now.time_since_epoch().count());
  pair.tap->remove(listener);
  pair.send(pair.web, pair.to_db());
  CHECK(listener.calls == 2);
}

TEST_CASE("frames by way of the gateway are named by the far address, groups as all") {
  Pair pair;
  TestCapture listener(*pair.tap, {"web", "", 0});
  pair.tap->add(listener);
  pair.send(pair.web, echo_frame(pair.net.to_foreign(pair.web, "93.184.216.34"), true, 1, 1));
  pair.send(pair.web, arp_frame({wire::ArpOperation::request,
                                 pair.web.mac(),
                                 pair.web.address().v4(),
                                 {},
                                 pair.net.gateway()}));
  PacketEnds ends = pair.net.to_gateway(pair.web);
  ends.target = ip("224.0.0.251");
  ends.target_mac = mac("01:00:5e:00:00:fb");
  pair.send(pair.web, udp_frame(ends, 5353, 5353, pattern(20)));
  Words lines = listener.finish().lines();
  std::erase_if(lines, [](const std::string& line) { return line.starts_with("web in"); });
  CHECK(lines ==
        Words{"web out web -> 93.184.216.34", "web out web -> all", "web out web -> 224.0.0.251"});
  pair.tap->remove(listener);
}

TEST_CASE("a dropped frame stands once, where it came out, with the reason beside it") {
  for (const bool recorded : {false, true}) {
    Pair pair(recorded ? 1 << 20 : 0);
    TestCapture listener(*pair.tap);
    if (!recorded) pair.tap->add(listener);
    pair.send(pair.web, pair.lie());
    pair.send(pair.web, udp_frame(pair.net.to_gateway(pair.web), 5000, 53, pattern(3)));
    Bytes broken = pair.to_db();
    broken.resize(10);
    pair.send(pair.db, broken);
    if (recorded) pair.tap->dump(listener, pair.net.now - 1s, kWall);
    const File file = listener.finish();
    CHECK(file.lines() == Words{std::string("web out web -> db") + kGuard,
                                "web out web -> gateway; dropped: dns_malformed (not a DNS query)",
                                "db out db -> ?; dropped: malformed_ethernet (shorter than an "
                                "Ethernet header or a bad length)"});
    if (!recorded) pair.tap->remove(listener);
  }
}

TEST_CASE("equal frames of one turn are each marked by themselves") {
  for (const bool recorded : {false, true}) {
    Pair pair(recorded ? 1 << 20 : 0);
    TestCapture listener(*pair.tap);
    if (!recorded) pair.tap->add(listener);
    for (int i = 0; i < 3; ++i)
      pair.web.port->inject(pair.lie());
    pair.net.turn();
    pair.tap->end_turn(kWall);
    if (recorded) pair.tap->dump(listener, pair.net.now - 1s, kWall);
    CHECK(listener.finish().lines() == Words(3, std::string("web out web -> db") + kGuard));
    if (!recorded) pair.tap->remove(listener);
  }
}

TEST_CASE("that the gateway passes over a group's frame is no loss") {
  Pair pair;
  TestCapture listener(*pair.tap, {"", "dropped", 0});
  pair.tap->add(listener);
  PacketEnds ends = pair.net.between_members(pair.web, pair.db);
  ends.target = ip("239.1.2.3");
  ends.target_mac = mac("01:00:5e:01:02:03");
  pair.send(pair.web, udp_frame(ends, 1, 2, pattern(3)));
  REQUIRE(pair.net.drops()["gateway/multicast_not_routed"] == 1);
  CHECK(listener.finish().packets.empty());
  pair.tap->remove(listener);
}

TEST_CASE("what a link refuses stands there, inbound") {
  for (const bool recorded : {false, true}) {
    Pair pair(recorded ? 1 << 20 : 0);
    TestCapture listener(*pair.tap, {"db", "", 0});
    if (!recorded) pair.tap->add(listener);
    pair.send(pair.web, pair.to_db(4000));
    if (recorded) pair.tap->dump(listener, pair.net.now - 1s, kWall);
    CHECK(listener.finish().lines() ==
          Words{"db in web -> db; dropped: too_big (longer than the port takes)"});
    if (!recorded) pair.tap->remove(listener);
  }
}

TEST_CASE("what an impairment loses carries its reason") {
  Pair pair;
  REQUIRE(pair.net.network->impair("web", {"partition"}, 1, pair.net.now));
  TestCapture listener(*pair.tap);
  pair.tap->add(listener);
  pair.send(pair.web, pair.to_db());
  pair.send(pair.db, udp_frame(pair.net.between_members(pair.db, pair.web), 1, 2, pattern(1)));
  const Words lines = listener.finish().lines();
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].starts_with("web out web -> db; dropped: impaired"));
  CHECK(lines[1] == "db out db -> web");
  CHECK(lines[2].starts_with("web in db -> web; dropped: impaired"));
  pair.tap->remove(listener);
}

TEST_CASE("a super-frame is written as its segments, with checksums that are right") {
  Pair pair;
  TestCapture listener(*pair.tap, {"web", "", 0});
  pair.tap->add(listener);
  wire::TcpRepr tcp;
  tcp.source_port = 1;
  tcp.destination_port = 2;
  const SuperFrame super =
      tcp_super_frame(pair.net.between_members(pair.web, pair.db), tcp, pattern(5000), 1400);
  pair.send(pair.web, super.bytes, super.offload);
  const File file = listener.finish();
  REQUIRE(file.packets.size() == 4);
  std::size_t text = 0;
  for (const capture::Packet& packet : file.packets) {
    const Dissected got = dissect(packet.bytes);
    CHECK(got.problem == "");
    REQUIRE(got.tcp);
    text += got.payload.size();
    CHECK(packet.bytes.size() == packet.original_length);
  }
  CHECK(text == 5000);
  // And db's link cut it the same way.
  REQUIRE(pair.db.inbox.size() == 4);
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(pair.db.inbox[i] == file.packets[i].bytes);
  CHECK(listener.encoder().counts().captured == 4);
  pair.tap->remove(listener);
}

TEST_CASE("a super-frame whose metadata lies is written as it is") {
  Pair pair;
  TestCapture listener(*pair.tap, {"web", "", 0});
  pair.tap->add(listener);
  Offload offload;
  offload.gso = Gso::tcp4;
  offload.segment_size = 1;
  offload.header_length = 14;
  offload.needs_checksum = true;
  offload.checksum_start = 15;
  offload.checksum_offset = 3;
  pair.send(pair.web, pattern(60), offload);
  const File file = listener.finish();
  REQUIRE(file.packets.size() == 1);
  CHECK(file.packets[0].bytes == pattern(60));
  pair.tap->remove(listener);
}

TEST_CASE("filter, snap length and their counts; lengths are those of segments") {
  Pair pair;
  TestCapture ports(*pair.tap, {"web", "udp and host db and not dropped", 20});
  TestCapture greater(*pair.tap, {"web", "greater 1400", 0});
  pair.tap->add(ports);
  pair.tap->add(greater);
  pair.send(pair.web, pair.to_db());
  pair.send(pair.web, pair.lie());
  wire::TcpRepr tcp;
  const SuperFrame super =
      tcp_super_frame(pair.net.between_members(pair.web, pair.db), tcp, pattern(3000), 1400);
  pair.send(pair.web, super.bytes, super.offload);
  const File file = ports.finish();
  REQUIRE(file.packets.size() == 1);
  CHECK(file.packets[0].bytes.size() == 20);
  CHECK(file.packets[0].original_length == pair.to_db().size());
  CHECK(file.interfaces[0].snap_length == 20);
  CHECK(ports.encoder().counts().filtered == 1 + 3);
  CHECK(greater.finish().packets.size() == 2);
  CHECK(greater.encoder().counts().filtered == 2 + 1);
  pair.tap->remove(ports);
  pair.tap->remove(greater);
}

TEST_CASE("an endpoint that comes later has its block before its first frame") {
  Pair pair;
  TestCapture all(*pair.tap);
  TestCapture late(*pair.tap, {"late", "", 0});
  pair.tap->add(all);
  pair.tap->add(late);
  Member& first = pair.net.add("late");
  pair.send(first, echo_frame(pair.net.to_gateway(first), true, 1, 1));
  CHECK(late.presence == std::vector<bool>{true});
  pair.net.remove(first);
  pair.tap->end_turn(kWall);
  CHECK(late.presence == std::vector<bool>{true, false});
  Member& again = pair.net.add("late");
  pair.send(again, echo_frame(pair.net.to_gateway(again), true, 1, 2));
  const File file = all.finish();
  REQUIRE(file.interfaces.size() == 3);
  CHECK(file.interfaces[2].name == "late");
  CHECK(file.lines() == Words{"late out late -> gateway", "late in gateway -> late",
                              "late out late -> gateway", "late in gateway -> late"});
  CHECK(late.finish().packets.size() == 4);
  pair.tap->remove(all);
  pair.tap->remove(late);
}

TEST_CASE("a reader that takes nothing bounds the queue, and what is missing is counted",
          "[limit:kCaptureQueueBytes]") {
  Pair pair;
  TestCapture slow(*pair.tap);
  TestCapture fast(*pair.tap);
  pair.tap->add(slow);
  pair.tap->add(fast);
  const std::size_t rounds = limits::kCaptureQueueBytes / 1400 / 2 + 500;
  for (std::size_t i = 0; i < rounds; ++i) {
    pair.send(pair.web, pair.to_db(1400));
    fast.encoder().take(fast.encoder().queued().size());
    pair.db.inbox.clear();
  }
  CHECK(slow.encoder().queued().size() <= limits::kCaptureQueueBytes);
  CHECK(slow.encoder().queued().size() > limits::kCaptureQueueBytes - 10'000);
  const control::CaptureCounts counts = slow.encoder().counts();
  CHECK(counts.missed > 500);
  CHECK(counts.captured + counts.missed == 2 * rounds);
  CHECK(fast.encoder().counts().captured == 2 * rounds);
  CHECK(fast.encoder().counts().missed == 0);
  // One that comes now has an interface for its loss, though nothing of it is shown.
  Member& late = pair.net.add("late");
  pair.send(late, udp_frame(pair.net.between_members(late, pair.db), 1, 2, pattern(1400)));
  CHECK(slow.encoder().counts().missed == counts.missed + 2);
  const File file = slow.finish();
  CHECK(file.packets.size() == counts.captured);
  REQUIRE(file.interfaces.size() == 3);
  CHECK(file.interfaces[2].name == "late");
  pair.tap->remove(slow);
  pair.tap->remove(fast);
}

TEST_CASE("more frames in one turn than are held are written early, none is lost",
          "[limit:kCapturePendingFrames]") {
  Pair pair;
  TestCapture listener(*pair.tap, {"web", "", 0});
  pair.tap->add(listener);
  const std::size_t count = limits::kCapturePendingFrames + 100;
  for (std::size_t i = 0; i < count; ++i)
    pair.web.port->inject(pair.to_db());
  while (pair.net.network->turn(pair.net.now)) {
  }
  pair.tap->end_turn(kWall);
  CHECK(listener.finish().packets.size() == count);
  pair.tap->remove(listener);
}

TEST_CASE("the recorder shows the last frames, cut short, those of departed endpoints too") {
  Pair pair(1 << 20);
  Member& gone = pair.net.add("gone");
  pair.tap->end_turn(0);
  pair.send(gone, udp_frame(pair.net.between_members(gone, pair.db), 1, 2, pattern(1000)));
  pair.net.remove(gone);
  pair.net.tick(10s);
  pair.tap->end_turn(0);
  pair.send(pair.web, pair.to_db());
  TestCapture all(*pair.tap);
  pair.tap->dump(all, pair.net.now - 60s, kWall);
  const File file = all.finish();
  CHECK(file.lines() ==
        Words{"gone out gone -> db", "db in gone -> db", "web out web -> db", "db in web -> db"});
  CHECK(file.packets[0].bytes.size() == capture::Recorder::kKeep);
  CHECK(file.packets[0].original_length == 14 + 28 + 1000);
  CHECK(file.packets[2].bytes == pair.to_db());
  TestCapture recent(*pair.tap, {"db", "udp", 0});
  pair.tap->dump(recent, pair.net.now - 5s, kWall);
  CHECK(recent.finish().lines() == Words{"db in web -> db"});
}

TEST_CASE("a partial checksum in the recorder is finished where the frame is whole") {
  Pair pair(1 << 20);
  Bytes frame = pair.to_db(40);
  const Offload offload = partial_checksum(frame);
  const std::uint16_t pseudo = wire::Checksum::pseudo_header(pair.web.address(), pair.db.address(),
                                                             wire::IpProtocol::udp, 8 + 40)
                                   .folded();
  frame[14 + 20 + 6] = static_cast<std::uint8_t>(pseudo >> 8);
  frame[14 + 20 + 7] = static_cast<std::uint8_t>(pseudo);
  pair.send(pair.web, frame, offload);
  TestCapture all(*pair.tap);
  pair.tap->dump(all, pair.net.now - 1s, kWall);
  const File file = all.finish();
  REQUIRE(file.packets.size() == 2);
  for (const capture::Packet& packet : file.packets)
    CHECK(dissect(packet.bytes).problem == "");
}

TEST_CASE("a tap without recorder and captures observes nothing; one that goes says so") {
  Pair pair;
  CHECK_FALSE(pair.tap->has_recorder());
  CHECK_FALSE(pair.tap->live());
  TestCapture listener(*pair.tap);
  pair.tap->dump(listener, pair.net.now - 1s, kWall);
  CHECK(listener.finish().packets.empty());
  TestCapture other(*pair.tap);
  pair.tap->add(other);
  CHECK(pair.tap->live());
  pair.net.send(pair.web, pair.to_db());  // held, as the turn is not over
  pair.tap.reset();
  CHECK(other.gone);
  pair.net.send(pair.web, pair.to_db());
}

TEST_CASE("names for filters: endpoints, host names, aliases, the gateway") {
  Pair pair;
  control::EndpointRequest request = pair.net.request("api");
  request.hostname = "machine";
  request.aliases = {"www"};
  Member& api = pair.net.add(request);
  (void)pair.tap->names().refresh();
  for (const char* name : {"api", "API", "machine", "www"})
    CHECK(pair.tap->names().addresses_of(name) == std::vector<IpAddress>{api.address()});
  CHECK(pair.tap->names().addresses_of("gateway") ==
        std::vector<IpAddress>{IpAddress(pair.net.gateway())});
  CHECK(pair.tap->names().addresses_of("nobody").empty());
}
