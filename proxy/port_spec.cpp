#include "proxy/port_spec.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <tuple>

#include "core/base/limits.h"

namespace pontoon::proxy {
namespace {

constexpr std::string_view kPortHint = " (a port is a number from 1 to 65535)";

Error invalid(std::string message) {
  return {ErrorCode::invalid_argument, std::move(message)};
}

// Decimal digits only; Docker takes leading zeros, as decimal.
std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return port;
}

std::optional<PortRange> parse_range(std::string_view text) noexcept {
  const std::size_t dash = text.find('-');
  const auto first = parse_port(text.substr(0, dash));
  if (!first) return std::nullopt;
  if (dash == std::string_view::npos) return PortRange{*first, *first};
  const auto last = parse_port(text.substr(dash + 1));
  if (!last || *last < *first) return std::nullopt;
  return PortRange{*first, *last};
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) noexcept {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

Result<Protocol> parse_protocol(std::string_view text) {
  if (text.empty() || equals_ignoring_case(text, "tcp")) return Protocol::tcp;
  if (equals_ignoring_case(text, "udp")) return Protocol::udp;
  if (equals_ignoring_case(text, "sctp")) {
    return invalid("Invalid proto: sctp (SCTP is not supported, only tcp and udp are)");
  }
  return invalid("Invalid proto: " + std::string(text) + " (use tcp or udp)");
}

struct PortsAndProtocol {
  PortRange ports;
  Protocol protocol;
};

// "80", "80-82", each with or without "/udp". `whole` is what the user typed.
Result<PortsAndProtocol> parse_container(std::string_view text, std::string_view whole) {
  const std::size_t slash = text.find('/');
  const std::string_view digits = text.substr(0, slash);
  if (digits.empty()) {
    return invalid("No port specified: " + std::string(whole) + "<empty> (example: -p 8080:80)");
  }
  const auto protocol =
      parse_protocol(slash == std::string_view::npos ? "" : text.substr(slash + 1));
  if (!protocol) return protocol.error();
  const auto ports = parse_range(digits);
  if (!ports || ports->first == 0) {
    return invalid("Invalid containerPort: " + std::string(digits) + std::string(kPortHint));
  }
  return PortsAndProtocol{*ports, *protocol};
}

struct Fields {
  std::string_view ip;
  std::string_view host;
  std::string_view container;
};

// The last two colons part the ports off; what stands before them is the address.
Fields split(std::string_view text) noexcept {
  Fields fields;
  const std::size_t last = text.rfind(':');
  if (last == std::string_view::npos) {
    fields.container = text;
    return fields;
  }
  fields.container = text.substr(last + 1);
  const std::string_view front = text.substr(0, last);
  const std::size_t previous = front.rfind(':');
  if (previous == std::string_view::npos) {
    fields.host = front;
    return fields;
  }
  fields.host = front.substr(previous + 1);
  fields.ip = front.substr(0, previous);
  return fields;
}

Result<std::optional<IpAddress>> parse_host_ip(std::string_view text) {
  if (text.empty()) return std::optional<IpAddress>{};
  std::string_view bare = text;
  const bool bracketed = bare.front() == '[';
  if (bracketed) bare = bare.back() == ']' ? bare.substr(1, bare.size() - 2) : std::string_view{};
  const auto ip = IpAddress::parse(bare);
  if (ip && !(bracketed && bare.find(':') == std::string_view::npos)) {
    return std::optional<IpAddress>(*ip);
  }
  const bool looks_v6 = text.find(':') != std::string_view::npos;
  return invalid("Invalid ip address: " + std::string(text) +
                 (looks_v6 ? " (write IPv6 in brackets: [::1]:8080:80)"
                           : " (host names are not resolved here)"));
}

Result<std::optional<PortRange>> parse_host_ports(std::string_view text) {
  if (text.empty()) return std::optional<PortRange>{};
  const auto range = parse_range(text);
  if (!range || (range->first == 0 && range->last != 0)) {
    return invalid("Invalid hostPort: " + std::string(text) + std::string(kPortHint));
  }
  // 0 is the kernel's choice, as if nothing stood there.
  if (range->first == 0) return std::optional<PortRange>{};
  return std::optional<PortRange>(*range);
}

Status<> check_ranges(const PortRange& container, const std::optional<PortRange>& host,
                      const Fields& fields) {
  if (container.size() > limits::kPublishedPorts) {
    return Error{ErrorCode::exhausted,
                 "Too many ports in one range: " + std::string(fields.container) + " (at most " +
                     std::to_string(limits::kPublishedPorts) + ")"};
  }
  // Several host ports for one container port are candidates; else the ranges pair up.
  if (!host || container.size() == 1 || host->size() == container.size()) return {};
  const std::string_view container_text = fields.container.substr(0, fields.container.find('/'));
  return invalid(
      "Invalid ranges specified for container and host Ports: " + std::string(container_text) +
      " and " + std::string(fields.host) + " (both must be equally long)");
}

std::string text_of(const PortRange& range) {
  const std::string first = std::to_string(range.first);
  return range.size() == 1 ? first : first + "-" + std::to_string(range.last);
}

std::string suffix(Protocol protocol) {
  return "/" + std::string(to_string(protocol));
}

// One entry of the PORTS column while it is collected.
struct Run {
  std::optional<IpAddress> host_ip;  // none: exposed only
  std::uint16_t host_first = 0;
  PortRange container;
  Protocol protocol = Protocol::tcp;

  bool extends_to(const std::optional<IpAddress>& ip, std::uint16_t host_port,
                  std::uint16_t container_port, Protocol other) const noexcept {
    return ip == host_ip && other == protocol && container_port == container.last + 1 &&
           (!host_ip || host_port == host_first + container.size());
  }

  std::string to_string() const {
    const std::string inside = text_of(container) + suffix(protocol);
    if (!host_ip) return inside;
    const auto last = static_cast<std::uint16_t>(host_first + container.size() - 1);
    const std::string ip =
        host_ip->is_v4() ? host_ip->to_string() : "[" + host_ip->to_string() + "]";
    return ip + ":" + text_of({host_first, last}) + "->" + inside;
  }
};

void add_to_runs(std::vector<Run>& runs, const std::optional<IpAddress>& ip,
                 std::uint16_t host_port, std::uint16_t container_port, Protocol protocol) {
  const auto run = std::find_if(runs.begin(), runs.end(), [&](const Run& candidate) {
    return candidate.extends_to(ip, host_port, container_port, protocol);
  });
  if (run != runs.end()) {
    run->container.last = container_port;
  } else {
    runs.push_back({ip, host_port, {container_port, container_port}, protocol});
  }
}

// IPv4 is held as mapped IPv6, so [::] would sort before 0.0.0.0; people expect IPv4 first.
auto display_order(const Run& run) {
  return std::tuple(run.container.first, run.protocol, !run.host_ip,
                    run.host_ip ? !run.host_ip->is_v4() : true, run.host_ip, run.host_first);
}

}  // namespace

std::string PortSpec::to_string() const {
  std::string text;
  if (host_ip)
    text = (host_ip->is_v4() ? host_ip->to_string() : "[" + host_ip->to_string() + "]") + ":";
  if (host_ports) text += text_of(*host_ports);
  if (host_ip || host_ports) text += ":";
  return text + std::to_string(container_port) + suffix(protocol);
}

std::string ExposedPort::to_string() const {
  return std::to_string(port) + suffix(protocol);
}

std::string HostPort::to_string() const {
  return SocketAddress{ip, port}.to_string();
}

std::string PortBinding::to_string() const {
  return host.to_string() + "->" + std::to_string(container_port) + suffix(host.protocol);
}

Result<std::vector<PortSpec>> parse_publication(std::string_view text) {
  const Fields fields = split(text);
  const auto inside = parse_container(fields.container, text);
  if (!inside) return inside.error();
  const auto ip = parse_host_ip(fields.ip);
  if (!ip) return ip.error();
  const auto host = parse_host_ports(fields.host);
  if (!host) return host.error();
  if (auto checked = check_ranges(inside->ports, *host, fields); !checked) return checked.error();

  std::vector<PortSpec> specs;
  for (std::size_t i = 0; i < inside->ports.size(); ++i) {
    const auto offset = static_cast<std::uint16_t>(i);
    PortSpec spec{*ip, *host, static_cast<std::uint16_t>(inside->ports.first + offset),
                  inside->protocol};
    if (*host && inside->ports.size() > 1) {
      const auto port = static_cast<std::uint16_t>((*host)->first + offset);
      spec.host_ports = PortRange{port, port};
    }
    specs.push_back(spec);
  }
  return specs;
}

Result<std::vector<PortSpec>> parse_publications(std::span<const std::string> texts) {
  std::vector<PortSpec> all;
  std::set<PortSpec> known;
  for (const std::string& text : texts) {
    const auto specs = parse_publication(text);
    if (!specs) return specs.error();
    for (const PortSpec& spec : *specs) {
      if (known.insert(spec).second) all.push_back(spec);
    }
    if (all.size() > limits::kPublishedPorts) {
      return Error{ErrorCode::exhausted, "Too many published ports (at most " +
                                             std::to_string(limits::kPublishedPorts) + ")"};
    }
  }
  return all;
}

Result<std::vector<ExposedPort>> parse_exposed(std::string_view text) {
  if (text.find(':') != std::string_view::npos) {
    return invalid("Invalid port format for --expose: " + std::string(text) +
                   " (use PORT[-PORT][/tcp|udp]; -p publishes on the host)");
  }
  const auto inside = parse_container(text, text);
  if (!inside) return inside.error();
  std::vector<ExposedPort> ports;
  for (unsigned port = inside->ports.first; port <= inside->ports.last; ++port) {
    ports.push_back({static_cast<std::uint16_t>(port), inside->protocol});
  }
  return ports;
}

Result<std::vector<ExposedPort>> parse_exposed(std::span<const std::string> texts) {
  std::vector<ExposedPort> all;
  for (const std::string& text : texts) {
    const auto ports = parse_exposed(text);
    if (!ports) return ports.error();
    all.insert(all.end(), ports->begin(), ports->end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

std::string format_ports(std::span<const PortBinding> bindings,
                         std::span<const ExposedPort> exposed) {
  std::vector<PortBinding> sorted(bindings.begin(), bindings.end());
  std::sort(sorted.begin(), sorted.end(), [](const PortBinding& a, const PortBinding& b) {
    return std::tie(a.host.ip, a.host.protocol, a.container_port, a.host.port) <
           std::tie(b.host.ip, b.host.protocol, b.container_port, b.host.port);
  });
  std::vector<ExposedPort> published;
  std::vector<Run> runs;
  for (const PortBinding& binding : sorted) {
    add_to_runs(runs, binding.host.ip, binding.host.port, binding.container_port,
                binding.host.protocol);
    published.push_back({binding.container_port, binding.host.protocol});
  }
  std::sort(published.begin(), published.end());
  for (const ExposedPort& port : exposed) {
    if (std::binary_search(published.begin(), published.end(), port)) continue;
    add_to_runs(runs, std::nullopt, 0, port.port, port.protocol);
  }
  std::sort(runs.begin(), runs.end(),
            [](const Run& a, const Run& b) { return display_order(a) < display_order(b); });
  std::string text;
  for (const Run& run : runs) {
    if (!text.empty()) text += ", ";
    text += run.to_string();
  }
  return text;
}

}  // namespace pontoon::proxy
