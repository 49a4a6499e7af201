#include "core/link/impairment.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "core/base/limits.h"

namespace pontoon {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

Words split(const std::string& text) {
  Words words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

Impairment parsed(const std::string& text) {
  const auto result = parse_impairment(split(text));
  INFO(text << ": " << (result ? "" : result.error().message));
  REQUIRE(result);
  return *result;
}

std::string error_of(const std::string& text) {
  const auto result = parse_impairment(split(text));
  if (result) return "(no error)";
  CHECK(result.error().code == ErrorCode::invalid_argument);
  return result.error().message;
}

}  // namespace

TEST_CASE("impairment: every word is understood", "[limit:kImpairmentDelay]") {
  CHECK(parsed("delay=20ms").delay == 20ms);
  CHECK(parsed("delay=1.5s").delay == 1500ms);
  CHECK(parsed("delay=300us").delay == 300us);
  CHECK(parsed("delay=0.001us").delay == 1ns);
  CHECK(parsed("delay=60s").delay == limits::kImpairmentDelay);
  CHECK(parsed("loss=1%").loss == 10'000);
  CHECK(parsed("loss=0.0001%").loss == 1);
  CHECK(parsed("loss=100%").loss == kAlways);
  CHECK(parsed("loss=1% burst=4").burst == 4);
  CHECK(parsed("duplicate=0.5%").duplicate == 5'000);
  CHECK(parsed("reorder=2%").reorder == 20'000);
  CHECK(parsed("corrupt=0.1%").corrupt == 1'000);
  CHECK(parsed("rate=10mbit").rate_bits_per_s == 10'000'000);
  CHECK(parsed("rate=1500bit").rate_bits_per_s == 1'500);
  CHECK(parsed("rate=512kbit").rate_bits_per_s == 512'000);
  CHECK(parsed("rate=2.5Gbit").rate_bits_per_s == 2'500'000'000);
  CHECK(parsed("rate=10mbit queue=7").queue_frames == 7);
  CHECK(parsed("rate=10mbit").queue_frames == 100);
  CHECK(parsed("partition").partition);
  CHECK(parsed("partition for=5s").duration == Duration(5s));
  CHECK(parsed("for=250ms loss=1%").duration == Duration(250ms));
  CHECK_FALSE(parsed("loss=1%").duration.has_value());
}

TEST_CASE("impairment: the spread of a delay takes its unit, or has its own") {
  CHECK(parsed("delay=20ms±5").jitter == 5ms);
  CHECK(parsed("delay=20ms~5").jitter == 5ms);
  CHECK(parsed("delay=20ms±500us").jitter == 500us);
  CHECK(parsed("delay=1s~20ms").jitter == 20ms);
  CHECK(parsed("delay=20ms±20").jitter == 20ms);
  CHECK(parsed("delay=20ms±0").jitter == 0ms);
}

TEST_CASE("impairment: every error says what would be right") {
  struct Case {
    const char* words;
    const char* part;
  };
  const Case cases[] = {
      {"", "nothing is said"},
      {"delay=20", "use a time up to 60s"},
      {"delay=", "use a time up to 60s"},
      {"delay=ms", "use a time up to 60s"},
      {"delay=-5ms", "use a time up to 60s"},
      {"delay=61s", "use a time up to 60s"},
      {"delay=99999999999999999999s", "use a time up to 60s"},
      {"delay=1.0000000001s", "use a time up to 60s"},
      {"delay=1.s", "use a time up to 60s"},
      {"delay=.5s", "use a time up to 60s"},
      {"delay=1e3ms", "use a time up to 60s"},
      {"delay=20ms±", "a time is missing behind the sign"},
      {"delay=20ms±x", "what follows the sign"},
      {"delay=20ms±5ms±5ms", "what follows the sign"},
      {"delay=20ms±21", "must not be larger"},
      {"loss=1", "use a percentage"},
      {"loss=101%", "use a percentage"},
      {"loss=100.0001%", "use a percentage"},
      {"loss=0.00001%", "at most four decimals"},
      {"loss=%", "use a percentage"},
      {"duplicate=2", "such as duplicate=0.5%"},
      {"reorder=x%", "such as reorder=0.5%"},
      {"corrupt=-1%", "such as corrupt=0.5%"},
      {"loss=1% burst=0", "whole number from 1 to 1000"},
      {"loss=1% burst=1001", "whole number from 1 to 1000"},
      {"loss=1% burst=2.5", "whole number from 1 to 1000"},
      {"burst=4", "say loss= as well"},
      {"loss=0% burst=4", "say loss= as well"},
      {"loss=70% burst=2", "at most loss=66.6666%"},
      {"rate=10", "use bits per second"},
      {"rate=999bit", "from 1kbit to 1000gbit"},
      {"rate=1001gbit", "from 1kbit to 1000gbit"},
      {"rate=1.5bit", "from 1kbit to 1000gbit"},
      {"rate=10mbit queue=0", "whole number from 1 to 4096"},
      {"rate=10mbit queue=4097", "whole number from 1 to 4096"},
      {"queue=5", "say rate= as well"},
      {"for=5", "use a time from 1us"},
      {"for=0s", "use a time from 1us"},
      {"for=604801s", "(a week)"},
      {"loss=1% loss=2%", "loss is given twice"},
      {"partition partition", "partition is given twice"},
      {"partition loss=1%", "only for= goes with it"},
      {"partition delay=1ms for=1s", "only for= goes with it"},
      {"partition=yes", "no such impairment"},
      {"jitter=5ms", "there are delay=, loss="},
      {"=5ms", "no such impairment"},
      {"slow", "use words such as"},
  };
  for (const Case& c : cases) {
    INFO(c.words);
    CHECK_THAT(error_of(c.words), Catch::Contains(c.part));
  }
}

TEST_CASE("impairment: an error names its word") {
  CHECK(error_of("delay=20ms loss=2").starts_with("Invalid \"loss=2\": "));
}

TEST_CASE("impairment: texts are as short as can be") {
  CHECK(to_string(parsed("delay=1500us~0.25ms")) == "delay=1.5ms±250us");
  CHECK(to_string(parsed("for=1000ms rate=1000000bit queue=100 loss=1.50%")) ==
        "loss=1.5% rate=1mbit for=1s");
  CHECK(to_string(parsed("partition for=5s")) == "partition for=5s");
  CHECK(to_string(parsed("loss=0%")) == "delay=0s");
}

TEST_CASE("impairment: what is written is read back") {
  REQUIRE(rc::check([] {
    Impairment it;
    it.partition = *rc::gen::inRange(0, 8) == 0;
    if (!it.partition) {
      it.delay = Duration(*rc::gen::inRange<std::int64_t>(0, 60'000'000'001));
      it.jitter = Duration(*rc::gen::inRange<std::int64_t>(0, it.delay.count() + 1));
      it.burst = *rc::gen::inRange<std::uint32_t>(1, 1001);
      it.loss = *rc::gen::inRange<Share>(0, 500'001);
      if (it.loss == 0) it.burst = 1;
      it.duplicate = *rc::gen::inRange<Share>(0, kAlways + 1);
      it.reorder = *rc::gen::inRange<Share>(0, kAlways + 1);
      it.corrupt = *rc::gen::inRange<Share>(0, kAlways + 1);
      if (*rc::gen::arbitrary<bool>()) {
        it.rate_bits_per_s = *rc::gen::inRange<std::uint64_t>(1000, 1'000'000'000'001);
        it.queue_frames = *rc::gen::inRange<std::uint32_t>(1, 4097);
      }
    }
    if (*rc::gen::arbitrary<bool>())
      it.duration = Duration(*rc::gen::inRange<std::int64_t>(1, 604'800'000'000'001));
    const auto again = parse_impairment(split(to_string(it)));
    RC_ASSERT(again);
    RC_ASSERT(*again == it);
  }));
}

TEST_CASE("impairment: no text crashes the parser, and what it takes can be written") {
  const char* keys[] = {"delay=", "loss=", "burst=", "rate=", "queue=", "for=", "partition", ""};
  REQUIRE(rc::check([&] {
    Words words;
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
      words.push_back(keys[*rc::gen::inRange(0, 8)] +
                      *rc::gen::container<std::string>(
                          rc::gen::elementOf(std::string("0123456789.%~±bkmgitusx=- \xff\n"))));
    }
    const auto result = parse_impairment(words);
    if (!result) {
      RC_ASSERT(!result.error().message.empty());
      return;
    }
    const auto again = parse_impairment(split(to_string(*result)));
    RC_ASSERT(again && *again == *result);
  }));
}

}  // namespace pontoon
