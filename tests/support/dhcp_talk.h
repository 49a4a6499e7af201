// Conversations with the DHCP server in virtual time: send, expect, tick. When an expectation
// fails, the output lists the steps so far.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "dhcp/server.h"

namespace pontoon::test {

// A client as it would be on one port of the switch.
struct DhcpClient {
  MacAddress mac;
  std::vector<std::uint8_t> client_id;
  std::string host_name;

  static DhcpClient numbered(unsigned number);  // 02:00:00:00:hi:lo, no client identifier
  dhcp::Message message(dhcp::MessageType type) const;
  dhcp::Message discover() const;
  dhcp::Message select(Ipv4Address offered, Ipv4Address server) const;
  dhcp::Message reboot(Ipv4Address remembered) const;
  dhcp::Message renew(Ipv4Address held) const;  // also rebind, by where it is sent
  dhcp::Message release(Ipv4Address held, Ipv4Address server) const;
  dhcp::Message decline(Ipv4Address address, Ipv4Address server) const;
  dhcp::Message inform(Ipv4Address own) const;
};

struct DhcpTalkOptions {
  std::string prefix = "172.17.0.1/16";
  Duration lease = limits::kDhcpLease;
  std::vector<dhcp::Lease> stored;  // what the store has at the start
};

class DhcpTalk final : private dhcp::ReplySender {
 public:
  struct Sent {
    MacAddress link;
    Ipv4Address ip;
    std::uint16_t port = 0;
    std::vector<std::uint8_t> payload;
    dhcp::Message message;
  };

  explicit DhcpTalk(const DhcpTalkOptions& options = {});

  // The client's message, broadcast or unicast to the server; then the turn ends.
  void send(const dhcp::Message& message) { deliver(message, Ipv4Address::broadcast()); }
  void unicast(const dhcp::Message& message) { deliver(message, gateway); }
  void send_bytes(ByteView payload, const MacAddress& source_mac);
  void tick(Duration time);

  // Exactly one reply is waiting, of this type.
  Sent expect(dhcp::MessageType type);
  Sent expect(dhcp::MessageType type, const std::string& yiaddr);
  // Nothing is waiting and nothing was dropped: handled, or parked.
  void expect_nothing();
  // Nothing is waiting and the last message counted exactly this drop.
  void expect_drop(DropReason reason);

  // DISCOVER to ACK.
  Ipv4Address join(const DhcpClient& client);

  // The disk: by default it takes every batch at once.
  void hold_disk() { disk_ = Disk::held; }
  void break_disk() { disk_ = Disk::broken; }
  void mend_disk();
  void end_turn();

  Instant now() const noexcept { return now_; }

  const Ipv4Address gateway;
  TimerQueue timers;
  DropCounters drops;
  dhcp::MemoryLeaseStore store;
  dhcp::LeaseBook book;
  dhcp::Server server;

 private:
  enum class Disk { fast, held, broken };

  void send(const dhcp::Reply& reply, Instant now) noexcept override;
  void deliver(const dhcp::Message& message, Ipv4Address target);
  void step(std::string text);
  [[noreturn]] void fail(const std::string& why);
  void expect_no_reply();

  Instant now_{std::chrono::seconds(1000)};
  Disk disk_ = Disk::fast;
  std::deque<Sent> replies_;
  DropCounters drops_before_;
  std::vector<std::string> steps_;
};

}  // namespace pontoon::test
