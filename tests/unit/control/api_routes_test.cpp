#include "control/api_routes.h"

#include "control/json.h"
#include "tests/unit/control/service_world.h"

using namespace pontoon;
using namespace pontoon::control;
using test::ServiceWorld;

namespace {

struct RecordingAttachments final : Attachments {
  Status<> detach(std::string_view endpoint) override {
    detached.emplace_back(endpoint);
    if (endpoint == "nobody") return Error{ErrorCode::not_found, "No such endpoint: nobody"};
    return {};
  }
  void stop() override { ++stops; }
  std::vector<std::string> detached;
  int stops = 0;
};

struct World : ServiceWorld {
  ApiResponse call(std::string_view method, std::string_view target, std::string_view body = {}) {
    return answer(*service, attachments, {method, target, body});
  }
  void check_error(const ApiResponse& response, unsigned status, ErrorCode code) {
    INFO(response.body);
    CHECK(response.status == status);
    CHECK(decode_error(response.body).code == code);
  }
  RecordingAttachments attachments;
};

constexpr const char* kBack = R"({"name":"back","subnet":"10.210.0.0/24"})";

}  // namespace

TEST_CASE("networks are made, shown and removed over the API") {
  World world;
  const ApiResponse made = world.call("POST", "/v1/networks", kBack);
  CHECK(made.status == 200);
  const auto spec = decode<NetworkSpec>(made.body);
  REQUIRE(spec);
  CHECK(spec->name == "back");

  const auto all = decode<std::vector<NetworkInfo>>(world.call("GET", "/v1/networks").body);
  REQUIRE(all);
  CHECK(all->size() == 2);
  const ApiResponse one = world.call("GET", "/v1/networks/back");
  CHECK(one.status == 200);
  CHECK(decode<NetworkInfo>(one.body)->spec.id == spec->id);
  CHECK(world.call("GET", "/v1/networks/back/drops").body == "[]");

  const ApiResponse removed = world.call("DELETE", "/v1/networks/back");
  CHECK(removed.status == 200);
  CHECK(removed.body == "{}");
  world.check_error(world.call("GET", "/v1/networks/back"), 404, ErrorCode::not_found);
}

TEST_CASE("errors have the status that fits") {
  World world;
  REQUIRE(world.call("POST", "/v1/networks", kBack).status == 200);
  world.check_error(world.call("POST", "/v1/networks", kBack), 409, ErrorCode::already_exists);
  world.check_error(world.call("POST", "/v1/networks", R"({"name":"x","subnet":"10.210.0.0/25"})"),
                    409, ErrorCode::conflict);
  for (const char* body : {"", "{", "[]", R"({"name":"x","sub":"y"})", R"({"name":"x","mtu":"1"})",
                           R"({"name":"a b"})", "{}", R"({"name":"x","mtu":70000})"}) {
    INFO(body);
    world.check_error(world.call("POST", "/v1/networks", body), 400, ErrorCode::invalid_argument);
  }
  world.check_error(world.call("DELETE", "/v1/networks/default"), 409, ErrorCode::conflict);
  world.check_error(world.call("DELETE", "/v1/networks/none"), 404, ErrorCode::not_found);
  world.check_error(world.call("GET", "/v1/networks/none"), 404, ErrorCode::not_found);
  world.check_error(world.call("GET", "/v1/networks/none/drops"), 404, ErrorCode::not_found);
  world.check_error(world.call("GET", "/v1/endpoints/none"), 404, ErrorCode::not_found);
}

TEST_CASE("endpoints are shown, and detached through their attachment") {
  World world;
  REQUIRE(world.service->reserve(world.endpoint("web")));
  const auto all = decode<std::vector<EndpointInfo>>(world.call("GET", "/v1/endpoints").body);
  REQUIRE(all);
  REQUIRE(all->size() == 1);
  const ApiResponse one = world.call("GET", "/v1/endpoints/WEB");
  CHECK(decode<EndpointInfo>(one.body)->id == all->front().id);
  CHECK(world.call("DELETE", "/v1/endpoints/web").status == 200);
  CHECK(world.attachments.detached == std::vector<std::string>{"web"});
  world.check_error(world.call("DELETE", "/v1/endpoints/nobody"), 404, ErrorCode::not_found);
}

TEST_CASE("leases, flows and the version are lists and an object") {
  World world;
  REQUIRE(world.service->reserve(world.endpoint("web")));
  CHECK(decode<std::vector<LeaseInfo>>(world.call("GET", "/v1/leases").body)->size() == 1);
  CHECK(world.call("GET", "/v1/flows").body == "[]");
  const std::string version = world.call("GET", "/v1/version").body;
  CHECK(version.find("\"version\":\"" + std::string(kVersion) + "\"") != std::string::npos);
  CHECK(version.find("\"api\":1") != std::string::npos);
}

TEST_CASE("stop ends the daemon, and only as a POST") {
  World world;
  world.check_error(world.call("GET", "/v1/stop"), 404, ErrorCode::not_found);
  CHECK(world.attachments.stops == 0);
  CHECK(world.call("POST", "/v1/stop").status == 200);
  CHECK(world.attachments.stops == 1);
}

TEST_CASE("what is no resource or no verb of it is refused") {
  World world;
  for (const char* target : {"", "/", "//", "/v1", "/v1/", "/v2/networks", "/v1/nothing",
                             "/v1/leases/x", "/v1/flows/", "/v1/version/x", "networks", "*",
                             "http://x/v1/networks", "/v1/stop/x", "/../v1/networks"}) {
    INFO(target);
    const unsigned status = world.call("GET", target).status;
    CHECK(status == 404);
  }
  for (const char* target :
       {"/v1/networks/a/b/c", "/v1/networks/back/nothing", "/v1/endpoints/a/b"}) {
    INFO(target);
    CHECK(world.call("GET", target).status == 400);
  }
  CHECK(world.call("PUT", "/v1/networks").status == 400);
  CHECK(world.call("POST", "/v1/endpoints", "{}").status == 400);
  CHECK(world.call("DELETE", "/v1/networks").status == 400);
  CHECK(world.call("POST", "/v1/version").status == 404);
  CHECK(world.call("", "/v1/networks").status == 400);
}

TEST_CASE("a query behind the path is passed over") {
  World world;
  CHECK(world.call("GET", "/v1/networks?verbose=1").status == 200);
  CHECK(world.call("GET", "/v1/networks/default?").status == 200);
}

TEST_CASE("a target that is no text makes an answer that is JSON") {
  World world;
  const ApiResponse response = world.call("GET", "/v1/\xff\xfe");
  CHECK(response.status == 404);
  CHECK(decode_error(response.body).code == ErrorCode::not_found);
}
