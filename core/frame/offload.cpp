// Software segmentation.
//
// The super-frame's own headers are located and validated once; then each segment is a copy of all
// headers followed by its piece of the payload, in which only what differs is patched: the IP
// length and identification, TCP's sequence number, flags and urgent pointer, UDP's length, and the
// checksums, which are summed anew. The offload metadata contributes nothing but the segment size
// and which kind of packet to expect: the kernel itself fills header_length with a mere hint.
#include "core/frame/offload.h"

#include <algorithm>

#include "core/frame/transport.h"
#include "core/wire/checksum.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"
#include "core/wire/tcp.h"
#include "core/wire/udp.h"

namespace pontoon {
namespace {

using wire::Checksum;
using wire::IpProtocol;

constexpr std::size_t kIpv4Length = 2;
constexpr std::size_t kIpv4Identification = 4;
constexpr std::size_t kIpv4Checksum = 10;
constexpr std::size_t kIpv6Length = 4;
constexpr std::size_t kTcpSequence = 4;
constexpr std::size_t kTcpFlags = 13;
constexpr std::size_t kTcpChecksum = 16;
constexpr std::size_t kTcpUrgent = 18;
constexpr std::size_t kUdpLength = 4;
constexpr std::size_t kUdpChecksum = 6;

// The super-frame, taken apart.
struct Plan {
  TransportLocation at;
  ByteView headers;  // Ethernet to the end of the transport header
  ByteView payload;
  std::size_t segment_size = 0;
  IpAddress source;
  IpAddress destination;
};

struct Piece {
  std::size_t index = 0;
  std::size_t offset = 0;
  std::size_t size = 0;
  bool last = false;
};

bool kind_matches(Gso gso, const TransportLocation& at) noexcept {
  switch (gso) {
    case Gso::none:
      return false;
    case Gso::tcp4:
      return at.family == IpFamily::v4 && at.protocol == IpProtocol::tcp;
    case Gso::tcp6:
      return at.family == IpFamily::v6 && at.protocol == IpProtocol::tcp;
    case Gso::udp:
      return at.protocol == IpProtocol::udp;
  }
  return false;
}

// The length of the transport header; zero when there is none that can be cut behind.
std::size_t transport_header(IpProtocol protocol, ByteView transport) noexcept {
  if (protocol == IpProtocol::udp) {
    const auto udp = wire::UdpView::parse(transport);
    return udp && udp->length() == transport.size() ? wire::UdpView::kHeaderSize : 0;
  }
  const auto tcp = wire::TcpView::parse(transport);
  // SYN takes a sequence number before the text, and neither it nor RST goes with a stream of text.
  if (!tcp || tcp->flags().syn || tcp->flags().rst) return 0;
  return tcp->header_length();
}

void read_addresses(ByteView packet, Plan& plan) noexcept {
  if (plan.at.family == IpFamily::v4) {
    plan.source = Ipv4Address::from(packet.subspan(12, 4));
    plan.destination = Ipv4Address::from(packet.subspan(16, 4));
  } else {
    plan.source = Ipv6Address::from(packet.subspan(8, 16));
    plan.destination = Ipv6Address::from(packet.subspan(24, 16));
  }
}

std::optional<Plan> make_plan(const Frame& frame) noexcept {
  const Offload& offload = frame.offload;
  if (offload.segment_size == 0 || offload.header_length > frame.size()) return std::nullopt;
  const auto at = locate_transport(frame.bytes());
  if (!at || at->fragment || !kind_matches(offload.gso, *at)) return std::nullopt;
  const ByteView packet = frame.bytes().first(at->end);
  const std::size_t header = transport_header(at->protocol, packet.subspan(at->transport_offset));
  if (header == 0) return std::nullopt;
  Plan plan;
  plan.at = *at;
  plan.headers = packet.first(at->transport_offset + header);
  plan.payload = packet.subspan(plan.headers.size());
  plan.segment_size = offload.segment_size;
  read_addresses(packet.subspan(at->network_offset), plan);
  if (plan.payload.size() > plan.segment_size * limits::kGsoSegments) return std::nullopt;
  return plan;
}

void patch_network(const Plan& plan, const Piece& piece, MutableBytes packet) noexcept {
  if (plan.at.family == IpFamily::v6) {
    store_be(packet.data() + kIpv6Length,
             static_cast<std::uint16_t>(packet.size() - wire::Ipv6View::kHeaderSize));
    return;
  }
  const std::size_t header = plan.at.transport_offset - plan.at.network_offset;
  const auto identification = load_be<std::uint16_t>(packet.data() + kIpv4Identification);
  store_be(packet.data() + kIpv4Length, static_cast<std::uint16_t>(packet.size()));
  // RFC 6864 4: unique for each packet that may be fragmented.
  store_be(packet.data() + kIpv4Identification,
           static_cast<std::uint16_t>(identification + piece.index));
  store_be(packet.data() + kIpv4Checksum, std::uint16_t{0});
  Checksum sum;
  sum.add(packet.first(header));
  store_be(packet.data() + kIpv4Checksum, sum.value());
}

void patch_tcp(const Piece& piece, MutableBytes tcp) noexcept {
  const auto sequence = load_be<std::uint32_t>(tcp.data() + kTcpSequence);
  store_be(tcp.data() + kTcpSequence,
           static_cast<std::uint32_t>(sequence + static_cast<std::uint32_t>(piece.offset)));
  wire::TcpFlags flags = wire::TcpFlags::from_bits(tcp[kTcpFlags]);
  if (!piece.last) flags.fin = flags.psh = false;
  // RFC 3168 6.1.2: CWR is in the first new segment only.
  if (piece.index != 0) flags.cwr = false;
  // RFC 9293 3.8.5: the urgent pointer counts from the segment's own sequence number.
  const auto urgent = load_be<std::uint16_t>(tcp.data() + kTcpUrgent);
  if (flags.urg && piece.offset != 0) {
    flags.urg = urgent > piece.offset;
    store_be(tcp.data() + kTcpUrgent,
             static_cast<std::uint16_t>(flags.urg ? urgent - piece.offset : 0));
  }
  tcp[kTcpFlags] = flags.bits();
}

void patch_transport(const Plan& plan, const Piece& piece, MutableBytes transport) noexcept {
  const bool is_udp = plan.at.protocol == IpProtocol::udp;
  std::uint8_t* field = transport.data() + (is_udp ? kUdpChecksum : kTcpChecksum);
  if (is_udp) {
    store_be(transport.data() + kUdpLength, static_cast<std::uint16_t>(transport.size()));
  } else {
    patch_tcp(piece, transport);
  }
  store_be(field, std::uint16_t{0});
  Checksum sum =
      Checksum::pseudo_header(plan.source, plan.destination, plan.at.protocol, transport.size());
  sum.add(transport);
  store_be(field, is_udp ? sum.nonzero_value() : sum.value());
}

FrameRef make_segment(const Plan& plan, const Piece& piece, FramePool& pool) noexcept {
  FrameRef frame = pool.allocate(plan.headers.size() + piece.size);
  if (!frame) return {};
  ByteWriter writer(frame->append(plan.headers.size() + piece.size));
  writer.bytes(plan.headers);
  writer.bytes(plan.payload.subspan(piece.offset, piece.size));
  INVARIANT(writer.ok());
  const MutableBytes bytes = frame->mutable_bytes();
  patch_network(plan, piece, bytes.subspan(plan.at.network_offset));
  patch_transport(plan, piece, bytes.subspan(plan.at.transport_offset));
  frame->offload.checksum_valid = true;
  return frame;
}

}  // namespace

bool finish_checksum(Frame& frame) noexcept {
  Offload& offload = frame.offload;
  if (!offload.needs_checksum) return true;
  const std::size_t start = offload.checksum_start;
  const std::size_t field = start + offload.checksum_offset;
  const auto at = locate_transport(frame.bytes());
  // A field in front of the transport header would let a sender rewrite the addresses that the
  // guard has already judged.
  if (!at || start < at->transport_offset || field + 2 > frame.size()) return false;
  const MutableBytes bytes = frame.mutable_bytes();
  Checksum sum;
  sum.add(bytes.subspan(start));
  // For UDP zero means "none" (RFC 768), for the others both zeroes are the same number.
  store_be(bytes.data() + field, sum.nonzero_value());
  offload.needs_checksum = false;
  offload.checksum_valid = true;
  return true;
}

SegmentResult segment(const Frame& frame, FramePool& pool, FrameSink& sink) noexcept {
  const std::optional<Plan> plan = make_plan(frame);
  if (!plan) return SegmentResult::malformed;
  Piece piece;
  do {
    piece.size = std::min(plan->segment_size, plan->payload.size() - piece.offset);
    piece.last = piece.offset + piece.size == plan->payload.size();
    FrameRef made = make_segment(*plan, piece, pool);
    if (!made) return SegmentResult::pool_exhausted;
    if (!sink.accept(std::move(made))) return SegmentResult::sink_stopped;
    piece.offset += piece.size;
    ++piece.index;
  } while (!piece.last);
  return SegmentResult::ok;
}

}  // namespace pontoon
