// A world in virtual time: what goes in comes out, the same way each time.
#include "lab/world/world.h"

#include <catch2/catch.hpp>

#include "tests/support/dns.h"
#include "tests/support/packets.h"
#include "tests/unit/lab/world_support.h"

namespace pontoon::test {
namespace {

using namespace std::chrono_literals;
using lab::Member;
using lab::World;

TEST_CASE("a spec has its gateway at the subnet's first address") {
  const auto spec = lab::spec_for("back", "172.20.7.9/16");
  REQUIRE(spec);
  CHECK(spec->subnet.to_string() == "172.20.0.0/16");
  CHECK(spec->gateway == ip4("172.20.0.1"));
  for (const char* bad : {"", "172.20.0.0", "172.20.0.0/31", "172.0.0.0/7", "fd00::/64", "x/16"}) {
    const auto refused = lab::spec_for("back", bad);
    INFO(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("write it like") != std::string::npos);
  }
}

TEST_CASE("networks of a world have names and subnets of their own") {
  World world(1);
  REQUIRE(world.add_network(*lab::spec_for("one", "172.20.0.0/16")));
  CHECK(world.add_network(*lab::spec_for("ONE", "172.21.0.0/16")).error().code ==
        ErrorCode::already_exists);
  CHECK(world.add_network(*lab::spec_for("two", "172.20.3.0/24")).error().code ==
        ErrorCode::conflict);
  CHECK(world.add_network(*lab::spec_for("no name", "172.22.0.0/16")).error().code ==
        ErrorCode::invalid_argument);
  CHECK(world.networks() == std::vector<std::string>{"one"});
  CHECK(world.network("One") != nullptr);
  CHECK(world.network("two") == nullptr);
}

TEST_CASE("an endpoint pings its gateway") {
  SmallWorld small;
  Member& web = small.add("web");
  CHECK(web.address() == ip("172.17.0.2"));
  small.world.send(web, echo_frame(small.to_gateway(web), true, 7, 1, as_bytes("ping")));
  const Dissected pong = small.take_one(web);
  REQUIRE(pong.icmp);
  CHECK(pong.icmp->type == wire::IcmpType::echo_reply);
  CHECK(as_text(pong.payload) == "ping");
}

TEST_CASE("a wrong request for an endpoint is refused in the product's words") {
  SmallWorld small;
  small.add("web");
  CHECK(small.world.add_endpoint(request("web")).error().code == ErrorCode::already_exists);
  CHECK(small.world.add_endpoint(request("no name")).error().code == ErrorCode::invalid_argument);
  control::EndpointRequest elsewhere = request("db");
  elsewhere.network = "back";
  CHECK(small.world.add_endpoint(elsewhere).error().message.find("No such network: back") == 0);
  CHECK(small.world.member("db") == nullptr);
}

TEST_CASE("an answer of the upstream comes after its latency") {
  SmallWorld small;
  Member& web = small.add("web");
  REQUIRE(small.world.names().add({"www.example.org", "A", "198.51.100.7"}));
  small.world.names().set_latency(20ms);
  small.ask(web, "www.example.org");
  small.world.run_for(19ms);
  CHECK(web.take_received().empty());
  small.world.run_for(1ms);
  const DnsMessage answer = decode(small.take_one(web).payload);
  CHECK(answer.texts() == std::vector<std::string>{"198.51.100.7"});
}

TEST_CASE("a dying upstream shows as SERVFAIL, a slow one as patience") {
  SmallWorld small;
  Member& web = small.add("web");
  REQUIRE(small.world.names().add({"www.example.org", "A", "198.51.100.7"}));
  const auto rcode_within = [&](lab::UpstreamNames::Mood mood, Duration patience) {
    small.world.names().set_mood(mood);
    small.ask(web, "www.example.org");
    small.world.run_for(patience);
    return decode(small.take_one(web).payload).rcode();
  };
  using Mood = lab::UpstreamNames::Mood;
  CHECK(rcode_within(Mood::refusing, 1ms) == 2);
  small.world.run_for(10s);  // failures are remembered for a while
  CHECK(rcode_within(Mood::dead, 5s) == 2);
  small.world.run_for(10s);
  CHECK(rcode_within(Mood::slow, 3s) == 0);
}

TEST_CASE("time stands where it was told to, and a quiet week is soon over") {
  SmallWorld small;
  Member& web = small.add("web");
  const Instant start = small.world.now();
  small.world.run_for(24h * 7);
  CHECK(small.world.now() - start == 24h * 7);
  small.world.send(web, echo_frame(small.to_gateway(web), true, 7, 1));
  // The gateway asks whether its old neighbour is still there, and answers meanwhile.
  const auto frames = web.take_received();
  REQUIRE(frames.size() == 2);
  CHECK((dissect(frames[0]).icmp || dissect(frames[1]).icmp));
  CHECK(small.world.next_event() > small.world.now());
}

TEST_CASE("super-frames arrive as wire frames at a plain link and at one that takes them") {
  SmallWorld small;
  Member& web = small.add("web");
  const bool takes_super_frames = GENERATE(false, true);
  const PortFeatures features{takes_super_frames, takes_super_frames, takes_super_frames,
                              takes_super_frames};
  Member& db = **small.world.add_endpoint(request("db"), features);
  PacketEnds ends = small.to_gateway(web);
  ends.target_mac = db.mac();
  ends.target = db.address();
  wire::TcpRepr repr;
  repr.source_port = 40000;
  repr.destination_port = 80;
  repr.flags = {.ack = true};
  const Bytes text = pattern(5000);
  const SuperFrame super = tcp_super_frame(ends, repr, text, 1448);
  small.world.send(web, super.bytes, super.offload);
  Bytes whole;
  for (const Bytes& frame : db.take_received()) {
    CHECK(frame.size() <= 1514);
    const Dissected part = dissect(frame);
    CHECK(part.problem == "");
    whole.insert(whole.end(), part.payload.begin(), part.payload.end());
  }
  CHECK(whole == text);
}

TEST_CASE("a burst is put on the wire and carried by one run") {
  SmallWorld small;
  Member& web = small.add("web");
  for (std::uint16_t i = 0; i < 100; ++i)
    small.world.put(web, echo_frame(small.to_gateway(web), true, 7, i));
  CHECK(web.take_received().empty());
  small.world.settle();
  CHECK(web.take_received().size() == 100);
}

TEST_CASE("an endpoint that has gone gets and sends nothing, and its name is free") {
  SmallWorld small;
  Member& web = small.add("web");
  small.world.remove_endpoint(web);
  CHECK_FALSE(web.plugged());
  small.world.send(web, echo_frame(small.to_gateway(web), true, 7, 1));
  CHECK(web.take_received().empty());
  Member& again = small.add("web");
  CHECK(again.address() == web.address());
  CHECK(small.world.member("web") == &again);
}

TEST_CASE("endpoints come back from a restart with their addresses") {
  SmallWorld small;
  Member& web = small.add("web");
  Member& db = small.add("db");
  const IpAddress before = web.address();
  small.world.remove_endpoint(db);
  small.world.restart();
  CHECK(web.plugged());
  CHECK_FALSE(db.plugged());
  CHECK(web.address() == before);
  small.world.send(web, echo_frame(small.to_gateway(web), true, 7, 1));
  CHECK(small.take_one(web).icmp);
  // Who did not come back loses what it held.
  small.world.run_for(15s);
  CHECK(small.lease_state("db") == "released");
  CHECK(small.lease_state("web") == "bound");
}

TEST_CASE("nothing becomes durable on a disk that is held, and what was not is lost in a restart") {
  SmallWorld small;
  small.add("web");
  small.world.hold_disk(true);
  small.add("db");
  CHECK_FALSE(small.world.network("default")->is_durable("db"));
  CHECK(small.world.leases().durable().size() == 1);
  SECTION("released, all of it is") {
    small.world.hold_disk(false);
    CHECK(small.world.network("default")->is_durable("db"));
    CHECK(small.world.leases().durable().size() == 2);
  }
  SECTION("a restart forgets it") {
    small.world.restart();
    CHECK(small.world.leases().durable().size() == 1);
    small.world.hold_disk(false);
    CHECK(small.world.leases().durable().size() == 2);  // the endpoint came back and asked again
  }
}

TEST_CASE("a disk that fails is tried again") {
  SmallWorld small;
  small.world.fail_disk(true);
  small.add("web");
  CHECK_FALSE(small.world.network("default")->is_durable("web"));
  small.world.fail_disk(false);
  small.world.run_for(2s);
  CHECK(small.world.network("default")->is_durable("web"));
}

TEST_CASE("the watcher sees frames go in and come out") {
  SmallWorld small;
  Member& web = small.add("web");
  std::vector<std::string> seen;
  small.world.set_watcher([&](std::string_view where, FrameEvent event, ByteView frame,
                              std::optional<DropReason>, Instant) {
    const char* const what = event == FrameEvent::from_endpoint ? "from " : "to ";
    seen.push_back(what + std::string(where) + (dissect(frame).icmp ? " icmp" : ""));
  });
  small.world.send(web, echo_frame(small.to_gateway(web), true, 7, 1));
  CHECK(seen == std::vector<std::string>{"from web icmp", "to web icmp"});
}

// Everything that a small busy world puts on its wires.
std::string transcript(std::uint64_t seed) {
  SmallWorld small(seed);
  std::string out;
  small.world.set_watcher([&](std::string_view where, FrameEvent, ByteView frame,
                              std::optional<DropReason>, Instant now) {
    out += std::to_string(now.time_since_epoch().count()) + std::string(where) +
           std::string(as_text(frame));
  });
  Member& web = small.add("web");
  small.world.actors().serve(lab::TcpService{.at = {ip("198.51.100.1"), 80}, .latency = 3ms});
  small.ask(web, "nobody.example");
  small.syn(web, "198.51.100.1", 80);
  small.world.run_for(20s);
  return out;
}

TEST_CASE("the same seed twice gives the same bytes, another one others") {
  const std::string first = transcript(7);
  CHECK(first.size() > 200);
  CHECK(transcript(7) == first);
  CHECK(transcript(8) != first);  // initial sequence numbers, if nothing else
}

}  // namespace
}  // namespace pontoon::test
