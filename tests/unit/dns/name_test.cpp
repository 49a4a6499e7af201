#include "dns/name.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "tests/support/hex.h"

using namespace pontoon;
using namespace pontoon::dns;
using pontoon::test::hex;
using pontoon::test::unhex;

namespace {

std::string text_of(std::string_view input) {
  const auto name = Name::from_text(input);
  return name ? name->to_text() : "(none)";
}

std::optional<Name> read_at(const std::vector<std::uint8_t>& message, std::size_t at) {
  ByteReader reader(message);
  reader.seek(at);
  return Name::read(reader);
}

// Labels of any bytes whatever, as many as fit.
Name any_name() {
  Name name;
  const auto labels = *rc::gen::container<std::vector<std::vector<std::uint8_t>>>(
      rc::gen::nonEmpty(rc::gen::arbitrary<std::vector<std::uint8_t>>()));
  for (const auto& label : labels) {
    if (const auto longer = Name::join(label, name)) name = *longer;
  }
  return name;
}

Name with_case_flipped(const Name& name, std::uint64_t which) {
  std::vector<std::uint8_t> wire(name.wire().begin(), name.wire().end());
  for (std::size_t i = 0; i < wire.size(); ++i) {
    const std::uint8_t lower = wire[i] | 0x20;
    if (lower >= 'a' && lower <= 'z' && (which >> i % 64 & 1) != 0) wire[i] ^= 0x20;
  }
  return Name(NameView::unchecked(wire));
}

}  // namespace

TEST_CASE("names go from text to wire form and back") {
  CHECK(hex(Name::from_text("web.Default")->wire()) == "037765620744656661756c7400");
  CHECK(text_of("web.default.internal") == "web.default.internal");
  CHECK(text_of("web.default.internal.") == "web.default.internal");
  CHECK(text_of(".") == ".");
  CHECK(hex(Name::from_text(".")->wire()) == "00");
  CHECK(text_of("a\\.b.c") == "a\\.b.c");
  CHECK(hex(Name::from_text("a\\.b.c")->wire()) == "03612e62016300");
  CHECK(text_of("\\000\\255\\032x") == "\\000\\255\\032x");
  CHECK(text_of("\\065") == "A");
}

TEST_CASE("text that is no name is refused") {
  for (const char* text :
       {"", "..", ".a", "a..b", "a.b..", "\\", "a\\", "\\25", "\\256", "\\9x9"}) {
    INFO(text);
    CHECK_FALSE(Name::from_text(text));
  }
}

TEST_CASE("labels of 63 and names of 255 bytes are the longest") {
  const std::string label(63, 'x');
  CHECK(Name::from_text(label));
  CHECK_FALSE(Name::from_text(label + "x"));
  const std::string three = label + "." + label + "." + label + ".";
  const auto longest = Name::from_text(three + std::string(61, 'y'));
  REQUIRE(longest);
  CHECK(longest->size() == 255);
  CHECK_FALSE(Name::from_text(three + std::string(62, 'y')));
  CHECK_FALSE(Name::from_text(three + std::string(61, 'y') + ".z"));
  CHECK_FALSE(Name::join(as_bytes("z"), *longest));
  CHECK_FALSE(Name::concatenate(*Name::from_text("z"), *longest));
}

TEST_CASE("a name on the wire of 255 bytes is read, one of 256 is not") {
  std::vector<std::uint8_t> wire;
  for (int i = 0; i < 4; ++i) {
    const std::uint8_t length = i == 3 ? 61 : 63;
    wire.push_back(length);
    wire.insert(wire.end(), length, 'a');
  }
  wire.push_back(0);
  CHECK(read_at(wire, 0));
  ByteReader whole(wire);
  CHECK(skip_name(whole));
  wire[192] = 62;
  wire.insert(wire.end() - 1, 'a');
  REQUIRE(wire.size() == 256);
  CHECK_FALSE(read_at(wire, 0));
  ByteReader reader(wire);
  CHECK_FALSE(skip_name(reader));
}

TEST_CASE("compression pointers are followed backwards only") {
  // 0: "internal", 10: "web" -> 0, 16: -> 10
  const auto message = unhex("08 696e7465726e616c 00  03 776562 c000  c00a");
  CHECK(read_at(message, 10)->to_text() == "web.internal");
  CHECK(read_at(message, 16)->to_text() == "web.internal");
  ByteReader reader(message);
  reader.seek(10);
  REQUIRE(Name::read(reader));
  CHECK(reader.position() == 16);  // behind the pointer, not behind its target

  SECTION("to itself") {
    CHECK_FALSE(read_at(unhex("c000"), 0));
  }
  SECTION("forwards") {
    CHECK_FALSE(read_at(unhex("c002 00"), 0));
  }
  SECTION("in a loop of two") {
    CHECK_FALSE(read_at(unhex("c002 c000"), 2));
  }
  SECTION("into its own labels") {
    CHECK_FALSE(read_at(unhex("0161 0162 c002"), 2));
  }
  SECTION("behind the message") {
    CHECK_FALSE(read_at(unhex("c0ff"), 0));
  }
  SECTION("cut in half") {
    CHECK_FALSE(read_at(unhex("c0"), 0));
  }
  SECTION("the reserved kinds 01 and 10") {
    CHECK_FALSE(read_at(unhex("41 00"), 0));
    CHECK_FALSE(read_at(unhex("81 00"), 0));
  }
}

TEST_CASE("no more than kDnsNamePointers pointers are followed", "[limit:kDnsNamePointers]") {
  std::vector<std::uint8_t> message = {0};
  std::size_t previous = 0;
  for (std::size_t hop = 1; hop <= limits::kDnsNamePointers + 1; ++hop) {
    const std::size_t here = message.size();
    message.push_back(static_cast<std::uint8_t>(0xc0 | previous >> 8));
    message.push_back(static_cast<std::uint8_t>(previous));
    INFO(hop);
    CHECK(read_at(message, here).has_value() == (hop <= limits::kDnsNamePointers));
    previous = here;
  }
}

TEST_CASE("pointers cannot make a name longer than 255 bytes") {
  std::vector<std::uint8_t> message(1 + 63, 63);
  message.push_back(0);
  for (int i = 0; i < 4; ++i) {
    const std::size_t target = i == 0 ? 0 : message.size() - 66;
    message.push_back(63);
    message.insert(message.end(), 63, 'x');
    message.push_back(static_cast<std::uint8_t>(0xc0 | target >> 8));
    message.push_back(static_cast<std::uint8_t>(target));
  }
  CHECK(read_at(message, 65).has_value());
  CHECK(read_at(message, 65 + 66).has_value());
  CHECK_FALSE(read_at(message, 65 + 3 * 66));
}

TEST_CASE("comparing ignores the case of ASCII letters and nothing else") {
  CHECK(*Name::from_text("WEB.Internal") == *Name::from_text("web.iNTERNAL"));
  CHECK_FALSE(*Name::from_text("web") == *Name::from_text("wec"));
  CHECK_FALSE(*Name::from_text("a.bc") == *Name::from_text("ab.c"));
  // The neighbours of A-Z and a-z, and letters with the eighth bit.
  CHECK_FALSE(*Name::from_text("\\064") == *Name::from_text("\\096"));
  CHECK_FALSE(*Name::from_text("\\091") == *Name::from_text("\\123"));
  CHECK_FALSE(*Name::from_text("\\193") == *Name::from_text("\\225"));
  CHECK(NameView(*Name::from_text("WEB")).to_text() == "WEB");  // kept as written
}

TEST_CASE("ancestors and parents") {
  const Name name = *Name::from_text("a.b.Internal");
  CHECK(NameView(name).label_count() == 3);
  CHECK(NameView(name).parent().to_text() == "b.Internal");
  CHECK(NameView(name).last_labels(1).to_text() == "Internal");
  CHECK(NameView(name).last_labels(0).is_root());
  CHECK(NameView(name).is_at_or_below(*Name::from_text("b.internal")));
  CHECK(NameView(name).is_at_or_below(name));
  CHECK(NameView(name).is_at_or_below(NameView()));
  CHECK_FALSE(NameView(name).is_at_or_below(*Name::from_text("internal.b")));
  CHECK_FALSE(
      NameView(*Name::from_text("xb.internal")).is_at_or_below(*Name::from_text("b.internal")));
}

TEST_CASE("reverse names") {
  CHECK(Name::reverse(*IpAddress::parse("172.17.0.255")).to_text() == "255.0.17.172.in-addr.arpa");
  CHECK(Name::reverse(*IpAddress::parse("2001:db8::567:89ab")).to_text() ==
        "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST_CASE("any name survives text, wire, case changes and compression") {
  REQUIRE(rc::check("text", [] {
    const Name name = any_name();
    const auto back = Name::from_text(name.to_text());
    RC_ASSERT(back.has_value());
    RC_ASSERT(hex(back->wire()) == hex(name.wire()));
  }));
  REQUIRE(rc::check("wire", [] {
    const Name name = any_name();
    ByteReader reader(name.wire()), skipper(name.wire());
    const auto back = Name::read(reader);
    RC_ASSERT(back.has_value());
    RC_ASSERT(hex(back->wire()) == hex(name.wire()));
    RC_ASSERT(reader.remaining() == 0U);
    RC_ASSERT(skip_name(skipper));
    RC_ASSERT(skipper.remaining() == 0U);
  }));
  REQUIRE(rc::check("case", [] {
    const Name name = any_name();
    const Name other = with_case_flipped(name, *rc::gen::arbitrary<std::uint64_t>());
    RC_ASSERT(name == other);
    RC_ASSERT(hash_name(name, 7) == hash_name(other, 7));
  }));
  REQUIRE(rc::check("reverse of parsing", [](std::uint32_t value) {
    const Name name = Name::reverse(Ipv4Address{value});
    RC_ASSERT(NameView(name).label_count() == 6U);
    RC_ASSERT(Name::from_text(name.to_text()).has_value());
  }));
}

TEST_CASE("whatever the bytes, reading a name ends within bounds") {
  REQUIRE(rc::check("arbitrary bytes", [](const std::vector<std::uint8_t>& bytes) {
    // A heap copy of the exact size, so that the sanitizer sees one byte too many.
    const auto at = static_cast<std::size_t>(*rc::gen::inRange<int>(0, 64));
    ByteReader reader(bytes);
    reader.seek(at);
    const auto name = Name::read(reader);
    RC_ASSERT(name.has_value() == reader.ok());
    if (name) RC_ASSERT(name->size() <= kMaxNameBytes);
  }));
  REQUIRE(rc::check("a name cut short", [] {
    const Name name = any_name();
    const auto cut =
        static_cast<std::size_t>(*rc::gen::inRange<int>(0, static_cast<int>(name.size())));
    const std::vector<std::uint8_t> bytes(name.wire().begin(),
                                          name.wire().begin() + static_cast<std::ptrdiff_t>(cut));
    ByteReader reader(bytes);
    RC_ASSERT(!Name::read(reader).has_value());
  }));
}
