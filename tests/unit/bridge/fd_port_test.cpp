// Ports over descriptors that behave like a device as far as message boundaries go: a pair of
// sequenced-packet sockets. What only a device can answer is scripted.
#include "bridge/ports/fd_port.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <deque>

#include "bridge/ports/landing.h"
#include "bridge/ports/packet_port.h"
#include "bridge/ports/port_factory.h"
#include "bridge/ports/tap_port.h"
#include "tests/support/packets.h"

namespace pontoon::bridge {
namespace {

using test::Bytes;
constexpr Instant kNow{std::chrono::hours(1)};

class Bell final : public ReadySink {
 public:
  void on_ready() noexcept override { ++rings; }
  int rings = 0;
};

struct Pair {
  Pair() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    link.fd = UniqueFd(fds[0]);
    far = UniqueFd(fds[1]);
    // Room for a super-frame.
    const int bytes = 1 << 20;
    (void)::setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    (void)::setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    link.tso = true;
    link.uso = true;
  }
  void put(ByteView bytes) const {
    REQUIRE(::send(far.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  }
  std::optional<Bytes> take() const {
    Bytes bytes(70'000);
    const ssize_t size = ::recv(far.get(), bytes.data(), bytes.size(), 0);
    if (size < 0) return std::nullopt;
    bytes.resize(static_cast<std::size_t>(size));
    return bytes;
  }
  LinkHandle link;
  UniqueFd far;
};

Bytes plain(std::size_t payload) {
  return test::udp_frame(test::between("172.17.0.2", "172.17.0.3"), 4000, 5000,
                         test::pattern(payload));
}
Bytes with_header(ByteView frame, const Offload& offload = {}) {
  Bytes header(kVirtioHeaderSize);
  write_virtio_header(header, offload);
  return test::joined(header, frame);
}
test::SuperFrame super_frame(std::size_t payload) {
  wire::TcpRepr repr;
  repr.source_port = 4000;
  repr.destination_port = 80;
  return test::tcp_super_frame(test::between("172.17.0.2", "172.17.0.3"), repr,
                               test::pattern(payload), 1448);
}

// Both kinds must behave alike over such a pair.
struct Kind {
  std::string name;
  LinkHandle::Kind kind;
};
Kind both_kinds() {
  return GENERATE(Kind{"tap", LinkHandle::Kind::tap}, Kind{"packet", LinkHandle::Kind::packet});
}

struct Rig {
  explicit Rig(const Kind& kind, std::size_t frames = limits::kPoolFrames) : pool(frames) {
    pair.link.kind = kind.kind;
    port = make_port(std::move(pair.link), pool, poller, 1500);
    REQUIRE(port);
    port->set_ready_sink(&bell);
  }
  std::vector<FrameRef> receive(std::size_t most = 64) {
    std::vector<FrameRef> out(most);
    out.resize(port->receive(out, kNow));
    return out;
  }
  void send(ByteView bytes, const Offload& offload = {}) {
    port->send(test::to_frame(pool, bytes, offload), kNow);
  }
  std::uint64_t dropped(DropReason reason) const { return port->counters().drops[reason]; }

  Pair pair;
  FramePool pool;
  host::Poller poller;
  Bell bell;
  std::unique_ptr<Port> port;
};

TEST_CASE("frames come in with their offload, in buffers of their size",
          "[limit:kSmallFrameBytes]") {
  const Kind kind = both_kinds();
  INFO(kind.name);
  Rig rig(kind);
  const auto big = super_frame(60'000);
  const std::vector<Bytes> frames{plain(0), plain(1472), big.bytes, plain(1878), plain(1879)};
  rig.pair.put(with_header(frames[0]));
  rig.pair.put(with_header(frames[1], test::partial_checksum(frames[1])));
  rig.pair.put(with_header(frames[2], big.offload));
  rig.pair.put(with_header(frames[3]));
  rig.pair.put(with_header(frames[4]));
  rig.poller.collect();
  CHECK(rig.bell.rings == 1);
  const auto got = rig.receive();
  REQUIRE(got.size() == frames.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    CHECK(test::to_bytes(got[i]->bytes()) == frames[i]);
  CHECK(got[0]->offload.gso == Gso::none);
  CHECK(got[1]->offload.needs_checksum);
  CHECK(got[2]->offload.gso == Gso::tcp4);
  CHECK(got[2]->offload.segment_size == 1448);
  // 1878 bytes of payload are the most that fit a small frame.
  const std::size_t small = limits::kSmallFrameBytes - limits::kFrameHeadroom;
  CHECK(got[3]->size() + got[3]->tailroom() == small);
  CHECK(got[4]->size() + got[4]->tailroom() > small);
  // No landing buffer stays behind.
  CHECK(rig.pool.in_use() == frames.size());
  CHECK(rig.port->counters().received_frames == frames.size());
}

TEST_CASE("receive() gives a full batch first, then the rest") {
  const Kind kind = both_kinds();
  INFO(kind.name);
  Rig rig(kind);
  for (int i = 0; i < 40; ++i)
    rig.pair.put(with_header(plain(static_cast<std::size_t>(i))));
  CHECK(rig.receive(17).size() == 17);
  const auto rest = rig.receive(64);
  REQUIRE(rest.size() == 23);
  CHECK(test::to_bytes(rest[22]->bytes()) == plain(39));
  CHECK(rig.receive().empty());
}

TEST_CASE("what is no frame is dropped by name, and what follows it is not lost") {
  const Kind kind = both_kinds();
  INFO(kind.name);
  Rig rig(kind);
  rig.pair.put(Bytes(4));
  rig.pair.put(with_header(Bytes(13)));
  Bytes unknown_gso = with_header(plain(10));
  unknown_gso[1] = 99;
  rig.pair.put(unknown_gso);
  rig.pair.put(with_header(plain(20)));
  const auto got = rig.receive();
  CHECK(got.size() == 1);
  CHECK(rig.dropped(DropReason::malformed_ethernet) == 2);
  CHECK(rig.dropped(DropReason::malformed_offload) == 1);
  CHECK(rig.port->counters().drops.total() == 3);

  SECTION("even when the whole batch was bad") {
    for (int i = 0; i < 8; ++i)
      rig.pair.put(with_header(Bytes(13)));
    rig.pair.put(with_header(plain(20)));
    rig.bell.rings = 0;
    CHECK(rig.receive(8).empty());
    CHECK(rig.bell.rings == 1);
    CHECK(rig.receive(8).size() == 1);
  }
}

TEST_CASE("an exhausted pool costs frames, not the port") {
  const Kind kind = both_kinds();
  INFO(kind.name);
  Rig rig(kind, 4);
  for (int i = 0; i < 3; ++i)
    rig.pair.put(with_header(plain(10)));
  std::vector<FrameRef> held;
  for (int i = 0; i < 4; ++i)
    held.push_back(rig.pool.allocate(64));
  CHECK(rig.receive().empty());
  CHECK(rig.dropped(DropReason::pool_exhausted) == 3);
  held.clear();
  rig.pair.put(with_header(plain(10)));
  CHECK(rig.receive().size() == 1);
}

TEST_CASE("frames go out behind their header, on flush only") {
  const Kind kind = both_kinds();
  INFO(kind.name);
  Rig rig(kind);
  const auto big = super_frame(60'000);
  const Bytes partial = plain(100);
  rig.send(plain(1));
  rig.send(partial, test::partial_checksum(partial));
  rig.send(big.bytes, big.offload);
  CHECK(rig.pair.take() == std::nullopt);
  rig.port->flush(kNow);
  CHECK(rig.pair.take() == with_header(plain(1)));
  CHECK(rig.pair.take() == with_header(partial, test::partial_checksum(partial)));
  CHECK(rig.pair.take() == with_header(big.bytes, big.offload));
  CHECK(rig.pair.take() == std::nullopt);
  CHECK(rig.port->counters().sent_frames == 3);
  CHECK(rig.pool.in_use() == 0);
}

TEST_CASE("a frame longer than the MTU is not sent") {
  const Kind kind = both_kinds();
  INFO(kind.name);
  Rig rig(kind);
  rig.send(plain(1472));
  rig.send(plain(1473));
  rig.port->flush(kNow);
  CHECK(rig.pair.take());
  CHECK_FALSE(rig.pair.take());
  CHECK(rig.dropped(DropReason::too_big) == 1);
}

TEST_CASE("a full socket keeps the queue until there is room") {
  const Kind kind = both_kinds();
  INFO(kind.name);
  Rig rig(kind);
  const auto big = super_frame(60'000);
  constexpr std::size_t count = 100;
  for (std::size_t i = 0; i < count; ++i)
    rig.send(big.bytes, big.offload);
  rig.port->flush(kNow);
  const std::uint64_t first = rig.port->counters().sent_frames;
  REQUIRE(first > 0);
  REQUIRE(first < count);
  rig.poller.collect();
  rig.port->flush(kNow);
  CHECK(rig.port->counters().sent_frames == first);

  std::size_t arrived = 0;
  for (int round = 0; round < 200 && arrived < count; ++round) {
    while (rig.pair.take())
      ++arrived;
    rig.bell.rings = 0;
    rig.poller.collect();
    if (arrived < count) CHECK(rig.bell.rings > 0);
    rig.port->flush(kNow);
  }
  CHECK(arrived == count);
  CHECK(rig.port->counters().drops.total() == 0);
}

TEST_CASE("the queue is bounded") {
  const Kind kind = both_kinds();
  INFO(kind.name);
  Rig rig(kind);
  const FrameRef frame = test::to_frame(rig.pool, plain(10));
  for (std::size_t i = 0; i < limits::kPortQueueFrames + 3; ++i)
    rig.port->send(frame.share(), kNow);
  CHECK(rig.dropped(DropReason::port_queue_full) == 3);
}

TEST_CASE("a port that goes takes its queue along and leaves the poller") {
  const Kind kind = both_kinds();
  INFO(kind.name);
  Rig rig(kind);
  rig.send(plain(10));
  rig.pair.put(with_header(plain(10)));
  rig.port.reset();
  CHECK(rig.pool.in_use() == 0);
  rig.poller.collect();
  CHECK(rig.bell.rings == 0);
}

TEST_CASE("a port cannot be made of what cannot be watched") {
  FramePool pool;
  host::Poller poller;
  CHECK(make_port(LinkHandle{}, pool, poller, 1500) == nullptr);
}

// A device whose answers are written down beforehand.
class Scripted final : public FdPort {
 public:
  Scripted(LinkHandle&& link, FramePool& pool, host::Poller& poller)
      : FdPort(std::move(link), 1500, pool, poller) {}
  std::size_t receive(std::span<FrameRef>, Instant) noexcept override {
    readable_again = settle_read(read_error);
    return 0;
  }
  Written write(const FrameQueue& queue) noexcept override {
    ++writes;
    if (answers.empty()) return {queue.size(), 0};
    const Written answer = answers.front();
    answers.pop_front();
    return answer;
  }
  bool gone() const noexcept override { return is_gone; }

  std::deque<Written> answers;
  int writes = 0;
  bool is_gone = false;
  int read_error = EAGAIN;
  bool readable_again = false;
  using FdPort::Written;
};

struct ScriptedRig {
  ScriptedRig() : port(std::move(pair.link), pool, poller) {
    REQUIRE(port.watch());
    port.set_ready_sink(&bell);
    for (int i = 0; i < 4; ++i)
      port.send(test::to_frame(pool, plain(10)), kNow);
  }
  std::uint64_t dropped(DropReason reason) const { return port.counters().drops[reason]; }
  Pair pair;
  FramePool pool;
  host::Poller poller;
  Bell bell;
  Scripted port;
};

TEST_CASE("ENOBUFS: one retry in the next turn, then frames are dropped one by one") {
  const int error = GENERATE(ENOBUFS, ENOMEM);
  ScriptedRig rig;
  rig.port.answers = {{1, 0}, {0, error}};
  rig.port.flush(kNow);
  CHECK(rig.port.writes == 2);
  CHECK(rig.bell.rings == 1);  // the next turn is due
  CHECK(rig.port.counters().sent_frames == 1);
  CHECK(rig.port.counters().drops.total() == 0);

  SECTION("it helps") {
    rig.port.flush(kNow);
    CHECK(rig.port.counters().sent_frames == 4);
    CHECK(rig.bell.rings == 1);
  }
  SECTION("it does not") {
    rig.port.answers = {{0, error}, {0, error}, {1, 0}};
    rig.port.flush(kNow);
    CHECK(rig.dropped(DropReason::host_refused) == 2);
    CHECK(rig.port.counters().sent_frames == 2);
    CHECK(rig.bell.rings == 1);
    CHECK(rig.pool.in_use() == 0);
  }
}

TEST_CASE("a frame that the kernel finds wrong is dropped alone") {
  const auto [error, reason] =
      GENERATE(table<int, DropReason>({{EINVAL, DropReason::host_refused},
                                       {EMSGSIZE, DropReason::too_big},
                                       {EPERM, DropReason::host_refused}}));
  ScriptedRig rig;
  rig.port.answers = {{1, 0}, {0, error}, {0, EINTR}};
  rig.port.flush(kNow);
  CHECK(rig.port.counters().sent_frames == 3);
  CHECK(rig.dropped(reason) == 1);
  CHECK(rig.port.open());
}

TEST_CASE("an interface that is down costs the queue, not the port") {
  const int error = GENERATE(EIO, ENETDOWN);
  ScriptedRig rig;
  rig.port.answers = {{0, error}};
  rig.port.flush(kNow);
  CHECK(rig.dropped(DropReason::port_closed) == 4);
  CHECK(rig.port.writes == 1);
  CHECK(rig.port.open());
  rig.port.send(test::to_frame(rig.pool, plain(10)), kNow);
  rig.port.flush(kNow);
  CHECK(rig.port.counters().sent_frames == 1);
}

TEST_CASE("an interface that has gone closes the port") {
  const auto [error, asked] = GENERATE(table<int, bool>(
      {{EBADFD, false}, {ENXIO, false}, {ENODEV, false}, {ENETDOWN, true}, {EIO, true}}));
  ScriptedRig rig;
  rig.port.is_gone = asked;
  SECTION("seen when writing") {
    rig.port.answers = {{0, error}};
    rig.port.flush(kNow);
  }
  SECTION("seen when reading") {
    rig.port.read_error = error;
    rig.port.receive({}, kNow);
    CHECK_FALSE(rig.port.readable_again);
  }
  CHECK_FALSE(rig.port.open());
  CHECK(rig.bell.rings == 1);
  CHECK(rig.dropped(DropReason::port_closed) == 4);
  CHECK(rig.pool.in_use() == 0);
  rig.port.send(test::to_frame(rig.pool, plain(10)), kNow);
  CHECK(rig.dropped(DropReason::port_closed) == 5);
  rig.port.flush(kNow);
}

TEST_CASE("a read that fails for good does not spin") {
  ScriptedRig rig;
  const auto again = [&](int error) {
    rig.port.read_error = error;
    rig.port.receive({}, kNow);
    return rig.port.readable_again;
  };
  CHECK_FALSE(again(EAGAIN));
  CHECK(again(EINTR));
  CHECK_FALSE(again(EFAULT));
  CHECK_FALSE(again(ENETDOWN));
  CHECK(rig.port.counters().drops.total() == 0);
  // The kernel has thrown one frame away that it could not describe.
  CHECK(again(EINVAL));
  CHECK(rig.dropped(DropReason::malformed_offload) == 1);
  CHECK(rig.port.open());
}

}  // namespace
}  // namespace pontoon::bridge
