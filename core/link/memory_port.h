// A port whose wire is two vectors: what a test, the simulator or a replay puts in, and what came
// out.
#pragma once

#include <deque>
#include <vector>

#include "core/link/port.h"

namespace pontoon {

class MemoryPort final : public Port {
 public:
  explicit MemoryPort(FramePool& pool, PortFeatures features = {}) noexcept
      : pool_(pool), features_(features) {}

  // The far end's view: put a frame on the wire towards the switch; take what the switch has sent.
  // Sending from the switch becomes visible only after flush().
  void inject(ByteView frame, Offload offload = {});
  std::vector<FrameRef> take_sent();
  void close() noexcept;

  std::size_t receive(std::span<FrameRef> out, Instant now) noexcept override;
  void send(FrameRef frame, Instant now) noexcept override;
  void flush(Instant now) noexcept override;
  PortFeatures features() const noexcept override { return features_; }
  bool open() const noexcept override { return open_; }
  const PortCounters& counters() const noexcept override { return counters_; }
  void set_ready_sink(ReadySink* sink) noexcept override { ready_sink_ = sink; }

 private:
  FramePool& pool_;
  PortFeatures features_;
  PortCounters counters_;
  std::deque<FrameRef> arrived_;
  std::vector<FrameRef> queued_;
  std::vector<FrameRef> sent_;
  ReadySink* ready_sink_ = nullptr;
  bool open_ = true;
};

}  // namespace pontoon
