#include "core/socket/socket_error.h"

namespace pontoon {

std::string_view to_string(SocketError error) noexcept {
  switch (error) {
    case SocketError::refused:
      return "connection refused";
    case SocketError::reset:
      return "connection reset";
    case SocketError::timed_out:
      return "timed out";
    case SocketError::host_unreachable:
      return "host unreachable";
    case SocketError::network_unreachable:
      return "network unreachable";
    case SocketError::message_too_big:
      return "message too big";
    case SocketError::prohibited:
      return "not permitted";
    case SocketError::address_in_use:
      return "address already in use";
    case SocketError::address_unavailable:
      return "address not available on this host";
    case SocketError::no_resources:
      return "out of file descriptors or memory";
    case SocketError::unsupported:
      return "not supported by this host";
    case SocketError::other:
      return "unexpected error";
  }
  return "unexpected error";
}

}  // namespace pontoon
