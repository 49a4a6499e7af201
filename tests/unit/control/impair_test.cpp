// Words of the command line and of scripts.
#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "control/impair_script.h"
#include "control/impair_target.h"
#include "control/json.h"
#include "core/base/limits.h"

using namespace pontoon;
using namespace pontoon::control;
using namespace std::chrono_literals;
using Words = std::vector<std::string>;
using Kind = ImpairTarget::Kind;

namespace {

std::string script_error(const std::string& text) {
  const auto steps = parse_impair_script(text, "demo");
  if (steps) return "(no error)";
  CHECK(steps.error().code == ErrorCode::invalid_argument);
  return steps.error().message;
}

}  // namespace

TEST_CASE("impair words: the first that can be an impairment ends the target") {
  const auto check = [](const Words& words, const std::string& target, const Words& rest) {
    const ImpairWords split = split_impair_words(words);
    CHECK(split.target == target);
    CHECK(split.impairment == rest);
  };
  check({"web", "delay=20ms"}, "web", {"delay=20ms"});
  check({"a", "b", "loss=1%", "burst=3"}, "a b", {"loss=1%", "burst=3"});
  check({"a", "->", "b", "partition", "for=5s"}, "a -> b", {"partition", "for=5s"});
  check({"a -> b", "delay=1ms loss=1%"}, "a -> b", {"delay=1ms", "loss=1%"});
  check({"partition"}, "", {"partition"});
  check({"web"}, "web", {});
  check({"web", "loss=1%", "db"}, "web", {"loss=1%", "db"});
  check({}, "", {});
  check({" \t\n"}, "", {});
}

TEST_CASE("impair targets: kinds and texts") {
  struct Case {
    const char* text;
    Kind kind;
    const char* again;
  };
  const Case cases[] = {
      {"web", Kind::named, "web"},
      {"network:back", Kind::network, "network:back"},
      {"web db", Kind::pair, "web db"},
      {"web  db ", Kind::pair, "web db"},
      {"web->db", Kind::one_way, "web -> db"},
      {"web → host", Kind::one_way, "web -> host"},
      {"host a", Kind::pair, "host a"},
      {"a-b->c-d", Kind::one_way, "a-b -> c-d"},
  };
  for (const Case& c : cases) {
    const auto target = parse_target(c.text);
    INFO(c.text);
    REQUIRE(target);
    CHECK(target->kind == c.kind);
    CHECK(to_string(*target) == c.again);
    const auto again = parse_target(to_string(*target));
    REQUIRE(again);
    CHECK(same_target(*target, *again));
  }
}

TEST_CASE("impair targets: which are the same, and whom they mention") {
  const auto parsed = [](const char* text) { return *parse_target(text); };
  CHECK(same_target(parsed("a b"), parsed("B A")));
  CHECK_FALSE(same_target(parsed("a -> b"), parsed("b -> a")));
  CHECK_FALSE(same_target(parsed("a b"), parsed("a -> b")));
  CHECK_FALSE(same_target(parsed("a"), parsed("network:a")));
  CHECK(parsed("a -> b").mentions("B"));
  CHECK_FALSE(parsed("a -> b").mentions("c"));
  CHECK(parsed("a").mentions("A"));
  CHECK_FALSE(parsed("network:a").mentions("a"));
}

TEST_CASE(
    "impair targets: no text crashes the parser, and what it takes is written and read back") {
  REQUIRE(rc::check([] {
    const auto text = *rc::gen::container<std::string>(
        rc::gen::elementOf(std::string("ab1-_> :→network\xff\n\t")));
    const auto target = parse_target(text);
    if (!target) {
      RC_ASSERT(!target.error().message.empty());
      return;
    }
    const auto again = parse_target(to_string(*target));
    RC_ASSERT(again && same_target(*target, *again));
  }));
}

TEST_CASE("impair scripts: steps in the order of time") {
  const auto steps = parse_impair_script(
      "# a timeline\n"
      "\n"
      "at 10s clear web   # enough\r\n"
      "at 5s web -> host delay=100ms\n"
      "  at 0s a b loss=1% for=2s\n"
      "at 10s clear\n"
      "at 1.5s network:back partition",
      "demo");
  REQUIRE(steps);
  REQUIRE(steps->size() == 5);
  CHECK((*steps)[0].after == 0s);
  CHECK((*steps)[0].target == "a b");
  CHECK((*steps)[0].words == Words{"loss=1%", "for=2s"});
  CHECK((*steps)[0].line == 5);
  CHECK((*steps)[1].after == 1500ms);
  CHECK((*steps)[1].target == "network:back");
  CHECK((*steps)[2].target == "web -> host");
  CHECK_FALSE((*steps)[2].clear);
  CHECK((*steps)[3].clear);
  CHECK((*steps)[3].target == "web");
  CHECK((*steps)[4].clear);
  CHECK((*steps)[4].target.empty());
  CHECK(parse_impair_script("", "demo")->empty());
}

TEST_CASE("impair scripts: an error names file and line") {
  CHECK(script_error("\n\nweb delay=1ms").starts_with("demo:3: use `at TIME"));
  CHECK(script_error("at").starts_with("demo:1: use `at TIME"));
  CHECK(script_error("at 5s").starts_with("demo:1: use `at TIME"));
  CHECK(script_error("at 5 web delay=1ms").starts_with("demo:1: Invalid time \"5\""));
  CHECK(script_error("at -5s web delay=1ms").starts_with("demo:1: Invalid time"));
  CHECK(script_error("at 99999999999s web delay=1ms").starts_with("demo:1: Invalid time"));
  CHECK(script_error("at 5s delay=1ms").starts_with("demo:1: "));
  CHECK(script_error("at 5s delay=1ms loss=1%").starts_with("demo:1: a target is missing"));
  CHECK(script_error("at 5s web loss=1").starts_with("demo:1: Invalid \"loss=1\""));
  CHECK(script_error("at 5s web db").starts_with("demo:1: nothing is said"));
  CHECK(script_error("at 5s a b c loss=1%").starts_with("demo:1: Invalid target"));
  CHECK(script_error("at 5s clear web loss=1%").starts_with("demo:1: clear takes"));
  CHECK(script_error("at 5s clear a b c").starts_with("demo:1: Invalid target"));
}

TEST_CASE("impair scripts: kImpairmentSteps bounds their length", "[limit:kImpairmentSteps]") {
  std::string text;
  for (std::size_t i = 0; i < limits::kImpairmentSteps; ++i)
    text += "at 1s web delay=1ms\n";
  CHECK(parse_impair_script(text, "demo"));
  CHECK_THAT(script_error(text + "at 1s clear"), Catch::Contains("at most 4096 steps"));
}

TEST_CASE("impair json: a request and an answer survive the way out and in again") {
  const ImpairmentRequest request{"a -> b", {"delay=20ms±5ms"}, 18'446'744'073'709'551'615U};
  CHECK(encode(*decode<ImpairmentRequest>(encode(request))) == encode(request));
  ImpairmentInfo info{"default", "a", "loss=1%", 7, 5, 3, 1, 2, 3, 4, 5};
  CHECK(encode(*decode<ImpairmentInfo>(encode(info))) == encode(info));
  info.ends_in_s.reset();
  CHECK(encode(info).find("ends_in_s") == std::string::npos);
  CHECK_FALSE(decode<ImpairmentRequest>(R"({"target":7})"));
  CHECK_FALSE(decode<ImpairmentRequest>(R"({"goal":"a"})"));
}
