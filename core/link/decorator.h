// Base of what wraps a port: forwards everything; a decorator overrides what it changes.
#pragma once

#include "core/link/port.h"

namespace pontoon {

class PortDecorator : public Port {
 public:
  explicit PortDecorator(Port& inner) noexcept : inner_(inner) {}

  std::size_t receive(std::span<FrameRef> out, Instant now) noexcept override {
    return inner_.receive(out, now);
  }
  void send(FrameRef frame, Instant now) noexcept override { inner_.send(std::move(frame), now); }
  void flush(Instant now) noexcept override { inner_.flush(now); }
  PortFeatures features() const noexcept override { return inner_.features(); }
  bool open() const noexcept override { return inner_.open(); }
  const PortCounters& counters() const noexcept override { return inner_.counters(); }
  void set_ready_sink(ReadySink* sink) noexcept override { inner_.set_ready_sink(sink); }

 protected:
  Port& inner() noexcept { return inner_; }

 private:
  Port& inner_;
};

}  // namespace pontoon
