// Text that comes from outside: command lines and names that somebody else chose.
#pragma once

#include <string>
#include <string_view>

namespace pontoon::control {

// Valid UTF-8 (RFC 3629): each byte that is not part of a well-formed character becomes U+FFFD.
// JSON (RFC 8259 8.1) knows no other text.
std::string to_utf8(std::string_view text);

}  // namespace pontoon::control
