// Frames that the input bends: templates of what an endpoint says (ARP, ND, DHCP, DNS, TCP, UDP,
// ICMP, fragments), with bytes changed, cut or added, and their checksums set right or left wrong.
#pragma once

#include <vector>

#include "core/base/address.h"
#include "tests/fuzz/input.h"

namespace pontoon::fuzz {

// The cast: 172.17.0.1 is the gateway; endpoints are 172.17.0.2 and up.
MacAddress gateway_mac();                  // 02:00:00:00:01:00
MacAddress endpoint_mac(unsigned number);  // 02:00:00:00:00:02 and up
Ipv4Address endpoint_ip(unsigned number);  // 172.17.0.2 and up
Ipv4Address gateway_ip();

// A frame as endpoint `sender` might send it.
std::vector<std::uint8_t> make_frame(Input& input, unsigned sender);
// Length fields and checksums of IPv4, TCP, UDP and ICMP (IPv6 likewise), as far as they parse.
void repair(std::vector<std::uint8_t>& frame);

}  // namespace pontoon::fuzz
