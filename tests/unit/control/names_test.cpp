#include "control/names.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include <set>

#include "control/text.h"

using namespace pontoon;
using namespace pontoon::control;

TEST_CASE("names are DNS labels, with underscores") {
  for (const std::string good : {"a", "7", "web", "Web-1", "a_b", "0x", "x--y", "a-_-b"}) {
    INFO(good);
    CHECK(check_name("name", good));
  }
  CHECK(check_name("name", std::string(63, 'a')));
  for (const std::string bad : {"", "-", "_", "-a", "a-", "_a", "a_", "a.b", "a b", "a/b", "..",
                                "\xc3\xa9", "a\n", "a:b", "*", "web!"}) {
    INFO(bad);
    CHECK_FALSE(check_name("name", bad));
  }
  CHECK_FALSE(check_name("name", std::string(64, 'a')));
  CHECK_FALSE(check_name("name", std::string_view("a\0b", 3)));
}

TEST_CASE("the error says which name and what is allowed") {
  const auto bad = check_name("alias", "a b");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == ErrorCode::invalid_argument);
  CHECK(bad.error().message.rfind("Invalid alias \"a b\": use 1 to 63 letters", 0) == 0);
}

TEST_CASE("made-up names are names, and there are several") {
  SeededRandom random(1, "names");
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const std::string name = make_up_name(random);
    INFO(name);
    CHECK(check_name("name", name));
    seen.insert(name);
  }
  CHECK(seen.size() > 100);
}

TEST_CASE("identifiers are twelve hexadecimal digits") {
  SeededRandom random(1, "ids");
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const std::string id = make_id(random);
    CHECK(id.size() == 12);
    CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
    seen.insert(id);
  }
  CHECK(seen.size() == 200);
}

TEST_CASE("a MAC address is the same for the same name, and of our own making") {
  const MacAddress mac = mac_for("default", "web", 0);
  CHECK(mac == mac_for("default", "web", 0));
  CHECK(mac == mac_for("Default", "WEB", 0));  // names ignore case, so must their addresses
  CHECK(mac != mac_for("default", "web", 1));
  CHECK(mac != mac_for("back", "web", 0));
  CHECK(mac != mac_for("default", "db", 0));
  CHECK(mac_for("a", "bc", 0) != mac_for("ab", "c", 0));
  CHECK(mac.octets[0] == 0x02);
  CHECK(mac.octets[1] == 0x42);
  CHECK_FALSE(mac.is_multicast());
}

TEST_CASE("MAC addresses of many names hardly collide, and a salt steps past it") {
  std::set<MacAddress> seen;
  for (int i = 0; i < 20000; ++i)
    seen.insert(mac_for("default", "endpoint-" + std::to_string(i), 0));
  CHECK(seen.size() >= 19990);
  seen.clear();
  for (unsigned salt = 0; salt < 1000; ++salt)
    seen.insert(mac_for("default", "web", salt));
  CHECK(seen.size() >= 999);
}

TEST_CASE("names are the same whatever their case") {
  CHECK(same_name("web", "WEB"));
  CHECK(same_name("", ""));
  CHECK_FALSE(same_name("web", "we"));
  CHECK_FALSE(same_name("we", "web"));
  CHECK_FALSE(same_name("web", "wab"));
  CHECK_FALSE(same_name("\xc3\xa9", "\xc3\x89"));  // ASCII only
}

TEST_CASE("text that is UTF-8 stays as it is") {
  for (const std::string text :
       {"", "plain", "\xc3\xa9t\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x9a\xa2", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xf4\x8f\xbf\xbf", "\x7f\x01"}) {
    CHECK(to_utf8(text) == text);
  }
}

TEST_CASE("what is no UTF-8 is replaced byte by byte") {
  const std::string mark = "\xef\xbf\xbd";
  CHECK(to_utf8("a\xff"
                "b") == "a" + mark + "b");
  CHECK(to_utf8("\x80") == mark);                                   // a continuation alone
  CHECK(to_utf8("\xc3") == mark);                                   // cut off
  CHECK(to_utf8("\xe2\x82") == mark + mark);                        // cut off
  CHECK(to_utf8("\xc0\xaf") == mark + mark);                        // overlong
  CHECK(to_utf8("\xe0\x80\xaf") == mark + mark + mark);             // overlong
  CHECK(to_utf8("\xf0\x80\x80\xaf") == mark + mark + mark + mark);  // overlong
  CHECK(to_utf8("\xed\xa0\x80") == mark + mark + mark);             // a surrogate
  CHECK(to_utf8("\xf4\x90\x80\x80") == mark + mark + mark + mark);  // above U+10FFFF
  CHECK(to_utf8("\xf8\x88\x80\x80\x80").size() == 15);
  CHECK(to_utf8("\xe2\x28\xa1") == mark + "(" + mark);
}

TEST_CASE("replacing is done once: what came out goes through unchanged") {
  REQUIRE(rc::check([](const std::string& text) {
    const std::string once = to_utf8(text);
    RC_ASSERT(to_utf8(once) == once);
    RC_ASSERT(once.size() >= text.size());
  }));
}
