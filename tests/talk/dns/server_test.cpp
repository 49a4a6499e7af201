#include "dns/server.h"

#include <catch2/catch.hpp>
#include <map>

#include "core/base/limits.h"
#include "tests/talk/dns/dns_talk.h"

using namespace pontoon;
using namespace pontoon::dns;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

constexpr unsigned kServFail = 2;
constexpr unsigned kNxDomain = 3;
constexpr unsigned kRefused = 5;

using Texts = std::vector<std::string>;

DnsRecord example_address(std::uint32_t ttl = 60) {
  return address_record("www.example.com", ttl, "192.0.2.1");
}

}  // namespace

TEST_CASE("an endpoint's name is answered with authority, and the question comes back as asked") {
  DnsTalk talk;
  const DnsMessage reply = talk.ask("wEb.DEFAULT.internal");
  CHECK(reply.flags == 0x8580);  // QR AA RD RA
  CHECK(reply.name == "wEb.DEFAULT.internal");
  CHECK(reply.texts() == Texts{"172.17.0.2"});
  CHECK(reply.answers[0].ttl == 5);
  CHECK_FALSE(reply.opt);
  CHECK(talk.ask("web").texts() == Texts{"172.17.0.2"});
  CHECK(talk.ask("2.0.17.172.in-addr.arpa", 12).texts() == Texts{"web.default.internal"});
  CHECK(talk.forwarder.total == 0);
}

TEST_CASE("no such type is told from no such name, both with the SOA") {
  DnsTalk talk;
  const DnsMessage no_data = talk.ask("web.default.internal", 28);
  CHECK(no_data.rcode() == 0);
  CHECK(no_data.answers.empty());
  REQUIRE(no_data.authorities.size() == 1);
  CHECK(no_data.authorities[0].type == 6);
  CHECK(no_data.authorities[0].name == "default.internal");
  CHECK(no_data.authorities[0].ttl == 1);
  const DnsMessage unknown = talk.ask("nobody.default.internal");
  CHECK(unknown.rcode() == kNxDomain);
  CHECK(unknown.has(0x0400));
  CHECK(unknown.authorities.at(0).name == "default.internal");
  const DnsMessage single = talk.ask("nobody");
  CHECK(single.rcode() == kNxDomain);
  CHECK(single.authorities.at(0).name == ".");
  CHECK(talk.ask("9.9.17.172.in-addr.arpa", 12).rcode() == kNxDomain);
  CHECK(talk.forwarder.total == 0);
}

TEST_CASE("the apex tells SOA and NS") {
  DnsTalk talk;
  const DnsMessage soa = talk.ask("default.internal", 6);
  REQUIRE(soa.answers.size() == 1);
  CHECK(soa.answers[0].text == "gateway.pontoon.internal");
  CHECK(talk.ask("default.internal", 2).texts() == Texts{"gateway.pontoon.internal"});
}

TEST_CASE("several addresses come in every order, each about as often") {
  DnsTalk talk;
  std::map<Texts, int> orders;
  for (int i = 0; i < 600; ++i)
    ++orders[talk.ask("pool").texts()];
  CHECK(orders.size() == 6);
  for (const auto& [order, count] : orders)
    CHECK(count > 60);
}

TEST_CASE("a new snapshot is seen by the next query") {
  DnsTalk talk;
  CHECK(talk.ask("late").rcode() == kNxDomain);
  ZoneBuilder builder({"default", {*IpPrefix::parse("172.17.0.0/16")}, {}, {}}, 2);
  const IpAddress address[] = {Ipv4Address::of(172, 17, 0, 77)};
  REQUIRE(builder.add_endpoint("late", {}, address).ok());
  talk.server.set_zones(std::move(builder).build());
  CHECK(talk.ask("late").texts() == Texts{"172.17.0.77"});
  CHECK(talk.ask("web").rcode() == kNxDomain);
}

TEST_CASE("EDNS is answered with EDNS") {
  DnsTalk talk;
  DnsMessage query = question("web");
  query.opt = DnsMessage::Opt{4096, 0, 0, true, {}};
  DnsMessage reply = talk.ask(query);
  REQUIRE(reply.opt);
  CHECK(reply.opt->payload == 1232);
  CHECK(reply.opt->dnssec_ok);
  query.opt->version = 1;
  reply = talk.ask(query);
  CHECK(reply.rcode() == 16);
  CHECK(reply.opt->version == 0);
  CHECK(reply.answers.empty());
}

TEST_CASE("errors are told with the ID and as much of the question as was understood") {
  DnsTalk talk;
  DnsMessage update = question("web");
  update.flags = 0x2900;
  CHECK(talk.ask(update).flags == 0xa984);  // opcode and RD kept, NOTIMP
  Bytes two = encode(question("web"));
  two.push_back(0);
  CHECK(talk.send_bytes(two) == QueryFate::replied);
  CHECK(talk.take().rcode() == 1);
  DnsMessage chaos = question("version.bind", 16);
  chaos.record_class = 3;
  CHECK(talk.ask(chaos).rcode() == kRefused);
  CHECK(talk.ask("default.internal", 252).rcode() == kRefused);
  CHECK(talk.server.counters().errors == 4);
}

TEST_CASE("what is no query is dropped and counted", "[drop:dns_malformed]") {
  DnsTalk talk;
  DnsMessage response = question("web");
  response.flags = 0x8180;
  CHECK(talk.send(response) == QueryFate::dropped);
  CHECK(talk.send_bytes(Bytes(11)) == QueryFate::dropped);
  CHECK(talk.replies.empty());
  CHECK(talk.server.counters().drops[DropReason::dns_malformed] == 2);
}

TEST_CASE("an answer that is too long for UDP is cut, and whole over TCP") {
  DnsTalk talk;
  const DnsMessage plain = talk.ask("many");
  CHECK(plain.has(flag::tc));
  CHECK(plain.name == "many");
  CHECK(plain.answers.size() == (512 - 12 - 10) / 16);
  DnsMessage query = question("many");
  query.opt = DnsMessage::Opt{800, 0, 0, false, {}};
  const DnsMessage larger = talk.ask(query);
  CHECK(larger.has(flag::tc));
  CHECK(larger.opt);
  CHECK(larger.answers.size() == (800 - 11 - 12 - 10) / 16);
  const DnsMessage whole = talk.ask(question("many"), Transport::tcp);
  CHECK_FALSE(whole.has(flag::tc));
  CHECK(whole.answers.size() == 60);
  CHECK(talk.server.counters().truncated == 2);
}

TEST_CASE("what is not ours is forwarded: the question rebuilt, the reply the client's own") {
  DnsTalk talk;
  DnsMessage query = question("wWw.exaMPLE.com");
  query.id = 4711;
  query.opt = DnsMessage::Opt{1232, 0, 0, false, {0, 8, 0, 4, 0, 1, 24, 0}};  // client subnet
  CHECK(talk.send(query) == QueryFate::waiting);
  const DnsMessage forwarded = decode(talk.forwarder.asked.at(0).query);
  CHECK(forwarded.id != 4711);
  CHECK(forwarded.name == "wWw.exaMPLE.com");
  CHECK(forwarded.flags == 0x0100);
  REQUIRE(forwarded.opt);
  CHECK(forwarded.opt->options.empty());
  talk.upstream({example_address()});
  const DnsMessage reply = talk.take();
  CHECK(reply.id == 4711);
  CHECK(reply.name == "wWw.exaMPLE.com");
  CHECK(reply.flags == 0x8180);
  CHECK(reply.texts() == Texts{"192.0.2.1"});
  CHECK(reply.opt);
  CHECK(talk.server.in_flight() == 0);
}

TEST_CASE("unknown types pass in both directions") {
  DnsTalk talk;
  talk.send(question("www.example.com", 64999));
  CHECK(decode(talk.forwarder.asked.at(0).query).type == 64999);
  talk.upstream({{"www.example.com", 64999, 1, 60, {1, 2, 3}, {}}});
  CHECK(talk.take().answers.at(0).data == Bytes{1, 2, 3});
}

TEST_CASE("a forwarded answer is cached, and its TTL runs down") {
  DnsTalk talk;
  talk.send(question("www.example.com"));
  talk.upstream({example_address(60), address_record("www.example.com", 90, "192.0.2.2")});
  talk.take();
  talk.tick(20s);
  DnsMessage query = question("WWW.example.COM");
  query.id = 9;
  const DnsMessage hit = talk.ask(query);
  CHECK(hit.id == 9);
  CHECK(hit.name == "WWW.example.COM");
  CHECK(hit.answers[0].ttl == 40);
  CHECK(hit.answers[1].ttl == 70);
  CHECK_FALSE(hit.has(flag::aa));
  CHECK(talk.server.counters().cache_hits == 1);
  talk.tick(40s);
  CHECK(talk.send(query) == QueryFate::waiting);  // the first record has expired
  CHECK(talk.forwarder.total == 2);
}

TEST_CASE("other types and other DO and CD bits are other questions") {
  DnsTalk talk;
  talk.send(question("www.example.com"));
  talk.upstream({example_address()});
  CHECK(talk.send(question("www.example.com", 28)) == QueryFate::waiting);
  DnsMessage query = question("www.example.com");
  query.opt = DnsMessage::Opt{1232, 0, 0, true, {}};
  CHECK(talk.send(query) == QueryFate::waiting);
  CHECK(decode(talk.forwarder.asked.back().query).opt->dnssec_ok);
  query.flags |= flag::cd;
  CHECK(talk.send(query) == QueryFate::waiting);
  CHECK(decode(talk.forwarder.asked.back().query).has(flag::cd));
  CHECK(talk.forwarder.total == 4);
}

TEST_CASE("denials are cached for as long as their SOA says") {
  for (const unsigned rcode : {0U, kNxDomain}) {
    DnsTalk talk;
    talk.send(question("no.example.com"));
    talk.upstream({}, rcode, {soa_record("example.com", 900, 30)});
    CHECK(talk.take().rcode() == rcode);
    talk.tick(29s);
    const DnsMessage hit = talk.ask("no.example.com");
    CHECK(hit.rcode() == rcode);
    CHECK(hit.authorities.at(0).type == 6);
    talk.tick(1s);
    CHECK(talk.send(question("no.example.com")) == QueryFate::waiting);
  }
}

TEST_CASE("a denial without SOA is passed on but not cached") {
  DnsTalk talk;
  talk.send(question("no.example.com"));
  talk.upstream({}, kNxDomain);
  CHECK(talk.take().rcode() == kNxDomain);
  CHECK(talk.send(question("no.example.com")) == QueryFate::waiting);
}

TEST_CASE("clients that ask the same question share one, and each gets its own reply") {
  DnsTalk talk;
  for (unsigned host = 2; host < 12; ++host) {
    DnsMessage query = question(host % 2 == 0 ? "www.example.com" : "WWW.EXAMPLE.COM");
    query.id = static_cast<std::uint16_t>(host);
    if (host == 5) query.opt = DnsMessage::Opt{};
    CHECK(talk.send(query, host) == QueryFate::waiting);
  }
  CHECK(talk.forwarder.total == 1);
  CHECK(talk.server.counters().joined == 9);
  talk.upstream({example_address()});
  REQUIRE(talk.replies.size() == 10);
  for (unsigned host = 2; host < 12; ++host) {
    const Reply& reply = talk.replies[host - 2];
    CHECK(reply.client.address.ip == IpAddress(Ipv4Address::of(172, 17, 0, host)));
    CHECK(reply.message.id == host);
    CHECK(reply.message.name == (host % 2 == 0 ? "www.example.com" : "WWW.EXAMPLE.COM"));
    CHECK(reply.message.opt.has_value() == (host == 5));
    CHECK(reply.message.texts() == Texts{"192.0.2.1"});
  }
}

TEST_CASE("silence upstream ends in SERVFAIL for all, and is not asked about again for a moment",
          "[limit:kDnsForwardTimeout][limit:kDnsFailureTtl]") {
  DnsTalk talk;
  talk.send(question("www.example.com"), 2);
  talk.tick(1s);
  talk.send(question("www.example.com"), 3);
  talk.tick(limits::kDnsForwardTimeout - 1s - 1ns);
  CHECK(talk.replies.empty());
  talk.tick(1ns);
  REQUIRE(talk.replies.size() == 2);
  CHECK(talk.take().rcode() == kServFail);
  CHECK(talk.take().rcode() == kServFail);
  CHECK(talk.forwarder.cancelled == 1);
  CHECK(talk.server.in_flight() == 0);
  CHECK(talk.ask("www.example.com").rcode() == kServFail);
  CHECK(talk.forwarder.total == 1);
  talk.tick(limits::kDnsFailureTtl);
  CHECK(talk.send(question("www.example.com")) == QueryFate::waiting);

  // The late answer to the first question does not hurt the second.
  const auto late = talk.forwarder.take();
  talk.upstream_bytes(late.ticket, encode(response_to(late.query)));
  CHECK(talk.replies.empty());
  CHECK(talk.server.in_flight() == 1);
}

TEST_CASE("no upstream at all: SERVFAIL at once, and tried again at once") {
  DnsTalk talk;
  talk.forwarder.refusing = true;
  CHECK(talk.ask("www.example.com").rcode() == kServFail);
  CHECK(talk.server.in_flight() == 0);
  talk.forwarder.refusing = false;
  CHECK(talk.send(question("www.example.com")) == QueryFate::waiting);
}

TEST_CASE("failures and nonsense from upstream become SERVFAIL") {
  DnsTalk talk;
  talk.send(question("a.example.com"));
  const auto asked = talk.forwarder.take();
  SECTION("a failure") {
    talk.forwarder.handler->on_forwarded(asked.ticket, ForwardError::failed, talk.now);
  }
  SECTION("SERVFAIL") {
    talk.upstream_bytes(asked.ticket, encode(response_to(asked.query, 2)));
  }
  SECTION("REFUSED") {
    talk.upstream_bytes(asked.ticket, encode(response_to(asked.query, 5)));
  }
  SECTION("BADVERS") {
    DnsMessage response = response_to(asked.query);
    response.opt = DnsMessage::Opt{1232, 1, 0, false, {}};
    talk.upstream_bytes(asked.ticket, encode(response));
  }
  SECTION("the wrong ID") {
    DnsMessage response = response_to(asked.query);
    response.id ^= 1;
    talk.upstream_bytes(asked.ticket, encode(response));
  }
  SECTION("another question") {
    DnsMessage response = response_to(asked.query);
    response.name = "b.example.com";
    talk.upstream_bytes(asked.ticket, encode(response));
  }
  SECTION("cut short") {
    DnsMessage response = response_to(asked.query);
    response.answers.push_back(example_address());
    Bytes bytes = encode(response);
    bytes.pop_back();
    talk.upstream_bytes(asked.ticket, bytes);
  }
  SECTION("nothing") {
    talk.upstream_bytes(asked.ticket, {});
  }
  REQUIRE(talk.replies.size() == 1);
  CHECK(talk.take().rcode() == kServFail);
  CHECK(talk.server.counters().upstream_failures == 1);
}

TEST_CASE("a long answer from upstream is cut for UDP and whole over TCP, from the cache too") {
  DnsTalk talk;
  std::vector<DnsRecord> answers;
  for (unsigned i = 0; i < 60; ++i) {
    answers.push_back(
        address_record("www.example.com", 60, Ipv4Address::of(192, 0, 2, i).to_string()));
  }
  talk.send(question("www.example.com"), 2, Transport::udp);
  talk.send(question("www.example.com"), 3, Transport::tcp);
  talk.upstream(answers);
  CHECK(talk.replies[0].bytes.size() <= 512);
  CHECK(talk.take().has(flag::tc));
  const DnsMessage whole = talk.take();
  CHECK_FALSE(whole.has(flag::tc));
  CHECK(whole.answers.size() == 60);
  CHECK(talk.ask("www.example.com").has(flag::tc));
  CHECK(talk.ask(question("www.example.com"), Transport::tcp).answers.size() == 60);
}

TEST_CASE("one client cannot use up the server", "[limit:kDnsInFlightPerClient]") {
  DnsTalk talk;
  for (std::size_t i = 0; i < limits::kDnsInFlightPerClient; ++i)
    CHECK(talk.send(question("h" + std::to_string(i) + ".example.com"), 2) == QueryFate::waiting);
  CHECK(talk.ask("one.too.many.example.com").rcode() == kServFail);
  CHECK(talk.send(question("h0.example.com"), 2) == QueryFate::replied);  // joining counts too
  CHECK(talk.take().rcode() == kServFail);
  CHECK(talk.ask("web").rcode() == 0);
  CHECK(talk.send(question("h0.example.com"), 3) == QueryFate::waiting);
  CHECK(talk.server.counters().limited == 2);
  talk.upstream({});  // room for one
  CHECK(talk.send(question("x.example.com"), 2) == QueryFate::waiting);
}

TEST_CASE("the number of questions in flight is bounded", "[limit:kDnsInFlight]") {
  DnsTalk talk;
  for (std::size_t i = 0; i < limits::kDnsInFlight; ++i) {
    const auto host = static_cast<unsigned>(2 + i / limits::kDnsInFlightPerClient);
    CHECK(talk.send(question("h" + std::to_string(i) + ".example.com"), host) ==
          QueryFate::waiting);
  }
  CHECK(talk.send(question("more.example.com"), 100) == QueryFate::replied);
  CHECK(talk.take().rcode() == kServFail);
  CHECK(talk.send(question("h7.example.com"), 100) == QueryFate::waiting);  // joins
  CHECK(talk.server.in_flight() == limits::kDnsInFlight);
  talk.tick(limits::kDnsForwardTimeout);
  CHECK(talk.replies.size() == limits::kDnsInFlight + 1);
  CHECK(talk.server.in_flight() == 0);
}

TEST_CASE("the cache is bounded, and what is in use stays", "[limit:kDnsCacheEntries]") {
  DnsTalk talk;
  talk.send(question("used.example.com"));
  talk.upstream({address_record("used.example.com", 3600, "192.0.2.9")});
  for (std::size_t i = 0; i < 2 * limits::kDnsCacheEntries; ++i) {
    const std::string name = "h" + std::to_string(i) + ".example.com";
    talk.send(question(name));
    talk.upstream({address_record(name, 3600, "192.0.2.1")});
    if (i % 1000 == 0) REQUIRE(talk.send(question("used.example.com")) == QueryFate::replied);
    talk.replies.clear();
  }
  CHECK(talk.server.cache_entries() == limits::kDnsCacheEntries);
  talk.server.flush_cache();
  CHECK(talk.server.cache_entries() == 0);
  CHECK(talk.send(question("used.example.com")) == QueryFate::waiting);
}

TEST_CASE("an internal network answers its own names and refuses the rest") {
  DnsTalk talk(ServerConfig{true});
  CHECK(talk.ask("web").texts() == Texts{"172.17.0.2"});
  const DnsMessage refused = talk.ask("www.example.com");
  CHECK(refused.rcode() == kRefused);
  CHECK_FALSE(refused.has(flag::ra));
  CHECK(talk.forwarder.total == 0);
}

TEST_CASE("without RD only our own names are answered") {
  DnsTalk talk;
  talk.send(question("www.example.com"));
  talk.upstream({example_address()});
  talk.take();
  DnsMessage query = question("www.example.com");
  query.flags = 0;
  CHECK(talk.ask(query).rcode() == kRefused);  // nor does the cache tell what others asked
  query.name = "web";
  CHECK(talk.ask(query).flags == 0x8480);
}

TEST_CASE("a sink that goes away is not called again") {
  DnsTalk talk;
  talk.send(question("www.example.com"));
  talk.server.forget(talk);
  talk.upstream({example_address()});
  CHECK(talk.replies.empty());
  CHECK(talk.ask("www.example.com").texts() == Texts{"192.0.2.1"});
}

TEST_CASE("two runs give the same bytes") {
  const auto run = [] {
    DnsTalk talk;
    Bytes all;
    for (int i = 0; i < 20; ++i) {
      talk.send(question("pool"));
      talk.send(question("h" + std::to_string(i) + ".example.com"));
      const Bytes& query = talk.forwarder.asked.back().query;
      all.insert(all.end(), query.begin(), query.end());
    }
    for (const Reply& reply : talk.replies)
      all.insert(all.end(), reply.bytes.begin(), reply.bytes.end());
    return all;
  };
  CHECK(run() == run());
}
