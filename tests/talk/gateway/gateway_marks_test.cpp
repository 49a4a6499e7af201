// Limits of the gateway that no other conversation reaches.
#include "core/base/limits.h"
#include "tests/support/datagrams.h"
#include "tests/support/gateway_bench.h"

using namespace pontoon;
using namespace pontoon::test;

TEST_CASE("kUdpServices services have a port each", "[limit:kUdpServices]") {
  std::vector<Datagrams> services(limits::kUdpServices);
  GatewayBench bench;
  bench.play_web();
  const auto port_of = [](std::size_t i) { return static_cast<std::uint16_t>(100 + i); };
  for (std::size_t i = 0; i < services.size(); ++i)
    bench.gateway.bind_udp(port_of(i), services[i]);
  for (std::size_t i = 0; i < services.size(); ++i) {
    bench.send(udp_frame(between(kWeb4, kGateway4), 4000, port_of(i), pattern(8)));
    CHECK(services[i].kept.size() == 1);
  }
}
