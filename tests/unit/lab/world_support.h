// A world of one network, and what its endpoints say first.
#pragma once

#include <catch2/catch.hpp>

#include <string>

#include "control/names.h"
#include "lab/world/world.h"
#include "tests/support/dns.h"
#include "tests/support/packets.h"

namespace pontoon::test {

inline control::EndpointRequest request(const std::string& name) {
  control::EndpointRequest out;
  out.name = name;
  return out;
}

struct SmallWorld {
  explicit SmallWorld(std::uint64_t seed = 1) : world(seed) {
    REQUIRE(world.add_network(*lab::spec_for("default", "172.17.0.0/16")));
  }

  lab::Member& add(const std::string& name) { return add(request(name)); }
  lab::Member& add(const control::EndpointRequest& wanted) {
    auto added = world.add_endpoint(wanted);
    if (!added) FAIL(added.error().message);
    return **added;
  }

  static PacketEnds to_foreign(const lab::Member& member, const std::string& address) {
    PacketEnds ends;
    ends.source_mac = member.mac();
    ends.target_mac = control::mac_for("default", "gateway", 0);
    ends.source = member.address();
    ends.target = ip(address);
    return ends;
  }
  static PacketEnds to_gateway(const lab::Member& member) {
    return to_foreign(member, "172.17.0.1");
  }

  void ask(lab::Member& member, const std::string& name, std::uint16_t type = 1) {
    world.send(member, udp_frame(to_gateway(member), 5353, 53, encode(question(name, type))));
  }
  void syn(lab::Member& member, const std::string& address, std::uint16_t port) {
    wire::TcpRepr repr;
    repr.source_port = 40000;
    repr.destination_port = port;
    repr.sequence = wire::TcpSequence{1000};
    repr.flags = {.syn = true};
    repr.window = 60000;
    repr.options.mss = 1460;
    world.send(member, tcp_frame(to_foreign(member, address), repr));
  }

  static Dissected take_one(lab::Member& member) {
    const auto frames = member.take_received();
    REQUIRE(frames.size() == 1);
    Dissected packet = dissect(frames[0]);
    CHECK(packet.problem == "");
    return packet;
  }

  std::string lease_state(const std::string& endpoint) {
    for (const dhcp::Lease& lease : world.network("default")->leases()) {
      if (lease.endpoint == endpoint) return std::string(to_string(lease.state));
    }
    return "none";
  }

  lab::World world;
};

}  // namespace pontoon::test
