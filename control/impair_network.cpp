// The part of Network that `pontoon impair` speaks to.
#include <fmt/format.h>

#include "control/network.h"

namespace pontoon::control {

Result<ImpairmentInfo> Network::impair(std::string_view target,
                                       const std::vector<std::string>& words,
                                       std::optional<std::uint64_t> seed, Instant now) {
  const auto parsed = parse_target(target);
  if (!parsed) return parsed.error();
  const auto impairment = parse_impairment(words);
  if (!impairment) return impairment.error();
  // 32 bits, so that it is easy to type again and JSON numbers hold it.
  return impairments_.set(*parsed, *impairment, seed ? *seed : rim_.random.u32(), links(), now);
}

Result<std::size_t> Network::clear_impairments(std::string_view target, Instant now) {
  if (target.empty()) return impairments_.clear_all(links(), now);
  const auto parsed = parse_target(target);
  if (!parsed) return parsed.error();
  return impairments_.clear(*parsed, links(), now);
}

std::vector<ImpairmentInfo> Network::impairments(Instant now) const {
  return impairments_.list(links(), now);
}

std::vector<ImpairableLink> Network::links() const {
  std::vector<ImpairableLink> out;
  out.reserve(endpoints_.size());
  for (const Endpoint& endpoint : endpoints_)
    out.push_back({endpoint.info.name, endpoint.info.mac, endpoint.port.get()});
  return out;
}

}  // namespace pontoon::control
