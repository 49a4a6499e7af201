// The learning switch: forwards frames between ports by destination MAC, floods what it does not
// know, and lets the guard judge every frame that an endpoint sends. Super-frames pass untouched;
// flooding shares the frame.
//
// IEEE 802.1D without spanning tree: our own topology has no loops (every port is a leaf).
//
// What the switch itself drops counts against the port that sent it; what the destination's queue
// cannot take counts there. Nothing may call add() or remove() from within a port's own methods.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/base/result.h"
#include "core/link/observer.h"
#include "core/link/port.h"

namespace pontoon::bridge {

enum class PortId : std::uint16_t {};

// What a port may send. The gateway's port has no guard.
struct GuardPolicy {
  MacAddress mac;  // the only source MAC it may use
  std::optional<IpAddress>
      ipv4;  // the only IPv4 source (besides 0.0.0.0 for DHCP); absent: none yet
  std::optional<IpAddress> ipv6;  // likewise, besides its link-local address and ::
  bool relay = false;             // forwards DHCP messages of others to the server (RFC 1542 4)
};

struct PortSpec {
  bool gateway = false;              // trusted: no guard, gets frames for its own MAC
  std::optional<GuardPolicy> guard;  // absent: learns freely within kMacsPerPort (a trunk, a test)
  std::uint32_t tag = 0;             // what the drop observer knows the port by
};

enum class SwitchError : std::uint8_t { too_many_ports };

struct FdbEntry {
  MacAddress mac;
  PortId port{};
  bool fixed = false;  // the gateway's own, never aged or relearned
  Duration age{};
};

class Switch {
 public:
  explicit Switch(FramePool& pool);
  // Leaves the ports alone, as some may have been destroyed just before. Those that remain must not
  // receive, send or be notified any more.
  ~Switch();

  // The port must outlive its membership; remove() flushes what the switch had learned on it.
  Result<PortId, SwitchError> add(Port& port, const PortSpec& spec, Instant now);
  void remove(PortId id) noexcept;
  void set_guard(PortId id, const GuardPolicy& guard) noexcept;
  // Pins a MAC to a port: it is never learned elsewhere (the gateway's MAC, endpoints' own), and a
  // frame that comes with it from another port is dropped as guard_source_mac.
  void pin(const MacAddress& mac, PortId id);

  // Steps 1 and 2 of the turn: pulls at most kTurnFramesPerPort frames from each ready port and
  // switches them.
  void pull(Instant now) noexcept;
  // Pulls all that one port has (the gateway's output at the end of a turn).
  void drain(PortId id, Instant now) noexcept;
  // Step 6: flushes every port that was sent something or has become writable.
  void flush(Instant now) noexcept;
  // Ports remain that have more to give: another turn is due at once.
  bool has_work() const noexcept;

  // Ports that have closed since the last call, for their owner to remove.
  std::vector<PortId> take_closed();

  void age(Instant now) noexcept;
  std::vector<FdbEntry> fdb(Instant now) const;
  // Frames that this port sent and the switch or the guard did not forward; none for an unknown id.
  const DropCounters& drops(PortId id) const noexcept;
  // Frames from addresses beyond the port's kMacsPerPort: forwarded, but not learned.
  std::uint64_t unlearned(PortId id) const noexcept;
  // Told of every frame that the switch or the guard does not forward, with the tag of the port
  // that sent it. May be null; must not call the switch.
  void set_drop_observer(FrameObserver* observer) noexcept;
  // When something became ready outside of pull(), drain() and flush(), the network must be woken;
  // what became ready inside of them shows in has_work(). Called again only after the ready ports
  // were pulled. May be null.
  void set_wake(ReadySink* sink) noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pontoon::bridge
