#include "dns/zone.h"

#include <catch2/catch.hpp>
#include <set>

using namespace pontoon;
using namespace pontoon::dns;
using Kind = Lookup::Kind;

namespace {

std::vector<IpAddress> addresses(std::initializer_list<const char*> texts) {
  std::vector<IpAddress> out;
  for (const char* text : texts)
    out.push_back(*IpAddress::parse(text));
  return out;
}

NetworkZoneSpec spec() {
  return {"default",
          {*IpPrefix::parse("172.17.0.0/16"), *IpPrefix::parse("fd00:1::/64")},
          addresses({"172.17.0.1", "fd00:1::1"}),
          addresses({"172.17.0.254"})};
}

std::shared_ptr<const ZoneSet> sample() {
  ZoneBuilder builder(spec(), 7);
  const std::string aliases[] = {"www", "api.example.com"};
  REQUIRE(builder.add_endpoint("web", aliases, addresses({"172.17.0.2", "fd00:1::2"})).ok());
  REQUIRE(builder.add_endpoint("db", {}, addresses({"172.17.0.3"})).ok());
  const std::string shared[] = {"www"};
  REQUIRE(builder.add_endpoint("web2", shared, addresses({"172.17.0.4"})).ok());
  REQUIRE(builder.add_empty_zone("back.internal").ok());
  return std::move(builder).build();
}

Lookup find(const ZoneSet& zones, std::string_view name, RecordType type = RecordType::a) {
  return zones.find(*Name::from_text(name), type);
}

std::set<std::string> values(const Lookup& lookup) {
  std::set<std::string> out;
  for (const Record& record : lookup.records) {
    const bool is_address = record.type == RecordType::a || record.type == RecordType::aaaa;
    out.insert(is_address ? record.address.to_string() : record.target.to_text());
  }
  return out;
}

using Set = std::set<std::string>;

}  // namespace

TEST_CASE("an endpoint has its three names, in any case") {
  const auto zones = sample();
  for (const char* name : {"web", "web.default", "web.default.internal", "WEB.dEFAULT.Internal"}) {
    INFO(name);
    CHECK(values(find(*zones, name)) == Set{"172.17.0.2"});
    CHECK(values(find(*zones, name, RecordType::aaaa)) == Set{"fd00:1::2"});
    CHECK(find(*zones, name, RecordType::mx).kind == Kind::no_data);
  }
  CHECK(find(*zones, "db", RecordType::aaaa).kind == Kind::no_data);
}

TEST_CASE("an alias that several share has all their addresses") {
  const auto zones = sample();
  for (const char* name : {"www", "www.default", "www.default.internal"})
    CHECK(values(find(*zones, name)) == Set{"172.17.0.2", "172.17.0.4"});
}

TEST_CASE("a dotted alias is ours, its surroundings are not") {
  const auto zones = sample();
  CHECK(values(find(*zones, "api.example.com")) == Set{"172.17.0.2"});
  CHECK(find(*zones, "api.example.com", RecordType::mx).kind == Kind::no_data);
  CHECK(find(*zones, "example.com").kind == Kind::not_ours);
  CHECK(find(*zones, "www.example.com").kind == Kind::not_ours);
  CHECK(values(find(*zones, "api.example.com.default.internal")) == Set{"172.17.0.2"});
  // Between it and the zone's apex: an empty non-terminal.
  CHECK(find(*zones, "com.default.internal").kind == Kind::no_data);
  CHECK(find(*zones, "org.default.internal").kind == Kind::nx_domain);
}

TEST_CASE("the gateway and the host have their names, Docker's and Podman's") {
  const auto zones = sample();
  CHECK(values(find(*zones, "gateway.pontoon.internal")) == Set{"172.17.0.1"});
  CHECK(values(find(*zones, "gateway.docker.internal", RecordType::aaaa)) == Set{"fd00:1::1"});
  for (const char* name :
       {"host.pontoon.internal", "host.docker.internal", "host.containers.internal"}) {
    CHECK(values(find(*zones, name)) == Set{"172.17.0.254"});
    CHECK(find(*zones, name, RecordType::aaaa).kind == Kind::no_data);
  }
  CHECK(find(*zones, "nobody.pontoon.internal").kind == Kind::nx_domain);
}

TEST_CASE("addresses point back to the full name") {
  const auto zones = sample();
  const auto pointer = [&](const char* address) {
    return zones->find(Name::reverse(*IpAddress::parse(address)), RecordType::ptr);
  };
  CHECK(values(pointer("172.17.0.2")) == Set{"web.default.internal"});
  CHECK(values(pointer("fd00:1::2")) == Set{"web.default.internal"});
  CHECK(values(pointer("172.17.0.1")) == Set{"gateway.pontoon.internal"});
  CHECK(values(pointer("127.0.0.1")) == Set{"localhost"});
  CHECK(values(pointer("::1")) == Set{"localhost"});
  CHECK(pointer("172.17.9.9").kind == Kind::nx_domain);
  CHECK(pointer("fd00:1::9").kind == Kind::nx_domain);
  CHECK(pointer("127.1.2.3").kind == Kind::nx_domain);
  CHECK(pointer("172.18.0.2").kind == Kind::not_ours);
  CHECK(pointer("fd00:2::2").kind == Kind::not_ours);
  CHECK(find(*zones, "0.17.172.in-addr.arpa", RecordType::ptr).kind == Kind::no_data);
  CHECK(find(*zones, "17.172.in-addr.arpa", RecordType::soa).kind == Kind::records);
  CHECK(find(*zones, "172.in-addr.arpa", RecordType::ptr).kind == Kind::not_ours);
}

TEST_CASE("prefixes that do not end at a label have as many zones as they need") {
  for (const auto& [text, inside, outside] :
       {std::tuple{"192.168.16.0/20", "192.168.31.255", "192.168.32.0"},
        std::tuple{"10.0.0.64/26", "10.0.0.127", "10.0.0.128"},
        std::tuple{"10.128.0.0/9", "10.255.0.1", "10.127.255.255"},
        std::tuple{"fd00::/62", "fd00:0:0:3::1", "fd00:0:0:4::1"},
        std::tuple{"10.1.2.3/32", "10.1.2.3", "10.1.2.4"}}) {
    INFO(text);
    NetworkZoneSpec odd = spec();
    odd.prefixes = {*IpPrefix::parse(text)};
    const auto zones = ZoneBuilder(odd, 1).build();
    const auto kind = [&](const IpAddress& address) {
      return zones->find(Name::reverse(address), RecordType::ptr).kind;
    };
    CHECK(kind(*IpAddress::parse(inside)) != Kind::not_ours);
    CHECK(kind(odd.prefixes[0].network()) != Kind::not_ours);
    CHECK(kind(*IpAddress::parse(outside)) == Kind::not_ours);
  }
}

TEST_CASE("single labels are never anyone else's, save for what resolvers ask") {
  const auto zones = sample();
  CHECK(find(*zones, "nosuch").kind == Kind::nx_domain);
  CHECK(find(*zones, "nosuch").zone.is_root());
  CHECK(find(*zones, "org", RecordType::aaaa).kind == Kind::nx_domain);
  CHECK(find(*zones, "com").kind == Kind::no_data);  // api.example.com exists
  for (const RecordType type :
       {RecordType::ns, RecordType::soa, RecordType::ds, RecordType::dnskey}) {
    CHECK(find(*zones, "org", type).kind == Kind::not_ours);
    CHECK(find(*zones, "com", type).kind == Kind::not_ours);  // above a dotted alias
    CHECK(find(*zones, "web", type).kind == Kind::no_data);
  }
  // web.default exists, so default does not not exist.
  CHECK(find(*zones, "default").kind == Kind::no_data);
  CHECK(find(*zones, "nosuch.default").kind == Kind::not_ours);
  CHECK(find(*zones, ".", RecordType::ns).kind == Kind::not_ours);
}

TEST_CASE("zones have SOA and NS at the apex, and deny in their own name") {
  const auto zones = sample();
  CHECK(find(*zones, "default.internal", RecordType::soa).kind == Kind::records);
  CHECK(values(find(*zones, "default.internal", RecordType::ns)) ==
        Set{"gateway.pontoon.internal"});
  CHECK(find(*zones, "default.internal").kind == Kind::no_data);
  CHECK(find(*zones, "internal").kind == Kind::no_data);  // RFC 8020: there are names below it
  CHECK(find(*zones, "internal", RecordType::ns).kind == Kind::not_ours);
  CHECK(find(*zones, "other.internal").kind == Kind::not_ours);
  const Lookup denied = find(*zones, "x.y.default.internal");
  CHECK(denied.kind == Kind::nx_domain);
  CHECK(denied.zone.to_text() == "default.internal");
  CHECK(zones->serial() == 7);
  CHECK(zones->soa().primary.to_text() == "gateway.pontoon.internal");
}

TEST_CASE("other networks' names are denied, foreign ones below internal are not ours") {
  const auto zones = sample();
  CHECK(find(*zones, "web.back.internal").kind == Kind::nx_domain);
  CHECK(find(*zones, "vm.project.internal").kind == Kind::not_ours);
}

TEST_CASE("names with a meaning of their own") {
  const auto zones = sample();
  for (const char* name : {"localhost", "LOCALHOST", "app.localhost", "a.b.localhost"}) {
    CHECK(values(find(*zones, name)) == Set{"127.0.0.1"});
    CHECK(values(find(*zones, name, RecordType::aaaa)) == Set{"::1"});
    CHECK(find(*zones, name, RecordType::txt).kind == Kind::no_data);
  }
  for (const char* name : {"x.invalid", "x.onion", "_dns.resolver.arpa"})
    CHECK(find(*zones, name).kind == Kind::nx_domain);
}

TEST_CASE("ANY gives one set of records") {
  const auto zones = sample();
  CHECK(values(find(*zones, "web", RecordType::any)) == Set{"172.17.0.2"});
  CHECK(find(*zones, "com.default.internal", RecordType::any).kind == Kind::no_data);
}

TEST_CASE("what cannot be a name is refused, and nothing of it is added") {
  ZoneBuilder builder(spec(), 1);
  const auto code = [&](std::string_view name, std::vector<std::string> aliases = {}) {
    const auto status = builder.add_endpoint(name, aliases, addresses({"172.17.0.9"}));
    REQUIRE_FALSE(status.ok());
    return status.error().code;
  };
  for (const char* name : {"", ".", "-a", "a-", "a b", "a/b"}) {
    INFO(name);
    CHECK(code(name) == ErrorCode::invalid_argument);
  }
  CHECK(code(std::string(64, 'a')) == ErrorCode::invalid_argument);
  CHECK(code("localhost") == ErrorCode::conflict);
  CHECK(code("x.docker.internal") == ErrorCode::conflict);
  CHECK(code("good", {"bad name"}) == ErrorCode::invalid_argument);
  CHECK(builder.add_endpoint("under_score", {}, addresses({"172.17.0.8"})).ok());
  const auto zones = std::move(builder).build();
  CHECK(find(*zones, "good").kind == Kind::nx_domain);
  CHECK(zones->find(Name::reverse(*IpAddress::parse("172.17.0.9")), RecordType::ptr).kind ==
        Kind::nx_domain);
  CHECK(find(*zones, "under_score").kind == Kind::records);
}

TEST_CASE("network names that would collide with our own zones are refused") {
  CHECK(ZoneBuilder::check_network_name("default").ok());
  CHECK(ZoneBuilder::check_network_name("dev").ok());
  CHECK(ZoneBuilder::check_network_name("Docker").error().code == ErrorCode::conflict);
  CHECK(ZoneBuilder::check_network_name("a.b").error().code == ErrorCode::invalid_argument);
}

TEST_CASE("a network named like a top-level domain does not hide it") {
  NetworkZoneSpec named = spec();
  named.network = "dev";
  ZoneBuilder builder(named, 1);
  REQUIRE(builder.add_endpoint("web", {}, addresses({"172.17.0.2"})).ok());
  const auto zones = std::move(builder).build();
  CHECK(find(*zones, "web.dev").kind == Kind::records);
  CHECK(find(*zones, "go.dev").kind == Kind::not_ours);
  CHECK(find(*zones, "go.dev.internal").kind == Kind::nx_domain);
}

TEST_CASE("thirty thousand names are all found, and no other") {
  ZoneBuilder builder(spec(), 1);
  for (std::uint32_t i = 0; i < 10000; ++i) {
    const IpAddress address[] = {Ipv4Address{0xac110000U + i}};
    REQUIRE(builder.add_endpoint("host-" + std::to_string(i), {}, address).ok());
  }
  const auto zones = std::move(builder).build();
  for (std::uint32_t i = 0; i < 10000; i += 37) {
    const std::string name = "host-" + std::to_string(i);
    for (const char* suffix : {"", ".default", ".default.internal"})
      CHECK(values(find(*zones, name + suffix)) == Set{Ipv4Address{0xac110000U + i}.to_string()});
    CHECK(find(*zones, "x" + name).kind == Kind::nx_domain);
  }
}
