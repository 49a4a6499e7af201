#include "lab/replay/case.h"

#include <fmt/format.h>
#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "lab/replay/case_table.h"

namespace pontoon::lab {
namespace {

constexpr std::string_view kEndpoint = "[[endpoint]]\nname = \"web\"\n";

Case parsed(std::string_view toml) {
  auto result = parse_case(toml, "case.toml");
  INFO((result ? std::string() : result.error().message));
  REQUIRE(result);
  return *result;
}

std::string mistake(std::string_view toml) {
  const auto result = parse_case(toml, "case.toml");
  return result ? "accepted" : result.error().message;
}

// `lines` stand behind a sound endpoint, from line 3 on.
std::string mistake_behind(std::string_view lines) {
  return mistake(std::string(kEndpoint) + std::string(lines));
}

TEST_CASE("a case of one endpoint has the default network and the documented defaults") {
  const Case made = parsed(kEndpoint);
  CHECK(made.seed == 1);
  CHECK(made.input == "input.pcapng");
  CHECK(made.after == std::chrono::seconds(5));
  CHECK_FALSE(made.adapt);
  CHECK_FALSE(made.drops);
  REQUIRE(made.networks.size() == 1);
  CHECK(made.networks[0].name == "default");
  CHECK(made.networks[0].subnet == *IpPrefix::parse("172.17.0.0/16"));
  CHECK(made.networks[0].gateway == Ipv4Address::of(172, 17, 0, 1));
  REQUIRE(made.endpoints.size() == 1);
  CHECK(made.endpoints[0].request.network == "default");
  CHECK(made.endpoints[0].interface.empty());
}

TEST_CASE("every key of a network and an endpoint is read") {
  const Case made = parsed(R"(
title = "t"
origin = "o"
seed = 7
input = "in.pcap"
after = "250ms"
adapt = true
replaced = ["02:00:00:00:00:09"]
stand_ins = ["172.20.0.53"]
echo_hosts = ["192.0.2.1", "2001:db8::1"]
[[network]]
name = "back"
subnet = "172.20.3.4/16"
gateway = "172.20.0.254"
gateway_mac = "02:00:00:00:00:01"
mtu = 9000
internal = true
allow_host_loopback = true
[[endpoint]]
name = "web"
network = "back"
hostname = "www"
ip = "172.20.0.2"
mac = "02:42:ac:14:00:02"
aliases = ["a", "b"]
publish = ["8080:80"]
expose = ["90/udp"]
publish_all = true
dhcp = true
interface = "eth0"
senders = ["02:42:ac:14:00:02", "02:42:ac:14:00:03"]
)");
  CHECK(made.title == "t");
  CHECK(made.seed == 7);
  CHECK(made.input == "in.pcap");
  CHECK(made.after == std::chrono::milliseconds(250));
  CHECK(made.adapt);
  CHECK(made.replaced.size() == 1);
  CHECK(made.stand_ins == std::vector{Ipv4Address::of(172, 20, 0, 53)});
  CHECK(made.echo_hosts.size() == 2);
  const control::NetworkSpec& network = made.networks.at(0);
  CHECK(network.subnet == *IpPrefix::parse("172.20.0.0/16"));
  CHECK(network.gateway == Ipv4Address::of(172, 20, 0, 254));
  CHECK(network.gateway_mac == MacAddress::parse("02:00:00:00:00:01"));
  CHECK(network.mtu == 9000);
  CHECK((network.internal && network.allow_host_loopback));
  const CaseEndpoint& endpoint = made.endpoints.at(0);
  CHECK(endpoint.request.hostname == "www");
  CHECK(endpoint.request.ip == Ipv4Address::of(172, 20, 0, 2));
  CHECK(endpoint.request.aliases == std::vector<std::string>{"a", "b"});
  CHECK(endpoint.request.publish == std::vector<std::string>{"8080:80"});
  CHECK((endpoint.request.publish_all && endpoint.request.dhcp));
  CHECK(endpoint.interface == "eth0");
  CHECK(endpoint.senders.size() == 2);
}

TEST_CASE("who stands outside is read") {
  const Case made = parsed(std::string(kEndpoint) + R"(
[[name]]
name = "www.example.com"
type = "A"
data = "192.0.2.80"
ttl = 60
[upstream]
mood = "slow"
latency = "3s"
[[tcp_service]]
at = "192.0.2.7:7"
connect = "refuse"
talk = "reply"
latency = "5ms"
greeting = "hello\n"
reply = [0, 255, 10]
read_bytes_per_s = 1000
close_after = 5
[[udp_service]]
at = "[2001:db8::7]:7"
answer = "refuse"
[[tcp_client]]
from = "198.51.100.9:50000"
to = "192.0.2.1:8080"
after = "1s"
send = "GET"
shut_down = false
reset_after = 0
[[udp_client]]
from = "198.51.100.9:50000"
to = "192.0.2.1:53"
[[impair]]
after = "1s"
target = "web -> host"
words = "delay=20ms loss=1%"
[drops]
"web/guard_arp" = 2
)");
  REQUIRE(made.names.size() == 1);
  CHECK(made.names[0].ttl_s == 60);
  CHECK(made.upstream_mood == UpstreamNames::Mood::slow);
  CHECK(made.upstream_latency == std::chrono::seconds(3));
  const TcpService& service = made.tcp_services.at(0);
  CHECK(service.at.to_string() == "192.0.2.7:7");
  CHECK(service.connect == TcpService::Connect::refuse);
  CHECK(service.talk == TcpService::Talk::reply);
  CHECK(service.reply == std::string("\0\xff\n", 3));
  CHECK(service.close_after == 5);
  CHECK_FALSE(service.reset_after);
  CHECK(made.udp_services.at(0).at.to_string() == "[2001:db8::7]:7");
  REQUIRE(made.clients.size() == 2);
  CHECK(made.clients[0].after == std::chrono::seconds(1));
  CHECK(made.clients[0].tcp->reset_after == 0);
  CHECK_FALSE(made.clients[0].tcp->shut_down);
  CHECK(made.clients[1].udp);
  CHECK(made.impairments.at(0).target == "web -> host");
  REQUIRE(made.drops);
  CHECK(made.drops->at(0).where == "web");
  CHECK(made.drops->at(0).reason == "guard_arp");
  CHECK(made.drops->at(0).count == 2);
}

TEST_CASE("an empty table of drops forbids all of them, none says nothing") {
  CHECK(parsed(std::string(kEndpoint) + "[drops]\n").drops->empty());
  CHECK_FALSE(parsed(kEndpoint).drops);
}

TEST_CASE("unknown keys are refused with the nearest known one") {
  CHECK_THAT(mistake_behind("adress = \"x\""),
             Catch::StartsWith("case.toml:3: endpoint: unknown key \"adress\"; did you mean "));
  CHECK(mistake("sed = 1\n" + std::string(kEndpoint)) ==
        "case.toml:1: unknown key \"sed\"; did you mean seed?");
  CHECK(mistake_behind("[[tcp_servise]]\n") ==
        "case.toml:3: unknown key \"tcp_servise\"; did you mean tcp_service?");
  CHECK(mistake_behind("[[impair]]\ntarget = \"web\"\nwords = \"loss=1%\"\nafer = \"1s\"") ==
        "case.toml:6: impair: unknown key \"afer\"; did you mean after?");
}

TEST_CASE("values of the wrong type are told with both types") {
  CHECK(mistake("seed = \"1\"") == "case.toml:1: seed: must be a whole number, not a text");
  CHECK(mistake("after = 5") == "case.toml:1: after: must be a text, not a whole number");
  CHECK(mistake("adapt = 1.5") ==
        "case.toml:1: adapt: must be true or false, not a fraction, date or time");
  CHECK(mistake("endpoint = 1") == "case.toml:1: endpoint: must be tables: write [[endpoint]]");
  CHECK(mistake("endpoint = [1]") == "case.toml:1: endpoint: must be tables: write [[endpoint]]");
  CHECK(mistake_behind("aliases = [1]") ==
        "case.toml:3: endpoint.aliases: must be a list of texts; there is a whole number in it");
  CHECK(mistake_behind("[drops]\n\"web/guard_arp\" = -1") ==
        "case.toml:4: drops: \"web/guard_arp\" must be a number");
}

TEST_CASE("values that make no sense are told with what would") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"ip = \"1.2.3\"", "endpoint.ip: \"1.2.3\" is not understood; it must be an IPv4 address"},
      {"mac = \"02:42\"", "endpoint.mac: \"02:42\" is not understood; it must be six octets"},
      {"senders = [\"x\"]", "endpoint.senders: \"x\" is not understood"},
      {"publish = [\"a:b\"]", "endpoint.publish: "},
      {"hostname = \"-\"", "endpoint.hostname: "},
      {"[[network]]\n", "network: subnet is missing"},
      {"[[network]]\nsubnet = \"fd00::/64\"", "network.subnet: must be an IPv4 prefix"},
      {"[[network]]\nsubnet = \"10.0.0.0/31\"", "network.subnet: must be an IPv4 prefix"},
      {"[[network]]\nsubnet = \"10.0.0.0/24\"\ngateway = \"10.0.1.1\"",
       "network.gateway: must be a host of 10.0.0.0/24"},
      {"[[network]]\nsubnet = \"10.0.0.0/24\"\ngateway = \"10.0.0.255\"",
       "network.gateway: must be a host of 10.0.0.0/24"},
      {"[[network]]\nsubnet = \"10.0.0.0/24\"\nmtu = 100",
       "network.mtu: 100 is out of range: 1280 to 65520"},
      {"[[tcp_service]]\n", "tcp_service: at is missing"},
      {"[[tcp_service]]\nat = \"192.0.2.1\"", "tcp_service.at: "},
      {"[[tcp_service]]\nat = \"192.0.2.1:0\"", "tcp_service.at: "},
      {"[[tcp_service]]\nat = \"[192.0.2.1]:5\"", "tcp_service.at: "},
      {"[[tcp_service]]\nat = \"192.0.2.1:99999\"", "tcp_service.at: "},
      {"[[tcp_service]]\nat = \"192.0.2.1:7\"\ntalk = \"sing\"",
       "it must be one of echo, discard, reply, silent"},
      {"[[tcp_service]]\nat = \"192.0.2.1:7\"\nreply = [256]", "a list of bytes from 0 to 255"},
      {"[[name]]\nname = \"a.b\"\ntype = \"A\"\ndata = \"x\"", "name.data: "},
      {"[[impair]]\ntarget = \"web\"\nwords = \"los=1%\"", "impair.words: "},
      {"[[impair]]\ntarget = \"a b c d\"\nwords = \"loss=1%\"", "impair.target: "},
      {"[drops]\n\"web\" = 1", "must be WHERE/REASON"},
      {"[drops]\n\"web/tired\" = 1", "must be WHERE/REASON"},
  };
  for (const auto& [lines, expected] : rows) {
    INFO(lines);
    CHECK_THAT(mistake_behind(lines), Catch::Contains(std::string(expected)));
    CHECK_THAT(mistake_behind(lines), Catch::StartsWith("case.toml:"));
  }
}

TEST_CASE("a document that is no TOML is told with its line") {
  CHECK_THAT(mistake("\n\n[[endpoint"), Catch::StartsWith("case.toml:3: "));
  CHECK_THAT(mistake("a = 1\na = 2"), Catch::StartsWith("case.toml:2: "));
  CHECK_THAT(mistake(std::string_view("\0\xff", 2)), Catch::StartsWith("case.toml:1: "));
  CHECK_THAT(mistake(""), Catch::Contains("there is no endpoint"));
}

TEST_CASE("cases are bounded", "[limit:kCaseBytes][limit:kCaseActors]") {
  CHECK_THAT(mistake(std::string(limits::kCaseBytes + 1, '\n')), Catch::Contains("longer than"));
  std::string many(kEndpoint);
  for (std::size_t i = 0; i <= limits::kCaseActors; ++i)
    many += fmt::format("[[udp_service]]\nat = \"192.0.2.1:{}\"\n", i + 1);
  CHECK_THAT(mistake(many), Catch::Contains("udp_service: more than 1024 of them"));
  std::string nested = "a = " + std::string(5000, '[');
  CHECK_THAT(mistake(nested), Catch::StartsWith("case.toml:1: "));
}

TEST_CASE("letters of any language stand in texts, comments and where they must not") {
  const Case made =
      parsed("title = \"\"\"\u00e9\u00b1\\\n  \u4e2d\ufeff\U0001f600\"\"\" # \u00e9\n" +
             std::string(kEndpoint));
  CHECK(made.title == "\u00e9\u00b1\u4e2d\ufeff\U0001f600");
  for (const char* letter : {"\u00a1", "\u00e9", "\u0499", "\u1680", "\u2000", "\u202e", "\u3001",
                             "\ufeff", "\U0001f600", "\U0010ffff"}) {
    CHECK_THAT(mistake(letter), Catch::StartsWith("case.toml:"));
    CHECK_THAT(mistake(std::string("seed = ") + letter), Catch::StartsWith("case.toml:"));
    CHECK_THAT(mistake(std::string("seed = 1 ") + letter), Catch::StartsWith("case.toml:"));
    CHECK_THAT(mistake(std::string("a = [1, ") + letter), Catch::StartsWith("case.toml:"));
  }
}

TEST_CASE("any bytes are a case or a mistake") {
  CHECK(rc::check([](const std::string& text) { (void)parse_case(text, "case.toml"); }));
  // Closer to TOML: its own signs, keys of cases, and letters beyond ASCII in between.
  const auto piece = rc::gen::elementOf(std::vector<std::string>{
      "[",    "]",  "[[", "]]",  "\"",     "'",      "\"\"\"",     "=",    ".",    ",",
      "#",    "\n", "\\", " ",   "{",      "}",      "endpoint",   "name", "web",  "drops",
      "seed", "1",  "-",  "1e5", "\u00e9", "\u2000", "\U0001f600", "\xff", "true", "1979-05-27"});
  CHECK(rc::check([&piece] {
    std::string text;
    for (const std::string& each : *rc::gen::container<std::vector<std::string>>(piece))
      text += each;
    (void)parse_case(text, "case.toml");
  }));
}

TEST_CASE("durations have one unit, up to a year", "[limit:kReplaySpan]") {
  CHECK(parse_duration("0s") == Duration(0));
  CHECK(parse_duration("7ns") == Duration(7));
  CHECK(parse_duration("1.5s") == std::chrono::milliseconds(1500));
  CHECK(parse_duration("0.25us") == Duration(250));
  CHECK(parse_duration("1.0000000009s") == std::chrono::seconds(1));
  CHECK(parse_duration("2m") == std::chrono::minutes(2));
  CHECK(parse_duration("366d") == Duration(limits::kReplaySpan));
  for (const char* wrong : {"", "s", "1", "1.s", ".5s", "-1s", "1 s", "1sec", "367d", "1e3s",
                            "9223372036854775807d", "99999999999999999999s"}) {
    INFO(wrong);
    CHECK_FALSE(parse_duration(wrong));
  }
}

}  // namespace
}  // namespace pontoon::lab
