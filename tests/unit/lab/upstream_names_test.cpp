// The upstream resolver of a world, read by the tests' own decoder of DNS messages.
#include "lab/world/upstream_names.h"

#include <catch2/catch.hpp>

#include "tests/support/dns.h"

namespace pontoon::test {
namespace {

using namespace std::chrono_literals;
using lab::UpstreamNames;

DnsMessage ask(const UpstreamNames& names, const std::string& name, std::uint16_t type = 1) {
  DnsMessage query = question(name, type);
  query.opt.emplace();
  const DnsMessage answer = decode(names.answer(encode(query)));
  CHECK(answer.id == query.id);
  CHECK(answer.name == name);
  CHECK(answer.has(0x8000));
  return answer;
}

TEST_CASE("records are answered by name and type, whatever the case of the name") {
  UpstreamNames names;
  REQUIRE(names.add({"www.example.org", "A", "198.51.100.7", 60}));
  REQUIRE(names.add({"www.example.org", "A", "198.51.100.8"}));
  REQUIRE(names.add({"www.example.org", "AAAA", "2001:db8::7"}));
  CHECK(ask(names, "WWW.Example.org").texts() ==
        std::vector<std::string>{"198.51.100.7", "198.51.100.8"});
  CHECK(ask(names, "www.example.org").answers.at(0).ttl == 60);
  CHECK(ask(names, "www.example.org", 28).texts() == std::vector<std::string>{"2001:db8::7"});
}

TEST_CASE("what is not there is denied with the SOA that lets a denial be remembered") {
  UpstreamNames names;
  REQUIRE(names.add({"www.example.org", "A", "198.51.100.7"}));
  const DnsMessage no_name = ask(names, "nobody.example.org");
  CHECK(no_name.rcode() == 3);
  CHECK(no_name.authorities.at(0).type == 6);
  const DnsMessage no_data = ask(names, "www.example.org", 28);
  CHECK(no_data.rcode() == 0);
  CHECK(no_data.answers.empty());
  CHECK(no_data.authorities.size() == 1);
}

TEST_CASE("aliases are followed, but not in circles") {
  UpstreamNames names;
  REQUIRE(names.add({"a.example", "CNAME", "b.example"}));
  REQUIRE(names.add({"b.example", "A", "198.51.100.1"}));
  CHECK(ask(names, "a.example").texts() == std::vector<std::string>{"b.example", "198.51.100.1"});
  REQUIRE(names.add({"x.example", "CNAME", "y.example"}));
  REQUIRE(names.add({"y.example", "CNAME", "x.example"}));
  CHECK(ask(names, "x.example").answers.size() <= 8);
}

TEST_CASE("other types are written as in RFC 1035 and RFC 3597") {
  UpstreamNames names;
  REQUIRE(names.add({"example.org", "MX", "10 mail.example.org"}));
  REQUIRE(names.add({"_sip._tcp.example.org", "SRV", "1 2 5060 sip.example.org"}));
  REQUIRE(names.add({"example.org", "TXT", std::string(300, 't')}));
  REQUIRE(names.add({"example.org", "TYPE65280", "\\# 4 0a00 0001"}));
  CHECK(ask(names, "example.org", 15).answers.at(0).data.at(1) == 10);
  CHECK(ask(names, "_sip._tcp.example.org", 33).answers.at(0).data.size() == 6 + 17);
  CHECK(ask(names, "example.org", 16).answers.at(0).data.size() == 302);
  CHECK(ask(names, "example.org", 65280).answers.at(0).data == Bytes{10, 0, 0, 1});
}

TEST_CASE("records that make no sense are refused with what was wrong") {
  UpstreamNames names;
  const auto refused = [&](const char* name, const char* type, const char* data) {
    INFO(name << ' ' << type << ' ' << data);
    const auto status = names.add({name, type, data});
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == ErrorCode::invalid_argument);
  };
  refused("", "A", "198.51.100.1");
  refused("a..b", "A", "198.51.100.1");
  refused("a.example", "B", "198.51.100.1");
  refused("a.example", "TYPE65536", "\\# 0");
  refused("a.example", "A", "2001:db8::1");
  refused("a.example", "AAAA", "198.51.100.1");
  refused("a.example", "MX", "mail.example");
  refused("a.example", "SRV", "1 2 70000 sip.example");
  refused("a.example", "TYPE9", "\\# 2 0a");
  refused("a.example", "TYPE9", "\\# 1 zz");
  refused("a.example", "TYPE9", "0a");
}

TEST_CASE("a captured response answers its question under a fresh number") {
  UpstreamNames names;
  DnsMessage captured = response_to(encode(question("old.example")));
  captured.id = 0x9999;
  captured.answers.push_back(address_record("old.example", 30, "203.0.113.9"));
  names.remember(encode(captured));
  names.remember({1, 2, 3});  // nonsense
  CHECK(ask(names, "old.example").texts() == std::vector<std::string>{"203.0.113.9"});
  CHECK(ask(names, "old.example", 28).rcode() == 3);
}

TEST_CASE("moods") {
  UpstreamNames names;
  REQUIRE(names.add({"www.example.org", "A", "198.51.100.7"}));
  names.set_latency(10ms);
  CHECK(names.delay() == 10ms);
  names.set_mood(UpstreamNames::Mood::slow);
  CHECK(names.delay() > 1s);
  CHECK(ask(names, "www.example.org").texts().size() == 1);
  names.set_mood(UpstreamNames::Mood::refusing);
  CHECK(ask(names, "www.example.org").rcode() == 5);
  names.set_mood(UpstreamNames::Mood::dead);
  CHECK(names.answer(encode(question("www.example.org"))).empty());
}

TEST_CASE("a liar answers about another name, or breaks off") {
  UpstreamNames names;
  names.set_mood(UpstreamNames::Mood::lying);
  unsigned broken = 0;
  for (const char* name : {"a.example", "aa.example"}) {
    DnsMessage query = question(name);
    query.opt.emplace();
    try {
      const DnsMessage lie = decode(names.answer(encode(query)));
      CHECK(lie.answers.at(0).name != name);
    } catch (const std::runtime_error&) {
      ++broken;
    }
  }
  CHECK(broken == 1);
}

TEST_CASE("what is no question gets no answer") {
  const UpstreamNames names;
  CHECK(names.answer({}).empty());
  CHECK(names.answer({1, 2, 3}).empty());
  CHECK(names.answer(Bytes(600, 0xff)).empty());
}

}  // namespace
}  // namespace pontoon::test
