// Reads pcap (all four magics: either byte order, micro- and nanoseconds) and pcapng
// (draft-ietf-opsawg-pcapng: SHB, IDB, EPB, SPB, the old PB; several sections; other blocks are
// passed over) from bytes that somebody else made: every length is checked, nothing is trusted,
// memory is bounded by limits::kCaptureBlock.
//
//   auto reader = Reader::open(bytes);            // Error: what is wrong and where
//   while (auto packet = reader->next()) ...      // nullopt at the end
//   if (!reader->problem().empty()) ...           // the file ends early or is broken from there on
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/capture/packet.h"

namespace pontoon::capture {

class Reader {
 public:
  // `file` must outlive the reader. An error names the offset and what stands there.
  static Result<std::unique_ptr<Reader>> open(ByteView file);
  virtual ~Reader() = default;

  // Times are passed on as they are, also backwards; a packet without one (SPB) has that of the one
  // before it. The original length is at least the one kept, whatever the file says.
  virtual std::optional<Packet> next() = 0;
  // Those declared so far; all of them after the last packet.
  virtual const std::vector<Interface>& interfaces() const noexcept = 0;
  // Empty, or why next() ended before the file did: "packet 17 at byte 1234: ...".
  virtual const std::string& problem() const noexcept = 0;
};

// The packet as an Ethernet frame: cooked (SLL, SLL2), raw IP and loopback captures get a header
// made up from what they know (as_ethernet.cpp says which stations), VLAN tags stay. Nullopt when
// there is none to be made (too short, a link type that we don't know).
std::optional<std::vector<std::uint8_t>> as_ethernet(const Packet& packet, LinkType type);

}  // namespace pontoon::capture
