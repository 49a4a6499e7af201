// Whose packet is it: finds the endpoint into which a packet is played, by the rules of replay.h.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "lab/replay/case.h"
#include "lab/replay/replay.h"

namespace pontoon::lab {

class Players {
 public:
  // `macs` are the endpoints' own, in the order of the case. Error: an interface that the capture
  // does not have.
  static Result<Players> make(const Case& description, const std::vector<MacAddress>& macs,
                              const CaptureFile& capture);

  // The endpoint's place in the case; nullopt: nobody's, or not to be played.
  std::optional<std::size_t> find(const capture::Packet& packet, ByteView frame) const;

 private:
  Players() = default;
  void add(std::size_t endpoint, const CaseEndpoint& description, const MacAddress& mac,
           const CaptureFile& capture, bool alone);
  void add_interface(std::size_t endpoint, const std::string& name,
                     const std::vector<MacAddress>& senders, const CaptureFile& capture);
  void find_doubled(const CaptureFile& capture);

  // Of one interface: everything from the endpoint's side, or what these stations say.
  struct Claim {
    std::size_t endpoint = 0;
    std::set<MacAddress> senders;  // empty: all
  };
  std::vector<std::vector<Claim>> by_interface_;
  std::map<MacAddress, std::size_t> by_sender_;
  std::set<MacAddress> outbound_;  // stations with frames that are marked as outbound
};

}  // namespace pontoon::lab
