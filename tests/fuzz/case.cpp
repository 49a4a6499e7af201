// A case.toml as somebody wrote it.
#include "lab/replay/case.h"

#include "core/base/limits.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pontoon;
  const auto parsed = lab::parse_case(as_text(ByteView(data, size)), "case.toml");
  if (!parsed) {
    ORACLE(parsed.error().message.rfind("case.toml", 0) == 0, "an error that does not say where");
    return 0;
  }
  ORACLE(size <= limits::kCaseBytes, "a case that is too long");
  ORACLE(parsed->names.size() <= limits::kCaseActors, "more names than the limit");
  ORACLE(parsed->tcp_services.size() <= limits::kCaseActors, "more services than the limit");
  return 0;
}
