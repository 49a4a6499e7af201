// Theory of operation.
//
// Purpose: one turn pulls a bounded batch from each port that reported itself ready, judges each
// frame, learns where it came from and hands it to the port or ports where it must go; flush() then
// lets each port that got something do its system calls once.
//
// A port is a Member: its ReadySink, its guard, its counters and its place in three intrusive lists
// (all members, the ready ones, the dirty ones). An idle port costs a turn nothing. pull() visits
// those that were ready when it began, each once; one that gave a full batch goes to the end of the
// list and is visited in the next turn, so none starves another.
//
// Memory: members and the tables of the FDB are allocated by add(), remove() and pin() only. A
// flooded frame is shared, never copied.
//
// Order of judgement: length, source address, reserved group addresses, guard, learning, the
// destination, and for what has to be flooded the storm limit. The first that fails is the one
// reason that is counted, on the sender's side.
//
// Not here: spanning tree, VLANs, IGMP and MLD snooping (multicast is flooded), the fitting of a
// frame to what a port can take (PortEdge does it in the port).
#include "bridge/switch.h"

#include <array>

#include "bridge/fdb.h"
#include "bridge/guard.h"
#include "bridge/member_list.h"
#include "bridge/port_slot.h"
#include "bridge/storm.h"
#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/wire/ethernet.h"

namespace pontoon::bridge {
namespace {

const DropCounters kNoDrops;

// IEEE 802.1Q 8.6.3: 01-80-C2-00-00-00 to -0F are not forwarded by any bridge.
bool is_reserved(const MacAddress& mac) noexcept {
  constexpr std::array<std::uint8_t, 5> prefix{0x01, 0x80, 0xc2, 0x00, 0x00};
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    if (mac.octets[i] != prefix[i]) return false;
  }
  return mac.octets[5] <= 0x0f;
}

// How many frames a super-frame stands for.
std::uint32_t segments(const Frame& frame) noexcept {
  const Offload& offload = frame.offload;
  if (offload.gso == Gso::none || offload.segment_size == 0) return 1;
  if (frame.size() <= offload.header_length) return 1;
  const std::size_t payload = frame.size() - offload.header_length;
  return static_cast<std::uint32_t>((payload + offload.segment_size - 1) / offload.segment_size);
}

}  // namespace

class Switch::Impl {
 public:
  Result<PortId, SwitchError> add(Port& port, const PortSpec& spec, Instant now);
  void remove(PortId id) noexcept;
  void set_guard(PortId id, const GuardPolicy& guard) noexcept;
  void pin(const MacAddress& mac, PortId id);
  void pull(Instant now) noexcept;
  void drain(PortId id, Instant now) noexcept;
  void flush(Instant now) noexcept;
  bool has_work() const noexcept { return !ready_.empty(); }
  std::vector<PortId> take_closed();
  const DropCounters& drops(PortId id) const noexcept;
  std::uint64_t unlearned(PortId id) const noexcept;
  void set_drop_observer(FrameObserver* observer) noexcept { drop_observer_ = observer; }
  void set_wake(ReadySink* sink) noexcept;
  Fdb& fdb() noexcept { return fdb_; }

 private:
  enum class Closing : std::uint8_t { open, to_report, reported };

  struct Member final : ReadySink {
    Member(Impl& owning, Port& joined, const PortSpec& spec, PortId given) noexcept
        : owner(owning),
          port(joined),
          id(given),
          tag(spec.tag),
          gateway(spec.gateway),
          guard(spec.guard) {}
    void on_ready() noexcept override { owner.became_ready(*this); }

    Impl& owner;
    Port& port;
    PortId id;
    std::uint32_t tag;
    bool gateway;
    Closing closing = Closing::open;
    std::optional<GuardPolicy> guard;
    StormLimit storm;
    std::uint64_t unlearned = 0;
    DropCounters drops;
    ListHook<Member> all_hook;
    ListHook<Member> ready_hook;
    ListHook<Member> dirty_hook;
  };

  // While a port's methods run, what becomes ready needs no wake-up and members must stay.
  class Busy {
   public:
    explicit Busy(bool& busy) noexcept : busy_(busy) {
      INVARIANT(!busy_);
      busy_ = true;
    }
    ~Busy() { busy_ = false; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    bool& busy_;
  };

  Member* find(PortId id) const noexcept;
  void became_ready(Member& member) noexcept;
  bool visit(Member& ingress, Instant now) noexcept;
  void forward(Member& ingress, FrameRef frame, Instant now) noexcept;
  std::optional<DropReason> dispatch(Member& ingress, FrameRef& frame, Instant now) noexcept;
  std::optional<DropReason> refuse(Member& ingress, const wire::EthernetView& view,
                                   Instant now) noexcept;
  std::optional<DropReason> send_to(Member& ingress, PortId target, FrameRef& frame,
                                    Instant now) noexcept;
  std::optional<DropReason> flood(Member& ingress, FrameRef& frame, Instant now) noexcept;
  void deliver(Member& egress, FrameRef frame, Instant now) noexcept;
  bool is_open(Member& member) noexcept;

  std::array<std::unique_ptr<Member>, limits::kPortsPerNetwork> slots_;
  std::array<std::uint8_t, limits::kPortsPerNetwork> generations_{};
  std::size_t next_slot_ = 0;
  MemberList<Member, &Member::all_hook> all_;
  MemberList<Member, &Member::ready_hook> ready_;
  MemberList<Member, &Member::dirty_hook> dirty_;
  Fdb fdb_;
  ReadySink* wake_ = nullptr;
  FrameObserver* drop_observer_ = nullptr;
  std::size_t closed_to_report_ = 0;
  bool busy_ = false;
};

Result<PortId, SwitchError> Switch::Impl::add(Port& port, const PortSpec& spec, Instant now) {
  (void)now;
  INVARIANT(!busy_);
  if (all_.size() == slots_.size()) return SwitchError::too_many_ports;
  // Round robin, so that a slot rests as long as can be before its next use.
  while (slots_[next_slot_] != nullptr)
    next_slot_ = (next_slot_ + 1) % slots_.size();
  const PortId id = make_port_id(next_slot_, generations_[next_slot_]++);
  slots_[next_slot_] = std::make_unique<Member>(*this, port, spec, id);
  Member& member = *slots_[next_slot_];
  next_slot_ = (next_slot_ + 1) % slots_.size();
  fdb_.add_port(id);
  all_.push_back(member);
  port.set_ready_sink(&member);
  // It may have frames already that nobody was told of.
  became_ready(member);
  return id;
}

void Switch::Impl::remove(PortId id) noexcept {
  Member* member = find(id);
  if (member == nullptr) return;
  INVARIANT(!busy_);
  member->port.set_ready_sink(nullptr);
  if (member->closing == Closing::to_report) --closed_to_report_;
  all_.remove(*member);
  ready_.remove(*member);
  dirty_.remove(*member);
  fdb_.remove_port(id);
  slots_[slot_of(id)].reset();
}

Switch::Impl::Member* Switch::Impl::find(PortId id) const noexcept {
  Member* member = slots_[slot_of(id)].get();
  return member != nullptr && member->id == id ? member : nullptr;
}

void Switch::Impl::set_guard(PortId id, const GuardPolicy& guard) noexcept {
  if (Member* member = find(id)) member->guard = guard;
}

void Switch::Impl::pin(const MacAddress& mac, PortId id) {
  if (find(id) != nullptr) fdb_.pin(mac, id);
}

void Switch::Impl::became_ready(Member& member) noexcept {
  const bool first = ready_.empty();
  ready_.push_back(member);
  if (first && !busy_ && wake_ != nullptr) wake_->on_ready();
}

void Switch::Impl::set_wake(ReadySink* sink) noexcept {
  wake_ = sink;
  if (wake_ != nullptr && !ready_.empty()) wake_->on_ready();
}

void Switch::Impl::pull(Instant now) noexcept {
  const Busy busy(busy_);
  for (std::size_t visits = ready_.size(); visits > 0; --visits) {
    Member* member = ready_.pop_front();
    if (member == nullptr) return;
    if (visit(*member, now)) ready_.push_back(*member);
  }
}

void Switch::Impl::drain(PortId id, Instant now) noexcept {
  Member* member = find(id);
  if (member == nullptr) return;
  const Busy busy(busy_);
  ready_.remove(*member);
  // All that the pool can hold; a port that gives more is refilling itself.
  constexpr std::size_t visits = limits::kPoolFrames / limits::kTurnFramesPerPort;
  for (std::size_t i = 0; i < visits; ++i) {
    if (!visit(*member, now)) return;
  }
  ready_.push_back(*member);
}

// One batch of one port; true when there may be more.
bool Switch::Impl::visit(Member& ingress, Instant now) noexcept {
  std::array<FrameRef, limits::kTurnFramesPerPort> batch;
  const std::size_t count = ingress.port.receive(batch, now);
  INVARIANT(count <= batch.size());
  for (std::size_t i = 0; i < count; ++i)
    forward(ingress, std::move(batch[i]), now);
  // It may have called because queued frames can leave now.
  dirty_.push_back(ingress);
  return is_open(ingress) && count == batch.size();
}

void Switch::Impl::forward(Member& ingress, FrameRef frame, Instant now) noexcept {
  const std::optional<DropReason> dropped = dispatch(ingress, frame, now);
  if (!dropped) return;
  ingress.drops.count(*dropped);
  if (drop_observer_ != nullptr) {
    drop_observer_->on_frame(ingress.tag, FrameEvent::dropped, frame, dropped, now);
  }
}

// Takes the frame, or leaves it and says why.
std::optional<DropReason> Switch::Impl::dispatch(Member& ingress, FrameRef& frame,
                                                 Instant now) noexcept {
  const auto view = wire::EthernetView::parse(frame->bytes());
  if (!view) return DropReason::malformed_ethernet;
  if (const auto refused = refuse(ingress, *view, now)) return refused;
  const MacAddress destination = view->destination();
  const auto target = destination.is_multicast() ? std::nullopt : fdb_.find(destination, now);
  return target ? send_to(ingress, *target, frame, now) : flood(ingress, frame, now);
}

// What must not go on whatever its destination; what may is learned from.
std::optional<DropReason> Switch::Impl::refuse(Member& ingress, const wire::EthernetView& view,
                                               Instant now) noexcept {
  const MacAddress source = view.source();
  // No station has a group address, or none at all (IEEE 802.3 3.2.3).
  if (source.is_multicast() || source.is_zero()) return DropReason::guard_source_mac;
  if (is_reserved(view.destination())) return DropReason::reserved_multicast;
  if (!ingress.gateway && ingress.guard) {
    if (const auto verdict = judge(*ingress.guard, view)) return verdict;
  }
  switch (fdb_.learn(source, ingress.id, now)) {
    case Fdb::Learned::known:
    case Fdb::Learned::added:
    case Fdb::Learned::moved:
      break;
    case Fdb::Learned::fixed_other:
      return DropReason::guard_source_mac;
    case Fdb::Learned::port_full:
      ++ingress.unlearned;
      break;
  }
  return std::nullopt;
}

std::optional<DropReason> Switch::Impl::send_to(Member& ingress, PortId target, FrameRef& frame,
                                                Instant now) noexcept {
  Member* egress = find(target);
  INVARIANT(egress != nullptr);  // remove() clears the FDB
  if (egress == &ingress) return DropReason::no_destination_port;
  if (!is_open(*egress)) return DropReason::port_closed;
  deliver(*egress, std::move(frame), now);
  return std::nullopt;
}

// An unknown unicast address is limited like a group's: what it costs is the same.
std::optional<DropReason> Switch::Impl::flood(Member& ingress, FrameRef& frame,
                                              Instant now) noexcept {
  if (!ingress.gateway && !ingress.storm.pass(segments(*frame), now)) {
    return DropReason::storm_limit;
  }
  // One step behind, so that the last receiver gets the frame itself and may find it unshared.
  Member* last = nullptr;
  for (Member* member = all_.front(); member != nullptr; member = all_.next(*member)) {
    if (member == &ingress || !is_open(*member)) continue;
    if (last != nullptr) deliver(*last, frame.share(), now);
    last = member;
  }
  if (last == nullptr) return DropReason::no_destination_port;
  deliver(*last, std::move(frame), now);
  return std::nullopt;
}

void Switch::Impl::deliver(Member& egress, FrameRef frame, Instant now) noexcept {
  egress.port.send(std::move(frame), now);
  dirty_.push_back(egress);
}

// Also takes note when the answer is no for the first time.
bool Switch::Impl::is_open(Member& member) noexcept {
  if (member.port.open()) return true;
  if (member.closing == Closing::open) {
    member.closing = Closing::to_report;
    ++closed_to_report_;
  }
  return false;
}

void Switch::Impl::flush(Instant now) noexcept {
  const Busy busy(busy_);
  for (std::size_t visits = dirty_.size(); visits > 0; --visits) {
    Member* member = dirty_.pop_front();
    if (member == nullptr) return;
    member->port.flush(now);
    (void)is_open(*member);
  }
}

std::vector<PortId> Switch::Impl::take_closed() {
  std::vector<PortId> closed;
  if (closed_to_report_ == 0) return closed;
  closed.reserve(closed_to_report_);
  for (Member* member = all_.front(); member != nullptr; member = all_.next(*member)) {
    if (member->closing != Closing::to_report) continue;
    member->closing = Closing::reported;
    closed.push_back(member->id);
  }
  closed_to_report_ = 0;
  return closed;
}

const DropCounters& Switch::Impl::drops(PortId id) const noexcept {
  const Member* member = find(id);
  return member != nullptr ? member->drops : kNoDrops;
}

std::uint64_t Switch::Impl::unlearned(PortId id) const noexcept {
  const Member* member = find(id);
  return member != nullptr ? member->unlearned : 0;
}

// Forwarding copies nothing and makes no frame of its own, so the pool is not kept.
Switch::Switch(FramePool& pool) : impl_(std::make_unique<Impl>()) {
  (void)pool;
}
Switch::~Switch() = default;

Result<PortId, SwitchError> Switch::add(Port& port, const PortSpec& spec, Instant now) {
  return impl_->add(port, spec, now);
}
void Switch::remove(PortId id) noexcept {
  impl_->remove(id);
}
void Switch::set_guard(PortId id, const GuardPolicy& guard) noexcept {
  impl_->set_guard(id, guard);
}
void Switch::pin(const MacAddress& mac, PortId id) {
  impl_->pin(mac, id);
}
void Switch::pull(Instant now) noexcept {
  impl_->pull(now);
}
void Switch::drain(PortId id, Instant now) noexcept {
  impl_->drain(id, now);
}
void Switch::flush(Instant now) noexcept {
  impl_->flush(now);
}
bool Switch::has_work() const noexcept {
  return impl_->has_work();
}
std::vector<PortId> Switch::take_closed() {
  return impl_->take_closed();
}
void Switch::age(Instant now) noexcept {
  impl_->fdb().age(now);
}
std::vector<FdbEntry> Switch::fdb(Instant now) const {
  return impl_->fdb().entries(now);
}
const DropCounters& Switch::drops(PortId id) const noexcept {
  return impl_->drops(id);
}
std::uint64_t Switch::unlearned(PortId id) const noexcept {
  return impl_->unlearned(id);
}
void Switch::set_drop_observer(FrameObserver* observer) noexcept {
  impl_->set_drop_observer(observer);
}
void Switch::set_wake(ReadySink* sink) noexcept {
  impl_->set_wake(sink);
}

}  // namespace pontoon::bridge
