#include "tests/sim/switch_arena.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/support/packets.h"

namespace pontoon::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kName = "switch model";
constexpr unsigned kStations = 40;  // more than one port may have
constexpr std::size_t kMostPlaces = 8;

MacAddress station(unsigned number) {
  return MacAddress{{0x02, 0, 0, 0, 9, static_cast<std::uint8_t>(number)}};
}

}  // namespace

SwitchArena::SwitchArena(std::uint64_t seed, Report& report)
    : report_(report), random_(seed, "switch arena") {
  switch_.set_drop_observer(this);
  add_place(true);
  switch_.pin(station(0), places_.front().id);
  beliefs_[station(0)] = {places_.front().tag, now_, true};
  for (unsigned i = 2 + random_.below(4); i > 0; --i)
    add_place(false);
}

SwitchArena::~SwitchArena() {
  switch_.set_drop_observer(nullptr);
}

void SwitchArena::on_frame(std::uint32_t tag, FrameEvent event, const FrameRef&,
                           std::optional<DropReason> reason, Instant) noexcept {
  if (event == FrameEvent::dropped && reason) dropped_.emplace_back(tag, *reason);
}

void SwitchArena::add_place(bool gateway) {
  Place& place = places_.emplace_back();
  place.port = std::make_unique<MemoryPort>(pool_);
  place.tag = ++last_tag_;
  place.gateway = gateway;
  bridge::PortSpec spec;
  spec.gateway = gateway;
  spec.tag = place.tag;
  place.id = switch_.add(*place.port, spec, now_).value();
}

// Closes first, as a container's end does, and is then taken out by its owner.
void SwitchArena::remove_place(std::size_t index) {
  Place& place = places_[index];
  const std::uint32_t tag = place.tag;
  place.port->close();
  place.closed = true;
  for (unsigned i = random_.below(4); i > 0; --i)
    say(places_.front(), station(0), random_.below(2) == 0 ? some_mac() : MacAddress::broadcast());
  switch_.pull(now_);
  switch_.flush(now_);
  const auto closed = switch_.take_closed();
  if (closed != std::vector{place.id}) report_.fail(kName, "a closed port is not reported once");
  switch_.remove(place.id);
  std::erase_if(beliefs_, [tag](const auto& each) { return each.second.tag == tag; });
  places_.erase(places_.begin() + static_cast<std::ptrdiff_t>(index));
}

SwitchArena::Place& SwitchArena::some_place() {
  return places_[random_.below(static_cast<std::uint32_t>(places_.size()))];
}

// Some are met often, some seldom.
MacAddress SwitchArena::some_mac() {
  return station(random_.below(1 + random_.below(kStations)));
}

bool SwitchArena::live(const Belief& belief) const {
  return belief.pinned || now_ - belief.seen < limits::kFdbAge;
}

// False: the address is another port's for good.
bool SwitchArena::learn(const Place& from, const MacAddress& source) {
  const auto known = beliefs_.find(source);
  const bool present = known != beliefs_.end() && live(known->second);
  if (present && known->second.tag == from.tag) {
    known->second.seen = now_;
    return true;
  }
  if (present && known->second.pinned) return false;
  const auto here = std::count_if(beliefs_.begin(), beliefs_.end(), [&](const auto& each) {
    return each.second.tag == from.tag && !each.second.pinned && live(each.second);
  });
  if (static_cast<std::size_t>(here) < limits::kMacsPerPort)
    beliefs_[source] = {from.tag, now_, false};
  return true;
}

bool SwitchArena::is_closed(std::uint32_t tag) const {
  return std::any_of(places_.begin(), places_.end(),
                     [tag](const Place& place) { return place.tag == tag && place.closed; });
}

bool SwitchArena::storm_passes(Place& from) {
  if (from.gateway) return true;
  const Duration cost = Duration(1s) / limits::kStormFramesPerSecond;
  const Instant booked = std::max(from.storm_booked, now_) + cost;
  if (booked - now_ > cost * limits::kStormBurst) return false;
  from.storm_booked = booked;
  return true;
}

SwitchArena::Expected SwitchArena::expect(Place& from, const MacAddress& source,
                                          const MacAddress& target) {
  if (source.is_multicast() || source.is_zero()) return {{}, DropReason::guard_source_mac};
  const bool reserved = target == MacAddress{{0x01, 0x80, 0xc2, 0, 0, 0x0e}};
  if (reserved) return {{}, DropReason::reserved_multicast};
  if (!learn(from, source)) return {{}, DropReason::guard_source_mac};
  const auto known = beliefs_.find(target);
  if (!target.is_multicast() && known != beliefs_.end() && live(known->second)) {
    if (known->second.tag == from.tag) return {{}, DropReason::no_destination_port};
    if (is_closed(known->second.tag)) return {{}, DropReason::port_closed};
    return {{known->second.tag}, std::nullopt};
  }
  if (!storm_passes(from)) return {{}, DropReason::storm_limit};
  Expected all;
  for (const Place& place : places_) {
    if (place.tag != from.tag && !place.closed) all.to.insert(place.tag);
  }
  return all;
}

void SwitchArena::say(Place& from, const MacAddress& source, const MacAddress& target) {
  std::vector<std::uint8_t> frame(60);
  std::copy(target.octets.begin(), target.octets.end(), frame.begin());
  std::copy(source.octets.begin(), source.octets.end(), frame.begin() + 6);
  frame[12] = 0x08;
  store_be(frame.data() + 20, static_cast<std::uint32_t>(++sent_));
  const Expected expected = expect(from, source, target);
  from.port->inject(frame);
  while (switch_.has_work())
    switch_.pull(now_);
  switch_.flush(now_);
  compare(expected, source, target);
}

void SwitchArena::compare(const Expected& expected, const MacAddress& source,
                          const MacAddress& target) {
  const auto fail = [&](const std::string& what) {
    report_.fail(kName, fmt::format("frame {}, {} > {}: {}", sent_, source.to_string(),
                                    target.to_string(), what));
  };
  for (Place& place : places_) {
    const auto got = place.port->take_sent();
    const bool wanted = expected.to.contains(place.tag);
    if (got.size() != (wanted ? 1U : 0U))
      fail(fmt::format("port {} gets it {} times", place.tag, got.size()));
    hash_ = (hash_ ^ (got.size() << 8 | place.tag)) * 1099511628211ULL;
  }
  const auto dropped = std::exchange(dropped_, {});
  if (dropped.size() != (expected.drop ? 1U : 0U)) {
    fail(fmt::format("dropped {} times", dropped.size()));
  } else if (expected.drop && dropped.front().second != *expected.drop) {
    fail(fmt::format("dropped as {}, not as {}", to_string(dropped.front().second),
                     to_string(*expected.drop)));
  }
}

void SwitchArena::compare_tables() {
  std::set<std::pair<MacAddress, bridge::PortId>> expected;
  for (const auto& [mac, belief] : beliefs_) {
    const auto place = std::find_if(places_.begin(), places_.end(),
                                    [&](const Place& each) { return each.tag == belief.tag; });
    if (live(belief)) expected.emplace(mac, place->id);
  }
  std::set<std::pair<MacAddress, bridge::PortId>> got;
  for (const bridge::FdbEntry& entry : switch_.fdb(now_))
    got.emplace(entry.mac, entry.port);
  if (got != expected)
    report_.fail(kName, fmt::format("the forwarding table has {} entries that differ from the {} "
                                    "that were learned",
                                    got.size(), expected.size()));
}

// A port that floods without end may have so much of it and no more.
void SwitchArena::storm() {
  Place& from = some_place();
  for (unsigned i = 0; i < limits::kStormBurst + 50 && !report_.failed(); ++i)
    say(from, station(1), MacAddress::broadcast());
}

// More from one port than is taken at once; all of it must come, in its order.
void SwitchArena::burst() {
  Place& from = places_.front();
  Place& to = places_.back();
  const MacAddress target = MacAddress{{0x02, 0, 0, 0, 8, 8}};
  switch_.pin(target, to.id);
  const std::uint32_t count = 2 * limits::kTurnFramesPerPort + 1 + random_.below(100);
  std::vector<std::uint8_t> frame(60);
  std::copy(target.octets.begin(), target.octets.end(), frame.begin());
  frame[6] = 2;
  for (std::uint32_t i = 0; i < count; ++i) {
    store_be(frame.data() + 20, i);
    from.port->inject(frame);
  }
  while (switch_.has_work())
    switch_.pull(now_);
  switch_.flush(now_);
  std::uint32_t next = 0;
  for (const FrameRef& got : to.port->take_sent()) {
    if (load_be<std::uint32_t>(got->bytes().data() + 20) == next) ++next;
  }
  if (next != count)
    report_.fail(kName, fmt::format("of {} frames at once {} come in order", count, next));
}

void SwitchArena::pause() {
  switch (random_.below(8)) {
    case 0:
      now_ += limits::kFdbAge / 2;
      break;
    case 1:
      now_ += limits::kFdbAge - 1ms;
      break;
    case 2:
      now_ += limits::kFdbAge;
      break;
    default:
      now_ += 1ms * random_.below(20000);
      break;
  }
  if (random_.below(2) == 0) switch_.age(now_);
}

void SwitchArena::act() {
  const unsigned kind = random_.below(100);
  if (kind < 2 && places_.size() < kMostPlaces) return add_place(false);
  if (kind < 4 && places_.size() > 3)
    return remove_place(1 + random_.below(static_cast<std::uint32_t>(places_.size() - 1)));
  if (kind < 12) return pause();
  if (kind < 14) return compare_tables();
  Place& from = some_place();
  if (kind == 14) return say(from, MacAddress{{0x03, 0, 0, 0, 9, 1}}, some_mac());
  if (kind == 15) return say(from, MacAddress{}, some_mac());
  if (kind == 16) return say(from, some_mac(), MacAddress{{0x01, 0x80, 0xc2, 0, 0, 0x0e}});
  if (kind < 24) return say(from, some_mac(), MacAddress::broadcast());
  if (kind < 27) return say(from, some_mac(), MacAddress{{0x02, 9, 9, 9, 9, 9}});
  say(from, some_mac(), some_mac());
}

void SwitchArena::run(unsigned steps) {
  for (unsigned i = 0; i < steps && !report_.failed(); ++i) {
    report_.at(now_);
    act();
  }
  if (!report_.failed()) compare_tables();
  if (!report_.failed() && random_.below(8) == 0) storm();
  if (!report_.failed() && random_.below(8) == 0) burst();
}

}  // namespace pontoon::sim
