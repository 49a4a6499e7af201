// TCP segments (RFC 9293 3.1) and the options in use: MSS, window scale and timestamps (RFC 7323),
// SACK (RFC 2018).
#pragma once

#include <array>
#include <optional>
#include <span>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/wire/checksum.h"
#include "core/wire/sequence.h"

namespace pontoon::wire {

struct TcpFlags {
  bool fin = false;
  bool syn = false;
  bool rst = false;
  bool psh = false;
  bool ack = false;
  bool urg = false;
  bool ece = false;
  bool cwr = false;

  static constexpr TcpFlags from_bits(std::uint8_t bits) noexcept {
    return {(bits & 0x01) != 0, (bits & 0x02) != 0, (bits & 0x04) != 0, (bits & 0x08) != 0,
            (bits & 0x10) != 0, (bits & 0x20) != 0, (bits & 0x40) != 0, (bits & 0x80) != 0};
  }
  constexpr std::uint8_t bits() const noexcept {
    return static_cast<std::uint8_t>((fin ? 0x01U : 0U) | (syn ? 0x02U : 0U) | (rst ? 0x04U : 0U) |
                                     (psh ? 0x08U : 0U) | (ack ? 0x10U : 0U) | (urg ? 0x20U : 0U) |
                                     (ece ? 0x40U : 0U) | (cwr ? 0x80U : 0U));
  }
  friend constexpr bool operator==(const TcpFlags&, const TcpFlags&) = default;
};

struct TcpTimestamps {
  std::uint32_t value = 0;  // TSval
  std::uint32_t echo = 0;   // TSecr
  friend bool operator==(const TcpTimestamps&, const TcpTimestamps&) = default;
};

// The bytes in [left, right) have arrived. Not judged: left may be behind right.
struct TcpSackBlock {
  TcpSequence left;
  TcpSequence right;
  friend bool operator==(const TcpSackBlock&, const TcpSackBlock&) = default;
};

struct TcpOptions {
  static constexpr std::size_t kMaxSackBlocks = 4;

  std::optional<std::uint16_t> mss;
  std::optional<std::uint8_t> window_scale;  // as sent; RFC 7323 2.3: more than 14 means 14
  bool sack_permitted = false;
  std::optional<TcpTimestamps> timestamps;
  std::array<TcpSackBlock, kMaxSackBlocks> sack{};
  std::uint8_t sack_count = 0;

  std::span<const TcpSackBlock> sack_blocks() const noexcept {
    return std::span(sack).first(sack_count);
  }
  // False when there are kMaxSackBlocks already.
  bool add_sack(TcpSackBlock block) noexcept;
  friend bool operator==(const TcpOptions&, const TcpOptions&) = default;
};

class TcpView {
 public:
  static constexpr std::size_t kMinHeaderSize = 20;
  static constexpr std::size_t kMaxHeaderSize = 60;

  // 20 <= data offset <= bytes present.
  static std::optional<TcpView> parse(ByteView bytes) noexcept;

  std::uint16_t source_port() const noexcept { return u16(0); }
  std::uint16_t destination_port() const noexcept { return u16(2); }
  TcpSequence sequence() const noexcept { return {u32(4)}; }
  TcpSequence acknowledgement() const noexcept { return {u32(8)}; }
  std::size_t header_length() const noexcept { return (bytes_[12] >> 4) * 4U; }
  TcpFlags flags() const noexcept { return TcpFlags::from_bits(bytes_[13]); }
  std::uint16_t window() const noexcept { return u16(14); }  // not scaled
  std::uint16_t checksum() const noexcept { return u16(16); }
  std::uint16_t urgent() const noexcept { return u16(18); }

  ByteView bytes() const noexcept { return bytes_; }
  ByteView header() const noexcept { return bytes_.first(header_length()); }
  ByteView options() const noexcept { return header().subspan(kMinHeaderSize); }
  ByteView payload() const noexcept { return bytes_.subspan(header_length()); }
  // Octets that the segment takes in sequence space: payload, SYN and FIN (SEG.LEN).
  std::uint32_t sequence_length() const noexcept {
    const TcpFlags set = flags();
    return static_cast<std::uint32_t>(payload().size()) + (set.syn ? 1U : 0U) + (set.fin ? 1U : 0U);
  }
  // Options of a wrong length are ignored, one whose length makes no sense ends the list; of an
  // option that comes twice the last counts.
  TcpOptions options_parsed() const noexcept;
  bool checksum_ok(const IpAddress& source, const IpAddress& destination) const noexcept;

 private:
  explicit TcpView(ByteView bytes) noexcept : bytes_(bytes) {}
  std::uint16_t u16(std::size_t at) const noexcept {
    return load_be<std::uint16_t>(bytes_.data() + at);
  }
  std::uint32_t u32(std::size_t at) const noexcept {
    return load_be<std::uint32_t>(bytes_.data() + at);
  }
  ByteView bytes_;
};

struct TcpRepr {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  TcpSequence sequence;
  TcpSequence acknowledgement;
  TcpFlags flags;
  std::uint16_t window = 0;
  std::uint16_t urgent = 0;
  TcpOptions options;

  static TcpRepr from(const TcpView& view) noexcept;
  // 20..60. SACK blocks for which the 40 bytes of options have no room are left out, the last
  // first: with timestamps three fit.
  std::size_t header_size() const noexcept;
  // With pseudo_header only the payload's size matters.
  void emit(MutableBytes header, ByteView payload, const IpAddress& source,
            const IpAddress& destination,
            ChecksumFill fill = ChecksumFill::complete) const noexcept;
  friend bool operator==(const TcpRepr&, const TcpRepr&) = default;
};

}  // namespace pontoon::wire
