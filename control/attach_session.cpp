#include "control/attach_session.h"

#include <sys/socket.h>

#include "bridge/ports/link_handle.h"
#include "control/local_socket.h"
#include "control/message_socket.h"

namespace pontoon::control {
namespace {

// Longer than the daemon's own limit for an attachment to be completed.
constexpr int kAnswerTimeoutMs = 35'000;

}  // namespace

Result<std::unique_ptr<DaemonSession>> DaemonSession::open(const Paths& paths,
                                                           const EndpointRequest& request) {
  std::unique_ptr<DaemonSession> session(new DaemonSession(paths, request));
  if (auto reserved = session->reserve(); !reserved) return reserved.error();
  // The name that the daemon made up is kept across a restart of the daemon, and so is the address.
  session->request_.name = session->settings_.info.name;
  return session;
}

bridge::EndpointConfig DaemonSession::config() const {
  const EndpointInfo& info = settings_.info;
  bridge::EndpointConfig config;
  config.name = info.name;
  config.network = info.network;
  config.hostname = info.hostname;
  config.mac = info.mac;
  config.ipv4 = info.ipv4;
  config.gateway = settings_.gateway;
  config.mtu = settings_.mtu;
  config.dns = settings_.gateway;
  config.search = settings_.search;
  config.dhcp = info.dhcp;
  return config;
}

Result<AttachMessage> DaemonSession::exchange(const AttachMessage& message, int fd) {
  return control::exchange(socket_.get(), message, fd, kAnswerTimeoutMs, paths_.log_file());
}

Status<> DaemonSession::reserve() {
  auto connected = connect_local(paths_.attach_socket(), SOCK_SEQPACKET);
  if (!connected) return connected.error();
  socket_ = std::move(*connected);
  AttachMessage message;
  message.op = AttachOp::reserve;
  message.request = request_;
  auto answer = exchange(message);
  if (!answer) return answer.error();
  if (answer->op != AttachOp::reserved || !answer->settings) {
    return Error{ErrorCode::internal, "the daemon answered something else than a reservation"};
  }
  settings_ = std::move(*answer->settings);
  return {};
}

Status<> DaemonSession::hand_over(const bridge::LinkHandle& link) {
  AttachMessage message;
  message.op = AttachOp::link;
  message.link = LinkDescription{link.kind == bridge::LinkHandle::Kind::tap ? "tap" : "packet",
                                 link.interface, link.checksum, link.tso, link.uso};
  auto answer = exchange(message, link.fd.get());
  if (!answer) return answer.error();
  if (answer->op == AttachOp::attached) return {};
  return Error{ErrorCode::unavailable, answer->message};
}

DaemonSession::Event DaemonSession::next_event(std::string& reason) {
  if (!readable(socket_.get(), 0)) return Event::none;
  auto received = receive_message(socket_.get());
  if (!received) {
    reason = "the daemon has gone";
    return Event::lost;
  }
  reason = received->message.message;
  switch (received->message.op) {
    case AttachOp::detached:
      return Event::removed;
    case AttachOp::stopping:
      return Event::stopped;
    case AttachOp::error:
      return Event::removed;
    case AttachOp::reserve:
    case AttachOp::reserved:
    case AttachOp::link:
    case AttachOp::attached:
    case AttachOp::capture:
    case AttachOp::capturing:
    case AttachOp::note:
    case AttachOp::captured:
      return Event::none;
  }
  return Event::none;
}

Status<> DaemonSession::reconnect(const bridge::LinkHandle& link) {
  // The book knows by name what a DHCP client was given last, which needn't be what it had first.
  if (!request_.dhcp) request_.ip = settings_.info.ipv4.address.v4();
  request_.mac = settings_.info.mac;
  if (auto reserved = reserve(); !reserved) return reserved;
  return hand_over(link);
}

}  // namespace pontoon::control
