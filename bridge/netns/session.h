// What the client's side of an attachment needs from the daemon, whichever way it is reached. The
// implementation is above this folder; tests bring their own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/base/result.h"

namespace pontoon::bridge {

struct LinkHandle;

// What the daemon reserved for this endpoint, and what its namespace shall look like.
struct EndpointConfig {
  std::string name;      // the endpoint's, a DNS label
  std::string network;   // only for messages
  std::string hostname;  // of the new UTS namespace (`run` only)
  MacAddress mac;
  IpPrefix ipv4;  // the host part is the endpoint's address
  IpAddress gateway;
  std::optional<IpPrefix> ipv6;
  std::optional<IpAddress> gateway6;
  std::uint16_t mtu = 1500;
  IpAddress dns;
  std::vector<std::string> search;
  bool dhcp = false;  // no address is configured: a client inside asks for one
};

// The connection to the daemon. It is made before the agent forks and used by the agent only;
// closing its descriptor (which the agent's end does) detaches the endpoint.
//
// An agent in the background closes every descriptor but fd(): an implementation holds no other
// one between calls.
class AttachSession {
 public:
  enum class Event : std::uint8_t {
    none,
    removed,  // this endpoint was detached: the interface goes, a command lives on without it
    stopped,  // the daemon ends on purpose: a command is terminated
    lost,     // the daemon has gone without a word: try reconnect()
  };

  virtual ~AttachSession() = default;

  // Readable when next_event() has something to say; may change with reconnect(). The descriptor is
  // close-on-exec.
  virtual int fd() const = 0;
  // Passes the interface to the daemon (the kernel duplicates it; the handle stays usable) and
  // waits until it is attached.
  virtual Status<> hand_over(const LinkHandle& link) = 0;
  // Never blocks. `reason` is set with every event but none.
  virtual Event next_event(std::string& reason) = 0;
  // One bounded try to reach a restarted daemon, to reserve the same endpoint again and to hand the
  // link over.
  virtual Status<> reconnect(const LinkHandle& link) = 0;
};

}  // namespace pontoon::bridge
