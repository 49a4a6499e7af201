// Limits of captures that no other conversation reaches.
#include "control/capture_names.h"
#include "core/base/limits.h"
#include "tests/talk/control/network_bench.h"

using namespace pontoon;
using namespace pontoon::test;

TEST_CASE("kCaptureDeparted endpoints that have gone are remembered", "[limit:kCaptureDeparted]") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  control::CaptureNames names(*net.network);
  constexpr std::size_t kTogether = 64;
  std::vector<std::uint32_t> tags;
  while (tags.size() <= limits::kCaptureDeparted) {
    const std::size_t first = tags.size();
    for (std::size_t i = first; i < first + kTogether; ++i) {
      const std::string name = "e" + std::to_string(i);
      REQUIRE(net.network->reserve(NetworkBench::request(name), "id", WallTime{}, net.now));
      tags.push_back(net.network->find(name)->tag);
    }
    names.refresh();
    for (std::size_t i = first; i < first + kTogether; ++i)
      REQUIRE(net.network->remove("e" + std::to_string(i), net.now));
  }
  names.refresh();
  CHECK(names.endpoints().empty());
  const std::size_t forgotten = tags.size() - limits::kCaptureDeparted;
  CHECK(names.place(tags[forgotten - 1]) == names.inside());
  CHECK(names.place(tags[forgotten]).name == "e" + std::to_string(forgotten));
  CHECK(names.place(tags.back()).endpoint);
}
