// A caller's text is collected in the order of its sequence numbers; what was lost in between ends
// it. Its address stays as it was, so that the endpoint sees the captured one; a caller that had
// the gateway's own was on the host's loopback.
#include "lab/adopt/adopt_callers.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/base/limits.h"
#include "lab/replay/frame_seen.h"

namespace pontoon::lab {
namespace {

const Ipv4Address kHost = Ipv4Address::of(192, 0, 2, 1);
constexpr std::uint16_t kFirstHostPort = 20000;

struct Call {
  std::size_t endpoint = 0;  // index of the plan's clients
  SocketAddress from;
  std::uint16_t port = 0;
  std::int64_t time_ns = 0;
  std::uint32_t initial = 0;
  std::uint32_t next = 0;
  bool ended = false;
  std::string said;
};

class CallCollector {
 public:
  explicit CallCollector(const Plan& plan);
  void take(const FrameSeen& seen, std::int64_t time_ns);
  const std::vector<Call>& calls() const noexcept { return calls_; }

 private:
  using Key = std::pair<SocketAddress, SocketAddress>;
  void take_text(const FrameSeen& seen, Call& call);

  std::map<MacAddress, std::size_t> endpoints_;
  const Plan& plan_;
  std::vector<Call> calls_;
  std::map<Key, std::size_t> latest_;
};

CallCollector::CallCollector(const Plan& plan) : plan_(plan) {
  for (std::size_t i = 0; i < plan.clients.size(); ++i)
    endpoints_.emplace(plan.clients[i].station->mac, i);
}

void CallCollector::take(const FrameSeen& seen, std::int64_t time_ns) {
  if (seen.kind != FrameSeen::Kind::tcp || endpoints_.contains(seen.source)) return;
  const auto callee = endpoints_.find(seen.target);
  if (callee == endpoints_.end() || plan_.clients[callee->second].address != seen.to) return;
  const SocketAddress from{seen.from, seen.source_port};
  const Key key{from, {seen.to, seen.target_port}};
  const auto known = latest_.find(key);
  if (!seen.flags.syn || seen.flags.ack) {
    if (known != latest_.end()) take_text(seen, calls_[known->second]);
    return;
  }
  const bool again = known != latest_.end() && calls_[known->second].initial == seen.sequence;
  if (again || calls_.size() >= limits::kCaseActors || seen.target_port == 0) return;
  latest_[key] = calls_.size();
  calls_.push_back({callee->second,
                    from,
                    seen.target_port,
                    time_ns,
                    seen.sequence,
                    seen.sequence + 1,
                    false,
                    {}});
}

void CallCollector::take_text(const FrameSeen& seen, Call& call) {
  if (seen.sequence != call.next) return;
  const std::size_t room = limits::kAdoptedReplyBytes - call.said.size();
  call.said += as_text(seen.payload.first(std::min(room, seen.payload.size())));
  call.next += static_cast<std::uint32_t>(seen.payload.size());
  call.ended = call.ended || seen.flags.fin;
}

// One host port for each port of an endpoint.
class HostPorts {
 public:
  explicit HostPorts(Case& description) : description_(description) {}
  std::uint16_t of(const Call& call) {
    const auto [at, added] = ports_.try_emplace({call.endpoint, call.port}, next_);
    if (added) {
      description_.endpoints[call.endpoint].request.publish.push_back(
          fmt::format("{}:{}", next_++, call.port));
    }
    return at->second;
  }

 private:
  Case& description_;
  std::map<std::pair<std::size_t, std::uint16_t>, std::uint16_t> ports_;
  std::uint16_t next_ = kFirstHostPort;
};

}  // namespace

void adopt_callers(const CaptureFile& capture, const Plan& plan, Case& description) {
  CallCollector collector(plan);
  for (const capture::Packet& packet : capture.packets) {
    if (packet.cut()) continue;
    if (const auto seen = FrameSeen::parse(packet.bytes)) collector.take(*seen, packet.time_ns);
  }
  HostPorts ports(description);
  for (const Call& call : collector.calls()) {
    const bool local = call.from.ip == plan.networks[plan.clients[call.endpoint].network].gateway;
    const Ipv4Address loopback = Ipv4Address::of(127, 0, 0, 1);
    TcpClient client;
    client.from = {local ? loopback : call.from.ip.v4(), call.from.port};
    client.to = {local ? loopback : kHost, ports.of(call)};
    client.send = call.said;
    client.shut_down = call.ended;
    const std::int64_t since = call.time_ns - capture.packets.front().time_ns;
    description.clients.push_back({Duration(std::max<std::int64_t>(since, 0)), client, {}});
  }
}

}  // namespace pontoon::lab
