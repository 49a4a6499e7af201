// How many captures a daemon has at once.
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "control/capture_hub.h"
#include "core/base/limits.h"
#include "tests/unit/control/service_world.h"

using namespace pontoon;
using namespace pontoon::control;

TEST_CASE("captures are limited", "[limit:kCaptures]") {
  test::ServiceWorld world;
  CaptureHub hub(world.io, *world.service);
  std::vector<UniqueFd> readers;
  std::vector<std::shared_ptr<CaptureHub::Capture>> captures;
  const auto start = [&] {
    int ends[2] = {-1, -1};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    readers.emplace_back(ends[0]);
    CaptureRequest request;
    return hub.start(request, UniqueFd(ends[1]), {[](const auto&) {}, [](const auto&) {}});
  };
  for (std::size_t i = 0; i < limits::kCaptures; ++i) {
    auto started = start();
    if (!started) FAIL(started.error().message);
    captures.push_back(std::move(*started));
  }
  const auto refused = start();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::exhausted);
  // The end of one makes room for another.
  CaptureHub::stop(*captures.back());
  captures.pop_back();
  world.run();  // what still waits for its reader lets go
  auto again = start();
  CHECK(again.has_value());
  for (const auto& capture : captures)
    CaptureHub::stop(*capture);
  if (again) CaptureHub::stop(**again);
}
