// Who stands on the host's side of a world: servers that containers connect to, clients of
// published ports, hosts that answer datagrams and pings. They act in virtual time and use
// MemoryNetwork only.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/base/timer_queue.h"
#include "lab/world/memory_network.h"

namespace pontoon::lab {

// A TCP server outside.
struct TcpService {
  enum class Connect : std::uint8_t { accept, refuse, unreachable, hang };
  // A silent one neither reads nor writes. A handed one leaves accepted streams to the caller, in
  // MemoryNetwork::take_accepted().
  enum class Talk : std::uint8_t { echo, discard, reply, silent, handed };

  SocketAddress at{};
  Connect connect = Connect::accept;
  Duration latency{};  // until the connect is decided, and again before each answer
  Talk talk = Talk::echo;
  std::string greeting{};  // sent at once
  std::string reply{};     // with Talk::reply: once, after the first bytes came, then it shuts down
  std::uint64_t read_bytes_per_s = 0;          // a slow reader; 0: as fast as bytes come
  std::optional<std::uint64_t> close_after{};  // bytes read, then an orderly end
  std::optional<std::uint64_t> reset_after{};  // bytes read, then a reset
};

// A host that answers datagrams.
struct UdpService {
  SocketAddress at{};
  enum class Answer : std::uint8_t { echo, reply, refuse, silent } answer = Answer::echo;
  std::string reply{};
  Duration latency{};
};

// A client outside that connects to a published port.
struct TcpClient {
  SocketAddress from{};
  SocketAddress to{};  // the published port
  Instant at{};
  std::string send{};                          // all of it, as room comes
  bool shut_down = true;                       // after what it sends
  std::optional<std::uint64_t> reset_after{};  // bytes received
};

struct UdpClient {
  SocketAddress from{};
  SocketAddress to{};
  Instant at{};
  std::string send{};
};

// What became of a client.
struct ClientOutcome {
  enum class State : std::uint8_t {
    waiting,
    refused,
    talking,
    ended,
    reset
  } state = State::waiting;
  std::string received;
};

class Actors {
 public:
  Actors(MemoryNetwork& network, TimerQueue& events);
  ~Actors();

  void serve(const TcpService& service);
  void serve(const UdpService& service);
  // Answers pings to it.
  void answer_echo(const IpAddress& host, Duration latency);
  // The outcome lives as long as the actors.
  const ClientOutcome& dial(const TcpClient& client);
  const ClientOutcome& send(const UdpClient& client);

  // What a service at that address has read so far, all connections together.
  const std::string& received_at(const SocketAddress& at) const;
  std::size_t connections_at(const SocketAddress& at) const;

  // Acts on what the last turn left: true when something was done and another turn is due.
  bool step(Instant now);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pontoon::lab
