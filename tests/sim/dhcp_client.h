// A DHCPv4 client of our own, with its own codec: RFC 2131 4.4 as far as a small client goes, and
// strict about what servers say.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/base/random.h"
#include "core/base/timer_queue.h"

namespace pontoon::sim {

namespace dhcp_type {
constexpr std::uint8_t discover = 1, offer = 2, request = 3, decline = 4, ack = 5, nak = 6,
                       release = 7, inform = 8;
}

struct DhcpText {
  std::uint8_t op = 1;
  std::uint32_t xid = 0;
  bool broadcast = false;
  Ipv4Address ciaddr, yiaddr;
  MacAddress chaddr;
  std::uint8_t type = 0;
  std::map<std::uint8_t, std::vector<std::uint8_t>> options;

  std::vector<std::uint8_t> emit() const;
  static std::optional<DhcpText> parse(ByteView bytes);
  std::optional<std::uint32_t> u32(std::uint8_t option) const;
};

struct DhcpClientConfig {
  MacAddress mac;
  std::string identifier;  // option 61; empty: none
  Ipv4Address server;
  IpPrefix subnet;
  bool broadcast = false;
  bool renews = true;
};

class DhcpClient {
 public:
  struct Surroundings {
    TimerQueue& timers;
    std::function<void(const std::vector<std::uint8_t>& message, Ipv4Address source,
                       Ipv4Address target)>
        send;
    std::function<void(const std::string& what)> violation;
  };
  DhcpClient(const DhcpClientConfig& config, SeededRandom random, Surroundings surroundings);

  void start(Instant now);  // DISCOVER, or INIT-REBOOT when it remembers an address
  void forget() noexcept { address_ = {}; }
  // As if it had had this address before, here or elsewhere.
  void remember(Ipv4Address address) noexcept { address_ = address; }
  void release(Instant now);
  void decline(Instant now);
  void inform(Instant now);
  void stop() noexcept;
  void on_message(ByteView bytes, Instant now);

  const DhcpClientConfig& config() const noexcept { return config_; }
  bool bound(Instant now) const noexcept {
    return (state_ == State::bound || state_ == State::renewing) && now < until_;
  }
  std::uint32_t xid() const noexcept { return xid_; }
  Instant asked() const noexcept { return asked_; }  // last
  bool idle() const noexcept { return state_ == State::idle; }
  Ipv4Address address() const noexcept { return address_; }

 private:
  enum class State : std::uint8_t {
    idle,
    selecting,
    requesting,
    rebooting,
    bound,
    renewing,
    informing
  };

  DhcpText message(std::uint8_t type) const;
  void send(const DhcpText& text, Ipv4Address source, Ipv4Address target);
  void ask(Instant now);
  void on_time(Instant now);
  void on_offer(const DhcpText& text, Instant now);
  void on_ack(const DhcpText& text, Instant now);
  void check(const DhcpText& text, bool lease);

  DhcpClientConfig config_;
  SeededRandom random_;
  Surroundings around_;
  Timer timer_{Timer::bind<&DhcpClient::on_time>(*this)};
  State state_ = State::idle;
  std::uint32_t xid_ = 0;
  unsigned tries_ = 0;
  Ipv4Address address_;
  Instant asked_{};
  Instant until_{};
  Instant renew_{};
};

}  // namespace pontoon::sim
