// A filter, parsed: terms that refer to earlier ones by index. The last term is the whole filter.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/address.h"
#include "core/capture/filter.h"
#include "core/capture/headers.h"

namespace pontoon::capture {

enum class TermKind : std::uint8_t {
  both,      // left and right
  either,    // left or right
  no,        // not left
  type,      // EtherType
  protocol,  // IP protocol, in IPv4, IPv6 or either
  address,   // one of the prefixes
  port,      // low to high
  ether,     // MAC
  less,      // length at most `low`
  greater,   // length at least `low`
  dropped,
};

enum class Side : std::uint8_t { either, source, destination };

struct Term {
  TermKind kind = TermKind::dropped;
  Side side = Side::either;
  std::size_t left = 0;
  std::size_t right = 0;
  wire::EtherType type = wire::EtherType::ipv4;
  wire::IpProtocol protocol = wire::IpProtocol::tcp;
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  MacAddress mac;
  std::vector<IpPrefix> prefixes;
};

struct Filter::Program {
  std::vector<Term> terms;
};

Result<std::vector<Term>> parse_terms(std::string_view text, const NameLookup& names);

}  // namespace pontoon::capture
