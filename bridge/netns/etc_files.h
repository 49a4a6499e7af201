// The files by which the C library finds names, made private to a new mount namespace.
#pragma once

#include <string>

#include "bridge/netns/session.h"
#include "core/base/result.h"

namespace pontoon::bridge {

struct EtcFiles {
  std::string resolv_conf;
  std::string hosts;
  std::string hostname;
};

EtcFiles compose_etc_files(const EndpointConfig& endpoint);

// Puts them in place of /etc/resolv.conf, /etc/hosts and /etc/hostname, and hides the sockets of
// resolvers that run outside (systemd-resolved, nscd), which would answer for the host's network.
// To be called in a mount namespace of one's own.
Status<> mount_etc_files(const EtcFiles& files);

}  // namespace pontoon::bridge
