// Makes what a captured client said next fit what our side answered. A capture's client spoke to
// other servers: their TCP sequence numbers, timestamps and server identifiers were not ours, and
// some of them stood at addresses that our gateway does not have. Played as it was, a conversation
// would end at the first answer; adapted, it goes on.
//
//   TCP    per flow, acknowledgement and SACK numbers and the timestamps' echo move by the distance
//          between the captured peer's first ones and ours, whoever opened the connection. They
//          never acknowledge more than was sent. Options that the captured server had declined are
//          taken out of the SYN, and those that our SYN did not offer out of its SYN-ACK. What is
//          said to a captured client of a published port goes to the end that ours comes from.
//   DHCP   a server identifier (54) of a captured server becomes ours, an accepted offer (50 beside
//          54) becomes the one that we made; nothing else, and only where they differ.
//   ARP    the gateway asks who has a client's address, as captured servers had done long before or
//          in other words; the client answers.
//   relays come from their 'giaddr', which is where our answers go.
//   stand-ins  DNS queries to whatever server, renewals to the captured DHCP server, and ARP and
//          pings for the captured router, DHCP and DNS servers, go to our gateway's address. Its
//          answers carry the address that was asked, save those of DHCP.
//
// Checksums are updated by difference (RFC 1624), so a wrong one stays wrong by as much. What is
// malformed, cut or unknown passes unchanged.
//
// How a replay uses it, with Case::adapt set:
//
//   Adapter adapter(description, capture);          // looks through the capture once
//   for each packet that is played into endpoint `name`:
//     adapter.adapt(name, frame);                   // before World::send(); after Case::replaced
//   for each frame that `name` has sent (FrameEvent::from_endpoint):
//     adapter.as_asked(name, frame);                // what is kept and shown: to whom it was said
//   for each frame that `name` is sent (FrameEvent::to_endpoint):
//     adapter.on_sent(name, frame);                 // may change it: what is kept and shown
//     if (auto answer = adapter.answer(name, frame)) // to be put on the endpoint's wire next
//
// Both hold the frame as Ethernet. Memory: limits::kAdaptedFlows conversations; when there are more
// the oldest is forgotten and passes unchanged.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "lab/replay/case.h"
#include "lab/replay/replay.h"

namespace pontoon::lab {

class Adapter {
 public:
  Adapter(const Case& description, const CaptureFile& capture);
  ~Adapter();
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;

  void adapt(std::string_view name, std::vector<std::uint8_t>& frame);
  void as_asked(std::string_view name, std::vector<std::uint8_t>& frame);
  void on_sent(std::string_view name, std::vector<std::uint8_t>& frame);
  std::optional<std::vector<std::uint8_t>> answer(std::string_view name, ByteView frame) const;
  // A broadcast of another captured client. It reaches an endpoint, but is no answer of ours; among
  // many clients such copies would be nearly all there is, so that a replay does not show them.
  bool is_flooded(ByteView frame) const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pontoon::lab
