// What becomes of a SYN, without the engine.
#include <catch2/catch.hpp>

#include "proxy/egress.h"
#include "tests/support/proxy_world.h"

using namespace pontoon;
using namespace pontoon::proxy;
using stack::TcpRefusal;
using test::at;
using test::ip;
using test::MemoryNetwork;
using test::RecordingSide;

namespace {

PolicyConfig policy() {
  PolicyConfig config;
  config.gateway = {ip("172.17.0.1"), ip("fd00:17::1")};
  config.networks = {*IpPrefix::parse("172.17.0.0/16"), *IpPrefix::parse("172.18.0.0/16")};
  config.host_v4 = ip("172.17.0.1");
  return config;
}

struct World {
  explicit World(PolicyConfig config = policy())
      : egress(std::move(config), host, inside, timers) {}

  MemoryNetwork host;
  RecordingSide inside;
  TimerQueue timers;
  Egress egress;

  auto open(const SocketAddress& target) {
    return egress.open({at("172.17.0.2", 5000), target}, Instant{});
  }
};

class RememberingAcceptor final : public StreamAcceptor {
 public:
  void accept(std::unique_ptr<Stream> stream, const SocketAddress& client,
              Instant) noexcept override {
    streams.push_back(std::move(stream));
    clients.push_back(client);
  }
  std::vector<std::unique_ptr<Stream>> streams;
  std::vector<SocketAddress> clients;
};

const SocketAddress kServer = at("198.51.100.1", 80);

}  // namespace

TEST_CASE("an allowed connection becomes a stream of the host") {
  World world;
  world.host.script_connect(kServer, MemoryNetwork::Connect::succeed());
  auto stream = world.open(kServer);
  REQUIRE(stream);
  CHECK((*stream)->state() == Stream::State::connecting);
  CHECK(world.host.settle() == 1);
  CHECK((*stream)->state() == Stream::State::open);
  const auto far = world.host.take_accepted(kServer);
  REQUIRE(far);
  test::write_all(**stream, "GET /");
  CHECK(test::read_all(*far) == "GET /");
}

TEST_CASE("a connection that fails later is the engine's to refuse") {
  World world;
  world.host.script_connect(kServer, MemoryNetwork::Connect::fail(SocketError::host_unreachable));
  auto stream = world.open(kServer);
  REQUIRE(stream);
  CHECK((*stream)->state() == Stream::State::connecting);
  world.host.settle();
  CHECK((*stream)->state() == Stream::State::failed);
  CHECK((*stream)->error() == SocketError::host_unreachable);

  world.host.script_connect(at("198.51.100.2", 80), MemoryNetwork::Connect::hang());
  auto hanging = world.open(at("198.51.100.2", 80));
  REQUIRE(hanging);
  CHECK(world.host.settle() == 0);
  CHECK((*hanging)->state() == Stream::State::connecting);
}

TEST_CASE("a connection that fails at once is refused with the reason") {
  World world;
  const std::pair<SocketError, TcpRefusal> cases[] = {
      {SocketError::refused, TcpRefusal::refused},
      {SocketError::network_unreachable, TcpRefusal::network_unreachable},
      {SocketError::host_unreachable, TcpRefusal::host_unreachable},
      {SocketError::prohibited, TcpRefusal::prohibited},
      {SocketError::no_resources, TcpRefusal::busy},
  };
  for (const auto& [error, refusal] : cases) {
    world.host.script_connect(kServer, MemoryNetwork::Connect::no_socket(error));
    auto opened = world.open(kServer);
    REQUIRE_FALSE(opened);
    CHECK(opened.error() == refusal);
    world.host.script_connect(kServer, MemoryNetwork::Connect::fail_at_once(error));
    auto failed = world.open(kServer);
    REQUIRE_FALSE(failed);
    CHECK(failed.error() == refusal);
  }
  CHECK(world.host.open_sockets() == 0);
}

TEST_CASE("forbidden connections never reach the host") {
  World world;
  for (const char* target : {"127.0.0.1", "169.254.169.254", "172.18.0.5", "0.0.0.0", "::1"}) {
    INFO(target);
    auto opened = world.open(at(target, 80));
    REQUIRE_FALSE(opened);
    CHECK(opened.error() == TcpRefusal::prohibited);
  }
  CHECK(world.egress.drops().total() == 0);  // the engine counts the SYN that it drops
  auto gateway = world.open(at("172.17.0.1", 80));
  REQUIRE_FALSE(gateway);
  CHECK(gateway.error() == TcpRefusal::refused);
  CHECK(world.egress.drops().total() == 0);
  CHECK(world.host.connects().empty());
}

TEST_CASE("a service at the gateway is the other end of a pipe") {
  World world;
  RememberingAcceptor dns;
  world.egress.register_tcp_service(53, dns);
  auto stream = world.open(at("172.17.0.1", 53));
  REQUIRE(stream);
  CHECK((*stream)->state() == Stream::State::open);
  REQUIRE(dns.streams.size() == 1);
  CHECK(dns.clients[0] == at("172.17.0.2", 5000));
  test::write_all(**stream, "query");
  CHECK(test::read_all(*dns.streams[0]) == "query");
  test::write_all(*dns.streams[0], "answer");
  CHECK(test::read_all(**stream) == "answer");
  CHECK(world.open(at("fd00:17::1", 53)));
  // Port 53 of somebody else is not our service.
  CHECK(world.open(at("9.9.9.9", 53)));
  CHECK(dns.streams.size() == 2);
  CHECK(world.host.connects() == std::vector<SocketAddress>{at("9.9.9.9", 53)});
}

TEST_CASE("the host's loopback when it is allowed, but services come first") {
  PolicyConfig config = policy();
  config.allow_host_loopback = true;
  World world(config);
  RememberingAcceptor dns;
  world.egress.register_tcp_service(53, dns);
  CHECK(world.open(at("172.17.0.1", 5432)));
  CHECK(world.open(at("172.17.0.1", 53)));
  CHECK(world.host.connects() == std::vector<SocketAddress>{at("127.0.0.1", 5432)});
  CHECK(dns.streams.size() == 1);
  CHECK_FALSE(world.open(at("127.0.0.1", 5432)));
}
