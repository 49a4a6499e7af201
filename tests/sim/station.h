// An endpoint as the network meets it: a small IP host with ARP, ping, UDP and the reference TCP,
// at the far end of its cables. Independent from core/stack.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "lab/world/world.h"
#include "tests/sim/cable.h"
#include "tests/sim/reference_tcp.h"
#include "tests/sim/report.h"
#include "tests/support/packets.h"

namespace pontoon::sim {

class Station {
 public:
  using UdpHandler = std::function<void(const SocketAddress& from, std::string_view payload)>;
  using EchoHandler =
      std::function<void(const IpAddress& from, std::uint16_t sequence, std::string_view payload)>;
  // A connection has come to a port that is listened on.
  using Accept = std::function<void(ReferenceTcp& connection, std::function<void()>& changed)>;

  Station(lab::World& world, lab::Member& member, Report& report, std::uint64_t seed);
  Station(const Station&) = delete;
  Station& operator=(const Station&) = delete;

  lab::Member& member() noexcept { return member_; }
  const lab::Member& member() const noexcept { return member_; }
  const std::string& name() const noexcept { return member_.name(); }
  Cable& outward() noexcept { return outward_; }  // towards the switch
  Cable& inward() noexcept { return inward_; }
  void set_faults(const Faults& faults);
  // What the station is told when its frames come out of the outward cable.
  std::function<void(const Bytes& frame, bool corrupted)> on_wire;

  // Frames that the switch has sent go onto the cable.
  bool collect(Instant now);

  void send_udp(std::uint16_t from, const SocketAddress& to, std::string_view payload);
  // From port 68 to 67, with or without an address of its own.
  void send_dhcp(const Bytes& message, Ipv4Address source, Ipv4Address target);
  void listen_udp(std::uint16_t port, UdpHandler handler);
  void ping(const IpAddress& target, std::uint16_t sequence, std::string_view payload);
  void on_echo(EchoHandler handler) { echo_ = std::move(handler); }
  // `changed` is called when there may be something to do; only to take note.
  ReferenceTcp& connect(const SocketAddress& to, const TcpManners& manners,
                        std::function<void()> changed);
  // Once more from the port of a connection that has come to its end.
  ReferenceTcp& connect_again(const ReferenceTcp& before, const TcpManners& manners,
                              std::function<void()> changed);
  // Connections that neither side has ended.
  struct Talking {
    SocketAddress peer;
    std::uint16_t port = 0;
    ReferenceTcp* tcp = nullptr;
  };
  std::vector<Talking> talking();
  void listen_tcp(std::uint16_t port, const TcpManners& manners, Accept accept);
  // Says what it hears on a connection, before anybody has read it.
  void set_heard(ReferenceTcp& connection,
                 std::function<void(std::uint64_t position, std::string_view text)> heard);
  void set_changed(ReferenceTcp& connection, std::function<void()> changed);
  // Straight onto the cable, whatever it is.
  void send_frame(Bytes frame);
  test::PacketEnds ends_to(const IpAddress& target) const;
  Instant now() const { return world_.now(); }

  // The daemon has gone and come back: what answers connections of before is no intruder.
  void forgive() noexcept { forgiving_ = true; }

 private:
  struct Connection {
    SocketAddress peer;
    std::uint16_t port = 0;
    std::function<void()> changed;
    std::function<void(std::uint64_t, std::string_view)> heard;
    std::unique_ptr<ReferenceTcp> tcp;
  };
  struct Listening {
    TcpManners manners;
    Accept accept;
  };

  void deliver(const Bytes& frame);
  void on_arp(const wire::ArpRepr& arp);
  void on_tcp(const test::Dissected& packet);
  Connection* find(const SocketAddress& peer, std::uint16_t port);
  Connection& add(const SocketAddress& peer, std::uint16_t port, const TcpManners& manners,
                  std::uint32_t initial);
  std::uint32_t first_number();
  void send_ip(const IpAddress& target, std::function<Bytes(const test::PacketEnds&)> make);
  void fail(const std::string& what);

  lab::World& world_;
  lab::Member& member_;
  Report& report_;
  SeededRandom random_;
  Cable outward_;
  Cable inward_;
  IpPrefix subnet_;
  Ipv4Address gateway_;
  std::map<IpAddress, MacAddress> neighbours_;
  std::map<IpAddress, std::deque<std::function<Bytes(const test::PacketEnds&)>>> waiting_;
  std::map<std::uint16_t, UdpHandler> udp_;
  EchoHandler echo_;
  std::map<std::uint16_t, Listening> listening_;
  std::deque<Connection> connections_;
  std::uint16_t next_port_ = 30000;
  bool forgiving_ = false;
};

}  // namespace pontoon::sim
