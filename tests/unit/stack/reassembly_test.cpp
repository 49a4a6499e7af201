#include "core/stack/reassembly.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include <numeric>

#include "tests/support/packets.h"

using namespace pontoon;
using namespace pontoon::stack;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

struct Piece {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  bool more = false;
  std::uint32_t end() const { return offset + size; }
};

struct World final : ReassemblyOutput {
  explicit World(const char* from = "172.17.0.2", const char* to = "172.17.0.1") {
    key.source = ip(from);
    key.target = ip(to);
    key.identification = 77;
    key.protocol = key.source.is_v4() ? 17 : 0;
  }

  void on_reassembly_timeout(FrameRef first, Instant) noexcept override {
    timed_out.push_back(to_bytes(first->bytes()));
  }

  // What the fragment of a packet from `key.source` would be cut from.
  FrameRef add(const DatagramKey& which, const Piece& piece, ByteView data) {
    PacketEnds ends = between("172.17.0.2", "172.17.0.1");
    ends.source = which.source;
    ends.target = which.target;
    ends.identification = 77;
    const Bytes frame = ip_frame(ends, wire::IpProtocol::udp, data);
    const std::size_t header = which.source.is_v4() ? 20 : 40;
    Fragment fragment;
    fragment.key = which;
    fragment.offset = piece.offset;
    fragment.more = piece.more;
    fragment.data = data;
    fragment.link_header = ByteView(frame).first(14);
    fragment.ip_header = ByteView(frame).subspan(14, header);
    fragment.protocol = 17;
    return reassembly.add(fragment, now);
  }
  FrameRef add(const Piece& piece) {
    return add(key, piece, ByteView(payload).subspan(piece.offset, piece.size));
  }
  void tick(Duration duration) {
    now += duration;
    timers.run_due(now, 100);
  }
  // The transport payload of a finished packet, its headers checked.
  Bytes content(const FrameRef& frame) {
    const Dissected packet = dissect(frame->bytes());
    if (packet.ipv4) {
      CHECK_FALSE(packet.ipv4->more_fragments);
      CHECK(packet.ipv4->fragment_offset == 0);
      CHECK(packet.ipv4->protocol == wire::IpProtocol::udp);
    } else {
      REQUIRE(packet.ipv6);
      CHECK(packet.ipv6->next_header == wire::IpProtocol::udp);
    }
    CHECK(packet.source == key.source);
    return packet.transport;
  }

  FramePool pool;
  TimerQueue timers;
  DropCounters drops;
  Instant now{1h};
  DatagramKey key;
  Bytes payload = pattern(65535);
  std::vector<Bytes> timed_out;
  Reassembly reassembly{pool, timers, *this, drops};
};

// Cuts `total` bytes at random multiples of 8.
std::vector<Piece> random_cut(std::uint32_t total) {
  std::vector<Piece> pieces;
  std::uint32_t offset = 0;
  while (offset < total) {
    const std::uint32_t most = (total - offset + 7) / 8;
    const std::uint32_t size =
        std::min(total - offset, 8 * *rc::gen::inRange<std::uint32_t>(1, most + 1));
    pieces.push_back({offset, size, offset + size < total});
    offset += size;
  }
  return pieces;
}

std::vector<Piece> shuffled(std::vector<Piece> pieces) {
  for (std::size_t i = pieces.size(); i > 1; --i)
    std::swap(pieces[i - 1], pieces[*rc::gen::inRange<std::size_t>(0, i)]);
  return pieces;
}

// The rules, in the most obvious form.
struct Model {
  enum class Outcome { held, complete, dropped };
  std::vector<Piece> held;
  bool dead = false;
  DropReason death{};
  std::map<DropReason, std::uint64_t> drops;

  Outcome die(DropReason reason) {
    dead = true;
    death = reason;
    drops[reason] += held.size() + 1;
    held.clear();
    return Outcome::dropped;
  }
  Outcome lose(DropReason reason) {
    ++drops[reason];
    return Outcome::dropped;
  }
  Outcome add(const Piece& piece) {
    if (dead) return lose(death);
    if (piece.size == 0 || (piece.more && piece.size % 8 != 0)) {
      return lose(DropReason::fragment_malformed);
    }
    for (const Piece& other : held) {
      if (piece.offset >= other.end() || other.offset >= piece.end()) continue;
      const bool same =
          piece.offset == other.offset && piece.size == other.size && piece.more == other.more;
      return same ? lose(DropReason::fragment_duplicate) : die(DropReason::fragment_overlap);
    }
    for (const Piece& other : held) {
      if (!piece.more && (!other.more || other.offset > piece.offset)) {
        return die(DropReason::fragment_malformed);
      }
      if (piece.more && !other.more && piece.offset > other.offset) {
        return die(DropReason::fragment_malformed);
      }
    }
    held.push_back(piece);
    std::uint32_t bytes = 0;
    std::uint32_t length = 0;
    for (const Piece& other : held) {
      bytes += other.size;
      if (!other.more) length = other.end();
    }
    if (bytes != length) return Outcome::held;
    held.clear();
    return Outcome::complete;
  }
};

}  // namespace

TEST_CASE("any cut in any order gives the datagram, with its last piece and not before") {
  const char* ends[][2] = {{"172.17.0.2", "172.17.0.1"}, {"fd00:17::2", "fd00:17::1"}};
  for (const auto& pair : ends) {
    REQUIRE(rc::check("fragments make the datagram", [&] {
      World world(pair[0], pair[1]);
      const auto total = *rc::gen::inRange<std::uint32_t>(9, 500);
      const std::vector<Piece> pieces = shuffled(random_cut(total));
      RC_PRE(pieces.size() > 1U);
      for (std::size_t i = 0; i + 1 < pieces.size(); ++i) {
        RC_ASSERT(!world.add(pieces[i]));
        if (*rc::gen::inRange(0, 4) == 0) RC_ASSERT(!world.add(pieces[i]));  // a duplicate
      }
      const FrameRef whole = world.add(pieces.back());
      RC_ASSERT(static_cast<bool>(whole));
      RC_ASSERT(world.content(whole) == to_bytes(ByteView(world.payload).first(total)));
      RC_ASSERT(world.reassembly.size() == 0U);
      RC_ASSERT(world.drops.total() == world.drops[DropReason::fragment_duplicate]);
      RC_ASSERT(world.timers.size() == 0U);
    }));
  }
}

TEST_CASE("any mess of pieces is judged as the model judges it") {
  REQUIRE(rc::check("the model agrees", [] {
    World world;
    Model model;
    const auto count = *rc::gen::inRange<std::size_t>(1, 12);
    for (std::size_t i = 0; i < count; ++i) {
      Piece piece;
      piece.offset = 8 * *rc::gen::inRange<std::uint32_t>(0, 8);
      piece.size = 8 * *rc::gen::inRange<std::uint32_t>(0, 4);
      if (*rc::gen::inRange(0, 5) == 0) piece.size += 3;
      piece.more = *rc::gen::inRange(0, 3) != 0;
      const FrameRef whole = world.add(piece);
      const Model::Outcome outcome = model.add(piece);
      RC_ASSERT(static_cast<bool>(whole) == (outcome == Model::Outcome::complete));
      for (const auto& [reason, drops] : model.drops)
        RC_ASSERT(world.drops[reason] == drops);
      std::uint64_t total = 0;
      for (const auto& [reason, drops] : model.drops)
        total += drops;
      RC_ASSERT(world.drops.total() == total);
    }
  }));
}

TEST_CASE("a duplicate with other bytes is an overlap") {
  World world;
  world.add({0, 16, true});
  CHECK_FALSE(world.add(world.key, {0, 16, true}, pattern(16, 99)));
  CHECK(world.drops[DropReason::fragment_overlap] == 2);
}

TEST_CASE("an overlap kills the datagram until its time is over") {
  World world;
  world.add({0, 16, true});
  world.add({8, 16, true});
  CHECK(world.drops[DropReason::fragment_overlap] == 2);
  CHECK(world.pool.in_use() == 0);
  world.add({0, 16, true});
  CHECK_FALSE(world.add({16, 4, false}));
  CHECK(world.drops[DropReason::fragment_overlap] == 4);
  world.tick(limits::kReassemblyTimeout);
  CHECK(world.reassembly.size() == 0);
  CHECK(world.timed_out.empty());
  CHECK(world.drops[DropReason::fragment_timeout] == 0);
  world.add({0, 16, true});
  CHECK(world.add({16, 4, false}));
}

TEST_CASE("what would be longer than a packet can be is malformed") {
  World four;
  CHECK_FALSE(four.add(four.key, {65528, 8, false}, pattern(8)));
  CHECK_FALSE(four.add(four.key, {65512, 8, false}, pattern(8)));
  CHECK(four.drops[DropReason::fragment_malformed] == 2);
  CHECK(four.reassembly.size() == 0);
  World six("fd00:17::2", "fd00:17::1");
  CHECK_FALSE(six.add(six.key, {65528, 8, false}, pattern(8)));
  CHECK(six.drops[DropReason::fragment_malformed] == 1);
}

TEST_CASE("the largest datagrams pass") {
  for (const bool v4 : {true, false}) {
    World world(v4 ? "172.17.0.2" : "fd00:17::2", v4 ? "172.17.0.1" : "fd00:17::1");
    const std::uint32_t total = v4 ? 65515 : 65535;
    FrameRef whole;
    for (std::uint32_t offset = 0; offset < total; offset += 1480) {
      const std::uint32_t size = std::min(1480U, total - offset);
      whole = world.add({offset, size, offset + size < total});
    }
    REQUIRE(whole);
    CHECK(world.content(whole) == to_bytes(ByteView(world.payload).first(total)));
  }
}

TEST_CASE("options of the first fragment count toward the length of the whole") {
  World world;
  Fragment first;
  first.key = world.key;
  first.more = true;
  first.data = ByteView(world.payload).first(65504);
  const Bytes link(14, 0);
  Bytes header(60, 0);
  header[0] = 0x4f;
  first.link_header = link;
  first.ip_header = header;
  first.protocol = 17;
  CHECK_FALSE(world.reassembly.add(first, world.now));
  CHECK_FALSE(world.add({65504, 8, false}));
  CHECK(world.drops[DropReason::fragment_malformed] == 2);
}

TEST_CASE("when time is over the pieces are counted, and the first one is reported",
          "[limit:kReassemblyTimeout]") {
  World world;
  world.add({0, 16, true});
  world.add({32, 16, true});
  DatagramKey other = world.key;
  other.identification = 78;
  world.tick(1s);
  world.add(other, {16, 16, true}, pattern(16));
  world.tick(limits::kReassemblyTimeout - 1s);
  REQUIRE(world.timed_out.size() == 1);
  CHECK(world.drops[DropReason::fragment_timeout] == 2);
  CHECK(dissect(world.timed_out[0]).transport == to_bytes(ByteView(world.payload).first(16)));
  world.tick(1s);
  CHECK(world.timed_out.size() == 1);
  CHECK(world.drops[DropReason::fragment_timeout] == 3);
  CHECK(world.reassembly.size() == 0);
  CHECK(world.timers.size() == 0);
  CHECK(world.pool.in_use() == 0);
}

TEST_CASE("keys keep datagrams apart") {
  World world;
  std::vector<DatagramKey> keys(4, world.key);
  keys[1].identification = 1;
  keys[2].protocol = 1;
  keys[3].source = ip("172.17.0.3");
  for (const DatagramKey& key : keys)
    world.add(key, {0, 8, true}, pattern(8));
  CHECK(world.reassembly.size() == 4);
  for (const DatagramKey& key : keys)
    CHECK(world.add(key, {8, 8, false}, pattern(8, 8)));
  CHECK(world.drops.total() == 0);
}

TEST_CASE("one source has its share, and its own oldest datagram makes room",
          "[limit:kReassembliesPerSource]") {
  World world;
  DatagramKey key = world.key;
  for (std::uint32_t i = 0; i < limits::kReassembliesPerSource + 2; ++i) {
    key.identification = i;
    world.add(key, {0, 8, true}, pattern(8));
  }
  CHECK(world.reassembly.size() == limits::kReassembliesPerSource);
  CHECK(world.drops[DropReason::fragment_limit] == 2);
  CHECK(world.add(key, {8, 8, false}, pattern(8, 8)));
  key.identification = 0;
  CHECK_FALSE(world.add(key, {8, 8, false}, pattern(8, 8)));
}

TEST_CASE("altogether there is a bound, and the oldest datagram makes room",
          "[limit:kReassemblies]") {
  World world;
  DatagramKey key = world.key;
  for (std::uint32_t i = 0; i < limits::kReassemblies + 3; ++i) {
    key.source = Ipv4Address{0xac110002 + i};
    world.add(key, {0, 8, true}, pattern(8));
  }
  CHECK(world.reassembly.size() == limits::kReassemblies);
  CHECK(world.drops[DropReason::fragment_limit] == 3);
  CHECK(world.pool.in_use() == limits::kReassemblies);
}

TEST_CASE("too many pieces kill the datagram", "[limit:kFragmentsPerDatagram]") {
  World world;
  for (std::uint32_t i = 0; i <= limits::kFragmentsPerDatagram; ++i)
    world.add({i * 16, 8, true});
  CHECK(world.drops[DropReason::fragment_limit] == limits::kFragmentsPerDatagram + 1);
  CHECK(world.pool.in_use() == 0);
}

TEST_CASE("an exhausted pool loses the piece, not the books") {
  FramePool pool(1);
  TimerQueue timers;
  DropCounters drops;
  World world;
  Reassembly reassembly(pool, timers, world, drops);
  const FrameRef hog = pool.allocate(65535);
  Fragment fragment;
  const Bytes data = pattern(8);
  fragment.key = world.key;
  fragment.more = true;
  fragment.data = data;
  CHECK_FALSE(reassembly.add(fragment, world.now));
  CHECK(drops[DropReason::pool_exhausted] == 1);
  CHECK(reassembly.size() == 0);
}
