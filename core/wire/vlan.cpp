#include "core/wire/vlan.h"

#include "core/base/check.h"

namespace pontoon::wire {

void VlanRepr::emit(MutableBytes header) const noexcept {
  ByteWriter writer(header);
  writer.u16(static_cast<std::uint16_t>((priority & 7U) << 13 | (drop_eligible ? 0x1000U : 0U) |
                                        (identifier & 0x0fffU)));
  writer.u16(static_cast<std::uint16_t>(ether_type));
  INVARIANT(writer.ok());
}

}  // namespace pontoon::wire
