// A whole pontoon in virtual time: networks over memory ports, the host's sockets, the disk and the
// upstream resolver played in memory. No descriptor, no clock, no thread: the same seed and the
// same calls give the same bytes. Replay, the simulator and the library for others' tests stand on
// it.
//
//   World world(1);
//   world.add_network(spec_for("default", "172.17.0.0/16"));
//   Member& web = *world.add_endpoint({.name = "web"});
//   world.send(web, frame);
//   world.run_for(std::chrono::milliseconds(20));
//   for (Bytes& frame : web.take_received()) ...
//
// Time moves only in run_until(): the world jumps from deadline to deadline (timers of the
// networks, of the host's actors, of held frames), so a quiet week costs no more than its timers.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/network.h"
#include "core/link/memory_port.h"
#include "core/link/observer.h"
#include "dhcp/lease_store.h"
#include "lab/world/actors.h"
#include "lab/world/agenda.h"
#include "lab/world/memory_network.h"
#include "lab/world/upstream_names.h"

namespace pontoon::lab {

using Bytes = std::vector<std::uint8_t>;

// Gateway at the subnet's first address. Error: the subnet is none, or too small.
Result<control::NetworkSpec> spec_for(const std::string& name, std::string_view subnet);

// One endpoint's far side: what stands in the container.
class Member {
 public:
  const control::EndpointInfo& info() const noexcept { return info_; }
  const std::string& name() const noexcept { return info_.name; }
  MacAddress mac() const noexcept { return info_.mac; }
  IpAddress address() const noexcept { return info_.ipv4.address; }
  bool plugged() const noexcept { return port_ != nullptr; }

  // Frames that the network has sent to it, oldest first, as they would be on a wire.
  std::vector<Bytes> take_received();

 private:
  friend class World;
  control::EndpointInfo info_;
  control::EndpointRequest request_;
  PortFeatures features_;
  MemoryPort* port_ = nullptr;  // the network owns it
  std::vector<Bytes> received_;
};

class World {
 public:
  // `start` is the zero of the world's clock; engines only see differences.
  explicit World(std::uint64_t seed, Instant start = Instant{std::chrono::seconds(5000)});
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Instant now() const noexcept { return now_; }
  std::uint64_t seed() const noexcept { return seed_; }
  // One of the world's independent streams of randomness, for actors and tests.
  SeededRandom stream(std::string_view name) const { return SeededRandom(seed_, name); }

  Status<> add_network(const control::NetworkSpec& spec);
  control::Network* network(std::string_view name) noexcept;
  std::vector<std::string> networks() const;

  // Reserves and plugs in. The member lives as long as the world; after remove() it is unplugged.
  // Errors are the product's own (`Bind for ... failed`).
  Result<Member*> add_endpoint(const control::EndpointRequest& request,
                               const PortFeatures& features = {});
  void remove_endpoint(Member& member);
  Member* member(std::string_view name) noexcept;

  // What a container puts on its wire; turns follow until nothing is due.
  void send(Member& member, ByteView frame, const Offload& offload = {});
  // The same without the turns: they come with the next settle() or run_until(). For bursts.
  void put(Member& member, ByteView frame, const Offload& offload = {});
  // Everything due until then, in order; the clock stands at `until` afterwards.
  void run_until(Instant until);
  void run_for(Duration duration) { run_until(now_ + duration); }
  // The next instant at which anything happens by itself; kNever: nothing will.
  Instant next_event() const noexcept;
  // Turns of every network until none has work left at this instant.
  void settle();

  // The daemon dies and comes back: networks, flows and undurable leases are gone, endpoints return
  // at once with the names and addresses they had. Members stay the same objects; one whose address
  // is refused to it is unplugged. Leases that nobody came back for are released as by the daemon,
  // after limits::kDaemonReturnWait.
  void restart();

  MemoryNetwork& host() noexcept { return host_; }
  Actors& actors() noexcept { return *actors_; }
  UpstreamNames& names() noexcept { return names_; }
  dhcp::MemoryLeaseStore& leases() noexcept { return *leases_; }
  // While held, nothing that the store was handed becomes durable; released, all of it does.
  void hold_disk(bool held);
  // The next submissions fail, as with a full disk.
  void fail_disk(bool failing);
  TimerQueue& events() noexcept { return events_; }

  // Sees every frame at every member's port as it goes in and comes out, and what was dropped, with
  // the name of the member or "gateway". It must not call the world.
  // Drops are told as frames are inside: super-frames, partial checksums.
  using Watcher = std::function<void(std::string_view where, FrameEvent event, ByteView frame,
                                     std::optional<DropReason> reason, Instant now)>;
  void set_watcher(Watcher watcher) { watcher_ = std::move(watcher); }

  // A further player, of the caller's own: called as often as the actors are. It may put() and use
  // host(); true when it did something and another turn is due.
  using Player = std::function<bool(Instant now)>;
  void add_player(Player player) { players_.push_back(std::move(player)); }

  // Frames that a network still holds: zero once everything has come to its end.
  std::size_t frames_in_use(std::string_view network) noexcept;

 private:
  struct Realm;  // one network with its pool, timers, randomness and resolver
  Realm* realm(std::string_view network) noexcept;
  void introduce_networks();
  Result<control::EndpointInfo> plug_in(const control::EndpointRequest& request, Member& member);
  bool turn_all();
  void collect(Realm& realm, Member& member);
  bool write_leases();
  void watch(std::string_view where, FrameEvent event, ByteView frame,
             std::optional<DropReason> reason = std::nullopt);

  std::uint64_t seed_;
  Instant now_;
  TimerQueue events_;
  Agenda agenda_{events_};
  MemoryNetwork host_;
  std::unique_ptr<Actors> actors_;
  UpstreamNames names_;
  std::unique_ptr<dhcp::MemoryLeaseStore> leases_;
  proxy::PortTable ports_;
  std::unique_ptr<proxy::HostFacts> facts_;
  std::vector<std::unique_ptr<Realm>> realms_;
  std::uint32_t last_number_ = 0;
  std::list<Member> members_;
  std::uint64_t next_id_ = 1;
  bool disk_held_ = false;
  bool disk_fails_ = false;
  Watcher watcher_;
  std::vector<Player> players_;
};

}  // namespace pontoon::lab
