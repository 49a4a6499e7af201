#include "control/capture_names.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/names.h"
#include "core/base/limits.h"
#include "core/wire/ethernet.h"

namespace pontoon::control {
namespace {

struct Ends {
  std::optional<IpAddress> source;
  std::optional<IpAddress> target;
};

// Where the fixed header has them; the rest of the packet may be cut off or wrong.
Ends ends_of(const wire::EthernetView& frame) {
  const ByteView packet = frame.payload();
  if (frame.ether_type() == wire::EtherType::ipv4 && packet.size() >= 20) {
    return {Ipv4Address::from(packet.subspan(12, 4)), Ipv4Address::from(packet.subspan(16, 4))};
  }
  if (frame.ether_type() == wire::EtherType::ipv6 && packet.size() >= 40) {
    return {Ipv6Address::from(packet.subspan(8, 16)), Ipv6Address::from(packet.subspan(24, 16))};
  }
  return {};
}

CapturePlace place_of(const EndpointInfo& info) {
  return {info.name, fmt::format("endpoint of network {}", info.network), info.mac, info.ipv4,
          true};
}

}  // namespace

CaptureNames::CaptureNames(const Network& network) : network_(network) {
  const NetworkSpec& spec = network.spec();
  inside_.name = fmt::format("network:{}", spec.name);
  inside_.description = "frames that were lost between endpoints";
  inside_.mac = network.gateway_mac();
  inside_.ipv4 = IpPrefix{spec.gateway, spec.subnet.length};
  (void)refresh();
}

bool CaptureNames::refresh() {
  if (serial_ == network_.names_serial()) return false;
  serial_ = network_.names_serial();
  present_ = network_.endpoints();
  stations_.clear();
  for (const EndpointInfo& info : present_)
    places_.insert_or_assign(info.tag, place_of(info));
  const auto gone = [this](std::uint32_t tag) { return network_.find_tag(tag) == nullptr; };
  for (auto it = places_.begin();
       it != places_.end() && places_.size() > present_.size() + limits::kCaptureDeparted;)
    it = gone(it->first) ? places_.erase(it) : std::next(it);
  // In the order of their coming: a station's last owner has it.
  for (const auto& [_, place] : places_)
    stations_[place.mac] = place.name;
  return true;
}

const CapturePlace& CaptureNames::place(std::uint32_t tag) const {
  const auto found = places_.find(tag);
  return found == places_.end() ? inside_ : found->second;
}

std::vector<CapturePlace> CaptureNames::endpoints() const {
  std::vector<CapturePlace> out;
  for (const EndpointInfo& info : present_)
    out.push_back(place_of(info));
  return out;
}

std::vector<std::pair<IpAddress, std::string>> CaptureNames::addresses() const {
  std::vector<std::pair<IpAddress, std::string>> out;
  out.emplace_back(network_.spec().gateway, "gateway");
  for (const EndpointInfo& info : present_)
    out.emplace_back(info.ipv4.address, info.name);
  return out;
}

std::string CaptureNames::name_of(const MacAddress& mac,
                                  const std::optional<IpAddress>& address) const {
  if (const auto found = stations_.find(mac); found != stations_.end()) return found->second;
  const bool gateway = mac == inside_.mac;
  if (gateway && (!address || *address == inside_.ipv4->address)) return "gateway";
  if (mac.is_multicast() && (!address || *address == IpAddress(Ipv4Address::broadcast())))
    return "all";
  return address ? address->to_string() : mac.to_string();
}

std::string CaptureNames::describe(const CapturePlace& place, capture::Direction direction,
                                   ByteView frame, std::optional<DropReason> reason) const {
  std::string source = "?";
  std::string target = "?";
  if (const auto view = wire::EthernetView::parse(frame)) {
    const Ends ends = ends_of(*view);
    source = name_of(view->source(), ends.source);
    target = name_of(view->destination(), ends.target);
    if (place.endpoint && direction == capture::Direction::inbound &&
        !view->destination().is_multicast())
      target = place.name;
  }
  // Whatever the frame claims, this is where it came from.
  if (place.endpoint && direction == capture::Direction::outbound) source = place.name;
  std::string text = fmt::format("{} -> {}", source, target);
  if (reason)
    text += fmt::format("; dropped: {} ({})", to_string(*reason), pontoon::describe(*reason));
  return text;
}

std::vector<IpAddress> CaptureNames::addresses_of(std::string_view name) const {
  std::vector<IpAddress> out;
  for (const EndpointInfo& info : present_) {
    const bool alias = std::any_of(info.aliases.begin(), info.aliases.end(),
                                   [&](const std::string& each) { return same_name(each, name); });
    if (alias || same_name(info.name, name) || same_name(info.hostname, name))
      out.push_back(info.ipv4.address);
  }
  if (out.empty() && same_name(name, "gateway")) out.emplace_back(network_.spec().gateway);
  return out;
}

}  // namespace pontoon::control
