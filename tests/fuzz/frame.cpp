// Any bytes as a frame from a container: what the guard reads first, then every view of what it let
// through.
#include "bridge/guard.h"
#include "core/wire/ethernet.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"
#include "core/wire/tcp.h"
#include "core/wire/udp.h"

using namespace pontoon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto frame = wire::EthernetView::parse({data, size});
  if (!frame) return 0;
  const bridge::GuardPolicy policy{frame->source(), Ipv4Address::of(172, 17, 0, 2), std::nullopt};
  (void)bridge::judge(policy, *frame);
  if (const auto packet = wire::Ipv4View::parse(frame->payload())) {
    (void)packet->checksum_ok();
    if (const auto segment = wire::TcpView::parse(packet->payload()))
      (void)segment->options_parsed();
    (void)wire::UdpView::parse(packet->payload());
  }
  if (const auto packet = wire::Ipv6View::parse(frame->payload())) (void)packet->chain();
  return 0;
}
