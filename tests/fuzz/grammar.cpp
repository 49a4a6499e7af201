// What people write: addresses, -p and --expose, resolv.conf. What parses says itself in words that
// parse to the same.
#include <string>

#include "core/base/limits.h"
#include "dns/name.h"
#include "dns/resolv_conf.h"
#include "proxy/port_spec.h"
#include "tests/fuzz/input.h"

namespace pontoon::fuzz {
namespace {

template <class T>
void check_round_trip(std::string_view text) {
  const auto value = T::parse(text);
  if (!value) return;
  const auto again = T::parse(value->to_string());
  ORACLE(again && *again == *value, "an address changes as text");
}

void check_publication(std::string_view text) {
  const auto specs = proxy::parse_publication(text);
  if (!specs) {
    ORACLE(!specs.error().message.empty(), "an error without words");
    return;
  }
  ORACLE(!specs->empty() && specs->size() <= limits::kPublishedPorts, "none, or too many");
  for (const proxy::PortSpec& spec : {specs->front(), specs->back()}) {
    const auto again = proxy::parse_publication(spec.to_string());
    ORACLE(again && again->size() == 1 && again->front() == spec, "a publication changes as text");
  }
}

void check_exposed(std::string_view text) {
  const auto ports = proxy::parse_exposed(text);
  if (!ports) return;
  for (const proxy::ExposedPort& port : *ports) {
    const auto again = proxy::parse_exposed(port.to_string());
    ORACLE(again && again->size() == 1 && again->front() == port, "a port changes as text");
  }
}

void check_resolv_conf(std::string_view text) {
  const auto servers = dns::parse_resolv_conf(text);
  ORACLE(servers.size() <= limits::kDnsUpstreams, "more servers than the limit");
  for (const SocketAddress& server : servers)
    ORACLE(server.port == 53, "a server with a port of its own");
}

void check_name(std::string_view text) {
  const auto name = dns::Name::from_text(text);
  if (!name) return;
  const auto again = dns::Name::from_text(name->to_text());
  ORACLE(again && *again == *name, "a name changes as text");
}

}  // namespace
}  // namespace pontoon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pontoon;
  using namespace pontoon::fuzz;
  Input input(data, size);
  const unsigned kind = input.below(8);
  const std::string_view text = as_text(input.rest());
  switch (kind) {
    case 0:
      check_round_trip<MacAddress>(text);
      check_round_trip<Ipv4Address>(text);
      break;
    case 1:
      check_round_trip<Ipv6Address>(text);
      check_round_trip<IpAddress>(text);
      break;
    case 2:
      check_round_trip<IpPrefix>(text);
      break;
    case 3:
      check_exposed(text);
      break;
    case 4:
      check_name(text);
      break;
    case 5:
      check_resolv_conf(text);
      break;
    default:
      check_publication(text);
  }
  return 0;
}
