#include "core/link/port_edge.h"

#include "core/wire/ethernet.h"
#include "core/wire/vlan.h"

namespace pontoon {
namespace {

// The MTU limits what is inside the Ethernet header and VLAN tag.
std::size_t network_size(ByteView frame) noexcept {
  const auto ethernet = wire::EthernetView::parse(frame);
  if (!ethernet) return 0;
  const std::size_t size = ethernet->payload().size();
  const bool tagged = ethernet->ether_type() == wire::EtherType::vlan;
  return tagged && size >= wire::VlanView::kHeaderSize ? size - wire::VlanView::kHeaderSize : size;
}

// Measures each segment before it goes on, as a port without gso would have to refuse it.
class MeasuringSink final : public FrameSink {
 public:
  MeasuringSink(FrameSink& sink, std::size_t mtu) noexcept : sink_(sink), mtu_(mtu) {}

  bool accept(FrameRef frame) noexcept override {
    if (network_size(frame->bytes()) > mtu_) {
      too_big_ = true;
      return false;
    }
    return sink_.accept(std::move(frame));
  }
  bool too_big() const noexcept { return too_big_; }

 private:
  FrameSink& sink_;
  std::size_t mtu_;
  bool too_big_ = false;
};

}  // namespace

void PortEdge::deliver(FrameRef frame) noexcept {
  if (frame->offload.gso != Gso::none) {
    if (takes_gso(*frame)) {
      sink_.accept(std::move(frame));
    } else {
      deliver_segments(*frame);
    }
  } else if (network_size(frame->bytes()) > features_.mtu) {
    drops_.count(DropReason::too_big);
  } else if (frame->offload.needs_checksum && !features_.checksum) {
    deliver_finished(std::move(frame));
  } else {
    sink_.accept(std::move(frame));
  }
}

bool PortEdge::takes_gso(const Frame& frame) const noexcept {
  if (!features_.checksum) return false;
  switch (frame.offload.gso) {
    case Gso::none:
      return true;
    case Gso::tcp4:
      return features_.tso4;
    case Gso::tcp6:
      return features_.tso6;
    case Gso::udp:
      return features_.uso;
  }
  return false;
}

void PortEdge::deliver_segments(const Frame& frame) noexcept {
  MeasuringSink measuring(sink_, features_.mtu);
  switch (segment(frame, pool_, measuring)) {
    case SegmentResult::ok:
      return;
    case SegmentResult::malformed:
      drops_.count(DropReason::malformed_offload);
      return;
    case SegmentResult::pool_exhausted:
      drops_.count(DropReason::pool_exhausted);
      return;
    case SegmentResult::sink_stopped:
      if (measuring.too_big()) drops_.count(DropReason::too_big);
      return;
  }
}

void PortEdge::deliver_finished(FrameRef frame) noexcept {
  if (frame->shared()) {
    frame = pool_.copy(*frame);
    if (!frame) {
      drops_.count(DropReason::pool_exhausted);
      return;
    }
  }
  if (!finish_checksum(*frame)) {
    drops_.count(DropReason::malformed_offload);
    return;
  }
  sink_.accept(std::move(frame));
}

}  // namespace pontoon
