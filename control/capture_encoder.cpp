#include "control/capture_encoder.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/limits.h"
#include "core/capture/frame_writer.h"

namespace pontoon::control {
namespace {

using capture::Direction;

// A block's frame and its options beside the comment: more than they ever are.
constexpr std::size_t kBlockOverhead = 96;

// How many frames a super-frame is on a wire. Its metadata may be anybody's.
std::size_t segments_of(const Frame& frame) noexcept {
  const Offload& offload = frame.offload;
  if (offload.gso == Gso::none || offload.segment_size == 0) return 1;
  if (frame.size() <= offload.header_length) return 1;
  const std::size_t payload = frame.size() - offload.header_length;
  return (payload + offload.segment_size - 1) / offload.segment_size;
}

// Of the first segment, and of the last.
std::pair<std::size_t, std::size_t> segment_lengths(const Frame& frame) noexcept {
  const std::size_t count = segments_of(frame);
  if (count < 2) return {frame.size(), frame.size()};
  const Offload& offload = frame.offload;
  const std::size_t full = std::size_t{offload.header_length} + offload.segment_size;
  return {full, frame.size() - (count - 1) * offload.segment_size};
}

}  // namespace

// Each wire frame of one captured frame.
class CaptureEncoder::SegmentSink final : public FrameSink {
 public:
  SegmentSink(CaptureEncoder& encoder, bool dropped, bool segmented) noexcept
      : encoder_(encoder), dropped_(dropped), segmented_(segmented) {}

  bool accept(FrameRef frame) noexcept override {
    const ByteView bytes = frame->bytes();
    // Lengths differ between the segments of one frame.
    if (segmented_ && !encoder_.filter_.matches(bytes, bytes.size(), dropped_)) {
      ++encoder_.counts_.filtered;
    } else {
      encoder_.write(bytes, bytes.size());
    }
    return true;
  }

 private:
  CaptureEncoder& encoder_;
  bool dropped_;
  bool segmented_;
};

CaptureEncoder::CaptureEncoder(const CaptureNames& names, capture::Filter filter,
                               std::uint32_t snap_length, const std::vector<CapturePlace>& places)
    : names_(names), filter_(std::move(filter)), snap_length_(snap_length), pool_(8) {
  capture::append_section_header(queue_, fmt::format("pontoon {}", kVersion));
  for (const CapturePlace& place : places)
    declare(place);
  capture::append_names(queue_, names.addresses());
}

void CaptureEncoder::declare(const CapturePlace& place) {
  capture::Interface interface;
  interface.name = place.name;
  interface.description = place.description;
  interface.snap_length = snap_length_;
  interface.mac = place.mac;
  interface.ipv4 = place.ipv4;
  capture::append_interface(queue_, interface);
  latest_[place.name] = static_cast<std::uint32_t>(interfaces_.size());
  interfaces_.push_back({place, 0, 0});
}

// An endpoint that comes back as it was has its interface still.
std::optional<std::uint32_t> CaptureEncoder::interface_of(const CapturePlace& place) {
  const auto found = latest_.find(place.name);
  if (found != latest_.end() && interfaces_[found->second].place == place) return found->second;
  if (interfaces_.size() >= limits::kCaptureInterfaces) return std::nullopt;
  declare(place);
  if (place.endpoint && place.ipv4)
    capture::append_names(queue_, {{place.ipv4->address, place.name}});
  return static_cast<std::uint32_t>(interfaces_.size() - 1);
}

void CaptureEncoder::miss(const CapturePlace& place, std::size_t frames) {
  counts_.missed += frames;
  // An endpoint that came while the queue was full has its interface now, so that its loss is told.
  if (const auto interface = interface_of(place)) interfaces_[*interface].missed += frames;
}

bool CaptureEncoder::wanted(const Frame& frame, bool dropped) const noexcept {
  const auto [first, last] = segment_lengths(frame);
  return filter_.matches(frame.bytes(), first, dropped) ||
         (last != first && filter_.matches(frame.bytes(), last, dropped));
}

void CaptureEncoder::add(const CapturedFrame& captured) {
  const Frame& frame = *captured.frame;
  const bool dropped = captured.reason.has_value();
  const std::size_t segments = segments_of(frame);
  if (!wanted(frame, dropped)) {
    counts_.filtered += segments;
    return;
  }
  const std::string comment =
      names_.describe(captured.place, captured.direction, frame.bytes(), captured.reason);
  const std::size_t header = segments > 1 ? frame.offload.header_length : 0;
  const std::size_t room = frame.size() + segments * (kBlockOverhead + header + comment.size());
  if (queued().size() + room > limits::kCaptureQueueBytes) return miss(captured.place, segments);
  const auto interface = interface_of(captured.place);
  if (!interface) return miss(captured.place, segments);
  packet_.interface = *interface;
  packet_.time_ns = captured.time_ns;
  packet_.direction = captured.direction;
  packet_.comment = comment;
  SegmentSink sink(*this, dropped, segments > 1);
  (void)capture::write_wire_frames(captured.frame, pool_, sink);
}

void CaptureEncoder::add_recorded(const capture::Recorded& recorded, const CapturePlace& place,
                                  std::int64_t time_ns) {
  if (!filter_.matches(recorded.bytes, recorded.original_length, recorded.reason.has_value())) {
    ++counts_.filtered;
    return;
  }
  const auto interface = interface_of(place);
  if (!interface) return miss(place, 1);
  packet_.interface = *interface;
  packet_.time_ns = time_ns;
  packet_.direction = recorded.direction;
  packet_.comment = names_.describe(place, recorded.direction, recorded.bytes, recorded.reason);
  if (!recorded.cut() && recorded.offload.needs_checksum) {
    FrameRef frame = pool_.allocate(recorded.bytes.size());
    std::copy(recorded.bytes.begin(), recorded.bytes.end(),
              frame->append(recorded.bytes.size()).begin());
    frame->offload = recorded.offload;
    SegmentSink sink(*this, recorded.reason.has_value(), false);
    (void)capture::write_wire_frames(frame, pool_, sink);
  } else {
    write(recorded.bytes, recorded.original_length);
  }
}

void CaptureEncoder::write(ByteView bytes, std::size_t original_length) {
  const std::size_t kept =
      snap_length_ == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), snap_length_);
  packet_.bytes.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(kept));
  packet_.original_length = static_cast<std::uint32_t>(original_length);
  capture::append_packet(queue_, packet_);
  ++counts_.captured;
  ++interfaces_[packet_.interface].received;
}

void CaptureEncoder::finish(std::int64_t time_ns) {
  for (std::size_t i = 0; i < interfaces_.size(); ++i) {
    const Known& known = interfaces_[i];
    capture::append_statistics(queue_, {static_cast<std::uint32_t>(i), time_ns,
                                        known.received + known.missed, known.missed});
  }
}

// The taken part is cut off once it is the larger one, so that a byte is moved once at most.
void CaptureEncoder::take(std::size_t bytes) {
  taken_ += bytes;
  if (taken_ < queue_.size() - taken_) return;
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(taken_));
  taken_ = 0;
}

}  // namespace pontoon::control
