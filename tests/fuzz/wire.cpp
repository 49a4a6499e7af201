// Every packet format: any bytes through its view; what the view says, its repr emits again so that
// it parses to the same. The first byte chooses the format.
#include <array>
#include <vector>

#include "core/wire/arp.h"
#include "core/wire/ethernet.h"
#include "core/wire/icmp.h"
#include "core/wire/icmpv6.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"
#include "core/wire/ndp.h"
#include "core/wire/tcp.h"
#include "core/wire/udp.h"
#include "core/wire/vlan.h"
#include "tests/fuzz/input.h"

namespace pontoon::fuzz {
namespace {

using namespace wire;

const IpAddress kSource = Ipv4Address::of(172, 17, 0, 2);
const IpAddress kTarget = Ipv4Address::of(172, 17, 0, 1);

template <class View, class Repr>
void check_plain(ByteView bytes) {
  const auto view = View::parse(bytes);
  if (!view) return;
  const Repr repr = Repr::from(*view);
  std::vector<std::uint8_t> out(repr.header_size());
  repr.emit(out);
  const auto again = View::parse(out);
  ORACLE(again && Repr::from(*again) == repr, "a header changes");
}

void check_ipv4(ByteView bytes) {
  if (const auto quoted = Ipv4View::parse_quoted(bytes)) (void)quoted->payload();
  const auto view = Ipv4View::parse(bytes);
  if (!view) return;
  (void)view->checksum_ok();
  const Ipv4Repr repr = Ipv4Repr::from(*view);
  std::vector<std::uint8_t> out(repr.header_size() + repr.payload_length);
  repr.emit(std::span(out).first(repr.header_size()));
  const auto again = Ipv4View::parse(out);
  ORACLE(again && Ipv4Repr::from(*again) == repr, "an IPv4 header changes");
  ORACLE(again->checksum_ok(), "an emitted checksum is wrong");
}

void check_ipv6(ByteView bytes) {
  if (const auto quoted = Ipv6View::parse_quoted(bytes)) (void)quoted->chain();
  const auto view = Ipv6View::parse(bytes);
  if (!view) return;
  const Ipv6Chain chain = view->chain();
  ORACLE(chain.extension_headers <= limits::kIpv6ExtensionHeaders + 1, "too long a walk");
  if (chain.status == Ipv6ChainStatus::ok)
    ORACLE(chain.offset + chain.payload.size() == view->bytes().size(), "a payload elsewhere");
  const Ipv6Repr repr = Ipv6Repr::from(*view);
  std::vector<std::uint8_t> out(Ipv6View::kHeaderSize + repr.payload_length);
  repr.emit(std::span(out).first(Ipv6View::kHeaderSize));
  const auto again = Ipv6View::parse(out);
  ORACLE(again && Ipv6Repr::from(*again) == repr, "an IPv6 header changes");
}

bool same(const auto& before, const auto& after) {
  return before == after;
}
// SACK blocks that have no room among aligned options are left out, the last first.
bool same(TcpRepr before, const TcpRepr& after) {
  for (std::size_t i = after.options.sack_count; i < before.options.sack_count; ++i)
    before.options.sack[i] = {};
  before.options.sack_count = std::min(before.options.sack_count, after.options.sack_count);
  return before == after;
}

// Header and payload with a checksum over addresses.
template <class View, class Repr>
void check_transport(ByteView bytes) {
  const auto view = View::parse(bytes);
  if (!view) return;
  (void)view->checksum_ok(kSource, kTarget);
  const Repr repr = Repr::from(*view);
  const ByteView payload = view->payload();
  std::vector<std::uint8_t> out(repr.header_size() + payload.size());
  std::copy(payload.begin(), payload.end(),
            out.begin() + static_cast<std::ptrdiff_t>(repr.header_size()));
  repr.emit(std::span(out).first(repr.header_size()), payload, kSource, kTarget);
  const auto again = View::parse(out);
  ORACLE(again && same(repr, Repr::from(*again)), "a transport header changes");
  ORACLE(again->checksum_ok(kSource, kTarget), "an emitted checksum is wrong");
}

void check_icmp(ByteView bytes) {
  const auto view = IcmpView::parse(bytes);
  if (!view) return;
  (void)view->checksum_ok();
  const IcmpRepr repr = IcmpRepr::from(*view);
  std::vector<std::uint8_t> out(bytes.begin(), bytes.end());
  repr.emit(std::span(out).first(IcmpView::kHeaderSize), view->payload());
  const auto again = IcmpView::parse(out);
  ORACLE(again && IcmpRepr::from(*again) == repr && again->checksum_ok(), "ICMP changes");
}

template <class View, class Repr>
void check_ndp(ByteView bytes) {
  const auto view = View::parse(bytes);
  if (!view) return;
  const Repr repr = Repr::from(*view);
  std::vector<std::uint8_t> out(repr.header_size());
  repr.emit(out, all_nodes(), all_routers());
  const auto again = View::parse(out);
  ORACLE(again && Repr::from(*again) == repr, "a neighbour message changes");
}

using Check = void (*)(ByteView);
constexpr std::array<Check, 13> kChecks = {
    check_plain<ArpView, ArpRepr>,
    check_plain<EthernetView, EthernetRepr>,
    check_plain<VlanView, VlanRepr>,
    check_ipv4,
    check_ipv6,
    check_transport<UdpView, UdpRepr>,
    check_transport<TcpView, TcpRepr>,
    check_transport<Icmpv6View, Icmpv6Repr>,
    check_icmp,
    check_ndp<NeighbourSolicitationView, NeighbourSolicitationRepr>,
    check_ndp<NeighbourAdvertisementView, NeighbourAdvertisementRepr>,
    check_ndp<RouterSolicitationView, RouterSolicitationRepr>,
    check_ndp<RouterAdvertisementView, RouterAdvertisementRepr>,
};

}  // namespace
}  // namespace pontoon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pontoon::fuzz;
  Input input(data, size);
  const std::size_t choice = input.below(kChecks.size());
  kChecks[choice](input.rest());
  return 0;
}
