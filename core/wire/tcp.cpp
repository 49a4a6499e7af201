#include "core/wire/tcp.h"

#include <algorithm>

#include "core/base/check.h"

namespace pontoon::wire {
namespace {

enum class Kind : std::uint8_t {
  end = 0,
  no_operation = 1,
  mss = 2,
  window_scale = 3,
  sack_permitted = 4,
  sack = 5,
  timestamps = 8,
};

constexpr std::size_t kMaxOptions = TcpView::kMaxHeaderSize - TcpView::kMinHeaderSize;

void read_sack(ByteReader body, TcpOptions& options) noexcept {
  if (body.remaining() % 8 != 0) return;
  options.sack_count = 0;
  options.sack = {};  // of an earlier option nothing stays, not even unseen
  while (body.remaining() >= 8) {
    const TcpSequence left{body.u32()};
    const TcpSequence right{body.u32()};
    if (!options.add_sack({left, right})) return;
  }
}

void read_option(Kind kind, ByteReader body, TcpOptions& options) noexcept {
  switch (kind) {
    case Kind::end:
    case Kind::no_operation:
      return;
    case Kind::mss:
      if (body.remaining() == 2) options.mss = body.u16();
      return;
    case Kind::window_scale:
      if (body.remaining() == 1) options.window_scale = body.u8();
      return;
    case Kind::sack_permitted:
      if (body.remaining() == 0) options.sack_permitted = true;
      return;
    case Kind::sack:
      read_sack(body, options);
      return;
    case Kind::timestamps:
      if (body.remaining() == 8) {
        const std::uint32_t value = body.u32();
        options.timestamps = TcpTimestamps{value, body.u32()};
      }
      return;
  }
  // Any other kind is skipped (RFC 9293 MUST-6).
}

// Where the options go: `sack` is the number of blocks for which there is room.
struct Layout {
  std::size_t sack = 0;
  std::size_t size = 0;
};

// What SYN segments and others carry is laid out as common stacks do: each group fills words of 4
// bytes, and SACK-permitted shares a word with the head of the timestamps.
Layout lay_out(const TcpOptions& options) noexcept {
  std::size_t size = 0;
  if (options.mss) size += 4;
  if (options.timestamps) {
    size += 12;
  } else if (options.sack_permitted) {
    size += 4;
  }
  if (options.window_scale) size += 4;
  std::size_t sack = 0;
  if (options.sack_count > 0 && size + 12 <= kMaxOptions) {
    sack = std::min<std::size_t>(options.sack_count, (kMaxOptions - size - 4) / 8);
    size += 4 + sack * 8;
  }
  return {sack, size};
}

void write_head(ByteWriter& writer, Kind kind, std::size_t length) noexcept {
  writer.u8(static_cast<std::uint8_t>(kind));
  writer.u8(static_cast<std::uint8_t>(length));
}

void write_padding(ByteWriter& writer, std::size_t count) noexcept {
  writer.fill(count, static_cast<std::uint8_t>(Kind::no_operation));
}

void write_options(ByteWriter& writer, const TcpOptions& options) noexcept {
  if (options.mss) {
    write_head(writer, Kind::mss, 4);
    writer.u16(*options.mss);
  }
  if (options.sack_permitted) {
    write_head(writer, Kind::sack_permitted, 2);
  }
  if (options.timestamps) {
    if (!options.sack_permitted) write_padding(writer, 2);
    write_head(writer, Kind::timestamps, 10);
    writer.u32(options.timestamps->value);
    writer.u32(options.timestamps->echo);
  } else if (options.sack_permitted) {
    write_padding(writer, 2);
  }
  if (options.window_scale) {
    write_padding(writer, 1);
    write_head(writer, Kind::window_scale, 3);
    writer.u8(*options.window_scale);
  }
  const std::size_t blocks = lay_out(options).sack;
  if (blocks == 0) return;
  write_padding(writer, 2);
  write_head(writer, Kind::sack, 2 + blocks * 8);
  for (const TcpSackBlock& block : options.sack_blocks().first(blocks)) {
    writer.u32(block.left.value);
    writer.u32(block.right.value);
  }
}

}  // namespace

bool TcpOptions::add_sack(TcpSackBlock block) noexcept {
  if (sack_count == kMaxSackBlocks) return false;
  sack[sack_count++] = block;
  return true;
}

std::optional<TcpView> TcpView::parse(ByteView bytes) noexcept {
  if (bytes.size() < kMinHeaderSize) return std::nullopt;
  const std::size_t header = (bytes[12] >> 4) * 4U;
  if (header < kMinHeaderSize || header > bytes.size()) return std::nullopt;
  return TcpView(bytes);
}

TcpOptions TcpView::options_parsed() const noexcept {
  TcpOptions parsed;
  ByteReader reader(options());
  while (reader.remaining() > 0) {
    const auto kind = static_cast<Kind>(reader.u8());
    if (kind == Kind::end) break;
    if (kind == Kind::no_operation) continue;
    const std::size_t length = reader.u8();
    if (length < 2) break;
    const ByteView body = reader.take(length - 2);
    if (!reader.ok()) break;
    read_option(kind, ByteReader(body), parsed);
  }
  return parsed;
}

bool TcpView::checksum_ok(const IpAddress& source, const IpAddress& destination) const noexcept {
  return wire::checksum_ok(
      bytes_, Checksum::pseudo_header(source, destination, IpProtocol::tcp, bytes_.size()));
}

TcpRepr TcpRepr::from(const TcpView& view) noexcept {
  return {view.source_port(), view.destination_port(), view.sequence(), view.acknowledgement(),
          view.flags(),       view.window(),           view.urgent(),   view.options_parsed()};
}

std::size_t TcpRepr::header_size() const noexcept {
  return TcpView::kMinHeaderSize + lay_out(options).size;
}

void TcpRepr::emit(MutableBytes header, ByteView payload, const IpAddress& source,
                   const IpAddress& destination, ChecksumFill fill) const noexcept {
  const std::size_t size = header_size();
  ByteWriter writer(header);
  writer.u16(source_port);
  writer.u16(destination_port);
  writer.u32(sequence.value);
  writer.u32(acknowledgement.value);
  writer.u8(static_cast<std::uint8_t>(size / 4 << 4));
  writer.u8(flags.bits());
  writer.u16(window);
  writer.u16(0);
  writer.u16(urgent);
  write_options(writer, options);
  INVARIANT(writer.ok() && writer.position() == size);
  Checksum sum =
      Checksum::pseudo_header(source, destination, IpProtocol::tcp, size + payload.size());
  if (fill == ChecksumFill::pseudo_header) {
    store_be(header.data() + 16, sum.folded());
    return;
  }
  sum.add(writer.written());
  sum.add(payload);
  store_be(header.data() + 16, sum.value());
}

}  // namespace pontoon::wire
