// `pontoon run`: a command in new namespaces with an interface of their own.
//
// Nothing in this folder may be called once the process has a second thread: the kernel lets only a
// single-threaded process enter or make a user namespace, and a forked child must be able to
// allocate.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bridge/netns/link.h"
#include "bridge/netns/namespaces.h"
#include "bridge/netns/session.h"
#include "core/base/limits.h"

namespace pontoon::bridge {

struct RunOptions {
  std::vector<std::string> argv;                                 // argv[0] is looked up in PATH
  std::vector<std::pair<std::string, std::string>> environment;  // set on top of the caller's
  EndpointConfig endpoint;
  LinkChoice link = LinkChoice::automatic;
  InnerUser user = InnerUser::root;
  // A caller who holds CAP_SYS_ADMIN and CAP_NET_ADMIN needs no user namespace and gets none unless
  // this is set.
  bool always_user_namespace = false;
  Duration daemon_return_wait = limits::kDaemonReturnWait;
  Duration reconnect_interval = limits::kReconnectInterval;
  Duration terminate_wait = limits::kTerminateWait;
};

// Exit statuses of our own; everything else is the command's, or 128 + the signal that ended it.
constexpr int kExitFailure = 125;        // pontoon failed
constexpr int kExitNotExecutable = 126;  // found, but cannot be run
constexpr int kExitNotFound = 127;

// Runs the command to its end and gives the exit status to use; our own failures are told on
// stderr in one line. Whatever the command left running has been killed when it returns, except
// children that the caller had before the call.
int run_command(const RunOptions& options, AttachSession& session);

}  // namespace pontoon::bridge
