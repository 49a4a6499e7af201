#include "dns/local_answer.h"

#include <algorithm>
#include <array>

#include "core/base/check.h"
#include "core/base/limits.h"

namespace pontoon::dns {
namespace {

constexpr std::uint32_t seconds(Duration time) noexcept {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(time).count());
}

constexpr std::uint32_t kTtl = seconds(limits::kDnsLocalTtl);
constexpr std::uint32_t kNegativeTtl = seconds(limits::kDnsLocalNegativeTtl);

using Order = std::array<const Record*, limits::kDnsAddressesPerAnswer>;

// A random window of the records, shuffled.
std::size_t shuffle(std::span<const Record> records, Order& order, Random& random) noexcept {
  const std::size_t count = std::min(records.size(), order.size());
  const std::size_t start =
      count < records.size() ? random.below(static_cast<std::uint32_t>(records.size())) : 0;
  for (std::size_t i = 0; i < count; ++i)
    order[i] = &records[(start + i) % records.size()];
  for (std::size_t i = count; i > 1; --i)
    std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
  return count;
}

void add_records(MessageWriter& writer, NameView owner, const ZoneSet& zones,
                 std::span<const Record> records, Random& random) noexcept {
  if (records.front().type == RecordType::soa) {
    writer.add_soa(Section::answer, owner, zones.soa(), kTtl);
    return;
  }
  Order order;
  const std::size_t count = shuffle(records, order, random);
  for (std::size_t i = 0; i < count; ++i)
    writer.add(Section::answer, owner, *order[i], kTtl);
}

}  // namespace

ByteView write_local_answer(MutableBytes out, std::size_t limit, const Query& query,
                            const ZoneSet& zones, const Lookup& lookup, std::uint16_t flags,
                            Random& random) noexcept {
  const bool unknown = lookup.kind == Lookup::Kind::nx_domain;
  MessageWriter writer(out, limit, query, unknown ? Rcode::nx_domain : Rcode::no_error,
                       static_cast<std::uint16_t>(flags | flag::aa));
  switch (lookup.kind) {
    case Lookup::Kind::not_ours:
      INVARIANT(false);
      break;
    case Lookup::Kind::records:
      add_records(writer, query.question->name, zones, lookup.records, random);
      break;
    case Lookup::Kind::no_data:
    case Lookup::Kind::nx_domain:
      // RFC 2308 3: "Name servers authoritative for a zone MUST include the SOA record of the zone
      // in the authority section of the response".
      writer.add_soa(Section::authority, lookup.zone, zones.soa(), kNegativeTtl);
      break;
  }
  return writer.finish();
}

}  // namespace pontoon::dns
