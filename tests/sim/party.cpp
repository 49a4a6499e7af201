#include "tests/sim/party.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tests/sim/stream_checker.h"

namespace pontoon::sim {
namespace {
constexpr std::size_t kPiece = 16384;
constexpr std::uint64_t kReadsPerSecond = 50;
}  // namespace

bool Party::step(Instant now) {
  if (!std::exchange(ready_, false) || done()) return false;
  bool worked = say(now);
  while (!done() && listen(now))
    worked = true;
  worked = say(now) || worked;
  // Who has heard everything learns of a reset when it speaks.
  if (!done() && ended_ && channel_.failed()) {
    checker_.on_reset(opposite(way_), heard_);
    reset_ = true;
  }
  return worked;
}

bool Party::say(Instant now) {
  if (done()) return false;
  const Manners& manners = script_.writer(way_);
  bool worked = false;
  while (said_ < manners.length) {
    const auto room =
        std::min<std::uint64_t>({channel_.write_room(), kPiece, manners.length - said_});
    if (room == 0) break;
    const std::string text = spoken(script_.id, way_, said_, room);
    const std::size_t taken = channel_.write(text, now);
    said_ += taken;
    if (taken > 0) checker_.on_said(way_, said_);
    if (taken == 0) break;
    worked = true;
  }
  if (said_ == manners.length && !shut_down_ && (manners.ends_first || ended_)) {
    checker_.on_shut_down(way_, said_);
    channel_.shut_down(now);
    shut_down_ = worked = true;
  }
  return worked;
}

bool Party::listen(Instant now) {
  if (ended_) return false;
  const Manners& manners = script_.writer(way_);
  std::uint64_t most = kPiece;
  if (manners.read_bytes_per_s > 0) {
    if (now < next_read_) {
      timers_.arm(timer_, next_read_);
      return false;
    }
    most = std::max<std::uint64_t>(1, manners.read_bytes_per_s / kReadsPerSecond);
  }
  if (manners.abort_at) most = std::min(most, *manners.abort_at - heard_);
  std::string text;
  switch (channel_.read(text, most, now)) {
    case Channel::Heard::nothing:
      return false;
    case Channel::Heard::reset:
      checker_.on_reset(opposite(way_), heard_);
      reset_ = true;
      return true;
    case Channel::Heard::end:
      checker_.on_end(opposite(way_), heard_);
      ended_ = true;
      return true;
    case Channel::Heard::text:
      break;
  }
  checker_.on_heard(opposite(way_), heard_, text);
  heard_ += text.size();
  if (manners.read_bytes_per_s > 0) next_read_ = now + std::chrono::milliseconds(20);
  if (manners.abort_at && heard_ >= *manners.abort_at) {
    checker_.on_abort(way_);
    channel_.abort(now);
    aborted_ = true;
  }
  return true;
}

std::string Party::describe() const {
  return fmt::format("said {}/{}{}, heard {}/{}{}{}{}", said_, script_.writer(way_).length,
                     shut_down_ ? " and ended" : "", heard_, script_.reader(way_).length,
                     ended_ ? " and the end" : "", reset_ ? ", reset" : "",
                     aborted_ ? ", aborted" : "");
}

}  // namespace pontoon::sim
