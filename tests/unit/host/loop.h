// A poller that a test can wait with: no sleeps, a bounded wait, and the condition decides.
#pragma once

#include <poll.h>

#include <chrono>
#include <string>
#include <string_view>

#include "core/host/kernel_network.h"
#include "core/host/poller.h"

namespace pontoon::test {

struct Loop {
  static constexpr auto kPatience = std::chrono::seconds(10);

  // Collects events until the condition holds; false when it never does.
  template <class Condition>
  bool until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
      while (poller.collect()) {
      }
      if (condition()) return true;
      if (std::chrono::steady_clock::now() > deadline) return false;
      pollfd wait{poller.fd(), POLLIN, 0};
      ::poll(&wait, 1, 50);
    }
  }

  host::Poller poller;
};

inline IpAddress loopback(IpFamily family) {
  return family == IpFamily::v4 ? IpAddress(Ipv4Address::of(127, 0, 0, 1))
                                : *IpAddress::parse("::1");
}
inline IpAddress wildcard(IpFamily family) {
  return family == IpFamily::v4 ? IpAddress(Ipv4Address::any()) : *IpAddress::parse("::");
}

// The host may have no IPv6; then nothing can be shown there.
inline bool has_ipv6() {
  host::Poller poller;
  host::KernelNetwork network(poller);
  return network.listen({loopback(IpFamily::v6), 0}).has_value();
}

struct CountingStreamHandler final : StreamHandler {
  void on_ready() noexcept override { ++calls; }
  int calls = 0;
};

struct CountingDatagramHandler final : DatagramHandler {
  void on_ready() noexcept override { ++calls; }
  int calls = 0;
};

}  // namespace pontoon::test
