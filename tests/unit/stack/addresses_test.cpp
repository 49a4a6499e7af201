#include "core/stack/addresses.h"

#include <catch2/catch.hpp>

#include "tests/support/packets.h"

using namespace pontoon;
using namespace pontoon::stack;
using namespace pontoon::test;

namespace {

Addresses gateway(const char* ipv4 = "172.17.0.1/16", const char* ipv6 = "fd00:17::1/64") {
  return Addresses(mac("02:42:ac:11:00:01"), IpPrefix::parse(ipv4).value(),
                   ipv6 == nullptr ? std::nullopt : IpPrefix::parse(ipv6));
}

struct SourceCase {
  const char* address;
  SourceKind kind;
};
struct TargetCase {
  const char* address;
  TargetKind kind;
};

}  // namespace

TEST_CASE("sources are judged as the RFCs say") {
  const Addresses addresses = gateway();
  const SourceCase cases[] = {
      {"172.17.0.2", SourceKind::on_link},
      {"172.17.255.254", SourceKind::on_link},
      {"172.17.0.1", SourceKind::martian},  // our own
      {"172.17.255.255", SourceKind::martian},
      {"172.17.0.0", SourceKind::martian},
      {"255.255.255.255", SourceKind::martian},
      {"127.0.0.1", SourceKind::martian},
      {"127.255.0.9", SourceKind::martian},
      {"224.0.0.1", SourceKind::martian},
      {"239.1.2.3", SourceKind::martian},
      {"240.0.0.1", SourceKind::martian},
      {"0.1.2.3", SourceKind::martian},
      {"0.0.0.0", SourceKind::unspecified},
      {"172.18.0.2", SourceKind::off_link},
      {"169.254.1.1", SourceKind::off_link},
      {"8.8.8.8", SourceKind::off_link},
      {"fd00:17::2", SourceKind::on_link},
      {"fe80::2", SourceKind::on_link},
      {"fd00:17::1", SourceKind::martian},
      {"fe80::42:acff:fe11:1", SourceKind::martian},  // our own link-local address
      {"::", SourceKind::unspecified},
      {"::1", SourceKind::martian},
      {"ff02::1", SourceKind::martian},
      {"fd00:18::2", SourceKind::off_link},
      {"2001:db8::1", SourceKind::off_link},
  };
  for (const SourceCase& one : cases) {
    CAPTURE(one.address);
    CHECK(addresses.judge_source(ip(one.address)) == one.kind);
  }
}

TEST_CASE("targets are judged as the RFCs say") {
  const Addresses addresses = gateway();
  const TargetCase cases[] = {
      {"172.17.0.1", TargetKind::ours},
      {"172.17.0.3", TargetKind::neighbour},
      {"172.17.255.255", TargetKind::broadcast},
      {"255.255.255.255", TargetKind::broadcast},
      {"172.17.0.0", TargetKind::martian},
      {"127.0.0.1", TargetKind::martian},
      {"0.0.0.0", TargetKind::martian},
      {"0.0.0.5", TargetKind::martian},
      {"240.0.0.1", TargetKind::martian},
      {"224.0.0.251", TargetKind::multicast},
      {"172.18.0.1", TargetKind::foreign},
      {"169.254.169.254", TargetKind::foreign},  // the egress policy's business
      {"1.1.1.1", TargetKind::foreign},
      {"fd00:17::1", TargetKind::ours},
      {"fe80::42:acff:fe11:1", TargetKind::ours},
      {"fd00:17::9", TargetKind::neighbour},
      {"fe80::9", TargetKind::neighbour},
      {"ff02::1", TargetKind::multicast},
      {"ff05::1:3", TargetKind::multicast},
      {"::", TargetKind::martian},
      {"::1", TargetKind::martian},
      {"2001:db8::1", TargetKind::foreign},
  };
  for (const TargetCase& one : cases) {
    CAPTURE(one.address);
    CHECK(addresses.judge_target(ip(one.address)) == one.kind);
  }
}

TEST_CASE("an IPv4 address in IPv6 clothes is judged as the IPv4 address") {
  // IpAddress cannot tell them apart, so nothing slips past the IPv4 rules that way.
  const Ipv6Address mapped = ip6("::ffff:127.0.0.1");
  CHECK(gateway().judge_source(IpAddress(mapped)) == SourceKind::martian);
}

TEST_CASE("a /31 has no broadcast address") {
  const Addresses addresses = gateway("10.0.0.0/31", nullptr);
  CHECK(addresses.judge_source(ip("10.0.0.1")) == SourceKind::on_link);
  CHECK(addresses.judge_target(ip("10.0.0.1")) == TargetKind::neighbour);
  CHECK_FALSE(addresses.is_broadcast(ip("10.0.0.1")));
  CHECK(addresses.is_broadcast(ip("255.255.255.255")));
}

TEST_CASE("we speak with an address of the same family and scope") {
  const Addresses addresses = gateway();
  CHECK(addresses.toward(ip("172.17.0.2")) == ip("172.17.0.1"));
  CHECK(addresses.toward(ip("fd00:17::2")) == ip("fd00:17::1"));
  CHECK(addresses.toward(ip("fe80::2")) == ip("fe80::42:acff:fe11:1"));
  CHECK(gateway("172.17.0.1/16", nullptr).toward(ip("fd00:17::2")) == ip("fe80::42:acff:fe11:1"));
}

TEST_CASE("we are in the groups that a router must be in") {
  const Addresses addresses = gateway();
  for (const char* group :
       {"224.0.0.1", "224.0.0.2", "ff02::1", "ff02::2", "ff02::1:ff00:1", "ff02::1:ff11:1"}) {
    CAPTURE(group);
    CHECK(addresses.in_group(ip(group)));
  }
  for (const char* group : {"224.0.0.251", "ff02::fb", "ff02::1:ff00:2", "ff05::2", "ff02::16"}) {
    CAPTURE(group);
    CHECK_FALSE(addresses.in_group(ip(group)));
  }
}

TEST_CASE("groups and broadcasts have their MAC addresses") {
  CHECK(multicast_mac(ip("224.0.0.251")) == mac("01:00:5e:00:00:fb"));
  CHECK(multicast_mac(ip("239.129.2.3")) == mac("01:00:5e:01:02:03"));  // 23 bits only
  CHECK(multicast_mac(ip("ff02::1:ff00:2")) == mac("33:33:ff:00:00:02"));
  CHECK(multicast_mac(ip("255.255.255.255")) == MacAddress::broadcast());
  CHECK(multicast_mac(ip("172.17.255.255")) == MacAddress::broadcast());
}
