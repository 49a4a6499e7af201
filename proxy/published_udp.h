// One published UDP port at one address of the host. Every client (address and port, and the
// address of the host to which it spoke) is a flow with a source of its own inside; what the
// endpoint answers to that source goes back from the address to which the client had spoken.
//
// Flows die kUdpIdle after the last datagram in either direction; at kPublishedUdpFlows the least
// recently used one makes room. ICMP errors from either side are not passed on.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/socket/host_network.h"
#include "proxy/datagram_batch.h"
#include "proxy/flow_info.h"
#include "proxy/flow_table.h"
#include "proxy/published_port.h"

namespace pontoon::proxy {

class PublishedUdp final : public DatagramHandler {
 public:
  struct Flow;
  struct FlowKeyHash {
    std::size_t operator()(const stack::FlowKey& key) const noexcept {
      const std::hash<SocketAddress> hash;
      return hash(key.initiator) * 31 + hash(key.target);
    }
  };
  // The flows of all published UDP ports of a network, by how they look inside.
  using Index = std::unordered_map<stack::FlowKey, Flow*, FlowKeyHash>;

  PublishedUdp(PublisherContext& context, IntrusiveList<PublishedUdp>& ready, Index& index,
               std::unique_ptr<Datagram> socket, const PublishedTo& to) noexcept;
  ~PublishedUdp() override;

  void on_ready() noexcept override;
  void receive_batch(DatagramBatch& batch, Instant now) noexcept;
  // Its flows end: they lead to where the endpoint was.
  void retarget(const PublishTarget& target) noexcept;
  // True when the datagram answers a flow of the index and was taken.
  static bool reply(Index& index, const stack::UdpDatagram& datagram, Instant now) noexcept;
  void list(std::vector<FlowInfo>& out, Instant now) const;

 private:
  struct Client {
    SocketAddress address;
    IpAddress local;  // the host's address to which it spoke
    friend bool operator==(const Client&, const Client&) = default;
  };
  struct ClientHash {
    std::size_t operator()(const Client& client) const noexcept {
      return std::hash<SocketAddress>{}(client.address) * 31 + std::hash<IpAddress>{}(client.local);
    }
  };

  Flow* find_or_open(const Client& client, Instant now) noexcept;
  void refresh(Flow& flow, Instant now) noexcept;
  void send_back(Flow& flow, ByteView payload) noexcept;

  PublisherContext& context_;
  IntrusiveList<PublishedUdp>& ready_list_;
  Index& index_;
  std::unique_ptr<Datagram> socket_;
  PublishedTo to_;
  ListHook<PublishedUdp> ready_{*this};
  FlowTable<Client, Flow, ClientHash> flows_;
};

}  // namespace pontoon::proxy
