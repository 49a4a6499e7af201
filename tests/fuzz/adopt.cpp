// A stranger's capture, from the file to the answers: read, made a case of, and played.
//
// Equal bytes give equal frames, and what is played is no more than the file holds.
#include "lab/adopt/adopt.h"
#include "tests/fuzz/input.h"

namespace pontoon::fuzz {
namespace {

constexpr std::size_t kMostPackets = 40;  // a short one says as much

void play(const lab::CaptureFile& capture) {
  const auto adopted = lab::adopt(capture, {});
  if (!adopted) {
    ORACLE(!adopted.error().message.empty(), "an error without words");
    return;
  }
  const auto played = lab::replay(adopted->description, capture);
  if (!played) return;
  ORACLE(played->played <= capture.packets.size(), "more packets than there are");
  const auto again = lab::replay(adopted->description, capture);
  ORACLE(again && again->events.size() == played->events.size(), "two replays differ");
  for (std::size_t i = 0; i < played->events.size(); ++i)
    ORACLE(again->events[i].frame == played->events[i].frame, "two replays differ");
}

}  // namespace
}  // namespace pontoon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pontoon;
  auto capture = lab::read_capture(ByteView(data, size));
  if (!capture || capture->packets.size() > fuzz::kMostPackets) return 0;
  fuzz::play(*capture);
  return 0;
}
