// Who listens on a port of this host, as far as /proc lets us see, and from which port on users
// without privileges may listen. Part of the rim: reads files, keeps nothing. Only used to word an
// error, so it may take milliseconds.
#pragma once

#include <string>

#include "proxy/host_facts.h"

namespace pontoon::proxy {

class ProcHostFacts final : public HostFacts {
 public:
  // `proc`: where procfs is mounted; tests give a folder of their own.
  explicit ProcHostFacts(std::string proc = "/proc") : proc_(std::move(proc)) {}

  std::optional<PortHolder> port_holder(const HostPort& port) const override;
  std::uint16_t unprivileged_port_start() const override;

 private:
  std::string proc_;
};

}  // namespace pontoon::proxy
