// Makes what a captured client said next fit what our side answered. A capture's client spoke to
// other servers: their TCP sequence numbers, timestamps and server identifiers were not ours, and
// some of them stood at addresses that our gateway does not have. Played as it was, a conversation
// would end at the first answer; adapted, it goes on.
//
//   TCP    per flow, acknowledgement and SACK numbers and the timestamps' echo move by the distance
//          between the captured server's first ones and ours. They never acknowledge more than was
//          sent. Options that the captured server had declined are taken out of the SYN.
//   DHCP   a server identifier (54) of a captured server becomes ours, an accepted offer (50 beside
//          54) becomes the one that we made; nothing else, and only where they differ.
//   stand-ins  DNS queries to whatever server, renewals to the captured DHCP server, and ARP and
//          pings for the captured router, DHCP and DNS servers, go to our gateway's address. Its
//          answers carry the address that was asked.
//
// Checksums are updated by difference (RFC 1624), so a wrong one stays wrong by as much. What is
// malformed, cut or unknown passes unchanged.
//
// How a replay uses it, with Case::adapt set:
//
//   Adapter adapter(description, capture);          // looks through the capture once
//   for each packet that is played into endpoint `name`:
//     adapter.adapt(name, frame);                   // before World::send(); after Case::replaced
//   for each frame that `name` is sent (FrameEvent::to_endpoint):
//     adapter.on_sent(name, frame);                 // may change it: what is kept and shown
//
// Both hold the frame as Ethernet. Memory: limits::kAdaptedFlows conversations; when there are more
// the oldest is forgotten and passes unchanged.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "lab/case.h"
#include "lab/replay.h"

namespace pontoon::lab {

class Adapter {
 public:
  Adapter(const Case& description, const CaptureFile& capture);
  ~Adapter();
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;

  void adapt(std::string_view name, std::vector<std::uint8_t>& frame);
  void on_sent(std::string_view name, std::vector<std::uint8_t>& frame);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pontoon::lab
