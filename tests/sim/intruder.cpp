#include "tests/sim/intruder.h"

namespace pontoon::sim {
namespace {

using Intent = FrameLedger::Intent;

constexpr std::string_view kMarker = "FORGED";
constexpr unsigned kFlood = 40;
constexpr MacAddress kNobody{{2, 9, 9, 9, 9, 8}};

void set_header_checksum(Bytes& frame) {
  frame[14 + 10] = frame[14 + 11] = 0;
  unsigned sum = 0;
  for (std::size_t i = 14; i < 14 + 20; i += 2)
    sum += static_cast<unsigned>(frame[i]) << 8 | frame[i + 1];
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  store_be(frame.data() + 14 + 10, static_cast<std::uint16_t>(~sum & 0xffff));
}

}  // namespace

void Intruder::send(lab::World& world, Intent intent, const Bytes& frame) {
  if (!station_.member().plugged()) return;
  ledger_.intend(intent);
  world.put(station_.member(), frame);
}

void Intruder::act(lab::World& world, Station& victim) {
  switch (random_.below(14)) {
    case 6:
      return send(world, Intent::forged, forged_sender(victim));
    case 7:
      return send(world, Intent::forged, forged_fragment(victim));
    case 8:
      return send(world, Intent::forged, redirect(victim));
    case 9:
      return send(world, Intent::forged, foreign_protocol(victim));
    case 10:
      return send(world, Intent::garbage, forbidden());
    case 11:
      return send(world, Intent::garbage, broken());
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
  const MacAddress sources[] = {victim.member().mac(), gateway_mac_, kNobody,
                                MacAddress{{3, 9, 9, 9, 9, 9}}, MacAddress{}};
  ends.source_mac = sources[random_.below(5)];
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
  const std::pair<std::uint16_t, std::uint16_t> ports[] = {{67, 68}, {67, 7000}, {7000, 68}};
  const auto& [from, to] = ports[random_.below(3)];
  if (random_.below(4) == 0) {  // as if it had no address, and yet not to a DHCP server
    ends.source = Ipv4Address::any();
    return test::udp_frame(ends, 68, 7000, as_bytes(kMarker));
  }
  return test::udp_frame(ends, from, to, Bytes(300, 2));
}

// ARP with its own address in the frame and another's in the claim.
Bytes Intruder::forged_sender(Station& victim) {
  wire::ArpRepr claim;
  claim.operation = random_.below(2) == 0 ? wire::ArpOperation::reply : wire::ArpOperation::request;
  claim.sender_mac = random_.below(2) == 0 ? kNobody : victim.member().mac();
  claim.sender_ip = station_.member().address().v4();
  claim.target_mac = victim.member().mac();
  claim.target_ip = victim.member().address().v4();
  if (random_.below(3) == 0) {  // a reply that says who has no address
    claim.operation = wire::ArpOperation::reply;
    claim.sender_mac = station_.member().mac();
    claim.sender_ip = Ipv4Address::any();
  }
  Bytes frame = test::arp_frame(claim);
  const MacAddress own = station_.member().mac();
  std::copy(own.octets.begin(), own.octets.end(), frame.begin() + 6);
  return frame;
}

// The ports of a later fragment cannot be seen, its source can.
Bytes Intruder::forged_fragment(Station& victim) {
  Bytes frame = forged_ip(victim, "198.51.100.1");
  frame[14 + 6] = 0;
  frame[14 + 7] = static_cast<std::uint8_t>(1 + random_.below(200));
  set_header_checksum(frame);
  return frame;
}

// "Send what is for him to me": ICMP type 5 (RFC 792).
Bytes Intruder::redirect(Station& victim) {
  test::PacketEnds ends = station_.ends_to(victim.member().address());
  ends.target_mac = victim.member().mac();
  Bytes frame = test::echo_frame(ends, true, 1, 1, Bytes(28, 0x45));
  frame[14 + 20] = 5;
  return frame;
}

Bytes Intruder::foreign_protocol(Station& victim) {
  Bytes frame = test::arp_frame({});
  const MacAddress target = victim.member().mac();
  const MacAddress own = station_.member().mac();
  std::copy(target.octets.begin(), target.octets.end(), frame.begin());
  std::copy(own.octets.begin(), own.octets.end(), frame.begin() + 6);
  const std::uint16_t types[] = {0x8100, 0x88a8, 0x88cc, 0x888e, 0x8863};
  store_be(frame.data() + 12, types[random_.below(5)]);
  return frame;
}

// From its own address to where nobody may go: the ledger lets it pass, no host may hear of it.
Bytes Intruder::forbidden() {
  const char* const targets[] = {"127.0.0.1", "169.254.169.254", "10.20.0.2",
                                 "10.21.0.2", "10.21.0.1",       "224.0.0.1",
                                 "240.0.0.1", "0.0.0.0",         "100.100.100.200"};
  test::PacketEnds ends = station_.ends_to(test::ip("198.51.100.9"));
  ends.target_mac = gateway_mac_;
  ends.target = test::ip(targets[random_.below(9)]);
  if (random_.below(2) == 0) return test::udp_frame(ends, 7000, 7, as_bytes(kMarker));
  wire::TcpRepr syn;
  syn.source_port = static_cast<std::uint16_t>(20000 + random_.below(1000));
  syn.destination_port = 80;
  syn.flags.syn = true;
  syn.window = 1000;
  return test::tcp_frame(ends, syn);
}

// To a host that nobody else talks to: it must not hear what a checksum or a TTL condemns.
Bytes Intruder::broken() {
  test::PacketEnds ends = station_.ends_to(test::ip("198.51.100.66"));
  ends.target_mac = gateway_mac_;
  const unsigned kind = random_.below(4);
  if (kind == 0) ends.hop_limit = static_cast<std::uint8_t>(random_.below(2));
  Bytes frame = test::udp_frame(ends, 7000, 7, as_bytes(kMarker));
  if (kind == 1) {
    wire::TcpRepr syn;
    syn.source_port = static_cast<std::uint16_t>(20000 + random_.below(1000));
    syn.destination_port = 80;
    syn.flags.syn = true;
    frame = test::tcp_frame(ends, syn);
  }
  if (kind == 2) frame[14 + 10] ^= 0x40;                            // the header's checksum
  if (kind == 1) frame[14 + 20 + 16] ^= 0x40;                       // TCP's
  if (kind == 3) frame[frame.size() - 1 - random_.below(6)] ^= 1U;  // UDP's text
  return frame;
}

// Frames with its own MAC that are wrong in every other way.
Bytes Intruder::garbage(Station& victim) {
  Bytes frame(14 + random_.below(200));
  random_.fill(frame);
  const MacAddress targets[] = {gateway_mac_, victim.member().mac(), MacAddress::broadcast(),
                                MacAddress{{2, 9, 9, 9, 9, 9}}, station_.member().mac()};
  const MacAddress& target = targets[random_.below(5)];
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
