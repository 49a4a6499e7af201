#include "control/attach_server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <list>

#include "control/capture_hub.h"
#include "control/local_socket.h"
#include "control/message_socket.h"
#include "control/names.h"
#include "core/base/limits.h"
#include "core/base/log.h"

namespace pontoon::control {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;

AttachMessage plain(AttachOp op, std::string text = {}) {
  AttachMessage message;
  message.op = op;
  message.message = std::move(text);
  return message;
}

AttachMessage failure(const Error& error) {
  AttachMessage message = plain(AttachOp::error, error.message);
  message.code = std::string(to_string(error.code));
  return message;
}

}  // namespace

class AttachServer::Impl : public std::enable_shared_from_this<AttachServer::Impl> {
 public:
  Impl(asio::io_context& io, Service& service, std::function<void()> on_stop)
      : io_(io),
        listener_(io),
        pause_(io),
        service_(service),
        captures_(io, service),
        on_stop_(std::move(on_stop)) {}

  Status<> listen(const std::string& path) {
    auto fd = listen_local(path, SOCK_SEQPACKET);
    if (!fd) return fd.error();
    listener_.assign(fd->release());
    accept();
    return {};
  }

  void close();
  Status<> detach(std::string_view endpoint);
  void stop();
  void on_leases_written();
  void on_gone(const std::vector<std::string>& endpoints);

 private:
  class Connection;
  using Connections = std::list<std::shared_ptr<Connection>>;

  void accept();
  void accept_one();
  void accept_later();
  std::shared_ptr<Connection> find(std::string_view endpoint) const;

  asio::io_context& io_;
  Descriptor listener_;
  asio::steady_timer pause_;
  Service& service_;
  CaptureHub captures_;
  std::function<void()> on_stop_;
  Connections connections_;
};

// States: waiting for `reserve` or `capture`; then, of an attachment, for the lease to be durable;
// for `link`; attached. Of a capture: on.
class AttachServer::Impl::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Impl> server, UniqueFd fd)
      : server_(std::move(server)), socket_(server_->io_, fd.release()), deadline_(server_->io_) {}

  const std::string& endpoint() const noexcept { return endpoint_; }

  void start() {
    arm_deadline();
    wait();
  }

  // Says a last word and lets go of the endpoint.
  void end(const AttachMessage& word) {
    if (closed_) return;
    if (capture_) CaptureHub::finish(*capture_);
    (void)send_message(socket_.native_handle(), word);
    close();
  }

  void close() {
    if (closed_) return;
    closed_ = true;
    const auto self = shared_from_this();
    if (capture_) CaptureHub::stop(*capture_);
    if (!endpoint_.empty()) {
      server_->service_.release(endpoint_);
      log::info(fmt::format("endpoint {} detached", endpoint_));
    }
    boost::system::error_code ignored;
    socket_.close(ignored);
    deadline_.cancel();
    server_->connections_.remove(self);
  }

  void answer_when_durable() {
    if (!settings_ || !server_->service_.is_durable(endpoint_)) return;
    AttachMessage message = plain(AttachOp::reserved);
    message.settings = std::move(settings_);
    settings_.reset();
    reply(message);
  }

 private:
  void wait() {
    socket_.async_wait(Descriptor::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& error) {
                         if (!error && !self->closed_) self->read();
                       });
  }

  // Until it is attached a client has to get on; an attached one may stay silent for as long as it
  // likes.
  void arm_deadline() {
    deadline_.expires_after(limits::kApiTimeout);
    deadline_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (error || self->closed_ || self->attached_ || self->capture_) return;
      self->end(
          failure({ErrorCode::internal,
                   self->settings_ ? "the lease could not be written to disk; see the daemon's log"
                                   : "the attachment was not completed in time"}));
    });
  }

  void read() {
    auto received = receive_message(socket_.native_handle());
    if (!received) {
      switch (received.error()) {
        case ReceiveError::nothing:
          return wait();
        case ReceiveError::closed:
          return close();
        case ReceiveError::malformed:
          return end(failure({ErrorCode::invalid_argument,
                              "not a message of this daemon's attach protocol; is another "
                              "version of pontoon running? (pontoon stop ends it)"}));
      }
    }
    handle(std::move(*received));
    if (!closed_) wait();
  }

  void handle(Received received) {
    const AttachMessage& message = received.message;
    const bool fresh = endpoint_.empty() && !capture_;
    if (message.op == AttachOp::reserve && message.request && fresh)
      return reserve(*message.request);
    if (message.op == AttachOp::capture && message.capture && received.fd && fresh)
      return capture(*message.capture, std::move(received.fd));
    const bool link_expected = !endpoint_.empty() && !settings_;
    if (message.op == AttachOp::link && message.link && received.fd && link_expected) {
      return attach(*message.link, std::move(received.fd));
    }
    end(failure({ErrorCode::invalid_argument, "this attach message was not expected now"}));
  }

  void reserve(const EndpointRequest& request) {
    auto settings = server_->service_.reserve(request);
    if (!settings) return end(failure(settings.error()));
    endpoint_ = settings->info.name;
    settings_ = std::move(*settings);
    answer_when_durable();
  }

  void attach(const LinkDescription& description, UniqueFd fd) {
    if (description.kind != "tap" && description.kind != "packet") {
      return end(failure({ErrorCode::invalid_argument,
                          fmt::format("a link is a tap or a packet, not a {}", description.kind)}));
    }
    bridge::LinkHandle link;
    link.kind = description.kind == "tap" ? bridge::LinkHandle::Kind::tap
                                          : bridge::LinkHandle::Kind::packet;
    link.fd = std::move(fd);
    link.interface = description.interface;
    link.checksum = description.checksum;
    link.tso = description.tso;
    link.uso = description.uso;
    if (auto attached = server_->service_.attach(endpoint_, std::move(link)); !attached) {
      return end(failure(attached.error()));
    }
    attached_ = true;
    deadline_.cancel();
    log::info(fmt::format("endpoint {} attached over a {} link", endpoint_, description.kind));
    reply(plain(AttachOp::attached));
  }

  void capture(const CaptureRequest& request, UniqueFd stream) {
    CaptureEvents events;
    events.note = [self = weak_from_this()](const std::string& text) {
      if (const auto alive = self.lock()) alive->tell(plain(AttachOp::note, text));
    };
    events.ended = [self = weak_from_this()](const CaptureCounts& counts) {
      AttachMessage word = plain(AttachOp::captured);
      word.counts = counts;
      if (const auto alive = self.lock()) alive->tell(word);
    };
    auto started = server_->captures_.start(request, std::move(stream), std::move(events));
    if (!started) return end(failure(started.error()));
    capture_ = std::move(*started);
    deadline_.cancel();
    reply(plain(AttachOp::capturing));
  }

  // A client that does not listen misses it.
  void tell(const AttachMessage& message) {
    if (!closed_) (void)send_message(socket_.native_handle(), message);
  }

  void reply(const AttachMessage& message) {
    if (!send_message(socket_.native_handle(), message)) close();
  }

  std::shared_ptr<Impl> server_;
  Descriptor socket_;
  asio::steady_timer deadline_;
  std::string endpoint_;
  std::optional<EndpointSettings> settings_;  // until the client has it
  std::shared_ptr<CaptureHub::Capture> capture_;
  bool attached_ = false;
  bool closed_ = false;
};

void AttachServer::Impl::accept() {
  listener_.async_wait(Descriptor::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& error) {
                         if (!error && self->listener_.is_open()) self->accept_one();
                       });
}

void AttachServer::Impl::accept_one() {
  UniqueFd fd(accept4(listener_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) return accept_later();
  if (fd && peer_allowed(fd.get()) && connections_.size() < limits::kEndpoints) {
    connections_.push_back(std::make_shared<Connection>(shared_from_this(), std::move(fd)));
    connections_.back()->start();
  }
  accept();
}

// Out of descriptors: the connection still waits, and trying again at once would spin.
void AttachServer::Impl::accept_later() {
  pause_.expires_after(limits::kAcceptPause);
  pause_.async_wait([self = shared_from_this()](const boost::system::error_code&) {
    if (self->listener_.is_open()) self->accept();
  });
}

std::shared_ptr<AttachServer::Impl::Connection> AttachServer::Impl::find(
    std::string_view endpoint) const {
  for (const auto& connection : connections_) {
    if (!connection->endpoint().empty() && same_name(connection->endpoint(), endpoint))
      return connection;
  }
  return nullptr;
}

void AttachServer::Impl::close() {
  boost::system::error_code ignored;
  listener_.close(ignored);
  pause_.cancel();
  while (!connections_.empty())
    connections_.front()->close();
}

Status<> AttachServer::Impl::detach(std::string_view endpoint) {
  const auto connection = find(endpoint);
  if (connection == nullptr) {
    return Error{ErrorCode::not_found,
                 fmt::format("No such endpoint: {}. See `pontoon ps`", endpoint)};
  }
  connection->end(plain(AttachOp::detached, "detached by request"));
  return {};
}

void AttachServer::Impl::stop() {
  boost::system::error_code ignored;
  listener_.close(ignored);
  while (!connections_.empty())
    connections_.front()->end(plain(AttachOp::stopping, "the daemon was stopped"));
  on_stop_();
}

void AttachServer::Impl::on_leases_written() {
  const Connections all = connections_;  // an answer that cannot be sent removes its connection
  for (const auto& connection : all)
    connection->answer_when_durable();
}

void AttachServer::Impl::on_gone(const std::vector<std::string>& endpoints) {
  for (const std::string& endpoint : endpoints) {
    if (const auto connection = find(endpoint)) {
      connection->end(plain(AttachOp::detached, "its interface has gone"));
    }
  }
}

AttachServer::AttachServer(asio::io_context& io, Service& service, std::function<void()> on_stop)
    : impl_(std::make_shared<Impl>(io, service, std::move(on_stop))) {}
AttachServer::~AttachServer() {
  impl_->close();
}
Status<> AttachServer::listen(const std::string& path) {
  return impl_->listen(path);
}
Status<> AttachServer::detach(std::string_view endpoint) {
  return impl_->detach(endpoint);
}
void AttachServer::stop() {
  impl_->stop();
}
void AttachServer::on_leases_written() {
  impl_->on_leases_written();
}
void AttachServer::on_gone(const std::vector<std::string>& endpoints) {
  impl_->on_gone(endpoints);
}

}  // namespace pontoon::control
