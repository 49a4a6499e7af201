#include "lab/world/agenda.h"

#include <utility>

namespace pontoon::lab {

void Agenda::at(Instant when, Action action) {
  actions_.emplace(when, std::move(action));
  arm();
}

void Agenda::arm() {
  if (!actions_.empty()) events_.arm(timer_, actions_.begin()->first);
}

// One action each time: it may note others, for this very instant among them.
void Agenda::run(Instant now) {
  auto due = actions_.extract(actions_.begin());
  arm();
  due.mapped()(now);
}

}  // namespace pontoon::lab
