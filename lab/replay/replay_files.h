// What a replay leaves behind: for each port that was sent something, a pcapng file of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lab/replay/replay.h"

namespace pontoon::lab {

// By the port's name.
using PortFiles = std::map<std::string, std::vector<std::uint8_t>, std::less<>>;

class SentFiles {
 public:
  // Only what is sent to a port is kept.
  void add(const ReplayEvent& event);
  // That port gets a file even when nothing is sent to it.
  void expect(const std::string& port) { packets_[port]; }
  // The files, each with one interface that has the endpoint's name, MAC and address.
  PortFiles finish(const std::vector<control::EndpointInfo>& endpoints) &&;

 private:
  PortFiles packets_;
};

}  // namespace pontoon::lab
