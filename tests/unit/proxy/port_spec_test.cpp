#include "proxy/port_spec.h"

#include <catch2/catch.hpp>

#include <rapidcheck.h>

#include "core/base/limits.h"

using namespace pontoon;
using namespace pontoon::proxy;

namespace {

// "0.0.0.0:8000-8001->80/tcp": every part that the parser decided on, "*" where it left a choice.
std::string describe(const PortSpec& spec) {
  std::string text = spec.host_ip ? spec.host_ip->to_string() : "*";
  text += " ";
  text += spec.host_ports ? std::to_string(spec.host_ports->first) : "*";
  if (spec.host_ports && spec.host_ports->size() > 1) {
    text += "-" + std::to_string(spec.host_ports->last);
  }
  return text + " " + std::to_string(spec.container_port) + " " +
         std::string(to_string(spec.protocol));
}

std::string describe(const Result<std::vector<PortSpec>>& specs) {
  if (!specs) return "! " + specs.error().message;
  std::string text;
  for (const PortSpec& spec : *specs)
    text += (text.empty() ? "" : ", ") + describe(spec);
  return text;
}

struct Case {
  const char* text;
  const char* expected;  // an error begins with "! ", and then its beginning is compared
};

// Addresses, host ports, container ports and protocols in all combinations that people write.
const Case kGood[] = {
    // only the container's side
    {"80", "* * 80 tcp"},
    {"1", "* * 1 tcp"},
    {"65535", "* * 65535 tcp"},
    {"0080", "* * 80 tcp"},
    {"80/tcp", "* * 80 tcp"},
    {"80/udp", "* * 80 udp"},
    {"80/", "* * 80 tcp"},
    {"80/TCP", "* * 80 tcp"},
    {"53/UDP", "* * 53 udp"},
    {"53/Udp", "* * 53 udp"},
    {"80-82", "* * 80 tcp, * * 81 tcp, * * 82 tcp"},
    {"80-80", "* * 80 tcp"},
    {"80-81/udp", "* * 80 udp, * * 81 udp"},
    // with a host port
    {"8080:80", "* 8080 80 tcp"},
    {"8080:80/tcp", "* 8080 80 tcp"},
    {"8080:80/udp", "* 8080 80 udp"},
    {"08080:80", "* 8080 80 tcp"},
    {":80", "* * 80 tcp"},
    {":80/udp", "* * 80 udp"},
    {"0:80", "* * 80 tcp"},
    {"0-0:80", "* * 80 tcp"},
    {"65535:65535", "* 65535 65535 tcp"},
    // ranges
    {"8000-8002:80-82", "* 8000 80 tcp, * 8001 81 tcp, * 8002 82 tcp"},
    {"8000-8001:80-81/udp", "* 8000 80 udp, * 8001 81 udp"},
    {"8000-8010:80", "* 8000-8010 80 tcp"},
    {"8000-8010:80/udp", "* 8000-8010 80 udp"},
    {"8000-8000:80", "* 8000 80 tcp"},
    {"8000-8000:80-80", "* 8000 80 tcp"},
    {":80-81", "* * 80 tcp, * * 81 tcp"},
    {"65534-65535:1-2", "* 65534 1 tcp, * 65535 2 tcp"},
    // with an IPv4 address
    {"127.0.0.1:8080:80", "127.0.0.1 8080 80 tcp"},
    {"127.0.0.1::80", "127.0.0.1 * 80 tcp"},
    {"127.0.0.1:0:80", "127.0.0.1 * 80 tcp"},
    {"0.0.0.0:8080:80", "0.0.0.0 8080 80 tcp"},
    {"192.168.1.5:53:53/udp", "192.168.1.5 53 53 udp"},
    {"127.0.0.1:8000-8001:80-81", "127.0.0.1 8000 80 tcp, 127.0.0.1 8001 81 tcp"},
    {"127.0.0.1:8000-8001:80", "127.0.0.1 8000-8001 80 tcp"},
    {"127.0.0.1::80-81/udp", "127.0.0.1 * 80 udp, 127.0.0.1 * 81 udp"},
    {"::80", "* * 80 tcp"},  // an empty address and an empty host port
    // with an IPv6 address
    {"[::1]:8080:80", "::1 8080 80 tcp"},
    {"[::1]::80", "::1 * 80 tcp"},
    {"[::]:8080:80", ":: 8080 80 tcp"},
    {"[::]:8080:80/udp", ":: 8080 80 udp"},
    {"[2001:db8::1]:8000-8001:80-81", "2001:db8::1 8000 80 tcp, 2001:db8::1 8001 81 tcp"},
    {"[2001:DB8::1]:80:80", "2001:db8::1 80 80 tcp"},
    {"[fd00::5]:8000-8009:80/tcp", "fd00::5 8000-8009 80 tcp"},
    {"::1:80:80", "::1 80 80 tcp"},
    {"2001:db8::68::333", "2001:db8::68 * 333 tcp"},
    {"::::80", ":: * 80 tcp"},
    {"[::ffff:10.0.0.1]:80:80", "10.0.0.1 80 80 tcp"},
};

const Case kBad[] = {
    // nothing to publish
    {"", "! No port specified: <empty>"},
    {":", "! No port specified: :<empty>"},
    {"/tcp", "! No port specified: /tcp<empty>"},
    {"8080:", "! No port specified: 8080:<empty>"},
    {"8080:/udp", "! No port specified: 8080:/udp<empty>"},
    {"127.0.0.1:8080:", "! No port specified: 127.0.0.1:8080:<empty>"},
    {"0.0.0.0:1234-1235:/tcp", "! No port specified: 0.0.0.0:1234-1235:/tcp<empty>"},
    {"[::1]", "! Invalid containerPort: 1]"},
    // container ports
    {"99999", "! Invalid containerPort: 99999"},
    {"65536", "! Invalid containerPort: 65536"},
    {"0", "! Invalid containerPort: 0"},
    {"0-5", "! Invalid containerPort: 0-5"},
    {"-1", "! Invalid containerPort: -1"},
    {"80-", "! Invalid containerPort: 80-"},
    {"-80", "! Invalid containerPort: -80"},
    {"82-80", "! Invalid containerPort: 82-80"},
    {"80-81-82", "! Invalid containerPort: 80-81-82"},
    {"+80", "! Invalid containerPort: +80"},
    {"80 ", "! Invalid containerPort: 80 "},
    {" 80", "! Invalid containerPort:  80"},
    {"http", "! Invalid containerPort: http"},
    {"0x50", "! Invalid containerPort: 0x50"},
    {"8080:99999", "! Invalid containerPort: 99999"},
    {"8080:http", "! Invalid containerPort: http"},
    {"18446744073709551696", "! Invalid containerPort: 18446744073709551696"},
    {"80.0", "! Invalid containerPort: 80.0"},
    // host ports
    {"99999:80", "! Invalid hostPort: 99999"},
    {"http:80", "! Invalid hostPort: http"},
    {"-1:80", "! Invalid hostPort: -1"},
    {"8001-8000:80", "! Invalid hostPort: 8001-8000"},
    {"8000-:80", "! Invalid hostPort: 8000-"},
    {"0-5:80", "! Invalid hostPort: 0-5"},
    {"127.0.0.1:65536:80", "! Invalid hostPort: 65536"},
    {"127.0.0.1:80", "! Invalid hostPort: 127.0.0.1"},
    {"8080/tcp:80", "! Invalid hostPort: 8080/tcp"},
    // ranges that do not pair up
    {"8000-8001:80-82",
     "! Invalid ranges specified for container and host Ports: 80-82 and "
     "8000-8001"},
    {"8000:80-82", "! Invalid ranges specified for container and host Ports: 80-82 and 8000"},
    {"8000-8003:80-82/udp",
     "! Invalid ranges specified for container and host Ports: 80-82 and "
     "8000-8003"},
    // protocols
    {"80/sctp", "! Invalid proto: sctp (SCTP is not supported"},
    {"8080:80/SCTP", "! Invalid proto: sctp (SCTP is not supported"},
    {"80/icmp", "! Invalid proto: icmp"},
    {"80/tcp/udp", "! Invalid proto: tcp/udp"},
    {"80/ tcp", "! Invalid proto:  tcp"},
    {"80/udp ", "! Invalid proto: udp "},
    // addresses
    {"localhost:8080:80", "! Invalid ip address: localhost"},
    {"256.0.0.1:8080:80", "! Invalid ip address: 256.0.0.1"},
    {"127.0.0:8080:80", "! Invalid ip address: 127.0.0"},
    {"[127.0.0.1]:8080:80", "! Invalid ip address: [127.0.0.1]"},
    {"[::1:8080:80", "! Invalid ip address: [::1"},
    {"::1]:8080:80", "! Invalid ip address: ::1]"},
    {"[]:8080:80", "! Invalid ip address: []"},
    {"[:8080:80", "! Invalid ip address: ["},
    {"[::g]:8080:80", "! Invalid ip address: [::g]"},
    {"[fe80::1%eth0]:8080:80", "! Invalid ip address: [fe80::1%eth0]"},
    {"1:2:3:4", "! Invalid ip address: 1:2"},
    {"::1:80", "! Invalid ip address: :"},
    {" 127.0.0.1:8080:80", "! Invalid ip address:  127.0.0.1"},
    // more than the daemon would ever hold
    {"1-65535", "! Too many ports in one range: 1-65535"},
    {"1-65535:1-65535", "! Too many ports in one range: 1-65535"},
};

bool begins_with(const std::string& text, std::string_view beginning) {
  return text.compare(0, beginning.size(), beginning) == 0;
}

}  // namespace

TEST_CASE("-p says where a port of the container appears on the host") {
  for (const Case& one : kGood) {
    INFO("-p " << one.text);
    CHECK(describe(parse_publication(one.text)) == one.expected);
  }
}

TEST_CASE("-p that makes no sense is refused in words that quote it") {
  for (const Case& one : kBad) {
    INFO("-p '" << one.text << "'");
    const std::string result = describe(parse_publication(one.text));
    INFO(result);
    CHECK(begins_with(result, one.expected));
  }
}

TEST_CASE("errors of the grammar have codes to branch on") {
  CHECK(parse_publication("99999").error().code == ErrorCode::invalid_argument);
  CHECK(parse_publication("80/sctp").error().code == ErrorCode::invalid_argument);
  CHECK(parse_publication("1-65535").error().code == ErrorCode::exhausted);
  CHECK(parse_publication("1-20000"));
}

TEST_CASE("several -p are kept in order and repetitions count once") {
  const std::vector<std::string> texts{"8080:80", "53:53/udp", "8080:80/tcp",
                                       "80-81",   "81",        "9000:80"};
  CHECK(describe(parse_publications(texts)) ==
        "* 8080 80 tcp, * 53 53 udp, * * 80 tcp, * * 81 tcp, * 9000 80 tcp");
  CHECK(describe(parse_publications(std::vector<std::string>{})).empty());
  const std::vector<std::string> broken{"8080:80", "x"};
  CHECK(begins_with(describe(parse_publications(broken)), "! Invalid containerPort: x"));
  const std::vector<std::string> too_many{"1-15000", "1-15000/udp"};
  CHECK(parse_publications(too_many).error().code == ErrorCode::exhausted);
}

TEST_CASE("a specification prints as what it parses from") {
  for (const char* text : {"80/tcp", "8080:80/tcp", "127.0.0.1:8080:80/udp", "[::1]:8080:80/tcp",
                           "[::]:8000-8010:80/udp", "10.0.0.1::80/tcp"}) {
    const auto specs = parse_publication(text);
    REQUIRE(specs);
    REQUIRE(specs->size() == 1);
    CHECK(specs->front().to_string() == text);
  }
  REQUIRE(rc::check("parse(print(spec)) == spec", [] {
    PortSpec spec;
    const auto port = rc::gen::inRange<unsigned>(1, 65536);
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        break;
      case 1:
        spec.host_ip = Ipv4Address{*rc::gen::arbitrary<std::uint32_t>()};
        break;
      case 2:
        spec.host_ip = Ipv6Address::any();
        break;
      default:
        spec.host_ip = Ipv6Address{{0x20, 0x01, 0x0d, 0xb8, *rc::gen::arbitrary<std::uint8_t>()}};
    }
    if (*rc::gen::arbitrary<bool>()) {
      const auto first = static_cast<std::uint16_t>(*port);
      spec.host_ports = PortRange{
          first, static_cast<std::uint16_t>(std::min(65535U, first + *rc::gen::inRange(0U, 9U)))};
    }
    spec.container_port = static_cast<std::uint16_t>(*port);
    spec.protocol = *rc::gen::arbitrary<bool>() ? Protocol::tcp : Protocol::udp;
    const auto again = parse_publication(spec.to_string());
    RC_ASSERT(again.has_value());
    RC_ASSERT(*again == std::vector<PortSpec>{spec});
  }));
}

TEST_CASE("no text makes the parser do anything but answer") {
  REQUIRE(rc::check("parse_publication is total", [] {
    const auto text = *rc::gen::container<std::string>(
        rc::gen::elementOf(std::string("0123456789:-/[].tcpudps ")));
    const auto specs = parse_publication(text);
    const bool answered = specs ? !specs->empty() : !specs.error().message.empty();
    RC_ASSERT(answered);
    (void)parse_exposed(text);
  }));
}

TEST_CASE("--expose") {
  const auto text_of = [](std::string_view text) {
    const auto ports = parse_exposed(text);
    if (!ports) return "! " + ports.error().message;
    std::string all;
    for (const ExposedPort& port : *ports)
      all += (all.empty() ? "" : " ") + port.to_string();
    return all;
  };
  CHECK(text_of("80") == "80/tcp");
  CHECK(text_of("53/udp") == "53/udp");
  CHECK(text_of("53/UDP") == "53/udp");
  CHECK(text_of("80-82") == "80/tcp 81/tcp 82/tcp");
  CHECK(text_of("65535") == "65535/tcp");
  CHECK(begins_with(text_of("8080:80"), "! Invalid port format for --expose: 8080:80"));
  CHECK(begins_with(text_of("0"), "! Invalid containerPort: 0"));
  CHECK(begins_with(text_of(""), "! No port specified"));
  CHECK(begins_with(text_of("80/sctp"), "! Invalid proto: sctp"));
  CHECK(begins_with(text_of("65536"), "! Invalid containerPort: 65536"));
  const std::vector<std::string> several{"82", "80-81", "81", "53/udp"};
  REQUIRE(parse_exposed(several));
  CHECK(parse_exposed(several)->size() == 4);
}

namespace {
PortBinding binding(const char* ip, unsigned host, unsigned container,
                    Protocol protocol = Protocol::tcp) {
  return {{*IpAddress::parse(ip), static_cast<std::uint16_t>(host), protocol},
          static_cast<std::uint16_t>(container)};
}
}  // namespace

TEST_CASE("the PORTS column reads as Docker's") {
  CHECK(format_ports({}).empty());
  const std::vector<PortBinding> both{binding("::", 8080, 80), binding("0.0.0.0", 8080, 80)};
  CHECK(format_ports(both) == "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp");

  std::vector<PortBinding> range;
  for (unsigned i : {2U, 0U, 1U}) {
    range.push_back(binding("0.0.0.0", 8000 + i, 80 + i));
    range.push_back(binding("::", 8000 + i, 80 + i));
  }
  CHECK(format_ports(range) == "0.0.0.0:8000-8002->80-82/tcp, [::]:8000-8002->80-82/tcp");

  const std::vector<ExposedPort> exposed{
      {443, Protocol::tcp}, {80, Protocol::tcp}, {444, Protocol::tcp}, {53, Protocol::udp}};
  CHECK(format_ports(both, exposed) ==
        "53/udp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 443-444/tcp");
  CHECK(format_ports({}, exposed) == "53/udp, 80/tcp, 443-444/tcp");
}

TEST_CASE("only what is consecutive on both sides is drawn together") {
  const std::vector<PortBinding> gaps{
      binding("127.0.0.1", 8000, 80), binding("127.0.0.1", 8002, 81),
      binding("127.0.0.1", 8003, 82), binding("127.0.0.1", 8004, 84),
      binding("127.0.0.1", 8005, 85, Protocol::udp)};
  CHECK(format_ports(gaps) ==
        "127.0.0.1:8000->80/tcp, 127.0.0.1:8002-8003->81-82/tcp, 127.0.0.1:8004->84/tcp, "
        "127.0.0.1:8005->85/udp");
  const std::vector<PortBinding> twice{binding("0.0.0.0", 8080, 80), binding("0.0.0.0", 9090, 80)};
  CHECK(format_ports(twice) == "0.0.0.0:8080->80/tcp, 0.0.0.0:9090->80/tcp");
  CHECK(binding("::1", 53, 53, Protocol::udp).to_string() == "[::1]:53->53/udp");
}
