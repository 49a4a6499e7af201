#include "dns/message.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "dns/response.h"
#include "dns/writer.h"
#include "tests/support/dns.h"
#include "tests/support/hex.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#include <tins/tins.h>
#pragma GCC diagnostic pop

using namespace pontoon;
using namespace pontoon::dns;
using namespace pontoon::test;

namespace {

ParsedQuery parse(const Bytes& bytes) {
  return parse_query(bytes);
}

Rcode rcode_of(const Bytes& bytes) {
  const ParsedQuery parsed = parse(bytes);
  REQUIRE(parsed.verdict == Verdict::error);
  return parsed.rcode;
}

Query query_for(const std::string& name, std::uint16_t type = 1) {
  return parse(encode(question(name, type))).query;
}

Record a_record(unsigned last) {
  return {RecordType::a, Ipv4Address::of(10, 0, 0, last), {}};
}

}  // namespace

TEST_CASE("a plain query is read") {
  const ParsedQuery parsed = parse(encode(question("wEb.Default", 28)));
  CHECK(parsed.verdict == Verdict::answer);
  CHECK(parsed.query.id == 0x1234);
  CHECK(parsed.query.recursion_desired());
  CHECK(parsed.query.question->name.to_text() == "wEb.Default");
  CHECK(parsed.query.question->type == RecordType::aaaa);
  CHECK_FALSE(parsed.query.edns);
}

TEST_CASE("what is no query gets no reply") {
  const Bytes query = encode(question("web"));
  for (std::size_t size = 0; size < kHeaderBytes; ++size)
    CHECK(parse(Bytes(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(size))).verdict ==
          Verdict::drop);
  DnsMessage response = question("web");
  response.flags |= 0x8000;
  CHECK(parse(encode(response)).verdict == Verdict::drop);
}

TEST_CASE("a query cut at any length behind its header is a format error") {
  DnsMessage message = question("web.default.internal");
  message.opt = DnsMessage::Opt{1232, 0, 0, true, unhex("000a 0008 0102030405060708")};
  const Bytes whole = encode(message);
  CHECK(parse(whole).verdict == Verdict::answer);
  for (std::size_t size = kHeaderBytes; size < whole.size(); ++size) {
    INFO(size);
    CHECK(rcode_of(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))) ==
          Rcode::form_error);
  }
}

TEST_CASE("refusals repeat question and OPT where they can be read", "[RFC 6891 6.1.1]") {
  DnsMessage message = question("web");
  message.opt = DnsMessage::Opt{4096, 0, 0, true, {}};
  message.flags = 0x2800;  // UPDATE
  message.authorities.push_back(address_record("web", 1, "10.0.0.1"));
  const ParsedQuery update = parse(encode(message));
  CHECK(update.rcode == Rcode::not_implemented);
  CHECK(update.query.dnssec_ok());
  REQUIRE(update.query.question);
  CHECK(update.query.question->type == RecordType::a);

  message.flags = 0x0100;
  message.authorities.clear();
  message.name.clear();
  const ParsedQuery none = parse(encode(message));
  CHECK(none.rcode == Rcode::form_error);
  CHECK(none.query.edns);
  CHECK_FALSE(none.query.question);

  Bytes cut = encode(message);
  cut.pop_back();
  CHECK_FALSE(parse(cut).query.edns);
  Bytes many = encode(question("web"));
  many[4] = 0xff;  // questions
  CHECK(parse(many).rcode == Rcode::form_error);
}

TEST_CASE("the rules for queries", "[limit:kDnsAdditionalRecords]") {
  DnsMessage message = question("web");
  SECTION("other opcodes") {
    message.flags = 0x2800;  // UPDATE
    CHECK(rcode_of(encode(message)) == Rcode::not_implemented);
  }
  SECTION("no question, several questions") {
    message.name.clear();
    CHECK(rcode_of(encode(message)) == Rcode::form_error);
    Bytes two = encode(question("web"));
    two[5] = 2;
    const Bytes again(two.begin() + 12, two.end());
    two.insert(two.end(), again.begin(), again.end());
    CHECK(rcode_of(two) == Rcode::form_error);
  }
  SECTION("records in answer or authority") {
    message.answers.push_back(address_record("web", 1, "10.0.0.1"));
    CHECK(rcode_of(encode(message)) == Rcode::form_error);
    message.answers.swap(message.authorities);
    CHECK(rcode_of(encode(message)) == Rcode::form_error);
  }
  SECTION("bytes left over") {
    Bytes bytes = encode(message);
    bytes.push_back(0);
    CHECK(rcode_of(bytes) == Rcode::form_error);
  }
  SECTION("classes other than IN") {
    for (const unsigned other : {0U, 3U, 4U, 255U}) {
      message.record_class = static_cast<std::uint16_t>(other);
      CHECK(rcode_of(encode(message)) == Rcode::refused);
    }
  }
  SECTION("transfers and meta-types") {
    for (const unsigned type : {0U, 41U, 249U, 250U, 251U, 252U, 253U, 254U}) {
      message.type = static_cast<std::uint16_t>(type);
      CHECK(rcode_of(encode(message)) == Rcode::refused);
    }
    message.type = 255;
    CHECK(parse(encode(message)).verdict == Verdict::answer);
    message.type = 65;  // HTTPS, and any type that we never heard of
    CHECK(parse(encode(message)).verdict == Verdict::answer);
  }
  SECTION("additional records that we do not know, within reason") {
    for (std::size_t i = 0; i < limits::kDnsAdditionalRecords; ++i)
      message.additionals.push_back(address_record("x", 1, "10.0.0.1"));
    CHECK(parse(encode(message)).verdict == Verdict::answer);
    message.opt = DnsMessage::Opt{};
    CHECK(rcode_of(encode(message)) == Rcode::form_error);
  }
}

TEST_CASE("EDNS in queries") {
  DnsMessage message = question("web");
  message.opt = DnsMessage::Opt{4096, 0, 0, true, unhex("ffff 0003 010203")};
  const ParsedQuery parsed = parse(encode(message));
  REQUIRE(parsed.query.edns);
  CHECK(parsed.query.edns->payload == 4096);
  CHECK(parsed.query.dnssec_ok());

  SECTION("a version above 0") {
    message.opt->version = 1;
    CHECK(rcode_of(encode(message)) == Rcode::bad_version);
  }
  SECTION("options that do not fill the record") {
    message.opt->options = unhex("000a 0008 01");
    CHECK(rcode_of(encode(message)) == Rcode::form_error);
    message.opt->options = unhex("000a 00");
    CHECK(rcode_of(encode(message)) == Rcode::form_error);
  }
  SECTION("two OPT records") {
    message.additionals.push_back({".", 41, 512, 0, {}, {}});
    CHECK(rcode_of(encode(message)) == Rcode::form_error);
  }
  SECTION("an OPT record that is not at the root") {
    message.opt.reset();
    message.additionals.push_back({"web", 41, 512, 0, {}, {}});
    CHECK(rcode_of(encode(message)) == Rcode::form_error);
  }
}

TEST_CASE("the UDP limit lies within 512 and what we are ready to send", "[limit:kDnsUdpPayload]") {
  CHECK(udp_limit(std::nullopt) == 512);
  CHECK(udp_limit(Edns{0, 0, false}) == 512);
  CHECK(udp_limit(Edns{900, 0, false}) == 900);
  CHECK(udp_limit(Edns{65535, 0, false}) == limits::kDnsUdpPayload);
}

TEST_CASE("a question to an upstream ends with an OPT record of 11 bytes") {
  std::array<std::uint8_t, kMaxUpstreamQueryBytes> out;
  const Question asked = *query_for("Example.COM", 65).question;
  const std::size_t size = write_upstream_query(out, 0xbeef, asked, true, true);
  const DnsMessage message = decode(ByteView(out).first(size));
  CHECK(message.id == 0xbeef);
  CHECK(message.flags == 0x0110);
  CHECK(message.name == "Example.COM");
  CHECK(message.type == 65);
  REQUIRE(message.opt);
  CHECK(message.opt->payload == 1232);
  CHECK(message.opt->dnssec_ok);
  CHECK(message.opt->options.empty());
  CHECK(size == kHeaderBytes + asked.size() + kOptBytes);
}

TEST_CASE("written responses are compressed and can be read by others") {
  std::array<std::uint8_t, 1232> out;
  Query query = query_for("WeB.default.internal");
  query.edns = Edns{1232, 0, true};
  MessageWriter writer(out, out.size(), query, Rcode::no_error, flag::aa | flag::ra);
  writer.add(Section::answer, query.question->name, a_record(1), 5);
  writer.add(Section::answer, query.question->name, a_record(2), 5);
  const Name host = *Name::from_text("host.default.internal");
  writer.add(Section::authority, *Name::from_text("default.internal"), {RecordType::ns, {}, host},
             7);
  writer.add(Section::additional, host, {RecordType::aaaa, *IpAddress::parse("fd00::1"), {}}, 7);
  const ByteView bytes = writer.finish();

  const DnsMessage message = decode(bytes);
  CHECK(message.flags == 0x8580);
  CHECK(message.name == "WeB.default.internal");
  CHECK(message.texts() == std::vector<std::string>{"10.0.0.1", "10.0.0.2"});
  CHECK(message.authorities[0].text == "host.default.internal");
  CHECK(message.additionals[0].text == "fd00::1");
  CHECK(message.opt->dnssec_ok);
  // header, question, 2 A, NS at a pointer to "host" + pointer, AAAA, OPT
  CHECK(bytes.size() == 12 + 26 + 2 * 16 + (12 + 7) + 28 + 11);

  // libtins as an oracle, for what we ourselves emit only.
  const Tins::DNS oracle(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  CHECK(oracle.id() == 0x1234);
  CHECK(oracle.authoritative_answer() == 1);
  CHECK(oracle.queries().front().dname() == "WeB.default.internal");
  REQUIRE(oracle.answers().size() == 2);
  // The owner is a pointer to the question and has its spelling.
  CHECK(oracle.answers().back().dname() == "WeB.default.internal");
  CHECK(oracle.answers().back().data() == "10.0.0.2");
  CHECK(oracle.answers().back().ttl() == 5);
  CHECK(oracle.authority().front().data() == "host.default.internal");
}

TEST_CASE("a record fits whole or not at all") {
  std::array<std::uint8_t, 512> out;
  for (const bool with_opt : {false, true}) {
    Query query = query_for("web.default.internal");
    if (with_opt) query.edns = Edns{512, 0, false};
    MessageWriter writer(out, out.size(), query, Rcode::no_error, flag::aa);
    for (unsigned i = 0; i < 100; ++i)
      writer.add(Section::answer, query.question->name, a_record(i), 5);
    const ByteView bytes = writer.finish();
    const DnsMessage message = decode(bytes);
    CHECK(message.has(flag::tc));
    CHECK(message.opt.has_value() == with_opt);
    CHECK(message.answers.size() == (with_opt ? 28 : 29));  // (512 - 38 - OPT) / 16
    CHECK(bytes.size() <= 512);
  }
}

TEST_CASE("additional records that do not fit are left out without TC") {
  std::array<std::uint8_t, 512> out;
  const Query query = query_for("web");
  MessageWriter writer(out, out.size(), query, Rcode::no_error, 0);
  for (unsigned i = 0; i < 100; ++i)
    writer.add(Section::additional, query.question->name, a_record(i), 5);
  CHECK_FALSE(writer.truncated());
  CHECK_FALSE(decode(writer.finish()).has(flag::tc));
}

TEST_CASE("names that only look alike are not compressed into each other") {
  REQUIRE(rc::check([] {
    std::array<std::uint8_t, 4096> out;
    const auto label = rc::gen::element<std::string>("a", "b", "aa", "ab", "A");
    const auto labels = rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(label));
    const auto text = [&] {
      std::string joined;
      for (const std::string& part : *labels)
        joined += (joined.empty() ? "" : ".") + part;
      return joined.substr(0, 200);
    };
    const Query query = query_for("a.b");
    MessageWriter writer(out, out.size(), query, Rcode::no_error, 0);
    std::vector<std::pair<Name, Name>> written;
    for (int i = 0; i < 6; ++i) {
      written.emplace_back(*Name::from_text(text()), *Name::from_text(text()));
      writer.add(Section::answer, written.back().first,
                 {RecordType::ptr, {}, written.back().second}, 1);
    }
    const DnsMessage message = decode(writer.finish());
    RC_ASSERT(message.answers.size() == written.size());
    for (std::size_t i = 0; i < written.size(); ++i) {
      RC_ASSERT(*Name::from_text(message.answers[i].name) == written[i].first);
      RC_ASSERT(*Name::from_text(message.answers[i].text) == written[i].second);
    }
  }));
}

TEST_CASE("whatever the bytes, parsing a query ends within bounds") {
  REQUIRE(rc::check("arbitrary", [](const Bytes& bytes) { (void)parse_query(bytes); }));
  REQUIRE(rc::check("mutated", [] {
    DnsMessage message = question("web.default.internal", 255);
    message.opt = DnsMessage::Opt{1232, 0, 0, true, unhex("000a 0008 0102030405060708")};
    Bytes bytes = encode(message);
    for (int i = 0; i < 3; ++i) {
      const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
      bytes[at] = *rc::gen::arbitrary<std::uint8_t>();
    }
    bytes.resize(*rc::gen::inRange<std::size_t>(0, bytes.size() + 1));
    const ParsedQuery parsed = parse_query(bytes);
    if (parsed.verdict == Verdict::answer) RC_ASSERT(parsed.query.question.has_value());
  }));
}
