#include "core/socket/pipe_stream.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include <array>
#include <deque>
#include <string>
#include <vector>

using namespace pontoon;

namespace {

using Kind = IoResult::Kind;

struct Handler final : StreamHandler {
  void on_ready() noexcept override { ++calls; }
  int calls = 0;
};

IoResult write(Stream& stream, std::string_view text) {
  const ByteView piece = as_bytes(text);
  return stream.write({&piece, 1});
}

struct Peeked {
  Kind kind;
  std::string text;
};

Peeked peek(Stream& stream, std::size_t offset = 0, std::size_t size = 100) {
  std::vector<std::uint8_t> buffer(size);
  const MutableBytes piece(buffer);
  const IoResult result = stream.peek(offset, {&piece, 1});
  Peeked out{result.kind, {}};
  if (result.kind == Kind::done) out.text = as_text(ByteView(buffer).first(result.bytes));
  return out;
}

}  // namespace

TEST_CASE("both ends of a pipe are open and empty at once") {
  const StreamPair pair = make_pipe(10);
  for (Stream* end : {pair.first.get(), pair.second.get()}) {
    CHECK(end->state() == Stream::State::open);
    CHECK(end->write_room() == 10);
    CHECK(peek(*end).kind == Kind::would_block);
  }
}

TEST_CASE("bytes go both ways, apart from each other") {
  const StreamPair pair = make_pipe(10);
  CHECK(write(*pair.first, "there").bytes == 5);
  CHECK(write(*pair.second, "back").bytes == 4);
  CHECK(peek(*pair.second).text == "there");
  CHECK(peek(*pair.first).text == "back");
  CHECK(pair.first->write_room() == 5);
  CHECK(pair.second->write_room() == 6);
}

TEST_CASE("a peek leaves the bytes where they are, a consume takes them") {
  const StreamPair pair = make_pipe(10);
  write(*pair.first, "abcdef");
  CHECK(peek(*pair.second, 2).text == "cdef");
  CHECK(peek(*pair.second, 2, 2).text == "cd");
  CHECK(peek(*pair.second, 6).kind == Kind::would_block);
  CHECK(peek(*pair.second, 60).kind == Kind::would_block);
  pair.second->consume(4);
  CHECK(peek(*pair.second).text == "ef");
  pair.second->consume(100);  // more than there is
  CHECK(peek(*pair.second).kind == Kind::would_block);
  CHECK(pair.first->write_room() == 10);
}

TEST_CASE("a pipe is bounded: a prefix is taken, then nothing") {
  const StreamPair pair = make_pipe(4);
  CHECK(write(*pair.first, "abcdef").bytes == 4);
  CHECK(write(*pair.first, "ef").kind == Kind::would_block);
  CHECK(pair.first->write_room() == 0);
  CHECK(write(*pair.first, "").kind == Kind::done);
  pair.second->consume(1);
  CHECK(write(*pair.first, "ef").bytes == 1);
  CHECK(peek(*pair.second).text == "bcde");
}

TEST_CASE("bytes that wrap around the end of the ring come out in one piece or several") {
  const StreamPair pair = make_pipe(5);
  write(*pair.first, "abcd");
  pair.second->consume(3);
  CHECK(write(*pair.first, "efgh").bytes == 4);
  CHECK(peek(*pair.second).text == "defgh");
  std::array<std::uint8_t, 2> first{};
  std::array<std::uint8_t, 2> second{};
  const std::array<MutableBytes, 2> pieces{MutableBytes(first), MutableBytes(second)};
  CHECK(pair.second->peek(1, pieces).bytes == 4);
  CHECK(as_text(first) == "ef");
  CHECK(as_text(second) == "gh");
}

TEST_CASE("pieces are written one behind the other, as far as they fit") {
  const StreamPair pair = make_pipe(5);
  const std::array<ByteView, 4> pieces{as_bytes("ab"), ByteView(), as_bytes("cde"), as_bytes("f")};
  CHECK(pair.first->write(pieces).bytes == 5);
  CHECK(peek(*pair.second).text == "abcde");
}

TEST_CASE("half-close: an end behind the last byte, the other direction lives on") {
  const StreamPair pair = make_pipe(10);
  write(*pair.first, "last");
  pair.first->shutdown_write();
  CHECK(pair.first->write_room() == 0);
  CHECK(write(*pair.first, "more").kind == Kind::failed);
  CHECK(peek(*pair.second).text == "last");
  CHECK(peek(*pair.second, 4).kind == Kind::end);
  pair.second->consume(4);
  CHECK(peek(*pair.second).kind == Kind::end);
  CHECK(write(*pair.second, "answer").bytes == 6);
  CHECK(peek(*pair.first).text == "answer");
  CHECK(pair.first->state() == Stream::State::open);
}

TEST_CASE("a close after everything was read is an end to the other") {
  StreamPair pair = make_pipe(10);
  write(*pair.first, "bye");
  pair.first.reset();
  CHECK(peek(*pair.second).text == "bye");
  CHECK(peek(*pair.second, 3).kind == Kind::end);
  CHECK(pair.second->state() == Stream::State::open);
  CHECK(write(*pair.second, "hello?").kind == Kind::failed);  // as EPIPE
  pair.second->shutdown_write();
  pair.second->consume(3);
}

TEST_CASE("a close with unread bytes is a reset to the other") {
  StreamPair pair = make_pipe(10);
  write(*pair.first, "unread");
  write(*pair.second, "lost as well");
  pair.second.reset();
  CHECK(pair.first->state() == Stream::State::failed);
  CHECK(pair.first->error() == SocketError::reset);
  CHECK(peek(*pair.first).kind == Kind::failed);
  CHECK(write(*pair.first, "x").kind == Kind::failed);
}

TEST_CASE("an abort is a reset to both") {
  const StreamPair pair = make_pipe(10);
  write(*pair.first, "gone");
  pair.first->abort();
  for (Stream* end : {pair.first.get(), pair.second.get()}) {
    CHECK(end->state() == Stream::State::failed);
    CHECK(peek(*end).kind == Kind::failed);
    CHECK(write(*end, "x").kind == Kind::failed);
  }
}

TEST_CASE("each change is told to the other end's handler") {
  StreamPair pair = make_pipe(4);
  Handler near;
  Handler far;
  pair.first->set_handler(&near);
  pair.second->set_handler(&far);
  write(*pair.first, "ab");
  CHECK(far.calls == 1);
  CHECK(near.calls == 0);  // never of one's own doing
  pair.second->consume(1);
  CHECK(near.calls == 1);
  write(*pair.first, "xxxxx");
  CHECK(far.calls == 2);
  write(*pair.first, "full");  // nothing fits: nothing changed
  CHECK(far.calls == 2);
  pair.first->shutdown_write();
  CHECK(far.calls == 3);
  pair.first->abort();
  CHECK(far.calls == 4);
  pair.second->set_handler(nullptr);
  pair.first.reset();
  CHECK(far.calls == 4);
}

TEST_CASE("the end that closes is told nothing any more") {
  StreamPair pair = make_pipe(4);
  Handler handler;
  pair.first->set_handler(&handler);
  pair.first.reset();
  write(*pair.second, "x");
  pair.second.reset();
  CHECK(handler.calls == 0);
}

namespace {

// What a pipe is, said simply: two queues of bytes.
struct Model {
  std::deque<std::uint8_t> queues[2];  // [i] is written by end i
  bool closed[2] = {false, false};
};

struct Rig {
  explicit Rig(std::size_t bound) : capacity(bound), pair(make_pipe(bound)) {}
  Stream& end(int index) { return index == 0 ? *pair.first : *pair.second; }

  void step() {
    const int who = *rc::gen::inRange(0, 2);
    const int what = *rc::gen::weightedElement<int>({{8, 0}, {6, 1}, {5, 2}, {1, 3}});
    if (what == 0) do_write(who);
    if (what == 1) do_peek(who);
    if (what == 2) do_consume(who);
    if (what == 3) {
      end(who).shutdown_write();
      model.closed[who] = true;
    }
    RC_ASSERT(end(who).write_room() ==
              (model.closed[who] ? 0 : capacity - model.queues[who].size()));
    RC_ASSERT(end(who).state() == Stream::State::open);
  }

  void do_write(int who) {
    const auto pieces = *rc::gen::container<std::vector<std::vector<std::uint8_t>>>(
        rc::gen::arbitrary<std::vector<std::uint8_t>>());
    std::vector<ByteView> views(pieces.begin(), pieces.end());
    const IoResult result = end(who).write(views);
    if (model.closed[who]) {
      RC_ASSERT(result.kind == Kind::failed);
      return;
    }
    std::size_t wanted = 0;
    std::size_t taken = 0;
    for (const auto& piece : pieces) {
      wanted += piece.size();
      for (const std::uint8_t byte : piece) {
        if (model.queues[who].size() == capacity) break;
        model.queues[who].push_back(byte);
        ++taken;
      }
    }
    RC_ASSERT(result.kind == (taken == 0 && wanted > 0 ? Kind::would_block : Kind::done));
    if (result.kind == Kind::done) RC_ASSERT(result.bytes == taken);
  }

  void do_peek(int who) {
    const auto& queue = model.queues[1 - who];
    const std::size_t offset = *rc::gen::inRange<std::size_t>(0, capacity + 2);
    std::vector<std::uint8_t> first(*rc::gen::inRange<std::size_t>(1, capacity + 3));
    std::vector<std::uint8_t> second(*rc::gen::inRange<std::size_t>(0, 4));
    const std::array<MutableBytes, 2> pieces{MutableBytes(first), MutableBytes(second)};
    const IoResult result = end(who).peek(offset, pieces);
    if (offset >= queue.size()) {
      RC_ASSERT(result.kind == (model.closed[1 - who] ? Kind::end : Kind::would_block));
      return;
    }
    RC_ASSERT(result.kind == Kind::done);
    RC_ASSERT(result.bytes == std::min(queue.size() - offset, first.size() + second.size()));
    first.insert(first.end(), second.begin(), second.end());
    RC_ASSERT(std::equal(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(result.bytes),
                         queue.begin() + static_cast<std::ptrdiff_t>(offset)));
  }

  void do_consume(int who) {
    auto& queue = model.queues[1 - who];
    const std::size_t count = *rc::gen::inRange<std::size_t>(0, capacity + 2);
    end(who).consume(count);
    for (std::size_t i = 0; i < count && !queue.empty(); ++i)
      queue.pop_front();
  }

  std::size_t capacity;
  StreamPair pair;
  Model model;
};

}  // namespace

TEST_CASE("a pipe is two bounded queues of bytes, whatever is done with it") {
  REQUIRE(rc::check([] {
    Rig rig(*rc::gen::inRange<std::size_t>(1, 40));
    const int steps = *rc::gen::inRange(1, 60);
    for (int i = 0; i < steps; ++i)
      rig.step();
  }));
}
