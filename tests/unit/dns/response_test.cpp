#include "dns/response.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "tests/support/dns.h"
#include "tests/support/hex.h"

using namespace pontoon;
using namespace pontoon::dns;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

struct Laid {
  Bytes bytes;
  ResponseLayout layout;
  bool ok = false;
};

Laid lay_out(const DnsMessage& message) {
  Laid laid{encode(message), {}, false};
  laid.ok = lay_out_response(laid.bytes, laid.layout);
  return laid;
}

Query query_for(const std::string& name, std::optional<Edns> edns = std::nullopt) {
  Query query = parse_query(encode(question(name))).query;
  query.edns = edns;
  return query;
}

Bytes render(const Laid& laid, const Query& query, std::size_t limit, std::uint32_t age_s = 0) {
  Bytes out(limit);
  const ByteView bytes = render_response(out, laid.bytes, laid.layout, {&query, limit, age_s});
  return Bytes(bytes.begin(), bytes.end());
}

DnsMessage answer_with(std::initializer_list<DnsRecord> answers) {
  DnsMessage message = response_to(encode(question("a.example")));
  message.answers = answers;
  return message;
}

std::uint32_t ttl_of(const DnsMessage& message) {
  const Laid laid = lay_out(message);
  REQUIRE(laid.ok);
  return laid.layout.ttl_s;
}

}  // namespace

TEST_CASE("a response must have the query's ID and question") {
  const Question asked = *query_for("a.example").question;
  DnsMessage message = answer_with({});
  CHECK(answers_question(encode(message), 0x1234, asked));
  CHECK_FALSE(answers_question(encode(message), 0x1235, asked));
  message.name = "A.EXAMPLE";
  CHECK(answers_question(encode(message), 0x1234, asked));
  message.name = "b.example";
  CHECK_FALSE(answers_question(encode(message), 0x1234, asked));
  message.name = "a.example";
  message.type = 28;
  CHECK_FALSE(answers_question(encode(message), 0x1234, asked));
  message.type = 1;
  message.flags &= 0x7fff;  // a query
  CHECK_FALSE(answers_question(encode(message), 0x1234, asked));
  message.name.clear();
  message.flags |= 0x8000;
  CHECK_FALSE(answers_question(encode(message), 0x1234, asked));
  CHECK_FALSE(answers_question({}, 0x1234, asked));
}

TEST_CASE("the least TTL of all records counts") {
  DnsMessage message = answer_with(
      {address_record("a.example", 300, "10.0.0.1"), address_record("a.example", 60, "10.0.0.2")});
  CHECK(ttl_of(message) == 60);
  message.authorities.push_back(name_record("example", 2, 20, "ns.example"));
  CHECK(ttl_of(message) == 20);
  message.answers[0].ttl = 0x80000001;  // RFC 2181 8: as if zero
  CHECK(ttl_of(message) == 0);
}

TEST_CASE("a very long TTL is cut", "[limit:kDnsCacheMaxTtl]") {
  CHECK(ttl_of(answer_with({address_record("a.example", 0x7fffffff, "10.0.0.1")})) ==
        limits::kDnsCacheMaxTtl / 1s);
}

TEST_CASE("denials are cached by their SOA, or not at all", "[limit:kDnsNegativeMaxTtl]") {
  DnsMessage message = answer_with({});
  CHECK(ttl_of(message) == 0);
  message.authorities.push_back(soa_record("example", 900, 30));
  CHECK(ttl_of(message) == 30);
  message.authorities[0] = soa_record("example", 10, 30);
  CHECK(ttl_of(message) == 10);
  message.authorities[0] = soa_record("example", 999999, 999999);
  CHECK(ttl_of(message) == limits::kDnsNegativeMaxTtl / 1s);
  message.flags |= 3;
  CHECK(ttl_of(message) == limits::kDnsNegativeMaxTtl / 1s);

  SECTION("an alias to a name without such records is a denial too") {
    message.answers.push_back(name_record("a.example", 5, 5000, "b.example"));
    CHECK(ttl_of(message) == limits::kDnsNegativeMaxTtl / 1s);
    message.authorities.clear();
    CHECK(ttl_of(message) == 0);
  }
}

TEST_CASE("truncated responses and failures are not cached") {
  DnsMessage message = answer_with({address_record("a.example", 300, "10.0.0.1")});
  message.flags |= 0x0200;
  CHECK(ttl_of(message) == 0);
  for (const unsigned rcode : {1U, 2U, 4U, 5U}) {
    message.flags = static_cast<std::uint16_t>(0x8180 | rcode);
    CHECK(ttl_of(message) == 0);
  }
}

TEST_CASE("the upstream's OPT record goes, its RCODE bits count") {
  DnsMessage message = answer_with({address_record("a.example", 300, "10.0.0.1")});
  message.opt = DnsMessage::Opt{4096, 1, 0, true, unhex("000f 0002 0001")};
  const Laid laid = lay_out(message);
  REQUIRE(laid.ok);
  CHECK(laid.layout.rcode == Rcode::bad_version);
  CHECK(laid.layout.had_opt);
  CHECK_FALSE(decode(render(laid, query_for("a.example"), 512)).opt);
}

TEST_CASE("a client gets its own ID, spelling, flags and OPT") {
  DnsMessage message = answer_with({address_record("a.example", 300, "10.0.0.1")});
  message.flags |= 0x0420;  // AA, AD
  const Laid laid = lay_out(message);
  REQUIRE(laid.ok);
  Query query = query_for("A.eXample", Edns{1232, 0, false});
  query.id = 77;
  query.flags = 0x0110;
  DnsMessage got = decode(render(laid, query, 1232, 100));
  CHECK(got.id == 77);
  CHECK(got.name == "A.eXample");
  CHECK(got.flags == 0x8190);  // no AA, no AD
  CHECK(got.answers[0].ttl == 200);
  REQUIRE(got.opt);
  CHECK_FALSE(got.opt->dnssec_ok);
  query.edns->dnssec_ok = true;
  got = decode(render(laid, query, 1232, 400));
  CHECK(got.flags == 0x81b0);  // AD for who set DO
  CHECK(got.answers[0].ttl == 0);
  CHECK(got.opt->dnssec_ok);
}

TEST_CASE("what exceeds the limit is cut at a record's end") {
  DnsMessage message = answer_with({});
  for (unsigned i = 0; i < 60; ++i) {
    message.answers.push_back(
        address_record("a.example", 60, Ipv4Address::of(10, 0, 0, i).to_string()));
  }
  const Laid laid = lay_out(message);
  REQUIRE(laid.ok);
  for (const std::size_t limit : {512U, 600U, 1232U}) {
    for (const bool edns : {false, true}) {
      const Query query =
          query_for("a.example", edns ? std::optional(Edns{1232, 0, false}) : std::nullopt);
      const Bytes bytes = render(laid, query, limit);
      CHECK(bytes.size() <= limit);
      CHECK(bytes.size() + 25 > limit);  // one more record would not have fitted
      const DnsMessage got = decode(bytes);
      CHECK(got.has(flag::tc));
      CHECK(got.opt.has_value() == edns);
      CHECK(got.name == "a.example");
    }
  }
  CHECK_FALSE(decode(render(laid, query_for("a.example"), 4096)).has(flag::tc));
}

TEST_CASE("additional records are cut without TC") {
  DnsMessage message = answer_with({address_record("a.example", 60, "10.0.0.1")});
  for (int i = 0; i < 40; ++i)
    message.additionals.push_back(address_record("b.example", 60, "10.0.0.2"));
  const DnsMessage got = decode(render(lay_out(message), query_for("a.example"), 512));
  CHECK_FALSE(got.has(flag::tc));
  CHECK(got.answers.size() == 1);
  CHECK(got.additionals.size() < 40);
  CHECK_FALSE(got.additionals.empty());
}

TEST_CASE("a response cut short at any length is malformed") {
  DnsMessage message = answer_with({address_record("a.example", 300, "10.0.0.1")});
  message.authorities.push_back(soa_record("example", 900, 30));
  message.opt = DnsMessage::Opt{};
  const Bytes whole = encode(message);
  ResponseLayout layout;
  REQUIRE(lay_out_response(whole, layout));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK_FALSE(lay_out_response(cut, layout));
  }
}

TEST_CASE("whatever an upstream sends, what is handed on can be read") {
  REQUIRE(rc::check([] {
    DnsMessage message = answer_with({name_record("a.example", 5, 60, "b.example"),
                                      address_record("b.example", 300, "10.0.0.1")});
    message.authorities.push_back(soa_record("example", 900, 30));
    message.opt = DnsMessage::Opt{};
    Bytes bytes = encode(message);
    const std::size_t question_end = 12 + 11 + 4;
    for (int i = 0; i < 4; ++i) {
      const auto at = *rc::gen::inRange<std::size_t>(question_end, bytes.size());
      bytes[at] = *rc::gen::arbitrary<std::uint8_t>();
    }
    ResponseLayout layout;
    if (!lay_out_response(bytes, layout)) return;
    const Query query = query_for("a.example");
    Bytes out(512);
    const ByteView rendered = render_response(out, bytes, layout, {&query, 512, 10});
    ResponseLayout again;
    RC_ASSERT(lay_out_response(rendered, again));
    RC_ASSERT(again.end == rendered.size());
    RC_ASSERT(again.records.size() == layout.records.size());
  }));
}
