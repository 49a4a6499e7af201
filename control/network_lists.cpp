// The part of Network that tells what there is: for listings, captures and the API.
#include "control/names.h"
#include "control/network.h"
#include "core/stack/tcp/engine.h"

namespace pontoon::control {

const EndpointInfo* Network::find_tag(std::uint32_t tag) const {
  for (const Endpoint& endpoint : endpoints_) {
    if (endpoint.info.tag == tag) return &endpoint.info;
  }
  return nullptr;
}

const EndpointInfo* Network::find(std::string_view name) const {
  for (const Endpoint& endpoint : endpoints_) {
    if (same_name(endpoint.info.name, name)) return &endpoint.info;
  }
  return nullptr;
}

std::vector<EndpointInfo> Network::endpoints() const {
  std::vector<EndpointInfo> out;
  for (const Endpoint& endpoint : endpoints_) {
    EndpointInfo info = endpoint.info;
    if (endpoint.port_id) {
      const PortCounters& counters = endpoint.port->counters();
      info.received_frames = counters.received_frames;
      info.sent_frames = counters.sent_frames;
      info.dropped_frames = counters.drops.total() + endpoint.port->drops().total() +
                            switch_.drops(*endpoint.port_id).total();
    }
    info.impairments = impairments_.texts_for(info.name);
    out.push_back(std::move(info));
  }
  return out;
}

std::vector<FlowInfo> Network::flows(Instant now) {
  std::vector<FlowInfo> out;
  for (const stack::TcpFlowInfo& flow : gateway_.tcp().flows()) {
    out.push_back({spec_.name, flow.from_endpoint ? "tcp" : "tcp (published)", flow.flow.initiator,
                   flow.flow.target, flow.state, flow.bytes_to_host, flow.bytes_to_endpoint});
  }
  const auto add = [&](const std::vector<proxy::FlowInfo>& flows) {
    for (const proxy::FlowInfo& flow : flows) {
      out.push_back(
          {spec_.name, std::string(flow.protocol) + (flow.published ? " (published)" : ""),
           flow.flow.initiator, flow.flow.target, "", flow.bytes_to_host, flow.bytes_to_endpoint});
    }
  };
  add(egress_.flows(now));
  add(publisher_.flows(now));
  return out;
}

std::vector<DropInfo> Network::drops() const {
  std::vector<DropInfo> out;
  const auto add = [&](const std::string& where, const DropCounters& counters) {
    for (std::size_t i = 0; i < kDropReasonCount; ++i) {
      const auto reason = static_cast<DropReason>(i);
      if (counters[reason] > 0)
        out.push_back({where, std::string(to_string(reason)), counters[reason]});
    }
  };
  for (const Endpoint& endpoint : endpoints_) {
    if (!endpoint.port_id) continue;
    add(endpoint.info.name, endpoint.port->counters().drops);
    add(endpoint.info.name, endpoint.port->drops());
    add(endpoint.info.name, switch_.drops(*endpoint.port_id));
  }
  add("(detached)", departed_drops_);
  add("gateway", gateway_.counters().drops);
  add("dhcp", service_drops_);
  add("dns", names_.counters().drops);
  add("egress", egress_.drops());
  add("published", publisher_.drops());
  return out;
}

}  // namespace pontoon::control
