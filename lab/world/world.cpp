#include "lab/world/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/names.h"
#include "core/base/check.h"
#include "core/link/port_edge.h"
#include "lab/world/realm.h"

namespace pontoon::lab {
namespace {

// Within one instant; far beyond what any traffic needs. More means that somebody wakes himself.
constexpr unsigned kRounds = 100'000;
constexpr std::size_t kEventsPerRound = 1024;

class NobodysFacts final : public proxy::HostFacts {
 public:
  std::optional<proxy::PortHolder> port_holder(const proxy::HostPort&) const override {
    return std::nullopt;
  }
  std::uint16_t unprivileged_port_start() const override { return 0; }
};

// What a member's link makes of the frames that leave its port: wire frames.
class WireSink final : public FrameSink {
 public:
  explicit WireSink(std::vector<Bytes>& out) noexcept : out_(out) {}
  bool accept(FrameRef frame) noexcept override {
    const ByteView bytes = frame->bytes();
    out_.emplace_back(bytes.begin(), bytes.end());
    return true;
  }

 private:
  std::vector<Bytes>& out_;
};

Error no_such_network(std::string_view name) {
  return {ErrorCode::not_found, fmt::format("No such network: {}; add_network() makes one", name)};
}

std::string twelve_digits(std::uint64_t number) {
  return fmt::format("{:012x}", number);
}

}  // namespace

Result<control::NetworkSpec> spec_for(const std::string& name, std::string_view subnet) {
  const auto prefix = IpPrefix::parse(subnet);
  const bool usable =
      prefix && prefix->address.is_v4() && prefix->length >= 8 && prefix->length <= 30;
  if (!usable) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("\"{}\" is no subnet of IPv4 from /8 to /30; write it like "
                             "172.20.0.0/16",
                             subnet)};
  }
  control::NetworkSpec spec;
  spec.name = name;
  spec.subnet = IpPrefix{prefix->network(), prefix->length};
  spec.gateway = Ipv4Address{spec.subnet.address.v4().value + 1};
  return spec;
}

std::vector<Bytes> Member::take_received() {
  return std::exchange(received_, {});
}

World::World(std::uint64_t seed, Instant start)
    : seed_(seed),
      now_(start),
      actors_(std::make_unique<Actors>(host_, events_)),
      leases_(std::make_unique<dhcp::MemoryLeaseStore>()),
      facts_(std::make_unique<NobodysFacts>()) {}

World::~World() = default;

World::Realm* World::realm(std::string_view network) noexcept {
  const auto found = std::find_if(realms_.begin(), realms_.end(), [&](const auto& realm) {
    return control::same_name(realm->network.spec().name, network);
  });
  return found == realms_.end() ? nullptr : found->get();
}

Status<> World::add_network(const control::NetworkSpec& spec) {
  if (auto named = control::check_name("network name", spec.name); !named) return named;
  for (const auto& other : realms_) {
    const control::NetworkSpec& known = other->network.spec();
    if (control::same_name(known.name, spec.name)) {
      return Error{ErrorCode::already_exists, fmt::format("network {} already exists", spec.name)};
    }
    if (known.subnet.overlaps(spec.subnet)) {
      return Error{ErrorCode::conflict,
                   fmt::format("subnet {} overlaps {} of network {}", spec.subnet.to_string(),
                               known.subnet.to_string(), known.name)};
    }
  }
  control::NetworkSpec own = spec;
  const std::uint32_t number = ++last_number_;
  if (own.id.empty()) own.id = twelve_digits(number);
  realms_.push_back(std::make_unique<Realm>(*this, own, number));
  introduce_networks();
  settle();
  return {};
}

void World::introduce_networks() {
  std::vector<control::NetworkSpec> all;
  for (const auto& realm : realms_)
    all.push_back(realm->network.spec());
  for (const auto& realm : realms_)
    realm->network.set_networks(all);
}

control::Network* World::network(std::string_view name) noexcept {
  Realm* found = realm(name);
  return found == nullptr ? nullptr : &found->network;
}

std::vector<std::string> World::networks() const {
  std::vector<std::string> out;
  for (const auto& realm : realms_)
    out.push_back(realm->network.spec().name);
  return out;
}

Result<Member*> World::add_endpoint(const control::EndpointRequest& request,
                                    const PortFeatures& features) {
  for (const Member& other : members_) {
    if (other.plugged() && control::same_name(other.name(), request.name)) {
      return Error{ErrorCode::already_exists,
                   fmt::format("The name {} is already in use on network {}", request.name,
                               other.info().network)};
    }
  }
  Member& member = members_.emplace_back();
  member.request_ = request;
  member.features_ = features;
  if (auto plugged = plug_in(request, member); !plugged) {
    members_.pop_back();
    return plugged.error();
  }
  settle();
  return &member;
}

Result<control::EndpointInfo> World::plug_in(const control::EndpointRequest& request,
                                             Member& member) {
  Realm* found = realm(request.network);
  if (found == nullptr) return no_such_network(request.network);
  if (auto named = control::check_name("name", request.name); !named) return named.error();
  control::Network& network = found->network;
  auto settings = network.reserve(request, twelve_digits(next_id_++), WallTime{}, now_);
  if (!settings) return settings.error();
  PortFeatures features = member.features_;
  features.mtu = network.spec().mtu;
  auto port = std::make_unique<MemoryPort>(found->pool, features);
  MemoryPort* const plugged = port.get();
  if (auto attached = network.attach(request.name, std::move(port), "memory", now_); !attached) {
    network.remove(request.name, now_);
    return attached.error();
  }
  member.port_ = plugged;
  member.info_ = *network.find(request.name);
  return member.info_;
}

void World::remove_endpoint(Member& member) {
  if (!member.plugged()) return;
  settle();
  member.port_ = nullptr;
  realm(member.info_.network)->network.remove(member.name(), now_);
  settle();
}

Member* World::member(std::string_view name) noexcept {
  // The newest of that name: earlier ones have gone.
  const auto found = std::find_if(members_.rbegin(), members_.rend(), [&](const Member& member) {
    return control::same_name(member.name(), name);
  });
  return found == members_.rend() ? nullptr : &*found;
}

void World::send(Member& member, ByteView frame, const Offload& offload) {
  put(member, frame, offload);
  settle();
}

void World::put(Member& member, ByteView frame, const Offload& offload) {
  if (!member.plugged()) return;
  watch(member.name(), FrameEvent::from_endpoint, frame);
  member.port_->inject(frame, offload);
}

Instant World::next_event() const noexcept {
  Instant next = events_.next_deadline();
  for (const auto& realm : realms_)
    next = std::min(next, realm->network.next_deadline());
  return next;
}

void World::run_until(Instant until) {
  settle();
  unsigned stuck = 0;
  for (Instant next = next_event(); next <= until; next = next_event()) {
    stuck = next > now_ ? 0 : stuck + 1;
    INVARIANT(stuck < kRounds && "a timer of the world is armed for the same instant forever");
    now_ = std::max(now_, next);
    settle();
  }
  now_ = std::max(now_, until);
  settle();
}

void World::settle() {
  for (unsigned round = 0; round < kRounds; ++round) {
    bool worked = events_.run_due(now_, kEventsPerRound) > 0;
    worked = turn_all() || worked;
    worked = write_leases() || worked;
    worked = actors_->step(now_) || worked;
    for (const Player& player : players_)
      worked = player(now_) || worked;
    // What somebody did may be due at once.
    if (!worked && events_.next_deadline() > now_) return;
  }
  INVARIANT(false && "the networks of the world never come to rest at one instant");
}

bool World::turn_all() {
  bool more = false;
  for (const auto& realm : realms_)
    more = realm->network.turn(now_) || more;
  for (Member& member : members_) {
    if (member.plugged()) collect(*realm(member.info_.network), member);
  }
  return more;
}

void World::collect(Realm& realm, Member& member) {
  const std::size_t before = member.received_.size();
  PortFeatures plain;
  plain.mtu = realm.network.spec().mtu;
  DropCounters drops;
  WireSink sink(member.received_);
  for (FrameRef& frame : member.port_->take_sent())
    PortEdge(realm.pool, plain, sink, drops).deliver(std::move(frame));
  for (std::size_t i = before; i < member.received_.size(); ++i)
    watch(member.name(), FrameEvent::to_endpoint, member.received_[i]);
}

bool World::write_leases() {
  if (disk_held_ || leases_->waiting() == 0) return false;
  if (disk_fails_) {
    leases_->fail_all("no space left on the world's disk");
  } else {
    leases_->complete_all();
  }
  for (const dhcp::Completion& completion : leases_->poll()) {
    for (const auto& realm : realms_) {
      if (realm->number == completion.ticket.book)
        realm->network.on_lease_written(completion, now_);
    }
  }
  return true;
}

void World::hold_disk(bool held) {
  disk_held_ = held;
  settle();
}

void World::fail_disk(bool failing) {
  disk_fails_ = failing;
}

void World::restart() {
  std::vector<std::pair<control::NetworkSpec, std::uint32_t>> known;
  for (const auto& realm : realms_)
    known.emplace_back(realm->network.spec(), realm->number);
  std::vector<Member*> plugged;
  for (Member& member : members_) {
    if (member.plugged()) plugged.push_back(&member);
    member.port_ = nullptr;
  }
  realms_.clear();
  leases_ = std::make_unique<dhcp::MemoryLeaseStore>(leases_->durable());
  for (const auto& [spec, number] : known)
    realms_.push_back(std::make_unique<Realm>(*this, spec, number));
  introduce_networks();
  for (Member* member : plugged) {
    control::EndpointRequest request = member->request_;
    request.ip = member->info_.ipv4.address.v4();
    request.mac = member->info_.mac;
    // A refusal shows as a member that is not plugged.
    (void)plug_in(request, *member);
  }
  agenda_.at(now_ + limits::kDaemonReturnWait, [this](Instant now) {
    for (const auto& realm : realms_)
      realm->network.release_unclaimed_leases(now);
  });
  settle();
}

std::size_t World::frames_in_use(std::string_view network) noexcept {
  const Realm* found = realm(network);
  return found == nullptr ? 0 : found->pool.in_use();
}

void World::watch(std::string_view where, FrameEvent event, ByteView frame,
                  std::optional<DropReason> reason) {
  if (watcher_) watcher_(where, event, frame, reason, now_);
}

}  // namespace pontoon::lab
