// What the two ends of one TCP connection say, known to both: every byte follows from the
// conversation, the direction and the position, so that a byte at the wrong place shows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/time.h"

namespace pontoon::sim {

// up: from the endpoint to the host.
enum class Way : std::uint8_t { up, down };
inline Way opposite(Way way) {
  return way == Way::up ? Way::down : Way::up;
}

constexpr std::size_t kHeaderBytes = 8;  // each direction begins with it: whose bytes these are

// How one end behaves.
struct Manners {
  std::uint64_t length = kHeaderBytes;      // of what it says
  std::uint64_t read_bytes_per_s = 0;       // 0: as fast as they come
  bool ends_first = true;                   // false: only after the other end's end
  std::optional<std::uint64_t> abort_at{};  // after so many bytes read
};

struct Script {
  std::uint32_t id = 0;
  Manners endpoint;
  Manners host;

  const Manners& writer(Way way) const { return way == Way::up ? endpoint : host; }
  const Manners& reader(Way way) const { return way == Way::up ? host : endpoint; }
  bool aborts() const { return endpoint.abort_at || host.abort_at; }
};

// `count` bytes from that position on.
std::string spoken(std::uint32_t id, Way way, std::uint64_t position, std::size_t count);
// The conversation that these first bytes belong to; nullopt when they are no header.
std::optional<std::uint32_t> id_of(std::string_view header, Way way);

}  // namespace pontoon::sim
