// The switch with the guard: two endpoints that send anything, and the gateway's port. The frames
// are templates that the input bends, or its own bytes.
//
// Nobody may speak with another's address, nothing may come back to its sender, and each frame that
// goes in either comes out or counts one reason.
#include <array>
#include <cstring>
#include <vector>

#include "bridge/guard.h"
#include "bridge/switch.h"
#include "core/link/memory_port.h"
#include "core/wire/arp.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/support/frames.h"

namespace pontoon::fuzz {
namespace {

constexpr unsigned kSteps = 100;

class Bench {
 public:
  Bench() {
    gateway_ = *switch_.add(gateway_port_, {true, std::nullopt}, now_);
    switch_.pin(gateway_mac(), gateway_);
    for (unsigned i = 0; i < 2; ++i) {
      const bridge::GuardPolicy policy{endpoint_mac(i), IpAddress(endpoint_ip(i)), std::nullopt};
      ids_[i] = *switch_.add(ports_[i], {false, policy}, now_);
      switch_.pin(policy.mac, ids_[i]);
    }
  }

  void step(Input& input) {
    if (input.below(8) == 0) {
      now_ += std::chrono::milliseconds(input.u16());
      switch_.age(now_);
      return;
    }
    const unsigned sender = input.below(2);
    const std::vector<std::uint8_t> frame = make_frame(input, sender);
    const std::uint64_t dropped = switch_.drops(ids_[sender]).total();
    ports_[sender].inject(frame);
    switch_.pull(now_);
    switch_.flush(now_);
    ORACLE(ports_[sender].take_sent().empty(), "a frame comes back to its sender");
    std::size_t out =
        check(ports_[1 - sender], sender, frame) + check(gateway_port_, sender, frame);
    const std::uint64_t refused = switch_.drops(ids_[sender]).total() - dropped;
    out += ports_[1 - sender].counters().drops.total() + gateway_port_.counters().drops.total();
    ORACLE(refused <= 1, "one frame, several reasons");
    ORACLE((refused == 1) != (out > seen_drops_), "neither forwarded nor counted, or both");
    seen_drops_ =
        ports_[1 - sender].counters().drops.total() + gateway_port_.counters().drops.total();
    last_ = sender;
  }
  void end() const { ORACLE(pool_.in_use() == 0, "frames are held"); }

 private:
  // How many came out there; each must be the sender's own.
  std::size_t check(MemoryPort& port, unsigned sender, const std::vector<std::uint8_t>& in) const {
    std::size_t count = 0;
    for (const FrameRef& frame : port.take_sent()) {
      ++count;
      const auto view = wire::EthernetView::parse(frame->bytes());
      ORACLE(view && view->source() == endpoint_mac(sender), "another's MAC");
      ORACLE(frame->size() == in.size(), "a frame that has changed");
      if (view->ether_type() == wire::EtherType::arp) {
        const auto arp = wire::ArpView::parse(view->payload());
        ORACLE(arp && arp->sender_mac() == endpoint_mac(sender), "ARP for another's MAC");
        ORACLE(arp->sender_ip().is_any() || arp->sender_ip() == endpoint_ip(sender),
               "ARP for another's address");
      } else if (view->ether_type() == wire::EtherType::ipv4) {
        const auto packet = wire::Ipv4View::parse(view->payload());
        ORACLE(packet, "malformed IPv4 was let through");
        ORACLE(packet->source().is_any() || packet->source() == endpoint_ip(sender),
               "another's IPv4 address");
      }
    }
    return count;
  }

  FramePool pool_;
  Instant now_{std::chrono::hours(1)};
  MemoryPort gateway_port_{pool_, big()};
  std::array<MemoryPort, 2> ports_{MemoryPort(pool_, big()), MemoryPort(pool_, big())};
  bridge::PortId gateway_{};
  std::array<bridge::PortId, 2> ids_{};
  std::uint64_t seen_drops_ = 0;
  unsigned last_ = 0;
  bridge::Switch switch_{pool_};

  static PortFeatures big() {
    PortFeatures features;
    features.mtu = 65535;
    return features;
  }
};

}  // namespace
}  // namespace pontoon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pontoon::fuzz;
  Input input(data, size);
  Bench bench;
  for (unsigned i = 0; i < kSteps && !input.empty(); ++i)
    bench.step(input);
  bench.end();
  return 0;
}
