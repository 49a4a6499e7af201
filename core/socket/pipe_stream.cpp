#include "core/socket/pipe_stream.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace pontoon {
namespace {

// Bytes on their way from one end to the other: a ring that is allocated at the first write.
class Direction {
 public:
  explicit Direction(std::size_t capacity) : capacity_(capacity) {}

  std::size_t size() const noexcept { return size_; }
  std::size_t room() const noexcept { return closed_ ? 0 : capacity_ - size_; }
  bool closed() const noexcept { return closed_; }
  void close() noexcept { closed_ = true; }

  std::size_t put(ByteView bytes) {
    if (ring_.empty()) ring_.resize(capacity_);
    const std::size_t count = std::min(bytes.size(), room());
    for (std::size_t done = 0; done < count;) {
      const std::size_t at = (begin_ + size_) % capacity_;
      const std::size_t run = std::min(count - done, capacity_ - at);
      std::memcpy(ring_.data() + at, bytes.data() + done, run);
      size_ += run;
      done += run;
    }
    return count;
  }

  std::size_t copy_out(std::size_t offset, MutableBytes out) const noexcept {
    if (offset >= size_) return 0;
    const std::size_t count = std::min(out.size(), size_ - offset);
    for (std::size_t done = 0; done < count;) {
      const std::size_t at = (begin_ + offset + done) % capacity_;
      const std::size_t run = std::min(count - done, capacity_ - at);
      std::memcpy(out.data() + done, ring_.data() + at, run);
      done += run;
    }
    return count;
  }

  void drop(std::size_t count) noexcept {
    count = std::min(count, size_);
    begin_ = (begin_ + count) % capacity_;
    size_ -= count;
  }

 private:
  std::size_t capacity_;
  std::vector<std::uint8_t> ring_;
  std::size_t begin_ = 0;
  std::size_t size_ = 0;
  bool closed_ = false;
};

struct Shared {
  explicit Shared(std::size_t capacity) : directions{Direction(capacity), Direction(capacity)} {}
  Direction directions[2];  // [i] is written by end i
  StreamHandler* handlers[2] = {nullptr, nullptr};
  bool gone[2] = {false, false};
  bool reset = false;
};

class PipeEnd final : public Stream {
 public:
  PipeEnd(std::shared_ptr<Shared> shared, int index) : shared_(std::move(shared)), index_(index) {}

  // Like close(2): what the other end had sent and we never read turns the close into a reset.
  ~PipeEnd() override {
    shared_->handlers[index_] = nullptr;
    shared_->gone[index_] = true;
    if (incoming().size() > 0) shared_->reset = true;
    outgoing().close();
    notify_other();
  }

  void set_handler(StreamHandler* handler) noexcept override {
    shared_->handlers[index_] = handler;
  }
  State state() const noexcept override { return shared_->reset ? State::failed : State::open; }
  SocketError error() const noexcept override { return SocketError::reset; }

  IoResult write(std::span<const ByteView> pieces) noexcept override {
    if (shared_->reset || shared_->gone[other()] || outgoing().closed()) {
      return IoResult::failed(SocketError::reset);
    }
    std::size_t wanted = 0;
    std::size_t taken = 0;
    for (const ByteView piece : pieces) {
      wanted += piece.size();
      taken += outgoing().put(piece);
    }
    if (taken > 0) notify_other();
    return taken == 0 && wanted > 0 ? IoResult::would_block() : IoResult::done(taken);
  }

  std::size_t write_room() const noexcept override { return shared_->directions[index_].room(); }

  IoResult peek(std::size_t offset, std::span<const MutableBytes> pieces) noexcept override {
    if (shared_->reset) return IoResult::failed(SocketError::reset);
    std::size_t copied = 0;
    for (const MutableBytes piece : pieces)
      copied += incoming().copy_out(offset + copied, piece);
    if (copied > 0) return IoResult::done(copied);
    return incoming().closed() && offset >= incoming().size() ? IoResult::end()
                                                              : IoResult::would_block();
  }

  void consume(std::size_t count) noexcept override {
    incoming().drop(count);
    notify_other();
  }

  void shutdown_write() noexcept override {
    outgoing().close();
    notify_other();
  }

  void abort() noexcept override {
    shared_->reset = true;
    notify_other();
  }

 private:
  int other() const noexcept { return 1 - index_; }
  Direction& outgoing() noexcept { return shared_->directions[index_]; }
  Direction& incoming() noexcept { return shared_->directions[other()]; }
  void notify_other() noexcept {
    if (StreamHandler* handler = shared_->handlers[other()]) handler->on_ready();
  }

  std::shared_ptr<Shared> shared_;
  int index_;
};

}  // namespace

StreamPair make_pipe(std::size_t capacity) {
  auto shared = std::make_shared<Shared>(capacity);
  return {std::make_unique<PipeEnd>(shared, 0), std::make_unique<PipeEnd>(shared, 1)};
}

}  // namespace pontoon
