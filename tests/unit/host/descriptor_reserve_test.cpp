// Flows leave an eighth of the descriptors to the rest of the daemon.
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <vector>

#include "core/base/limits.h"
#include "core/base/unique_fd.h"
#include "core/host/kernel_network.h"

using namespace pontoon;

namespace {

// The soft limit while it lives.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t limit) {
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit wanted{limit, before_.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &wanted) == 0);
  }
  ~DescriptorLimit() { (void)setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("flows stop before the last descriptors, which others still get",
          "[limit:kReservedDescriptors]") {
  constexpr rlim_t limit = 256;
  const DescriptorLimit lowered(limit);
  host::Poller poller;
  host::KernelNetwork network(poller, host::PeekSupport{});
  const SocketAddress any{IpAddress(Ipv4Address::any()), 0};
  const SocketAddress loopback{Ipv4Address::of(127, 0, 0, 1), 0};

  std::vector<std::unique_ptr<Datagram>> flows;
  for (rlim_t i = 0; i < limit; ++i) {
    auto opened = network.open_datagram(any);
    if (!opened) {
      CHECK(opened.error() == SocketError::no_resources);
      break;
    }
    flows.push_back(std::move(*opened));
  }
  CHECK(flows.size() > limit / 2);
  CHECK(flows.size() <= limit - std::min<rlim_t>(limits::kReservedDescriptors, limit / 8));

  // A published port is no flow; what connects to it is one.
  auto listener = network.listen(loopback);
  REQUIRE(listener);
  const auto stream = network.connect((*listener)->local());
  REQUIRE(!stream);
  CHECK(stream.error() == SocketError::no_resources);

  std::vector<UniqueFd> others;
  for (rlim_t i = 0; i + 2 < limit / 8; ++i) {
    others.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
    CHECK(others.back());
  }
  others.clear();
  flows.clear();
  CHECK(network.open_datagram(any));
}
