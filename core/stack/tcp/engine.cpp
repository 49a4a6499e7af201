#include "core/stack/tcp/engine.h"

namespace pontoon::stack {

class TcpEngine::Impl {
 public:
  TcpCounters counters;
};

TcpEngine::TcpEngine(const StackContext&, SegmentOutput&, DropCounters&)
    : impl_(std::make_unique<Impl>()) {}
TcpEngine::~TcpEngine() = default;
void TcpEngine::set_forwarder(TcpForwarder*) noexcept {}
void TcpEngine::on_segment(const IpAddress&, const IpAddress&, const wire::TcpView&,
                           Instant) noexcept {}
void TcpEngine::on_icmp_error(const FlowKey&, Unreachable, std::uint32_t, Instant) noexcept {}
bool TcpEngine::open(const FlowKey&, std::unique_ptr<Stream> stream, Instant) noexcept {
  stream->abort();
  return false;
}
void TcpEngine::drop_endpoint(const IpAddress&) noexcept {}
void TcpEngine::pump(Instant) noexcept {}
bool TcpEngine::has_work() const noexcept { return false; }
std::size_t TcpEngine::flow_count() const noexcept { return 0; }
bool TcpEngine::has_flow(const FlowKey&) const noexcept { return false; }
std::vector<TcpFlowInfo> TcpEngine::flows() const { return {}; }
const TcpCounters& TcpEngine::counters() const noexcept { return impl_->counters; }

}  // namespace pontoon::stack
