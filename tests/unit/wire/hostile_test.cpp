// Whatever the bytes, the parsers stay inside them. Every input lies in a heap buffer of exactly
// its size, so that AddressSanitizer sees one byte too many.
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <memory>

#include "core/base/random.h"
#include "tests/support/packets.h"
#include "tests/unit/wire/generators.h"

namespace pontoon::wire {
namespace {

using namespace test;

class Exact {
 public:
  explicit Exact(ByteView bytes) : size_(bytes.size()), data_(new std::uint8_t[bytes.size()]) {
    std::copy(bytes.begin(), bytes.end(), data_.get());
  }
  ByteView view() const { return {data_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<std::uint8_t[]> data_;
};

std::size_t touched = 0;

void touch(ByteView bytes) {
  for (const std::uint8_t byte : bytes)
    touched += byte;
}

template <class T>
void touch_value(const T& value) {
  touched += static_cast<std::size_t>(value == T{});
}

void read_tcp(ByteView bytes) {
  if (const auto view = TcpView::parse(bytes)) {
    touch_value(TcpRepr::from(*view));
    touch(view->payload());
    touch_value(view->checksum_ok(IpAddress(), IpAddress()));
    touched += view->sequence_length();
  }
}

void read_udp(ByteView bytes) {
  for (const auto& view : {UdpView::parse(bytes), UdpView::parse_quoted(bytes)}) {
    if (!view) continue;
    touch_value(UdpRepr::from(*view));
    touch(view->payload());
    touch_value(view->checksum_ok(IpAddress(), IpAddress()));
  }
}

void read_icmp(ByteView bytes) {
  if (const auto view = IcmpView::parse(bytes)) {
    touch_value(IcmpRepr::from(*view));
    touch(view->quoted());
    touch_value(view->checksum_ok());
    touch_value(view->is_error());
  }
  if (const auto view = Icmpv6View::parse(bytes)) {
    touch_value(Icmpv6Repr::from(*view));
    touch_value(view->checksum_ok(IpAddress(), IpAddress()));
  }
}

void read_ndp(ByteView bytes) {
  if (const auto view = NeighbourSolicitationView::parse(bytes))
    touch_value(NeighbourSolicitationRepr::from(*view));
  if (const auto view = NeighbourAdvertisementView::parse(bytes))
    touch_value(NeighbourAdvertisementRepr::from(*view));
  if (const auto view = RouterSolicitationView::parse(bytes))
    touch_value(RouterSolicitationRepr::from(*view));
  if (const auto view = RouterAdvertisementView::parse(bytes))
    touch_value(RouterAdvertisementRepr::from(*view));
}

void read_ip(ByteView bytes) {
  for (const auto& view : {Ipv4View::parse(bytes), Ipv4View::parse_quoted(bytes)}) {
    if (!view) continue;
    touch_value(Ipv4Repr::from(*view));
    touch(view->payload());
    touch_value(view->checksum_ok());
  }
  for (const auto& view : {Ipv6View::parse(bytes), Ipv6View::parse_quoted(bytes)}) {
    if (!view) continue;
    touch_value(Ipv6Repr::from(*view));
    const Ipv6Chain chain = view->chain();
    touch(chain.payload);
    if (chain.status == Ipv6ChainStatus::ok)
      CHECK(chain.offset + chain.payload.size() == view->bytes().size());
  }
}

// Every parser reads the bytes as if they were its own format.
void read_everything(ByteView bytes) {
  if (const auto view = EthernetView::parse(bytes)) touch_value(EthernetRepr::from(*view));
  if (const auto view = VlanView::parse(bytes)) touch_value(VlanRepr::from(*view));
  if (const auto view = ArpView::parse(bytes)) touch_value(ArpRepr::from(*view));
  read_ip(bytes);
  read_tcp(bytes);
  read_udp(bytes);
  read_icmp(bytes);
  read_ndp(bytes);
}

TcpRepr rich_tcp() {
  TcpRepr repr;
  repr.options.mss = 1460;
  repr.options.window_scale = 7;
  repr.options.timestamps = TcpTimestamps{1, 2};
  repr.options.add_sack({{10}, {20}});
  return repr;
}

RouterAdvertisementRepr rich_advertisement() {
  RouterAdvertisementRepr repr;
  repr.options.source_link = mac("02:00:00:00:00:01");
  repr.options.mtu = 1500;
  repr.options.add_prefix(NdpPrefix{ip6("fd00::"), 64, true, true, 3600, 1800});
  repr.options.add_dns_server(ip6("fd00::1"));
  return repr;
}

std::vector<Bytes> specimens() {
  const PacketEnds v4 = between("172.17.0.2", "172.17.0.1");
  const PacketEnds v6 = between("fe80::2", "ff02::1");
  return {
      arp_frame(ArpRepr{ArpOperation::request, v4.source_mac, ip4("172.17.0.2"), MacAddress{},
                        ip4("172.17.0.1")}),
      udp_frame(v4, 1000, 53, pattern(30)),
      udp_frame(v6, 1000, 53, pattern(30)),
      tcp_frame(v4, rich_tcp(), pattern(30)),
      tcp_frame(v6, rich_tcp(), pattern(30)),
      echo_frame(v4, true, 1, 2, pattern(30)),
      echo_frame(v6, true, 1, 2, pattern(30)),
      ndp_frame(v6, rich_advertisement()),
      tagged(udp_frame(v4, 1, 2, pattern(10)), 5),
  };
}

}  // namespace

TEST_CASE("hostile: every specimen is understood when it is whole") {
  for (const Bytes& specimen : specimens()) {
    INFO(specimen.size());
    CHECK(dissect(specimen).problem == "");
  }
}

TEST_CASE("hostile: truncations at every length, read as every format from every offset") {
  for (const Bytes& specimen : specimens()) {
    for (std::size_t size = 0; size <= specimen.size(); ++size) {
      const Exact exact(ByteView(specimen).first(size));
      (void)dissect(exact.view());
      for (const std::size_t offset : {0, 14, 18, 34, 54}) {
        if (offset <= size) read_everything(exact.view().subspan(offset));
      }
    }
  }
  CHECK(touched > 0);
}

TEST_CASE("hostile: a truncated specimen never passes for whole") {
  for (const Bytes& specimen : specimens()) {
    for (std::size_t size = 0; size < specimen.size(); ++size)
      CHECK(dissect(ByteView(specimen).first(size)).problem != "");
  }
}

TEST_CASE("hostile: each byte of each specimen set to extremes") {
  for (const Bytes& specimen : specimens()) {
    for (std::size_t at = 0; at < specimen.size(); ++at) {
      for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
        Bytes bent = specimen;
        bent[at] = static_cast<std::uint8_t>(value);
        const Exact exact(bent);
        (void)dissect(exact.view());
        read_everything(exact.view().subspan(14));
        read_everything(exact.view().subspan(34));
      }
    }
  }
  CHECK(touched > 0);
}

TEST_CASE("hostile: random bytes read as every format") {
  SeededRandom random(7, "hostile");
  for (int round = 0; round < 3000; ++round) {
    Bytes bytes(random.below(200));
    random.fill(bytes);
    // Half of them get past the first check of the IP parsers.
    if (!bytes.empty() && round % 2 == 0)
      bytes[0] = static_cast<std::uint8_t>((round % 4 == 0 ? 0x40 : 0x60) | (bytes[0] & 0x0f));
    read_everything(Exact(bytes).view());
  }
  CHECK(touched > 0);
}

}  // namespace pontoon::wire
