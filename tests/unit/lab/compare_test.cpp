#include "lab/replay/compare.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

namespace pontoon::lab {
namespace {

using Sent = std::vector<std::pair<std::int64_t, std::vector<std::uint8_t>>>;

PortFiles files_of(const std::map<std::string, Sent>& ports) {
  SentFiles files;
  for (const auto& [port, frames] : ports) {
    for (const auto& [time_ns, bytes] : frames)
      files.add({time_ns, port, FrameEvent::to_endpoint, std::nullopt, bytes});
  }
  return std::move(files).finish({});
}

Comparison compared(const std::map<std::string, Sent>& expected,
                    const std::map<std::string, Sent>& got) {
  const auto result = compare(files_of(expected), files_of(got));
  REQUIRE(result);
  return *result;
}

const std::vector<std::uint8_t> kOne(60, 1);
const std::vector<std::uint8_t> kTwo(60, 2);
const std::vector<std::uint8_t> kThree(60, 3);

TEST_CASE("the same frames at the same times are equal, whatever the files are called by") {
  const Comparison same =
      compared({{"web", {{5, kOne}, {6, kTwo}}}}, {{"web", {{5, kOne}, {6, kTwo}}}});
  CHECK(same.equal());
  CHECK(same.frames == 2);
  CHECK(same.files == 1);
  CHECK(to_text(same, 0, 120).empty());
  CHECK(to_json(same) == R"({"equal":true,"first":null,"ports":[],"drops":[]})");
}

TEST_CASE("a port without a file is one that is sent nothing") {
  CHECK(compared({{"web", {}}}, {}).equal());
  const Comparison more = compared({}, {{"web", {{5, kOne}}}});
  REQUIRE(more.ports.size() == 1);
  CHECK(more.ports[0].unexpected == 1);
  CHECK_FALSE(more.first->expected);
  CHECK(more.first->got->bytes == kOne);
  SentFiles none;
  none.expect("web");
  const auto empty = compare(std::move(none).finish({}), {});
  REQUIRE(empty);
  CHECK(empty->equal());
}

TEST_CASE("the first difference is the earliest of all ports") {
  const Comparison differs = compared({{"a", {{10, kOne}, {20, kTwo}}}, {"b", {{15, kOne}}}},
                                      {{"a", {{10, kOne}, {20, kThree}}}, {"b", {{15, kTwo}}}});
  CHECK(differs.ports.size() == 2);
  CHECK(differs.first->port == "b");
  CHECK(differs.first->number == 1);
}

TEST_CASE("what is missing, new and moved is counted") {
  const Comparison gone =
      compared({{"web", {{1, kOne}, {2, kTwo}, {3, kThree}}}}, {{"web", {{1, kOne}, {3, kThree}}}});
  REQUIRE(gone.ports.size() == 1);
  CHECK(gone.ports[0].expected == 3);
  CHECK(gone.ports[0].got == 2);
  CHECK(gone.ports[0].missing == 1);
  CHECK(gone.ports[0].unexpected == 0);
  CHECK(gone.ports[0].moved == 1);
  CHECK(gone.first->number == 2);
  const Comparison late = compared({{"web", {{1, kOne}}}}, {{"web", {{2, kOne}}}});
  CHECK(late.ports[0].missing == 0);
  CHECK(late.ports[0].moved == 1);
  CHECK_THAT(
      to_text(late, 0, 120),
      Catch::StartsWith("port web, frame 1: expected at 0.000000001 s, sent at 0.000000002 s"));
}

TEST_CASE("times are shown to the nanosecond however late in history") {
  const std::int64_t start = 1'700'000'000'000'000'000;
  const Comparison late =
      compared({{"web", {{start + 1, kOne}}}}, {{"web", {{start + 1'000'000'001, kOne}}}});
  CHECK_THAT(to_text(late, start, 120),
             Catch::Contains("expected at 0.000000001 s, sent at 1.000000001 s"));
  CHECK_THAT(to_text(late, start + 2, 120), Catch::Contains("expected at -0.000000001 s"));
}

TEST_CASE("drops are compared by place and reason, all networks together") {
  Comparison comparison;
  compare_drops(
      {{"web", "guard_arp", 2}, {"gateway", "ip_ttl_expired", 1}},
      {{"web", "guard_arp", 1}, {"gateway", "ip_ttl_expired", 1}, {"web", "guard_arp", 1}},
      comparison);
  CHECK(comparison.equal());
  compare_drops({{"web", "guard_arp", 1}}, {{"dns", "dns_malformed", 3}}, comparison);
  CHECK_FALSE(comparison.equal());
  CHECK(to_text(comparison, 0, 120) ==
        "drops dns/dns_malformed: 0 expected, 3 counted\n"
        "drops web/guard_arp: 1 expected, 0 counted\n");
}

TEST_CASE("an expected file that is no capture, or is cut, is refused by its name") {
  for (const std::size_t length : {std::size_t{3}, std::size_t{100}}) {
    PortFiles expected = files_of({{"web", {{1, kOne}, {2, kTwo}}}});
    expected["web"].resize(length);
    const auto result = compare(expected, {});
    REQUIRE_FALSE(result);
    CHECK_THAT(result.error().message, Catch::StartsWith("expected file web.pcapng: "));
  }
}

TEST_CASE("JSON holds the bytes and survives any name") {
  const Comparison differs = compared({{"web", {{1, {0xab, 0x01}}}}}, {});
  CHECK_THAT(to_json(differs),
             Catch::Contains(R"("expected":{"time_ns":1,"length":2,"bytes":"ab01"},"got":null)"));
  CHECK(json_text("a\"\\\n\x7f") == R"("a\u0022\u005c\u000a\u007f")");
}

TEST_CASE("a comparison is equal only to itself") {
  CHECK(rc::check(
      [](const std::map<std::string, Sent>& left, const std::map<std::string, Sent>& right) {
        const auto itself = compare(files_of(left), files_of(left));
        RC_ASSERT(itself);
        RC_ASSERT(itself->equal());
        const auto other = compare(files_of(left), files_of(right));
        RC_ASSERT(other);
        RC_ASSERT(other->equal() == other->ports.empty());
        RC_ASSERT(other->equal() == !other->first.has_value());
      }));
}

}  // namespace
}  // namespace pontoon::lab
