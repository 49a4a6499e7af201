#include "app/capture_options.h"

#include <catch2/catch.hpp>

using namespace pontoon;
using namespace pontoon::app;
using namespace std::chrono_literals;

namespace {

CapturePlan planned(const CaptureArguments& arguments) {
  const auto plan = plan_capture(arguments);
  INFO((plan ? std::string() : plan.error().message));
  REQUIRE(plan);
  return *plan;
}

CapturePlan planned(std::vector<std::string> words) {
  CaptureArguments arguments;
  arguments.words = std::move(words);
  return planned(arguments);
}

std::string refused(const CaptureArguments& arguments) {
  const auto plan = plan_capture(arguments);
  REQUIRE_FALSE(plan);
  CHECK(plan.error().code == ErrorCode::invalid_argument);
  return plan.error().message;
}

}  // namespace

TEST_CASE("capture options: the first word is a target unless it is the filter's") {
  CHECK(planned(std::vector<std::string>{}).request.target.empty());
  CHECK(planned({"web"}).request.target == "web");
  CHECK(planned({"web"}).request.filter.empty());
  CHECK(planned({"web", "tcp", "port", "80"}).request.filter == "tcp port 80");
  CHECK(planned({"web", "tcp port 80"}).request.filter == "tcp port 80");
  for (const char* filter :
       {"tcp port 80", "port 53", "!arp", "! arp", "(udp or icmp) and host web", "not tcp",
        "host web", "dropped", "less 100", "ip6", "arp"}) {
    CHECK(planned({filter}).request.target.empty());
    CHECK(planned({filter}).request.filter == filter);
  }
  CHECK(planned({"endpoint:tcp", "tcp"}).request.target == "endpoint:tcp");
  CHECK(planned({"network:host"}).request.target == "network:host");
  CHECK(planned({"tcpdump"}).request.target == "tcpdump");
}

TEST_CASE("capture options: what goes to the daemon and what stays") {
  CaptureArguments arguments;
  arguments.write = "-";
  arguments.snap_length = 96;
  arguments.count = 7;
  arguments.last = "2min";
  const CapturePlan plan = planned(arguments);
  CHECK(plan.request.snap_length == 96);
  CHECK(plan.request.last_ms == 120'000);
  CHECK(plan.count == 7);
  CHECK_FALSE(plan.ring());
  arguments.last = "soon";
  CHECK(refused(arguments) == "Invalid --last soon: use a duration such as 30s or 5min");
}

TEST_CASE("capture options: rings of files") {
  CaptureArguments arguments;
  arguments.write = "x.pcapng";
  arguments.rotate = "10MiB";
  CHECK(planned(arguments).file_bytes == 10U << 20);
  CHECK(planned(arguments).files == 0);
  arguments.files = 3;
  CHECK(planned(arguments).files == 3);
  arguments.rotate = "90s";
  CHECK(planned(arguments).file_time == 90s);
  CHECK_FALSE(planned(arguments).file_bytes);
  arguments.files = 0;
  CHECK(refused(arguments) == "Invalid --files 0: use 1 to 100000");
  arguments.files = 3;
  for (const char* wrong : {"fast", "0s", "0", "-5MB", "10 MB", "1kB", ""}) {
    arguments.rotate = wrong;
    CHECK_FALSE(refused(arguments).empty());
  }
  arguments.rotate = "10m";
  CHECK(refused(arguments) == "--rotate 10m could be a size or a time; write 10MiB or 10min");
  arguments.rotate = "10MiB";
  for (const char* write : {"", "-"}) {
    arguments.write = write;
    CHECK(refused(arguments) == "--rotate needs files to write to: -w FILE");
  }
}

TEST_CASE("capture options: sizes") {
  CHECK(parse_size("0") == 0U);
  CHECK(parse_size("500") == 500U);
  CHECK(parse_size("64kB") == 64'000U);
  CHECK(parse_size("64KiB") == 65'536U);
  CHECK(parse_size("4M") == 4U << 20);
  CHECK(parse_size("1G") == 1U << 30);
  for (const char* wrong : {"", "M", "-1", "1.5M", "1 M", "1TB", "4MiBs", "99999999999999999999",
                            "18446744073709551615G"})
    CHECK_FALSE(parse_size(wrong));
}

TEST_CASE("capture options: durations") {
  CHECK(parse_duration("500ms") == 500ms);
  CHECK(parse_duration("30s") == 30s);
  CHECK(parse_duration("5m") == 5min);
  CHECK(parse_duration("5min") == 5min);
  CHECK(parse_duration("2h") == 2h);
  CHECK(parse_duration("1d") == 24h);
  for (const char* wrong : {"", "s", "30", "-1s", "1.5s", "1w", "400d", "99999999999999999999s"})
    CHECK_FALSE(parse_duration(wrong));
}

TEST_CASE("capture options: files of a ring are numbered before their suffix") {
  CHECK(numbered("trace.pcapng", 3) == "trace.3.pcapng");
  CHECK(numbered("trace", 3) == "trace.3");
  CHECK(numbered("/a.b/trace", 12) == "/a.b/trace.12");
  CHECK(numbered("/a.b/.hidden", 1) == "/a.b/.hidden.1");
  CHECK(numbered("a/b.c.d", 1) == "a/b.c.1.d");
}
