// Two containers that find each other by name, and a published port: a plain program, which says
// what went wrong and ends with status 1.
#include <pontoon/testing.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace pt = pontoon::testing;
using namespace std::chrono_literals;

namespace {

// A DNS question for the address of `name` (RFC 1035 4).
std::string question(const std::string& name) {
  std::string query("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  std::size_t start = 0;
  while (start < name.size()) {
    const std::size_t end = std::min(name.find('.', start), name.size());
    query += static_cast<char>(end - start);
    query += name.substr(start, end - start);
    start = end + 1;
  }
  return query + std::string("\x00\x00\x01\x00\x01", 5);
}

// What the endpoint was told since it was last asked, a line for each frame.
std::string told(pt::Endpoint& endpoint) {
  std::string lines;
  for (const pt::Frame& frame : endpoint.take_received())
    lines += pt::describe(frame) + '\n';
  return lines;
}

bool holds(const std::string& lines, const std::string& text) {
  return lines.find(text) != std::string::npos;
}

int failures = 0;

void expect(bool right, const char* what, const std::string& lines) {
  std::printf("%s  %s\n%s", right ? "ok    " : "FAILED", what, right ? "" : lines.c_str());
  if (!right) ++failures;
}

void find_names(pt::World& world, pt::Endpoint& web, const pt::Endpoint& db) {
  // A query to the gateway's resolver, answered by the embedded server.
  web.send(web.udp_frame(4000, web.gateway() + ":53", question("db")));
  world.run_for(10ms);
  std::string lines = told(web);
  expect(holds(lines, db.address()), "web finds db by its name", lines);

  // A name outside: the upstream resolver takes 30 ms.
  world.add_name({"www.example.com", "A", "192.0.2.80"});
  world.set_upstream(pt::Upstream::well, 30ms);
  web.send(web.udp_frame(4001, web.gateway() + ":53", question("www.example.com")));
  world.run_for(20ms);
  lines = told(web);
  expect(!holds(lines, "192.0.2.80"), "no answer before the resolver has given one", lines);
  world.run_for(20ms);
  lines = told(web);
  expect(holds(lines, "192.0.2.80"), "then the answer", lines);
}

void reach_published_port(pt::World& world, pt::Endpoint& db) {
  pt::UdpClientOptions client;
  client.to = "127.0.0.1:7000";
  client.send = "hello";
  world.send(client);
  world.run_for(10ms);
  const std::string lines = told(db);
  expect(holds(lines, client.from.substr(0, 11)), "what comes to port 7000 reaches db", lines);
}

void run() {
  pt::World world;
  world.add_network();
  pt::Endpoint web = world.add_endpoint({"web"});
  pt::EndpointOptions options("db");
  options.publish = {"7000:7/udp"};
  pt::Endpoint db = world.add_endpoint(options);
  find_names(world, web, db);
  reach_published_port(world, db);
}

}  // namespace

int main() try {
  run();
  return failures == 0 ? 0 : 1;
} catch (const pt::Error& error) {
  std::printf("FAILED  %s\n", error.what());
  return 1;
}
