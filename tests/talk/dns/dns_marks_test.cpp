// Limits of the DNS server that no other conversation reaches.
#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "tests/talk/dns/dns_talk.h"

using namespace pontoon;
using namespace pontoon::dns;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

constexpr unsigned kServFail = 2;

// One record of `bytes` bytes of text.
DnsRecord long_record(const std::string& name, std::size_t bytes) {
  DnsRecord record;
  record.name = name;
  record.type = 16;
  record.ttl = 60;
  while (record.data.size() < bytes) {
    const std::size_t length = std::min<std::size_t>(255, bytes - record.data.size() - 1);
    record.data.push_back(static_cast<std::uint8_t>(length));
    record.data.insert(record.data.end(), length, 'x');
  }
  return record;
}

}  // namespace

TEST_CASE("no more than kDnsWaiters queries wait, whoever asks", "[limit:kDnsWaiters]") {
  DnsTalk talk;
  constexpr std::size_t kHosts = limits::kDnsWaiters / limits::kDnsInFlightPerClient;
  for (std::size_t i = 0; i < limits::kDnsWaiters; ++i) {
    const auto host = static_cast<unsigned>(2 + i % kHosts);
    REQUIRE(talk.send(question("slow.example.com"), host) == QueryFate::waiting);
  }
  CHECK(talk.send(question("slow.example.com"), 200) == QueryFate::replied);
  CHECK(talk.take().rcode() == kServFail);
  CHECK(talk.forwarder.total == 1);
  talk.upstream({address_record("slow.example.com", 60, "192.0.2.1")});
  CHECK(talk.replies.size() == limits::kDnsWaiters);
}

TEST_CASE("a response beyond kDnsCacheEntryBytes is handed on, not kept",
          "[limit:kDnsCacheEntryBytes]") {
  DnsTalk talk;
  const auto asked_again = [&](std::size_t bytes, const std::string& name) {
    talk.send(question(name, 16), 2, Transport::tcp);
    talk.upstream({long_record(name, bytes)});
    CHECK(talk.take().answers.size() == 1);
    return talk.send(question(name, 16), 2, Transport::tcp) == QueryFate::waiting;
  };
  CHECK_FALSE(asked_again(limits::kDnsCacheEntryBytes - 100, "short.example.com"));
  CHECK(asked_again(limits::kDnsCacheEntryBytes, "long.example.com"));
}

TEST_CASE("an upstream's response of more than kDnsMessageBytes is nonsense",
          "[limit:kDnsMessageBytes]") {
  DnsTalk talk;
  talk.send(question("huge.example.com", 16), 2, Transport::tcp);
  talk.upstream({long_record("huge.example.com", limits::kDnsMessageBytes - 40)});
  CHECK(talk.take().rcode() == kServFail);
}

TEST_CASE("of a name with many addresses kDnsAddressesPerAnswer are told",
          "[limit:kDnsAddressesPerAnswer]") {
  DnsTalk talk;
  ZoneBuilder builder({"default", {*IpPrefix::parse("172.17.0.0/16")}, {}, {}}, 2);
  std::vector<IpAddress> many;
  for (unsigned i = 0; i < limits::kDnsAddressesPerAnswer + 20; ++i)
    many.push_back(Ipv4Address::of(172, 17, 2, i));
  REQUIRE(builder.add_endpoint("crowd", {}, many));
  talk.server.set_zones(std::move(builder).build());
  const auto answer = [&] { return talk.ask(question("crowd"), Transport::tcp).texts(); };
  std::set<std::string> seen;
  for (int i = 0; i < 50; ++i) {
    const auto texts = answer();
    REQUIRE(texts.size() == limits::kDnsAddressesPerAnswer);
    seen.insert(texts.begin(), texts.end());
  }
  CHECK(seen.size() == many.size());  // another selection each time
}

TEST_CASE("our own answers and denials live as long as they should",
          "[limit:kDnsLocalTtl][limit:kDnsLocalNegativeTtl]") {
  DnsTalk talk;
  CHECK(talk.ask("web").answers.at(0).ttl == limits::kDnsLocalTtl / 1s);
  const DnsMessage denial = talk.ask("nobody.default.internal");
  REQUIRE(denial.authorities.size() == 1);
  CHECK(denial.authorities[0].ttl == limits::kDnsLocalNegativeTtl / 1s);
}
