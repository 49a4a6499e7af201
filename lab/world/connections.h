// The two kinds of TCP connection that actors hold: a server's, and a client's to a published port.
// Streams only say that something may have changed; the work is done in step().
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/timer_queue.h"
#include "core/socket/stream.h"
#include "lab/world/actors.h"

namespace pontoon::lab {

// Bytes on their way into a stream, each piece not before its time.
class Outbox {
 public:
  void add(std::string bytes, Instant due);
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return pieces_.empty(); }
  // When the first piece is due; kNever when there is none.
  Instant due() const noexcept { return pieces_.empty() ? kNever : pieces_.front().due; }
  // Whether anything was written. What the stream does not take stays.
  bool write_to(Stream& stream, Instant now);

 private:
  struct Piece {
    Instant due{};
    std::string bytes;
    std::size_t written = 0;
  };
  std::deque<Piece> pieces_;
  std::size_t size_ = 0;
};

class ServerConnection final : private StreamHandler {
 public:
  // `received` gets what is read.
  ServerConnection(const TcpService& service, std::unique_ptr<Stream> stream, TimerQueue& events,
                   std::string& received, Instant now);
  ~ServerConnection() override;
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  // Whether anything was done.
  bool step(Instant now);
  bool finished() const noexcept { return stream_ == nullptr; }

 private:
  void on_ready() noexcept override { ready_ = true; }
  void on_time(Instant) { ready_ = true; }
  bool read(Instant now);
  std::size_t may_read(Instant now);
  void take(std::string_view bytes, Instant now);
  bool finish();
  void close();
  void arm(Instant now);

  const TcpService& service_;
  std::unique_ptr<Stream> stream_;
  TimerQueue& events_;
  Timer timer_{Timer::bind<&ServerConnection::on_time>(*this)};
  std::string& received_;
  Outbox outbox_;
  Instant next_read_{};
  std::uint64_t read_ = 0;
  bool ready_ = true;
  bool shut_down_wanted_ = false;
  bool shut_down_ = false;
  bool peer_ended_ = false;
};

class ClientConnection final : private StreamHandler {
 public:
  ClientConnection(const TcpClient& client, std::unique_ptr<Stream> stream, ClientOutcome& outcome);
  ~ClientConnection() override;
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  bool step(Instant now);

 private:
  void on_ready() noexcept override { ready_ = true; }
  bool read();
  void close(ClientOutcome::State state);

  const TcpClient& client_;
  std::unique_ptr<Stream> stream_;
  ClientOutcome& outcome_;
  Outbox outbox_;
  bool ready_ = true;
  bool shut_down_ = false;
};

}  // namespace pontoon::lab
