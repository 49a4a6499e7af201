#include "core/wire/ethernet.h"

#include "core/base/check.h"

namespace pontoon::wire {

void EthernetRepr::emit(MutableBytes header) const noexcept {
  ByteWriter writer(header);
  writer.bytes(destination.octets);
  writer.bytes(source.octets);
  writer.u16(static_cast<std::uint16_t>(ether_type));
  INVARIANT(writer.ok());
}

}  // namespace pontoon::wire
