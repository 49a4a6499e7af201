// What the kernel sends on the interface arrives at the descriptor that was handed over, and the
// other way round.
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "tests/unit/netns/harness.h"

using namespace pontoon;
using namespace pontoon::bridge;
using namespace pontoon::bridge::test;
using Catch::Matchers::Contains;

namespace {

const MacAddress kGatewayMac = *MacAddress::parse("02:00:00:00:00:01");

bool is_arp_request(ByteView frame) {
  return frame.size() >= 42 && load_be<std::uint16_t>(&frame[12]) == 0x0806 &&
         load_be<std::uint16_t>(&frame[20]) == 1 &&
         Ipv4Address::from(frame.subspan(38, 4)) == Ipv4Address::of(172, 17, 0, 1);
}

bool is_echo_request(ByteView frame) {
  return frame.size() >= 42 && load_be<std::uint16_t>(&frame[12]) == 0x0800 && frame[23] == 1 &&
         frame[34] == 8;
}

std::vector<std::uint8_t> arp_reply(ByteView request) {
  std::vector<std::uint8_t> reply(42);
  ByteWriter writer(reply);
  writer.bytes(request.subspan(6, 6));
  writer.bytes(kGatewayMac.octets);
  writer.bytes(request.subspan(12, 8));  // EtherType, formats and sizes
  writer.u16(2);
  writer.bytes(kGatewayMac.octets);
  writer.bytes(request.subspan(38, 4));
  writer.bytes(request.subspan(22, 10));
  REQUIRE(writer.position() == 42);
  return reply;
}

void converse(const RunOptions& options, bool ordinary_user, LinkHandle::Kind kind) {
  Run run(options, {.ordinary_user = ordinary_user});
  const HandedLink link = run.daemon.receive_link();
  CHECK(link.kind == kind);
  const auto request = await_frame(link, is_arp_request);
  REQUIRE(request);
  CHECK(MacAddress::from(ByteView(*request).subspan(6, 6)) == endpoint().mac);
  CHECK(Ipv4Address::from(ByteView(*request).subspan(28, 4)) == Ipv4Address::of(172, 17, 0, 9));
  send_frame(link, arp_reply(*request));
  const auto echo = await_frame(link, is_echo_request);
  REQUIRE(echo);
  CHECK(MacAddress::from(ByteView(*echo).first(6)) == kGatewayMac);
  run.process.write_line("enough");
  CHECK(run.process.wait() == 0);
}

RunOptions pinging(LinkChoice choice) {
  RunOptions options = shell("ping -c 3 172.17.0.1 >/dev/null 2>&1 & read line; exit 0");
  options.link = choice;
  return options;
}

std::string host_interfaces() {
  std::string names;
  struct if_nameindex* all = ::if_nameindex();
  for (const struct if_nameindex* one = all; one != nullptr && one->if_index != 0; ++one)
    names += std::string(one->if_name) + " ";
  ::if_freenameindex(all);
  return names;
}

}  // namespace

TEST_CASE("frames pass a packet link, also without any privilege") {
  const std::string before = host_interfaces();
  converse(pinging(LinkChoice::packet), false, LinkHandle::Kind::packet);
  if (is_root()) {
    converse(pinging(LinkChoice::packet), true, LinkHandle::Kind::packet);
    RunOptions as_self = pinging(LinkChoice::packet);
    as_self.user = InnerUser::keep;  // ping then has no capability and uses a ping socket
    converse(as_self, true, LinkHandle::Kind::packet);
  }
  CHECK(host_interfaces() == before);
}

TEST_CASE("frames pass a TAP, with and without a user namespace") {
  if (!can_open_tun()) {
    WARN("skipped: /dev/net/tun is closed to this user");
    return;
  }
  const std::string before = host_interfaces();
  RunOptions options = pinging(LinkChoice::tap);
  converse(options, false, LinkHandle::Kind::tap);
  options.always_user_namespace = true;
  converse(options, false, LinkHandle::Kind::tap);
  options.link = LinkChoice::automatic;
  converse(options, false, LinkHandle::Kind::tap);
  CHECK(host_interfaces() == before);
}

TEST_CASE("where /dev/net/tun is closed, tap is refused and automatic falls back") {
  if (!is_root()) {
    WARN("skipped: needs root to become an ordinary user");
    return;
  }
  Process probe([] {
    become_ordinary_user();
    return can_open_tun() ? 0 : 1;
  });
  if (probe.wait() == 0) {
    WARN("skipped: /dev/net/tun is open to everyone here");
    return;
  }
  converse(pinging(LinkChoice::automatic), true, LinkHandle::Kind::packet);
  Run refused(pinging(LinkChoice::tap), {.ordinary_user = true});
  CHECK(refused.process.wait() == 125);
  CHECK_THAT(refused.process.errors(), Contains("/dev/net/tun"));
}

TEST_CASE("the silent half of a packet link has nothing to say") {
  if (!is_root()) {
    WARN("skipped: needs root to look into the far namespace");
    return;
  }
  RunOptions options = shell("read line");
  options.link = LinkChoice::packet;
  Run run(options, {.ordinary_user = true});
  const HandedLink link = run.daemon.receive_link();
  const UniqueFd far(::ioctl(link.fd.get(), SIOCGSKNS));
  REQUIRE(far);
  Process look([&] {
    if (::setns(far.get(), CLONE_NEWNET) != 0) return 98;
    ::execlp("sh", "sh", "-c",
             "ip -o link; ip -o addr; cat /proc/sys/net/ipv6/conf/pontoon0/disable_ipv6", nullptr);
    return 99;
  });
  CHECK(look.wait() == 0);
  CHECK_THAT(look.output(), Contains("pontoon0") && Contains("NOARP") && Contains("mtu 1400"));
  CHECK_THAT(look.output(), !Contains("inet") && Catch::EndsWith("\n1\n"));
}
