#include "tests/sim/border.h"

#include <fmt/format.h>

#include "tests/support/packets.h"

namespace pontoon::sim {

namespace {

constexpr std::uint16_t kFirstEphemeral = 40000;  // as MemoryNetwork gives them out
constexpr std::uint16_t kSprayed = 16;

}  // namespace

// Hosts that would answer, so that a question which gets there is noticed.
Border::Border(lab::World& world, Report& report) : world_(world), report_(report) {
  for (const char* forbidden :
       {"127.0.0.1", "169.254.169.254", "10.20.0.1", "10.20.0.2", "10.21.0.1", "10.21.0.2",
        "224.0.0.1", "240.0.0.1", "0.0.0.0", "100.100.100.200", "198.51.100.66"}) {
    lab::UdpService echo;
    echo.at = {test::ip(forbidden), 7};
    world.actors().serve(echo);
  }
}

void Border::allow_second_network() {
  for (const char* address : {"10.21.0.1", "10.21.0.2"}) {
    allow({test::ip(address), 7});
    allow({test::ip(address), 80});
  }
}

void Border::send_unasked(SeededRandom& random) {
  const SocketAddress stranger{test::ip("203.0.113.66"), 7};
  for (std::uint16_t i = 0; i < kSprayed; ++i) {
    const auto port = static_cast<std::uint16_t>(kFirstEphemeral + random.below(kSprayed * 4));
    (void)world_.host().deliver(stranger, {test::ip("192.0.2.1"), port}, "FORGED");
  }
}

void Border::step() {
  const auto& connects = world_.host().connects();
  for (; seen_ < connects.size(); ++seen_) {
    if (!allowed_.contains(connects[seen_]))
      report_.fail("border",
                   fmt::format("the host is asked to connect to {}", connects[seen_].to_string()));
  }
}

void Border::on_datagram(const std::string& station, const SocketAddress& from) {
  if (!allowed_.contains(from))
    report_.fail("border", fmt::format("{} got a datagram from {}, whom nobody may ask", station,
                                       from.to_string()));
}

}  // namespace pontoon::sim
