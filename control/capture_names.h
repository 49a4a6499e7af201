// Who is who in a network, for captures: the endpoint behind a tag, and how a frame is told to
// people ("web -> db", "web -> 93.184.216.34").
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/network.h"
#include "core/capture/filter.h"
#include "core/capture/packet.h"

namespace pontoon::control {

// One interface of a capture: an endpoint's link, or the inside of the network.
struct CapturePlace {
  std::string name;
  std::string description;
  MacAddress mac;
  std::optional<IpPrefix> ipv4;
  bool endpoint = false;

  friend bool operator==(const CapturePlace&, const CapturePlace&) = default;
};

class CaptureNames final : public capture::NameLookup {
 public:
  explicit CaptureNames(const Network& network);

  // Takes note of the endpoints that there are now. True when some came or went. Those that have
  // gone are remembered, up to limits::kCaptureDeparted of them, for what the recorder holds.
  bool refresh();
  // Of the endpoint that has or had this tag; the network's inside for any other.
  const CapturePlace& place(std::uint32_t tag) const;
  const CapturePlace& inside() const noexcept { return inside_; }
  // Those that are there.
  std::vector<CapturePlace> endpoints() const;
  // Addresses and their names, the gateway's too.
  std::vector<std::pair<IpAddress, std::string>> addresses() const;

  // "web -> db", then "; dropped: guard_arp (ARP or ...)" with a reason. `frame` may be cut short,
  // and may be anything.
  std::string describe(const CapturePlace& place, capture::Direction direction, ByteView frame,
                       std::optional<DropReason> reason) const;

  // An endpoint by its name, host name or alias; "gateway".
  std::vector<IpAddress> addresses_of(std::string_view name) const override;

 private:
  std::string name_of(const MacAddress& mac, const std::optional<IpAddress>& address) const;

  const Network& network_;
  CapturePlace inside_;
  std::optional<std::uint32_t> serial_;
  std::vector<EndpointInfo> present_;
  std::map<std::uint32_t, CapturePlace> places_;  // by tag: the oldest first
  std::unordered_map<MacAddress, std::string> stations_;
};

}  // namespace pontoon::control
