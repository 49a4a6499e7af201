// Datagrams that endpoints send in answer to published UDP come to the gateway's forwarder like any
// other; the forwarder asks here first whether one belongs to such a flow.
#pragma once

#include "core/stack/types.h"

namespace pontoon::proxy {

class UdpReplies {
 public:
  virtual ~UdpReplies() = default;
  virtual bool on_reply(const stack::UdpDatagram& datagram, Instant now) noexcept = 0;
};

}  // namespace pontoon::proxy
