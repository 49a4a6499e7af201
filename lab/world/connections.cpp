#include "lab/world/connections.h"

#include <algorithm>
#include <array>
#include <utility>

namespace pontoon::lab {
namespace {

constexpr std::size_t kReadBytes = 16384;
// An echo that nobody reads: from here on its connection is not read either.
constexpr std::size_t kOutboxBytes = 256 * 1024;
constexpr std::uint64_t kReadsPerSecond = 50;  // of a slow reader

}  // namespace

void Outbox::add(std::string bytes, Instant due) {
  if (bytes.empty()) return;
  size_ += bytes.size();
  pieces_.push_back({due, std::move(bytes), 0});
}

bool Outbox::write_to(Stream& stream, Instant now) {
  bool wrote = false;
  while (!pieces_.empty() && pieces_.front().due <= now) {
    Piece& piece = pieces_.front();
    const ByteView rest = as_bytes(piece.bytes).subspan(piece.written);
    const IoResult written = stream.write({&rest, 1});
    if (written.kind != IoResult::Kind::done || written.bytes == 0) break;
    wrote = true;
    size_ -= written.bytes;
    piece.written += written.bytes;
    if (piece.written == piece.bytes.size()) pieces_.pop_front();
  }
  return wrote;
}

ServerConnection::ServerConnection(const TcpService& service, std::unique_ptr<Stream> stream,
                                   TimerQueue& events, std::string& received, Instant now)
    : service_(service), stream_(std::move(stream)), events_(events), received_(received) {
  stream_->set_handler(this);
  outbox_.add(service_.greeting, now);
}

ServerConnection::~ServerConnection() {
  close();
}

bool ServerConnection::step(Instant now) {
  if (!std::exchange(ready_, false) || finished()) return false;
  bool worked = outbox_.write_to(*stream_, now);
  while (!finished() && service_.talk != TcpService::Talk::silent && read(now))
    worked = true;
  if (!finished() && outbox_.write_to(*stream_, now)) worked = true;
  if (finish()) worked = true;
  if (!finished()) arm(now);
  return worked;
}

// True when bytes, or the end, were read.
bool ServerConnection::read(Instant now) {
  if (peer_ended_ || outbox_.size() >= kOutboxBytes) return false;
  std::array<std::uint8_t, kReadBytes> buffer;
  const std::size_t most = std::min(may_read(now), buffer.size());
  if (most == 0) return false;
  const MutableBytes room = MutableBytes(buffer).first(most);
  const IoResult got = stream_->peek(0, {&room, 1});
  switch (got.kind) {
    case IoResult::Kind::would_block:
      return false;
    case IoResult::Kind::failed:
      close();
      return true;
    case IoResult::Kind::end:
      peer_ended_ = shut_down_wanted_ = true;
      return true;
    case IoResult::Kind::done:
      break;
  }
  stream_->consume(got.bytes);
  take(as_text(ByteView(buffer).first(got.bytes)), now);
  return true;
}

std::size_t ServerConnection::may_read(Instant now) {
  std::uint64_t most = kReadBytes;
  if (service_.read_bytes_per_s > 0) {
    if (now < next_read_) return 0;
    most = std::clamp<std::uint64_t>(service_.read_bytes_per_s / kReadsPerSecond, 1, kReadBytes);
  }
  for (const auto& stop : {service_.close_after, service_.reset_after}) {
    if (stop && *stop > read_) most = std::min(most, *stop - read_);
  }
  return static_cast<std::size_t>(most);
}

void ServerConnection::take(std::string_view bytes, Instant now) {
  const bool first = read_ == 0;
  read_ += bytes.size();
  if (service_.read_bytes_per_s > 0) {
    next_read_ = now + Duration(std::chrono::seconds(1)) * static_cast<std::int64_t>(bytes.size()) /
                           static_cast<std::int64_t>(service_.read_bytes_per_s);
  }
  received_ += bytes;
  const Instant due = now + service_.latency;
  switch (service_.talk) {
    case TcpService::Talk::echo:
      if (!shut_down_wanted_) outbox_.add(std::string(bytes), due);
      break;
    case TcpService::Talk::reply:
      if (first) outbox_.add(service_.reply, due);
      shut_down_wanted_ = true;
      break;
    case TcpService::Talk::discard:
    case TcpService::Talk::silent:
    case TcpService::Talk::handed:
      break;
  }
  if (service_.reset_after && read_ >= *service_.reset_after) {
    stream_->abort();
    close();
  } else if (service_.close_after && read_ >= *service_.close_after) {
    shut_down_wanted_ = true;
  }
}

// The end of what we say, and of the connection.
bool ServerConnection::finish() {
  if (finished()) return false;
  bool worked = false;
  if (stream_->state() == Stream::State::failed) {
    close();
    return true;
  }
  if (shut_down_wanted_ && !shut_down_ && outbox_.empty()) {
    stream_->shutdown_write();
    shut_down_ = worked = true;
  }
  if (shut_down_ && peer_ended_) close();
  return worked;
}

void ServerConnection::close() {
  if (stream_ != nullptr) stream_->set_handler(nullptr);
  stream_.reset();
  timer_.cancel();
}

void ServerConnection::arm(Instant now) {
  Instant next = outbox_.due();
  if (next <= now) next = kNever;  // the stream will say when it has room
  if (next_read_ > now) next = std::min(next, next_read_);
  events_.arm(timer_, next);
}

ClientConnection::ClientConnection(const TcpClient& client, std::unique_ptr<Stream> stream,
                                   ClientOutcome& outcome)
    : client_(client), stream_(std::move(stream)), outcome_(outcome) {
  stream_->set_handler(this);
  outbox_.add(client_.send, Instant::min());
  outcome_.state = ClientOutcome::State::talking;
}

ClientConnection::~ClientConnection() {
  if (stream_ != nullptr) stream_->set_handler(nullptr);
}

bool ClientConnection::step(Instant now) {
  if (!std::exchange(ready_, false) || stream_ == nullptr) return false;
  bool worked = outbox_.write_to(*stream_, now);
  if (outbox_.empty() && client_.shut_down && !shut_down_) {
    stream_->shutdown_write();
    shut_down_ = worked = true;
  }
  while (stream_ != nullptr && read())
    worked = true;
  return worked;
}

bool ClientConnection::read() {
  std::array<std::uint8_t, kReadBytes> buffer;
  std::size_t most = buffer.size();
  if (client_.reset_after)
    most = std::min<std::size_t>(most, *client_.reset_after - outcome_.received.size());
  const MutableBytes room = MutableBytes(buffer).first(most);
  const IoResult got = stream_->peek(0, {&room, 1});
  switch (got.kind) {
    case IoResult::Kind::would_block:
      return false;
    case IoResult::Kind::failed:
      close(ClientOutcome::State::reset);
      return true;
    case IoResult::Kind::end:
      // Without an end of our own the connection waits for what is still to be sent.
      if (!outbox_.empty()) return false;
      close(ClientOutcome::State::ended);
      return true;
    case IoResult::Kind::done:
      break;
  }
  stream_->consume(got.bytes);
  outcome_.received += as_text(ByteView(buffer).first(got.bytes));
  if (client_.reset_after && outcome_.received.size() >= *client_.reset_after) {
    stream_->abort();
    close(ClientOutcome::State::reset);
  }
  return true;
}

void ClientConnection::close(ClientOutcome::State state) {
  outcome_.state = state;
  stream_->set_handler(nullptr);
  stream_.reset();
}

}  // namespace pontoon::lab
