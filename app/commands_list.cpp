#include <fmt/format.h>

#include <cstdio>

#include "app/commands.h"
#include "app/daemon_launcher.h"
#include "app/table.h"
#include "control/json.h"
#include "control/names.h"

namespace pontoon::app {
namespace {

constexpr std::size_t kCommandWidth = 20;

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

int print_json(const std::string& body) {
  print(control::pretty(body) + "\n");
  return kOk;
}

// What cannot be a name is nobody's, and has no place in a request line.
Result<std::string> call_about(const control::Client& client, std::string_view method,
                               std::string_view collection, const std::string& name,
                               std::string_view rest = {}) {
  if (auto valid = control::check_name("name", name); !valid) return valid.error();
  return client.call(method, fmt::format("/v1/{}/{}{}", collection, name, rest));
}

std::chrono::seconds age(WallTime since) {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) - since;
}

// Fetches, then prints the answer as it is or hands it, decoded, to `show`.
template <class T, class Show>
int listing(const control::Client& client, std::string_view target, bool json, Show show) {
  const auto body = client.call("GET", target);
  if (!body) return fail(body.error());
  if (json) return print_json(*body);
  const auto value = control::decode<T>(*body);
  if (!value) return fail(value.error());
  return show(*value);
}

std::string status_text(const control::EndpointInfo& info) {
  if (info.status == control::EndpointStatus::reserved) return "Created";
  return "Up " + human_duration(age(info.created)) +
         (info.impairments.empty() ? "" : " (impaired)");
}

Result<std::vector<control::ImpairmentInfo>> impairments_of(const control::Client& client,
                                                            const std::string& network) {
  const auto body = client.call("GET", "/v1/impairments");
  if (!body) return body.error();
  auto all = control::decode<std::vector<control::ImpairmentInfo>>(*body);
  if (!all) return all.error();
  std::erase_if(*all, [&](const control::ImpairmentInfo& info) {
    return !control::same_name(info.network, network);
  });
  return std::move(*all);
}

Error no_such_port(const std::string& name, const std::string& port) {
  return {ErrorCode::not_found, fmt::format("no public port '{}' published for {}", port, name)};
}

}  // namespace

int list_endpoints(const control::Client& client, bool json, bool quiet) {
  using Endpoints = std::vector<control::EndpointInfo>;
  return listing<Endpoints>(client, "/v1/endpoints", json, [quiet](const Endpoints& endpoints) {
    Table table{"ENDPOINT ID", "NETWORK", "ADDRESS", "LINK", "COMMAND",
                "CREATED",     "STATUS",  "PORTS",   "NAMES"};
    for (const control::EndpointInfo& info : endpoints) {
      if (quiet) print(info.id + "\n");
      table.row({info.id, info.network, info.ipv4.address.to_string(), info.link,
                 quoted(info.command, kCommandWidth), human_duration(age(info.created)) + " ago",
                 status_text(info), info.ports_text, info.name});
    }
    if (!quiet) print(table.to_string());
    return kOk;
  });
}

int inspect_endpoint(const control::Client& client, const std::string& name) {
  const auto body = call_about(client, "GET", "endpoints", name);
  if (!body) return fail(body.error());
  return print_json("[" + *body + "]");
}

int list_ports(const control::Client& client, const std::string& name, const std::string& port,
               bool json) {
  const auto body = call_about(client, "GET", "endpoints", name);
  if (!body) return fail(body.error());
  const auto info = control::decode<control::EndpointInfo>(*body);
  if (!info) return fail(info.error());
  const std::string wanted =
      port.empty() || port.find('/') != std::string::npos ? port : port + "/tcp";
  std::string text;
  std::string list;
  for (const control::PortMapping& mapping : info->ports) {
    const std::string inner =
        fmt::format("{}/{}", mapping.container_port, to_string(mapping.protocol));
    if (!wanted.empty() && wanted != inner) continue;
    text += wanted.empty() ? fmt::format("{} -> {}\n", inner, mapping.host.to_string())
                           : mapping.host.to_string() + "\n";
    list +=
        fmt::format(R"({}{{"container_port":{},"protocol":"{}","host_ip":"{}","host_port":{}}})",
                    list.empty() ? "" : ",", mapping.container_port, to_string(mapping.protocol),
                    mapping.host.ip.to_string(), mapping.host.port);
  }
  if (text.empty() && !wanted.empty()) return fail(no_such_port(name, wanted));
  if (json) return print_json("[" + list + "]");
  print(text);
  return kOk;
}

int list_leases(const control::Client& client, bool json) {
  using Leases = std::vector<control::LeaseInfo>;
  return listing<Leases>(client, "/v1/leases", json, [](const Leases& leases) {
    Table table{"NETWORK", "ADDRESS", "MAC ADDRESS", "STATE", "EXPIRES", "NAME"};
    for (const control::LeaseInfo& lease : leases) {
      std::string expires = lease.state == "bound" ? "with the endpoint" : "-";
      if (lease.expires_in_s)
        expires = "in " + human_duration(std::chrono::seconds(*lease.expires_in_s));
      table.row({lease.network, lease.address.to_string(), lease.mac.to_string(), lease.state,
                 expires, lease.name});
    }
    print(table.to_string());
    return kOk;
  });
}

int list_flows(const control::Client& client, bool json) {
  using Flows = std::vector<control::FlowInfo>;
  return listing<Flows>(client, "/v1/flows", json, [](const Flows& flows) {
    Table table{"NETWORK", "PROTOCOL", "INITIATOR", "TARGET", "STATE", "BYTES OUT", "BYTES IN"};
    for (const control::FlowInfo& flow : flows) {
      table.row({flow.network, flow.protocol, flow.initiator.to_string(), flow.target.to_string(),
                 flow.state, std::to_string(flow.bytes_out), std::to_string(flow.bytes_in)});
    }
    print(table.to_string());
    return kOk;
  });
}

int detach(const control::Client& client, const std::string& name) {
  const auto body = call_about(client, "DELETE", "endpoints", name);
  if (!body) return fail(body.error());
  print(name + "\n");
  return kOk;
}

int list_networks(const control::Client& client, bool json, bool quiet) {
  using Networks = std::vector<control::NetworkInfo>;
  return listing<Networks>(client, "/v1/networks", json, [quiet](const Networks& networks) {
    Table table{"NETWORK ID", "NAME", "DRIVER", "SCOPE", "SUBNET", "GATEWAY", "ENDPOINTS"};
    for (const control::NetworkInfo& info : networks) {
      if (quiet) print(info.spec.id + "\n");
      table.row({info.spec.id, info.spec.name, "bridge", "local", info.spec.subnet.to_string(),
                 info.spec.gateway.to_string(), std::to_string(info.endpoints)});
    }
    if (!quiet) print(table.to_string());
    return kOk;
  });
}

int create_network(const control::Client& client, const control::NetworkRequest& request,
                   bool json) {
  if (auto running = ensure_daemon(client.paths()); !running) return fail(running.error());
  const auto body = client.call("POST", "/v1/networks", control::encode(request));
  if (!body) return fail(body.error());
  if (json) return print_json(*body);
  const auto spec = control::decode<control::NetworkSpec>(*body);
  if (!spec) return fail(spec.error());
  print(spec->id + "\n");
  return kOk;
}

// The network, its endpoints, why frames were dropped there, and what is impaired, in one document.
int inspect_network(const control::Client& client, const std::string& name) {
  const auto network = call_about(client, "GET", "networks", name);
  if (!network) return fail(network.error());
  const auto endpoints = client.call("GET", "/v1/endpoints");
  if (!endpoints) return fail(endpoints.error());
  const auto drops = call_about(client, "GET", "networks", name, "/drops");
  if (!drops) return fail(drops.error());
  const auto all = control::decode<std::vector<control::EndpointInfo>>(*endpoints);
  if (!all) return fail(all.error());
  std::vector<control::EndpointInfo> here;
  for (const control::EndpointInfo& info : *all) {
    if (control::same_name(info.network, name)) here.push_back(info);
  }
  const auto info = control::decode<control::NetworkInfo>(*network);
  if (!info) return fail(info.error());
  const auto impairments = impairments_of(client, name);
  if (!impairments) return fail(impairments.error());
  return print_json(fmt::format(R"([{{"network":{},"endpoints":{},"drops":{},"impairments":{}}}])",
                                control::encode(info->spec), control::encode(here), *drops,
                                control::encode(*impairments)));
}

int remove_networks(const control::Client& client, const std::vector<std::string>& names) {
  int status = kOk;
  for (const std::string& name : names) {
    const auto body = call_about(client, "DELETE", "networks", name);
    if (body) {
      print(name + "\n");
    } else {
      status = fail(body.error());
    }
  }
  return status;
}

int version(const control::Client& client, bool json) {
  const auto body = client.call("GET", "/v1/version");
  if (json) {
    return print_json(
        fmt::format(R"({{"client":"{}","daemon":{}}})", control::kVersion, body ? *body : "null"));
  }
  print(
      fmt::format("pontoon {}\ndaemon: {}\n", control::kVersion, body ? "running" : "not running"));
  return kOk;
}

}  // namespace pontoon::app
