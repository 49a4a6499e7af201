// A capture filter, as typed, and a frame for it to judge; impairments by their words. Whatever
// parses is bounded and judges any frame.
#include "core/capture/filter.h"

#include "core/base/limits.h"
#include "core/link/impairment.h"
#include "tests/fuzz/input.h"

namespace pontoon::fuzz {
namespace {

class Names final : public capture::NameLookup {
 public:
  std::vector<IpAddress> addresses_of(std::string_view name) const override {
    if (name == "web") return {Ipv4Address::of(172, 17, 0, 2)};
    return {};
  }
};

void check_filter(Input& input) {
  const std::string_view text = as_text(input.block());
  const auto filter = capture::Filter::parse(text, Names{});
  if (!filter) {
    ORACLE(!filter.error().message.empty(), "an error without words");
    return;
  }
  const ByteView frame = input.rest();
  for (const bool dropped : {false, true}) {
    const bool kept = filter->matches(frame, frame.size() + 1, dropped);
    ORACLE(kept == filter->matches(frame, frame.size() + 1, dropped), "a filter of two minds");
  }
  const std::string denial = "not (" + std::string(text) + ")";
  if (const auto opposite = capture::Filter::parse(denial, Names{}); opposite && !text.empty())
    ORACLE(opposite->matches(frame, frame.size(), false) !=
               filter->matches(frame, frame.size(), false),
           "a filter and its denial agree");
}

void check_impairment(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    words.emplace_back(word);
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  const auto impairment = parse_impairment(words);
  if (!impairment) {
    ORACLE(!impairment.error().message.empty(), "an error without words");
    return;
  }
  ORACLE(impairment->delay <= limits::kImpairmentDelay, "a delay beyond the limit");
  ORACLE(impairment->jitter <= impairment->delay, "a jitter beyond the delay");
  std::vector<std::string> again{};
  std::string shown = to_string(*impairment);
  for (std::size_t at = 0; at < shown.size();) {
    const std::size_t end = std::min(shown.find(' ', at), shown.size());
    again.push_back(shown.substr(at, end - at));
    at = end + 1;
  }
  const auto same = parse_impairment(again);
  ORACLE(same && *same == *impairment, "an impairment changes as words");
}

}  // namespace
}  // namespace pontoon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pontoon::fuzz;
  Input input(data, size);
  if (input.flag()) {
    check_impairment(pontoon::as_text(input.rest()));
  } else {
    check_filter(input);
  }
  return 0;
}
