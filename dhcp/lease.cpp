#include "dhcp/lease.h"

#include "core/base/check.h"

namespace pontoon::dhcp {

std::string_view to_string(LeaseState state) noexcept {
  switch (state) {
    case LeaseState::offered:
      return "offered";
    case LeaseState::bound:
      return "bound";
    case LeaseState::released:
      return "released";
    case LeaseState::expired:
      return "expired";
    case LeaseState::declined:
      return "declined";
  }
  return "unknown";
}

bool may_follow(LeaseState from, LeaseState to) noexcept {
  switch (from) {
    case LeaseState::offered:
      return to == LeaseState::offered || to == LeaseState::bound || to == LeaseState::expired;
    case LeaseState::bound:
      return to != LeaseState::offered;
    case LeaseState::released:
    case LeaseState::expired:
      return to == LeaseState::offered || to == LeaseState::bound;
    case LeaseState::declined:
      return false;
  }
  return false;
}

void move_to(Lease& lease, LeaseState state, Instant expires) noexcept {
  INVARIANT(may_follow(lease.state, state));
  lease.state = state;
  lease.expires = expires;
}

}  // namespace pontoon::dhcp
