#include "tests/sim/reference_tcp.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace pontoon::sim {
namespace {

constexpr std::size_t kSendBuffer = 128 * 1024;
constexpr unsigned kRetries = 14;
constexpr Duration kMinRto = std::chrono::milliseconds(200);
constexpr Duration kMaxRto = std::chrono::seconds(20);
constexpr Duration kAckDelay = std::chrono::milliseconds(40);
constexpr std::uint64_t kFirstFlight = 10;  // segments
constexpr std::size_t kStampBytes = 12;

std::uint32_t stamp_at(Instant now) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
}

}  // namespace

ReferenceTcp::ReferenceTcp(const TcpManners& manners, std::uint32_t initial,
                           Surroundings surroundings)
    : manners_(manners), initial_{initial}, around_(std::move(surroundings)) {}

void ReferenceTcp::connect(Instant now) {
  state_ = State::syn_sent;
  first_stamp_ = stamp_at(now);
  send_segment(0, {}, {.syn = true}, now);
  next_ = highest_ = 1;
  arm(now);
}

std::uint64_t ReferenceTcp::send_limit() const noexcept {
  return out_end() + (fin_wanted_ ? 1 : 0);
}

bool ReferenceTcp::finished() const noexcept {
  return state_ == State::reset || state_ == State::gave_up || (fin_taken_ && said_all());
}

std::size_t ReferenceTcp::write_room() const noexcept {
  if (state_ != State::open || fin_wanted_) return 0;
  return kSendBuffer - std::min(kSendBuffer, out_.size());
}

void ReferenceTcp::write(std::string_view text, Instant now) {
  out_ += text;
  send_what_may_go(now);
}

void ReferenceTcp::shut_down(Instant now) {
  fin_wanted_ = true;
  send_what_may_go(now);
}

void ReferenceTcp::abort(Instant now) {
  send_segment(next_, {}, {.rst = true, .ack = true}, now);
  state_ = State::reset;
  timer_.cancel();
  ack_timer_.cancel();
}

std::string ReferenceTcp::read(std::size_t most, Instant now) {
  std::string out = in_.substr(0, most);
  in_.erase(0, out.size());
  const std::uint64_t announced = edge_ - std::min(edge_, expected_);
  const std::uint64_t worth =
      std::min<std::uint64_t>(2U * manners_.mss, manners_.receive_buffer / 2);
  const bool alive = state_ == State::open && !fin_taken_ && !manners_.shy;
  if (!out.empty() && alive && window() >= announced + worth)
    send_segment(next_, {}, {.ack = true}, now);
  return out;
}

std::uint64_t ReferenceTcp::window() const noexcept {
  const std::uint64_t room =
      manners_.receive_buffer - std::min(manners_.receive_buffer, in_.size());
  return std::max(edge_, expected_ + room) - expected_;
}

void ReferenceTcp::on_segment(const wire::TcpRepr& segment, std::string_view text, Instant now) {
  if (state_ == State::reset || state_ == State::gave_up) {
    if (!segment.flags.rst) {
      next_ = static_cast<std::uint64_t>(unfold(segment.acknowledgement, initial_, next_));
      send_segment(next_, {}, {.rst = true, .ack = true}, now);
    }
    return;
  }
  if (segment.flags.syn) return on_syn(segment, now);
  if (state_ == State::syn_sent) {
    const bool ours = segment.flags.ack && segment.acknowledgement == initial_ + 1U;
    if (segment.flags.rst && ours) state_ = State::reset;
    if (!segment.flags.rst) around_.violation("a segment came before the SYN-ACK");
    timer_.cancel();
    return around_.changed();
  }
  check_options(segment);
  const std::int64_t position = unfold(segment.sequence, peer_initial_, expected_);
  if (segment.flags.rst) {
    // In TIME-WAIT a late segment of ours may have met no connection any more (RFC 1337).
    if (fin_taken_ && said_all()) return;
    const auto at = static_cast<std::uint64_t>(position);
    if (position < 0 || at < expected_ || at > std::max(edge_, expected_)) return;
    state_ = State::reset;
    timer_.cancel();
    return around_.changed();
  }
  if (!segment.flags.ack) return around_.violation("a segment without ACK");
  on_ack(segment, text.size(), now);
  if (!check_sequence(segment, position, text)) return send_segment(next_, {}, {.ack = true}, now);
  const bool in_order = static_cast<std::uint64_t>(position) <= expected_;
  if (!text.empty()) take_text(static_cast<std::uint64_t>(position), text);
  if (!text.empty()) check_mending(now);
  if (segment.flags.fin) take_fin(static_cast<std::uint64_t>(position) + text.size());
  if (segment.flags.fin || !in_order || !ahead_.empty()) {
    send_segment(next_, {}, {.ack = true}, now);
  } else if (!text.empty()) {
    acknowledge_later(now);
  }
  send_what_may_go(now);
  around_.changed();
}

void ReferenceTcp::on_syn(const wire::TcpRepr& segment, Instant now) {
  if (state_ == State::open) return send_segment(next_, {}, {.ack = true}, now);
  if (state_ == State::syn_received && segment.sequence == peer_initial_) return;
  if (state_ == State::syn_sent && !segment.flags.ack)
    return around_.violation("a SYN instead of a SYN-ACK");
  if (segment.flags.ack && segment.acknowledgement != initial_ + 1U)
    return around_.violation("a SYN-ACK that does not acknowledge our SYN");
  peer_initial_ = segment.sequence;
  expected_ = 1;
  edge_ = std::max<std::uint64_t>(edge_, 1 + std::min<std::size_t>(manners_.receive_buffer, 65535));
  const bool answer = segment.flags.ack;
  const wire::TcpOptions& options = segment.options;
  if (answer &&
      ((options.window_scale && !manners_.window_scale) ||
       (options.timestamps && !manners_.timestamps) || (options.sack_permitted && !manners_.sack)))
    around_.violation("the SYN-ACK has an option that was not offered");
  peer_mss_ = options.mss.value_or(536);
  if (peer_mss_ > 1460) around_.violation("an MSS that the network's MTU has no room for");
  scaling_ = options.window_scale && manners_.window_scale;
  stamping_ = options.timestamps && manners_.timestamps;
  sacking_ = options.sack_permitted && manners_.sack;
  peer_scale_ = scaling_ ? std::min<unsigned>(*options.window_scale, 14) : 0;
  if (stamping_) peer_stamp_ = options.timestamps->value;
  peer_window_ = segment.window;
  cwnd_ = kFirstFlight * peer_mss_;
  if (answer) {
    state_ = State::open;
    una_ = 1;
    timer_.cancel();
    retries_ = 0;
    send_segment(next_, {}, {.ack = true}, now);
    send_what_may_go(now);
    return around_.changed();
  }
  state_ = State::syn_received;
  first_stamp_ = stamp_at(now);
  send_segment(0, {}, {.syn = true, .ack = true}, now);
  next_ = highest_ = 1;
  arm(now);
}

void ReferenceTcp::on_ack(const wire::TcpRepr& segment, std::size_t text_size, Instant now) {
  const std::int64_t position = unfold(segment.acknowledgement, initial_, una_);
  if (position < 0 || static_cast<std::uint64_t>(position) > highest_)
    return around_.violation(fmt::format("acknowledges octet {} of {}", position, highest_));
  const auto acknowledged = static_cast<std::uint64_t>(position);
  check_sack(segment);
  if (acknowledged < una_) return;  // old
  check_edge(segment, acknowledged);
  check_echo(segment, acknowledged);
  const std::uint64_t before = peer_window_;
  peer_window_ = std::uint64_t{segment.window} << peer_scale_;
  retries_ = 0;
  if (acknowledged > una_) return on_new_ack(acknowledged, now);
  const bool duplicate = text_size == 0 && !segment.flags.fin && next_ > una_ &&
                         peer_window_ == before && peer_window_ > 0;
  if (duplicate) on_duplicate_ack(now);
}

void ReferenceTcp::on_new_ack(std::uint64_t acknowledged, Instant now) {
  if (state_ == State::syn_received) state_ = State::open;
  const std::uint64_t text_end = std::min(acknowledged, out_end());
  const std::uint64_t progress = acknowledged - una_;
  if (text_end > out_base_) {
    out_.erase(0, text_end - out_base_);
    out_base_ = text_end;
  }
  una_ = acknowledged;
  next_ = std::max(next_, una_);
  if (timed_ && acknowledged >= timed_->first) {
    measure(now - timed_->second);
    timed_.reset();
  }
  if (srtt_) rto_ = std::clamp(*srtt_ + 4 * rttvar_, kMinRto, kMaxRto);
  duplicate_acks_ = 0;
  if (una_ < recover_) {
    send_piece(una_, now);  // the next hole (RFC 6582 3.2)
  } else if (cwnd_ < ssthresh_) {
    cwnd_ += progress;
  } else {
    cwnd_ += std::max<std::uint64_t>(1, std::uint64_t{peer_mss_} * peer_mss_ / cwnd_);
  }
  arm(now);
}

void ReferenceTcp::on_duplicate_ack(Instant now) {
  ++duplicate_acks_;
  if (duplicate_acks_ == 3 && una_ >= recover_) {
    recover_ = highest_;
    ssthresh_ = std::max<std::uint64_t>((next_ - una_) / 2, 2U * peer_mss_);
    cwnd_ = ssthresh_;
    send_piece(una_, now);
  } else if (duplicate_acks_ > 3) {
    cwnd_ += peer_mss_;
  }
}

void ReferenceTcp::measure(Duration round_trip) {
  if (!srtt_) {
    srtt_ = round_trip;
    rttvar_ = round_trip / 2;
    return;
  }
  const Duration difference = *srtt_ > round_trip ? *srtt_ - round_trip : round_trip - *srtt_;
  rttvar_ = (3 * rttvar_ + difference) / 4;
  srtt_ = (7 * *srtt_ + round_trip) / 8;
}

void ReferenceTcp::take_text(std::uint64_t position, std::string_view text) {
  if (position > expected_) {
    std::string& held = ahead_[position];
    if (held.size() < text.size()) held = text;
    return;
  }
  const std::uint64_t known = expected_ - position;
  if (known >= text.size()) return;
  in_ += text.substr(known);
  expected_ = position + text.size();
  while (!ahead_.empty() && ahead_.begin()->first <= expected_) {
    const auto held = ahead_.extract(ahead_.begin());
    const std::uint64_t skip = expected_ - held.key();
    if (skip >= held.mapped().size()) continue;
    in_ += held.mapped().substr(skip);
    expected_ = held.key() + held.mapped().size();
  }
  if (fin_at_ && expected_ == *fin_at_) take_fin(*fin_at_);
}

void ReferenceTcp::take_fin(std::uint64_t position) {
  if (fin_at_ && *fin_at_ != position)
    return around_.violation(fmt::format("a FIN at {}, and at {} before", position, *fin_at_));
  const std::uint64_t end =
      ahead_.empty() ? expected_ : ahead_.rbegin()->first + ahead_.rbegin()->second.size();
  if (!fin_taken_ && end > position) return around_.violation("a FIN before the end of the text");
  fin_at_ = position;
  if (expected_ != position) return;
  expected_ = position + 1;
  fin_taken_ = true;
}

void ReferenceTcp::acknowledge_later(Instant now) {
  ++owed_acks_;
  if (!manners_.delayed_acks || owed_acks_ >= 2) {
    send_segment(next_, {}, {.ack = true}, now);
  } else {
    around_.timers.arm(ack_timer_, now + kAckDelay);
  }
}

void ReferenceTcp::on_ack_timer(Instant now) {
  if (owed_acks_ > 0) send_segment(next_, {}, {.ack = true}, now);
}

void ReferenceTcp::send_what_may_go(Instant now) {
  if (state_ != State::open) return;
  while (next_ < send_limit() && send_piece(next_, now)) {
  }
  if (!timer_.armed()) arm(now);
}

// Sometimes less than all; the numbers are a plain congruential sequence.
std::size_t ReferenceTcp::uneven(std::size_t size) {
  dice_ = dice_ * 1664525 + 1013904223;
  if (!manners_.uneven || size < 2 || (dice_ >> 28) > 4) return size;
  return 1 + (dice_ >> 8) % size;
}

// False when the window, or the network, has no room for it. Before next_ it is a repetition.
bool ReferenceTcp::send_piece(std::uint64_t from, Instant now) {
  if (from < out_base_) return false;
  const bool again = from < next_;
  const std::uint64_t room_end = una_ + std::min(again ? peer_window_ : cwnd_, peer_window_);
  if (from >= room_end && !(from == out_end() && fin_wanted_ && from == una_)) return false;
  const std::size_t mss = peer_mss_ - (stamping_ ? kStampBytes : 0);
  const std::uint64_t left = out_end() - std::min(from, out_end());
  const std::size_t whole =
      std::min<std::uint64_t>({mss, left, room_end - std::min(from, room_end)});
  // A small piece waits while anything is in flight (RFC 9293 3.7.4).
  if (!again && whole < mss && whole < left && next_ > una_) return false;
  const std::size_t size = uneven(whole);
  const bool fin = fin_wanted_ && from + size == out_end();
  if (size == 0 && !fin) return false;
  if (from < highest_) {
    timed_.reset();
  } else if (!timed_) {
    timed_ = {from + size + (fin ? 1 : 0), now};
  }
  const std::string_view text = std::string_view(out_).substr(from - out_base_, size);
  send_segment(from, text, {.fin = fin, .psh = size > 0, .ack = true}, now);
  next_ = std::max(next_, from + size + (fin ? 1 : 0));
  highest_ = std::max(highest_, next_);
  return true;
}

void ReferenceTcp::send_segment(std::uint64_t position, std::string_view text, wire::TcpFlags flags,
                                Instant now) {
  wire::TcpRepr segment;
  segment.sequence = initial_ + static_cast<std::uint32_t>(position);
  segment.flags = flags;
  const unsigned scale = scaling_ && !flags.syn ? manners_.window_scale.value_or(0) : 0;
  const std::uint64_t shown = std::min<std::uint64_t>(window() >> scale, 65535);
  segment.window = static_cast<std::uint16_t>(shown);
  edge_ = std::max(edge_, expected_ + (shown << scale));
  if (flags.ack) {
    segment.acknowledgement = peer_initial_ + static_cast<std::uint32_t>(expected_);
    owed_acks_ = 0;
    ack_timer_.cancel();
  }
  const bool answer = flags.syn && flags.ack;
  if (flags.syn) {
    segment.options.mss = manners_.mss;
    if (!answer || scaling_) segment.options.window_scale = manners_.window_scale;
    segment.options.sack_permitted = answer ? sacking_ : manners_.sack;
  }
  if (stamping_ || (flags.syn && !answer && manners_.timestamps)) {
    last_stamp_ = stamp_at(now);
    if (manners_.strict && !text.empty()) stamps_.try_emplace(position, last_stamp_);
    segment.options.timestamps = wire::TcpTimestamps{last_stamp_, peer_stamp_};
  }
  if (sacking_ && flags.ack && !flags.syn && !flags.rst) add_sack_blocks(segment.options);
  around_.send(segment, text);
}

void ReferenceTcp::add_sack_blocks(wire::TcpOptions& options) const {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  const auto add = [&] {
    if (end > begin) {
      options.add_sack({peer_initial_ + static_cast<std::uint32_t>(begin),
                        peer_initial_ + static_cast<std::uint32_t>(end)});
    }
  };
  for (const auto& [position, text] : ahead_) {
    if (position > end) {
      add();
      begin = position;
    }
    end = std::max(end, position + text.size());
  }
  add();
}

wire::TcpRepr ReferenceTcp::place() const {
  wire::TcpRepr segment;
  segment.sequence = initial_ + static_cast<std::uint32_t>(highest_);
  segment.acknowledgement = peer_initial_ + static_cast<std::uint32_t>(expected_);
  segment.flags.ack = true;
  const unsigned scale = scaling_ ? manners_.window_scale.value_or(0) : 0;
  segment.window = static_cast<std::uint16_t>((edge_ - std::min(edge_, expected_)) >> scale);
  if (stamping_) segment.options.timestamps = wire::TcpTimestamps{last_stamp_, peer_stamp_};
  return segment;
}

void ReferenceTcp::on_timeout(Instant now) {
  const bool asks_for_room = state_ == State::open && peer_window_ == 0;
  if ((manners_.strict || manners_.mending) && !asks_for_room)
    around_.violation("nothing can have been lost, and nothing was answered");
  if (++retries_ > kRetries) {
    state_ = State::gave_up;
    return around_.changed();
  }
  rto_ = std::min(2 * rto_, kMaxRto);
  if (state_ == State::syn_sent) {
    send_segment(0, {}, {.syn = true}, now);
  } else if (state_ == State::syn_received) {
    send_segment(0, {}, {.syn = true, .ack = true}, now);
  } else if (state_ == State::open && una_ < send_limit()) {
    if (next_ > una_) ssthresh_ = std::max<std::uint64_t>((next_ - una_) / 2, 2U * peer_mss_);
    cwnd_ = peer_mss_;
    recover_ = highest_;
    duplicate_acks_ = 0;
    next_ = una_;
    const bool probe = peer_window_ == 0 && una_ < out_end();
    if (probe) {
      const std::string_view text = std::string_view(out_).substr(una_ - out_base_, 1);
      send_segment(una_, text, {.psh = true, .ack = true}, now);
      next_ = una_ + 1;
      highest_ = std::max(highest_, next_);
      timed_.reset();
    } else {
      send_piece(una_, now);
    }
  }
  arm(now);
}

void ReferenceTcp::arm(Instant now) {
  const bool waiting = state_ == State::syn_sent || state_ == State::syn_received ||
                       (state_ == State::open && una_ < send_limit());
  around_.timers.arm(timer_, waiting ? now + rto_ : kNever);
}

std::string ReferenceTcp::describe() const {
  return fmt::format(
      "state {}, una {}, next {}, end {}{}, peer window {}, cwnd {}; expected {}, held {}{}",
      static_cast<int>(state_), una_, next_, out_end(), fin_wanted_ ? " FIN" : "", peer_window_,
      cwnd_, expected_, ahead_.size(), fin_taken_ ? " FIN" : "");
}

}  // namespace pontoon::sim
