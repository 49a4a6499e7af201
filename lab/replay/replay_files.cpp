#include "lab/replay/replay_files.h"

#include <algorithm>

#include "core/capture/writer.h"

namespace pontoon::lab {
namespace {

// Without a version: equal frames make equal files whatever the version.
constexpr std::string_view kApplication = "pontoon replay";

}  // namespace

void SentFiles::add(const ReplayEvent& event) {
  if (event.event != FrameEvent::to_endpoint) return;
  capture::Packet packet;
  packet.time_ns = event.time_ns;
  packet.direction = capture::Direction::inbound;
  packet.bytes = event.frame;
  packet.original_length = static_cast<std::uint32_t>(event.frame.size());
  capture::append_packet(packets_[event.port], packet);
}

PortFiles SentFiles::finish(const std::vector<control::EndpointInfo>& endpoints) && {
  for (auto& [port, packets] : packets_) {
    capture::Interface interface;
    interface.name = port;
    const auto info =
        std::find_if(endpoints.begin(), endpoints.end(),
                     [&name = port](const control::EndpointInfo& e) { return e.name == name; });
    if (info != endpoints.end()) {
      interface.mac = info->mac;
      interface.ipv4 = info->ipv4;
    }
    capture::Bytes file;
    capture::append_section_header(file, kApplication);
    capture::append_interface(file, interface);
    file.insert(file.end(), packets.begin(), packets.end());
    packets = std::move(file);
  }
  return std::move(packets_);
}

}  // namespace pontoon::lab
