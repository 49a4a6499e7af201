// A UDP handler that keeps what it gets.
#pragma once

#include <vector>

#include "core/stack/types.h"
#include "tests/support/packets.h"

namespace pontoon::test {

class Datagrams final : public stack::UdpHandler {
 public:
  struct Kept {
    stack::UdpDatagram datagram;  // its payload is not valid any more
    Bytes payload;
  };

  void on_datagram(const stack::UdpDatagram& datagram, Instant) noexcept override {
    kept.push_back({datagram, to_bytes(datagram.payload)});
    kept.back().datagram.payload = {};
  }

  std::vector<Kept> kept;
};

}  // namespace pontoon::test
