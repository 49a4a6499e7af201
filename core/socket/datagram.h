// A UDP socket on the host side.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/socket/socket_error.h"

namespace pontoon {

class DatagramHandler {
 public:
  virtual ~DatagramHandler() = default;
  // Datagrams, errors or room may be there: take note, work later in the turn.
  virtual void on_ready() noexcept = 0;
};

// One received datagram. The caller provides `buffer`; receive() fills in the rest.
struct DatagramSlot {
  MutableBytes buffer;
  std::size_t size = 0;
  SocketAddress peer;
  IpAddress local;  // the address it was sent to, where the socket is bound to a wildcard
};

// An ICMP error that answers something we sent (IP_RECVERR).
struct DatagramError {
  SocketAddress target;  // whom we had sent to
  SocketError error = SocketError::other;
  std::optional<IpAddress> reporter;  // the router or host that complained
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
  std::uint32_t mtu = 0;  // with message_too_big
};

class Datagram {
 public:
  virtual ~Datagram() = default;
  virtual void set_handler(DatagramHandler* handler) noexcept = 0;
  virtual SocketAddress local() const noexcept = 0;

  // `source`: the local address to send from, where the socket is bound to a wildcard (IP_PKTINFO).
  virtual IoResult send(const SocketAddress& target, ByteView payload,
                        const std::optional<IpAddress>& source = std::nullopt) noexcept = 0;
  // How many slots were filled; 0 when nothing is there. A datagram longer than its slot is
  // dropped.
  virtual std::size_t receive(std::span<DatagramSlot> slots) noexcept = 0;
  // The next queued error, if any.
  virtual std::optional<DatagramError> take_error() noexcept = 0;
};

// An ICMP echo ("ping") socket: payloads begin with the 8-byte ICMP header. The kernel replaces the
// identifier and the checksum.
using EchoSocket = Datagram;

}  // namespace pontoon
