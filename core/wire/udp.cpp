#include "core/wire/udp.h"

#include <algorithm>

#include "core/base/check.h"

namespace pontoon::wire {

std::optional<UdpView> UdpView::parse(ByteView bytes) noexcept {
  if (bytes.size() < kHeaderSize) return std::nullopt;
  const std::size_t length = load_be<std::uint16_t>(bytes.data() + 4);
  if (length < kHeaderSize || length > bytes.size()) return std::nullopt;
  return UdpView(bytes.first(length));
}

std::optional<UdpView> UdpView::parse_quoted(ByteView bytes) noexcept {
  if (bytes.size() < kHeaderSize) return std::nullopt;
  const std::size_t length = load_be<std::uint16_t>(bytes.data() + 4);
  if (length < kHeaderSize) return std::nullopt;
  return UdpView(bytes.first(std::min(length, bytes.size())));
}

bool UdpView::checksum_ok(const IpAddress& source, const IpAddress& destination) const noexcept {
  if (checksum() == 0) return source.is_v4();
  return wire::checksum_ok(
      bytes_, Checksum::pseudo_header(source, destination, IpProtocol::udp, bytes_.size()));
}

void UdpRepr::emit(MutableBytes header, ByteView payload, const IpAddress& source,
                   const IpAddress& destination, ChecksumFill fill) const noexcept {
  const std::size_t length = header_size() + payload.size();
  INVARIANT(length <= 0xffff);
  ByteWriter writer(header);
  writer.u16(source_port);
  writer.u16(destination_port);
  writer.u16(static_cast<std::uint16_t>(length));
  writer.u16(0);
  INVARIANT(writer.ok());
  Checksum sum = Checksum::pseudo_header(source, destination, IpProtocol::udp, length);
  if (fill == ChecksumFill::pseudo_header) {
    store_be(header.data() + 6, sum.folded());
    return;
  }
  sum.add(writer.written());
  sum.add(payload);
  store_be(header.data() + 6, sum.nonzero_value());
}

}  // namespace pontoon::wire
