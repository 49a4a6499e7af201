#include "tests/talk/control/network_bench.h"

#include <fmt/format.h>

#include "control/names.h"
#include "core/frame/offload.h"
#include "tests/support/gateway_bench.h"
#include "tests/support/hex.h"

namespace pontoon::test {
namespace {

constexpr int kMaxTurns = 1000;
constexpr std::size_t kStepsShown = 60;

control::NetworkSpec spec_of(const std::string& name, const std::string& subnet,
                             const NetworkOptions& options) {
  control::NetworkSpec spec;
  spec.id = "0123456789ab";
  spec.name = name;
  spec.subnet = *IpPrefix::parse(subnet);
  spec.gateway = Ipv4Address{spec.subnet.address.v4().value + 1};
  spec.internal = options.internal;
  spec.allow_host_loopback = options.allow_host_loopback;
  return spec;
}

}  // namespace

void ScriptedForwarder::answer(std::string_view address, Instant now) {
  REQUIRE_FALSE(asked.empty());
  const Asked question = asked.front();
  asked.pop_front();
  DnsMessage response = response_to(question.query);
  response.answers.push_back(address_record(response.name, 60, address));
  const Bytes bytes = encode(response);
  handler_->on_forwarded(question.ticket, ByteView(bytes), now);
}

NetworkBench::NetworkBench(Outside& outside, std::string name, const std::string& subnet,
                           const NetworkOptions& options)
    : outside_(outside), random_(1, name) {
  const control::NetworkRim rim{pool_,     timers_,        random_,       outside.host,
                                forwarder, outside.leases, outside.ports, outside.facts};
  network = std::make_unique<control::Network>(spec_of(name, subnet, options), 1, rim,
                                               outside.leases.durable(), now);
  network->set_networks({network->spec()});
}

NetworkBench::~NetworkBench() {
  network.reset();
}

control::EndpointRequest NetworkBench::request(const std::string& name) {
  control::EndpointRequest out;
  out.name = name;
  return out;
}

Member& NetworkBench::add(const control::EndpointRequest& request) {
  note("add     " + request.name);
  const auto settings =
      network->reserve(request, fmt::format("{:012x}", members_.size()), WallTime{}, now);
  if (!settings) FAIL(settings.error().message);
  auto port = std::make_unique<MemoryPort>(pool_);
  Member& member = members_.emplace_back();
  member.info = settings->info;
  member.port = port.get();
  REQUIRE(network->attach(request.name, std::move(port), "memory", now));
  turn();
  return member;
}

void NetworkBench::remove(Member& member) {
  note("remove  " + member.info.name);
  member.port = nullptr;
  REQUIRE(network->remove(member.info.name, now));
  turn();
}

void NetworkBench::send(Member& member, const Bytes& frame, const Offload& offload) {
  note(fmt::format("send    {}: {}", member.info.name, summary(dissect(frame))));
  REQUIRE(member.port != nullptr);
  member.port->inject(frame, offload);
  turn();
}

void NetworkBench::tick(Duration duration) {
  const Instant until = now + duration;
  note(fmt::format("tick    {} ms",
                   std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()));
  while (network->next_deadline() <= until) {
    now = std::max(now, network->next_deadline());
    turn();
  }
  now = until;
  turn();
}

void NetworkBench::turn() {
  for (int round = 0; round < kMaxTurns; ++round) {
    const bool more = network->turn(now);
    collect();
    write_leases();
    if (!more) return;
  }
  FAIL("the network never comes to rest");
}

void NetworkBench::settle() {
  note("settle");
  outside_.host.settle();
  turn();
}

void NetworkBench::write_leases() {
  if (disk_held || outside_.leases.waiting() == 0) return;
  outside_.leases.complete_all();
  for (const dhcp::Completion& completion : outside_.leases.poll())
    network->on_lease_written(completion, now);
  turn();
}

void NetworkBench::collect() {
  for (Member& member : members_) {
    if (member.port == nullptr) continue;
    for (FrameRef& frame : member.port->take_sent()) {
      member.inbox.push_back(to_bytes(frame->bytes()));
      transcript_ += fmt::format("{} {} {}\n", now.time_since_epoch().count(), member.info.name,
                                 hex(member.inbox.back()));
      note(fmt::format("        {} gets {}", member.info.name,
                       summary(dissect(member.inbox.back()))));
    }
  }
}

Dissected NetworkBench::expect(Member& member, const std::string& what) {
  if (member.inbox.empty()) FAIL(member.info.name << " got nothing, but should have: " << what);
  const Dissected packet = dissect(member.inbox.front());
  member.inbox.pop_front();
  note(fmt::format("expect  {}: {}", what, summary(packet)));
  CHECK(packet.problem == "");
  return packet;
}

void NetworkBench::expect_nothing(Member& member) {
  if (member.inbox.empty()) return;
  FAIL(member.info.name << " should have got nothing, but: "
                        << summary(dissect(member.inbox.front())));
}

void NetworkBench::expect_silence() {
  for (Member& member : members_)
    expect_nothing(member);
}

std::map<std::string, std::uint64_t> NetworkBench::drops() const {
  std::map<std::string, std::uint64_t> out;
  for (const control::DropInfo& drop : network->drops())
    out[drop.where + "/" + drop.reason] += drop.count;
  return out;
}

MacAddress NetworkBench::gateway_mac() const {
  return control::mac_for(network->spec().name, "gateway", 0);
}

PacketEnds NetworkBench::to_gateway(const Member& member) const {
  return to_foreign(member, gateway().to_string());
}

PacketEnds NetworkBench::between_members(const Member& from, const Member& to) const {
  PacketEnds ends = to_gateway(from);
  ends.target_mac = to.mac();
  ends.target = to.address();
  return ends;
}

PacketEnds NetworkBench::to_foreign(const Member& member, const std::string& address) const {
  PacketEnds ends;
  ends.source_mac = member.mac();
  ends.target_mac = gateway_mac();
  ends.source = member.address();
  ends.target = ip(address);
  return ends;
}

DnsMessage NetworkBench::resolve(Member& member, const std::string& name, std::uint16_t type) {
  send(member, udp_frame(to_gateway(member), 5353, 53, encode(question(name, type))));
  const Dissected answer = expect(member, "the answer about " + name);
  REQUIRE(answer.udp);
  CHECK(answer.udp->source_port == 53);
  CHECK(answer.udp->destination_port == 5353);
  CHECK(answer.source == IpAddress(gateway()));
  return decode(answer.payload);
}

void NetworkBench::note(const std::string& text) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  steps_.emplace_back(
      Catch::MessageBuilder("step", CATCH_INTERNAL_LINEINFO, Catch::ResultWas::Info)
      << fmt::format("{:>10} ms  {}  {}", ms.count(), network ? network->spec().name : "", text));
  if (steps_.size() > kStepsShown) steps_.pop_front();
}

TcpEndpoint::TcpEndpoint(NetworkBench& bench, Member& member, std::string peer,
                         std::uint16_t peer_port, std::uint16_t own)
    : own_port(own),
      bench_(bench),
      member_(member),
      ends_(bench.to_foreign(member, peer)),
      peer_port_(peer_port) {}

void TcpEndpoint::send(wire::TcpFlags flags, std::string_view text) {
  wire::TcpRepr repr;
  repr.source_port = own_port;
  repr.destination_port = peer_port_;
  repr.sequence = next_;
  if (flags.ack) repr.acknowledgement = expected_;
  repr.flags = flags;
  repr.window = 60000;
  if (flags.syn) repr.options.mss = 1460;
  next_ += static_cast<std::uint32_t>(text.size()) + (flags.syn ? 1U : 0U) + (flags.fin ? 1U : 0U);
  bench_.send(member_, tcp_frame(ends_, repr, as_bytes(text)));
}

void TcpEndpoint::syn() {
  send({.syn = true});
}

wire::TcpRepr TcpEndpoint::expect(const std::string& what) {
  const Dissected packet = bench_.expect(member_, what);
  REQUIRE(packet.tcp);
  CHECK(packet.source == ends_.target);
  CHECK(packet.tcp->source_port == peer_port_);
  CHECK(packet.tcp->destination_port == own_port);
  return *packet.tcp;
}

void TcpEndpoint::finish_handshake() {
  const wire::TcpRepr answer = expect("SYN-ACK");
  CHECK(answer.flags.syn);
  CHECK(answer.flags.ack);
  CHECK(answer.acknowledgement == next_);
  expected_ = answer.sequence + 1;
  send({.ack = true});
}

void TcpEndpoint::accept_handshake() {
  const wire::TcpRepr syn = expect("SYN");
  CHECK(syn.flags.syn);
  CHECK_FALSE(syn.flags.ack);
  expected_ = syn.sequence + 1;
  send({.syn = true, .ack = true});
  const wire::TcpRepr ack = expect("the handshake's end");
  CHECK(ack.flags.ack);
  CHECK(ack.acknowledgement == next_);
}

void TcpEndpoint::text(std::string_view text) {
  send({.psh = true, .ack = true}, text);
}

void TcpEndpoint::close() {
  send({.fin = true, .ack = true});
  wire::TcpRepr answer = expect("the answer to our FIN");
  if (!answer.flags.fin) answer = expect("their FIN");
  CHECK(answer.flags.fin);
  CHECK(answer.acknowledgement == next_);
  CHECK(answer.sequence == expected_);
  expected_ = answer.sequence + 1;
  send({.ack = true});
}

std::string TcpEndpoint::take_text() {
  std::string out;
  while (!member_.inbox.empty()) {
    const Dissected packet = bench_.expect(member_, "text");
    if (!packet.tcp || packet.tcp->sequence != expected_) continue;
    out += as_text(packet.payload);
    expected_ += static_cast<std::uint32_t>(packet.payload.size());
  }
  if (!out.empty()) send({.ack = true});
  return out;
}

}  // namespace pontoon::test
