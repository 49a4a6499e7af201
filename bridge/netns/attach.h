// `pontoon attach`: an interface in the namespaces of a process that someone else started.
//
// The target keeps its own mounts, host name and resolv.conf: only its network namespace is
// touched. As in run.h, the calling process must have one thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "bridge/netns/link.h"
#include "bridge/netns/session.h"
#include "core/base/limits.h"

namespace pontoon::bridge {

struct AttachOptions {
  std::optional<pid_t> pid;  // exactly one of pid and netns_path
  std::string netns_path;    // such as /run/netns/NAME or /proc/PID/ns/net
  EndpointConfig endpoint;
  LinkChoice link = LinkChoice::automatic;
  std::string interface;  // empty: the first free one of eth0, eth1, …
  Duration daemon_return_wait = limits::kDaemonReturnWait;
  Duration reconnect_interval = limits::kReconnectInterval;
};

// Creates, configures and hands over the interface, then leaves an agent in the background that
// keeps the session and removes the interface at the end: when the daemon says so or is lost for
// good, when the target process is gone, or on SIGTERM. Gives the agent's pid; it is a child of the
// caller, who ought to exit, for its copy of the session's descriptor keeps the endpoint attached.
//
// Errors: not_found (no such process or file), permission_denied, invalid_argument (not a network
// namespace, a bad interface name), already_exists (interface name in use), unsupported (no kind of
// link can be had), or whatever hand_over() said. Nothing is left behind then.
Result<pid_t> attach_namespace(const AttachOptions& options, AttachSession& session);

}  // namespace pontoon::bridge
