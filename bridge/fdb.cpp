#include "bridge/fdb.h"

#include <bit>

#include "bridge/port_slot.h"
#include "core/base/check.h"

namespace pontoon::bridge {
namespace {

constexpr std::size_t kFirstSlots = 64;

std::uint64_t mix(std::uint64_t value) noexcept {
  // The finalizer of MurmurHash3. No secret is needed: a port that chooses addresses which collide
  // has only kMacsPerPort of them.
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccdULL;
  value ^= value >> 33;
  value *= 0xc4ceb9fe1a85ec53ULL;
  return value ^ (value >> 33);
}

}  // namespace

Fdb::Fdb() : slots_(kFirstSlots) {}

std::size_t Fdb::home(const MacAddress& mac) const noexcept {
  std::uint64_t value = 0;
  for (const std::uint8_t octet : mac.octets)
    value = value << 8 | octet;
  return mix(value) & (slots_.size() - 1);
}

std::size_t Fdb::locate(const MacAddress& mac) const noexcept {
  std::size_t index = home(mac);
  while (slots_[index].used && slots_[index].mac != mac)
    index = (index + 1) & (slots_.size() - 1);
  return index;
}

void Fdb::insert(const Slot& slot) noexcept {
  slots_[locate(slot.mac)] = slot;
  ++used_;
}

// Moves the following entries up, so that no search ends at the gap before it has met its entry.
void Fdb::close_gap(std::size_t index) noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t gap = index;
  for (std::size_t next = (gap + 1) & mask; slots_[next].used; next = (next + 1) & mask) {
    const std::size_t distance = (next - home(slots_[next].mac)) & mask;
    if (distance < ((next - gap) & mask)) continue;
    slots_[gap] = slots_[next];
    gap = next;
  }
  slots_[gap] = Slot{};
  --used_;
}

void Fdb::erase(std::size_t index) noexcept {
  const Slot& slot = slots_[index];
  if (slot.fixed) {
    --fixed_;
  } else {
    unlist_address(slot.port, slot.mac);
  }
  close_gap(index);
}

void Fdb::reserve_slots() {
  const std::size_t most = port_count_ * limits::kMacsPerPort + fixed_;
  const std::size_t wanted = std::bit_ceil(2 * most + 2);
  if (wanted <= slots_.size()) return;
  std::vector<Slot> old(wanted);
  old.swap(slots_);
  used_ = 0;
  for (const Slot& slot : old) {
    if (slot.used) insert(slot);
  }
}

Fdb::PortAddresses& Fdb::addresses(PortId port) noexcept {
  const std::size_t slot = slot_of(port);
  INVARIANT(slot < ports_.size() && ports_[slot].used && ports_[slot].port == port);
  return ports_[slot];
}

void Fdb::list_address(PortId port, const MacAddress& mac) noexcept {
  PortAddresses& list = addresses(port);
  INVARIANT(list.count < list.macs.size());
  list.macs[list.count++] = mac;
}

void Fdb::unlist_address(PortId port, const MacAddress& mac) noexcept {
  PortAddresses& list = addresses(port);
  for (std::size_t i = 0; i < list.count; ++i) {
    if (list.macs[i] != mac) continue;
    list.macs[i] = list.macs[--list.count];
    return;
  }
}

bool Fdb::make_room(PortId port, Instant now) noexcept {
  PortAddresses& list = addresses(port);
  if (list.count < list.macs.size()) return true;
  for (std::size_t i = list.count; i-- > 0;) {
    const std::size_t index = locate(list.macs[i]);
    if (!live(slots_[index], now)) erase(index);
  }
  return list.count < list.macs.size();
}

void Fdb::add_port(PortId port) {
  const std::size_t slot = slot_of(port);
  if (slot >= ports_.size()) ports_.resize(slot + 1);
  INVARIANT(!ports_[slot].used);
  ports_[slot] = PortAddresses{};
  ports_[slot].port = port;
  ports_[slot].used = true;
  ++port_count_;
  reserve_slots();
}

void Fdb::remove_port(PortId port) noexcept {
  PortAddresses& list = addresses(port);
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    while (slots_[i].used && slots_[i].port == port)
      erase(i);
  }
  list.used = false;
  --port_count_;
}

void Fdb::pin(const MacAddress& mac, PortId port) {
  const std::size_t old = locate(mac);
  if (slots_[old].used) erase(old);
  ++fixed_;
  reserve_slots();
  insert({.mac = mac, .port = port, .used = true, .fixed = true, .seen = {}});
}

Fdb::Learned Fdb::learn(const MacAddress& mac, PortId port, Instant now) noexcept {
  Slot& slot = slots_[locate(mac)];
  const bool present = slot.used && live(slot, now);
  if (present && slot.port == port) {
    slot.seen = now;
    return Learned::known;
  }
  if (present && slot.fixed) return Learned::fixed_other;
  if (slot.used && !present) erase(locate(mac));
  // A port that is full gets no further address, not even another port's: where it was, it stays.
  if (!make_room(port, now)) return Learned::port_full;
  if (present) erase(locate(mac));
  insert({.mac = mac, .port = port, .used = true, .fixed = false, .seen = now});
  list_address(port, mac);
  return present ? Learned::moved : Learned::added;
}

std::optional<PortId> Fdb::find(const MacAddress& mac, Instant now) const noexcept {
  const Slot& slot = slots_[locate(mac)];
  if (!slot.used || !live(slot, now)) return std::nullopt;
  return slot.port;
}

void Fdb::age(Instant now) noexcept {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    while (slots_[i].used && !live(slots_[i], now))
      erase(i);
  }
}

std::vector<FdbEntry> Fdb::entries(Instant now) const {
  std::vector<FdbEntry> out;
  out.reserve(used_);
  for (const Slot& slot : slots_) {
    if (!slot.used || !live(slot, now)) continue;
    const Duration age = slot.fixed ? Duration{} : now - slot.seen;
    out.push_back({slot.mac, slot.port, slot.fixed, age});
  }
  return out;
}

}  // namespace pontoon::bridge
