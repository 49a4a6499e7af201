#include "core/base/drop.h"

namespace pontoon {

std::string_view to_string(DropReason reason) noexcept {
  switch (reason) {
#define X(name, text)    \
  case DropReason::name: \
    return #name;
    PONTOON_DROP_REASONS(X)
#undef X
  }
  return "unknown";
}

std::string_view describe(DropReason reason) noexcept {
  switch (reason) {
#define X(name, text)    \
  case DropReason::name: \
    return text;
    PONTOON_DROP_REASONS(X)
#undef X
  }
  return "unknown";
}

}  // namespace pontoon
