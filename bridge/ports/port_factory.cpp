#include "bridge/ports/port_factory.h"

#include "bridge/ports/packet_port.h"
#include "bridge/ports/tap_port.h"

namespace pontoon::bridge {
namespace {

template <class LinkPort>
std::unique_ptr<Port> make(LinkHandle&& link, std::uint16_t mtu, FramePool& pool,
                           host::Poller& poller) {
  auto port = std::make_unique<LinkPort>(std::move(link), mtu, pool, poller);
  if (!port->watch()) return nullptr;
  return port;
}

}  // namespace

std::unique_ptr<Port> make_port(LinkHandle&& link, FramePool& pool, host::Poller& poller,
                                std::uint16_t mtu) {
  switch (link.kind) {
    case LinkHandle::Kind::tap:
      return make<TapPort>(std::move(link), mtu, pool, poller);
    case LinkHandle::Kind::packet:
      return make<PacketPort>(std::move(link), mtu, pool, poller);
  }
  return nullptr;
}

}  // namespace pontoon::bridge
