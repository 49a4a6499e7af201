#include "core/stack/tcp/core.h"

namespace pontoon::stack::tcp {
namespace {

void close_stream(Flow& flow) noexcept {
  if (flow.stream == nullptr) return;
  Core::consume(flow);  // what is left unread makes a reset of an orderly end
  flow.stream->set_handler(nullptr);
  flow.stream.reset();
}

}  // namespace

void Core::release(Flow& flow) noexcept {
  work.remove(flow);
  held.clear(flow.receive.held);
  close_stream(flow);
  table.erase(flow);
}

void Core::abort(Flow& flow) noexcept {
  if (flow.stream != nullptr) {
    flow.stream->set_handler(nullptr);
    flow.stream->abort();
  }
  release(flow);
}

void Core::enter_time_wait(Flow& flow, Instant now) noexcept {
  flow.state = FlowState::time_wait;
  flow.idle_since = now;
  flow.retransmit_at = kNever;
  flow.loss_check_at = kNever;
  flow.room_poll_at = kNever;
  held.clear(flow.receive.held);
  close_stream(flow);
}

}  // namespace pontoon::stack::tcp
