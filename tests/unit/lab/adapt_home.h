// What the tests of lab/replay/adapt* share: a network with one endpoint, and frames of its own.
#pragma once

#include <catch2/catch.hpp>

#include "lab/replay/case.h"
#include "tests/support/capture_builder.h"
#include "tests/support/dhcp_talk.h"

namespace pontoon::test {

inline const MacAddress kClientMac = DhcpClient::numbered(1).mac;

inline lab::Case home() {
  lab::Case out;
  control::NetworkSpec spec;
  spec.name = "default";
  spec.subnet = *IpPrefix::parse("192.168.1.0/24");
  spec.gateway = ip4("192.168.1.1");
  out.networks.push_back(spec);
  lab::CaseEndpoint endpoint;
  endpoint.request.name = "web";
  endpoint.request.ip = ip4("192.168.1.5");
  endpoint.request.mac = kClientMac;
  out.endpoints.push_back(endpoint);
  out.stand_ins = {ip4("192.168.1.254")};
  out.adapt = true;
  return out;
}

inline PacketEnds to_web() {
  return outwards(kClientMac, "192.168.1.5", "93.184.216.34");
}

inline Dissected sound(const Bytes& frame) {
  Dissected out = dissect(frame);
  CHECK(out.problem.empty());
  return out;
}

}  // namespace pontoon::test
