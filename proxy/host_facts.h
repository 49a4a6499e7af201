// What error messages want to know about the host. The real one reads /proc (port_holder.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proxy/port_spec.h"

namespace pontoon::proxy {

struct PortHolder {
  std::string process;  // "nginx"
  int pid = 0;
};

class HostFacts {
 public:
  virtual ~HostFacts() = default;
  // The process whose socket stands in the way of `port`; nullopt when there is none or it belongs
  // to somebody into whom we cannot look.
  virtual std::optional<PortHolder> port_holder(const HostPort& port) const = 0;
  // net.ipv4.ip_unprivileged_port_start
  virtual std::uint16_t unprivileged_port_start() const = 0;
};

}  // namespace pontoon::proxy
