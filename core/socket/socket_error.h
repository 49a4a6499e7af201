// What can go wrong on the host side, in the terms that the stack needs to tell the truth to a
// container.
#pragma once

#include <cstdint>
#include <string_view>

namespace pontoon {

enum class SocketError : std::uint8_t {
  refused,              // ECONNREFUSED
  reset,                // ECONNRESET, EPIPE
  timed_out,            // ETIMEDOUT
  host_unreachable,     // EHOSTUNREACH
  network_unreachable,  // ENETUNREACH, ENETDOWN
  message_too_big,      // EMSGSIZE
  prohibited,           // EACCES, EPERM
  address_in_use,       // EADDRINUSE
  address_unavailable,  // EADDRNOTAVAIL
  no_resources,         // EMFILE, ENFILE, ENOBUFS, ENOMEM
  unsupported,          // EAFNOSUPPORT, EPROTONOSUPPORT
  other,
};

std::string_view to_string(SocketError error) noexcept;

// The outcome of one non-blocking call.
struct IoResult {
  enum class Kind : std::uint8_t { done, would_block, end, failed };
  Kind kind = Kind::done;
  std::size_t bytes = 0;                   // with `done`
  SocketError error = SocketError::other;  // with `failed`

  static IoResult done(std::size_t bytes) noexcept {
    return {Kind::done, bytes, SocketError::other};
  }
  static IoResult would_block() noexcept { return {Kind::would_block, 0, SocketError::other}; }
  static IoResult end() noexcept { return {Kind::end, 0, SocketError::other}; }
  static IoResult failed(SocketError error) noexcept { return {Kind::failed, 0, error}; }
};

}  // namespace pontoon
