#include "proxy/client_flow.h"

#include <catch2/catch.hpp>

#include <set>

#include "tests/support/proxy_world.h"

using namespace pontoon;
using namespace pontoon::proxy;
using test::at;
using test::ip;

namespace {

const PublisherConfig kConfig{*IpPrefix::parse("172.17.0.1/16"), *IpPrefix::parse("fd00:17::1/64")};
const PublishTarget kBoth{ip("172.17.0.2"), ip("fd00:17::2")};
const PublishTarget kV4{ip("172.17.0.2"), std::nullopt};
const PublishTarget kV6{std::nullopt, ip("fd00:17::2")};

std::string seen(const PublishTarget& target, const SocketAddress& client) {
  const auto flow = preferred_flow(kConfig, target, 80, client);
  if (!flow) return "none";
  return flow->initiator.to_string() + " -> " + flow->target.to_string();
}

}  // namespace

TEST_CASE("clients appear as themselves where answers find the way back") {
  CHECK(seen(kBoth, at("198.51.100.7", 5000)) == "198.51.100.7:5000 -> 172.17.0.2:80");
  CHECK(seen(kBoth, at("198.51.100.7", 80)) == "198.51.100.7:80 -> 172.17.0.2:80");
  CHECK(seen(kBoth, at("192.168.1.5", 5000)) == "192.168.1.5:5000 -> 172.17.0.2:80");
  CHECK(seen(kBoth, at("2001:db8::7", 5000)) == "[2001:db8::7]:5000 -> [fd00:17::2]:80");
}

TEST_CASE("clients appear as the gateway otherwise") {
  CHECK(seen(kBoth, at("127.0.0.1", 5000)) == "172.17.0.1:5000 -> 172.17.0.2:80");
  CHECK(seen(kBoth, at("127.0.0.2", 5000)) == "172.17.0.1:5000 -> 172.17.0.2:80");
  CHECK(seen(kBoth, at("::1", 5000)) == "[fd00:17::1]:5000 -> [fd00:17::2]:80");
  CHECK(seen(kBoth, at("169.254.3.4", 5000)) == "172.17.0.1:5000 -> 172.17.0.2:80");
  CHECK(seen(kBoth, at("fe80::5", 5000)) == "[fd00:17::1]:5000 -> [fd00:17::2]:80");
  // on-link inside: the endpoint would not send its answer to the gateway
  CHECK(seen(kBoth, at("172.17.0.9", 5000)) == "172.17.0.1:5000 -> 172.17.0.2:80");
  CHECK(seen(kBoth, at("fd00:17::9", 5000)) == "[fd00:17::1]:5000 -> [fd00:17::2]:80");
  // a family that the endpoint does not have
  CHECK(seen(kV4, at("2001:db8::7", 5000)) == "172.17.0.1:5000 -> 172.17.0.2:80");
  CHECK(seen(kV6, at("198.51.100.7", 5000)) == "[fd00:17::1]:5000 -> [fd00:17::2]:80");
  CHECK(seen({}, at("198.51.100.7", 5000)) == "none");
}

TEST_CASE("a client that appears as the gateway does not look like one of its services") {
  CHECK(seen(kV4, at("127.0.0.1", 53)) == "172.17.0.1:0 -> 172.17.0.2:80");
  CHECK(seen(kV4, at("127.0.0.1", 1023)) == "172.17.0.1:0 -> 172.17.0.2:80");
  CHECK(seen(kV4, at("127.0.0.1", 1024)) == "172.17.0.1:1024 -> 172.17.0.2:80");
}

TEST_CASE("without a gateway of the endpoint's family nobody can stand in for the client") {
  PublisherConfig config = kConfig;
  config.ipv6.reset();
  CHECK_FALSE(preferred_flow(config, kV6, 80, at("198.51.100.7", 5000)));
  CHECK(preferred_flow(config, kV6, 80, at("2001:db8::7", 5000)));
}

TEST_CASE("source ports are unique and used in a circle") {
  SourcePorts ports;
  std::set<std::uint16_t> used;
  const auto in_use = [&](const stack::FlowKey& flow) {
    return used.contains(flow.initiator.port);
  };
  stack::FlowKey flow{at("172.17.0.1", 5000), at("172.17.0.2", 80)};
  REQUIRE(ports.make_unique(flow, in_use));
  CHECK(flow.initiator.port == 5000);
  used.insert(5000);
  for (int i = 0; i < 30000; ++i) {
    flow.initiator.port = 5000;
    if (!ports.make_unique(flow, in_use)) break;
    REQUIRE(used.insert(flow.initiator.port).second);
  }
  CHECK(used.size() == 1 + 60999 - 32768 + 1);  // then all were taken, and it gave up
  used.erase(40000);
  bool found = false;
  for (int i = 0; i < 200 && !found; ++i) {  // it looks at a part of the range each time
    flow.initiator.port = 0;
    found = ports.make_unique(flow, in_use);
  }
  CHECK(found);
  CHECK(flow.initiator.port == 40000);
}
