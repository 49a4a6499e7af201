#include "core/stack/tcp/flow.h"

namespace pontoon::stack::tcp {

const char* to_string(FlowState state) noexcept {
  switch (state) {
    case FlowState::syn_held:  // SYN-RECEIVED, seen from the endpoint: it has asked, we owe the
                               // answer
      return "SYN-RECEIVED";
    case FlowState::syn_sent:
      return "SYN-SENT";
    case FlowState::syn_received:
      return "SYN-RECEIVED";
    case FlowState::established:
      return "ESTABLISHED";
    case FlowState::fin_wait_1:
      return "FIN-WAIT-1";
    case FlowState::fin_wait_2:
      return "FIN-WAIT-2";
    case FlowState::close_wait:
      return "CLOSE-WAIT";
    case FlowState::closing:
      return "CLOSING";
    case FlowState::last_ack:
      return "LAST-ACK";
    case FlowState::time_wait:
      return "TIME-WAIT";
  }
  return "";
}

}  // namespace pontoon::stack::tcp
