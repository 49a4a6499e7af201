#include "core/capture/recorder.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace pontoon::capture {
namespace {

constexpr std::uint8_t kNoReason = 0xff;
static_assert(kDropReasonCount < kNoReason);
constexpr std::size_t kMostKept = 65536;

// In front of the bytes in each slot; copied in and out, since a slot has no alignment.
struct Header {
  std::int64_t time_ns = 0;
  std::uint32_t tag = 0;
  std::uint32_t original_length = 0;
  std::uint32_t kept = 0;
  Direction direction = Direction::unknown;
  std::uint8_t reason = kNoReason;
  Offload offload;
};
static_assert(std::is_trivially_copyable_v<Header>);

}  // namespace

Recorder::Recorder(std::size_t budget, std::size_t keep)
    : keep_(std::min(keep, kMostKept)),
      slot_bytes_(sizeof(Header) + keep_),
      slots_(std::max<std::size_t>(budget / slot_bytes_, 1)),
      ring_(slots_ * slot_bytes_) {}

void Recorder::add(const Frame& frame, std::uint32_t tag, Direction direction,
                   std::optional<DropReason> reason, std::int64_t time_ns) noexcept {
  const ByteView bytes = frame.bytes().first(std::min(frame.size(), keep_));
  Header header;
  header.time_ns = time_ns;
  header.tag = tag;
  header.original_length = static_cast<std::uint32_t>(frame.size());
  header.kept = static_cast<std::uint32_t>(bytes.size());
  header.direction = direction;
  if (reason) header.reason = static_cast<std::uint8_t>(*reason);
  header.offload = frame.offload;
  std::uint8_t* const to = ring_.data() + next_ * slot_bytes_;
  std::memcpy(to, &header, sizeof header);
  if (!bytes.empty()) std::memcpy(to + sizeof header, bytes.data(), bytes.size());
  ++added_;
  if (++next_ == slots_) next_ = 0;
}

Recorded Recorder::slot(std::size_t index) const noexcept {
  const ByteView bytes = ByteView(ring_).subspan(index * slot_bytes_, slot_bytes_);
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  Recorded recorded;
  recorded.time_ns = header.time_ns;
  recorded.tag = header.tag;
  recorded.direction = header.direction;
  if (header.reason != kNoReason) recorded.reason = DropReason{header.reason};
  recorded.original_length = header.original_length;
  recorded.offload = header.offload;
  recorded.bytes = bytes.subspan(sizeof header, header.kept);
  return recorded;
}

}  // namespace pontoon::capture
