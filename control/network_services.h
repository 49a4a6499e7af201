// The services at a gateway's own address: what connects the DHCP and DNS engines, which know
// nothing of a gateway, to it.
#pragma once

#include "core/stack/gateway.h"
#include "dhcp/server.h"
#include "dns/server.h"
#include "dns/tcp_session.h"
#include "proxy/egress.h"

namespace pontoon::control {

// UDP port 67.
class DhcpService final : public stack::UdpHandler, private dhcp::ReplySender {
 public:
  DhcpService(const dhcp::ServerConfig& config, dhcp::LeaseBook& book, stack::Gateway& gateway,
              DropCounters& drops);

  dhcp::Server& server() noexcept { return server_; }
  void on_datagram(const stack::UdpDatagram& datagram, Instant now) noexcept override;

 private:
  void send(const dhcp::Reply& reply, Instant now) noexcept override;

  stack::Gateway& gateway_;
  DropCounters& drops_;
  SocketAddress source_;
  dhcp::Server server_;
};

// UDP and TCP port 53.
class DnsService final : public stack::UdpHandler,
                         public proxy::StreamAcceptor,
                         private dns::ReplySink {
 public:
  DnsService(dns::Server& server, stack::Gateway& gateway, TimerQueue& timers);
  ~DnsService() override;

  void on_datagram(const stack::UdpDatagram& datagram, Instant now) noexcept override;
  void accept(std::unique_ptr<Stream> stream, const SocketAddress& client,
              Instant now) noexcept override;
  void pump(Instant now) noexcept { sessions_.pump(now); }
  bool has_work() const noexcept { return sessions_.has_work(); }

 private:
  void on_reply(const dns::Client& client, dns::Transport transport, ByteView reply,
                Instant now) noexcept override;

  dns::Server& server_;
  stack::Gateway& gateway_;
  dns::DnsTcpService sessions_;
};

}  // namespace pontoon::control
