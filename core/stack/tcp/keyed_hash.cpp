#include "core/stack/tcp/keyed_hash.h"

#include <array>
#include <bit>

namespace pontoon::stack::tcp {
namespace {

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void round() noexcept {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }
  void word(std::uint64_t input) noexcept {
    v3 ^= input;
    round();
    round();
    v0 ^= input;
  }
};

std::uint64_t load_little(const std::uint8_t* from, std::size_t count) noexcept {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < count; ++i)
    word |= std::uint64_t{from[i]} << (8 * i);
  return word;
}

}  // namespace

std::uint64_t keyed_hash(const HashKey& key, ByteView bytes) noexcept {
  SipState state{key.low ^ 0x736f6d6570736575, key.high ^ 0x646f72616e646f6d,
                 key.low ^ 0x6c7967656e657261, key.high ^ 0x7465646279746573};
  const std::size_t whole = bytes.size() / 8 * 8;
  for (std::size_t at = 0; at < whole; at += 8)
    state.word(load_little(bytes.data() + at, 8));
  const std::uint64_t length = std::uint64_t{bytes.size() & 0xff} << 56;
  state.word(length | load_little(bytes.data() + whole, bytes.size() - whole));
  state.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i)
    state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

std::uint64_t keyed_hash(const HashKey& key, const SocketAddress& endpoint,
                         const SocketAddress& far) noexcept {
  std::array<std::uint8_t, 36> bytes;
  ByteWriter writer(bytes);
  writer.bytes(endpoint.ip.octets());
  writer.bytes(far.ip.octets());
  writer.u16(endpoint.port);
  writer.u16(far.port);
  return keyed_hash(key, writer.written());
}

}  // namespace pontoon::stack::tcp
