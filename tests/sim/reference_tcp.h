// A TCP endpoint of our own, small and strict: the second implementation that the translator is
// held against. RFC 9293 with window scaling, timestamps and SACK blocks as a receiver; as a sender
// slow start, fast retransmit and timeouts that begin again at the hole.
//
// Positions are 64-bit offsets from the initial numbers: the SYN is octet 0, text begins at 1.
// What a correct peer never does is told to `violation`.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/timer_queue.h"
#include "core/wire/tcp.h"

namespace pontoon::sim {

struct TcpManners {
  std::uint16_t mss = 1460;
  std::size_t receive_buffer = 65535;
  std::optional<std::uint8_t> window_scale{};
  bool sack = false;
  bool timestamps = false;
  bool delayed_acks = false;
  bool strict = false;   // the cable is perfect: nobody has a reason to repeat anything
  bool firm = false;     // and the host takes whatever comes: the window's edge never goes back
  bool mending = false;  // one segment is lost, which must be mended before any timer
  bool shy = false;      // never says by itself that its window has opened: it must be asked
  bool uneven = false;   // segments of any size, cut elsewhere when they are repeated
};

// Where a number lies on the 64-bit line, near a position that is known.
inline std::int64_t unfold(wire::TcpSequence number, wire::TcpSequence initial,
                           std::uint64_t near) {
  const wire::TcpSequence at = initial + static_cast<std::uint32_t>(near);
  return static_cast<std::int64_t>(near) + (number - at);
}

class ReferenceTcp {
 public:
  enum class State : std::uint8_t { closed, syn_sent, syn_received, open, reset, gave_up };

  struct Surroundings {
    TimerQueue& timers;
    std::function<void(const wire::TcpRepr&, std::string_view text)> send;
    // Text that the peer says at a position (0 is its first byte), before anything else is done.
    std::function<void(std::uint64_t position, std::string_view text)> heard;
    std::function<void(const std::string& what)> violation;
    std::function<void()> changed;  // there may be something to read or room to write
  };

  ReferenceTcp(const TcpManners& manners, std::uint32_t initial, Surroundings surroundings);

  void connect(Instant now);
  // The first segment must be a SYN when connect() was not called.
  void on_segment(const wire::TcpRepr& segment, std::string_view text, Instant now);

  std::size_t write_room() const noexcept;
  void write(std::string_view text, Instant now);
  void shut_down(Instant now);  // after what was written
  void abort(Instant now);
  std::string read(std::size_t most, Instant now);

  State state() const noexcept { return state_; }
  bool peer_ended() const noexcept { return fin_taken_ && in_.empty(); }
  bool said_all() const noexcept { return fin_wanted_ && una_ > out_end(); }  // and it was heard
  bool finished() const noexcept;
  // Neither side has ended yet.
  bool talking() const noexcept {
    return state_ == State::open && !fin_wanted_ && !fin_at_ && !fin_taken_;
  }
  // A header as of an empty segment behind everything that was sent; and what lies before it.
  wire::TcpRepr place() const;
  std::uint32_t acknowledged() const noexcept { return static_cast<std::uint32_t>(una_); }
  std::uint32_t in_flight() const noexcept { return static_cast<std::uint32_t>(highest_ - una_); }
  // Where a next incarnation of this connection may begin (RFC 9293 3.4.3).
  std::uint32_t beyond() const noexcept {
    return initial_.value + static_cast<std::uint32_t>(highest_) + 100000;
  }
  // A SYN of this very connection, which came late.
  bool began_with(const wire::TcpRepr& syn) const noexcept { return syn.sequence == peer_initial_; }
  // For people, when it hangs.
  std::string describe() const;

 private:
  std::uint64_t out_end() const noexcept { return out_base_ + out_.size(); }
  std::uint64_t send_limit() const noexcept;
  void on_syn(const wire::TcpRepr& segment, Instant now);
  void check_options(const wire::TcpRepr& segment);
  bool check_sequence(const wire::TcpRepr& segment, std::int64_t position, std::string_view text);
  void on_ack(const wire::TcpRepr& segment, std::size_t text_size, Instant now);
  void check_sack(const wire::TcpRepr& segment);
  void check_edge(const wire::TcpRepr& segment, std::uint64_t acknowledged);
  void check_echo(const wire::TcpRepr& segment, std::uint64_t acknowledged);
  void check_mending(Instant now);
  void on_new_ack(std::uint64_t acknowledged, Instant now);
  void on_duplicate_ack(Instant now);
  void take_text(std::uint64_t position, std::string_view text);
  void take_fin(std::uint64_t position);
  void acknowledge_later(Instant now);
  void send_what_may_go(Instant now);
  bool send_piece(std::uint64_t from, Instant now);
  void send_segment(std::uint64_t position, std::string_view text, wire::TcpFlags flags,
                    Instant now);
  void add_sack_blocks(wire::TcpOptions& options) const;
  void on_timeout(Instant now);
  void on_ack_timer(Instant now);
  void arm(Instant now);
  void measure(Duration round_trip);
  std::uint64_t window() const noexcept;
  std::size_t uneven(std::size_t size);

  TcpManners manners_;
  wire::TcpSequence initial_;
  Surroundings around_;
  State state_ = State::closed;

  // Sending. out_ begins at out_base_, the oldest octet that was not acknowledged.
  std::string out_;
  std::uint64_t out_base_ = 1;
  std::uint64_t una_ = 0;
  std::uint64_t next_ = 0;
  std::uint64_t highest_ = 0;
  bool fin_wanted_ = false;
  std::uint64_t peer_window_ = 0;
  unsigned peer_scale_ = 0;
  std::uint16_t peer_mss_ = 536;
  std::uint64_t cwnd_ = 0;
  std::uint64_t ssthresh_ = UINT64_MAX;
  unsigned duplicate_acks_ = 0;
  std::uint64_t recover_ = 0;
  Duration rto_ = std::chrono::seconds(1);
  std::optional<Duration> srtt_;
  Duration rttvar_{};
  unsigned retries_ = 0;
  std::uint32_t dice_ = 1;
  std::optional<std::pair<std::uint64_t, Instant>> timed_;
  Timer timer_{Timer::bind<&ReferenceTcp::on_timeout>(*this)};

  // Receiving.
  wire::TcpSequence peer_initial_{};
  std::uint64_t expected_ = 0;  // the next octet, SYN being 0
  std::uint64_t edge_ = 0;      // the right edge of the window as it was announced
  std::string in_;
  std::map<std::uint64_t, std::string> ahead_;
  std::optional<std::uint64_t> fin_at_;
  bool fin_taken_ = false;
  unsigned owed_acks_ = 0;
  bool scaling_ = false;
  bool stamping_ = false;
  bool sacking_ = false;
  std::uint32_t peer_stamp_ = 0;
  std::uint32_t first_stamp_ = 0;
  std::uint32_t last_stamp_ = 0;
  std::map<std::uint64_t, std::uint32_t> stamps_;  // of text that was sent once, when strict
  std::uint64_t peer_edge_ = 0;                    // of the peer's window, as far as it ever was
  Instant hole_since_{};
  unsigned told_of_hole_ = 0;
  Timer ack_timer_{Timer::bind<&ReferenceTcp::on_ack_timer>(*this)};
};

}  // namespace pontoon::sim
