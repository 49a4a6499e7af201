// Impairments over the API, and which network a target is about.
#include "control/api_routes.h"
#include "control/json.h"
#include "tests/unit/control/service_world.h"

using namespace pontoon;
using namespace pontoon::control;
using test::ServiceWorld;

namespace {

struct NoAttachments final : Attachments {
  Status<> detach(std::string_view) override { return {}; }
  void stop() override {}
};

struct World : ServiceWorld {
  World() {
    NetworkRequest request;
    request.name = "back";
    REQUIRE(service->create_network(request));
    for (const auto& [name, network] :
         {std::pair("web", "default"), std::pair("db", "default"), std::pair("far", "back")}) {
      EndpointRequest endpoint;
      endpoint.name = name;
      endpoint.network = network;
      REQUIRE(service->reserve(endpoint));
    }
  }
  ApiResponse call(std::string_view method, std::string_view target, std::string_view body = {}) {
    NoAttachments attachments;
    return answer(*service, attachments, {method, target, body});
  }
  ApiResponse impair(const std::string& target, std::vector<std::string> words = {"loss=1%"}) {
    return call("POST", "/v1/impairments", encode(ImpairmentRequest{target, words, 7}));
  }
  ApiResponse clear(const std::string& target) {
    return call("POST", "/v1/impairments/clear", encode(ImpairmentRequest{target, {}, {}}));
  }
  std::string error_of(const ApiResponse& response, unsigned status) {
    CHECK(response.status == status);
    return decode_error(response.body).message;
  }
};

}  // namespace

TEST_CASE("impairments are set, listed and cleared over the API") {
  World world;
  CHECK(world.call("GET", "/v1/impairments").body == "[]");
  const auto set = decode<ImpairmentInfo>(world.impair("web -> db", {"delay=20ms"}).body);
  REQUIRE(set);
  CHECK(set->network == "default");
  CHECK(set->target == "web -> db");
  CHECK(set->seed == 7);
  CHECK(world.impair("far").status == 200);
  CHECK(world.impair("back").status == 200);
  const auto all = decode<std::vector<ImpairmentInfo>>(world.call("GET", "/v1/impairments").body);
  REQUIRE(all);
  REQUIRE(all->size() == 3);
  CHECK((*all)[1].network == "back");
  CHECK((*all)[2].target == "network:back");
  CHECK(world.service->endpoint("web")->impairments ==
        std::vector<std::string>{"web -> db delay=20ms"});
  CHECK(world.clear("web -> db").body == R"({"cleared":1})");
  CHECK(world.clear("").body == R"({"cleared":2})");
  CHECK(world.clear("").body == R"({"cleared":0})");
}

TEST_CASE("a target finds its network, or the error says what there is") {
  World world;
  CHECK(world.impair("web host").status == 200);
  CHECK(world.impair("host -> far").status == 200);
  CHECK(world.impair("network:default").status == 200);
  using Catch::Contains;
  CHECK_THAT(world.error_of(world.impair("nobody"), 404), Contains("endpoint or network: nobody"));
  CHECK_THAT(world.error_of(world.impair("web nobody"), 404), Contains("No such endpoint: nobody"));
  CHECK_THAT(world.error_of(world.impair("network:x"), 404), Contains("No such network: x"));
  CHECK_THAT(world.error_of(world.impair("web far"), 400), Contains("there is nothing between"));
  CHECK_THAT(world.error_of(world.impair("a b c"), 400), Contains("Invalid target"));
  CHECK_THAT(world.error_of(world.impair("web", {}), 400), Contains("nothing is said"));
  CHECK_THAT(world.error_of(world.clear("db"), 404), Contains("Nothing is impaired on \"db\""));
  CHECK_THAT(world.error_of(world.clear("a b c"), 400), Contains("Invalid target"));
}

TEST_CASE("requests about impairments that make no sense are refused") {
  World world;
  for (const char* body : {"", "[]", "{}", R"({"target":7})", R"({"goal":"web"})"}) {
    INFO(body);
    CHECK(world.call("POST", "/v1/impairments", body).status == 400);
  }
  CHECK(world.call("DELETE", "/v1/impairments").status == 400);
  CHECK(world.call("POST", "/v1/impairments/undo", "{}").status == 400);
  CHECK(world.call("GET", "/v1/impairments/clear").status == 400);
}
