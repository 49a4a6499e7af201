// A Stream in the hands of a test: its room, readable bytes, end and errors are set through the
// ScriptedHost, which outlives the stream and remembers what the engine did to it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/socket/stream.h"

namespace pontoon::test {

struct ScriptedHost {
  Stream::State state = Stream::State::open;
  SocketError error = SocketError::other;
  std::size_t room = 1 << 16;  // shrinks with every write
  std::string written;
  std::string readable;  // said, not consumed
  std::size_t consumed = 0;
  bool ended = false;
  bool writes_fail = false;
  bool reads_fail = false;
  bool write_shut = false;
  bool aborted = false;
  bool closed = false;  // the engine has destroyed its stream
  unsigned peeks = 0;
  unsigned consumes = 0;
  unsigned room_asked = 0;
  StreamHandler* handler = nullptr;

  void notify() const {
    if (handler != nullptr) handler->on_ready();
  }
  void connect() {
    state = Stream::State::open;
    notify();
  }
  void fail(SocketError why) {
    state = Stream::State::failed;
    error = why;
    writes_fail = reads_fail = true;
    notify();
  }
  void say(std::string_view text) {
    readable += text;
    notify();
  }
  void end() {
    ended = true;
    notify();
  }
  void give_room(std::size_t bytes) {
    room = bytes;
    notify();
  }
};

class ScriptedStream final : public Stream {
 public:
  explicit ScriptedStream(std::shared_ptr<ScriptedHost> host) : host_(std::move(host)) {}
  ~ScriptedStream() override {
    host_->handler = nullptr;
    host_->closed = true;
  }

  void set_handler(StreamHandler* handler) noexcept override { host_->handler = handler; }
  State state() const noexcept override { return host_->state; }
  SocketError error() const noexcept override { return host_->error; }

  IoResult write(std::span<const ByteView> pieces) noexcept override {
    if (host_->writes_fail || host_->write_shut || host_->aborted)
      return IoResult::failed(SocketError::reset);
    std::size_t taken = 0;
    for (const ByteView piece : pieces) {
      const std::size_t count = std::min(piece.size(), host_->room);
      host_->written += as_text(piece.first(count));
      host_->room -= count;
      taken += count;
    }
    return taken == 0 ? IoResult::would_block() : IoResult::done(taken);
  }
  std::size_t write_room() const noexcept override {
    ++host_->room_asked;
    return host_->room;
  }

  IoResult peek(std::size_t offset, std::span<const MutableBytes> pieces) noexcept override {
    ++host_->peeks;
    if (host_->reads_fail || host_->aborted) return IoResult::failed(host_->error);
    std::size_t copied = 0;
    for (const MutableBytes piece : pieces) {
      const std::size_t at = offset + copied;
      if (at >= host_->readable.size()) break;
      const std::string_view text = std::string_view(host_->readable).substr(at, piece.size());
      std::copy(text.begin(), text.end(), piece.begin());
      copied += text.size();
    }
    if (copied > 0) return IoResult::done(copied);
    return host_->ended ? IoResult::end() : IoResult::would_block();
  }
  void consume(std::size_t count) noexcept override {
    ++host_->consumes;
    count = std::min(count, host_->readable.size());
    host_->readable.erase(0, count);
    host_->consumed += count;
  }
  void shutdown_write() noexcept override { host_->write_shut = true; }
  void abort() noexcept override { host_->aborted = true; }

 private:
  std::shared_ptr<ScriptedHost> host_;
};

}  // namespace pontoon::test
