#include "tests/support/impaired_port.h"

namespace pontoon::test {

ImpairedPort::ImpairedPort(Port& inner, FramePool& pool, const Impairment& impairment,
                           std::uint64_t seed)
    : PortDecorator(inner),
      pool_(pool),
      impairment_(impairment),
      random_(seed, "impaired port"),
      outward_edge_(pool, PortFeatures{}, outward_, drops_),
      inward_edge_(pool, PortFeatures{}, inward_, drops_) {}

bool ImpairedPort::Wire::accept(FrameRef frame) noexcept {
  const Impairment& impairment = port_.impairment_;
  if (port_.happens(impairment.lost)) {
    ++port_.lost_;
    return true;
  }
  if (port_.happens(impairment.doubled)) {
    if (FrameRef twin = port_.pool_.copy(*frame)) arrived.push_back(std::move(twin));
  }
  if (port_.happens(impairment.late)) {
    late_.emplace_back(now + impairment.lateness, std::move(frame));
  } else {
    arrived.push_back(std::move(frame));
  }
  return true;
}

void ImpairedPort::Wire::release(Instant at) {
  now = at;
  while (!late_.empty() && late_.front().first <= at) {
    arrived.push_back(std::move(late_.front().second));
    late_.pop_front();
  }
}

std::size_t ImpairedPort::receive(std::span<FrameRef> out, Instant now) noexcept {
  inward_.release(now);
  std::array<FrameRef, 16> batch;
  std::size_t came = batch.size();
  while (came == batch.size() && inward_.arrived.size() < out.size()) {
    came = inner().receive(batch, now);
    for (std::size_t i = 0; i < came; ++i)
      inward_edge_.deliver(std::move(batch[i]));
  }
  std::size_t count = 0;
  for (; count < out.size() && !inward_.arrived.empty(); ++count) {
    out[count] = std::move(inward_.arrived.front());
    inward_.arrived.pop_front();
  }
  return count;
}

void ImpairedPort::send(FrameRef frame, Instant now) noexcept {
  outward_.now = now;
  outward_edge_.deliver(std::move(frame));
}

void ImpairedPort::flush(Instant now) noexcept {
  outward_.release(now);
  for (; !outward_.arrived.empty(); outward_.arrived.pop_front())
    inner().send(std::move(outward_.arrived.front()), now);
  inner().flush(now);
}

}  // namespace pontoon::test
