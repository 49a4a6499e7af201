// Where the daemon of this user lives. Overridable for tests and for several daemons side by side:
// PONTOON_RUNTIME_DIR and PONTOON_STATE_DIR.
#pragma once

#include <string>

#include "core/base/result.h"

namespace pontoon::control {

struct Paths {
  std::string runtime_dir;  // sockets, pid file and log: /run/pontoon, $XDG_RUNTIME_DIR/pontoon,
                            // /tmp/pontoon-UID
  std::string
      state_dir;  // databases: /var/lib/pontoon, $XDG_STATE_HOME/pontoon, ~/.local/state/pontoon

  std::string api_socket() const { return runtime_dir + "/pontoon.sock"; }
  std::string attach_socket() const { return runtime_dir + "/attach.sock"; }
  std::string lock_file() const { return runtime_dir + "/daemon.lock"; }
  std::string log_file() const { return runtime_dir + "/daemon.log"; }
  std::string lease_file() const { return state_dir + "/leases.db"; }
  std::string network_file() const { return state_dir + "/networks.db"; }
};

Paths default_paths();

// Makes the directory (and its parents) with mode 0700, or checks that an existing one belongs to
// us and that nobody else may enter it.
Status<> ensure_private_directory(const std::string& path);

}  // namespace pontoon::control
