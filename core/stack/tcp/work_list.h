// Flows that have something to do in this turn: their stream became ready, the endpoint made room,
// an acknowledgement is due. First in, first out, linked through the flows: no allocation, a flow
// is in it once.
#pragma once

#include "core/stack/tcp/flow.h"

namespace pontoon::stack::tcp {

class WorkList {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  std::size_t size() const noexcept { return size_; }

  void add(Flow& flow) noexcept {
    if (flow.work_queued) return;
    flow.work_queued = true;
    flow.work_next = nullptr;
    flow.work_previous = last_;
    (last_ == nullptr ? first_ : last_->work_next) = &flow;
    last_ = &flow;
    ++size_;
  }
  void remove(Flow& flow) noexcept {
    if (!flow.work_queued) return;
    flow.work_queued = false;
    (flow.work_previous == nullptr ? first_ : flow.work_previous->work_next) = flow.work_next;
    (flow.work_next == nullptr ? last_ : flow.work_next->work_previous) = flow.work_previous;
    --size_;
  }
  // The longest waiting; null when there is none.
  Flow* take() noexcept {
    Flow* flow = first_;
    if (flow != nullptr) remove(*flow);
    return flow;
  }

 private:
  Flow* first_ = nullptr;
  Flow* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace pontoon::stack::tcp
