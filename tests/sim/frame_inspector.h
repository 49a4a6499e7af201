// Well-formed frames: whatever the gateway sends to an endpoint is right to the last octet. Lengths
// and checksums are worked out here once more, octet by octet as the RFCs say it, without
// core/wire: there both ends of a conversation would be wrong together.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "tests/sim/report.h"

namespace pontoon::sim {

// What is wrong with an Ethernet frame of IPv4 or ARP; nullopt: nothing.
std::optional<std::string> fault_of(ByteView frame);

class FrameInspector {
 public:
  explicit FrameInspector(Report& report) : report_(report) {}
  // A frame of the gateway's, at the endpoint's port.
  void on_sent(std::string_view endpoint, ByteView frame);

 private:
  Report& report_;
};

}  // namespace pontoon::sim
