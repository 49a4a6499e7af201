// A TcpTalk in which the host sends and the endpoint acknowledges. Offsets count from the
// endpoint's RCV.NXT.
#pragma once

#include "tests/support/tcp_talk.h"

namespace pontoon::test {

inline constexpr std::uint32_t kMss = 1000;

// A wide window, plain options: segments of exactly kMss bytes.
inline void connect_wide(TcpTalk& talk, bool sack = false) {
  talk.syn_options.mss = kMss;
  talk.syn_options.window_scale = 7;
  talk.syn_options.sack_permitted = sack;
  talk.window = 8192;  // a megabyte
  talk.connect();
}

inline TcpTalk::Draft ack_of(const TcpTalk& talk, std::uint32_t offset) {
  TcpTalk::Draft draft = talk.segment("A");
  draft.tcp.acknowledgement += offset;
  return draft;
}

inline TcpTalk::Draft sack_of(const TcpTalk& talk, std::uint32_t offset, std::uint32_t left,
                              std::uint32_t right) {
  TcpTalk::Draft draft = ack_of(talk, offset);
  draft.tcp.options.add_sack({talk.their_next + left, talk.their_next + right});
  return draft;
}

inline std::uint32_t offset_of(const TcpTalk& talk, const Sent& sent) {
  return static_cast<std::uint32_t>(sent.tcp.sequence - talk.their_next);
}

}  // namespace pontoon::test
