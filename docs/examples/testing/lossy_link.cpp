// A link that loses frames, the same ones on every run; and a capture that is replayed.
#include <pontoon/testing.h>

#include <catch2/catch.hpp>

#include <set>
#include <string>

namespace pt = pontoon::testing;
using namespace std::chrono_literals;

namespace {

// Which of a hundred datagrams from web to db arrive.
std::set<int> arrivals(std::uint64_t seed) {
  pt::World world(seed);
  world.add_network();
  pt::Endpoint web = world.add_endpoint({"web"});
  pt::Endpoint db = world.add_endpoint({"db"});
  world.impair("web -> db", "loss=30% delay=20ms", seed);
  for (int number = 0; number < 100; ++number)
    web.send(web.udp_frame(4000, db.address() + ":" + std::to_string(1000 + number), "payload"));
  world.run_for(19ms);
  CHECK(db.take_received().empty());
  world.run_for(2ms);
  std::set<int> arrived;
  for (const pt::Frame& frame : db.take_received())
    arrived.insert((frame.at(36) << 8 | frame.at(37)) - 1000);
  return arrived;
}

}  // namespace

TEST_CASE("a lossy link loses about as much as it should, and the same on every run") {
  const std::set<int> once = arrivals(7);
  CHECK(once.size() > 50);
  CHECK(once.size() < 90);
  CHECK(arrivals(7) == once);
  CHECK(arrivals(8) != once);
}

TEST_CASE("a case is played and compared") {
  const pt::ReplayOutcome outcome = pt::replay(pt::read_replay(CASE_DIRECTORY));
  INFO(outcome.difference);
  CHECK(outcome.equal);
  CHECK(outcome.played > 0);
}

TEST_CASE("a difference is shown as protocol fields") {
  pt::Replay replay = pt::read_replay(CASE_DIRECTORY);
  const std::string before = "ip = \"172.17.0.3\"";
  replay.case_toml.replace(replay.case_toml.find(before), before.size(), "ip = \"172.17.0.9\"");
  const pt::ReplayOutcome outcome = pt::replay(replay);
  CHECK_FALSE(outcome.equal);
  CHECK(outcome.difference.find("172.17.0.9") != std::string::npos);
}

TEST_CASE("errors say what would be right") {
  pt::World world;
  CHECK_THROWS_WITH(world.add_network({"back", "172.20.0.0"}), Catch::Contains("172.20.0.0/16"));
  CHECK_THROWS_AS(world.add_endpoint({"web"}), pt::Error);
}
