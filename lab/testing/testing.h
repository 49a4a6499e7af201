// pontoon::testing: whole container networks inside a test, in virtual time.
//
// Switch, gateway, DHCP, DNS, published ports and outbound connections are the product's own code;
// the host, the disk, the upstream resolver and the clock are played in memory. Nothing is
// privileged, nothing touches the machine's network, and the same seed and calls give the same
// bytes on every run.
//
//   #include <pontoon/testing.h>
//   namespace pt = pontoon::testing;
//
//   pt::World world;                                     // seed 1
//   world.add_network({});                               // "default", 172.17.0.0/16
//   pt::Endpoint web = world.add_endpoint({"web"});      // 172.17.0.2
//   web.send(web.udp_frame(4000, "172.17.0.1:53", dns_query));
//   world.run_for(std::chrono::milliseconds(20));
//   for (const pt::Frame& frame : web.take_received())
//     std::puts(pt::describe(frame).c_str());
//
// Frames are Ethernet frames without the check sequence. Addresses are text: "172.17.0.2",
// "[fd00::1]:80". Times are nanoseconds since the world began; time passes only in run_for().
//
// Errors: every function throws Error, and nothing else but std::bad_alloc, when what it was given
// makes no sense; its text says what was wrong and what would be right. A function that has thrown
// has changed nothing.
//
// A World and its handles belong to one thread at a time; several worlds don't know each other.
// Only the standard library is included here; C++17 is enough.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pontoon::testing {

using Bytes = std::vector<std::uint8_t>;
using Frame = Bytes;
using Duration = std::chrono::nanoseconds;

// The one exception. what() is for people.
class Error : public std::runtime_error {
 public:
  enum class Code : std::uint8_t {
    invalid,    // an argument is malformed
    not_found,  // what was named does not exist
    conflict,   // a name, an address or a port is taken
    other,      // a limit, or something that cannot be done
  };
  Error(Code code, const std::string& text) : std::runtime_error(text), code_(code) {}
  Code code() const noexcept { return code_; }

 private:
  Code code_;
};

struct NetworkOptions {
  std::string name = "default";
  std::string subnet = "172.17.0.0/16";  // the gateway has its first address
  std::uint16_t mtu = 1500;
  bool internal = false;             // nothing outside can be reached
  bool allow_host_loopback = false;  // host.pontoon.internal is the host's 127.0.0.1
};

struct EndpointOptions {
  std::string name;
  std::string network = "default";
  std::string address;               // empty: the next free one
  std::string mac;                   // empty: made from the address
  std::vector<std::string> aliases;  // further names in DNS
  std::vector<std::string> publish;  // as for -p: "8080:80", "127.0.0.1:5353:53/udp"
  bool dhcp = false;                 // the address waits for a DHCP client inside
  // ARP requests of other endpoints for its address are answered as a container's kernel would
  // (the gateway knows it without asking); they are among what it received all the same. False:
  // what answers is yours.
  bool answer_arp = true;

  EndpointOptions() = default;
  EndpointOptions(std::string its_name) : name(std::move(its_name)) {}
};

// A server outside, that endpoints connect to.
struct TcpServer {
  enum class Connect : std::uint8_t { accept, refuse, unreachable, hang };
  enum class Talk : std::uint8_t { echo, discard, reply, silent };

  std::string at;  // "10.0.0.1:80"
  Connect connect = Connect::accept;
  Talk talk = Talk::echo;
  Duration latency{};    // until the connect is decided, and again before each answer
  std::string greeting;  // sent at once
  std::string reply;     // with Talk::reply: once, after the first bytes, then an orderly end
  std::uint64_t read_bytes_per_s = 0;        // a slow reader; 0: as fast as bytes come
  std::optional<std::uint64_t> close_after;  // bytes read, then an orderly end
  std::optional<std::uint64_t> reset_after;  // bytes read, then a reset
};

struct UdpServer {
  enum class Answer : std::uint8_t { echo, reply, refuse, silent };

  std::string at;
  Answer answer = Answer::echo;
  Duration latency{};
  std::string reply;
};

// A client outside, that connects to a published port.
struct TcpClientOptions {
  std::string from = "203.0.113.9:50000";
  std::string to;    // "127.0.0.1:8080"
  Duration after{};  // from now
  std::string send;
  bool shut_down = true;                     // after what it sends
  std::optional<std::uint64_t> reset_after;  // bytes received
};

struct UdpClientOptions {
  std::string from = "203.0.113.9:50000";
  std::string to;
  Duration after{};
  std::string send;
};

// What the host's upstream resolver knows.
struct NameRecord {
  std::string name;        // "api.example.com"
  std::string type = "A";  // A AAAA CNAME PTR TXT MX SRV
  std::string data;        // "10.0.0.1"
  std::uint32_t ttl_s = 300;
};
enum class Upstream : std::uint8_t { well, slow, dead, refusing, lying };

// Frames that went no further.
struct Drop {
  std::string where;   // an endpoint's name, "gateway", "dhcp", ...
  std::string reason;  // "guard_source_ip"; docs/limits.md lists them
  std::uint64_t count = 0;
};

namespace detail {
struct WorldState;
struct EndpointState;
}  // namespace detail

// A handle; copies are the same endpoint. Valid as long as the world.
class Endpoint {
 public:
  const std::string& name() const;
  std::string mac() const;
  std::string address() const;
  std::string gateway() const;
  std::string gateway_mac() const;
  bool attached() const;  // false once removed

  // What stands in the container puts a frame on its link. Everything that follows at this moment
  // has happened when it returns.
  void send(const Frame& frame);
  // What came since the last call, oldest first.
  std::vector<Frame> take_received();

  // A UDP datagram from the endpoint, whole and with right checksums. The target's station is the
  // endpoint of this network that has the address, else the gateway.
  Frame udp_frame(std::uint16_t from_port, std::string_view to, std::string_view payload) const;
  Frame udp_frame(std::uint16_t from_port, std::string_view to, const Bytes& payload) const;
  // An ICMP echo request from the endpoint.
  Frame ping_frame(std::string_view to, std::uint16_t identifier, std::uint16_t sequence) const;

 private:
  friend class World;
  Endpoint(detail::WorldState& world, detail::EndpointState& state)
      : world_(&world), state_(&state) {}
  detail::WorldState* world_;
  detail::EndpointState* state_;
};

// A handle to what became of a client. Valid as long as the world.
class Client {
 public:
  enum class State : std::uint8_t { waiting, refused, talking, ended, reset };
  State state() const;
  const std::string& received() const;

 private:
  friend class World;
  explicit Client(const void* outcome) : outcome_(outcome) {}
  const void* outcome_;
};

class World {
 public:
  explicit World(std::uint64_t seed = 1);
  ~World();
  World(World&&) noexcept;
  World& operator=(World&&) noexcept;

  void add_network(const NetworkOptions& options = {});
  Endpoint add_endpoint(const EndpointOptions& options);
  Endpoint endpoint(std::string_view name);
  void remove(const Endpoint& endpoint);

  // Time passes: everything due until then happens, in order. A quiet week costs no more than its
  // timers.
  void run_for(Duration duration);
  Duration elapsed() const;

  // The world outside.
  void serve(const TcpServer& server);
  void serve(const UdpServer& server);
  void answer_ping(std::string_view address, Duration latency = {});
  // What a TCP server at that address has read so far, all connections together, and how often it
  // was connected to.
  std::string received_by(std::string_view server) const;
  std::size_t connections_of(std::string_view server) const;
  Client connect(const TcpClientOptions& client);
  Client send(const UdpClientOptions& client);
  void add_name(const NameRecord& record);
  void set_upstream(Upstream mood, Duration latency = {});

  // `pontoon impair`, by the same words: impair("web -> db", "delay=20ms loss=1%").
  void impair(std::string_view target, std::string_view words, std::uint64_t seed = 1);
  // How many rules went; an empty target: all.
  std::size_t clear_impairments(std::string_view target = {});

  // The daemon dies and comes back: flows are gone, endpoints return with their addresses.
  void restart();

  // So far, by place and reason.
  std::vector<Drop> drops() const;
  std::uint64_t drops(std::string_view where, std::string_view reason) const;
  // Everything at every endpoint since the beginning or the last call, as a pcapng file: one
  // interface for each endpoint, times since the world began, dropped frames once more with their
  // reason as a comment. Of more than kCaptureBytes of frames the oldest are left out.
  Bytes take_capture();
  static constexpr std::size_t kCaptureBytes = std::size_t{16} << 20;

 private:
  std::unique_ptr<detail::WorldState> state_;
};

// One line: "172.17.0.1 > 172.17.0.2 DNS NOERROR web A 172.17.0.3". Any bytes will do.
std::string describe(const Frame& frame);
// Protocol by protocol, one field a line, what is wrong with it included.
std::string details(const Frame& frame);

// What `pontoon replay` plays: a case.toml and the files that lie beside it, or a capture alone.
struct Replay {
  std::string case_toml;                  // empty: the case is made up from the capture (`adopt`)
  Bytes capture;                          // pcap or pcapng; may be empty when the case has clients
  std::map<std::string, Bytes> expected;  // by endpoint: the content of expected/NAME.pcapng
  bool compare = false;                   // with `expected`, even when it is empty
  std::vector<std::pair<std::string, std::string>> map;  // without a case: address or MAC to name
};
// From a directory with a case.toml, or from a capture file. Throws Error when there is none.
Replay read_replay(const std::string& path);

struct ReplayOutcome {
  bool equal = true;                  // with what was expected; true when nothing was
  std::string difference;             // for people: the first one, side by side; empty when equal
  std::string difference_json;        // for tools
  std::string conversation;           // a line for each frame, with who said what to whom
  std::map<std::string, Bytes> sent;  // by endpoint, as pcapng: what expected/ would hold
  std::vector<Drop> drops;
  std::size_t played = 0;          // packets of the capture
  std::vector<std::string> notes;  // what was decided, and what was not played
};
ReplayOutcome replay(const Replay& what);

}  // namespace pontoon::testing
