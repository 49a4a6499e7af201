#include "tests/sim/frame_ledger.h"

#include <fmt/format.h>

#include <algorithm>

#include "lab/dissect/dissect.h"

namespace pontoon::sim {
namespace {

constexpr std::string_view kGateway = "gateway";

MacAddress target_of(ByteView frame) {
  return MacAddress::from(frame.first(6));
}
MacAddress source_of(ByteView frame) {
  return MacAddress::from(frame.subspan(6, 6));
}

bool by_guard(DropReason reason) {
  switch (reason) {
    case DropReason::guard_source_mac:
    case DropReason::guard_source_ip:
    case DropReason::guard_arp:
    case DropReason::guard_service:
    case DropReason::guard_ethertype:
      return true;
    default:
      return false;
  }
}

unsigned count_of(const std::map<std::string, unsigned>& counts, const std::string& name) {
  const auto found = counts.find(name);
  return found == counts.end() ? 0 : found->second;
}

}  // namespace

void FrameLedger::add_network(const std::string& name, const MacAddress& gateway) {
  gateways_[name] = gateway;
}

void FrameLedger::add_member(const std::string& name, const std::string& network,
                             const MacAddress& mac) {
  if (!members_.contains(name)) members_[name] = {network, mac, frames_};
}

void FrameLedger::remove_member(const std::string& name) {
  close();
  members_.erase(name);
}

const std::string* FrameLedger::owner(const MacAddress& mac, const std::string& network) const {
  for (const auto& [name, member] : members_) {
    if (member.mac == mac && member.network == network) return &name;
  }
  return nullptr;
}

void FrameLedger::on_frame(std::string_view where, FrameEvent event, ByteView frame,
                           std::optional<DropReason> reason, Instant now) {
  if (now != now_) close();
  now_ = now;
  ++frames_;
  switch (event) {
    case FrameEvent::from_endpoint:
      return on_sent(where, frame);
    case FrameEvent::to_endpoint:
      return on_delivered(std::string(where), frame);
    case FrameEvent::dropped:
      return on_dropped(std::string(where), frame, *reason);
  }
}

bool FrameLedger::from_gateway(std::string_view where, ByteView frame) const {
  const auto member = members_.find(where);
  return member != members_.end() && frame.size() >= 14 &&
         source_of(frame) == gateways_.at(member->second.network);
}

void FrameLedger::on_sent(std::string_view where, ByteView frame) {
  Entry& entry = entries_.emplace_back();
  entry.from = where;
  entry.number = frames_;
  entry.network = members_.at(entry.from).network;
  entry.intent = std::exchange(intent_, Intent::honest);
  entry.bytes.assign(frame.begin(), frame.end());
}

void FrameLedger::on_delivered(const std::string& where, ByteView frame) {
  const auto member = members_.find(where);
  if (member == members_.end()) return fail(where + " has gone, and gets a frame", frame);
  if (frame.size() < 14) return fail(where + " gets what is no frame", frame);
  const std::string& network = member->second.network;
  const MacAddress target = target_of(frame);
  if (!target.is_multicast() && target != member->second.mac) {
    const std::string* meant = owner(target, network);
    if (meant != nullptr || target == gateways_.at(network))
      return fail(fmt::format("{} gets a frame for {}", where, meant ? *meant : "the gateway"),
                  frame);
  }
  if (source_of(frame) == gateways_.at(network)) return;
  for (Entry& entry : entries_) {
    const bool same =
        entry.network == network && entry.from != where && count_of(entry.delivered, where) == 0 &&
        std::equal(entry.bytes.begin(), entry.bytes.end(), frame.begin(), frame.end());
    if (!same) continue;
    ++entry.delivered[where];
    if (entry.intent == Intent::forged)
      fail(where + " gets a forged frame of " + entry.from, frame);
    return;
  }
  fail(where + " gets a frame that nobody else on its network has just sent", frame);
}

void FrameLedger::on_dropped(const std::string& where, ByteView frame, DropReason reason) {
  ++(where == kGateway ? gateway_drops_ : member_drops_);
  for (Entry& entry : entries_) {
    if (count_of(entry.dropped, where) > 0) continue;
    if (!std::equal(entry.bytes.begin(), entry.bytes.end(), frame.begin(), frame.end())) continue;
    ++entry.dropped[where];
    entry.reason = reason;
    if (entry.intent == Intent::honest && by_guard(reason)) {
      fail(fmt::format("an honest frame of {} is dropped as {}", entry.from, to_string(reason)),
           frame);
    }
    return;
  }
}

void FrameLedger::close() {
  const std::vector<Entry> entries = std::exchange(entries_, {});
  for (const Entry& entry : entries)
    check(entry);
}

void FrameLedger::check(const Entry& entry) {
  const bool dropped = count_of(entry.dropped, entry.from) > 0;
  if (entry.intent == Intent::forged) {
    if (!dropped) fail("a forged frame of " + entry.from + " is not dropped", entry.bytes);
    return;
  }
  if (dropped && !entry.delivered.empty())
    return fail("a frame of " + entry.from + " is dropped and delivered", entry.bytes);
  if (entry.intent == Intent::garbage || dropped) return;
  const MacAddress target = target_of(entry.bytes);
  if (const std::string* meant = owner(target, entry.network)) {
    check_recipient(entry, *meant);
  } else if (target.is_multicast()) {
    for (const auto& [name, member] : members_) {
      const bool was_there = member.since < entry.number;
      if (member.network == entry.network && was_there) check_recipient(entry, name);
    }
  }
}

void FrameLedger::check_recipient(const Entry& entry, const std::string& name) {
  if (name == entry.from) return;
  if (count_of(entry.delivered, name) + count_of(entry.dropped, name) == 1) return;
  fail(fmt::format("a frame of {} for {} is delivered {} times and dropped {} times", entry.from,
                   name, count_of(entry.delivered, name), count_of(entry.dropped, name)),
       entry.bytes);
}

void FrameLedger::fail(const std::string& what, ByteView frame) {
  const lab::Dissection shown = lab::dissect(frame);
  report_.fail("frame ledger",
               fmt::format("{}: {} > {} {}", what, shown.source, shown.target, shown.summary));
}

}  // namespace pontoon::sim
