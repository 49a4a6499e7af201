#include "control/network_services.h"

#include <algorithm>

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
  gateway_.bind_udp(dhcp::kServerPort, *this);
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

// A train of equal-sized datagrams (USO) is as many queries.
void DnsService::on_datagram(const stack::UdpDatagram& datagram, Instant now) noexcept {
  const dns::Client client{datagram.source, datagram.target, 0};
  const std::size_t piece =
      datagram.segment_size == 0 ? datagram.payload.size() : datagram.segment_size;
  ByteView rest = datagram.payload;
  do {
    const ByteView query = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(query.size());
    (void)server_.on_query(client, query, dns::Transport::udp, *this, now);
  } while (!rest.empty());
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
