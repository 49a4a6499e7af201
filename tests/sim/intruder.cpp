#include "tests/sim/intruder.h"

namespace pontoon::sim {
namespace {

using Intent = FrameLedger::Intent;

constexpr std::string_view kMarker = "FORGED";
constexpr unsigned kFlood = 40;

}  // namespace

void Intruder::send(lab::World& world, Intent intent, const Bytes& frame) {
  if (!station_.member().plugged()) return;
  ledger_.intend(intent);
  world.put(station_.member(), frame);
}

void Intruder::act(lab::World& world, Station& victim) {
  switch (random_.below(8)) {
    case 0:
      return send(world, Intent::forged, forged_mac(victim));
    case 1:
      return send(world, Intent::forged, forged_ip(victim, "198.51.100.1"));
    case 2:
      return send(world, Intent::forged, forged_ip(victim, gateway_.to_string()));
    case 3:
      return send(world, Intent::forged, forged_arp(victim));
    case 4:
      return send(world, Intent::forged, forged_service(victim));
    case 5:
      for (unsigned i = 0; i < kFlood; ++i)
        send(world, Intent::garbage, garbage(victim));
      return;
    default:
      return send(world, Intent::garbage, random_.below(2) == 0 ? garbage(victim) : wild_tcp());
  }
}

Bytes Intruder::forged_mac(Station& victim) {
  test::PacketEnds ends = station_.ends_to(gateway_);
  ends.source_mac = random_.below(2) == 0 ? victim.member().mac() : gateway_mac_;
  ends.target_mac = random_.below(2) == 0 ? gateway_mac_ : victim.member().mac();
  return test::udp_frame(ends, 7000, 7, as_bytes(kMarker));
}

// In another's name, to the gateway and beyond.
Bytes Intruder::forged_ip(Station& victim, const std::string& target) {
  test::PacketEnds ends = station_.ends_to(gateway_);
  ends.target_mac = gateway_mac_;
  ends.source = victim.member().address();
  ends.target = test::ip(target);
  if (random_.below(2) == 0) return test::udp_frame(ends, 7000, 7, as_bytes(kMarker));
  wire::TcpRepr syn;
  syn.source_port = static_cast<std::uint16_t>(20000 + random_.below(1000));
  syn.destination_port = 80;
  syn.flags.syn = true;
  syn.window = 1000;
  return test::tcp_frame(ends, syn);
}

Bytes Intruder::forged_arp(Station& victim) {
  wire::ArpRepr claim;
  claim.operation = random_.below(2) == 0 ? wire::ArpOperation::reply : wire::ArpOperation::request;
  claim.sender_mac = station_.member().mac();
  claim.sender_ip = random_.below(2) == 0 ? gateway_ : victim.member().address().v4();
  claim.target_mac = victim.member().mac();
  claim.target_ip = victim.member().address().v4();
  return test::arp_frame(claim);
}

// A DHCP server's message from an endpoint's own address.
Bytes Intruder::forged_service(Station& victim) {
  test::PacketEnds ends = station_.ends_to(gateway_);
  ends.target_mac = victim.member().mac();
  ends.target = victim.member().address();
  return test::udp_frame(ends, 67, 68, Bytes(300, 2));
}

// Frames with its own MAC that are wrong in every other way.
Bytes Intruder::garbage(Station& victim) {
  Bytes frame(14 + random_.below(200));
  random_.fill(frame);
  const MacAddress targets[] = {gateway_mac_, victim.member().mac(), MacAddress::broadcast(),
                                MacAddress{{2, 9, 9, 9, 9, 9}}};
  const MacAddress& target = targets[random_.below(4)];
  std::copy(target.octets.begin(), target.octets.end(), frame.begin());
  const MacAddress own = station_.member().mac();
  std::copy(own.octets.begin(), own.octets.end(), frame.begin() + 6);
  frame[12] = 0x08;
  frame[13] = random_.below(4) == 0 ? 0x06 : 0x00;
  if (frame.size() < 14 + 20) return frame;
  frame[14] = 0x45;
  const auto source = station_.member().address().v4().bytes();
  std::copy(source.begin(), source.end(), frame.begin() + 26);
  return frame;
}

// Any flags, any numbers, from its own address to the gateway's services.
Bytes Intruder::wild_tcp() {
  test::PacketEnds ends = station_.ends_to(test::ip("198.51.100.9"));
  ends.target_mac = gateway_mac_;
  wire::TcpRepr segment;
  segment.source_port = static_cast<std::uint16_t>(20000 + random_.below(4));
  segment.destination_port = 80;
  segment.flags = wire::TcpFlags::from_bits(static_cast<std::uint8_t>(random_.below(64)));
  segment.sequence = {random_.u32()};
  segment.acknowledgement = {random_.u32()};
  segment.window = static_cast<std::uint16_t>(random_.below(65536));
  const Bytes text(random_.below(100), 0x55);
  return test::tcp_frame(ends, segment, text);
}

}  // namespace pontoon::sim
