#include "lab/replay/report.h"

#include <catch2/catch.hpp>

#include "tests/support/packets.h"

using namespace pontoon;
using namespace pontoon::test;
using lab::ReplayResult;

namespace {

ReplayResult small_result() {
  const Bytes frame = udp_frame(between("172.17.0.2", "172.17.0.1"), 4000, 7, as_bytes("hello"));
  ReplayResult result;
  result.played = 1;
  control::EndpointInfo web;
  web.name = "web";
  web.network = "default";
  web.mac = mac("02:00:00:00:00:01");
  web.ipv4 = *IpPrefix::parse("172.17.0.2/16");
  result.endpoints.push_back(web);
  result.events.push_back({1'000'000'000, "web", FrameEvent::from_endpoint, std::nullopt, frame});
  result.events.push_back(
      {1'000'250'000, "gateway", FrameEvent::dropped, DropReason::udp_no_flow, frame});
  result.events.push_back({3'500'000'999, "web", FrameEvent::to_endpoint, std::nullopt, {}});
  result.drops.push_back({"gateway", "udp_no_flow", 1});
  result.clients.push_back({lab::ClientOutcome::State::ended, "a\"\x1b"});
  result.notes.push_back("packet 3: cut to 96 of 1514 bytes");
  return result;
}

}  // namespace

TEST_CASE("report: the conversation line by line") {
  CHECK(lab::conversation_text(small_result()) ==
        "  0.000000 web     > 172.17.0.2 -> 172.17.0.1 UDP 4000 > 7 len 5\n"
        "  0.000250 gateway x 172.17.0.2 -> 172.17.0.1 DROPPED udp_no_flow: UDP 4000 > 7 len 5\n"
        "  2.500000 web     < Ethernet [Ethernet: ends after 0 bytes, within or before "
        "\"destination\"]\n"
        "client 1: ended, received \"a\\\"\\u001b\"\n"
        "dropped at gateway: 1 udp_no_flow\n"
        "note: packet 3: cut to 96 of 1514 bytes\n");
  CHECK(lab::conversation_text({}).empty());
}

TEST_CASE("report: the conversation for tools") {
  const std::string json = lab::conversation_json(small_result());
  CHECK(json.starts_with(
      R"({"played":1,"endpoints":[{"name":"web","network":"default","mac":"02:00:00:00:00:01",)"
      R"("ipv4":"172.17.0.2/16"}],"events":[{"time_ns":1000000000,"time":"0.000000","port":"web",)"
      R"("event":"sent","source":"172.17.0.2","target":"172.17.0.1",)"
      R"("summary":"UDP 4000 > 7 len 5","length":47,"layers":[{"protocol":"Ethernet","fields":[)"
      R"({"name":"destination","value":"02:00:00:00:00:02"})"));
  CHECK(json.find(R"(],"frame":"020000000002)") != std::string::npos);
  CHECK(json.find(R"("event":"dropped","reason":"udp_no_flow")") != std::string::npos);
  CHECK(json.find(R"("problem":"ends after 0 bytes, within or before \"destination\"")") !=
        std::string::npos);
  CHECK(json.ends_with(R"("clients":[{"state":"ended","received":"a\"\u001b"}],)"
                       R"("drops":[{"where":"gateway","reason":"udp_no_flow","count":1}],)"
                       R"("notes":["packet 3: cut to 96 of 1514 bytes"]})"
                       "\n"));
  CHECK(lab::conversation_json({}) ==
        R"({"played":0,"endpoints":[],"events":[],"clients":[],"drops":[],"notes":[]})"
        "\n");
}
