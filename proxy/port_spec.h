// The grammar of `-p` and `--expose`, and the PORTS column. Semantics follow Docker
// (docker/go-connections nat): what works there works here, except SCTP.
//
//   publication  [[ip]:][host[-end]:]container[-end][/tcp|/udp]
//   exposed      port[-end][/tcp|/udp]
//
// Without an address a publication is for 0.0.0.0 and [::]. IPv6 addresses stand in brackets; bare
// ones are understood where the last two fields are ports, as in `::1:8080:80`. An empty host port,
// a missing one and 0 mean that the kernel chooses.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/address.h"
#include "core/base/result.h"

namespace pontoon::proxy {

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;  // inclusive, >= first

  std::size_t size() const noexcept { return static_cast<std::size_t>(last - first) + 1; }
  friend auto operator<=>(const PortRange&, const PortRange&) = default;
};

// What the user asked for, one per container port: `8000-8002:80-82` gives three of them.
struct PortSpec {
  std::optional<IpAddress> host_ip;     // none: both 0.0.0.0 and [::]
  std::optional<PortRange> host_ports;  // none: ephemeral; several: the first free one
  std::uint16_t container_port = 0;
  Protocol protocol = Protocol::tcp;

  std::string to_string() const;  // canonical, parses to the same: "[::1]:8000-8010:80/udp"
  friend auto operator<=>(const PortSpec&, const PortSpec&) = default;
};

struct ExposedPort {
  std::uint16_t port = 0;
  Protocol protocol = Protocol::tcp;

  std::string to_string() const;  // "443/tcp"
  friend auto operator<=>(const ExposedPort&, const ExposedPort&) = default;
};

// One place of the host: what a listener occupies.
struct HostPort {
  IpAddress ip;
  std::uint16_t port = 0;
  Protocol protocol = Protocol::tcp;

  std::string to_string() const;  // "0.0.0.0:8080" (the protocol is not shown)
  friend auto operator<=>(const HostPort&, const HostPort&) = default;
};

// What was granted.
struct PortBinding {
  HostPort host;
  std::uint16_t container_port = 0;

  std::string to_string() const;  // "0.0.0.0:8080->80/tcp"
  friend auto operator<=>(const PortBinding&, const PortBinding&) = default;
};

// Errors are invalid_argument (exhausted beyond limits::kPublishedPorts), in Docker's words where
// Docker has them.
Result<std::vector<PortSpec>> parse_publication(std::string_view text);
// Several `-p`, in order; exact repetitions count once.
Result<std::vector<PortSpec>> parse_publications(std::span<const std::string> texts);
Result<std::vector<ExposedPort>> parse_exposed(std::string_view text);
Result<std::vector<ExposedPort>> parse_exposed(std::span<const std::string> texts);

// Docker's PORTS column: "0.0.0.0:8000-8002->80-82/tcp, [::]:8000-8002->80-82/tcp, 443/tcp".
// Ordered by container port; an exposed port that is published as well is not repeated.
std::string format_ports(std::span<const PortBinding> bindings,
                         std::span<const ExposedPort> exposed = {});

}  // namespace pontoon::proxy
