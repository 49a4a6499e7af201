#include "proxy/client_flow.h"

namespace pontoon::proxy {
namespace {

// Below lie the gateway's own services (53, 67, ...): a client that appears as the gateway must not
// look like one of them.
constexpr std::uint16_t kFirstFreePort = 1024;

// An endpoint sends its answer to the gateway when the client's address is off-link for it.
bool can_appear(const IpAddress& client, const std::optional<IpPrefix>& network) noexcept {
  if (client.is_loopback() || client.is_any() || client.is_link_local() || client.is_multicast()) {
    return false;
  }
  return !network || !network->contains(client);
}

}  // namespace

std::optional<stack::FlowKey> preferred_flow(const PublisherConfig& config,
                                             const PublishTarget& target,
                                             std::uint16_t container_port,
                                             const SocketAddress& client) noexcept {
  const bool v4 = target.ipv4 && (client.ip.is_v4() || !target.ipv6);
  const auto& endpoint = v4 ? target.ipv4 : target.ipv6;
  const auto& network = v4 ? config.ipv4 : config.ipv6;
  if (!endpoint) return std::nullopt;
  const SocketAddress inside{*endpoint, container_port};
  if (client.ip.is_v4() == v4 && can_appear(client.ip, network)) {
    return stack::FlowKey{client, inside};
  }
  if (!network) return std::nullopt;
  const std::uint16_t port = client.port >= kFirstFreePort ? client.port : std::uint16_t{0};
  return stack::FlowKey{{network->address, port}, inside};
}

}  // namespace pontoon::proxy
