#include "control/state.h"

#include <sqlite3.h>

#include "tests/unit/control/temporary.h"

using namespace pontoon;
using namespace pontoon::control;
using test::TemporaryDirectory;

namespace {

NetworkSpec network(const std::string& name, const char* subnet = "172.20.0.0/16") {
  NetworkSpec spec;
  spec.id = "0123456789ab";
  spec.name = name;
  spec.subnet = *IpPrefix::parse(subnet);
  spec.gateway = Ipv4Address{spec.subnet.address.v4().value + 1};
  spec.mtu = 1400;
  spec.internal = true;
  spec.created = WallTime(std::chrono::seconds(1'700'000'000));
  return spec;
}

void run_sql(const std::string& path, const char* sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  const int done = sqlite3_exec(database, sql, nullptr, nullptr, nullptr);
  sqlite3_close(database);
  REQUIRE(done == SQLITE_OK);
}

std::unique_ptr<NetworkStore> open(const std::string& path) {
  auto store = NetworkStore::open(path);
  if (!store) FAIL(store.error().message);
  return std::move(*store);
}

}  // namespace

TEST_CASE("networks outlive the store") {
  const TemporaryDirectory base;
  const std::string path = base / "networks.db";
  {
    const auto store = open(path);
    CHECK(store->load()->empty());
    CHECK(store->put(network("back")));
    CHECK(store->put(network("front", "10.9.0.0/24")));
  }
  CHECK(test::mode_of(path) == 0600);
  const auto loaded = open(path)->load();
  REQUIRE(loaded);
  REQUIRE(loaded->size() == 2);
  const NetworkSpec& back = loaded->front();
  CHECK(back.name == "back");
  CHECK(back.id == "0123456789ab");
  CHECK(back.subnet == *IpPrefix::parse("172.20.0.0/16"));
  CHECK(back.gateway == Ipv4Address::of(172, 20, 0, 1));
  CHECK(back.mtu == 1400);
  CHECK(back.internal);
  CHECK(back.created == WallTime(std::chrono::seconds(1'700'000'000)));
}

TEST_CASE("putting a name again replaces it, whatever its case") {
  const TemporaryDirectory base;
  const auto store = open(base / "networks.db");
  CHECK(store->put(network("back")));
  CHECK(store->put(network("BACK", "10.9.0.0/24")));
  const auto loaded = store->load();
  REQUIRE(loaded);
  REQUIRE(loaded->size() == 1);
  CHECK(loaded->front().subnet == *IpPrefix::parse("10.9.0.0/24"));
}

TEST_CASE("an erased network is gone, erasing an unknown one is no error") {
  const TemporaryDirectory base;
  const auto store = open(base / "networks.db");
  CHECK(store->put(network("back")));
  CHECK(store->erase("Back"));
  CHECK(store->erase("nobody'; DROP TABLE networks; --"));
  CHECK(store->load()->empty());
}

TEST_CASE("a file of a newer version is left alone") {
  const TemporaryDirectory base;
  const std::string path = base / "networks.db";
  { CHECK(open(path)->put(network("back"))); }
  run_sql(path, "PRAGMA user_version=99");
  const auto refused = NetworkStore::open(path);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::unsupported);
  CHECK(refused.error().message.find(path) != std::string::npos);
  run_sql(path, "PRAGMA user_version=1");
  CHECK(open(path)->load()->size() == 1);
}

TEST_CASE("a file that is no database is refused and kept") {
  const TemporaryDirectory base;
  const std::string path = base / "networks.db";
  const std::string garbage(5000, 'g');
  test::write_file(path, garbage);
  const auto refused = NetworkStore::open(path);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find(path) != std::string::npos);
  std::ifstream file(path);
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == garbage);
}

TEST_CASE("a row that makes no sense is an error that names the file") {
  const TemporaryDirectory base;
  const std::string path = base / "networks.db";
  { CHECK(open(path)->put(network("back"))); }
  for (const char* sql : {"UPDATE networks SET spec='{\"mtu\":-1}'",
                          "UPDATE networks SET spec=x'00'", "UPDATE networks SET spec=''"}) {
    run_sql(path, sql);
    const auto loaded = open(path)->load();
    REQUIRE_FALSE(loaded);
    INFO(loaded.error().message);
    CHECK(loaded.error().message.find(path) != std::string::npos);
  }
}

TEST_CASE("a place where no file can be is an error that names it") {
  const TemporaryDirectory base;
  const auto missing = NetworkStore::open(base / "no/such/networks.db");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message.find("no/such/networks.db") != std::string::npos);
  CHECK_FALSE(NetworkStore::open(base.path()));
}
