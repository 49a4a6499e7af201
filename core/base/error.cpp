#include "core/base/error.h"

#include <cstdio>
#include <cstdlib>

#include "core/base/check.h"

namespace pontoon {

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::already_exists:
      return "already_exists";
    case ErrorCode::conflict:
      return "conflict";
    case ErrorCode::permission_denied:
      return "permission_denied";
    case ErrorCode::exhausted:
      return "exhausted";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::internal:
      return "internal";
  }
  return "internal";
}

ErrorCode error_code(std::string_view text) noexcept {
  for (const ErrorCode code :
       {ErrorCode::invalid_argument, ErrorCode::not_found, ErrorCode::already_exists,
        ErrorCode::conflict, ErrorCode::permission_denied, ErrorCode::exhausted,
        ErrorCode::unavailable, ErrorCode::unsupported}) {
    if (to_string(code) == text) return code;
  }
  return ErrorCode::internal;
}

void check_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "pontoon: internal error: INVARIANT(%s) failed at %s:%d\n", expression, file,
               line);
  std::abort();
}

}  // namespace pontoon
