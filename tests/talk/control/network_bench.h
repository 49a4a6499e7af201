// One network in virtual time: control::Network over memory ports, a host network, a disk and an
// upstream resolver that the test scripts. No descriptor, no clock, no thread.
//
//   Outside outside;
//   NetworkBench net(outside, "default", "172.17.0.0/16");
//   auto& web = net.add("web");
//   net.send(web, udp_frame(net.to_gateway(web), 4000, 53, query));
//   const Dissected answer = net.expect(web, "the answer");
//
// A failing expectation shows the steps so far; transcript() is every byte that any endpoint got.
#pragma once

#include <catch2/catch.hpp>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "control/network.h"
#include "core/link/memory_port.h"
#include "tests/support/dns.h"
#include "tests/support/memory_network.h"
#include "tests/support/packets.h"

namespace pontoon::test {

// Answers when it is told to.
class ScriptedForwarder final : public dns::Forwarder {
 public:
  struct Asked {
    dns::ForwardTicket ticket{};
    Bytes query;
  };
  void set_handler(dns::ForwardHandler* handler) noexcept override { handler_ = handler; }
  Status<dns::ForwardError> forward(dns::ForwardTicket ticket, ByteView query,
                                    Instant) noexcept override {
    asked.push_back({ticket, to_bytes(query)});
    return {};
  }
  void cancel(dns::ForwardTicket ticket) noexcept override {
    std::erase_if(asked, [&](const Asked& each) { return each.ticket == ticket; });
  }
  // The oldest question is answered with this address.
  void answer(std::string_view address, Instant now);

  std::deque<Asked> asked;

 private:
  dns::ForwardHandler* handler_ = nullptr;
};

struct NobodysFacts final : proxy::HostFacts {
  std::optional<proxy::PortHolder> port_holder(const proxy::HostPort&) const override {
    return std::nullopt;
  }
  std::uint16_t unprivileged_port_start() const override { return 0; }
};

// What the networks of one daemon share.
struct Outside {
  Outside() { host.add_address(ip("127.0.0.1")); }

  MemoryNetwork host;
  dhcp::MemoryLeaseStore leases;
  proxy::PortTable ports;
  NobodysFacts facts;
};

struct Member {
  control::EndpointInfo info;
  MemoryPort* port = nullptr;  // null once it was removed
  std::deque<Bytes> inbox;

  MacAddress mac() const { return info.mac; }
  IpAddress address() const { return info.ipv4.address; }
};

struct NetworkOptions {
  bool internal = false;
  bool allow_host_loopback = false;
};

class NetworkBench {
 public:
  NetworkBench(Outside& outside, std::string name, const std::string& subnet,
               const NetworkOptions& options = {});
  ~NetworkBench();

  Member& add(const std::string& name) { return add(request(name)); }
  Member& add(const control::EndpointRequest& request);
  static control::EndpointRequest request(const std::string& name);
  void remove(Member& member);

  // Each of these is a step; turns follow until nothing is left to do.
  void send(Member& member, const Bytes& frame, const Offload& offload = {});
  void tick(Duration duration);
  void turn();
  // What was begun on the host's side is decided, then turns follow.
  void settle();

  Dissected expect(Member& member, const std::string& what);
  void expect_nothing(Member& member);
  void expect_silence();  // of all members
  // What `pontoon network inspect` shows, "where/reason" to count.
  std::map<std::string, std::uint64_t> drops() const;

  PacketEnds to_gateway(const Member& member) const;
  PacketEnds between_members(const Member& from, const Member& to) const;
  // By way of the gateway.
  PacketEnds to_foreign(const Member& member, const std::string& address) const;
  MacAddress gateway_mac() const;
  Ipv4Address gateway() const { return network->spec().gateway; }

  // DNS over UDP at the gateway, to the answer.
  DnsMessage resolve(Member& member, const std::string& name, std::uint16_t type = 1);

  const std::string& transcript() const noexcept { return transcript_; }
  void note(const std::string& text);

  Instant now{std::chrono::seconds(5000)};
  bool disk_held = false;
  ScriptedForwarder forwarder;
  std::unique_ptr<control::Network> network;

 private:
  void collect();
  void write_leases();

  Outside& outside_;
  std::deque<Member> members_;
  FramePool pool_;
  TimerQueue timers_;
  SeededRandom random_;
  std::string transcript_;
  std::deque<Catch::ScopedMessage> steps_;
};

// The endpoint's side of one TCP connection, just good enough to open, talk and close.
class TcpEndpoint {
 public:
  TcpEndpoint(NetworkBench& bench, Member& member, std::string peer, std::uint16_t peer_port,
              std::uint16_t own_port = 40000);

  void send(wire::TcpFlags flags, std::string_view text = {});
  void syn();
  // Takes the SYN-ACK and acknowledges it.
  void finish_handshake();
  // Takes the SYN of a published port's client and answers it; the handshake is over then.
  void accept_handshake();
  void text(std::string_view text);
  // All the text that has come, acknowledged; pure acknowledgements are passed over.
  std::string take_text();
  // Our FIN, theirs, and the acknowledgements of both.
  void close();
  wire::TcpRepr expect(const std::string& what);

  std::uint16_t own_port;

 private:
  NetworkBench& bench_;
  Member& member_;
  PacketEnds ends_;
  std::uint16_t peer_port_;
  wire::TcpSequence next_{1000};
  wire::TcpSequence expected_{};
};

}  // namespace pontoon::test
