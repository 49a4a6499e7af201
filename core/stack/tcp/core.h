// What the parts of the engine share.
#pragma once

#include <utility>

#include "core/base/drop.h"
#include "core/stack/tcp/engine.h"
#include "core/stack/tcp/flow_table.h"
#include "core/stack/tcp/held_segments.h"
#include "core/stack/tcp/isn.h"
#include "core/stack/tcp/rate_limit.h"
#include "core/stack/tcp/work_list.h"

namespace pontoon::stack::tcp {

struct Core {
  Core(const StackContext& context, SegmentOutput& segment_output, DropCounters& drop_counters,
       FlowEvents& events)
      : frames(context.pool),
        timers(context.timers),
        output(segment_output),
        drops(drop_counters),
        table(context.random, events),
        held(context.pool),
        sequences(context.random) {}

  FramePool& frames;
  TimerQueue& timers;
  SegmentOutput& output;
  DropCounters& drops;
  TcpForwarder* forwarder = nullptr;
  TcpCounters counters;
  FlowTable table;
  WorkList work;
  HeldPool held;
  SequenceGenerator sequences;
  RateLimit resets{limits::kTcpResetsPerSecond};
  RateLimit challenges{limits::kTcpChallengesPerSecond};

  // Takes what was acknowledged out of the host socket: once per turn, however many segments said
  // so.
  static void consume(Flow& flow) noexcept {
    if (flow.send.unconsumed > 0) flow.stream->consume(std::exchange(flow.send.unconsumed, 0U));
  }
  // Forgets a flow whose two sides know their fate. The stream is closed in order.
  void release(Flow& flow) noexcept;
  // Forgets a flow; the host side sees a reset.
  void abort(Flow& flow) noexcept;
  // RFC 9293 3.6.1: both have ended. The host socket has nothing left to do for us.
  void enter_time_wait(Flow& flow, Instant now) noexcept;
};

}  // namespace pontoon::stack::tcp
