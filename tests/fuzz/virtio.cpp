// A frame from a TAP device with the virtio-net header that the container's kernel, or the
// container, put before it: the header judged, the checksum finished, the super-frame cut.
//
// Input: options, the header, the frame.
#include <cstring>
#include <vector>

#include "core/frame/offload.h"
#include "core/frame/transport.h"
#include "core/link/port_edge.h"
#include "core/link/virtio_header.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"
#include "core/wire/tcp.h"
#include "core/wire/udp.h"
#include "tests/fuzz/input.h"

namespace pontoon::fuzz {
namespace {

class Segments final : public FrameSink {
 public:
  bool accept(FrameRef frame) noexcept override {
    frames.push_back(std::move(frame));
    return true;
  }
  std::vector<FrameRef> frames;
};

struct Ends {
  IpAddress source;
  IpAddress target;
};
Ends ends_of(ByteView frame, const TransportLocation& where) {
  const ByteView packet = frame.subspan(where.network_offset);
  if (where.family == IpFamily::v4) {
    const auto view = wire::Ipv4View::parse(packet);
    return {view->source(), view->destination()};
  }
  const auto view = wire::Ipv6View::parse(packet);
  return {view->source(), view->destination()};
}

// The payload behind the transport header; the oracle for what a segment must look like.
std::size_t check_segment(ByteView frame, const Offload& whole) {
  const auto where = locate_transport(frame);
  ORACLE(where, "a segment that is no packet");
  const ByteView bytes =
      frame.subspan(where->transport_offset, where->end - where->transport_offset);
  const Ends ends = ends_of(frame, *where);
  std::size_t payload = 0;
  if (whole.gso == Gso::udp) {
    const auto udp = wire::UdpView::parse(bytes);
    ORACLE(udp && udp->checksum_ok(ends.source, ends.target), "a UDP segment is wrong");
    payload = udp->payload().size();
  } else {
    const auto tcp = wire::TcpView::parse(bytes);
    ORACLE(tcp && tcp->checksum_ok(ends.source, ends.target), "a TCP segment is wrong");
    payload = tcp->payload().size();
  }
  ORACLE(payload <= whole.segment_size, "a segment is too long");
  return payload;
}

void check_segments(const Frame& frame, FramePool& pool) {
  Segments sink;
  const SegmentResult result = segment(frame, pool, sink);
  ORACLE(sink.frames.size() <= limits::kGsoSegments, "more segments than the limit");
  if (result != SegmentResult::ok) return;
  const auto where = locate_transport(frame.bytes());
  ORACLE(where, "cut, though it is no packet");
  const ByteView whole =
      frame.bytes().subspan(where->transport_offset, where->end - where->transport_offset);
  const std::size_t header = frame.offload.gso == Gso::udp
                                 ? wire::UdpView::kHeaderSize
                                 : wire::TcpView::parse(whole)->header_length();
  std::size_t total = 0;
  for (const FrameRef& piece : sink.frames)
    total += check_segment(piece->bytes(), frame.offload);
  ORACLE(total == whole.size() - header, "bytes are lost or made up by cutting");
}

void check_header(ByteView header, std::size_t frame_size, const Offload& offload) {
  std::vector<std::uint8_t> out(header.size());
  write_virtio_header(out, offload);
  const auto again = read_virtio_header(out, frame_size);
  ORACLE(again && again->gso == offload.gso && again->needs_checksum == offload.needs_checksum,
         "a header changes");
  if (offload.gso != Gso::none)
    ORACLE(again->segment_size == offload.segment_size, "a segment size changes");
}

void deliver(FrameRef frame, FramePool& pool, const PortFeatures& features) {
  Segments sink;
  DropCounters drops;
  PortEdge(pool, features, sink, drops).deliver(std::move(frame));
  ORACLE(!sink.frames.empty() || drops.total() > 0, "a frame vanishes at the edge");
}

}  // namespace
}  // namespace pontoon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pontoon;
  using namespace pontoon::fuzz;
  Input input(data, size);
  const std::uint8_t options = input.u8();
  const ByteView header = input.take((options & 1) != 0 ? 12 : 10);
  const ByteView bytes = input.rest();
  const auto offload = read_virtio_header(header, bytes.size());
  if (!offload ||
      (header.size() != kVirtioHeaderSize && header.size() != kVirtioMergeableHeaderSize))
    return 0;
  check_header(header, bytes.size(), *offload);
  FramePool pool(4096);
  FrameRef frame = pool.allocate(bytes.size());
  if (!frame) return 0;
  const MutableBytes room = frame->append(bytes.size());
  if (!bytes.empty()) std::memcpy(room.data(), bytes.data(), bytes.size());
  frame->offload = *offload;
  check_segments(*frame, pool);
  PortFeatures features;
  features.checksum = (options & 2) != 0;
  features.tso4 = features.tso6 = features.uso = (options & 4) != 0;
  deliver(frame.share(), pool, features);
  deliver(std::move(frame), pool, features);
  ORACLE(pool.in_use() == 0, "frames are held");
  return 0;
}
