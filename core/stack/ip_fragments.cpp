// Datagrams that are longer than the MTU. Their transport checksum covers all of them, so it must
// be complete; the pieces differ in their IP header only.
#include <algorithm>

#include "core/stack/ip_output.h"
#include "core/wire/checksum.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"
#include "core/wire/udp.h"

namespace pontoon::stack {
namespace {

struct Piece {
  wire::IpProtocol protocol = wire::IpProtocol::udp;
  std::uint32_t identification = 0;
  std::uint16_t offset = 0;
  bool more = false;
};

void prepend_ipv4(const Route& route, const Piece& piece, Frame& frame) noexcept {
  wire::Ipv4Repr repr;
  repr.source = route.source.v4();
  repr.destination = route.target.v4();
  repr.protocol = piece.protocol;
  repr.payload_length = static_cast<std::uint16_t>(frame.size());
  repr.ttl = route.hop_limit;
  repr.identification = static_cast<std::uint16_t>(piece.identification);
  repr.fragment_offset = piece.offset;
  repr.more_fragments = piece.more;
  repr.emit(frame.prepend(repr.header_size()));
}

void prepend_ipv6(const Route& route, const Piece& piece, Frame& frame) noexcept {
  wire::Ipv6Fragment fragment;
  fragment.identification = piece.identification;
  fragment.offset = piece.offset;
  fragment.more = piece.more;
  fragment.next_header = piece.protocol;
  wire::emit_fragment_header(frame.prepend(wire::kIpv6FragmentHeaderSize), fragment);
  wire::Ipv6Repr repr;
  repr.source = route.source.v6();
  repr.destination = route.target.v6();
  repr.next_header = wire::IpProtocol::fragment;
  repr.payload_length = static_cast<std::uint16_t>(frame.size());
  repr.hop_limit = route.hop_limit;
  repr.emit(frame.prepend(wire::Ipv6Repr::header_size()));
}

// RFC 791 and RFC 8200 4.5: all pieces but the last are multiples of 8 bytes.
std::size_t piece_size(bool v4, std::size_t mtu) noexcept {
  const std::size_t headers = v4 ? wire::Ipv4View::kMinHeaderSize
                                 : wire::Ipv6View::kHeaderSize + wire::kIpv6FragmentHeaderSize;
  return (mtu - headers) / 8 * 8;
}

// Fills `out` from `offset` on, as if `header` and `body` were one.
void gather(ByteView header, ByteView body, std::size_t offset, MutableBytes out) noexcept {
  ByteWriter writer(out);
  if (offset < header.size()) {
    writer.bytes(header.subspan(offset, std::min(header.size() - offset, out.size())));
  }
  const std::size_t reached = offset + writer.position();
  if (writer.remaining() > 0) {
    writer.bytes(body.subspan(reached - header.size(), writer.remaining()));
  }
}

}  // namespace

bool IpOutput::send_fragments(const Route& route, wire::IpProtocol protocol, ByteView header,
                              ByteView body, Instant now) noexcept {
  const bool v4 = route.target.is_v4();
  const std::size_t total = header.size() + body.size();
  const std::size_t step = piece_size(v4, mtu_);
  Piece piece{protocol, identifications_.next(route.source, route.target), 0, true};
  for (std::size_t offset = 0; offset < total; offset += step) {
    const std::size_t size = std::min(step, total - offset);
    FrameRef frame = allocate(size);
    // The rest would be in vain: the target cannot put the datagram together.
    if (!frame) return false;
    gather(header, body, offset, frame->append(size));
    piece.offset = static_cast<std::uint16_t>(offset);
    piece.more = offset + size < total;
    if (v4) {
      prepend_ipv4(route, piece, *frame);
    } else {
      prepend_ipv6(route, piece, *frame);
    }
    if (!send_packet(route, std::move(frame), now)) return false;
  }
  return true;
}

}  // namespace pontoon::stack
