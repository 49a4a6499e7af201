#include "control/service.h"

#include "control/names.h"
#include "core/base/limits.h"
#include "tests/unit/control/service_world.h"

using namespace pontoon;
using namespace pontoon::control;
using test::ServiceWorld;

namespace {

template <class Outcome>
void check_error(const Outcome& outcome, ErrorCode code, const std::string& part) {
  REQUIRE_FALSE(outcome);
  INFO(outcome.error().message);
  CHECK(outcome.error().code == code);
  CHECK(outcome.error().message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("a service begins with the default network") {
  ServiceWorld world;
  const auto networks = world.service->networks();
  REQUIRE(networks.size() == 1);
  const NetworkSpec& spec = networks.front().spec;
  CHECK(spec.name == kDefaultNetwork);
  CHECK(spec.subnet.contains(spec.gateway));
  CHECK(spec.id.size() == 12);
  CHECK(networks.front().endpoints == 0);
}

TEST_CASE("networks are made with what was asked for") {
  ServiceWorld world;
  NetworkRequest request = world.request("back", "10.210.0.0/24");
  request.gateway = Ipv4Address::of(10, 210, 0, 254);
  request.mtu = 65520;
  request.internal = true;
  const auto made = world.service->create_network(request);
  REQUIRE(made);
  CHECK(made->gateway == Ipv4Address::of(10, 210, 0, 254));
  CHECK(made->internal);
  const auto found = world.service->network("BACK");
  REQUIRE(found);
  CHECK(found->spec.mtu == 65520);
}

TEST_CASE("without a subnet the next free one is chosen") {
  ServiceWorld world;
  const auto first = world.service->create_network({"one", {}, {}, 1500, false, false});
  const auto second = world.service->create_network({"two", {}, {}, 1500, false, false});
  REQUIRE(first);
  REQUIRE(second);
  CHECK_FALSE(first->subnet.overlaps(second->subnet));
  CHECK_FALSE(first->subnet.overlaps(world.service->network("default")->spec.subnet));
}

TEST_CASE("what cannot be a network is refused with a reason") {
  ServiceWorld world;
  REQUIRE(world.service->create_network(world.request("back", "10.210.0.0/24")));
  const auto create = [&](const std::string& name, const char* subnet) {
    return world.service->create_network(world.request(name, subnet));
  };
  check_error(create("a b", "10.211.0.0/24"), ErrorCode::invalid_argument, "Invalid network name");
  check_error(create("", "10.211.0.0/24"), ErrorCode::invalid_argument, "Invalid network name");
  check_error(create("Back", "10.211.0.0/24"), ErrorCode::already_exists, "already exists");
  check_error(create("x", "10.210.0.128/25"), ErrorCode::conflict, "overlaps network back");
  check_error(create("x", "10.211.0.1/24"), ErrorCode::invalid_argument, "must be zero");
  check_error(create("x", "10.0.0.0/7"), ErrorCode::invalid_argument, "between /8 and /29");
  check_error(create("x", "10.211.0.0/30"), ErrorCode::invalid_argument, "between /8 and /29");
  check_error(create("x", "fd00::/64"), ErrorCode::invalid_argument, "IPv4 prefix");
  for (const char* odd :
       {"127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/8", "0.0.0.0/8", "240.0.0.0/8"})
    check_error(create("x", odd), ErrorCode::invalid_argument, "not for unicast");
}

TEST_CASE("a gateway has to be a host of the subnet, an MTU in its range") {
  ServiceWorld world;
  for (const char* gateway : {"10.212.0.1", "10.211.0.0", "10.211.0.255"}) {
    NetworkRequest request = world.request("x", "10.211.0.0/24");
    request.gateway = Ipv4Address::parse(gateway);
    check_error(world.service->create_network(request), ErrorCode::invalid_argument,
                "Invalid gateway");
  }
  for (const unsigned mtu : {0U, 1279U, 65521U}) {
    NetworkRequest request = world.request("x", "10.211.0.0/24");
    request.mtu = static_cast<std::uint16_t>(mtu);
    check_error(world.service->create_network(request), ErrorCode::invalid_argument, "Invalid MTU");
  }
  CHECK(world.service->networks().size() == 1);
}

TEST_CASE("networks are limited", "[limit:kNetworks]") {
  ServiceWorld world;
  for (std::size_t i = 1; i < limits::kNetworks; ++i) {
    const std::string subnet = "10.210." + std::to_string(i) + ".0/24";
    REQUIRE(world.service->create_network(world.request("n" + std::to_string(i), subnet.c_str())));
  }
  check_error(world.service->create_network(world.request("more", "10.211.0.0/24")),
              ErrorCode::exhausted, "limit");
  CHECK(world.service->remove_network("n1"));
  CHECK(world.service->create_network(world.request("more", "10.211.0.0/24")).has_value());
}

TEST_CASE("endpoints are limited", "[limit:kEndpoints]") {
  ServiceWorld world;
  const std::size_t each = limits::kEndpoints / (limits::kNetworks - 1) + 1;
  std::size_t made = 0;
  for (std::size_t i = 1; i < limits::kNetworks; ++i) {
    const std::string network = "n" + std::to_string(i);
    const std::string subnet = "10.210." + std::to_string(i) + ".0/24";
    REQUIRE(world.service->create_network(world.request(network, subnet.c_str())));
    for (std::size_t j = 0; j < each && made < limits::kEndpoints; ++j) {
      EndpointRequest request = world.endpoint("e" + std::to_string(++made));
      request.network = network;
      REQUIRE(world.service->reserve(request));
    }
  }
  REQUIRE(made == limits::kEndpoints);
  check_error(world.service->reserve(world.endpoint("more")), ErrorCode::exhausted, "its limit");
  world.service->release("e1");
  CHECK(world.service->reserve(world.endpoint("more")).has_value());
}

TEST_CASE("a network goes when nobody is on it") {
  ServiceWorld world;
  REQUIRE(world.service->create_network(world.request("back", "10.210.0.0/24")));
  EndpointRequest request = world.endpoint("web");
  request.network = "back";
  REQUIRE(world.service->reserve(request));
  check_error(world.service->remove_network("back"), ErrorCode::conflict, "active endpoints (web)");
  world.service->release("web");
  CHECK(world.service->remove_network("BACK"));
  check_error(world.service->remove_network("back"), ErrorCode::not_found, "No such network");
  check_error(world.service->remove_network("default"), ErrorCode::conflict, "cannot be removed");
  check_error(world.service->remove_network("DEFAULT"), ErrorCode::conflict, "cannot be removed");
  CHECK_FALSE(world.service->network("back"));
}

TEST_CASE("a removed network takes its leases along") {
  ServiceWorld world;
  REQUIRE(world.service->create_network(world.request("back", "10.210.0.0/24")));
  EndpointRequest request = world.endpoint("web");
  request.network = "back";
  REQUIRE(world.service->reserve(request));
  world.write_leases();
  CHECK(world.leases.durable().size() == 1);
  world.service->release("web");
  world.write_leases();
  CHECK(world.leases.durable().size() == 1);  // remembered for the name
  CHECK(world.service->remove_network("back"));
  world.leases.complete_all();
  CHECK(world.leases.durable().empty());
}

TEST_CASE("an endpoint gets a name, an address and ports") {
  ServiceWorld world;
  EndpointRequest request = world.endpoint("web");
  request.publish = {"127.0.0.1::80"};
  request.expose = {"443"};
  request.aliases = {"www"};
  request.command = "httpd";
  request.pid = 42;
  const auto settings = world.service->reserve(request);
  if (!settings) FAIL(settings.error().message);
  const EndpointInfo& info = settings->info;
  const NetworkSpec spec = world.service->network("default")->spec;
  CHECK(spec.subnet.contains(info.ipv4.address));
  CHECK(info.ipv4.length == spec.subnet.length);
  CHECK(info.ipv4.address != IpAddress(spec.gateway));
  CHECK(settings->gateway == spec.gateway);
  CHECK(settings->search == std::vector<std::string>{"default.internal"});
  CHECK(info.mac == mac_for("default", "web", 0));
  CHECK(info.hostname == "web");
  CHECK(info.status == EndpointStatus::reserved);
  REQUIRE(info.ports.size() == 1);
  CHECK(info.ports[0].container_port == 80);
  CHECK(info.ports[0].host.port != 0);
  CHECK(info.ports_text ==
        "127.0.0.1:" + std::to_string(info.ports[0].host.port) + "->80/tcp, 443/tcp");
  CHECK(world.service->endpoint("WEB")->command == "httpd");
  CHECK(world.service->networks().front().endpoints == 1);
}

TEST_CASE("a reservation is durable once the disk has it") {
  ServiceWorld world;
  REQUIRE(world.service->reserve(world.endpoint("web")));
  CHECK_FALSE(world.service->is_durable("web"));
  world.run();
  CHECK_FALSE(world.service->is_durable("web"));
  CHECK(world.leases.waiting() == 1);
  world.write_leases();
  CHECK(world.service->is_durable("web"));
  CHECK(world.service->is_durable("nobody"));  // nothing to wait for
}

TEST_CASE("a disk that fails is asked again") {
  ServiceWorld world;
  REQUIRE(world.service->reserve(world.endpoint("web")));
  world.run();
  world.leases.fail_all("disk full");
  world.service->on_leases_written();
  world.run();
  CHECK_FALSE(world.service->is_durable("web"));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!world.service->is_durable("web") && std::chrono::steady_clock::now() < deadline) {
    world.io.restart();
    world.io.run_one_for(std::chrono::milliseconds(100));
    world.leases.complete_all();
    world.service->on_leases_written();
  }
  CHECK(world.service->is_durable("web"));
}

TEST_CASE("names are unique among all networks") {
  ServiceWorld world;
  REQUIRE(world.service->create_network(world.request("back", "10.210.0.0/24")));
  REQUIRE(world.service->reserve(world.endpoint("web")));
  EndpointRequest second = world.endpoint("Web");
  second.network = "back";
  check_error(world.service->reserve(second), ErrorCode::already_exists,
              "already in use on network default");
}

TEST_CASE("what cannot be an endpoint is refused and leaves nothing behind") {
  ServiceWorld world;
  const auto refuse = [&](const EndpointRequest& request, ErrorCode code, const char* part) {
    check_error(world.service->reserve(request), code, part);
    CHECK(world.service->endpoints().empty());
    CHECK(world.ports.size() == 0);
  };
  EndpointRequest request = world.endpoint("web");
  request.network = "nowhere";
  refuse(request, ErrorCode::not_found, "pontoon network create nowhere");
  refuse(world.endpoint("a b"), ErrorCode::invalid_argument, "Invalid name");
  request = world.endpoint("web");
  request.aliases = {"fine", "not fine"};
  refuse(request, ErrorCode::invalid_argument, "Invalid alias");
  request = world.endpoint("web");
  request.hostname = "-";
  refuse(request, ErrorCode::invalid_argument, "Invalid hostname");
  request = world.endpoint("web");
  request.mac = MacAddress{{1, 0, 0, 0, 0, 0}};
  refuse(request, ErrorCode::invalid_argument, "must be unicast");
  request.mac = MacAddress{};
  refuse(request, ErrorCode::invalid_argument, "must be unicast");
  request = world.endpoint("web");
  request.ip = Ipv4Address::of(10, 1, 2, 3);
  refuse(request, ErrorCode::invalid_argument, "10.1.2.3");
  request = world.endpoint("web");
  request.publish = {"127.0.0.1::80", "8080:eighty"};
  refuse(request, ErrorCode::invalid_argument, "eighty");
  request.publish = {"127.0.0.1::80"};
  request.expose = {"x"};
  refuse(request, ErrorCode::invalid_argument, "x");
}

TEST_CASE("an address that was refused its ports is free again") {
  ServiceWorld world;
  EndpointRequest first = world.endpoint("first");
  first.publish = {"127.0.0.1::80"};
  const auto settings = world.service->reserve(first);
  REQUIRE(settings);
  EndpointRequest second = world.endpoint("second");
  second.ip = Ipv4Address{settings->info.ipv4.address.v4().value + 1};
  second.publish = {"127.0.0.1:" + std::to_string(settings->info.ports[0].host.port) + ":80"};
  check_error(world.service->reserve(second), ErrorCode::conflict, "first");
  second.publish.clear();
  second.name = "third";
  CHECK(world.service->reserve(second).has_value());
}

TEST_CASE("a MAC or an IP address that is in use is refused") {
  ServiceWorld world;
  const auto first = world.service->reserve(world.endpoint("first"));
  REQUIRE(first);
  EndpointRequest second = world.endpoint("second");
  second.mac = first->info.mac;
  check_error(world.service->reserve(second), ErrorCode::conflict, "in use");
  second.mac.reset();
  second.ip = first->info.ipv4.address.v4();
  check_error(world.service->reserve(second), ErrorCode::conflict, "first");
}

TEST_CASE("an endpoint without a name gets one") {
  ServiceWorld world;
  std::string last;
  for (int i = 0; i < 20; ++i) {
    const auto settings = world.service->reserve(world.endpoint(""));
    REQUIRE(settings);
    CHECK(check_name("name", settings->info.name));
    CHECK(settings->info.name != last);
    last = settings->info.name;
  }
  CHECK(world.service->endpoints().size() == 20);
}

TEST_CASE("-P publishes what is exposed, and what is published already only once") {
  ServiceWorld world;
  EndpointRequest request = world.endpoint("web");
  request.expose = {"80", "90/udp"};
  request.publish = {"127.0.0.1::80"};
  request.publish_all = true;
  const auto settings = world.service->reserve(request);
  if (!settings) FAIL(settings.error().message);
  std::size_t web = 0;
  std::size_t udp = 0;
  for (const PortMapping& mapping : settings->info.ports) {
    if (mapping.container_port == 80) ++web;
    if (mapping.container_port == 90 && mapping.protocol == Protocol::udp) ++udp;
  }
  CHECK(web == 1);
  CHECK(udp >= 1);  // both families, where the host has both
}

TEST_CASE("a released endpoint gives its name and ports back, and comes back to its address") {
  ServiceWorld world;
  EndpointRequest request = world.endpoint("web");
  request.publish = {"127.0.0.1::80"};
  const auto first = world.service->reserve(request);
  REQUIRE(first);
  world.service->release("WEB");
  world.service->release("web");
  CHECK(world.service->endpoints().empty());
  CHECK(world.ports.size() == 0);
  REQUIRE(world.service->reserve(world.endpoint("other")));
  const auto again = world.service->reserve(request);
  REQUIRE(again);
  CHECK(again->info.ipv4 == first->info.ipv4);
  CHECK(again->info.mac == first->info.mac);
}

TEST_CASE("leases are listed with the endpoint's name and state") {
  ServiceWorld world;
  REQUIRE(world.service->reserve(world.endpoint("web")));
  auto leases = world.service->leases();
  REQUIRE(leases.size() == 1);
  CHECK(leases[0].name == "web");
  CHECK(leases[0].network == "default");
  CHECK(leases[0].state == "bound");
  CHECK_FALSE(leases[0].expires_in_s);
  world.service->release("web");
  leases = world.service->leases();
  REQUIRE(leases.size() == 1);
  CHECK(leases[0].state == "released");
}

TEST_CASE("a restarted daemon has its networks and addresses again") {
  ServiceWorld world;
  REQUIRE(world.service->create_network(world.request("back", "10.210.0.0/24")));
  const std::string id = world.service->network("back")->spec.id;
  EndpointRequest request = world.endpoint("web");
  request.network = "back";
  const auto before = world.service->reserve(request);
  REQUIRE(before);
  world.write_leases();

  world.start();
  CHECK(world.service->networks().size() == 2);
  CHECK(world.service->network("back")->spec.id == id);
  CHECK(world.service->endpoints().empty());
  EndpointRequest other = world.endpoint("other");
  other.network = "back";
  const auto stranger = world.service->reserve(other);
  REQUIRE(stranger);
  CHECK(stranger->info.ipv4 != before->info.ipv4);  // web may still come back
  const auto after = world.service->reserve(request);
  REQUIRE(after);
  CHECK(after->info.ipv4 == before->info.ipv4);

  world.start();
  world.service->release_unclaimed_leases();
  const auto leases = world.service->leases();
  CHECK(std::all_of(leases.begin(), leases.end(),
                    [](const LeaseInfo& lease) { return lease.state == "released"; }));
}

TEST_CASE("a service that is asked about nobody says so") {
  ServiceWorld world;
  check_error(world.service->endpoint("nobody"), ErrorCode::not_found, "No such endpoint: nobody");
  check_error(world.service->network("nowhere"), ErrorCode::not_found, "No such network: nowhere");
  check_error(world.service->drops("nowhere"), ErrorCode::not_found, "No such network: nowhere");
  check_error(world.service->attach("nobody", bridge::LinkHandle{}), ErrorCode::not_found,
              "No such endpoint");
  CHECK(world.service->flows().empty());
  CHECK(world.service->take_gone().empty());
}
