// The ports against the real kernel: inside a network namespace of its own, the kernel has an
// interface with an address, and the test plays the one station at the other end of it.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "bridge/ports/packet_socket.h"
#include "bridge/ports/port_factory.h"
#include "bridge/ports/tap_device.h"
#include "tests/support/own_network.h"
#include "tests/support/packets.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace pontoon::bridge {
namespace {

using test::Bytes;
using test::expect;

const MacAddress kOurs = test::mac("02:42:ac:11:00:09");
const MacAddress kKernel = test::mac("02:42:ac:11:00:02");
constexpr auto kOurAddress = "172.17.0.9";
constexpr auto kKernelAddress = "172.17.0.2";
constexpr Instant kNow{std::chrono::hours(1)};
constexpr std::chrono::seconds kPatience{10};

std::string to_text(LinkHandle::Kind kind) {
  return kind == LinkHandle::Kind::tap ? "tap" : "packet";
}

// Runs the body, and says aloud when it could not be run.
void check(const std::function<void()>& body) {
  const test::Outcome outcome = test::in_own_network(body);
  if (outcome.kind == test::Outcome::Kind::skipped) {
    WARN("skipped: " << outcome.text);
    return;
  }
  INFO(outcome.text);
  CHECK(outcome.kind == test::Outcome::Kind::passed);
}

LinkHandle opened(Result<LinkHandle> link) {
  if (link) return std::move(*link);
  const ErrorCode code = link.error().code;
  if (code == ErrorCode::unavailable || code == ErrorCode::permission_denied)
    throw test::Skip(link.error().message);
  throw std::runtime_error(link.error().message);
}

LinkHandle make_link(LinkHandle::Kind kind) {
  if (kind == LinkHandle::Kind::tap) return opened(open_tap("eth0"));
  test::command("ip link add eth0 type veth peer name peer0");
  // Two ends in one namespace: the far one must not answer for the near one's address.
  test::command("sysctl -qw net.ipv6.conf.peer0.disable_ipv6=1 net.ipv4.conf.peer0.arp_ignore=8");
  test::command("ip link set peer0 up");
  return opened(open_packet_socket(::if_nametoindex("peer0")));
}

// The far station: a port, and what arrives at it.
class Station {
 public:
  explicit Station(LinkHandle::Kind kind) {
    LinkHandle link = make_link(kind);
    uso = link.uso;
    tso = link.tso;
    test::command("sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1");
    test::command("ip link set eth0 address " + kKernel.to_string());
    test::command(std::string("ip addr add ") + kKernelAddress + "/24 dev eth0");
    test::command("ip link set eth0 up");
    port = make_port(std::move(link), pool, poller, 1500);
    expect(port != nullptr, "no port");
  }

  void send(ByteView bytes, const Offload& offload = {}) {
    port->send(test::to_frame(pool, bytes, offload), kNow);
    port->flush(kNow);
  }
  // The first frame that `wanted` accepts; answers ARP on the way.
  FrameRef await(const std::string& what, const std::function<bool(const Frame&)>& wanted) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < end) {
      while (!arrived_.empty()) {
        FrameRef frame = std::move(arrived_.front());
        arrived_.erase(arrived_.begin());
        if (answer_arp(*frame)) continue;
        if (wanted(*frame)) return frame;
      }
      pull();
      if (!arrived_.empty()) continue;
      pollfd waiting{poller.fd(), POLLIN, 0};
      (void)::poll(&waiting, 1, 100);
      poller.collect();
    }
    throw std::runtime_error("waited in vain for " + what);
  }
  // Takes whatever is there now.
  void pull() {
    std::array<FrameRef, 64> batch;
    std::size_t count = 0;
    while ((count = port->receive(batch, kNow)) > 0) {
      for (std::size_t i = 0; i < count; ++i)
        arrived_.push_back(std::move(batch[i]));
    }
  }
  std::uint64_t dropped(DropReason reason) const { return port->counters().drops[reason]; }

  FramePool pool;
  host::Poller poller;
  std::unique_ptr<Port> port;
  bool tso = false;
  bool uso = false;

 private:
  bool answer_arp(const Frame& frame) {
    const auto view = wire::EthernetView::parse(frame.bytes());
    if (view->ether_type() != wire::EtherType::arp) return false;
    const auto arp = wire::ArpView::parse(view->payload());
    if (arp && arp->operation() == wire::ArpOperation::request &&
        arp->target_ip() == test::ip4(kOurAddress)) {
      send(test::arp_frame({wire::ArpOperation::reply, kOurs, arp->target_ip(), arp->sender_mac(),
                            arp->sender_ip()}));
    }
    return true;
  }
  std::vector<FrameRef> arrived_;
};

test::PacketEnds to_kernel() {
  test::PacketEnds ends = test::between(kOurAddress, kKernelAddress);
  ends.source_mac = kOurs;
  ends.target_mac = kKernel;
  return ends;
}

sockaddr_in address_of(const char* address, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  expect(::inet_pton(AF_INET, address, &out.sin_addr) == 1, "address");
  return out;
}

// A socket of the kernel's side, bound to port 5000.
UniqueFd kernel_socket(int type) {
  UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  expect(static_cast<bool>(fd), "socket");
  const sockaddr_in local = address_of(kKernelAddress, 5000);
  expect(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) == 0, "bind");
  const timeval patience{kPatience.count(), 0};
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

void send_from_kernel(const UniqueFd& fd, ByteView payload) {
  const sockaddr_in target = address_of(kOurAddress, 4000);
  const ssize_t size = ::sendto(fd.get(), payload.data(), payload.size(), 0,
                                reinterpret_cast<const sockaddr*>(&target), sizeof target);
  expect(size == static_cast<ssize_t>(payload.size()),
         std::string("send: ") + std::strerror(errno));
}

Bytes receive_in_kernel(const UniqueFd& fd) {
  Bytes bytes(70'000);
  const ssize_t size = ::recv(fd.get(), bytes.data(), bytes.size(), 0);
  expect(size >= 0, std::string("receive: ") + std::strerror(errno));
  bytes.resize(static_cast<std::size_t>(size));
  return bytes;
}

bool is_udp(const Frame& frame) {
  const auto view = wire::EthernetView::parse(frame.bytes());
  if (view->ether_type() != wire::EtherType::ipv4) return false;
  const auto packet = wire::Ipv4View::parse(view->payload());
  return packet && packet->protocol() == wire::IpProtocol::udp;
}

// A TCP frame's headers and data, whatever its checksum.
struct Segment {
  wire::TcpRepr header;
  Bytes data;
};
std::optional<Segment> tcp_of(const Frame& frame) {
  const auto view = wire::EthernetView::parse(frame.bytes());
  if (view->ether_type() != wire::EtherType::ipv4) return std::nullopt;
  const auto packet = wire::Ipv4View::parse(view->payload());
  if (!packet || packet->protocol() != wire::IpProtocol::tcp) return std::nullopt;
  const auto tcp = wire::TcpView::parse(packet->payload());
  if (!tcp) return std::nullopt;
  return Segment{wire::TcpRepr::from(*tcp), test::to_bytes(tcp->payload())};
}

LinkHandle::Kind both_kinds() {
  return GENERATE(LinkHandle::Kind::tap, LinkHandle::Kind::packet);
}

TEST_CASE("the kernel answers a ping") {
  const auto kind = both_kinds();
  INFO(to_text(kind));
  check([&] {
    Station station(kind);
    const Bytes data = test::pattern(1000);
    station.send(test::echo_frame(to_kernel(), true, 7, 1, data));
    const FrameRef reply = station.await("an echo reply", [](const Frame& frame) {
      const auto got = test::dissect(frame.bytes());
      return got.icmp && got.icmp->type == wire::IcmpType::echo_reply;
    });
    expect(test::dissect(reply->bytes()).payload == data, "the data came back changed");
  });
}

TEST_CASE("datagrams go both ways, with partial checksums") {
  const auto kind = both_kinds();
  INFO(to_text(kind));
  check([&] {
    Station station(kind);
    const UniqueFd socket = kernel_socket(SOCK_DGRAM);
    const Bytes data = test::pattern(1400);
    send_from_kernel(socket, data);
    const FrameRef frame = station.await("a datagram", is_udp);
    const auto udp = wire::UdpView::parse(frame->bytes().subspan(14 + 20));
    expect(udp && test::to_bytes(udp->payload()) == data, "the datagram came out changed");
    expect(frame->offload.needs_checksum, "the kernel computed a checksum in vain");

    const Bytes plain = test::udp_frame(to_kernel(), 4000, 5000, test::pattern(900, 3));
    station.send(plain);
    expect(receive_in_kernel(socket) == test::pattern(900, 3), "with its checksum");
    // Our half of the checksum only: the kernel takes the rest as done.
    Bytes partial = test::udp_frame(to_kernel(), 4000, 5000, test::pattern(901, 5));
    const Offload offload = test::partial_checksum(partial);
    Bytes header(8);
    wire::UdpRepr{4000, 5000}.emit(header, test::pattern(901, 5), to_kernel().source,
                                   to_kernel().target, wire::ChecksumFill::pseudo_header);
    std::copy(header.begin(), header.end(), partial.begin() + 34);
    station.send(partial, offload);
    expect(receive_in_kernel(socket) == test::pattern(901, 5), "with a partial checksum");
    // A wrong one is noticed.
    Bytes wrong = plain;
    wrong[40] ^= 1;
    station.send(wrong);
    station.send(test::udp_frame(to_kernel(), 4000, 5000, test::pattern(10)));
    expect(receive_in_kernel(socket) == test::pattern(10), "a wrong checksum was taken");
    // Nothing that was sent has come back.
    station.pull();
    expect(station.port->counters().received_frames < 8, "own frames came back");
  });
}

TEST_CASE("bursts arrive whole and in order") {
  const auto kind = both_kinds();
  INFO(to_text(kind));
  check([&] {
    Station station(kind);
    const UniqueFd socket = kernel_socket(SOCK_DGRAM);
    send_from_kernel(socket, Bytes{255, 255});
    station.await("the first", is_udp);
    // Several batches of a packet port, and not more than the kernel's default buffers hold.
    constexpr std::uint16_t count = 100;
    for (std::uint16_t i = 0; i < count; ++i)
      send_from_kernel(socket,
                       Bytes{static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)});
    for (std::uint16_t i = 0; i < count; ++i) {
      const FrameRef frame = station.await("number " + std::to_string(i), is_udp);
      expect(load_be<std::uint16_t>(frame->bytes().data() + 42) == i, "out of order");
    }
    for (std::uint16_t i = 0; i < count; ++i) {
      const Bytes data{static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
      station.port->send(
          test::to_frame(station.pool, test::udp_frame(to_kernel(), 4000, 5000, data)), kNow);
    }
    station.port->flush(kNow);
    for (std::uint16_t i = 0; i < count; ++i)
      expect(load_be<std::uint16_t>(receive_in_kernel(socket).data()) == i, "lost on the way in");
  });
}

// Just enough of TCP to make the kernel send.
class Conversation {
 public:
  explicit Conversation(Station& far) : station(far), socket(kernel_socket(SOCK_STREAM)) {
    expect(::fcntl(socket.get(), F_SETFL, O_NONBLOCK) == 0, "fcntl");
    const sockaddr_in target = address_of(kOurAddress, 4000);
    (void)::connect(socket.get(), reinterpret_cast<const sockaddr*>(&target), sizeof target);
    const FrameRef syn = station.await("a SYN", [](const Frame& frame) {
      const auto segment = tcp_of(frame);
      return segment && segment->header.flags.syn;
    });
    theirs = tcp_of(*syn)->header.sequence + 1;
    wire::TcpRepr reply = header();
    reply.flags.syn = true;
    reply.sequence = ours - 1;
    reply.options.mss = std::uint16_t{1460};
    reply.options.window_scale = std::uint8_t{7};
    station.send(test::tcp_frame(to_kernel(), reply));
    station.await("the handshake's end", [](const Frame& frame) {
      const auto segment = tcp_of(frame);
      return segment && segment->header.flags.ack && !segment->header.flags.syn;
    });
    expect(::fcntl(socket.get(), F_SETFL, 0) == 0, "fcntl");
  }
  wire::TcpRepr header() const {
    wire::TcpRepr repr;
    repr.source_port = 4000;
    repr.destination_port = 5000;
    repr.sequence = ours;
    repr.acknowledgement = theirs;
    repr.flags.ack = true;
    repr.window = 0xffff;
    return repr;
  }

  Station& station;
  UniqueFd socket;
  decltype(wire::TcpRepr::sequence) ours{1000};
  decltype(wire::TcpRepr::sequence) theirs{};
};

TEST_CASE("the kernel's TCP sends super-frames and takes them") {
  const auto kind = both_kinds();
  INFO(to_text(kind));
  check([&] {
    Station station(kind);
    expect(station.tso, "TSO was not granted");
    Conversation tcp(station);

    const Bytes data = test::pattern(12'000);
    expect(
        ::send(tcp.socket.get(), data.data(), data.size(), 0) == static_cast<ssize_t>(data.size()),
        "send");
    const FrameRef big = station.await("a super-frame", [](const Frame& frame) {
      return tcp_of(frame) && frame.offload.gso == Gso::tcp4;
    });
    expect(big->size() > 1514, "it is not large");
    expect(big->offload.needs_checksum, "it has a complete checksum");
    expect(big->offload.segment_size <= 1460, "segment size");
    const Bytes got = tcp_of(*big)->data;
    expect(std::equal(got.begin(), got.end(), data.begin()), "the data came out changed");
    tcp.theirs = tcp.theirs + static_cast<std::uint32_t>(data.size());

    const Bytes answer = test::pattern(30'000, 9);
    const auto super = test::tcp_super_frame(to_kernel(), tcp.header(), answer, 1460);
    station.send(super.bytes, super.offload);
    Bytes received;
    while (received.size() < answer.size())
      received = test::joined(received, receive_in_kernel(tcp.socket));
    expect(received == answer, "the answer came in changed");
    expect(station.port->counters().drops.total() == 0, "drops");
  });
}

TEST_CASE("UDP super-frames, where the kernel has them") {
  const auto kind = both_kinds();
  INFO(to_text(kind));
  check([&] {
    Station station(kind);
    if (!station.uso) throw test::Skip("the kernel has no USO here");
    const UniqueFd socket = kernel_socket(SOCK_DGRAM);
    const int segment = 1000;
    expect(::setsockopt(socket.get(), SOL_UDP, UDP_SEGMENT, &segment, sizeof segment) == 0,
           "UDP_SEGMENT");
    send_from_kernel(socket, test::pattern(4500));
    const FrameRef big = station.await("a train", is_udp);
    expect(big->offload.gso == Gso::udp, "it was cut");
    expect(big->offload.segment_size == 1000, "segment size");
    expect(big->size() == 14 + 20 + 8 + 4500, "size");

    const Bytes train = test::pattern(3500, 7);
    const auto super = test::udp_super_frame(to_kernel(), 4000, 5000, train, 1000);
    station.send(super.bytes, super.offload);
    Bytes received;
    std::size_t count = 0;
    for (; received.size() < train.size(); ++count)
      received = test::joined(received, receive_in_kernel(socket));
    expect(received == train, "the train came in changed");
    expect(count == 4, "it was not cut into its datagrams");
  });
}

TEST_CASE("an interface that goes down comes back to work") {
  const auto kind = both_kinds();
  INFO(to_text(kind));
  check([&] {
    Station station(kind);
    const std::string own = kind == LinkHandle::Kind::tap ? "eth0" : "peer0";
    test::command("ip link set " + own + " down");
    station.poller.collect();
    station.pull();
    station.send(test::echo_frame(to_kernel(), true, 7, 1));
    station.send(test::echo_frame(to_kernel(), true, 7, 2));
    expect(station.port->open(), "the port has closed");
    expect(station.dropped(DropReason::port_closed) == 2, "the drops were not counted");

    test::command("ip link set " + own + " up");
    test::command(std::string("ip addr replace ") + kKernelAddress + "/24 dev eth0");
    station.send(test::echo_frame(to_kernel(), true, 7, 3));
    station.await("an echo reply", [](const Frame& frame) {
      const auto got = test::dissect(frame.bytes());
      return got.icmp && got.icmp->type == wire::IcmpType::echo_reply;
    });
  });
}

TEST_CASE("an interface that is deleted closes the port") {
  const auto kind = both_kinds();
  INFO(to_text(kind));
  check([&] {
    Station station(kind);
    test::command("ip link del eth0");
    pollfd waiting{station.poller.fd(), POLLIN, 0};
    expect(::poll(&waiting, 1, 5000) == 1, "nobody was told");
    station.poller.collect();
    station.pull();
    station.send(test::echo_frame(to_kernel(), true, 7, 1));
    expect(!station.port->open(), "the port is open");
    expect(station.dropped(DropReason::port_closed) == 1, "the drop was not counted");
    station.send(test::echo_frame(to_kernel(), true, 7, 2));
    expect(station.dropped(DropReason::port_closed) == 2, "the drop was not counted");
  });
}

// Puts a frame on eth0 as a program inside the container could.
void inject_raw(ByteView bytes) {
  const UniqueFd raw(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  expect(static_cast<bool>(raw), "raw socket");
  sockaddr_ll target{};
  target.sll_family = AF_PACKET;
  target.sll_ifindex = static_cast<int>(::if_nametoindex("eth0"));
  expect(
      ::sendto(raw.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&target),
               sizeof target) == static_cast<ssize_t>(bytes.size()),
      std::string("raw send: ") + std::strerror(errno));
}

TEST_CASE("a VLAN tag does not slip through") {
  const auto kind = both_kinds();
  INFO(to_text(kind));
  check([&] {
    Station station(kind);
    test::PacketEnds ends = to_kernel().reversed();
    const Bytes inner = test::udp_frame(ends, 1, 2, test::pattern(100));
    inject_raw(test::tagged(inner, 5));
    inject_raw(inner);
    bool tag_seen = false;
    station.await("the untagged one", [&](const Frame& frame) {
      const auto type = wire::EthernetView::parse(frame.bytes())->ether_type();
      tag_seen = tag_seen || type == wire::EtherType::vlan;
      return is_udp(frame);
    });
    // Either the frame comes with its tag, for the guard to see, or it does not come.
    const std::uint64_t dropped = station.dropped(DropReason::guard_ethertype);
    expect(tag_seen ? dropped == 0 : dropped == 1, "the tag was lost, the frame came");
    expect(station.port->counters().received_frames < 20, "too many frames");
  });
}

TEST_CASE("links that cannot be had are refused with the reason") {
  check([] {
    const auto missing = open_packet_socket(9999);
    expect(!missing && missing.error().code == ErrorCode::not_found, "missing interface");
    const LinkHandle first = opened(open_tap("twice"));
    expect(first.interface == "twice", "name");
    const auto second = open_tap("twice");
    expect(!second && second.error().code == ErrorCode::already_exists, "taken name");
    const auto numbered = open_tap("tap%d");
    expect(numbered && numbered->interface == "tap0", "numbered name");
    const auto too_long = open_tap("sixteen_letters_");
    expect(!too_long && too_long.error().code == ErrorCode::invalid_argument, "long name");
    const auto slash = open_tap("a/b");
    expect(!slash && slash.error().code == ErrorCode::invalid_argument, "name with a slash");
  });
}

TEST_CASE("a namespace that is not ours gives no link") {
  check([] {
    const unsigned loopback = ::if_nametoindex("lo");
    if (::unshare(CLONE_NEWUSER) != 0) throw test::Skip("no second user namespace");
    const auto packet = open_packet_socket(loopback);
    expect(!packet && packet.error().code == ErrorCode::permission_denied, "packet socket");
    const auto tap = open_tap("eth0");
    expect(!tap && (tap.error().code == ErrorCode::permission_denied ||
                    tap.error().code == ErrorCode::unavailable),
           "tap");
  });
}

}  // namespace
}  // namespace pontoon::bridge
