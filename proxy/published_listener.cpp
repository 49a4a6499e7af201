#include "proxy/published_listener.h"

namespace pontoon::proxy {
namespace {

// The waiting connection died before it was accepted (accept(2): these are to be retried at once);
// anything else is about us and would come back immediately.
bool is_of_the_connection(SocketError error) noexcept {
  switch (error) {
    case SocketError::refused:
    case SocketError::reset:
    case SocketError::timed_out:
    case SocketError::host_unreachable:
    case SocketError::network_unreachable:
    case SocketError::prohibited:
      return true;
    case SocketError::message_too_big:
    case SocketError::address_in_use:
    case SocketError::address_unavailable:
    case SocketError::no_resources:
    case SocketError::unsupported:
    case SocketError::other:
      return false;
  }
  return false;
}

}  // namespace

PublishedListener::PublishedListener(PublisherContext& context,
                                     IntrusiveList<PublishedListener>& ready,
                                     std::unique_ptr<Listener> listener,
                                     const PublishedTo& to) noexcept
    : context_(context), ready_list_(ready), listener_(std::move(listener)), to_(to) {
  listener_->set_handler(this);
  on_ready();  // a client may have been faster than the handler
}

void PublishedListener::on_ready() noexcept {
  if (!ready_.linked() && !pause_.armed()) ready_list_.push_back(ready_);
}

void PublishedListener::on_pause_over(Instant) {
  on_ready();
}

// Out of descriptors the connection stays in the kernel's queue and the listener stays readable:
// trying again at once would spin.
void PublishedListener::pause(Instant now) noexcept {
  ++context_.counters.accept_pauses;
  context_.timers.arm(pause_, now + limits::kAcceptPause);
}

void PublishedListener::accept_batch(Instant now) noexcept {
  for (std::size_t i = 0; i < limits::kAcceptBatch; ++i) {
    auto accepted = listener_->accept();
    if (!accepted) {
      ++context_.counters.accept_errors;
      if (is_of_the_connection(accepted.error())) continue;
      pause(now);
      return;
    }
    if (accepted->stream == nullptr) return;
    hand_over(std::move(*accepted), now);
  }
  on_ready();
}

void PublishedListener::hand_over(AcceptedStream accepted, Instant now) noexcept {
  auto flow = preferred_flow(context_.config, to_.target, to_.container_port, accepted.peer);
  const auto in_use = [&](const stack::FlowKey& key) { return context_.inside.has_tcp_flow(key); };
  if (!flow || !context_.tcp_ports.make_unique(*flow, in_use)) {
    ++context_.counters.refused;
    accepted.stream->abort();
    return;
  }
  const bool taken = context_.inside.open_tcp(*flow, std::move(accepted.stream), now);
  ++(taken ? context_.counters.accepted : context_.counters.refused);
}

}  // namespace pontoon::proxy
