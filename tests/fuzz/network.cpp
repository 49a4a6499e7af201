// The whole turn: two networks in a world, endpoints that send frames bent by the input, hosts,
// resolvers and disks that misbehave, and time.
//
// No frame of one network appears on the other, nobody hears another's address from an endpoint,
// one step makes a bounded number of frames, and when everybody has gone no frame is held.
#include <array>
#include <string>

#include "core/link/virtio_header.h"
#include "core/wire/ethernet.h"
#include "core/wire/ipv4.h"
#include "lab/world/world.h"
#include "tests/fuzz/support/frames.h"

namespace pontoon::fuzz {
namespace {

constexpr unsigned kSteps = 60;
constexpr std::size_t kMostFrames = 20000;
constexpr std::size_t kMembers = 4;  // two on each network

const IpAddress kOutside = Ipv4Address::of(198, 51, 100, 7);

MacAddress member_mac(unsigned number) {
  return endpoint_mac(number % 2 + (number < 2 ? 0U : 64U));
}
MacAddress gateway_mac_of(unsigned network) {
  MacAddress mac = gateway_mac();
  mac.octets[5] = static_cast<std::uint8_t>(network);
  return mac;
}

class Bench {
 public:
  Bench() {
    add_network("default", 0);
    add_network("back", 1);
    for (unsigned i = 0; i < kMembers; ++i)
      members_[i] = add_member(i);
    furnish();
    take_all();
  }

  void step(Input& input) {
    const unsigned kind = input.below(20);
    if (kind < 13) {
      send(input);
    } else if (kind < 15) {
      world_.run_for(std::chrono::milliseconds(1U << input.below(18)));
    } else {
      host_event(input, kind);
    }
    ORACLE(take_all() <= kMostFrames, "too many frames for one step");
  }

  void end() {
    world_.hold_disk(false);
    world_.fail_disk(false);
    for (lab::Member* member : members_) {
      if (member->plugged()) world_.remove_endpoint(*member);
    }
    world_.run_for(std::chrono::minutes(6));
    for (const char* network : {"default", "back"})
      ORACLE(world_.frames_in_use(network) == 0, "frames are held");
  }

 private:
  void add_network(const char* name, unsigned number) {
    auto spec = lab::spec_for(name, number == 0 ? "172.17.0.0/16" : "172.18.0.0/16");
    ORACLE(spec, "no network");
    spec->gateway_mac = gateway_mac_of(number);
    ORACLE(world_.add_network(*spec), "no network");
  }
  lab::Member* add_member(unsigned number) {
    static constexpr std::array<const char*, kMembers> kNames{"web", "shell", "db", "cache"};
    control::EndpointRequest request;
    request.name = kNames[number];
    request.network = number < 2 ? "default" : "back";
    request.mac = member_mac(number);
    request.ip = Ipv4Address::of(172, number < 2 ? 17 : 18, 0, 2 + number % 2);
    if (number == 0) request.publish = {"8080:80", "5353:53/udp"};
    PortFeatures features;
    features.checksum = features.tso4 = features.tso6 = features.uso = number % 2 == 1;
    const auto member = world_.add_endpoint(request, features);
    ORACLE(member, "no endpoint");
    return *member;
  }
  void furnish() {
    using lab::TcpService;
    TcpService echo{{kOutside, 80}};
    TcpService refusing{{kOutside, 9}};
    refusing.connect = TcpService::Connect::refuse;
    TcpService talking{{kOutside, 8080}};
    talking.greeting = std::string(3000, 'g');
    world_.actors().serve(echo);
    world_.actors().serve(refusing);
    world_.actors().serve(talking);
    world_.actors().serve(lab::UdpService{{kOutside, 7}});
    world_.actors().answer_echo(kOutside, std::chrono::milliseconds(1));
    ORACLE(world_.names().add({"example.com", "A", "198.51.100.7"}), "no record");
  }

  void send(Input& input) {
    const unsigned sender = input.below(kMembers);
    lab::Member& member = *members_[sender];
    if (!member.plugged()) return;
    std::vector<std::uint8_t> frame = make_frame(input, sender % 2);
    if (sender >= 2) move_to_back(frame);
    Offload offload;
    if (input.below(4) == 0) {
      const ByteView header = input.take(kVirtioHeaderSize);
      if (const auto read = read_virtio_header(header, frame.size())) offload = *read;
    }
    world_.send(member, frame, offload);
  }
  // The templates speak of 172.17.0.0/24 and the first network's stations.
  static void move_to_back(std::vector<std::uint8_t>& frame) {
    for (std::size_t i = 0; i + 3 <= frame.size(); ++i) {
      if (frame[i] == 172 && frame[i + 1] == 17) frame[i + 1] = 18;
    }
    for (std::size_t i = 0; i + 6 <= frame.size(); ++i) {
      const MacAddress mac = MacAddress::from(ByteView(frame).subspan(i, 6));
      if (mac == gateway_mac()) frame[i + 5] = 1;
      for (unsigned number = 0; number < 2; ++number) {
        if (mac == endpoint_mac(number)) frame[i + 5] = member_mac(number + 2).octets[5];
      }
    }
    repair(frame);
  }

  void host_event(Input& input, unsigned kind) {
    const SocketAddress from{Ipv4Address::of(192, 0, 2, 9),
                             static_cast<std::uint16_t>(50000 + port_++)};
    switch (kind) {
      case 15:
        world_.actors().dial({from,
                              {Ipv4Address::of(127, 0, 0, 1), 8080},
                              world_.now(),
                              std::string(input.u16() % 5000, 'c'),
                              input.flag(),
                              std::nullopt});
        return world_.run_for(std::chrono::milliseconds(10));
      case 16:
        world_.actors().send(lab::UdpClient{from,
                                            {Ipv4Address::of(127, 0, 0, 1), 5353},
                                            world_.now(),
                                            std::string(input.u8(), 'd')});
        return world_.run_for(std::chrono::milliseconds(10));
      case 17:
        world_.names().set_mood(static_cast<lab::UpstreamNames::Mood>(input.below(5)));
        return;
      case 18:
        return input.flag() ? world_.hold_disk(input.flag()) : world_.fail_disk(input.flag());
      default:
        if (input.u8() == 77) world_.restart();
    }
  }

  std::size_t take_all() {
    std::size_t count = 0;
    for (unsigned i = 0; i < kMembers; ++i) {
      for (const lab::Bytes& frame : members_[i]->take_received()) {
        check(frame, i < 2 ? 0 : 1);
        ++count;
      }
    }
    return count;
  }
  static void check(ByteView frame, unsigned network) {
    const auto view = wire::EthernetView::parse(frame);
    ORACLE(view, "what an endpoint gets is no frame");
    const MacAddress source = view->source();
    ORACLE(source == gateway_mac_of(network) || source == member_mac(network * 2) ||
               source == member_mac(network * 2 + 1),
           "a frame from a station that is not on this network");
    if (view->ether_type() != wire::EtherType::ipv4) return;
    const auto packet = wire::Ipv4View::parse(view->payload());
    ORACLE(packet, "malformed IPv4");
    const unsigned other = network == 0 ? 18 : 17;
    ORACLE(packet->source().value >> 16 != (172U << 8 | other), "a packet from the other network");
  }

  lab::World world_{1};
  std::array<lab::Member*, kMembers> members_{};
  unsigned port_ = 0;
};

}  // namespace
}  // namespace pontoon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pontoon::fuzz;
  Input input(data, size);
  Bench bench;
  for (unsigned i = 0; i < kSteps && !input.empty(); ++i)
    bench.step(input);
  bench.end();
  return 0;
}
