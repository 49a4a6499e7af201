#include "lab/replay/adapt_tcp.h"

#include <array>

namespace pontoon::lab {
namespace {

// RFC 9293 3.2, RFC 7323 2.2 and 3.2, RFC 2018 2 and 3.
enum Option : std::uint8_t {
  kEnd = 0,
  kNothing = 1,
  kWindowScale = 3,
  kSackPermitted = 4,
  kSack = 5,
  kTimestamps = 8,
};
constexpr std::size_t kTimestampsLength = 10;

wire::TcpSequence moved(wire::TcpSequence sequence, std::uint32_t distance) noexcept {
  return {sequence.value + distance};
}

// Calls `visit(kind, offset, length)` for each option that is whole; offsets from the TCP header.
template <class Visit>
void for_each_option(const wire::TcpView& segment, const Visit& visit) {
  const ByteView bytes = segment.header();
  std::size_t at = wire::TcpView::kMinHeaderSize;
  while (at < bytes.size() && bytes[at] != kEnd) {
    if (bytes[at] == kNothing) {
      ++at;
      continue;
    }
    if (at + 1 >= bytes.size()) return;
    const std::size_t length = bytes[at + 1];
    if (length < 2 || length > bytes.size() - at) return;
    visit(bytes[at], at, length);
    at += length;
  }
}

}  // namespace

void CapturedConnection::on_syn_ack(const wire::TcpView& segment) {
  if (initial) return;
  initial = segment.sequence();
  agreed = segment.options_parsed();
}

void CapturedConnection::on_client(const wire::TcpView& segment) {
  if (!segment.flags().ack) return;
  const bool further = !last_acknowledged || *last_acknowledged < segment.acknowledgement();
  if (further) last_acknowledged = segment.acknowledgement();
}

AdaptedConnection::AdaptedConnection(wire::TcpSequence client_initial,
                                     const CapturedConnection& captured)
    : client_initial_(client_initial), captured_(captured), their_initial_(captured.initial) {
  if (captured.initial && captured.agreed.timestamps) {
    their_clock_ = captured.agreed.timestamps->value;
  }
}

void AdaptedConnection::adapt_syn(PacketEdit& edit, const wire::TcpView& segment) const {
  if (!captured_.initial) return;
  const auto declined = [&](std::uint8_t kind) {
    return (kind == kWindowScale && !captured_.agreed.window_scale) ||
           (kind == kSackPermitted && !captured_.agreed.sack_permitted) ||
           (kind == kTimestamps && !captured_.agreed.timestamps);
  };
  const std::size_t base = edit.transport();
  constexpr std::array<std::uint8_t, wire::TcpView::kMaxHeaderSize> kNothings = [] {
    std::array<std::uint8_t, wire::TcpView::kMaxHeaderSize> bytes{};
    bytes.fill(kNothing);
    return bytes;
  }();
  for_each_option(segment, [&](std::uint8_t kind, std::size_t at, std::size_t length) {
    if (declined(kind)) edit.set_bytes(base + at, ByteView(kNothings).first(length));
  });
}

// What our server has not said yet cannot be acknowledged (RFC 9293 3.10.7.4). What the client
// acknowledged last was all that its server ever said, with or without the FIN: here it is all that
// ours has said, be it more or less.
wire::TcpSequence AdaptedConnection::acknowledged(wire::TcpSequence theirs) const {
  const auto last = captured_.last_acknowledged;
  if (last && *last <= moved(theirs, 1)) return our_next_;
  const wire::TcpSequence ours = moved(theirs, our_initial_->value - their_initial_->value);
  return our_next_ < ours ? our_next_ : ours;
}

void AdaptedConnection::adapt(PacketEdit& edit, const wire::TcpView& segment) {
  if (!segment.flags().ack || !our_initial_) return;
  // RFC 9293 3.5: the ACK that ends the handshake acknowledges the SYN and nothing else.
  if (!their_initial_) their_initial_ = moved(segment.acknowledgement(), ~std::uint32_t{0});
  const wire::TcpOptions options = segment.options_parsed();
  if (!their_clock_ && options.timestamps) their_clock_ = options.timestamps->echo;
  constexpr std::size_t kAcknowledgement = 8;
  adapt_options(edit, segment);
  edit.set_u32(edit.transport() + kAcknowledgement, acknowledged(segment.acknowledgement()).value);
}

void AdaptedConnection::adapt_options(PacketEdit& edit, const wire::TcpView& segment) const {
  const std::uint32_t distance = our_initial_->value - their_initial_->value;
  const std::size_t base = edit.transport();
  const ByteView header = segment.header();
  for_each_option(segment, [&](std::uint8_t kind, std::size_t at, std::size_t length) {
    if (kind == kSack) {
      for (std::size_t edge = at + 2; edge + 4 <= at + length; edge += 4) {
        edit.set_u32(base + edge, load_be<std::uint32_t>(&header[edge]) + distance);
      }
    } else if (kind == kTimestamps && length == kTimestampsLength && our_clock_ && their_clock_) {
      const auto echo = load_be<std::uint32_t>(&header[at + 6]);
      std::uint32_t ours = echo + (*our_clock_ - *their_clock_);
      // Their clock may have ticked faster than ours.
      if (wire::TcpSequence{our_latest_} < wire::TcpSequence{ours}) ours = our_latest_;
      edit.set_u32(base + at + 6, ours);
    }
  });
}

void AdaptedConnection::on_answer(const wire::TcpView& segment) {
  const wire::TcpFlags flags = segment.flags();
  const wire::TcpOptions options = segment.options_parsed();
  const wire::TcpSequence end = moved(segment.sequence(), segment.sequence_length());
  if (flags.syn && flags.ack) {
    our_initial_ = segment.sequence();
    our_next_ = end;
    if (options.timestamps) our_clock_ = our_latest_ = options.timestamps->value;
    return;
  }
  if (!our_initial_ || flags.rst) return;
  if (our_next_ < end) our_next_ = end;
  if (options.timestamps) our_latest_ = options.timestamps->value;
}

}  // namespace pontoon::lab
