// The control plane's vocabulary: what a client asks for, what the daemon holds, what is listed.
// Plain data, without third-party types; control/json.h puts it into JSON and back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/base/time.h"

namespace pontoon::control {

inline constexpr std::string_view kVersion = "0.1.0";
inline constexpr std::string_view kDefaultNetwork = "default";
// RFC 6762 appendix G and ICANN's resolution of 2024 leave .internal to private use.
inline constexpr std::string_view kDomain = "internal";

struct NetworkSpec {
  std::string id;  // 12 hexadecimal digits, given by the daemon
  std::string name;
  IpPrefix subnet;  // network address and length
  Ipv4Address gateway;
  std::optional<MacAddress> gateway_mac;  // replay: that of the router in the capture
  std::uint16_t mtu = 1500;
  bool internal = false;             // no egress, nothing forwarded
  bool allow_host_loopback = false;  // host.pontoon.internal is the host's 127.0.0.1
  WallTime created{};
};

// What `network create` was asked for; absent fields are the daemon's choice.
struct NetworkRequest {
  std::string name;
  std::optional<IpPrefix> subnet;
  std::optional<Ipv4Address> gateway;
  std::uint16_t mtu = 1500;
  bool internal = false;
  bool allow_host_loopback = false;
};

struct EndpointRequest {
  std::string name;  // empty: the daemon makes one up
  std::string network{kDefaultNetwork};
  std::string hostname;
  std::optional<Ipv4Address> ip;
  std::optional<MacAddress> mac;
  std::vector<std::string> aliases;
  std::vector<std::string> publish;  // -p, as written
  std::vector<std::string> expose;   // --expose, as written
  bool publish_all = false;
  bool dhcp = false;
  bool relay = false;   // replay: it forwards DHCP messages of others
  std::string command;  // for people, in `ps`
  std::uint32_t pid = 0;
};

enum class EndpointStatus : std::uint8_t {
  reserved,  // name, address and ports are held, no link yet
  up,
};

struct PortMapping {
  Protocol protocol = Protocol::tcp;
  std::uint16_t container_port = 0;
  SocketAddress host;
};

struct EndpointInfo {
  std::string id;         // 12 hexadecimal digits
  std::uint32_t tag = 0;  // what the network's observer knows it by; not shown
  std::string name;
  std::string network;
  std::string hostname;
  std::vector<std::string> aliases;
  MacAddress mac;
  IpPrefix ipv4;
  EndpointStatus status = EndpointStatus::reserved;
  std::string link;  // "tap", "packet", empty before the link came
  std::string command;
  std::uint32_t pid = 0;
  bool dhcp = false;
  bool relay = false;
  WallTime created{};
  std::vector<PortMapping> ports;
  std::string ports_text;  // Docker's PORTS column
  std::uint64_t received_frames = 0;
  std::uint64_t sent_frames = 0;
  std::uint64_t dropped_frames = 0;
  std::vector<std::string> impairments;  // "web -> db delay=20ms"
};

// What the namespace side needs to configure the interface.
struct EndpointSettings {
  EndpointInfo info;
  Ipv4Address gateway;
  std::uint16_t mtu = 1500;
  std::vector<std::string> search;
};

struct NetworkInfo {
  NetworkSpec spec;
  std::size_t endpoints = 0;
};

struct LeaseInfo {
  std::string network;
  Ipv4Address address;
  MacAddress mac;
  std::string name;  // the endpoint's, or what the client claimed
  std::string state;
  std::optional<std::int64_t> expires_in_s;  // absent: as long as the endpoint is attached
};

struct FlowInfo {
  std::string network;
  std::string protocol;
  SocketAddress initiator;
  SocketAddress target;
  std::string state;
  std::uint64_t bytes_out = 0;
  std::uint64_t bytes_in = 0;
};

// What `impair` was asked for, as typed; target and words are those of control/impair_target.h and
// core/link/impairment.h.
struct ImpairmentRequest {
  std::string target;
  std::vector<std::string> words;
  std::optional<std::uint64_t> seed;  // absent: the daemon draws one
};

struct ImpairmentInfo {
  std::string network;
  std::string target;
  std::string impairment;
  std::uint64_t seed = 0;
  std::int64_t age_s = 0;
  std::optional<std::int64_t> ends_in_s;  // absent: when it is cleared
  // Frames, after super-frames were cut: passed + lost = came + duplicated.
  std::uint64_t passed = 0;
  std::uint64_t lost = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;
  std::uint64_t corrupted = 0;
};

// `pontoon capture`.
struct CaptureRequest {
  std::string target;                   // an endpoint or a network; empty: the default network
  std::string filter;                   // core/capture/filter.h; empty: everything
  std::uint32_t snap_length = 0;        // bytes kept of a frame; 0: all
  std::optional<std::int64_t> last_ms;  // out of the flight recorder: so far back, then the end
};

struct CaptureCounts {
  std::uint64_t captured = 0;  // frames as on a wire
  std::uint64_t filtered = 0;  // the filter left them out
  std::uint64_t missed = 0;    // the reader was too slow for them
};

struct DropInfo {
  std::string where;  // an endpoint's name, "gateway"
  std::string reason;
  std::uint64_t count = 0;
};

}  // namespace pontoon::control
