// Captures as strangers make them, frame by frame.
//
//   CaptureBuilder capture;
//   capture.add(dhcp_frame(client.discover()));
//   capture.add(reply, 5ms);          // 5 ms after the one before
//   lab::adopt(capture.file(), {});
#pragma once

#include "dhcp/message.h"
#include "lab/replay/replay.h"
#include "tests/support/packets.h"

namespace pontoon::test {

class CaptureBuilder {
 public:
  explicit CaptureBuilder(capture::LinkType type = capture::LinkType::ethernet) {
    file_.interfaces.push_back({"en0", "", type, 0, std::nullopt, std::nullopt});
  }

  CaptureBuilder& add(const Bytes& frame, Duration later = std::chrono::milliseconds(10)) {
    return add_cut(frame, static_cast<std::uint32_t>(frame.size()), later);
  }
  CaptureBuilder& add_cut(const Bytes& frame, std::uint32_t original,
                          Duration later = std::chrono::milliseconds(10)) {
    time_ += later;
    capture::Packet packet;
    packet.time_ns = time_.count();
    packet.bytes = frame;
    packet.original_length = original;
    file_.packets.push_back(std::move(packet));
    return *this;
  }
  const lab::CaptureFile& file() const { return file_; }
  lab::CaptureFile& file() { return file_; }

 private:
  lab::CaptureFile file_;
  std::chrono::nanoseconds time_{std::chrono::seconds(1'700'000'000)};
};

inline const MacAddress kRouterMac{{0x00, 0x1a, 0x2b, 0x00, 0x00, 0x01}};

// A client's message as it leaves it: from `ciaddr` (or nobody) to `target`.
inline Bytes dhcp_frame(const dhcp::Message& message,
                        const std::string& target = "255.255.255.255") {
  PacketEnds ends;
  ends.source_mac = message.chaddr;
  ends.target = ip(target);
  ends.target_mac = ip4(target).is_broadcast() ? MacAddress::broadcast() : kRouterMac;
  ends.source = message.ciaddr;
  return udp_frame(ends, 68, 67, message.emit(548));
}

// The captured server's answer, broadcast.
inline Bytes dhcp_reply_frame(const dhcp::Message& message) {
  PacketEnds ends;
  ends.source_mac = kRouterMac;
  ends.target_mac = MacAddress::broadcast();
  ends.source = message.server_identifier.value_or(Ipv4Address::of(192, 168, 1, 1));
  ends.target = Ipv4Address::broadcast();
  return udp_frame(ends, 67, 68, message.emit(548));
}

// A server's OFFER or ACK of a /24.
inline dhcp::Message dhcp_answer(const dhcp::Message& request, dhcp::MessageType type,
                                 const std::string& address, const std::string& server) {
  dhcp::Message reply;
  reply.from_client = false;
  reply.xid = request.xid;
  reply.chaddr = request.chaddr;
  reply.type = type;
  reply.yiaddr = ip4(address);
  reply.server_identifier = ip4(server);
  reply.subnet_mask = ip4("255.255.255.0");
  reply.routers = {ip4(server)};
  reply.dns_servers = {ip4(server)};
  reply.lease_time_s = 3600;
  return reply;
}

// Between a station in the network and whoever is behind the router.
inline PacketEnds outwards(const MacAddress& mac, const std::string& from, const std::string& to) {
  PacketEnds ends;
  ends.source_mac = mac;
  ends.target_mac = kRouterMac;
  ends.source = ip(from);
  ends.target = ip(to);
  return ends;
}

}  // namespace pontoon::test
