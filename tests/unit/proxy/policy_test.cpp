#include "proxy/policy.h"

#include <catch2/catch.hpp>

using namespace pontoon;
using namespace pontoon::proxy;

namespace {

IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}

PolicyConfig standard() {
  PolicyConfig config;
  config.gateway = {ip("172.17.0.1"), ip("fd00:17::1")};
  config.networks = {*IpPrefix::parse("172.17.0.0/16"), *IpPrefix::parse("172.18.0.0/16"),
                     *IpPrefix::parse("fd00:17::/64"), *IpPrefix::parse("fd00:18::/64")};
  config.host_v4 = ip("172.17.0.1");
  config.host_v6 = ip("fd00:17::1");
  return config;
}

const char* name(Verdict verdict) {
  switch (verdict) {
    case Verdict::allowed:
      return "allowed";
    case Verdict::gateway:
      return "gateway";
    case Verdict::denied:
      return "denied";
  }
  return "";
}

struct Case {
  const char* target;
  Verdict verdict;
};

constexpr Verdict yes = Verdict::allowed;
constexpr Verdict no = Verdict::denied;

const Case kCases[] = {
    {"8.8.8.8", yes},
    {"1.1.1.1", yes},
    {"10.0.0.1", yes},
    {"192.168.1.1", yes},
    {"172.16.0.1", yes},
    {"172.19.0.1", yes},
    {"126.255.255.255", yes},
    {"128.0.0.1", yes},
    {"169.253.255.255", yes},
    {"169.255.0.0", yes},
    {"223.255.255.255", yes},
    {"100.100.100.201", yes},
    {"2606:4700::1111", yes},
    {"fd12::1", yes},
    {"64:ff9b::808:808", yes},
    {"2002:808:808::1", yes},
    // ourselves
    {"172.17.0.1", Verdict::gateway},
    {"fd00:17::1", Verdict::gateway},
    // the host's loopback
    {"127.0.0.1", no},
    {"127.0.0.53", no},
    {"127.255.255.255", no},
    {"::1", no},
    {"0.0.0.0", no},
    {"0.1.2.3", no},
    {"::", no},
    // link-local and metadata
    {"169.254.0.0", no},
    {"169.254.169.254", no},
    {"169.254.255.255", no},
    {"fe80::1", no},
    {"febf::1", no},
    {"fd00:ec2::254", no},
    {"fd20:ce::254", no},
    {"100.100.100.200", no},
    {"192.0.0.192", no},
    // no unicast
    {"224.0.0.1", no},
    {"239.255.255.255", no},
    {"240.0.0.1", no},
    {"255.255.255.255", no},
    {"ff02::1", no},
    {"ff0e::1", no},
    // networks of ours
    {"172.17.0.2", no},
    {"172.17.255.255", no},
    {"172.18.0.5", no},
    {"fd00:17::2", no},
    {"fd00:18::5", no},
    // the same in IPv6 clothes
    {"::ffff:127.0.0.1", no},
    {"::ffff:169.254.169.254", no},
    {"::ffff:172.18.0.5", no},
    {"::127.0.0.1", no},
    {"64:ff9b::7f00:1", no},
    {"64:ff9b::a9fe:a9fe", no},
    {"64:ff9b::ac12:5", no},
    {"64:ff9b:1::7f00:1", no},
    {"::ffff:0:127.0.0.1", no},
    {"::ffff:0:8.8.8.8", yes},
    {"2002:7f00:1::1", no},
    {"2002:a9fe:a9fe::1", no},
    {"2002:ac12:5::", no},
    {"2001:0:4136:e378:8000:63bf:80ff:fffe", no},   // Teredo client 127.0.0.1
    {"2001:0:4136:e378:8000:63bf:f7f7:f7f7", yes},  // Teredo client 8.8.8.8
};

}  // namespace

TEST_CASE("isolation is the default") {
  const Policy policy(standard());
  for (const Case& one : kCases) {
    INFO(one.target);
    const Decision decision = policy.decide(ip(one.target));
    CHECK(std::string(name(decision.verdict)) == name(one.verdict));
    if (decision.verdict == Verdict::allowed) CHECK(decision.host_target == ip(one.target));
  }
}

TEST_CASE("host.pontoon.internal leads to the host's loopback only when asked for") {
  PolicyConfig config = standard();
  config.host_v4 = ip("172.17.255.254");
  config.host_v6 = ip("fd00:17::ffff");
  CHECK(Policy(config).decide(ip("172.17.255.254")).verdict == Verdict::denied);
  config.allow_host_loopback = true;
  const Policy policy(config);
  CHECK(policy.decide(ip("172.17.255.254")).host_target == ip("127.0.0.1"));
  CHECK(policy.decide(ip("fd00:17::ffff")).host_target == ip("::1"));
  CHECK(policy.decide(ip("172.17.0.1")).verdict == Verdict::gateway);
  CHECK(policy.decide(ip("127.0.0.1")).verdict == Verdict::denied);
  CHECK(policy.inside_name(ip("127.0.0.1")) == ip("172.17.255.254"));
  CHECK(policy.inside_name(ip("::1")) == ip("fd00:17::ffff"));
  CHECK(policy.inside_name(ip("8.8.8.8")) == ip("8.8.8.8"));
}

TEST_CASE("an internal network has no way out but its gateway") {
  PolicyConfig config = standard();
  config.internal = true;
  const Policy policy(config);
  CHECK(policy.decide(ip("8.8.8.8")).verdict == Verdict::denied);
  CHECK(policy.decide(ip("2606:4700::1111")).verdict == Verdict::denied);
  CHECK(policy.decide(ip("172.17.0.1")).verdict == Verdict::gateway);
}

TEST_CASE("networks come and go") {
  Policy policy(standard());
  CHECK(policy.decide(ip("172.20.0.1")).verdict == Verdict::allowed);
  policy.set_networks({*IpPrefix::parse("172.17.0.0/16"), *IpPrefix::parse("172.20.0.0/16")});
  CHECK(policy.decide(ip("172.20.0.1")).verdict == Verdict::denied);
  CHECK(policy.decide(ip("172.18.0.5")).verdict == Verdict::allowed);
}

TEST_CASE("groups get no ICMP errors") {
  const Policy policy(standard());
  for (const char* group : {"224.0.0.1", "255.255.255.255", "172.17.255.255", "ff02::1"})
    CHECK(policy.is_group(ip(group)));
  for (const char* host : {"8.8.8.8", "172.17.0.2", "fd00:17::2", "240.0.0.1"})
    CHECK_FALSE(policy.is_group(ip(host)));
}
