#include "core/capture/filter.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <map>

#include "core/base/limits.h"
#include "core/base/random.h"
#include "tests/support/hex.h"
#include "tests/support/packets.h"

namespace pontoon::capture {
namespace {

using namespace pontoon::test;

class Names final : public NameLookup {
 public:
  std::vector<IpAddress> addresses_of(std::string_view name) const override {
    if (name == "web") return {ip("172.17.0.2"), ip("fd00::2")};
    if (name == "db") return {ip("172.17.0.3")};
    return {};
  }
};

std::string error_of(std::string_view text) {
  const auto filter = Filter::parse(text, Names());
  return filter ? "" : filter.error().message;
}

bool keeps(std::string_view text, ByteView frame, std::size_t length = 0, bool dropped = false) {
  const auto filter = Filter::parse(text, Names());
  INFO(text);
  REQUIRE(filter);
  return filter->matches(frame, length, dropped);
}

wire::TcpRepr from_port(std::uint16_t source, std::uint16_t target) {
  wire::TcpRepr repr;
  repr.source_port = source;
  repr.destination_port = target;
  return repr;
}

const std::map<std::string, Bytes>& frames() {
  static const PacketEnds v4 = between("172.17.0.2", "172.17.0.3");
  static const PacketEnds v6 = between("fd00::2", "fd00::3");
  static const std::map<std::string, Bytes> made = {
      {"udp", udp_frame(v4, 40000, 53, pattern(30))},
      {"udp6", udp_frame(v6, 40000, 53, pattern(30))},
      {"tcp", tcp_frame(v4, from_port(40000, 80))},
      {"tcp6", tcp_frame(v6, from_port(40000, 80))},
      {"icmp", echo_frame(v4, true, 1, 2)},
      {"icmp6", echo_frame(v6, true, 1, 2)},
      {"arp", arp_frame({wire::ArpOperation::request,
                         mac("02:00:00:00:00:01"),
                         ip4("172.17.0.2"),
                         {},
                         ip4("172.17.0.3")})},
      {"vlan", tagged(udp_frame(v4, 40000, 53, pattern(30)), 5)},
      {"garbage", unhex("0102")},
  };
  return made;
}

// The names of the frames that a filter keeps, in alphabetical order.
std::string kept_by(std::string_view text) {
  std::string kept;
  for (const auto& [name, frame] : frames()) {
    if (!keeps(text, frame)) continue;
    kept += kept.empty() ? "" : " ";
    kept += name;
  }
  return kept;
}

TEST_CASE("filter: an empty one keeps everything, garbage too") {
  CHECK(kept_by("") == "arp garbage icmp icmp6 tcp tcp6 udp udp6 vlan");
  CHECK(kept_by("  \t") == kept_by(""));
  CHECK(Filter().matches({}, 0, false));
}

TEST_CASE("filter: protocols") {
  CHECK(kept_by("arp") == "arp");
  CHECK(kept_by("ip") == "icmp tcp udp vlan");
  CHECK(kept_by("ip6") == "icmp6 tcp6 udp6");
  CHECK(kept_by("icmp") == "icmp");
  CHECK(kept_by("icmp6") == "icmp6");
  CHECK(kept_by("tcp") == "tcp tcp6");
  CHECK(kept_by("udp") == "udp udp6 vlan");
}

TEST_CASE("filter: hosts by address and by name, ARP included") {
  CHECK(kept_by("host 172.17.0.3") == "arp icmp tcp udp vlan");
  CHECK(kept_by("src host 172.17.0.3") == "");
  CHECK(kept_by("dst 172.17.0.3 and udp") == "udp vlan");
  CHECK(kept_by("src fd00::2") == "icmp6 tcp6 udp6");
  CHECK(kept_by("host web") == "arp icmp icmp6 tcp tcp6 udp udp6 vlan");
  CHECK(kept_by("dst host web") == "");
  CHECK(kept_by("src db") == "");
  CHECK(kept_by("arp host db") == "arp");
}

TEST_CASE("filter: networks") {
  CHECK(kept_by("net 172.17.0.0/16") == "arp icmp tcp udp vlan");
  CHECK(kept_by("net fd00::/64") == "icmp6 tcp6 udp6");
  CHECK(kept_by("dst net 172.17.0.2/32") == "");
  CHECK(kept_by("src net 172.17.0.2") == "arp icmp tcp udp vlan");
  CHECK(kept_by("net 0.0.0.0/0") == "arp icmp tcp udp vlan");
}

TEST_CASE("filter: ports and their ranges") {
  CHECK(kept_by("port 53") == "udp udp6 vlan");
  CHECK(kept_by("src port 53") == "");
  CHECK(kept_by("dst port 80") == "tcp tcp6");
  CHECK(kept_by("tcp port 53") == "");
  CHECK(kept_by("tcp dst port 80") == "tcp tcp6");
  CHECK(kept_by("ip6 port 80") == "tcp6");
  CHECK(kept_by("portrange 80-90") == "tcp tcp6");
  CHECK(kept_by("portrange 53-80") == "tcp tcp6 udp udp6 vlan");
  CHECK(kept_by("udp src portrange 40000-40000") == "udp udp6 vlan");
  CHECK(kept_by("port 0") == "");
}

TEST_CASE("filter: stations") {
  CHECK(kept_by("ether src 02:00:00:00:00:01") == "arp icmp icmp6 tcp tcp6 udp udp6 vlan");
  CHECK(kept_by("ether dst ff:ff:ff:ff:ff:ff") == "arp");
  CHECK(kept_by("ether host 02:00:00:00:00:02") == "icmp icmp6 tcp tcp6 udp udp6 vlan");
  CHECK(kept_by("ether src host 02:00:00:00:00:02") == "");
}

TEST_CASE("filter: lengths are those on the wire, both ends included") {
  const Bytes frame(60);
  CHECK(keeps("less 60", frame));
  CHECK_FALSE(keeps("less 59", frame));
  CHECK(keeps("greater 60", frame));
  CHECK_FALSE(keeps("greater 61", frame));
  CHECK(keeps("greater 1000", frame, 1514));
  CHECK_FALSE(keeps("less 1000", frame, 1514));
}

TEST_CASE("filter: dropped frames") {
  CHECK(keeps("dropped", frames().at("udp"), 0, true));
  CHECK_FALSE(keeps("dropped", frames().at("udp"), 0, false));
  CHECK(keeps("tcp or dropped", frames().at("udp"), 0, true));
  CHECK_FALSE(keeps("not dropped", {}, 0, true));
}

TEST_CASE("filter: not binds closest, then and, then or; both spellings") {
  CHECK(kept_by("not ip") == "arp garbage icmp6 tcp6 udp6");
  CHECK(kept_by("!ip&&!ip6") == "arp garbage");
  CHECK(kept_by("not ip and not ip6") == "arp garbage");
  CHECK(kept_by("arp or ip and tcp") == "arp tcp");
  CHECK(kept_by("(arp or ip) and tcp") == "tcp");
  CHECK(kept_by("tcp and ip || arp") == "arp tcp");
  CHECK(kept_by("not (tcp or udp)") == "arp garbage icmp icmp6");
  CHECK(kept_by("not not arp") == "arp");
  CHECK(kept_by("not tcp port 80 and ip") == "icmp udp vlan");
  CHECK(kept_by("((((tcp))))") == "tcp tcp6");
  CHECK(kept_by("udp and (port 53 or port 67) and not host db and ip6") == "udp6");
}

TEST_CASE("filter: fragments match what their headers show") {
  Bytes first = frames().at("udp");
  first[20] = 0x20;  // more fragments
  Bytes later = frames().at("udp");
  later[20] = 0x00;
  later[21] = 0x05;
  CHECK(keeps("udp port 53", first));
  CHECK(keeps("udp", later));
  CHECK(keeps("host web", later));
  CHECK_FALSE(keeps("port 53", later));
  CHECK(keeps("not port 53", later));
}

TEST_CASE("filter: IPv6 extension headers are walked over, to a limit") {
  const PacketEnds ends = between("fd00::2", "fd00::3");
  const Bytes udp(frames().at("udp6").begin() + 54, frames().at("udp6").end());
  const Bytes hop = joined(unhex("11 00 000000000000"), udp);
  CHECK(keeps("udp port 53", ip_frame(ends, wire::IpProtocol::hop_by_hop, hop)));
  const Bytes first = joined(unhex("11 00 0001 00000001"), udp);
  CHECK(keeps("udp port 53", ip_frame(ends, wire::IpProtocol::fragment, first)));
  const Bytes later = joined(unhex("11 00 0009 00000001"), udp);
  CHECK(keeps("udp", ip_frame(ends, wire::IpProtocol::fragment, later)));
  CHECK_FALSE(keeps("port 53", ip_frame(ends, wire::IpProtocol::fragment, later)));
  Bytes many = joined(unhex("11 00 000000000000"), udp);
  for (std::size_t i = 0; i < limits::kIpv6ExtensionHeaders; ++i)
    many = joined(unhex("3c 00 000000000000"), many);
  CHECK_FALSE(keeps("udp", ip_frame(ends, wire::IpProtocol::destination_options, many)));
  CHECK(keeps("ip6", ip_frame(ends, wire::IpProtocol::destination_options, many)));
}

TEST_CASE("filter: errors show the place and what would be right") {
  const std::string see = "; see FILTERS in pontoon(1)";
  const std::string primitive =
      "a primitive such as \"tcp\", \"host web\" or \"port 53\" is expected";
  CHECK(error_of("prot 80") == "near \"prot\": " + primitive + see);
  CHECK(error_of("tcp and") == "at its end: " + primitive + see);
  CHECK(error_of("and tcp") == "near \"and\": " + primitive + see);
  CHECK(error_of("()") == "near \")\": " + primitive + see);
  CHECK(error_of("tcp & udp") == "near \"&\": \"and\" or \"or\" is missing in front of it" + see);
  CHECK(error_of("tcp udp") == "near \"udp\": \"and\" or \"or\" is missing in front of it" + see);
  CHECK(error_of("dropped port 80") ==
        "near \"port\": \"and\" or \"or\" is missing in front of it" + see);
  CHECK(error_of("(tcp") == "at its end: a \")\" is missing" + see);
  CHECK(error_of("tcp)") == "near \")\": there is no \"(\" for it" + see);
  CHECK(error_of("host") == "at its end: an address or an endpoint's name is expected" + see);
  CHECK(error_of("host nobody") ==
        "near \"nobody\": neither an address nor the name of an endpoint" + see);
  CHECK(error_of("net 10") == "near \"10\": a network such as 172.17.0.0/16 is expected" + see);
  CHECK(error_of("port") == "at its end: a port from 0 to 65535 is expected" + see);
  CHECK(error_of("port 65536") == "near \"65536\": a port from 0 to 65535 is expected" + see);
  CHECK(error_of("port http") == "near \"http\": a port from 0 to 65535 is expected" + see);
  CHECK(error_of("port -1") == "near \"-1\": a port from 0 to 65535 is expected" + see);
  for (const char* range : {"80", "90-80", "80-", "-80", "1-65536", "1-2-3"})
    CHECK(error_of(std::string("portrange ") + range) ==
          "near \"" + std::string(range) + "\": a range of ports such as 8000-8080 is expected" +
              see);
  CHECK(error_of("less") == "at its end: a length in bytes is expected" + see);
  CHECK(error_of("greater x") == "near \"x\": a length in bytes is expected" + see);
  CHECK(error_of("ether 02:00:00:00:00:01") ==
        "near \"02:00:00:00:00:01\": \"ether\" goes on with host, src or dst" + see);
  CHECK(error_of("ether src web") ==
        "near \"web\": a MAC address such as 02:42:ac:11:00:02 is expected" + see);
}

std::string repeated(std::string_view text, std::size_t times, std::string_view last) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i)
    all += text;
  return all + std::string(last);
}

TEST_CASE("filter: limits of terms and of depth", "[limit:kFilterTerms][limit:kFilterDepth]") {
  const std::size_t most = limits::kFilterTerms / 2;
  CHECK(error_of(repeated("tcp or ", most - 1, "tcp")) == "");
  CHECK(error_of(repeated("tcp or ", most, "tcp")) ==
        "at its end: the filter has more than 256 terms; see FILTERS in pontoon(1)");
  CHECK(kept_by(repeated("arp or ", most - 1, "tcp")) == "arp tcp tcp6");
  const std::size_t depth = limits::kFilterDepth;
  CHECK(error_of(repeated("not ", depth, "tcp")) == "");
  CHECK(error_of(repeated("(", depth, "tcp") + repeated(")", depth, "")) == "");
  const std::string deep =
      ": more than 32 parentheses and negations within one another; see FILTERS in pontoon(1)";
  CHECK(error_of(repeated("not ", depth + 1, "tcp")) == "near \"not\"" + deep);
  CHECK(error_of(repeated("(", 100'000, "tcp")) == "near \"(\"" + deep);
  CHECK(kept_by(repeated("!", depth, "tcp")) == "tcp tcp6");
}

TEST_CASE("filter: any text is parsed or refused, any frame is judged") {
  const std::vector<std::string> words = {"tcp",  "udp", "host", "web", "port",     "53",  "not",
                                          "and",  "or",  "(",    ")",   "src",      "dst", "net",
                                          "less", "60",  "!",    "&&",  "||",       "&",   "ether",
                                          "arp",  "1-2", "ip6",  "::1", "portrange"};
  SeededRandom random(3, "filters");
  int parsed = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (std::uint32_t left = random.below(8); left > 0; --left)
      text += words[random.below(static_cast<std::uint32_t>(words.size()))] + " ";
    const auto filter = Filter::parse(text, Names());
    CHECK((filter || !filter.error().message.empty()));
    if (!filter) continue;
    ++parsed;
    for (const auto& [name, frame] : frames()) {
      for (std::size_t size = 0; size <= frame.size(); size += 5)
        (void)filter->matches(ByteView(frame).first(size), frame.size(), false);
    }
  }
  CHECK(parsed > 100);
}

}  // namespace
}  // namespace pontoon::capture
