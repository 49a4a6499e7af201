// A counting sort: one pass over the areas adds up the size of each option, a second one copies the
// bytes to where they belong. An option that comes a thousand times costs no more than another.
#include "dhcp/option_table.h"

#include <algorithm>

#include "dhcp/message.h"

namespace pontoon::dhcp {
namespace {

constexpr auto kPad = static_cast<std::uint8_t>(OptionCode::pad);
constexpr auto kEnd = static_cast<std::uint8_t>(OptionCode::end);
constexpr auto kOverload = static_cast<std::uint8_t>(OptionCode::overload);

// Calls take(code, value) for each option up to END or the end of the area; false when a length
// exceeds the area.
template <class Take>
bool for_each_option(ByteView area, Take take) noexcept {
  ByteReader reader(area);
  while (reader.remaining() > 0) {
    const std::uint8_t code = reader.u8();
    if (code == kPad) continue;
    if (code == kEnd) return true;
    const ByteView value = reader.take(reader.u8());
    if (!reader.ok()) return false;
    take(code, value);
  }
  return reader.ok();
}

}  // namespace

std::optional<OptionTable::Areas> OptionTable::find_areas(ByteView options, ByteView file,
                                                          ByteView sname) noexcept {
  bool overloaded = false;
  ByteView overload;
  const bool fits = for_each_option(options, [&](std::uint8_t code, ByteView value) {
    if (code != kOverload) return;
    overloaded = true;
    overload = value;
  });
  if (!fits) return std::nullopt;
  Areas areas{{options}, 1};
  if (!overloaded) return areas;
  // RFC 2132 9.3: 1 the file field, 2 the sname field, 3 both hold options.
  if (overload.size() != 1 || overload[0] < 1 || overload[0] > 3) return std::nullopt;
  // RFC 3396 5: the aggregate is read in the order options, file, sname.
  if ((overload[0] & 1) != 0) areas.views[areas.count++] = file;
  if ((overload[0] & 2) != 0) areas.views[areas.count++] = sname;
  return areas;
}

bool OptionTable::count(const Areas& areas) noexcept {
  std::size_t total = 0;
  for (std::size_t i = 0; i < areas.count; ++i)
    total += areas.views[i].size();
  if (total > bytes_.size()) return false;
  for (std::size_t i = 0; i < areas.count; ++i) {
    const bool fits = for_each_option(areas.views[i], [&](std::uint8_t code, ByteView value) {
      start_[code + 1u] = static_cast<std::uint16_t>(start_[code + 1u] + value.size());
    });
    if (!fits) return false;
  }
  for (std::size_t code = 1; code < start_.size(); ++code)
    start_[code] = static_cast<std::uint16_t>(start_[code] + start_[code - 1]);
  return true;
}

void OptionTable::copy(const Areas& areas) noexcept {
  std::array<std::uint16_t, 257> next = start_;
  for (std::size_t i = 0; i < areas.count; ++i) {
    for_each_option(areas.views[i], [&](std::uint8_t code, ByteView value) {
      std::copy(value.begin(), value.end(), bytes_.begin() + next[code]);
      next[code] = static_cast<std::uint16_t>(next[code] + value.size());
    });
  }
}

std::optional<OptionTable> OptionTable::parse(ByteView options, ByteView file,
                                              ByteView sname) noexcept {
  const std::optional<Areas> areas = find_areas(options, file, sname);
  std::optional<OptionTable> table(std::in_place);
  if (!areas || !table->count(*areas)) return std::nullopt;
  table->copy(*areas);
  return table;
}

ByteView OptionTable::operator[](std::uint8_t code) const noexcept {
  const std::size_t begin = start_[code];
  return ByteView(bytes_).subspan(begin, start_[code + 1u] - begin);
}

}  // namespace pontoon::dhcp
