// The control path's error: a code that programs branch on and a text that tells a person what was
// wrong and what to do next.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pontoon {

enum class ErrorCode : std::uint8_t {
  invalid_argument,   // the request is malformed
  not_found,          // the thing named does not exist
  already_exists,     // the name is taken
  conflict,           // a resource (port, address) is held by another
  permission_denied,  // the host does not allow it
  exhausted,          // a named limit or a pool is used up
  unavailable,        // the daemon or a peer cannot be reached
  unsupported,        // this host or this version cannot do it
  internal,           // our fault
};

std::string_view to_string(ErrorCode code) noexcept;
ErrorCode error_code(
    std::string_view text) noexcept;  // the inverse; `internal` for what it does not know

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;  // one or two lines: what was wrong, what to do next
};

}  // namespace pontoon
