// The library for the tests of others, as they see it.
#include "lab/testing/testing.h"

#include <catch2/catch.hpp>

#include <unistd.h>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/support/packets.h"
#include "tests/unit/capture/build.h"

namespace pontoon::testing {
namespace {

using namespace std::chrono_literals;

struct Pair {
  World world;
  Endpoint web;
  Endpoint db;

  explicit Pair(std::uint64_t seed = 1)
      : world(seed), web(first(world)), db(world.add_endpoint({"db"})) {}
  static Endpoint first(World& world) {
    world.add_network();
    return world.add_endpoint({"web"});
  }
};

std::string told(Endpoint& endpoint) {
  std::string lines;
  for (const Frame& frame : endpoint.take_received())
    lines += describe(frame) + '\n';
  return lines;
}

// The code and the text of what a call throws.
template <class Call>
std::pair<Error::Code, std::string> error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {Error::Code::other, "nothing was thrown"};
}

template <class Call>
std::string text_of(Call call) {
  return error_of(call).second;
}

TEST_CASE("testing: endpoints have addresses, stations and a gateway") {
  Pair pair;
  CHECK(pair.web.name() == "web");
  CHECK(pair.web.address() == "172.17.0.2");
  CHECK(pair.db.address() == "172.17.0.3");
  CHECK(pair.web.gateway() == "172.17.0.1");
  CHECK(pair.web.mac() != pair.db.mac());
  CHECK(pair.web.gateway_mac() == pair.db.gateway_mac());
  CHECK(pair.world.endpoint("db").mac() == pair.db.mac());
}

TEST_CASE("testing: what is asked for is given") {
  World world;
  world.add_network({"back", "10.9.0.0/24"});
  EndpointOptions options("web");
  options.network = "back";
  options.address = "10.9.0.77";
  options.mac = "02:00:00:00:00:77";
  options.aliases = {"www"};
  const Endpoint web = world.add_endpoint(options);
  CHECK(web.address() == "10.9.0.77");
  CHECK(web.mac() == "02:00:00:00:00:77");
  CHECK(web.gateway() == "10.9.0.1");
}

TEST_CASE("testing: endpoints ping the gateway and reach each other") {
  Pair pair;
  pair.web.send(pair.web.ping_frame("172.17.0.1", 7, 1));
  pair.world.run_for(10ms);
  CHECK_THAT(told(pair.web), Catch::Contains("172.17.0.1 > 172.17.0.2 ICMP"));
  pair.web.send(pair.web.udp_frame(4000, "172.17.0.3:7", "hello"));
  CHECK_THAT(told(pair.db), Catch::Contains("172.17.0.2 > 172.17.0.3 UDP 4000 > 7"));
  CHECK(told(pair.db) == "");
}

TEST_CASE("testing: frames that it makes are right in every checksum") {
  Pair pair;
  const Frame datagram = pair.web.udp_frame(4000, "172.17.0.3:7", Bytes(1001, 0xab));
  CHECK(test::dissect(datagram).problem == "");
  CHECK(test::dissect(datagram).payload == Bytes(1001, 0xab));
  CHECK(test::dissect(pair.web.ping_frame("10.0.0.1", 7, 1)).problem == "");
  CHECK_THAT(details(datagram), Catch::Contains("UDP\n") && !Catch::Contains("!"));
  CHECK_THAT(describe({}), Catch::Contains(">"));
}

TEST_CASE("testing: time passes when it is told to, and not else") {
  Pair pair;
  CHECK(pair.world.elapsed() == 0ns);
  pair.world.impair("web -> db", "delay=20ms");
  pair.web.send(pair.web.udp_frame(1, "172.17.0.3:7", "x"));
  CHECK(pair.world.elapsed() == 0ns);
  pair.world.run_for(20ms - 1ns);
  CHECK(told(pair.db) == "");
  pair.world.run_for(1ns);
  CHECK(told(pair.db) != "");
  pair.world.run_for(24h * 7);
  CHECK(pair.world.elapsed() == 20ms + 24h * 7);
}

TEST_CASE("testing: impairments are lifted one by one and all at once") {
  Pair pair;
  const auto passes = [&] {
    pair.web.send(pair.web.udp_frame(1, "172.17.0.3:7", "x"));
    pair.world.run_for(1ms);
    return told(pair.db) != "";
  };
  pair.world.impair("web db", "partition");
  CHECK_FALSE(passes());
  CHECK(pair.world.clear_impairments("web db") == 1);
  CHECK(passes());
  pair.world.impair("default", "partition");
  CHECK_FALSE(passes());
  CHECK(pair.world.clear_impairments() == 1);
  CHECK(pair.world.clear_impairments() == 0);
  CHECK(passes());
}

TEST_CASE("testing: servers outside answer, and tell what they read") {
  Pair pair;
  UdpServer server;
  server.at = "10.0.0.9:7";
  server.answer = UdpServer::Answer::reply;
  server.reply = "the answer";
  server.latency = 5ms;
  pair.world.serve(server);
  pair.world.answer_ping("10.0.0.9", 5ms);
  pair.web.send(pair.web.udp_frame(4000, "10.0.0.9:7", "the question"));
  pair.web.send(pair.web.ping_frame("10.0.0.9", 1, 1));
  pair.world.run_for(4ms);
  CHECK_THAT(told(pair.web), !Catch::Contains("10.0.0.9 >"));
  pair.world.run_for(2ms);
  CHECK_THAT(told(pair.web), Catch::Contains("10.0.0.9 > 172.17.0.2 UDP 7 > 4000") &&
                                 Catch::Contains("10.0.0.9 > 172.17.0.2 ICMP"));
}

TEST_CASE("testing: clients outside reach published ports") {
  World world;
  world.add_network();
  EndpointOptions options("web");
  options.publish = {"8080:80", "8081:81/udp"};
  Endpoint web = world.add_endpoint(options);
  UdpClientOptions client;
  client.to = "127.0.0.1:8081";
  client.send = "hello";
  world.send(client);
  TcpClientOptions caller;
  caller.to = "127.0.0.1:8080";
  caller.after = 1ms;
  const Client called = world.connect(caller);
  world.run_for(1ms - 1ns);
  CHECK_THAT(told(web), Catch::Contains("203.0.113.9 > 172.17.0.2 UDP 50000 > 81 len 5"));
  world.run_for(100ms);
  CHECK_THAT(told(web), Catch::Contains("203.0.113.9 > 172.17.0.2 TCP 50000 > 80 SYN"));
  CHECK(called.state() != Client::State::refused);
  CHECK(called.received() == "");
}

TEST_CASE("testing: an endpoint answers ARP for its own address, or leaves it to the test") {
  for (const bool answers : {true, false}) {
    World world;
    world.add_network();
    Endpoint web = world.add_endpoint({"web"});
    EndpointOptions options("db");
    options.answer_arp = answers;
    Endpoint db = world.add_endpoint(options);
    for (const char* target : {"172.17.0.3", "172.17.0.77"}) {
      web.send(test::arp_frame({wire::ArpOperation::request,
                                test::mac(web.mac()),
                                test::ip4(web.address()),
                                {},
                                test::ip4(target)}));
    }
    world.run_for(1ms);
    const auto received = web.take_received();
    REQUIRE(received.size() == (answers ? 1 : 0));
    if (answers) {
      const auto reply = test::dissect(received[0]);
      REQUIRE(reply.arp);
      CHECK(reply.arp->sender_mac == test::mac(db.mac()));
      CHECK(reply.arp->sender_ip == test::ip4("172.17.0.3"));
    }
    CHECK(db.take_received().size() == 2);
  }
}

TEST_CASE("testing: a server outside is connected to by the stack that a test brings") {
  Pair pair;
  TcpServer server;
  server.at = "10.0.0.9:80";
  server.connect = TcpServer::Connect::refuse;
  pair.world.serve(server);
  wire::TcpRepr syn;
  syn.source_port = 4000;
  syn.destination_port = 80;
  syn.flags.syn = true;
  test::PacketEnds ends = test::between("172.17.0.2", "10.0.0.9");
  ends.source_mac = test::mac(pair.web.mac());
  ends.target_mac = test::mac(pair.web.gateway_mac());
  pair.web.send(test::tcp_frame(ends, syn));
  pair.world.run_for(1ms);
  CHECK_THAT(told(pair.web), Catch::Contains("RST"));
  CHECK(pair.world.received_by("10.0.0.9:80") == "");
  CHECK(pair.world.connections_of("10.0.0.9:80") == 0);
}

TEST_CASE("testing: a client of a port that nobody published is refused") {
  Pair pair;
  TcpClientOptions caller;
  caller.to = "127.0.0.1:8080";
  const Client called = pair.world.connect(caller);
  CHECK(called.state() == Client::State::waiting);
  pair.world.run_for(10ms);
  CHECK(called.state() == Client::State::refused);
}

TEST_CASE("testing: what the guard holds back is counted") {
  Pair pair;
  Frame spoofed = pair.web.udp_frame(1, "172.17.0.3:7", "x");
  spoofed.at(6) ^= 0x04;
  pair.web.send(spoofed);
  CHECK(pair.world.drops("web", "guard_source_mac") == 1);
  CHECK(pair.world.drops("db", "guard_source_mac") == 0);
  CHECK(pair.world.drops().size() == 1);
}

TEST_CASE(
    "testing: the capture has an interface for each endpoint, and the drops with their reason") {
  Pair pair;
  pair.world.run_for(3ms);
  const Frame sent = pair.web.udp_frame(1, "172.17.0.3:7", "x");
  pair.web.send(sent);
  Frame spoofed = sent;
  spoofed.at(6) ^= 0x04;
  pair.web.send(spoofed);
  const auto content = capture::test::read(pair.world.take_capture());
  CHECK(content.error == "");
  CHECK(content.problem == "");
  REQUIRE(content.packets.size() >= 3);
  CHECK(content.interfaces.at(0).name == "web");
  CHECK(content.packets[0].direction == capture::Direction::outbound);
  CHECK(content.packets[0].bytes == sent);
  CHECK(content.packets[0].time_ns == 3'000'000);
  CHECK(content.packets[1].direction == capture::Direction::inbound);
  CHECK(content.interfaces.at(content.packets[1].interface).name == "db");
  CHECK_THAT(content.packets.back().comment, Catch::Contains("dropped: guard_source_mac"));
  CHECK(capture::test::read(pair.world.take_capture()).packets.empty());
}

TEST_CASE("testing: the capture leaves the oldest out beyond its budget") {
  Pair pair;
  const Frame frame = pair.web.udp_frame(1, "172.17.0.3:7", Bytes(1400, 1));
  const std::size_t count = World::kCaptureBytes / frame.size();
  for (std::size_t i = 0; i < count; ++i) {
    pair.web.send(frame);
    pair.world.run_for(1ms);
    (void)pair.db.take_received();
  }
  const auto content = capture::test::read(pair.world.take_capture());
  CHECK(content.packets.size() <= count);
  CHECK(content.packets.size() > count / 2);
  CHECK(content.packets.back().bytes == frame);
}

TEST_CASE("testing: equal seeds and calls give equal bytes") {
  const auto captured = [](std::uint64_t seed) {
    Pair pair(seed);
    pair.world.impair("web db", "loss=20% delay=10ms±5 duplicate=5%", seed);
    for (int i = 0; i < 50; ++i) {
      pair.web.send(pair.web.udp_frame(1, "172.17.0.3:7", std::to_string(i)));
      pair.world.run_for(1ms);
    }
    pair.world.run_for(1s);
    return pair.world.take_capture();
  };
  CHECK(captured(3) == captured(3));
  CHECK(captured(3) != captured(4));
}

TEST_CASE("testing: an endpoint goes, the daemon comes back") {
  Pair pair;
  pair.world.restart();
  CHECK(pair.web.address() == "172.17.0.2");
  pair.web.send(pair.web.ping_frame("172.17.0.1", 7, 1));
  CHECK_THAT(told(pair.web), Catch::Contains("ICMP"));
  pair.world.remove(pair.db);
  CHECK_FALSE(pair.db.attached());
  pair.world.remove(pair.db);
  CHECK(text_of([&] { pair.db.send(Frame(60)); }) == "db has been removed");
}

TEST_CASE("testing: a world may be moved, its handles stay") {
  Pair pair;
  World moved = std::move(pair.world);
  pair.web.send(pair.web.ping_frame("172.17.0.1", 7, 1));
  moved.run_for(1ms);
  CHECK_THAT(told(pair.web), Catch::Contains("ICMP"));
}

TEST_CASE("testing: errors say what was wrong and what would be right") {
  Pair pair;
  World& world = pair.world;
  CHECK_THAT(text_of([&] {
               world.add_network({"x", "172.20.0.0"});
             }),
             Catch::Contains("172.20.0.0/16"));
  CHECK(error_of([&] { world.add_network(); }).first == Error::Code::conflict);
  CHECK(error_of([&] { world.add_endpoint({"web"}); }).first == Error::Code::conflict);
  EndpointOptions options("x");
  options.network = "nowhere";
  CHECK(error_of([&] { world.add_endpoint(options); }).first == Error::Code::not_found);
  options = EndpointOptions("x");
  options.address = "1.2.3";
  CHECK(text_of([&] { world.add_endpoint(options); }) ==
        "EndpointOptions::address: \"1.2.3\" is no IPv4 address; write it like 172.17.0.9");
  options = EndpointOptions("x");
  options.mac = "zz";
  CHECK_THAT(text_of([&] { world.add_endpoint(options); }),
             Catch::Contains("\"zz\" is no MAC address"));
  options = EndpointOptions("x");
  options.publish = {"80:80:80:80"};
  CHECK(error_of([&] { world.add_endpoint(options); }).first == Error::Code::invalid);
  CHECK(text_of([&] { world.endpoint("nobody"); }) == "No such endpoint: nobody");
  CHECK(error_of([&] { world.impair("web -> nobody", "loss=1%"); }).first ==
        Error::Code::not_found);
  CHECK(error_of([&] { world.impair("web", "loss=lots"); }).first == Error::Code::invalid);
  CHECK_THAT(text_of([&] { world.serve(TcpServer()); }), Catch::Contains("TcpServer::at"));
  for (const char* at : {"", "10.0.0.1", "10.0.0.1:", "10.0.0.1:99999", "x:1", "[::1:80"}) {
    UdpServer server;
    server.at = at;
    CHECK_THAT(text_of([&] { world.serve(server); }),
               Catch::Contains("is no address with a port; write it like"));
  }
  CHECK(error_of([&] {
          world.add_name({"x", "A", "not an address"});
        }).first == Error::Code::invalid);
  CHECK(error_of([&] { world.run_for(-1ns); }).first == Error::Code::invalid);
  CHECK_THAT(text_of([&] { (void)pair.web.udp_frame(1, "[fd00::1]:7", "x"); }),
             Catch::Contains("no IPv4 address"));
  CHECK_THAT(text_of([&] { (void)pair.web.udp_frame(1, "10.0.0.1:7", Bytes(65536)); }),
             Catch::Contains("65507"));
  World other;
  CHECK_THAT(text_of([&] { other.remove(pair.web); }), Catch::Contains("another world"));
  CHECK_THAT(text_of([&] { other.impair("web", "loss=1%"); }), Catch::Contains("add_network()"));
}

// A capture of one endpoint's ping, played by a case.
Replay a_ping() {
  Pair pair;
  pair.web.send(pair.web.ping_frame("172.17.0.1", 7, 1));
  Replay what;
  what.capture = pair.world.take_capture();
  what.case_toml =
      "title = \"ping\"\norigin = \"this test\"\n[[network]]\nname = \"default\"\n"
      "subnet = \"172.17.0.0/16\"\n[[endpoint]]\nname = \"web\"\nip = \"172.17.0.2\"\nmac = \"" +
      pair.web.mac() + "\"\n";
  return what;
}

TEST_CASE("testing: a case is played, compared and differs where it does") {
  Replay what = a_ping();
  const ReplayOutcome first = replay(what);
  CHECK(first.equal);
  CHECK(first.difference == "");
  CHECK(first.played >= 1);
  REQUIRE(first.sent.count("web") == 1);
  CHECK_THAT(first.conversation, Catch::Contains("ICMP"));
  what.compare = true;
  what.expected = first.sent;
  CHECK(replay(what).equal);
  what.expected["web"].at(what.expected["web"].size() - 20) ^= 1;
  const ReplayOutcome spoilt = replay(what);
  CHECK_FALSE(spoilt.equal);
  CHECK(spoilt.difference != "");
  what.expected.clear();
  CHECK_FALSE(replay(what).equal);
}

TEST_CASE("testing: a capture without a case is played too") {
  Replay what = a_ping();
  what.case_toml.clear();
  what.map = {{"172.17.0.2", "client"}};
  const ReplayOutcome outcome = replay(what);
  CHECK(outcome.sent.count("client") == 1);
  CHECK_FALSE(outcome.notes.empty());
}

TEST_CASE("testing: what cannot be played is refused") {
  CHECK_THAT(text_of([] { (void)replay({}); }), Catch::Contains("neither a case nor a capture"));
  Replay what = a_ping();
  what.capture = {1, 2, 3, 4};
  CHECK_THAT(text_of([&] { (void)replay(what); }), Catch::Contains("neither pcap nor pcapng"));
  what = a_ping();
  what.case_toml += "nonsense = 1\n";
  CHECK_THAT(text_of([&] { (void)replay(what); }), Catch::Contains("case.toml:"));
  CHECK(error_of([] { (void)read_replay("/nonexistent/case"); }).first == Error::Code::not_found);
}

class Directory {
 public:
  Directory() { REQUIRE(mkdtemp(name_.data()) != nullptr); }
  ~Directory() { std::filesystem::remove_all(name_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  template <class Content>
  void write(const std::string& file, const Content& content) const {
    const auto path = std::filesystem::path(name_) / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << std::string(content.begin(), content.end());
  }
  const std::string& name() const { return name_; }

 private:
  std::string name_ = (std::filesystem::temp_directory_path() / "pontoon-XXXXXX").string();
};

TEST_CASE("testing: cases and captures are read from the disk") {
  const Replay what = a_ping();
  const Directory directory;
  directory.write("case.toml", what.case_toml);
  CHECK_THAT(text_of([&] { (void)read_replay(directory.name()); }),
             Catch::Contains("input.pcapng"));
  directory.write("input.pcapng", what.capture);
  CHECK_FALSE(read_replay(directory.name()).compare);
  const ReplayOutcome outcome = replay(read_replay(directory.name()));
  directory.write("expected/web.pcapng", outcome.sent.at("web"));
  directory.write("expected/notes.txt", std::string("no capture"));
  const Replay read = read_replay(directory.name() + "/case.toml");
  CHECK(read.compare);
  CHECK(read.expected == outcome.sent);
  CHECK(replay(read).equal);
  const Replay alone = read_replay(directory.name() + "/input.pcapng");
  CHECK(alone.case_toml == "");
  CHECK(alone.capture == what.capture);
}

}  // namespace
}  // namespace pontoon::testing
