#include "control/address_plan.h"

#include <algorithm>
#include <bit>
#include <fstream>
#include <sstream>
#include <string>

namespace pontoon::control {
namespace {

std::vector<IpPrefix> candidates() {
  std::vector<IpPrefix> out;
  for (unsigned second = 17; second <= 31; ++second)
    out.push_back({Ipv4Address::of(172, second, 0, 0), 16});
  for (unsigned third = 0; third < 256; third += 16)
    out.push_back({Ipv4Address::of(192, 168, third, 0), 20});
  return out;
}

}  // namespace

Result<IpPrefix> choose_subnet(std::span<const IpPrefix> taken) {
  for (const IpPrefix& candidate : candidates()) {
    const bool free = std::none_of(taken.begin(), taken.end(), [&](const IpPrefix& other) {
      return other.overlaps(candidate);
    });
    if (free) return candidate;
  }
  return Error{ErrorCode::exhausted,
               "every subnet that pontoon would choose is in use on this host; name one with "
               "--subnet, such as "
               "--subnet 10.200.0.0/24"};
}

// /proc/net/route: name, destination and gateway in hexadecimal as they lie in memory, …, mask as
// the eighth column.
std::vector<IpPrefix> host_routes() {
  std::ifstream table("/proc/net/route");
  std::vector<IpPrefix> out;
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    std::istringstream columns(line);
    std::string name, skipped;
    std::uint32_t destination = 0;
    std::uint32_t mask = 0;
    columns >> name >> std::hex >> destination >> skipped >> skipped >> skipped >> skipped >>
        skipped >> mask;
    if (!columns || mask == 0) continue;
    const Ipv4Address network{
        load_be<std::uint32_t>(reinterpret_cast<const std::uint8_t*>(&destination))};
    out.push_back({network, static_cast<std::uint8_t>(std::popcount(mask))});
  }
  return out;
}

}  // namespace pontoon::control
