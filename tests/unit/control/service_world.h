// A real Service over loopback and memory: its networks run on an io_context, leases are durable
// when the test says so.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>

#include "control/service.h"
#include "core/base/log.h"
#include "core/host/system.h"
#include "proxy/host_facts.h"
#include "proxy/port_table.h"
#include "tests/unit/control/temporary.h"

namespace pontoon::test {

struct NoFacts final : proxy::HostFacts {
  std::optional<proxy::PortHolder> port_holder(const proxy::HostPort&) const override {
    return std::nullopt;
  }
  std::uint16_t unprivileged_port_start() const override { return 0; }
};

struct ServiceWorld {
  ServiceWorld() {
    log::set_level(log::Level::off);
    start();
  }
  ~ServiceWorld() { log::set_level(log::Level::info); }

  // A daemon that starts with what the last one left on disk.
  void start() {
    service.reset();
    store.reset();
    auto opened = control::NetworkStore::open(directory / "networks.db");
    REQUIRE(opened);
    store = std::move(*opened);
    const control::HostShared shared{io, clock, random, leases, ports, facts};
    auto made = control::Service::create(shared, *store, leases.durable());
    if (!made) FAIL(made.error().message);
    service = std::move(*made);
  }

  // Handlers that are ready now, turns among them.
  void run() {
    io.restart();
    io.poll();
  }
  // Turns hand the leases over, the disk takes them, the service hears of it.
  void write_leases() {
    run();
    leases.complete_all();
    service->on_leases_written();
    run();
  }

  control::NetworkRequest request(const std::string& name, const char* subnet) const {
    control::NetworkRequest out;
    out.name = name;
    out.subnet = IpPrefix::parse(subnet);
    return out;
  }
  control::EndpointRequest endpoint(const std::string& name) const {
    control::EndpointRequest out;
    out.name = name;
    return out;
  }

  TemporaryDirectory directory;
  boost::asio::io_context io{1};
  host::SystemClock clock;
  SeededRandom random{7, "service"};
  dhcp::MemoryLeaseStore leases;
  proxy::PortTable ports;
  NoFacts facts;
  std::unique_ptr<control::NetworkStore> store;
  std::unique_ptr<control::Service> service;
};

}  // namespace pontoon::test
