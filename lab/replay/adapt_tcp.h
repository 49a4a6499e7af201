// The TCP part of adapt.h: what captured stations say over TCP is made to fit what our side says,
// whoever opened the connection.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "core/base/address.h"
#include "core/wire/tcp.h"
#include "lab/replay/adapt_memory.h"
#include "lab/replay/frame_seen.h"
#include "lab/replay/packet_edit.h"

namespace pontoon::lab {

struct TcpEnds {
  SocketAddress station;
  SocketAddress peer;
  friend auto operator<=>(const TcpEnds&, const TcpEnds&) = default;
};

// What the whole capture tells of one connection.
struct CapturedConnection {
  // Of the SYN-ACK, when it is there.
  std::optional<wire::TcpSequence> initial;
  wire::TcpOptions agreed;
  // The latest acknowledgements of all: of the side that sent the SYN, and of the other.
  std::optional<wire::TcpSequence> opener_acknowledged;
  std::optional<wire::TcpSequence> answerer_acknowledged;

  void on_syn_ack(const wire::TcpView& segment);
};

// A SYN that our side sent to a station.
struct DialledSyn {
  SocketAddress peer;
  wire::TcpSequence initial;
  wire::TcpOptions offered;
};

// A connection as our side and the capture's saw it.
class AdaptedConnection {
 public:
  // The station opens it. Without a captured SYN-ACK its number is deduced from the first ACK.
  AdaptedConnection(wire::TcpSequence station_initial, SocketAddress peer,
                    const CapturedConnection& captured);
  // Our side opens it; `last` is the station's latest acknowledgement in the capture.
  AdaptedConnection(const DialledSyn& ours, wire::TcpSequence captured_initial,
                    std::optional<wire::TcpSequence> last);

  // Whom the station speaks to here.
  const SocketAddress& peer() const noexcept { return peer_; }
  bool opened_by_station(wire::TcpSequence initial) const noexcept;
  bool opened_by_peer(wire::TcpSequence captured_initial) const noexcept;

  void adapt(PacketEdit& edit, const wire::TcpView& segment);
  void on_answer(const wire::TcpView& segment);

 private:
  wire::TcpSequence acknowledged(wire::TcpSequence theirs) const;
  void redirect(PacketEdit& edit, const wire::TcpView& segment) const;
  void strip(PacketEdit& edit, const wire::TcpView& segment) const;
  void adapt_options(PacketEdit& edit, const wire::TcpView& segment) const;

  SocketAddress peer_;
  std::optional<wire::TcpSequence> station_initial_;  // when the station opens it
  // What may stand in the station's SYN; nullopt: anything.
  std::optional<wire::TcpOptions> agreed_;
  std::optional<wire::TcpSequence> last_acknowledged_;
  std::optional<wire::TcpSequence> their_initial_;
  std::optional<std::uint32_t> their_clock_;
  std::optional<wire::TcpSequence> our_initial_;
  wire::TcpSequence our_data_end_;  // without our FIN
  wire::TcpSequence our_next_;
  std::optional<std::uint32_t> our_clock_;
  std::uint32_t our_latest_ = 0;
};

class TcpAdapter {
 public:
  // Of the capture, before anything is played.
  void learn(const FrameSeen& seen, const wire::TcpView& segment);
  // A station's segment. `edit` may have been redirected to our gateway, `seen` is as captured.
  void adapt(PacketEdit& edit, const FrameSeen& seen, const wire::TcpView& segment);
  // What a station is sent.
  void on_sent(const FrameSeen& seen, const wire::TcpView& segment);

 private:
  struct Dialled {
    DialledSyn syn;
    // The captured ends that answered; until then it waits.
    std::optional<TcpEnds> answered;
  };

  CapturedConnection* captured(const TcpEnds& opener_first, wire::TcpSequence initial);
  AdaptedConnection* open(const TcpEnds& ends, const FrameSeen& seen);
  AdaptedConnection* accept(const TcpEnds& ends, const FrameSeen& seen);
  Dialled* waiting_for(const TcpEnds& ends);

  // By opener and answerer, with the opener's initial number.
  std::map<std::pair<TcpEnds, std::uint32_t>, CapturedConnection> captured_;
  std::map<TcpEnds, std::uint32_t> latest_;  // the latest initial number of each
  // By the ends in the capture; servers that our gateway stands in for go by its address.
  AdaptMemory<TcpEnds, AdaptedConnection> connections_;
  // By the ends here, and who waits for an answer of each station's port.
  AdaptMemory<TcpEnds, Dialled> dialled_;
  AdaptMemory<SocketAddress, std::deque<SocketAddress>> waiting_;
};

}  // namespace pontoon::lab
