#include "lab/world/actors.h"

#include <algorithm>
#include <map>
#include <utility>

#include "lab/world/agenda.h"
#include "lab/world/connections.h"

namespace pontoon::lab {
namespace {

using Connect = MemoryNetwork::Connect;

constexpr std::size_t kEchoHeaderBytes = 8;  // RFC 792
constexpr std::uint8_t kIcmpUnreachable = 3;
constexpr std::uint8_t kIcmpPortUnreachable = 3;

Connect outcome_of(TcpService::Connect connect) {
  switch (connect) {
    case TcpService::Connect::accept:
      return Connect::succeed();
    case TcpService::Connect::refuse:
      return Connect::fail(SocketError::refused);
    case TcpService::Connect::unreachable:
      return Connect::fail(SocketError::host_unreachable);
    case TcpService::Connect::hang:
      return Connect::hang();
  }
  return Connect::hang();
}

}  // namespace

class Actors::Impl {
 public:
  Impl(MemoryNetwork& network, TimerQueue& events)
      : network_(network), events_(events), agenda_(events) {}

  void serve(const TcpService& service) {
    Server& server = servers_[service.at];
    server.service = service;
    // Each connect is decided by itself, after the latency.
    network_.script_connect(service.at, Connect::hang());
  }
  void serve(const UdpService& service) { udp_[service.at] = service; }
  void answer_echo(const IpAddress& host, Duration latency) { echo_[host] = latency; }

  const ClientOutcome& dial(const TcpClient& description) {
    Client& client = clients_.emplace_back();
    client.description = description;
    agenda_.at(description.at, [this, &client](Instant) { connect(client); });
    return client.outcome;
  }

  const ClientOutcome& send(const UdpClient& description) {
    UdpSender& sender = udp_clients_.emplace_back();
    sender.description = description;
    agenda_.at(description.at, [this, &sender](Instant) {
      const UdpClient& what = sender.description;
      const bool taken = network_.deliver(what.from, what.to, what.send);
      sender.outcome.state = taken ? ClientOutcome::State::talking : ClientOutcome::State::refused;
    });
    return sender.outcome;
  }

  const std::string& received_at(const SocketAddress& at) const {
    const auto found = servers_.find(at);
    return found == servers_.end() ? nothing_ : found->second.received;
  }
  std::size_t connections_at(const SocketAddress& at) const {
    const auto found = servers_.find(at);
    return found == servers_.end() ? 0 : found->second.accepted;
  }

  bool step(Instant now) {
    bool worked = decide(now);
    for (auto& [at, server] : servers_)
      worked = step(server, now) || worked;
    for (Client& client : clients_)
      worked = (client.connection && client.connection->step(now)) || worked;
    for (const MemoryNetwork::Sent& datagram : network_.take_sent())
      take(datagram, now);
    return worked;
  }

 private:
  struct Server {
    TcpService service;
    std::string received;
    std::size_t accepted = 0;
    std::list<ServerConnection> connections;
  };
  struct Client {
    TcpClient description;
    ClientOutcome outcome;
    std::optional<ClientConnection> connection;
  };
  struct UdpSender {
    UdpClient description;
    ClientOutcome outcome;
  };

  bool decide(Instant now) {
    for (const MemoryNetwork::Begun& begun : network_.take_begun()) {
      const auto found = servers_.find(begun.target);
      if (found == servers_.end()) continue;
      const TcpService& service = found->second.service;
      agenda_.at(now + service.latency, [this, begun](Instant) {
        network_.decide(begun.number, outcome_of(servers_.at(begun.target).service.connect));
      });
    }
    return network_.settle() > 0;  // those that nobody here serves
  }

  bool step(Server& server, Instant now) {
    if (server.service.talk == TcpService::Talk::handed) return false;
    bool worked = false;
    while (auto stream = network_.take_accepted(server.service.at)) {
      ++server.accepted;
      server.connections.emplace_back(server.service, std::move(stream), events_, server.received,
                                      now);
      worked = true;
    }
    for (ServerConnection& connection : server.connections)
      worked = connection.step(now) || worked;
    server.connections.remove_if(
        [](const ServerConnection& connection) { return connection.finished(); });
    return worked;
  }

  void connect(Client& client) {
    auto stream = network_.dial(client.description.from, client.description.to);
    if (stream == nullptr) {
      client.outcome.state = ClientOutcome::State::refused;
    } else {
      client.connection.emplace(client.description, std::move(stream), client.outcome);
    }
  }

  // A datagram to somebody who is not here vanishes, as it does outside.
  void take(const MemoryNetwork::Sent& datagram, Instant now) {
    for (UdpSender& sender : udp_clients_) {
      const UdpClient& client = sender.description;
      if (client.from == datagram.to && client.to.port == datagram.from.port)
        sender.outcome.received += datagram.text();
    }
    if (datagram.to.port == 0) {
      answer_ping(datagram, now);
    } else if (const auto found = udp_.find(datagram.to); found != udp_.end()) {
      answer(found->second, datagram, now);
    }
  }

  void answer_ping(const MemoryNetwork::Sent& datagram, Instant now) {
    const auto host = echo_.find(datagram.to.ip);
    if (host == echo_.end() || datagram.payload.size() < kEchoHeaderBytes) return;
    const bool v4 = datagram.to.ip.is_v4();
    if (datagram.payload[0] != (v4 ? 8 : 128)) return;
    std::vector<std::uint8_t> reply = datagram.payload;
    reply[0] = v4 ? 0 : 129;
    agenda_.at(now + host->second, [this, datagram, reply = std::move(reply)](Instant) {
      network_.deliver_to(datagram.socket, datagram.to, reply);
    });
  }

  void answer(const UdpService& service, const MemoryNetwork::Sent& datagram, Instant now) {
    switch (service.answer) {
      case UdpService::Answer::silent:
        return;
      case UdpService::Answer::echo:
        return reply(datagram, datagram.payload, now + service.latency);
      case UdpService::Answer::reply:
        return reply(datagram, {service.reply.begin(), service.reply.end()}, now + service.latency);
      case UdpService::Answer::refuse:
        return refuse(datagram, now + service.latency);
    }
  }

  void reply(const MemoryNetwork::Sent& datagram, std::vector<std::uint8_t> payload, Instant when) {
    agenda_.at(when, [this, datagram, payload = std::move(payload)](Instant) {
      network_.deliver_to(datagram.socket, datagram.to, payload, datagram.from.ip);
    });
  }

  void refuse(const MemoryNetwork::Sent& datagram, Instant when) {
    DatagramError error;
    error.target = datagram.to;
    error.error = SocketError::refused;
    error.reporter = datagram.to.ip;
    error.icmp_type = kIcmpUnreachable;
    error.icmp_code = kIcmpPortUnreachable;
    agenda_.at(when,
               [this, socket = datagram.socket, error](Instant) { network_.fail(socket, error); });
  }

  MemoryNetwork& network_;
  TimerQueue& events_;
  Agenda agenda_;
  std::map<SocketAddress, Server> servers_;
  std::map<SocketAddress, UdpService> udp_;
  std::map<IpAddress, Duration> echo_;
  std::list<Client> clients_;
  std::list<UdpSender> udp_clients_;
  const std::string nothing_;
};

Actors::Actors(MemoryNetwork& network, TimerQueue& events)
    : impl_(std::make_unique<Impl>(network, events)) {}
Actors::~Actors() = default;

void Actors::serve(const TcpService& service) {
  impl_->serve(service);
}
void Actors::serve(const UdpService& service) {
  impl_->serve(service);
}
void Actors::answer_echo(const IpAddress& host, Duration latency) {
  impl_->answer_echo(host, latency);
}
const ClientOutcome& Actors::dial(const TcpClient& client) {
  return impl_->dial(client);
}
const ClientOutcome& Actors::send(const UdpClient& client) {
  return impl_->send(client);
}
const std::string& Actors::received_at(const SocketAddress& at) const {
  return impl_->received_at(at);
}
std::size_t Actors::connections_at(const SocketAddress& at) const {
  return impl_->connections_at(at);
}
bool Actors::step(Instant now) {
  return impl_->step(now);
}

}  // namespace pontoon::lab
