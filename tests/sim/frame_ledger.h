// Frame conservation and isolation at the switch: every frame that an endpoint puts on its wire is,
// within the same instant, delivered to those whom it is for, or dropped with one reason; what
// arrives was sent by the one who it says has sent it, on the same network, and is for the one who
// gets it. Impairments of the product must be off: they may keep a frame for later.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/address.h"
#include "core/link/observer.h"
#include "tests/sim/report.h"

namespace pontoon::sim {

class FrameLedger {
 public:
  // What somebody means by a frame that he sends.
  enum class Intent : std::uint8_t { honest, garbage, forged };

  explicit FrameLedger(Report& report) : report_(report) {}

  void add_network(const std::string& name, const MacAddress& gateway);
  void add_member(const std::string& name, const std::string& network, const MacAddress& mac);
  void remove_member(const std::string& name);

  // Of the next frame that goes in.
  void intend(Intent intent) noexcept { intent_ = intent; }
  void on_frame(std::string_view where, FrameEvent event, ByteView frame,
                std::optional<DropReason> reason, Instant now);
  // Everything that went in so far must have come to its end.
  void close();

  // Whether the frame is the gateway's own, by its source.
  bool from_gateway(std::string_view where, ByteView frame) const;

  // Drops that were told, of endpoints and of gateways, since the daemon's start.
  std::uint64_t member_drops() const noexcept { return member_drops_; }
  std::uint64_t gateway_drops() const noexcept { return gateway_drops_; }
  std::uint64_t frames() const noexcept { return frames_; }
  void forget_drops() noexcept { member_drops_ = gateway_drops_ = 0; }

 private:
  struct Member {
    std::string network;
    MacAddress mac;
    std::uint64_t since = 0;  // frames that were seen before it came
  };
  struct Entry {
    std::string from;
    std::uint64_t number = 0;
    std::string network;
    Intent intent = Intent::honest;
    std::vector<std::uint8_t> bytes;
    std::map<std::string, unsigned> delivered;
    std::map<std::string, unsigned> dropped;
    std::optional<DropReason> reason;
  };

  void on_sent(std::string_view where, ByteView frame);
  void on_delivered(const std::string& where, ByteView frame);
  void on_dropped(const std::string& where, ByteView frame, DropReason reason);
  void check(const Entry& entry);
  void check_recipient(const Entry& entry, const std::string& name);
  void fail(const std::string& what, ByteView frame);
  const std::string* owner(const MacAddress& mac, const std::string& network) const;

  Report& report_;
  Intent intent_ = Intent::honest;
  Instant now_{};
  std::map<std::string, MacAddress> gateways_;
  std::map<std::string, Member, std::less<>> members_;
  std::vector<Entry> entries_;
  std::uint64_t member_drops_ = 0;
  std::uint64_t gateway_drops_ = 0;
  std::uint64_t frames_ = 0;
};

}  // namespace pontoon::sim
