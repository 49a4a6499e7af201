#include "lab/replay/adapt.h"

#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "lab/replay/packet_edit.h"
#include "tests/support/dns.h"
#include "tests/unit/lab/adapt_home.h"

namespace pontoon::test {
namespace {

using dhcp::MessageType;
using lab::Adapter;

TEST_CASE("adapt: an endpoint that the case does not know passes unchanged") {
  CaptureBuilder nothing;
  Adapter adapter(home(), nothing.file());
  Bytes frame =
      udp_frame(outwards(kClientMac, "192.168.1.5", "8.8.8.8"), 40000, 53, encode(question("a")));
  const Bytes before = frame;
  adapter.adapt("nobody", frame);
  CHECK(frame == before);
}

TEST_CASE("adapt: queries to other DNS servers reach our gateway, answers come from them") {
  CaptureBuilder nothing;
  Adapter adapter(home(), nothing.file());
  const PacketEnds ours = outwards(kClientMac, "192.168.1.5", "192.168.1.1");
  const Bytes query = encode(question("example.com"));
  // musl: two servers at once, one port, one ID.
  for (const char* server : {"8.8.8.8", "1.1.1.1"}) {
    Bytes frame = udp_frame(outwards(kClientMac, "192.168.1.5", server), 40000, 53, query);
    adapter.adapt("web", frame);
    CHECK(sound(frame).target == ip("192.168.1.1"));
    adapter.as_asked("web", frame);
    CHECK(sound(frame).target == ip(server));
  }
  for (const char* server : {"8.8.8.8", "1.1.1.1", "1.1.1.1"}) {
    Bytes answer = udp_frame(ours.reversed(), 53, 40000, query);
    adapter.on_sent("web", answer);
    CHECK(sound(answer).source == ip(server));
  }
  // The gateway itself is asked from the same port, with the same ID.
  Bytes same = udp_frame(ours, 40000, 53, query);
  adapter.adapt("web", same);
  Bytes own = udp_frame(ours.reversed(), 53, 40000, query);
  adapter.on_sent("web", own);
  CHECK(sound(own).source == ip("192.168.1.1"));
  Bytes direct = udp_frame(ours, 40001, 53, query);
  adapter.adapt("web", direct);
  CHECK(sound(direct).target == ip("192.168.1.1"));
  Bytes answer = udp_frame(ours.reversed(), 53, 40001, query);
  adapter.on_sent("web", answer);
  CHECK(sound(answer).source == ip("192.168.1.1"));
  // Neither other ports nor groups nor other endpoints.
  for (const auto& [target, port] :
       {std::pair{"8.8.8.8", 443}, {"224.0.0.251", 53}, {"192.168.1.5", 53}}) {
    Bytes other = udp_frame(outwards(kClientMac, "192.168.1.5", target), 40000,
                            static_cast<std::uint16_t>(port), query);
    const Bytes before = other;
    adapter.adapt("web", other);
    CHECK(other == before);
  }
}

TEST_CASE("adapt: the gateway answers ARP and pings for the router that it stands in for") {
  CaptureBuilder nothing;
  Adapter adapter(home(), nothing.file());
  Bytes request = arp_frame(
      {wire::ArpOperation::request, kClientMac, ip4("192.168.1.5"), {}, ip4("192.168.1.254")});
  adapter.adapt("web", request);
  CHECK(dissect(request).arp->target_ip == ip4("192.168.1.1"));
  adapter.as_asked("web", request);
  CHECK(dissect(request).arp->target_ip == ip4("192.168.1.254"));
  Bytes reply = arp_frame(
      {wire::ArpOperation::reply, kRouterMac, ip4("192.168.1.1"), kClientMac, ip4("192.168.1.5")});
  adapter.on_sent("web", reply);
  CHECK(dissect(reply).arp->sender_ip == ip4("192.168.1.254"));

  const PacketEnds router = outwards(kClientMac, "192.168.1.5", "192.168.1.254");
  Bytes ping = echo_frame(router, true, 7, 1);
  adapter.adapt("web", ping);
  CHECK(sound(ping).target == ip("192.168.1.1"));
  PacketEnds ours = router;
  ours.target = ip("192.168.1.1");
  Bytes pong = echo_frame(ours.reversed(), false, 7, 1);
  adapter.on_sent("web", pong);
  CHECK(sound(pong).source == ip("192.168.1.254"));
}

TEST_CASE("adapt: the client answers when our gateway looks for it, and nobody else") {
  CaptureBuilder nothing;
  const Adapter adapter(home(), nothing.file());
  const auto who_has = [](const char* sender, const char* target) {
    return arp_frame({wire::ArpOperation::request, kRouterMac, ip4(sender), {}, ip4(target)});
  };
  const auto answer = adapter.answer("web", who_has("192.168.1.1", "192.168.1.5"));
  REQUIRE(answer);
  const Dissected got = dissect(*answer);
  CHECK(got.ethernet->source == kClientMac);
  CHECK(got.ethernet->destination == kRouterMac);
  CHECK(*got.arp == wire::ArpRepr{wire::ArpOperation::reply, kClientMac, ip4("192.168.1.5"),
                                  kRouterMac, ip4("192.168.1.1")});
  CHECK_FALSE(adapter.answer("web", who_has("192.168.1.1", "192.168.1.6")));
  CHECK_FALSE(adapter.answer("web", who_has("192.168.1.7", "192.168.1.5")));
  CHECK_FALSE(adapter.answer("nobody", who_has("192.168.1.1", "192.168.1.5")));
  CHECK_FALSE(adapter.answer("web", echo_frame(to_web(), true, 1, 1)));
  CHECK_FALSE(adapter.answer("web", Bytes(20)));
}

TEST_CASE("adapt: other clients' broadcasts are known for what they are") {
  CaptureBuilder nothing;
  const Adapter adapter(home(), nothing.file());
  CHECK(adapter.is_flooded(dhcp_frame(DhcpClient::numbered(1).discover())));
  CHECK_FALSE(adapter.is_flooded(dhcp_frame(DhcpClient::numbered(2).discover())));
  CHECK_FALSE(adapter.is_flooded(echo_frame(to_web(), true, 1, 1)));
  CHECK_FALSE(adapter.is_flooded({}));
}

TEST_CASE("adapt: a relay speaks from its 'giaddr', and hears from the server that answers") {
  lab::Case description = home();
  description.endpoints[0].request.relay = true;
  CaptureBuilder nothing;
  Adapter adapter(description, nothing.file());
  dhcp::Message message = DhcpClient::numbered(7).discover();
  message.giaddr = ip4("192.168.1.5");
  const PacketEnds far = outwards(kClientMac, "10.0.0.1", "10.0.0.9");
  Bytes frame = udp_frame(far, 67, 67, message.emit(548));
  adapter.adapt("web", frame);
  CHECK(sound(frame).source == ip("192.168.1.5"));
  CHECK(sound(frame).target == ip("192.168.1.1"));
  const PacketEnds ours = outwards(kClientMac, "192.168.1.5", "192.168.1.1");
  Bytes reply = udp_frame(ours.reversed(), 67, 67, message.emit(548));
  adapter.on_sent("web", reply);
  CHECK(sound(reply).source == ip("192.168.1.1"));
  Bytes other = udp_frame(far, 4000, 5000, pattern(9));
  const Bytes before = other;
  adapter.adapt("web", other);
  CHECK(other == before);
}

dhcp::Message dhcp_in(const Bytes& frame) {
  const Dissected got = sound(frame);
  const auto message = dhcp::Message::parse(got.payload);
  REQUIRE(message);
  return *message;
}

TEST_CASE("adapt: a client that chose a captured server's offer chooses ours") {
  const DhcpClient client = DhcpClient::numbered(1);
  CaptureBuilder capture;
  capture.add(dhcp_reply_frame(
      dhcp_answer(client.discover(), MessageType::offer, "192.168.1.50", "192.168.1.9")));
  Adapter adapter(home(), capture.file());
  Bytes offer = dhcp_reply_frame(
      dhcp_answer(client.discover(), MessageType::offer, "192.168.1.5", "192.168.1.1"));
  adapter.on_sent("web", offer);
  Bytes chosen = dhcp_frame(client.select(ip4("192.168.1.50"), ip4("192.168.1.9")));
  adapter.adapt("web", chosen);
  CHECK(dhcp_in(chosen).server_identifier == ip4("192.168.1.1"));
  CHECK(dhcp_in(chosen).requested_address == ip4("192.168.1.5"));
}

TEST_CASE("adapt: a server that never answered stays somebody else's, reboots stay as they are") {
  const DhcpClient client = DhcpClient::numbered(1);
  CaptureBuilder capture;
  capture.add(dhcp_reply_frame(
      dhcp_answer(client.discover(), MessageType::offer, "192.168.1.50", "192.168.1.1")));
  Adapter adapter(home(), capture.file());
  for (const dhcp::Message& message : {client.select(ip4("192.168.1.50"), ip4("192.168.1.200")),
                                       client.reboot(ip4("10.0.0.5")), client.discover()}) {
    Bytes frame = dhcp_frame(message);
    const Bytes before = frame;
    adapter.adapt("web", frame);
    CHECK(frame == before);
  }
  // Where no server speaks at all, whoever is named is the one that we replace.
  CaptureBuilder one_sided;
  Adapter believing(home(), one_sided.file());
  Bytes frame = dhcp_frame(client.select(ip4("192.168.1.50"), ip4("192.168.1.200")));
  believing.adapt("web", frame);
  CHECK(dhcp_in(frame).server_identifier == ip4("192.168.1.1"));
}

TEST_CASE("adapt: the oldest conversation is forgotten", "[limit:kAdaptedFlows]") {
  CaptureBuilder nothing;
  Adapter adapter(home(), nothing.file());
  const PacketEnds ours = outwards(kClientMac, "192.168.1.5", "192.168.1.1");
  const Bytes query = encode(question("a"));
  for (unsigned i = 0; i <= limits::kAdaptedFlows; ++i) {
    Bytes frame = udp_frame(outwards(kClientMac, "192.168.1.5", "8.8.8.8"),
                            static_cast<std::uint16_t>(2000 + i), 53, query);
    adapter.adapt("web", frame);
  }
  Bytes first = udp_frame(ours.reversed(), 53, 2000, query);
  adapter.on_sent("web", first);
  CHECK(sound(first).source == ip("192.168.1.1"));
  Bytes second = udp_frame(ours.reversed(), 53, 2001, query);
  adapter.on_sent("web", second);
  CHECK(sound(second).source == ip("8.8.8.8"));
}

TEST_CASE("packet edit: addresses change with all checksums, none stays none") {
  const PacketEnds ends = outwards(kClientMac, "192.168.1.5", "8.8.8.8");
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{100}}) {
    Bytes frame = udp_frame(ends, 1, 2, pattern(size));
    auto edit = lab::PacketEdit::of(frame);
    REQUIRE(edit);
    edit->set_source(ip4("10.255.0.1"));
    edit->set_target(ip4("172.16.200.3"));
    if (size >= 7) edit->set_u32(edit->transport() + 8 + 3, 0xdeadbeef);  // at an odd offset
    const Dissected got = sound(frame);
    CHECK(got.source == ip("10.255.0.1"));
    CHECK(got.target == ip("172.16.200.3"));
    if (size >= 7) CHECK(load_be<std::uint32_t>(got.payload.data() + 3) == 0xdeadbeef);
  }
  Bytes without = udp_frame(ends, 1, 2, pattern(9));
  without[14 + 20 + 6] = without[14 + 20 + 7] = 0;
  lab::PacketEdit::of(without)->set_target(ip4("1.2.3.4"));
  CHECK(without[14 + 20 + 6] == 0);
  CHECK(without[14 + 20 + 7] == 0);
  sound(without);
}

TEST_CASE("packet edit: what lies outside of the transport cannot be written") {
  Bytes frame = udp_frame(outwards(kClientMac, "192.168.1.5", "8.8.8.8"), 1, 2, pattern(9));
  const Bytes before = frame;
  auto edit = lab::PacketEdit::of(frame);
  edit->set_u32(0, 1);
  edit->set_u32(frame.size() - 3, 1);
  edit->set_u32(frame.size() + 100, 1);
  CHECK(frame == before);
}

TEST_CASE("packet edit: checksums left to the card are finished, wrong ones are not mended") {
  const PacketEnds ends = outwards(kClientMac, "192.168.1.5", "8.8.8.8");
  const Bytes whole = udp_frame(ends, 1, 2, pattern(9));
  const auto sum =
      wire::Checksum::pseudo_header(ends.source, ends.target, wire::IpProtocol::udp, 8 + 9);
  Bytes partial = whole;
  store_be(&partial[40], sum.folded());
  partial[24] = partial[25] = 0;  // the IP header's
  CHECK(lab::PacketEdit::of(partial)->finish_checksums());
  CHECK(partial == whole);
  CHECK_FALSE(lab::PacketEdit::of(partial)->finish_checksums());
  Bytes wrong = whole;
  wrong[40] ^= 1;
  const Bytes before = wrong;
  CHECK_FALSE(lab::PacketEdit::of(wrong)->finish_checksums());
  CHECK(wrong == before);
}

}  // namespace
}  // namespace pontoon::test
