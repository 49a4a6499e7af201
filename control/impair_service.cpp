// The part of Service that finds out which network an impairment is about.
#include <fmt/format.h>

#include "control/impair_target.h"
#include "control/names.h"
#include "control/service.h"

namespace pontoon::control {
namespace {

Error no_such(std::string_view what, std::string_view name) {
  return {ErrorCode::not_found,
          fmt::format("No such {}: {}. See `pontoon ps` and `pontoon network ls`", what, name)};
}

}  // namespace

Result<NetworkHost*> Service::host_of_pair(const ImpairTarget& target) const {
  NetworkHost* found = nullptr;
  for (const std::string& name : {target.first, target.second}) {
    if (same_name(name, kHostEnd)) continue;
    NetworkHost* const here = host_of(name);
    if (here == nullptr) return no_such("endpoint", name);
    if (found != nullptr && found != here) {
      return Error{ErrorCode::invalid_argument,
                   fmt::format("{} is on network {} and {} on network {}: there is nothing between "
                               "them to impair",
                               target.first, found->network().spec().name, name,
                               here->network().spec().name)};
    }
    found = here;
  }
  return found;
}

Result<NetworkHost*> Service::host_of_target(const ImpairTarget& target) const {
  switch (target.kind) {
    case ImpairTarget::Kind::pair:
    case ImpairTarget::Kind::one_way:
      return host_of_pair(target);
    case ImpairTarget::Kind::named:
    case ImpairTarget::Kind::link:
      if (NetworkHost* found = host_of(target.first)) return found;
      if (NetworkHost* found = host(target.first)) return found;
      return no_such("endpoint or network", target.first);
    case ImpairTarget::Kind::network:
      if (NetworkHost* found = host(target.first)) return found;
      return no_such("network", target.first);
  }
  return no_such("endpoint or network", target.first);
}

Result<ImpairmentInfo> Service::impair(const ImpairmentRequest& request) {
  const auto target = parse_target(request.target);
  if (!target) return target.error();
  auto found = host_of_target(*target);
  if (!found) return found.error();
  NetworkHost& host = **found;
  auto info =
      host.network().impair(request.target, request.words, request.seed, shared_.clock.now());
  host.wake();
  return info;
}

Result<std::size_t> Service::clear_impairments(std::string_view target) {
  std::size_t cleared = 0;
  for (const auto& [_, host] : hosts_) {
    const auto here = host->network().clear_impairments(target, shared_.clock.now());
    if (!here) return here.error();
    cleared += *here;
    host->wake();
  }
  if (cleared > 0 || target.empty()) return cleared;
  return Error{ErrorCode::not_found,
               fmt::format("Nothing is impaired on \"{}\". See `pontoon impair`", target)};
}

std::vector<ImpairmentInfo> Service::impairments() const {
  std::vector<ImpairmentInfo> out;
  for (const auto& [_, host] : hosts_) {
    for (ImpairmentInfo& info : host->network().impairments(shared_.clock.now()))
      out.push_back(std::move(info));
  }
  return out;
}

}  // namespace pontoon::control
