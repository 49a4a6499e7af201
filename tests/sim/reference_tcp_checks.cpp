// What a correct peer never does.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/reference_tcp.h"

namespace pontoon::sim {
namespace {

// Duplicates that tell of a hole beyond doubt, and how soon it must then be mended: before
// anybody's timer could have done it.
constexpr unsigned kTellings = 5;
constexpr Duration kMended = std::chrono::milliseconds(200);

}  // namespace

void ReferenceTcp::check_options(const wire::TcpRepr& segment) {
  const auto& stamps = segment.options.timestamps;
  if (stamps && !stamping_) return around_.violation("timestamps that were not agreed upon");
  if (!stamps && stamping_ && !segment.flags.rst)
    return around_.violation("a segment without the timestamps that were agreed upon");
  if (stamps && (stamps->echo - first_stamp_ > last_stamp_ - first_stamp_))
    around_.violation("echoes a timestamp that was never sent");
}

// Whether the segment is acceptable (RFC 9293 3.10.7.4); what lies beyond the window was not
// allowed to be sent.
bool ReferenceTcp::check_sequence(const wire::TcpRepr& segment, std::int64_t position,
                                  std::string_view text) {
  if (position < 0) {
    around_.violation("a segment from before the beginning");
    return false;
  }
  const auto at = static_cast<std::uint64_t>(position);
  if (!text.empty() && at + text.size() > edge_) {
    around_.violation(
        fmt::format("text up to {} beyond the window's edge at {}", at + text.size(), edge_));
  }
  // RFC 6691 2: options take their room from the text.
  const std::size_t options = segment.header_size() - 20;
  if (!text.empty() && text.size() + options > manners_.mss) {
    around_.violation(fmt::format("{} bytes of text and {} of options in a segment, the MSS is {}",
                                  text.size(), options, manners_.mss));
  }
  if (!text.empty()) around_.heard(at - 1, text);
  if (fin_at_ && at + text.size() > *fin_at_ && !text.empty())
    around_.violation("text behind the FIN");
  if (manners_.strict && !text.empty() && at + text.size() <= expected_)
    around_.violation(
        fmt::format("text up to {} comes again, and nothing can have been lost", at + text.size()));
  const bool empty = text.empty() && !segment.flags.fin;
  if (stamping_ && at <= expected_ && segment.options.timestamps)
    peer_stamp_ = std::max(peer_stamp_, segment.options.timestamps->value);
  if (empty) return at >= expected_;
  return at + text.size() + (segment.flags.fin ? 1 : 0) > expected_;
}

// RFC 2018 3: blocks are of what was sent and has not been acknowledged; the first may tell of what
// came twice (RFC 2883).
void ReferenceTcp::check_sack(const wire::TcpRepr& segment) {
  for (const wire::TcpSackBlock& block : segment.options.sack_blocks()) {
    if (!sacking_) return around_.violation("SACK blocks that were not agreed upon");
    const std::int64_t left = unfold(block.left, initial_, una_);
    const std::int64_t right = unfold(block.right, initial_, una_);
    if (left < 1 || right <= left || right > static_cast<std::int64_t>(highest_))
      around_.violation(fmt::format("a SACK block from {} to {} of {}", left, right, highest_));
  }
}

// RFC 9293 3.8.6: a window is not shrunk. What scaling rounds off does not count.
void ReferenceTcp::check_edge(const wire::TcpRepr& segment, std::uint64_t acknowledged) {
  const std::uint64_t edge = acknowledged + (std::uint64_t{segment.window} << peer_scale_);
  if (manners_.firm && edge + (1ULL << peer_scale_) <= peer_edge_)
    around_.violation(fmt::format("the window's edge goes back from {} to {}", peer_edge_, edge));
  peer_edge_ = std::max(peer_edge_, edge);
}

// RFC 7323 4.3: an acknowledgement of something new echoes what came with it, not older stamps.
void ReferenceTcp::check_echo(const wire::TcpRepr& segment, std::uint64_t acknowledged) {
  if (!manners_.strict || !segment.options.timestamps || acknowledged == una_) return;
  const auto first = stamps_.lower_bound(una_);
  if (first != stamps_.end() && first->first < acknowledged &&
      static_cast<std::int32_t>(segment.options.timestamps->echo - first->second) < 0)
    around_.violation(
        fmt::format("acknowledges octet {} and echoes a timestamp of before", acknowledged));
  stamps_.erase(stamps_.begin(), stamps_.lower_bound(acknowledged));
}

// RFC 5681 3.2: three duplicates are enough.
void ReferenceTcp::check_mending(Instant now) {
  if (ahead_.empty()) {
    if (manners_.mending && told_of_hole_ >= kTellings && now - hole_since_ >= kMended) {
      around_.violation(fmt::format("a hole that {} duplicates told of was mended after {} ms",
                                    told_of_hole_, (now - hole_since_) / Duration(1000000)));
    }
    told_of_hole_ = 0;
    return;
  }
  if (told_of_hole_++ == 0) hole_since_ = now;
}

}  // namespace pontoon::sim
