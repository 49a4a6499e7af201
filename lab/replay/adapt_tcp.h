// The TCP half of adapt.h: one captured client's segments and what our side answered.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "core/base/address.h"
#include "core/wire/tcp.h"
#include "lab/replay/frame_seen.h"
#include "lab/replay/packet_edit.h"

namespace pontoon::lab {

struct TcpEnds {
  SocketAddress client;
  SocketAddress server;
  friend auto operator<=>(const TcpEnds&, const TcpEnds&) = default;
};

// What the whole capture tells of one connection.
struct CapturedConnection {
  // Of the server's SYN-ACK, when it is there.
  std::optional<wire::TcpSequence> initial;
  wire::TcpOptions agreed;
  // The client's latest acknowledgement of all.
  std::optional<wire::TcpSequence> last_acknowledged;

  void on_syn_ack(const wire::TcpView& segment);
  void on_client(const wire::TcpView& segment);
};

// A connection as our side and the capture's saw it.
class AdaptedConnection {
 public:
  // Without a captured SYN-ACK its number is deduced from the client's first ACK.
  AdaptedConnection(wire::TcpSequence client_initial, const CapturedConnection& captured);

  wire::TcpSequence client_initial() const noexcept { return client_initial_; }
  // Takes out of the SYN what the captured server had declined: the client goes on without it.
  void adapt_syn(PacketEdit& edit, const wire::TcpView& segment) const;
  void adapt(PacketEdit& edit, const wire::TcpView& segment);
  void on_answer(const wire::TcpView& segment);

 private:
  wire::TcpSequence acknowledged(wire::TcpSequence theirs) const;
  void adapt_options(PacketEdit& edit, const wire::TcpView& segment) const;

  wire::TcpSequence client_initial_;
  CapturedConnection captured_;
  std::optional<wire::TcpSequence> their_initial_;
  std::optional<std::uint32_t> their_clock_;
  std::optional<wire::TcpSequence> our_initial_;
  wire::TcpSequence our_next_;
  std::optional<std::uint32_t> our_clock_;
  std::uint32_t our_latest_ = 0;
};

}  // namespace pontoon::lab
