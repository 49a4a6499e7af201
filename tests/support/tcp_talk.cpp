#include "tests/support/tcp_talk.h"

#include <array>

namespace pontoon::test {
namespace {

constexpr unsigned kSettleTurns = 200;

std::string describe(const TcpRepr& tcp, std::size_t text) {
  return to_string(tcp.flags) + " seq " + std::to_string(tcp.sequence.value) + " ack " +
         std::to_string(tcp.acknowledgement.value) + " window " + std::to_string(tcp.window) +
         " text " + std::to_string(text);
}

}  // namespace

TcpFlags flags_from(std::string_view letters) {
  TcpFlags flags;
  for (const char letter : letters) {
    if (letter == 'S') flags.syn = true;
    if (letter == 'A') flags.ack = true;
    if (letter == 'F') flags.fin = true;
    if (letter == 'R') flags.rst = true;
  }
  return flags;
}

std::string to_string(TcpFlags flags) {
  std::string letters;
  if (flags.syn) letters += 'S';
  if (flags.fin) letters += 'F';
  if (flags.rst) letters += 'R';
  if (flags.ack) letters += 'A';
  return letters;
}

std::string pattern(std::size_t count, unsigned seed) {
  std::string text(count, '\0');
  std::uint32_t word = seed * 2654435761U + 12345U;
  for (char& letter : text) {
    word = word * 1664525U + 1013904223U;
    letter = static_cast<char>('!' + (word >> 24) % 90);
  }
  return text;
}

TcpTalk::TcpTalk(std::uint64_t seed)
    : random(seed, "tcp"), engine(stack::StackContext{pool, timers, random}, *this, drops) {
  engine.set_forwarder(this);
}

TcpTalk::Draft TcpTalk::segment(std::string_view flags, std::string_view text) const {
  Draft draft;
  draft.tcp.source_port = endpoint.port;
  draft.tcp.destination_port = far.port;
  draft.tcp.sequence = our_next;
  draft.tcp.acknowledgement = their_next;
  draft.tcp.flags = flags_from(flags);
  draft.tcp.window = window;
  if (draft.tcp.flags.syn) draft.tcp.options = syn_options;
  if (timestamps) draft.tcp.options.timestamps = {timestamp, timestamp_echo};
  draft.text = text;
  return draft;
}

void TcpTalk::deliver(const Draft& draft) {
  note("endpoint: " + describe(draft.tcp, draft.text.size()));
  std::vector<std::uint8_t> bytes(draft.tcp.header_size() + draft.text.size());
  const auto payload = std::span(bytes).subspan(draft.tcp.header_size());
  std::copy(draft.text.begin(), draft.text.end(), payload.begin());
  draft.tcp.emit(std::span(bytes).first(draft.tcp.header_size()), payload, endpoint.ip, far.ip);
  const auto view = wire::TcpView::parse(bytes);
  REQUIRE(view);
  if (advance) {
    const TcpSequence end = draft.tcp.sequence + view->sequence_length();
    if (end > our_next && !draft.tcp.flags.rst) our_next = end;
  }
  engine.on_segment(endpoint.ip, far.ip, *view, now);
}

void TcpTalk::send(const Draft& draft) {
  deliver(draft);
  settle();
}

void TcpTalk::settle() {
  for (unsigned turn = 0; turn < kSettleTurns; ++turn) {
    timers.run_due(now, limits::kTurnTimers);
    engine.pump(now);
    if (!engine.has_work() && timers.next_deadline() > now) return;
  }
  fail("the engine never comes to rest");
}

void TcpTalk::tick(Duration by) {
  const Instant end = now + by;
  note("time: +" + std::to_string(by / std::chrono::milliseconds(1)) + " ms");
  while (timers.next_deadline() <= end) {
    now = std::max(now, timers.next_deadline());
    settle();
  }
  now = end;
  settle();
}

Sent TcpTalk::expect(std::string_view flags) {
  if (sent.empty()) fail("expected " + std::string(flags) + ", nothing came");
  Sent got = sent.front();
  sent.pop_front();
  TcpFlags shown = got.tcp.flags;
  shown.psh = false;
  if (!(shown == flags_from(flags)))
    fail("expected " + std::string(flags) + ", came " + describe(got.tcp, got.text.size()));
  if (got.source != far.ip || got.target != endpoint.ip) fail("between the wrong addresses");
  return got;
}

Sent TcpTalk::expect_text(std::string_view text) {
  Sent got = expect("A");
  if (got.text != text)
    fail("expected text of " + std::to_string(text.size()) + ", came " +
         std::to_string(got.text.size()));
  return got;
}

void TcpTalk::expect_ack(std::uint32_t back_by) {
  const Sent got = expect("A");
  if (!got.text.empty()) fail("expected an empty ACK, came text");
  if (got.tcp.acknowledgement != our_next - back_by)
    fail("expected ACK of " + std::to_string((our_next - back_by).value) + ", came " +
         std::to_string(got.tcp.acknowledgement.value));
}

void TcpTalk::expect_nothing() {
  if (!sent.empty())
    fail("expected nothing, came " + describe(sent.front().tcp, sent.front().text.size()));
}

std::string TcpTalk::take_text() {
  std::string text;
  while (!sent.empty()) {
    const Sent got = sent.front();
    sent.pop_front();
    const std::int32_t known = their_next - got.tcp.sequence;
    if (known < 0 || static_cast<std::size_t>(known) >= got.text.size()) continue;
    text += got.text.substr(static_cast<std::size_t>(known));
    their_next = got.end();
  }
  return text;
}

void TcpTalk::fail(const std::string& why) const {
  std::string story;
  for (const std::string& step : steps_)
    story += "  " + step + "\n";
  FAIL(story << why);
}

std::string TcpTalk::state() const {
  const auto flows = engine.flows();
  return flows.empty() ? "" : flows.front().state;
}

void TcpTalk::send_syn() {
  Draft draft = segment("S");
  draft.tcp.acknowledgement = {};
  send(draft);
}

void TcpTalk::connect() {
  send_syn();
  const Sent answer = expect("SA");
  their_next = answer.end();
  if (answer.tcp.options.timestamps) timestamp_echo = answer.tcp.options.timestamps->value;
  timestamps = answer.tcp.options.timestamps.has_value();
  send(segment("A"));
}

void TcpTalk::accept_from_host() {
  REQUIRE(engine.open(published_key(), std::make_unique<ScriptedStream>(host), now));
  settle();
  const Sent syn = expect("S");
  their_next = syn.end();
  send(segment("SA"));
}

Result<std::unique_ptr<Stream>, stack::TcpRefusal> TcpTalk::open(const stack::FlowKey& flow,
                                                                 Instant) noexcept {
  ++opens;
  if (flow.initiator != endpoint || flow.target != far) return stack::TcpRefusal::prohibited;
  if (refusal) return *refusal;
  return std::unique_ptr<Stream>(std::make_unique<ScriptedStream>(host));
}

bool TcpTalk::send_segment(const IpAddress& source, const IpAddress& target, FrameRef frame,
                           std::uint16_t segment_size, Instant) noexcept {
  const auto view = wire::TcpView::parse(frame->bytes());
  if (!view) {
    note("engine: not a segment");
    return false;
  }
  note("engine: " + describe(TcpRepr::from(*view), view->payload().size()));
  sent.push_back(
      {TcpRepr::from(*view), std::string(as_text(view->payload())), segment_size, source, target});
  return true;
}

void TcpTalk::send_icmp_error(const stack::IcmpErrorSpec& error, Instant) noexcept {
  note("engine: ICMP error " + std::to_string(static_cast<int>(error.reason)));
  icmp_errors.push_back(error);
}

std::uint16_t TcpTalk::mtu_to(const IpAddress&) const noexcept {
  return mtu;
}

}  // namespace pontoon::test
