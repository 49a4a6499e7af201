// A replay case: the network that a capture is played into, as case.toml describes it or as
// adopt.h makes it up for a stranger's capture. The format is documented in docs/replay.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/model.h"
#include "core/base/result.h"
#include "lab/world/actors.h"
#include "lab/world/upstream_names.h"

namespace pontoon::lab {

struct CaseEndpoint {
  control::EndpointRequest request;
  // Which packets are played into it, see replay.h: those of this interface of the capture, by its
  // name, and with these source addresses.
  std::string interface;
  std::vector<MacAddress> senders;
};

// Clients act so long after the first frame of the capture.
struct Timed {
  Duration after{};
  std::optional<TcpClient> tcp;
  std::optional<UdpClient> udp;
};

// "pontoon impair" at a moment, by the same words.
struct TimedImpairment {
  Duration after{};
  std::string target;
  std::string words;
};

// So many frames are dropped there for that reason, in the end.
struct ExpectedDrop {
  std::string where;  // an endpoint, "gateway", "dhcp", ..., as `network inspect` names them
  std::string reason;
  std::uint64_t count = 0;
};

struct Case {
  std::string title;
  std::string origin;  // which program made the capture, where and how; never empty in pcaps/
  std::uint64_t seed = 1;
  std::string input = "input.pcapng";
  Duration after = std::chrono::seconds(5);  // how long the network runs on after the last frame
  std::vector<control::NetworkSpec> networks;
  std::vector<CaseEndpoint> endpoints;
  std::vector<NameRecord> names;
  // Captured DNS responses: World::names().remember() for each (adopt.h; not in case.toml).
  std::vector<std::vector<std::uint8_t>> responses;
  UpstreamNames::Mood upstream_mood = UpstreamNames::Mood::well;
  Duration upstream_latency{};
  std::vector<TcpService> tcp_services;
  std::vector<UdpService> udp_services;
  std::vector<IpAddress> echo_hosts;
  std::vector<Timed> clients;
  std::vector<TimedImpairment> impairments;
  // Frames to these stations (the capture's own servers) go to our gateway instead.
  std::vector<MacAddress> replaced;
  // Their addresses where these are not our gateway's: it answers for them (adapt.h).
  std::vector<Ipv4Address> stand_ins;
  // Acknowledge numbers and DHCP server identifiers follow what our side answered (adapt.h).
  bool adapt = false;
  // Compared when they are given; then what is not named must not be dropped.
  std::optional<std::vector<ExpectedDrop>> drops;
};

// A case without a network gets the default one, 172.17.0.0/16. `file_name` is for messages only.
// Errors name the line: "case.toml:12: endpoint.ip: ...".
Result<Case> parse_case(std::string_view toml, std::string_view file_name);

}  // namespace pontoon::lab
