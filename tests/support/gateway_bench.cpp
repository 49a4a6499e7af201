#include "tests/support/gateway_bench.h"

#include <fmt/format.h>

#include "core/frame/offload.h"

namespace pontoon::test {
namespace {

constexpr std::size_t kStepsShown = 60;
constexpr int kMaxTurns = 1000;

Dissected dissect_finished(FramePool& pool, const Frame& frame) {
  FrameRef copy = pool.copy(frame);
  if (copy && copy->offload.needs_checksum && !finish_checksum(*copy)) {
    Dissected broken;
    broken.problem = "offload outside the frame";
    return broken;
  }
  return dissect(copy->bytes());
}

std::string icmp_summary(const char* name, unsigned type, unsigned code, const Dissected& packet) {
  return fmt::format("{} type {} code {} {} > {}, {} bytes", name, type, code,
                     packet.source.to_string(), packet.target.to_string(), packet.payload.size());
}

}  // namespace

MacAddress web_mac() {
  return mac("02:00:00:00:00:01");
}
MacAddress gateway_mac() {
  return mac("02:00:00:00:00:02");
}

stack::GatewayConfig bench_config() {
  stack::GatewayConfig config;
  config.mac = gateway_mac();
  config.ipv4 = IpPrefix::parse(kGateway4 + "/16").value();
  config.ipv6 = IpPrefix::parse(kGateway6 + "/64").value();
  return config;
}

std::string summary(const Dissected& packet) {
  const std::string from = packet.source.to_string();
  const std::string to = packet.target.to_string();
  if (packet.arp) {
    return fmt::format("ARP {} {} > {}", static_cast<unsigned>(packet.arp->operation),
                       packet.arp->sender_ip.to_string(), packet.arp->target_ip.to_string());
  }
  if (packet.udp) {
    return fmt::format("UDP {}:{} > {}:{}, {} bytes", from, packet.udp->source_port, to,
                       packet.udp->destination_port, packet.payload.size());
  }
  if (packet.tcp) {
    const wire::TcpFlags& flags = packet.tcp->flags;
    return fmt::format("TCP {}:{} > {}:{} {}{}{}{}{}seq {} ack {} window {}, {} bytes", from,
                       packet.tcp->source_port, to, packet.tcp->destination_port,
                       flags.syn ? "SYN " : "", flags.fin ? "FIN " : "", flags.rst ? "RST " : "",
                       flags.psh ? "PSH " : "", flags.ack ? "ACK " : "", packet.tcp->sequence.value,
                       packet.tcp->acknowledgement.value, packet.tcp->window,
                       packet.payload.size());
  }
  if (packet.icmp) {
    return icmp_summary("ICMP", static_cast<unsigned>(packet.icmp->type), packet.icmp->code,
                        packet);
  }
  if (packet.icmpv6) {
    return icmp_summary("ICMPv6", static_cast<unsigned>(packet.icmpv6->type), packet.icmpv6->code,
                        packet);
  }
  return fmt::format("{} > {}, {} bytes {}", from, to, packet.transport.size(),
                     packet.problem.empty() ? "" : "(" + packet.problem + ")");
}

GatewayBench::GatewayBench(const stack::GatewayConfig& config)
    : gateway(config, stack::StackContext{pool, timers, random}) {}

GatewayBench::~GatewayBench() = default;

void GatewayBench::play(const IpAddress& address, const MacAddress& mac) {
  played_[address] = mac;
}

void GatewayBench::play_web() {
  for (const std::string& address : {kWeb4, kWeb6}) {
    play(ip(address), web_mac());
    gateway.learn_neighbour(ip(address), web_mac(), now);
  }
}

void GatewayBench::send(ByteView frame, const Offload& offload) {
  note("send    " + summary(dissect(frame)));
  gateway.send(to_frame(pool, frame, offload), now);
  turn();
}

void GatewayBench::tick(Duration duration) {
  const Instant until = now + duration;
  note(fmt::format("tick    {} ms",
                   std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()));
  for (int round = 0; timers.next_deadline() <= until; ++round) {
    if (round > 1000000) FAIL("timers never come to rest");
    now = std::max(now, timers.next_deadline());
    timers.run_due(now, limits::kTurnTimers);
    turn();
  }
  now = until;
  turn();
}

void GatewayBench::turn() {
  for (int round = 0; round < kMaxTurns; ++round) {
    gateway.run(now);
    gateway.pump(now);
    collect();
    if (!gateway.has_work()) return;
  }
  FAIL("the gateway never comes to rest");
}

Received GatewayBench::expect(const std::string& what) {
  if (outbox_.empty()) FAIL("nothing came where this was expected: " << what);
  Received received;
  received.frame = std::move(outbox_.front());
  outbox_.pop_front();
  received.offload = received.frame->offload;
  received.packet = dissect_finished(pool, *received.frame);
  note("expect  " + what + ": " + summary(received.packet));
  return received;
}

void GatewayBench::expect_nothing() {
  if (outbox_.empty()) return;
  FAIL("nothing was expected, but: " << summary(dissect_finished(pool, *outbox_.front())));
}

void GatewayBench::expect_drops(const std::map<DropReason, std::uint64_t>& expected) {
  const DropCounters& drops = gateway.counters().drops;
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    const auto reason = static_cast<DropReason>(i);
    const auto found = expected.find(reason);
    INFO("drops counted as " << to_string(reason));
    CHECK(drops[reason] - seen_[reason] == (found == expected.end() ? 0 : found->second));
  }
  seen_ = drops;
}

void GatewayBench::note(const std::string& text) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  steps_.emplace_back(Catch::MessageBuilder("step", CATCH_INTERNAL_LINEINFO, Catch::ResultWas::Info)
                      << fmt::format("{:>10} ms  {}", ms.count(), text));
  if (steps_.size() > kStepsShown) steps_.pop_front();
}

void GatewayBench::collect() {
  std::array<FrameRef, 64> batch;
  for (std::size_t count = gateway.receive(batch, now); count > 0;
       count = gateway.receive(batch, now)) {
    for (std::size_t i = 0; i < count; ++i) {
      const Dissected packet = dissect_finished(pool, *batch[i]);
      if (answer_question(packet)) {
        batch[i].reset();
        continue;
      }
      note("        gateway: " + summary(packet));
      outbox_.push_back(std::move(batch[i]));
    }
  }
}

bool GatewayBench::answer_question(const Dissected& packet) {
  if (packet.arp && packet.arp->operation == wire::ArpOperation::request) {
    const auto found = played_.find(packet.arp->target_ip);
    if (found == played_.end()) return false;
    const wire::ArpRepr reply{wire::ArpOperation::reply, found->second, packet.arp->target_ip,
                              packet.arp->sender_mac, packet.arp->sender_ip};
    gateway.send(to_frame(pool, arp_frame(reply)), now);
    gateway.run(now);
    return true;
  }
  if (!packet.icmpv6 || packet.icmpv6->type != wire::Icmpv6Type::neighbour_solicitation) {
    return false;
  }
  const auto question = wire::NeighbourSolicitationView::parse(packet.transport);
  const auto found = question ? played_.find(question->target()) : played_.end();
  if (found == played_.end()) return false;
  wire::NeighbourAdvertisementRepr reply{false, true, true, question->target(), {}};
  reply.options.target_link = found->second;
  PacketEnds ends;
  ends.source_mac = found->second;
  ends.target_mac = packet.ethernet->source;
  ends.source = question->target();
  ends.target = packet.source;
  gateway.send(to_frame(pool, ndp_frame(ends, reply)), now);
  gateway.run(now);
  return true;
}

}  // namespace pontoon::test
