#include "tests/sim/cable.h"

#include <algorithm>

namespace pontoon::sim {
namespace {

constexpr std::size_t kTransportAt = 14 + 20;  // behind Ethernet's and IPv4's headers
constexpr std::size_t kFullFrame = 1514;       // the queue is as long as so many of these
constexpr std::size_t kText = 400;             // a TCP frame of more is full of text
constexpr Duration kLateness = std::chrono::milliseconds(3);

bool has_checksum(const Bytes& frame) {
  return frame.size() >= kTransportAt + 8 && frame[12] == 0x08 && frame[13] == 0x00 &&
         frame[14] == 0x45 && (frame[23] == 6 || frame[23] == 17 || frame[23] == 1);
}

}  // namespace

bool Cable::corrupt(Bytes& frame) {
  if (!has_checksum(frame)) return false;
  // A datagram's ports and length stay: the guard reads them before anybody sums it up.
  const std::size_t first = kTransportAt + (frame[23] == 17 ? 6 : 0);
  const auto at = first + random_.below(static_cast<std::uint32_t>(frame.size() - first));
  frame[at] = static_cast<std::uint8_t>(frame[at] ^ (1U << random_.below(8)));
  return true;
}

void Cable::carry(Bytes frame, Instant now) {
  const bool text = frame.size() > kText && frame[23] == 6 && lose_text_ > 0;
  const bool picked = text && --lose_text_ == 0;
  if (faults.cut || picked || happens(faults.lost)) {
    ++lost_;
    return;
  }
  if (happens(faults.doubled)) carry_one(frame, false, now);
  const bool corrupted = happens(faults.corrupt) && corrupt(frame);
  carry_one(std::move(frame), corrupted, now);
}

void Cable::carry_one(Bytes frame, bool corrupted, Instant now) {
  Instant due = now;
  if (faults.bits_per_s > 0) {
    const auto time_of = [this](std::size_t bytes) {
      return Duration(std::chrono::seconds(1)) * (static_cast<std::int64_t>(bytes) * 8) /
             static_cast<std::int64_t>(faults.bits_per_s);
    };
    free_at_ = std::max(free_at_, now);
    if (free_at_ - now > time_of(kFullFrame) * faults.queue_frames) {
      ++lost_;
      return;
    }
    free_at_ += time_of(frame.size());
    due = free_at_;
  }
  due += faults.delay;
  if (faults.jitter.count() > 0) {
    due += Duration(static_cast<std::int64_t>(random_.u64() %
                                              static_cast<std::uint64_t>(faults.jitter.count())));
  }
  if (happens(faults.late)) {
    due += kLateness;
  } else {
    due = last_due_ = std::max(due, last_due_);
  }
  agenda_.at(due,
             [this, frame = std::move(frame), corrupted](Instant) { deliver_(frame, corrupted); });
}

}  // namespace pontoon::sim
