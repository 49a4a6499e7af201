#include "proxy/publisher.h"

#include <algorithm>

#include "proxy/host_opener.h"
#include "proxy/published_listener.h"
#include "proxy/published_udp.h"

namespace pontoon::proxy {
namespace {

// One port at one address; exactly one of listener and udp is there.
struct Published {
  std::string owner;
  PortBinding binding;
  std::unique_ptr<PublishedListener> listener;
  std::unique_ptr<PublishedUdp> udp;
};

template <class T, class Visit>
void visit_ready(IntrusiveList<T>& ready, Visit&& visit) noexcept {
  // What stays ready goes to the end and waits for the next turn.
  const std::size_t visits = std::min(ready.size(), limits::kTurnFlows);
  for (std::size_t i = 0; i < visits; ++i)
    visit(*ready.pop_front());
}

}  // namespace

class Publisher::Impl {
 public:
  Impl(const PublisherConfig& config, HostNetwork& host, EndpointSide& inside, TimerQueue& timers,
       PortTable& table, const HostFacts& facts)
      : context{config, inside, timers, {}, {}, {}, {}}, ports(table), opener(host, table, facts) {}

  ~Impl() {
    for (const Published& published : all)
      ports.release(published.binding.host);
  }

  void serve(std::string_view owner, const PublishedTo& to, OpenedPort& opened) {
    for (HostSocket& socket : opened.sockets) {
      Published published;
      published.owner = owner;
      published.binding = {socket.where, to.container_port};
      if (socket.listener) {
        published.listener = std::make_unique<PublishedListener>(context, ready_listeners,
                                                                 std::move(socket.listener), to);
      } else {
        published.udp = std::make_unique<PublishedUdp>(context, ready_udp, udp_index,
                                                       std::move(socket.datagram), to);
      }
      all.push_back(std::move(published));
    }
    opened.reservation.commit();
  }

  template <class Matches>
  bool withdraw_if(Matches&& matches) noexcept {
    return std::erase_if(all, [&](const Published& published) {
             if (!matches(published)) return false;
             ports.release(published.binding.host);
             return true;
           }) > 0;
  }

  PublisherContext context;
  PortTable& ports;
  HostOpener opener;
  DatagramBatch batch;
  IntrusiveList<PublishedListener> ready_listeners;
  IntrusiveList<PublishedUdp> ready_udp;
  PublishedUdp::Index udp_index;
  std::vector<Published> all;  // dies first: its members are in the lists and the index
};

Publisher::Publisher(const PublisherConfig& config, HostNetwork& host, EndpointSide& inside,
                     TimerQueue& timers, PortTable& ports, const HostFacts& facts)
    : impl_(std::make_unique<Impl>(config, host, inside, timers, ports, facts)) {}

Publisher::~Publisher() = default;

Result<std::vector<PortBinding>> Publisher::publish(std::string_view owner,
                                                    const PublishTarget& target,
                                                    std::span<const PortSpec> specs) {
  std::vector<OpenedPort> opened;
  for (const PortSpec& spec : specs) {
    auto port = impl_->opener.open(owner, spec);
    if (!port) return port.error();  // what was opened closes, and the reservations go back
    opened.push_back(std::move(*port));
  }
  std::vector<PortBinding> granted;
  for (std::size_t i = 0; i < opened.size(); ++i) {
    for (const HostSocket& socket : opened[i].sockets)
      granted.push_back({socket.where, specs[i].container_port});
    impl_->serve(owner, {target, specs[i].container_port}, opened[i]);
  }
  return granted;
}

void Publisher::withdraw(std::string_view owner) noexcept {
  impl_->withdraw_if([&](const Published& published) { return published.owner == owner; });
}

bool Publisher::withdraw(std::string_view owner, const PortBinding& binding) noexcept {
  return impl_->withdraw_if([&](const Published& published) {
    return published.owner == owner && published.binding == binding;
  });
}

void Publisher::retarget(std::string_view owner, const PublishTarget& target) noexcept {
  for (Published& published : impl_->all) {
    if (published.owner != owner) continue;
    if (published.listener) published.listener->retarget(target);
    if (published.udp) published.udp->retarget(target);
  }
}

std::vector<PortBinding> Publisher::bindings(std::string_view owner) const {
  std::vector<PortBinding> found;
  for (const Published& published : impl_->all) {
    if (published.owner == owner) found.push_back(published.binding);
  }
  return found;
}

void Publisher::pump(Instant now) noexcept {
  visit_ready(impl_->ready_listeners,
              [&](PublishedListener& listener) { listener.accept_batch(now); });
  visit_ready(impl_->ready_udp, [&](PublishedUdp& udp) { udp.receive_batch(impl_->batch, now); });
}

bool Publisher::has_work() const noexcept {
  return !impl_->ready_listeners.empty() || !impl_->ready_udp.empty();
}

bool Publisher::on_reply(const stack::UdpDatagram& datagram, Instant now) noexcept {
  return PublishedUdp::reply(impl_->udp_index, datagram, now);
}

std::vector<FlowInfo> Publisher::flows(Instant now) const {
  std::vector<FlowInfo> flows;
  for (const Published& published : impl_->all) {
    if (published.udp) published.udp->list(flows, now);
  }
  std::sort(flows.begin(), flows.end(),
            [](const FlowInfo& a, const FlowInfo& b) { return a.flow < b.flow; });
  return flows;
}

const PublisherCounters& Publisher::counters() const noexcept {
  return impl_->context.counters;
}

const DropCounters& Publisher::drops() const noexcept {
  return impl_->context.drops;
}

}  // namespace pontoon::proxy
