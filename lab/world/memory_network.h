// A HostNetwork in memory: no descriptors, no time, no threads; the same calls give the same
// results. It plays both the host's kernel (ports, addresses, permissions, limits) and the world
// outside (who answers a connect, who sends a datagram).
//
//   MemoryNetwork network;
//   network.script_connect({ip, 80}, MemoryNetwork::Connect::succeed());
//   auto stream = network.connect({ip, 80});   // connecting
//   network.settle();                          // now open; its handler was told
//   auto far = network.take_accepted({ip, 80});  // the other end of the pipe
//
// A connect to a target without a script reaches a listener of this same network, else it is
// refused. Everything must die before the network does.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/socket/host_network.h"

namespace pontoon::lab {

class MemoryStream;
class MemoryListener;
class MemoryDatagram;

class MemoryNetwork final : public HostNetwork {
 public:
  // What becomes of a connect.
  struct Connect {
    enum class Kind { succeed, fail_later, fail_at_once, no_socket, hang } kind = Kind::succeed;
    SocketError error = SocketError::refused;

    static Connect succeed() { return {}; }
    // `connecting` until settle(), then `failed`.
    static Connect fail(SocketError error) { return {Kind::fail_later, error}; }
    // The stream is `failed` when connect() returns it.
    static Connect fail_at_once(SocketError error) { return {Kind::fail_at_once, error}; }
    // connect() itself gives the error.
    static Connect no_socket(SocketError error) { return {Kind::no_socket, error}; }
    static Connect hang() { return {Kind::hang, SocketError::timed_out}; }
  };

  // A datagram that a socket of ours has sent.
  struct Sent {
    SocketAddress from;  // the socket's address; where a source was given, with that one
    SocketAddress to;
    std::vector<std::uint8_t> payload;
    int socket = 0;  // which one: sockets are numbered from 1 in the order of their opening

    std::string text() const { return {payload.begin(), payload.end()}; }
  };

  MemoryNetwork();
  ~MemoryNetwork() override;

  Result<std::unique_ptr<Stream>, SocketError> connect(const SocketAddress& target) override;
  Result<std::unique_ptr<Listener>, SocketError> listen(const SocketAddress& local) override;
  Result<std::unique_ptr<Datagram>, SocketError> open_datagram(const SocketAddress& local) override;
  Result<std::unique_ptr<EchoSocket>, SocketError> open_echo(IpFamily family) override;

  // --- the host ---
  void add_address(const IpAddress& address) { addresses_.insert(address); }
  void disable(IpFamily family) { disabled_.insert(family); }
  void forbid_ports_below(std::uint16_t port) { unprivileged_start_ = port; }
  // A port that a process which is not ours has taken, at this very address.
  void occupy(const SocketAddress& local, Protocol protocol) { foreign_.insert({local, protocol}); }
  // What port 0 gives next; counts on from there.
  void set_next_ephemeral(std::uint16_t port) { next_ephemeral_ = port; }
  void forbid_echo(SocketError error) { echo_error_ = error; }
  // So many more sockets (of all kinds) can be had; then no_resources. Closing gives one back.
  void limit_sockets(std::size_t count) { sockets_left_ = count; }
  // How much a stream made from now on holds in each direction.
  void set_pipe_bytes(std::size_t count) noexcept { pipe_bytes_ = count; }
  // Of each so many writes one takes only half of what there was room for, as a kernel that is
  // short of memory does. 0: none.
  void cut_writes(unsigned one_in) noexcept { cut_one_in_ = one_in; }
  std::size_t open_sockets() const noexcept { return open_sockets_; }
  std::size_t most_open_sockets() const noexcept { return most_open_sockets_; }

  // --- TCP ---
  void script_connect(const SocketAddress& target, Connect outcome) { scripts_[target] = outcome; }
  // Decides the connects that were begun since; hanging ones stay. Returns how many.
  std::size_t settle();
  // The far ends of connects that succeeded through a script, oldest first; null when there is
  // none.
  std::unique_ptr<Stream> take_accepted(const SocketAddress& target);
  const std::vector<SocketAddress>& connects() const noexcept { return connects_; }
  // A connect that waits for its decision; numbered from 1 in the order of their beginning.
  struct Begun {
    int number = 0;
    SocketAddress target;
  };
  // Those since the last call, oldest first: the way to decide each of them by itself, at its own
  // time. Their target should be scripted to hang, so that settle() leaves them alone.
  std::vector<Begun> take_begun();
  // Whatever the script says. False: it was decided already, or given up.
  bool decide(int number, Connect outcome);
  // A client outside connects to one of our listeners: its end, or null when nobody listens there.
  std::unique_ptr<Stream> dial(const SocketAddress& client, const SocketAddress& to);
  // The next `times` accepts on that listener fail.
  void fail_accepts(const SocketAddress& local, SocketError error, std::size_t times);
  bool listening(const SocketAddress& local) const;

  // --- UDP and echo ---
  // From outside to a socket of ours: the one bound to `to`, or to the wildcard with its port.
  bool deliver(const SocketAddress& from, const SocketAddress& to, std::string_view payload);
  // To one socket by number, whatever its address; the way to answer Sent.
  bool deliver_to(int socket, const SocketAddress& from, ByteView payload,
                  const IpAddress& local = {});
  bool fail(int socket, const DatagramError& error);  // an ICMP error comes in
  // The next send on that socket fails so, once.
  void fail_next_send(int socket, SocketError error);
  // Every send to that target fails so.
  void fail_sends_to(const SocketAddress& target, SocketError error) {
    bad_targets_[target] = error;
  }
  void block_sends(bool blocked) { sends_blocked_ = blocked; }
  std::vector<Sent> take_sent();
  bool bound(const SocketAddress& local) const;  // a datagram socket

 private:
  friend class MemoryStream;
  friend class MemoryListener;
  friend class MemoryDatagram;

  bool take_socket();
  bool cuts_write() noexcept { return cut_one_in_ > 0 && ++writes_ % cut_one_in_ == 0; }
  void give_socket() noexcept;
  std::optional<SocketError> check_bind(const SocketAddress& local, Protocol protocol) const;
  bool taken(const SocketAddress& local, Protocol protocol) const;
  Result<SocketAddress, SocketError> bind(const SocketAddress& local, Protocol protocol);
  MemoryListener* find_listener(const SocketAddress& to) const;
  MemoryDatagram* find_datagram(const SocketAddress& to) const;
  void decide(MemoryStream& stream);
  void open_scripted(MemoryStream& stream);

  std::set<IpAddress> addresses_;
  std::set<IpFamily> disabled_;
  std::set<std::pair<SocketAddress, Protocol>> foreign_;
  std::uint16_t unprivileged_start_ = 0;
  std::uint16_t next_ephemeral_ = 40000;
  std::optional<SocketError> echo_error_;
  std::optional<std::size_t> sockets_left_;
  std::size_t open_sockets_ = 0;
  std::size_t most_open_sockets_ = 0;
  int last_number_ = 0;
  std::size_t pipe_bytes_ = 65536;
  unsigned cut_one_in_ = 0;
  unsigned writes_ = 0;

  std::map<SocketAddress, Connect> scripts_;
  std::vector<SocketAddress> connects_;
  std::vector<Begun> begun_;
  int last_connect_ = 0;
  std::vector<MemoryStream*> undecided_;
  std::map<SocketAddress, std::deque<std::unique_ptr<Stream>>> accepted_;
  std::map<SocketAddress, MemoryListener*> listeners_;

  std::map<int, MemoryDatagram*> datagrams_;
  std::map<SocketAddress, MemoryDatagram*> bound_;
  std::map<SocketAddress, SocketError> bad_targets_;
  bool sends_blocked_ = false;
  std::vector<Sent> sent_;
};

// Reads everything that is there, consuming it.
std::string read_all(Stream& stream);
// All of it must fit.
void write_all(Stream& stream, std::string_view text);

}  // namespace pontoon::lab
