// A segment from an endpoint, read once.
#pragma once

#include "core/wire/tcp.h"

namespace pontoon::stack::tcp {

struct Segment {
  wire::TcpSequence sequence;
  wire::TcpSequence acknowledgement;
  wire::TcpFlags flags;
  std::uint16_t window = 0;  // not scaled
  wire::TcpOptions options;
  ByteView payload;

  static Segment from(const wire::TcpView& view) noexcept {
    return {view.sequence(), view.acknowledgement(), view.flags(),
            view.window(),   view.options_parsed(),  view.payload()};
  }
  std::uint32_t length() const noexcept {  // SEG.LEN
    return static_cast<std::uint32_t>(payload.size()) + (flags.syn ? 1U : 0U) +
           (flags.fin ? 1U : 0U);
  }
  wire::TcpSequence text_begin() const noexcept { return sequence + (flags.syn ? 1U : 0U); }
  wire::TcpSequence text_end() const noexcept {
    return text_begin() + static_cast<std::uint32_t>(payload.size());
  }
};

}  // namespace pontoon::stack::tcp
