// One network of a world, with all that is its own.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "control/network.h"
#include "dns/forwarder.h"
#include "lab/world/agenda.h"
#include "lab/world/upstream_names.h"
#include "lab/world/world.h"

namespace pontoon::lab {

// Questions go to the world's resolver and come back when it is done with them, judged as the
// forwarder over c-ares judges them (dns/cares_forwarder.h).
class WorldForwarder final : public dns::Forwarder {
 public:
  WorldForwarder(const UpstreamNames& names, TimerQueue& events) : names_(names), agenda_(events) {}

  void set_handler(dns::ForwardHandler* handler) noexcept override { handler_ = handler; }
  Status<dns::ForwardError> forward(dns::ForwardTicket ticket, ByteView query,
                                    Instant now) noexcept override;
  void cancel(dns::ForwardTicket ticket) noexcept override { asked_.erase(ticket); }

 private:
  using Outcome = Result<Bytes, dns::ForwardError>;
  void finish(dns::ForwardTicket ticket, std::uint64_t number, Instant now);

  struct Asked {
    std::uint64_t number = 0;  // tells two questions with the same ticket apart
    Outcome outcome;
  };
  const UpstreamNames& names_;
  dns::ForwardHandler* handler_ = nullptr;
  std::map<dns::ForwardTicket, Asked> asked_;
  std::uint64_t last_number_ = 0;
  Agenda agenda_;
};

// In the order in which its parts are made; they go in the reverse one.
struct World::Realm final : private FrameObserver {
  Realm(World& world, const control::NetworkSpec& spec, std::uint32_t number);

  World& world;
  std::uint32_t number;
  FramePool pool;
  TimerQueue timers;
  SeededRandom random;
  WorldForwarder forwarder;
  control::Network network;

 private:
  // What comes and goes is told by the members' own ports, as wire frames; this tells the drops.
  void on_frame(std::uint32_t tag, FrameEvent event, const FrameRef& frame,
                std::optional<DropReason> reason, Instant now) noexcept override;
};

}  // namespace pontoon::lab
