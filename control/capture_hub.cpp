#include "control/capture_hub.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>

#include "control/capture_tap.h"
#include "core/base/limits.h"
#include "core/base/log.h"

namespace pontoon::control {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;

// A value that no socket option has when the call fails.
int option(int fd, int name) noexcept {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

// Writing to anything else might block, or never fail although nobody reads.
Status<> check_stream(int fd) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  const bool stream = option(fd, SO_DOMAIN) == AF_UNIX && option(fd, SO_TYPE) == SOCK_STREAM;
  if (stream && getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0) return {};
  return Error{ErrorCode::invalid_argument,
               "the descriptor of the capture is not a connected UNIX stream"};
}

}  // namespace

// States: on (listening at the tap); finishing (the tap is left, the queue drains); ended.
class CaptureHub::Capture final : public CaptureListener,
                                  public std::enable_shared_from_this<CaptureHub::Capture> {
 public:
  Capture(asio::io_context& io, NetworkHost& host, std::string endpoint, capture::Filter filter,
          std::uint32_t snap_length, UniqueFd stream, CaptureEvents events)
      : host_(&host),
        endpoint_(std::move(endpoint)),
        encoder_(host.tap().names(), std::move(filter), snap_length, places(host)),
        stream_(io, stream.release()),
        events_(std::move(events)) {}

  CaptureEncoder& encoder() noexcept override { return encoder_; }
  const std::string& endpoint() const noexcept override { return endpoint_; }
  void on_captured() override { write(); }
  void on_endpoint(bool present) override;
  void on_network_gone() override;

  void begin();
  void dump(std::int64_t last_ms);
  void finish();
  void stop() noexcept;

 private:
  enum class State : std::uint8_t { on, finishing, ended };

  std::vector<CapturePlace> places(NetworkHost& host) const;
  void leave_tap() noexcept;
  void watch_reader();
  void read();
  void write();
  void wait_for_room();
  void end();
  void end_later();

  NetworkHost* host_;  // null once the network has gone
  std::string endpoint_;
  CaptureEncoder encoder_;
  Descriptor stream_;
  CaptureEvents events_;
  State state_ = State::on;
  bool waiting_ = false;
  bool present_ = true;
};

std::vector<CapturePlace> CaptureHub::Capture::places(NetworkHost& host) const {
  (void)host.tap().names().refresh();
  std::vector<CapturePlace> out = host.tap().names().endpoints();
  if (!endpoint_.empty())
    std::erase_if(out, [this](const CapturePlace& place) { return place.name != endpoint_; });
  return out;
}

void CaptureHub::Capture::begin() {
  host_->tap().add(*this);
  watch_reader();
  write();
}

void CaptureHub::Capture::dump(std::int64_t last_ms) {
  host_->dump(*this, std::chrono::milliseconds(last_ms));
  watch_reader();
  finish();
}

void CaptureHub::Capture::on_endpoint(bool present) {
  if (present == present_) return;
  present_ = present;
  events_.note(present ? fmt::format("{} is back", endpoint_)
                       : fmt::format("{} has gone; waiting for its return", endpoint_));
}

void CaptureHub::Capture::on_network_gone() {
  events_.note(fmt::format("network {} was removed", host_->network().spec().name));
  host_ = nullptr;
  finish();
}

void CaptureHub::Capture::leave_tap() noexcept {
  if (host_ != nullptr) host_->tap().remove(*this);
  host_ = nullptr;
}

void CaptureHub::Capture::finish() {
  if (state_ != State::on) return;
  state_ = State::finishing;
  leave_tap();
  encoder_.finish(wall_ns());
  write();
}

void CaptureHub::Capture::stop() noexcept {
  leave_tap();
  state_ = State::ended;
  boost::system::error_code ignored;
  stream_.close(ignored);
}

// Nothing is expected from there but its end.
void CaptureHub::Capture::watch_reader() {
  stream_.async_wait(Descriptor::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       if (!error && self->state_ == State::on) self->read();
                     });
}

void CaptureHub::Capture::read() {
  std::array<std::uint8_t, 4096> ignored{};
  const ssize_t got = recv(stream_.native_handle(), ignored.data(), ignored.size(), MSG_DONTWAIT);
  if (got == 0) return finish();
  if (got < 0 && errno != EAGAIN && errno != EINTR) return end();
  watch_reader();
}

void CaptureHub::Capture::write() {
  while (state_ != State::ended && !waiting_ && !encoder_.queued().empty()) {
    const ByteView bytes = encoder_.queued();
    const ssize_t sent =
        send(stream_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      encoder_.take(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      return wait_for_room();
    } else if (errno != EINTR) {
      return end_later();
    }
  }
  if (state_ == State::finishing && encoder_.queued().empty()) end_later();
}

void CaptureHub::Capture::wait_for_room() {
  waiting_ = true;
  stream_.async_wait(Descriptor::wait_write,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       self->waiting_ = false;
                       if (!error) self->write();
                     });
}

// The tap may be calling; it is not to be left from within.
void CaptureHub::Capture::end_later() {
  asio::post(stream_.get_executor(), [self = shared_from_this()] { self->end(); });
}

void CaptureHub::Capture::end() {
  if (state_ == State::ended) return;
  stop();
  events_.ended(encoder_.counts());
}

Result<std::shared_ptr<CaptureHub::Capture>> CaptureHub::start(const CaptureRequest& request,
                                                               UniqueFd stream,
                                                               CaptureEvents events) {
  if (auto checked = check_stream(stream.get()); !checked) return checked.error();
  std::erase_if(captures_, [](const auto& capture) { return capture.expired(); });
  if (captures_.size() >= limits::kCaptures) {
    return Error{ErrorCode::exhausted,
                 fmt::format("{} captures are on, which is the daemon's limit; end one of them",
                             limits::kCaptures)};
  }
  const auto scope = service_.capture_scope(request.target);
  if (!scope) return scope.error();
  CaptureTap& tap = scope->host->tap();
  if (request.last_ms && !tap.has_recorder()) {
    return Error{ErrorCode::unavailable,
                 "the flight recorder is off (pontoon daemon --recorder 0), so there is no --last; "
                 "start the daemon with --recorder 4MiB"};
  }
  (void)tap.names().refresh();
  capture::Filter filter;
  if (!request.filter.empty()) {
    auto parsed = capture::Filter::parse(request.filter, tap.names());
    if (!parsed) return parsed.error();
    filter = std::move(*parsed);
  }
  auto capture =
      std::make_shared<Capture>(io_, *scope->host, scope->endpoint, std::move(filter),
                                request.snap_length, std::move(stream), std::move(events));
  captures_.push_back(capture);
  log::info(fmt::format("capture of {} begins",
                        request.target.empty() ? "the default network" : request.target));
  if (request.last_ms) {
    capture->dump(*request.last_ms);
  } else {
    capture->begin();
  }
  return capture;
}

void CaptureHub::finish(Capture& capture) {
  capture.finish();
}

void CaptureHub::stop(Capture& capture) noexcept {
  capture.stop();
}

}  // namespace pontoon::control
