#include "control/network_services.h"

namespace pontoon::control {
namespace {
constexpr std::uint16_t kDnsPort = 53;
}

DhcpService::DhcpService(const dhcp::ServerConfig& config, dhcp::LeaseBook& book,
                         stack::Gateway& gateway, DropCounters& drops)
    : gateway_(gateway),
      drops_(drops),
      source_{config.gateway, dhcp::kServerPort},
      server_(config, book, *this, drops) {
  gateway_.bind_udp(dhcp::kServerPort, *this, stack::UdpReach::link);
}

void DhcpService::on_datagram(const stack::UdpDatagram& datagram, Instant now) noexcept {
  if (!datagram.source.ip.is_v4() || !datagram.target.ip.is_v4()) {
    drops_.count(DropReason::dhcp_not_ours);
    return;
  }
  const dhcp::Arrival arrival{datagram.source_mac, datagram.source.ip.v4(), datagram.target.ip.v4(),
                              datagram.payload};
  server_.on_message(arrival, now);
}

void DhcpService::send(const dhcp::Reply& reply, Instant now) noexcept {
  gateway_.send_udp_to_link(reply.link, source_, {reply.ip, reply.port}, reply.payload, now);
}

DnsService::DnsService(dns::Server& server, stack::Gateway& gateway, TimerQueue& timers)
    : server_(server), gateway_(gateway), sessions_(server, timers) {
  gateway_.bind_udp(kDnsPort, *this);
}

DnsService::~DnsService() {
  server_.forget(*this);
}

// One query: the gateway hands services the datagrams of a train (USO) one by one.
void DnsService::on_datagram(const stack::UdpDatagram& datagram, Instant now) noexcept {
  const dns::Client client{datagram.source, datagram.target, 0};
  (void)server_.on_query(client, datagram.payload, dns::Transport::udp, *this, now);
}

void DnsService::accept(std::unique_ptr<Stream> stream, const SocketAddress& client,
                        Instant now) noexcept {
  const SocketAddress local{gateway_.config().ipv4.address, kDnsPort};
  (void)sessions_.accept(std::move(stream), client, local, now);
}

void DnsService::on_reply(const dns::Client& client, dns::Transport, ByteView reply,
                          Instant now) noexcept {
  gateway_.send_udp(client.local, client.address, reply, now);
}

}  // namespace pontoon::control
