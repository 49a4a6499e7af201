// Fragments in any order, of several datagrams and sources, with time in between. Each byte of a
// datagram tells its place, so whatever comes out whole must be made of the right pieces.
#include <vector>

#include "core/base/limits.h"
#include "core/stack/reassembly.h"
#include "core/wire/ethernet.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"
#include "tests/fuzz/input.h"

namespace pontoon::fuzz {
namespace {

class Timeouts final : public stack::ReassemblyOutput {
 public:
  void on_reassembly_timeout(FrameRef first, Instant) noexcept override {
    ORACLE(first, "a timeout about nothing");
    ++count;
  }
  std::size_t count = 0;
};

std::uint8_t byte_at(std::size_t offset) {
  return static_cast<std::uint8_t>(offset ^ (offset >> 8));
}

class Bench {
 public:
  void step(Input& input) {
    const std::uint8_t kind = input.u8();
    if (kind < 16) {
      pass(std::chrono::seconds(kind));
      return;
    }
    add(input, kind);
  }
  void end() {
    pass(limits::kReassemblyTimeout * 2);
    ORACLE(reassembly_.size() == 0, "a datagram outlives its time");
    ORACLE(pool_.in_use() == 0, "frames are held");
  }

 private:
  void add(Input& input, std::uint8_t kind) {
    const bool v6 = (kind & 1) != 0;
    stack::Fragment fragment;
    fragment.key = key(v6, input);
    fragment.offset = input.u16() & 0xfff8U;
    fragment.more = (kind & 2) != 0;
    std::vector<std::uint8_t> data(input.u16() % 3000);
    for (std::size_t i = 0; i < data.size(); ++i)
      data[i] = byte_at(fragment.offset + i);
    const std::vector<std::uint8_t> link(wire::EthernetView::kHeaderSize, 2);
    const std::vector<std::uint8_t> header = ip_header(v6, (kind & 4) != 0);
    fragment.data = data;
    fragment.link_header = link;
    fragment.ip_header = header;
    fragment.protocol = 17;
    const FrameRef whole = reassembly_.add(fragment, now_);
    ORACLE(reassembly_.size() <= limits::kReassemblies, "more datagrams than the limit");
    ORACLE(pool_.in_use() <= limits::kReassemblies + 1, "more frames than datagrams");
    if (whole) check(*whole, v6);
  }

  static stack::DatagramKey key(bool v6, Input& input) {
    const std::uint8_t who = input.u8();
    stack::DatagramKey key;
    const unsigned source = who % 12;
    key.source = v6 ? IpAddress(Ipv6Address{{0xfd, static_cast<std::uint8_t>(source)}})
                    : IpAddress(Ipv4Address::of(172, 17, 0, source));
    key.target = v6 ? IpAddress(Ipv6Address{{0xfd, 0xff}}) : Ipv4Address::of(172, 17, 0, 1);
    key.identification = who / 12;
    key.protocol = 17;
    return key;
  }

  static std::vector<std::uint8_t> ip_header(bool v6, bool options) {
    std::vector<std::uint8_t> header(v6 ? 40U : options ? 60U : 20U);
    header[0] = static_cast<std::uint8_t>(v6 ? 0x60U : 0x40U | (header.size() / 4));
    return header;
  }

  void check(const Frame& frame, bool v6) const {
    const auto ethernet = wire::EthernetView::parse(frame.bytes());
    ORACLE(ethernet, "whole, but no frame");
    ByteView payload;
    if (v6) {
      const auto packet = wire::Ipv6View::parse(ethernet->payload());
      ORACLE(packet, "whole, but no IPv6 packet");
      payload = packet->payload();
    } else {
      const auto packet = wire::Ipv4View::parse(ethernet->payload());
      ORACLE(packet && !packet->is_fragment(), "whole, but no whole IPv4 packet");
      payload = packet->payload();
    }
    for (std::size_t i = 0; i < payload.size(); ++i)
      ORACLE(payload[i] == byte_at(i), "a byte in the wrong place");
  }

  void pass(Duration time) {
    now_ += time;
    while (timers_.next_deadline() <= now_)
      timers_.run_due(now_, limits::kTurnTimers);
  }

  FramePool pool_;
  TimerQueue timers_;
  DropCounters drops_;
  Timeouts timeouts_;
  stack::Reassembly reassembly_{pool_, timers_, timeouts_, drops_};
  Instant now_{std::chrono::hours(1)};
};

constexpr unsigned kSteps = 300;

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
