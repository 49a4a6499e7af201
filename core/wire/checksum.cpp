#include "core/wire/checksum.h"

namespace pontoon::wire {
namespace {

template <class T>
std::uint64_t load(const std::uint8_t* from) noexcept {
  T raw;
  std::memcpy(&raw, from, sizeof raw);
  return raw;
}

std::uint16_t fold(std::uint64_t sum) noexcept {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

// The carry out of each addition goes back in at the bottom, which is what makes 64-bit words give
// the same 16-bit sum (RFC 1071, 2(C)).
void add_with_carry(std::uint64_t& sum, std::uint64_t word) noexcept {
  sum += word;
  sum += static_cast<std::uint64_t>(sum < word);
}

// In native byte order: the sum is independent of it but for one final swap (RFC 1071, 2(B)). Two
// chains of additions, so that the processor need not wait for each carry.
std::uint16_t native_sum(const std::uint8_t* data, std::size_t size) noexcept {
  std::uint64_t even = 0;
  std::uint64_t odd = 0;
  for (; size >= 32; data += 32, size -= 32) {
    add_with_carry(even, load<std::uint64_t>(data));
    add_with_carry(odd, load<std::uint64_t>(data + 8));
    add_with_carry(even, load<std::uint64_t>(data + 16));
    add_with_carry(odd, load<std::uint64_t>(data + 24));
  }
  for (; size >= 8; data += 8, size -= 8)
    add_with_carry(even, load<std::uint64_t>(data));
  if ((size & 4) != 0) {
    add_with_carry(odd, load<std::uint32_t>(data));
    data += 4;
  }
  if ((size & 2) != 0) {
    add_with_carry(odd, load<std::uint16_t>(data));
    data += 2;
  }
  if ((size & 1) != 0) {
    const std::uint8_t last[2] = {*data, 0};  // zero padding at the end does not change the sum
    add_with_carry(odd, load<std::uint16_t>(last));
  }
  add_with_carry(even, odd);
  return fold(even);
}

std::uint16_t swap_halves(std::uint16_t value) noexcept {
  return byte_swap(value);
}

}  // namespace

Checksum Checksum::pseudo_header(const IpAddress& source, const IpAddress& destination,
                                 IpProtocol protocol, std::size_t length) noexcept {
  // An IPv4 address is summed in its mapped form: ::ffff:0:0 adds 0xffff, which is zero in one's
  // complement, so the families need not be told apart.
  Checksum sum;
  sum.add(source.octets());
  sum.add(destination.octets());
  sum.sum_ += static_cast<std::uint64_t>(protocol) + length;
  return sum;
}

void Checksum::add(ByteView bytes) noexcept {
  std::uint16_t piece = native_sum(bytes.data(), bytes.size());
  if constexpr (std::endian::native == std::endian::little) piece = swap_halves(piece);
  // A piece that begins at an odd offset has its bytes in the other half of each word.
  sum_ += odd_ ? swap_halves(piece) : piece;
  if (bytes.size() % 2 != 0) odd_ = !odd_;
}

std::uint16_t Checksum::folded() const noexcept {
  return fold(sum_);
}

bool checksum_ok(ByteView bytes, Checksum start) noexcept {
  start.add(bytes);
  return start.folded() == 0xffff;
}

std::uint16_t update_checksum(std::uint16_t checksum, std::uint16_t before,
                              std::uint16_t after) noexcept {
  // RFC 1624: HC' = ~(~HC + ~m + m').
  const std::uint64_t sum = std::uint64_t{static_cast<std::uint16_t>(~checksum)} +
                            static_cast<std::uint16_t>(~before) + after;
  return static_cast<std::uint16_t>(~fold(sum));
}

}  // namespace pontoon::wire
