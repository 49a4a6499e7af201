#include "tests/sim/book_checker.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/limits.h"

namespace pontoon::sim {
namespace {

using namespace std::chrono_literals;
using dhcp::Lease;
using dhcp::LeaseState;

constexpr std::string_view kName = "lease book";

bool rests(const Lease& lease) {
  return lease.state == LeaseState::released || lease.state == LeaseState::expired;
}

// How a lease ended makes no difference: an offer that lapses makes an expired one of a released.
bool same(const Lease& left, const Lease& right) {
  return left.address == right.address && left.mac == right.mac &&
         (left.state == right.state || (rests(left) && rests(right)));
}

}  // namespace

void BookChecker::check_promise(const dhcp::LeaseBook& book, Ipv4Address address,
                                const MacAddress& client, Instant until) {
  const Lease* lease = book.find(address);
  const bool kept = lease != nullptr && lease->state == LeaseState::bound && lease->mac == client &&
                    lease->expires + 1s >= until;
  if (kept) return;
  report_.fail(kName, fmt::format("{} was acknowledged to {} and is {}", address.to_string(),
                                  client.to_string(),
                                  lease == nullptr ? "nobody's" : to_string(lease->state)));
}

void BookChecker::check_ends(const dhcp::LeaseBook& book, Instant now) {
  for (const Lease& lease : book.list()) {
    const bool running = lease.state == LeaseState::bound || lease.state == LeaseState::offered ||
                         lease.state == LeaseState::declined;
    if (running && lease.expires + 1s < now) {
      report_.fail(kName, fmt::format("{} is {} beyond its end", lease.address.to_string(),
                                      to_string(lease.state)));
    }
  }
}

void BookChecker::check_share(const dhcp::LeaseBook& book, const MacAddress& client) {
  const auto all = book.list();
  const auto count = std::count_if(all.begin(), all.end(),
                                   [&](const Lease& lease) { return lease.mac == client; });
  if (static_cast<std::size_t>(count) > limits::kLeasesPerPort)
    report_.fail(kName, fmt::format("{} has {} leases", client.to_string(), count));
}

void BookChecker::check_disk(const dhcp::LeaseBook& book, const std::vector<Lease>& rows) {
  const auto all = book.list();
  for (const Lease& lease : all) {
    if (lease.state == LeaseState::offered) continue;  // never written
    const bool written =
        std::any_of(rows.begin(), rows.end(), [&](const Lease& row) { return same(row, lease); });
    if (!written)
      report_.fail(kName, fmt::format("{} is {} and the disk says otherwise",
                                      lease.address.to_string(), to_string(lease.state)));
  }
  for (const Lease& row : rows) {
    if (book.find(row.address) == nullptr)
      report_.fail(kName, fmt::format("the disk has a lease of {}, and the book has none",
                                      row.address.to_string()));
  }
}

}  // namespace pontoon::sim
