// A frame as protocol fields, for people and for tools: what `replay` prints and compares. Bytes
// may be anything; what cannot be understood is shown as such and never fails.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/bytes.h"

namespace pontoon::lab {

struct Field {
  std::string name;   // the RFC's, lower case: "sequence number"
  std::string value;  // as people write it: "172.17.0.2", "SYN ACK", "3600 s"
};

struct Layer {
  std::string protocol;  // "Ethernet" "ARP" "IPv4" "UDP" "TCP" "ICMP" "DHCP" "DNS" "data" ...
  std::vector<Field> fields;
  std::string problem;  // "checksum is 0x1234, should be 0x4321"; empty: sound
};

struct Dissection {
  std::vector<Layer> layers;
  // One line without the addresses: "DHCP OFFER 172.17.0.2 lease 3600 s", "TCP 40000 > 80 SYN seq
  // 1".
  std::string summary;
  // Who to whom, as shown in a conversation: IP where there is one, else MAC.
  std::string source;
  std::string target;
};

Dissection dissect(ByteView frame);

// Both decoded, fields that differ marked, side by side in `width` columns; equal layers are folded
// into one line. Either may be empty (a frame that is missing).
std::string side_by_side(ByteView expected, ByteView got, unsigned width = 120);

}  // namespace pontoon::lab
