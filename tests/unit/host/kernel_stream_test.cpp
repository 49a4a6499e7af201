// TCP over the kernel's loopback: both families, with the kernel's peek offset and without.
#include <catch2/catch.hpp>

#include <array>
#include <vector>

#include "core/host/kernel_network.h"
#include "tests/unit/host/loop.h"

using namespace pontoon;
using host::KernelNetwork;
using host::PeekSupport;
using test::CountingStreamHandler;
using test::Loop;
using test::loopback;

namespace {

using Kind = IoResult::Kind;

struct Variant {
  IpFamily family;
  PeekSupport peek;
  const char* name;
};

std::vector<Variant> variants() {
  std::vector<Variant> out{{IpFamily::v4, host::probe_peek_offset(), "IPv4"},
                           {IpFamily::v4, {false, false}, "IPv4 with the scratch buffer"}};
  if (!test::has_ipv6()) {
    WARN("skipped: this host has no ::1");
    return out;
  }
  out.push_back({IpFamily::v6, host::probe_peek_offset(), "IPv6"});
  out.push_back({IpFamily::v6, {false, false}, "IPv6 with the scratch buffer"});
  return out;
}

// One connection, both ends ours.
struct Connection {
  explicit Connection(const Variant& variant) : network(loop.poller, variant.peek) {
    auto made = network.listen({loopback(variant.family), 0});
    REQUIRE(made);
    listener = std::move(*made);
    auto connecting = network.connect(listener->local());
    REQUIRE(connecting);
    near = std::move(*connecting);
    near->set_handler(&near_handler);
    REQUIRE(loop.until([&] { return near->state() == Stream::State::open && accept(); }));
    far->set_handler(&far_handler);
  }
  bool accept() {
    auto accepted = listener->accept();
    REQUIRE(accepted);
    if (!accepted->stream) return false;
    far = std::move(accepted->stream);
    peer = accepted->peer;
    local = accepted->local;
    return true;
  }

  Loop loop;
  KernelNetwork network;
  std::unique_ptr<Listener> listener;
  CountingStreamHandler near_handler;
  CountingStreamHandler far_handler;
  std::unique_ptr<Stream> near;
  std::unique_ptr<Stream> far;
  SocketAddress peer;
  SocketAddress local;
};

IoResult write(Stream& stream, std::string_view text) {
  const ByteView piece = as_bytes(text);
  return stream.write({&piece, 1});
}

struct Peeked {
  IoResult result;
  std::string text;
};

Peeked peek(Stream& stream, std::size_t offset, std::size_t size = 100) {
  std::vector<std::uint8_t> buffer(size);
  const MutableBytes piece(buffer);
  Peeked out{stream.peek(offset, {&piece, 1}), {}};
  if (out.result.kind == Kind::done) out.text = as_text(ByteView(buffer).first(out.result.bytes));
  return out;
}

// Two reads before the first is given back, as a window does. False when nothing was there.
bool read_two_ahead(Stream& stream, std::vector<std::uint8_t>& received) {
  std::vector<std::uint8_t> buffer(50000);
  std::size_t ahead = 0;
  for (int read = 0; read < 2; ++read) {
    const MutableBytes piece(buffer);
    const IoResult got = stream.peek(ahead, {&piece, 1});
    if (got.kind != Kind::done) break;
    const ByteView bytes = ByteView(buffer).first(got.bytes);
    received.insert(received.end(), bytes.begin(), bytes.end());
    ahead += got.bytes;
  }
  stream.consume(ahead);
  return ahead > 0;
}

template <class Test>
void for_each_variant(Test test) {
  for (const Variant& variant : variants()) {
    INFO(variant.name);
    Connection connection(variant);
    test(connection);
  }
}

}  // namespace

TEST_CASE("a connect opens, and both sides know each other") {
  for_each_variant([](Connection& c) {
    CHECK(c.local == c.listener->local());
    CHECK(c.peer.ip == c.local.ip);
    CHECK(c.peer.port != 0);
    CHECK(c.near_handler.calls > 0);
    CHECK(c.far->state() == Stream::State::open);
    CHECK(c.near->write_room() > 1000);
  });
}

TEST_CASE("a refused connect fails with its reason") {
  for (const Variant& variant : variants()) {
    INFO(variant.name);
    Loop loop;
    KernelNetwork network(loop.poller, variant.peek);
    SocketAddress nobody;
    {
      auto listener = network.listen({loopback(variant.family), 0});
      REQUIRE(listener);
      nobody = (*listener)->local();
    }
    auto stream = network.connect(nobody);
    if (!stream) {
      CHECK(stream.error() == SocketError::refused);
      continue;
    }
    REQUIRE(loop.until([&] { return (*stream)->state() != Stream::State::connecting; }));
    CHECK((*stream)->state() == Stream::State::failed);
    CHECK((*stream)->error() == SocketError::refused);
    CHECK(peek(**stream, 0).result.kind == Kind::failed);
    CHECK(write(**stream, "x").kind == Kind::failed);
    CHECK((*stream)->write_room() == 0);
  }
}

TEST_CASE("while it connects a stream neither takes nor gives") {
  Loop loop;
  KernelNetwork network(loop.poller);
  auto listener = network.listen({loopback(IpFamily::v4), 0});
  REQUIRE(listener);
  auto stream = network.connect((*listener)->local());
  REQUIRE(stream);
  if ((*stream)->state() != Stream::State::connecting) return;  // the kernel was quick
  CHECK(peek(**stream, 0).result.kind == Kind::would_block);
  CHECK((*stream)->write_room() == 0);
  REQUIRE(loop.until([&] { return (*stream)->state() == Stream::State::open; }));
  CHECK((*stream)->write_room() > 0);
}

TEST_CASE("bytes are peeked at any offset and stay until they are consumed") {
  for_each_variant([](Connection& c) {
    CHECK(write(*c.far, "hello world").bytes == 11);
    REQUIRE(c.loop.until([&] { return peek(*c.near, 0).text == "hello world"; }));
    CHECK(peek(*c.near, 0, 5).text == "hello");
    CHECK(peek(*c.near, 5, 6).text == " world");  // the kernel's offset stands here already
    CHECK(peek(*c.near, 2, 3).text == "llo");     // and here it has to go back
    CHECK(peek(*c.near, 10).text == "d");
    CHECK(peek(*c.near, 11).result.kind == Kind::would_block);
    CHECK(peek(*c.near, 500).result.kind == Kind::would_block);

    c.near->consume(6);
    CHECK(peek(*c.near, 0).text == "world");
    CHECK(peek(*c.near, 4).text == "d");
    CHECK(write(*c.far, "!").bytes == 1);
    REQUIRE(c.loop.until([&] { return peek(*c.near, 5).text == "!"; }));
    CHECK(peek(*c.near, 3).text == "ld!");
    c.near->consume(6);
    CHECK(peek(*c.near, 0).result.kind == Kind::would_block);
  });
}

TEST_CASE("a peek at the place where the last one ended goes on from there") {
  for_each_variant([](Connection& c) {
    CHECK(write(*c.far, "abcdef").bytes == 6);
    REQUIRE(c.loop.until([&] { return peek(*c.near, 0).text == "abcdef"; }));
    std::string text;
    for (std::size_t at = 0; at < 6; at += 2) {
      text += peek(*c.near, at, 2).text;
      if (at == 2) {
        c.near->consume(2);  // what was acknowledged meanwhile
        text += peek(*c.near, 2, 2).text;
        break;
      }
    }
    CHECK(text == "abcdef");
  });
}

TEST_CASE("several pieces are written and peeked as one") {
  for_each_variant([](Connection& c) {
    const std::array<ByteView, 3> out{as_bytes("ab"), as_bytes(""), as_bytes("cde")};
    CHECK(c.far->write(out).bytes == 5);
    REQUIRE(c.loop.until([&] { return peek(*c.near, 0).text.size() == 5; }));
    std::array<std::uint8_t, 2> first{};
    std::array<std::uint8_t, 9> second{};
    const std::array<MutableBytes, 2> in{MutableBytes(first), MutableBytes(second)};
    const IoResult got = c.near->peek(1, in);
    CHECK(got.kind == Kind::done);
    CHECK(got.bytes == 4);
    CHECK(as_text(first) == "bc");
    CHECK(as_text(ByteView(second).first(2)) == "de");
    CHECK(c.far->write({}).bytes == 0);
  });
}

TEST_CASE("megabytes pass unharmed through a bounded window") {
  for_each_variant([](Connection& c) {
    std::vector<std::uint8_t> sent(3 << 20);
    for (std::size_t i = 0; i < sent.size(); ++i)
      sent[i] = static_cast<std::uint8_t>(i * 2654435761U >> 13);
    std::vector<std::uint8_t> received;
    std::size_t written = 0;
    const bool all = c.loop.until([&] {
      for (;;) {
        const ByteView rest = ByteView(sent).subspan(written);
        const IoResult taken = rest.empty() ? IoResult::would_block() : c.far->write({&rest, 1});
        if (taken.kind != Kind::done) break;
        written += taken.bytes;
      }
      if (written < sent.size()) CHECK(c.far->write_room() == 0);
      while (read_two_ahead(*c.near, received)) {
      }
      return received.size() >= sent.size();
    });
    CHECK(all);
    CHECK((received == sent));
  });
}

TEST_CASE("a blocked writer is told when there is room again") {
  for_each_variant([](Connection& c) {
    const std::string block(100000, 'x');
    while (write(*c.near, block).kind == Kind::done) {
    }
    CHECK(c.near->write_room() == 0);
    c.loop.until([] { return true; });
    const int before = c.near_handler.calls;
    CHECK(c.loop.until([&] {
      c.far->consume(1 << 20);
      return c.near->write_room() > 0;
    }));
    CHECK(c.near_handler.calls > before);
  });
}

TEST_CASE("large writes within the room are taken whole") {
  for_each_variant([](Connection& c) {
    const std::string block(60000, 'x');
    unsigned writes = 0;
    while (c.near->write_room() >= block.size() && writes < 1000) {
      REQUIRE(write(*c.near, block).bytes == block.size());
      ++writes;
    }
    CHECK(writes > 0);
  });
}

TEST_CASE("a writer that keeps within the room is told when it returns") {
  for_each_variant([](Connection& c) {
    const std::string block(8000, 'x');
    do {
      while (c.near->write_room() >= block.size())
        REQUIRE(write(*c.near, block).kind == Kind::done);
      c.loop.until([] { return true; });
    } while (c.near->write_room() >= block.size());
    const int before = c.near_handler.calls;
    CHECK(c.loop.until([&] {
      c.far->consume(1 << 20);
      return c.near->write_room() >= block.size();
    }));
    CHECK(c.near_handler.calls > before);
  });
}

TEST_CASE("a half-close is an end behind the last byte, and only in one direction") {
  for_each_variant([](Connection& c) {
    CHECK(write(*c.far, "bye").bytes == 3);
    c.far->shutdown_write();
    REQUIRE(c.loop.until([&] { return peek(*c.near, 3).result.kind == Kind::end; }));
    CHECK(peek(*c.near, 0).text == "bye");
    CHECK(peek(*c.near, 2).text == "e");
    c.near->consume(3);
    CHECK(peek(*c.near, 0).result.kind == Kind::end);
    CHECK(c.near->state() == Stream::State::open);

    CHECK(write(*c.near, "and you").bytes == 7);
    CHECK(c.loop.until([&] { return peek(*c.far, 0).text == "and you"; }));
    c.near->shutdown_write();
    CHECK(c.loop.until([&] { return peek(*c.far, 7).result.kind == Kind::end; }));
  });
}

TEST_CASE("an abort is a reset to the other side") {
  for_each_variant([](Connection& c) {
    c.far->abort();
    CHECK(c.far->state() == Stream::State::failed);
    CHECK(c.far->error() == SocketError::reset);
    CHECK(peek(*c.far, 0).result.kind == Kind::failed);
    CHECK(write(*c.far, "x").kind == Kind::failed);
    c.far->consume(5);
    c.far->shutdown_write();
    c.far->abort();

    REQUIRE(c.loop.until([&] { return peek(*c.near, 0).result.kind == Kind::failed; }));
    CHECK(c.near->state() == Stream::State::failed);
    CHECK(c.near->error() == SocketError::reset);
    CHECK(peek(*c.near, 0).result.kind == Kind::failed);  // stays so
    CHECK(write(*c.near, "x").kind == Kind::failed);
  });
}

TEST_CASE("a reset behind unread bytes is a reset, not an end") {
  for_each_variant([](Connection& c) {
    CHECK(write(*c.far, "half a mess").bytes == 11);
    REQUIRE(c.loop.until([&] { return peek(*c.near, 0).text.size() == 11; }));
    c.far->abort();
    CHECK(c.loop.until([&] { return peek(*c.near, 11).result.kind != Kind::would_block; }));
    CHECK(peek(*c.near, 11).result.kind == Kind::failed);
    CHECK(c.near->error() == SocketError::reset);
  });
}

TEST_CASE("closing with unread bytes resets, as close(2) does") {
  for_each_variant([](Connection& c) {
    CHECK(write(*c.near, "nobody reads this").bytes == 17);
    REQUIRE(c.loop.until([&] { return peek(*c.far, 0).text.size() == 17; }));
    c.far.reset();
    CHECK(c.loop.until([&] { return peek(*c.near, 0).result.kind == Kind::failed; }));
  });
}

TEST_CASE("an orderly close is an end") {
  for_each_variant([](Connection& c) {
    c.far.reset();
    CHECK(c.loop.until([&] { return peek(*c.near, 0).result.kind == Kind::end; }));
    CHECK(c.near->state() == Stream::State::open);
  });
}

TEST_CASE("a listener says nothing when nobody waits, and tells when somebody comes") {
  struct Handler final : ListenerHandler {
    void on_ready() noexcept override { ++calls; }
    int calls = 0;
  } handler;
  Loop loop;
  KernelNetwork network(loop.poller);
  auto listener = network.listen({loopback(IpFamily::v4), 0});
  REQUIRE(listener);
  (*listener)->set_handler(&handler);
  auto nobody = (*listener)->accept();
  REQUIRE(nobody);
  CHECK_FALSE(nobody->stream);
  std::vector<std::unique_ptr<Stream>> clients;
  for (int i = 0; i < 3; ++i) {
    auto client = network.connect((*listener)->local());
    REQUIRE(client);
    clients.push_back(std::move(*client));
  }
  int accepted = 0;
  CHECK(loop.until([&] {
    for (auto next = (*listener)->accept(); next && next->stream; next = (*listener)->accept())
      ++accepted;
    return accepted == 3;
  }));
  CHECK(handler.calls > 0);
}

TEST_CASE("a taken port and a foreign address are refused by name") {
  Loop loop;
  KernelNetwork network(loop.poller);
  auto listener = network.listen({loopback(IpFamily::v4), 0});
  REQUIRE(listener);
  const auto second = network.listen((*listener)->local());
  REQUIRE_FALSE(second);
  CHECK(second.error() == SocketError::address_in_use);
  const auto foreign = network.listen({*IpAddress::parse("192.0.2.77"), 0});
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error() == SocketError::address_unavailable);
}

TEST_CASE("the same port can be had on both wildcards") {
  if (!test::has_ipv6()) {
    WARN("skipped: this host has no ::1");
    return;
  }
  Loop loop;
  KernelNetwork network(loop.poller);
  auto v6 = network.listen({test::wildcard(IpFamily::v6), 0});
  REQUIRE(v6);
  const std::uint16_t port = (*v6)->local().port;
  CHECK(network.listen({test::wildcard(IpFamily::v4), port}).has_value());
}
