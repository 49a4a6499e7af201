#include "tests/sim/script.h"

#include <array>

namespace pontoon::sim {
namespace {

std::uint64_t mixed(std::uint64_t value) {  // splitmix64
  value += 0x9e3779b97f4a7c15ULL;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

std::array<char, kHeaderBytes> header(std::uint32_t id, Way way) {
  return {'s',
          'i',
          'm',
          way == Way::up ? '>' : '<',
          static_cast<char>(id >> 24),
          static_cast<char>(id >> 16),
          static_cast<char>(id >> 8),
          static_cast<char>(id)};
}

}  // namespace

std::string spoken(std::uint32_t id, Way way, std::uint64_t position, std::size_t count) {
  const std::uint64_t key = mixed((std::uint64_t{id} << 1) | (way == Way::up ? 1U : 0U));
  std::string out(count, '\0');
  std::uint64_t block = 0;
  for (std::size_t i = 0; i < count; ++i, ++position) {
    if (position < kHeaderBytes) {
      out[i] = header(id, way)[position];
      continue;
    }
    if (i == 0 || position % 8 == 0 || position == kHeaderBytes)
      block = mixed(key ^ (position / 8));
    out[i] = static_cast<char>(block >> (8 * (position % 8)));
  }
  return out;
}

std::optional<std::uint32_t> id_of(std::string_view text, Way way) {
  if (text.size() < kHeaderBytes) return std::nullopt;
  std::uint32_t id = 0;
  for (std::size_t i = 4; i < kHeaderBytes; ++i)
    id = (id << 8) | static_cast<unsigned char>(text[i]);
  const auto expected = header(id, way);
  if (text.substr(0, kHeaderBytes) != std::string_view(expected.data(), expected.size()))
    return std::nullopt;
  return id;
}

}  // namespace pontoon::sim
