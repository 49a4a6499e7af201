// Turns what the zones know into a response.
#pragma once

#include "core/base/random.h"
#include "dns/writer.h"
#include "dns/zone.h"

namespace pontoon::dns {

// `lookup` is not not_ours; it came from `zones`. Several records are put into a random order and
// at most kDnsAddressesPerAnswer of them are told. AA is set; `flags` adds RA.
ByteView write_local_answer(MutableBytes out, std::size_t limit, const Query& query,
                            const ZoneSet& zones, const Lookup& lookup, std::uint16_t flags,
                            Random& random) noexcept;

}  // namespace pontoon::dns
