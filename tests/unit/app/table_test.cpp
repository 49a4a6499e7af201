#include "app/table.h"

#include <catch2/catch.hpp>

using namespace pontoon;
using namespace pontoon::app;
using namespace std::chrono_literals;

TEST_CASE("columns are as wide as their widest cell, the last one is not padded") {
  Table table{"NAME", "ADDRESS", "PORTS"};
  table.row({"web", "172.17.0.2", "80/tcp"});
  table.row({"a-longer-name", "10.0.0.1", ""});
  CHECK(table.to_string() ==
        "NAME            ADDRESS      PORTS\n"
        "web             172.17.0.2   80/tcp\n"
        "a-longer-name   10.0.0.1\n");
}

TEST_CASE("a table without rows is its header") {
  CHECK(Table{"A", "B"}.to_string() == "A   B\n");
}

TEST_CASE("columns count characters, not bytes") {
  Table table{"A", "B"};
  table.row({"\xe2\x80\xa6\xc3\xa9", "x"});
  table.row({"abc", "y"});
  CHECK(table.to_string() ==
        "A     B\n"
        "\xe2\x80\xa6\xc3\xa9    x\n"
        "abc   y\n");
}

TEST_CASE("a cell cannot steer the terminal or break the line") {
  Table table{"A", "B"};
  table.row({"x\x1b[2J", "one\ntwo\tthree\r\x7f"});
  table.row(
      {"\xc2\x9b"
       "31m",
       "\xff"});
  CHECK(table.to_string() ==
        "A          B\n"
        "x\\x1b[2J   one\\ntwo\\tthree\\x0d\\x7f\n"
        "\\x9b31m    \xef\xbf\xbd\n");
}

TEST_CASE("durations are worded as Docker words them") {
  CHECK(human_duration(-5s) == "Less than a second");
  CHECK(human_duration(0s) == "Less than a second");
  CHECK(human_duration(1s) == "1 second");
  CHECK(human_duration(59s) == "59 seconds");
  CHECK(human_duration(60s) == "About a minute");
  CHECK(human_duration(119s) == "About a minute");
  CHECK(human_duration(2min) == "2 minutes");
  CHECK(human_duration(59min) == "59 minutes");
  CHECK(human_duration(1h) == "About an hour");
  CHECK(human_duration(1h + 29min) == "About an hour");
  CHECK(human_duration(1h + 30min) == "2 hours");
  CHECK(human_duration(47h) == "47 hours");
  CHECK(human_duration(48h) == "2 days");
  CHECK(human_duration(13 * 24h) == "13 days");
  CHECK(human_duration(14 * 24h) == "2 weeks");
  CHECK(human_duration(60 * 24h) == "2 months");
  CHECK(human_duration(800 * 24h) == "2 years");
}

TEST_CASE("a command is quoted and shortened to a width") {
  CHECK(quoted("", 20) == "\"\"");
  CHECK(quoted("busybox httpd", 20) == "\"busybox httpd\"");
  CHECK(quoted("12345678901234567890", 20) == "\"12345678901234567890\"");
  CHECK(quoted("123456789012345678901", 20) == "\"1234567890123456789\xe2\x80\xa6\"");
}

TEST_CASE("shortening never cuts a character") {
  const std::string ship = "\xf0\x9f\x9a\xa2";
  CHECK(quoted(ship + ship + ship, 3) == "\"" + ship + ship + ship + "\"");
  CHECK(quoted(ship + ship + ship, 2) == "\"" + ship + "\xe2\x80\xa6\"");
  CHECK(quoted("sh -c 'a\nb'", 20) == "\"sh -c 'a\\nb'\"");
}
