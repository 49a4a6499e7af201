// Who holds which port of the host: one table for the whole daemon, so that a conflict names the
// endpoint that has the port instead of a bare EADDRINUSE. Not thread-safe.
//
// Conflicts follow Linux: 0.0.0.0:P excludes every IPv4 address with port P and [::]:P every IPv6
// one; the families do not exclude each other (our IPv6 sockets are IPV6_V6ONLY), nor do TCP and
// UDP. Reservations in flight (sockets are being opened) exclude others just as held ports do.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "proxy/port_spec.h"

namespace pontoon::proxy {

class PortTable {
 public:
  // Ports that are taken but not yet served: given back by the destructor unless commit() was
  // called. Must not outlive the table.
  class Reservation {
   public:
    Reservation(Reservation&& other) noexcept;
    Reservation& operator=(Reservation&& other) noexcept;
    Reservation(const Reservation&) = delete;
    Reservation& operator=(const Reservation&) = delete;
    ~Reservation();

    // From now on the ports are held until release().
    void commit() noexcept;
    // Gives one of the ports back already.
    void give_up(const HostPort& port) noexcept;

   private:
    friend class PortTable;
    Reservation(PortTable& table, std::vector<HostPort> ports) noexcept
        : table_(&table), ports_(std::move(ports)) {}
    void give_back() noexcept;

    PortTable* table_;
    std::vector<HostPort> ports_;
  };

  struct Entry {
    HostPort port;
    std::string owner;
    bool committed = false;
  };

  PortTable() = default;
  PortTable(const PortTable&) = delete;
  PortTable& operator=(const PortTable&) = delete;

  // All of them or none. The error is `conflict` ("Bind for 0.0.0.0:8080 failed: port is already
  // allocated by web; ..."), or `exhausted` beyond limits::kPublishedPorts.
  Result<Reservation> reserve(std::string_view owner, std::span<const HostPort> ports);

  // Whose port stands in the way of this one, if any.
  std::optional<std::string> holder(const HostPort& port) const;

  void release(const HostPort& port) noexcept;
  void release_owner(std::string_view owner) noexcept;  // reservations in flight stay

  std::size_t size() const noexcept { return size_; }
  std::vector<Entry> entries() const;  // ordered by protocol, port, address

 private:
  struct Slot {  // where conflicts are possible at all
    Protocol protocol;
    IpFamily family;
    std::uint16_t port;
    friend auto operator<=>(const Slot&, const Slot&) = default;
  };
  struct Claim {
    IpAddress ip;
    std::string owner;
    bool committed;
  };

  static Slot slot_of(const HostPort& port) noexcept;
  const Claim* conflicting(const HostPort& port) const noexcept;

  std::map<Slot, std::vector<Claim>> slots_;
  std::size_t size_ = 0;
};

}  // namespace pontoon::proxy
