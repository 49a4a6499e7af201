// Any frame, shown to people; and two of them side by side. Text of bounded length without control
// characters, whatever the bytes are.
#include "lab/dissect/dissect.h"

#include "tests/fuzz/input.h"

namespace pontoon::fuzz {
namespace {

// The terminal is the reader's: nothing in a frame may speak to it.
void check_text(std::string_view text) {
  for (const char byte : text)
    ORACLE(static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f, "a control character");
}

void check(ByteView frame) {
  const lab::Dissection dissection = lab::dissect(frame);
  check_text(dissection.summary);
  check_text(dissection.source);
  check_text(dissection.target);
  ORACLE(dissection.layers.size() <= 64, "more layers than a frame can have");
  std::size_t length = 0;
  for (const lab::Layer& layer : dissection.layers) {
    check_text(layer.protocol);
    check_text(layer.problem);
    for (const lab::Field& field : layer.fields) {
      check_text(field.name);
      check_text(field.value);
      length += field.name.size() + field.value.size();
    }
  }
  ORACLE(length <= 100000 + 64 * frame.size(), "too much text for one frame");
}

}  // namespace
}  // namespace pontoon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pontoon;
  using namespace pontoon::fuzz;
  Input input(data, size);
  const std::uint8_t options = input.u8();
  if ((options & 1) != 0) {
    const ByteView first = input.block();
    const ByteView second = input.rest();
    const std::string sides = lab::side_by_side(first, second, 40 + options);
    ORACLE(!sides.empty() || (first.empty() && second.empty()), "nothing to show");
  } else {
    check(input.rest());
  }
  return 0;
}
