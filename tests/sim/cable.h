// The cable between an endpoint and its port: what is sent at one end comes out at the other later,
// or twice, or too late, or broken, or never. Written without a look at core/link/impaired_port.h,
// so that the two can be held against each other.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/random.h"
#include "lab/world/agenda.h"
#include "lab/world/world.h"

namespace pontoon::sim {

using lab::Bytes;

// Shares are of 10,000 frames.
struct Faults {
  Duration delay{};
  Duration jitter{};
  std::uint32_t lost = 0;
  std::uint32_t doubled = 0;
  std::uint32_t late = 0;     // so that later ones overtake it
  std::uint32_t corrupt = 0;  // one bit of what IPv4 carries, which a checksum shows
  std::uint64_t bits_per_s = 0;
  std::uint32_t queue_frames = 100;  // that wait for the rate
  bool cut = false;
};

// One direction.
class Cable {
 public:
  using Deliver = std::function<void(const Bytes& frame, bool corrupted)>;

  Cable(TimerQueue& events, SeededRandom random, Deliver deliver)
      : agenda_(events), random_(std::move(random)), deliver_(std::move(deliver)) {}

  Faults faults;
  void carry(Bytes frame, Instant now);
  std::uint64_t lost() const noexcept { return lost_; }
  // The n-th full segment of text from now on, once.
  void lose_text(unsigned nth) noexcept { lose_text_ = nth; }

 private:
  bool happens(std::uint32_t share) { return share > 0 && random_.below(10000) < share; }
  bool corrupt(Bytes& frame);
  void carry_one(Bytes frame, bool corrupted, Instant now);

  lab::Agenda agenda_;
  SeededRandom random_;
  Deliver deliver_;
  Instant last_due_{};
  Instant free_at_{};  // when the rate lets the next frame go
  std::uint64_t lost_ = 0;
  unsigned lose_text_ = 0;
};

}  // namespace pontoon::sim
