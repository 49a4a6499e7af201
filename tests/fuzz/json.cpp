// What comes in over the API and the attach socket, as every type of the model. What decodes says
// the same when it is encoded and decoded once more.
#include "control/json.h"

#include "tests/fuzz/input.h"

namespace pontoon::fuzz {
namespace {

template <class T>
void check(std::string_view text) {
  const auto value = control::decode<T>(text);
  if (!value) {
    ORACLE(!value.error().message.empty(), "an error without words");
    return;
  }
  const std::string once = control::encode(*value);
  const auto again = control::decode<T>(once);
  ORACLE(again, "what was encoded does not decode");
  ORACLE(control::encode(*again) == once, "a value changes as JSON");
}

}  // namespace
}  // namespace pontoon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pontoon;
  using namespace pontoon::fuzz;
  Input input(data, size);
  const unsigned kind = input.below(10);
  const std::string_view text = as_text(input.rest());
  switch (kind) {
    case 0:
      check<control::NetworkSpec>(text);
      break;
    case 1:
      check<control::NetworkRequest>(text);
      break;
    case 2:
      check<control::NetworkInfo>(text);
      break;
    case 3:
      check<control::EndpointInfo>(text);
      break;
    case 4:
      check<std::vector<control::NetworkInfo>>(text);
      break;
    case 5:
      check<std::vector<control::EndpointInfo>>(text);
      break;
    case 6:
      check<std::vector<control::LeaseInfo>>(text);
      break;
    case 7:
      check<std::vector<control::FlowInfo>>(text);
      check<std::vector<control::DropInfo>>(text);
      break;
    case 8:
      (void)control::decode_error(text);
      (void)control::pretty(text);
      break;
    default:
      check<control::AttachMessage>(text);
  }
  return 0;
}
