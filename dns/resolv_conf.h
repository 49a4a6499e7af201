// The name servers that a resolv.conf(5) names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/address.h"
#include "core/base/time.h"

namespace pontoon::dns {

// In order, without duplicates, at most kDnsUpstreams, port 53. Link-local addresses with a scope
// ("fe80::1%eth0") are left out: c-ares 1.18 cannot use them.
std::vector<SocketAddress> parse_resolv_conf(std::string_view text);

// A resolv.conf that is read again when it has changed, but looked at no more than once a second.
class ResolvConf {
 public:
  explicit ResolvConf(std::string path);
  // An unreadable file has no servers.
  const std::vector<SocketAddress>& servers(Instant now);

 private:
  struct Stamp {
    std::int64_t modified_ns = 0;
    std::uint64_t inode = 0;
    std::int64_t size = -1;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  Stamp stamp() const noexcept;

  std::string path_;
  Stamp read_;
  Instant next_look_ = Instant::min();
  std::vector<SocketAddress> servers_;
};

}  // namespace pontoon::dns
