// The forwarding database: which port a MAC address was last seen on.
//
// An open-addressing hash table (linear probing, at most half full) that is sized when a port is
// added or an address is pinned, so that learning allocates nothing. Entries carry the time when
// they were last seen; an entry older than kFdbAge counts as absent at once, whether or not age()
// has swept it. A port holds at most kMacsPerPort learned addresses: one container cannot fill the
// table with invented ones. Pinned addresses are the owner's, they count against no limit.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "bridge/switch.h"
#include "core/base/address.h"
#include "core/base/limits.h"

namespace pontoon::bridge {

class Fdb {
 public:
  enum class Learned : std::uint8_t {
    known,        // on this port already; its age starts anew
    added,        // new, or its entry had aged out
    moved,        // the station was on another port until now
    fixed_other,  // pinned to another port: somebody pretends to be that station
    port_full,    // the port has kMacsPerPort other live addresses
  };

  Fdb();

  void add_port(PortId port);
  // Forgets the port and all that was learned on it or pinned to it.
  void remove_port(PortId port) noexcept;
  // The address belongs to this port from now on, wherever it was before.
  void pin(const MacAddress& mac, PortId port);

  // `mac` sent a frame from `port`, which must have been added.
  Learned learn(const MacAddress& mac, PortId port, Instant now) noexcept;
  std::optional<PortId> find(const MacAddress& mac, Instant now) const noexcept;

  // Removes what has aged out.
  void age(Instant now) noexcept;
  // What is live, in no particular order.
  std::vector<FdbEntry> entries(Instant now) const;
  std::size_t size() const noexcept { return used_; }

 private:
  struct Slot {
    MacAddress mac;
    PortId port{};
    bool used = false;
    bool fixed = false;
    Instant seen{};
  };
  // The learned addresses of one port, to find one that has aged out when the port is full.
  struct PortAddresses {
    PortId port{};
    bool used = false;
    std::uint8_t count = 0;
    std::array<MacAddress, limits::kMacsPerPort> macs{};
  };

  static bool live(const Slot& slot, Instant now) noexcept {
    return slot.fixed || now - slot.seen < limits::kFdbAge;
  }
  std::size_t home(const MacAddress& mac) const noexcept;
  std::size_t locate(const MacAddress& mac) const noexcept;  // its slot, or the free one for it
  void erase(std::size_t index) noexcept;
  void close_gap(std::size_t index) noexcept;
  void insert(const Slot& slot) noexcept;
  void reserve_slots();
  PortAddresses& addresses(PortId port) noexcept;
  bool make_room(PortId port, Instant now) noexcept;
  void list_address(PortId port, const MacAddress& mac) noexcept;
  void unlist_address(PortId port, const MacAddress& mac) noexcept;

  std::vector<Slot> slots_;  // a power of two
  std::vector<PortAddresses> ports_;
  std::size_t used_ = 0;
  std::size_t fixed_ = 0;
  std::size_t port_count_ = 0;
};

}  // namespace pontoon::bridge
