#include "core/base/random.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/base/check.h"

namespace pontoon {
namespace {

std::uint64_t split_mix(std::uint64_t& state) noexcept {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

template <class T>
T draw(Random& random) noexcept {
  std::uint8_t bytes[sizeof(T)];
  random.fill(bytes);
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

}  // namespace

std::uint16_t Random::u16() noexcept {
  return draw<std::uint16_t>(*this);
}
std::uint32_t Random::u32() noexcept {
  return draw<std::uint32_t>(*this);
}
std::uint64_t Random::u64() noexcept {
  return draw<std::uint64_t>(*this);
}

std::uint32_t Random::below(std::uint32_t bound) noexcept {
  INVARIANT(bound > 0);
  // Lemire's multiply-shift with rejection: unbiased, seldom more than one draw.
  std::uint64_t product = std::uint64_t{u32()} * bound;
  if (auto low = static_cast<std::uint32_t>(product); low < bound) {
    const std::uint32_t threshold = (0U - bound) % bound;
    while (low < threshold) {
      product = std::uint64_t{u32()} * bound;
      low = static_cast<std::uint32_t>(product);
    }
  }
  return static_cast<std::uint32_t>(product >> 32);
}

SeededRandom::SeededRandom(std::uint64_t seed, std::string_view stream) noexcept {
  std::uint64_t state = seed;
  for (const char c : stream)
    state = (state ^ static_cast<std::uint8_t>(c)) * 0x100000001b3ULL;
  for (std::uint64_t& word : state_)
    word = split_mix(state);
}

std::uint64_t SeededRandom::next() noexcept {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

void SeededRandom::fill(MutableBytes out) noexcept {
  while (!out.empty()) {
    const std::uint64_t word = next();
    const std::size_t count = std::min(out.size(), sizeof word);
    std::memcpy(out.data(), &word, count);
    out = out.subspan(count);
  }
}

}  // namespace pontoon
