// `pontoon daemon`: one process per user that holds the networks.
#pragma once

#include "control/paths.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/result.h"

namespace pontoon::control {

struct DaemonOptions {
  Paths paths;
  bool foreground_log = true;  // to stderr; else to paths.log_file()
  log::Level log_level = log::Level::info;
  std::size_t recorder_bytes = limits::kRecorderBytes;  // per network; 0: no flight recorder
  // Written one byte to, and closed, once the sockets accept connections: whoever started us waits
  // for it.
  int ready_fd = -1;
};

// Runs until `pontoon stop`, SIGTERM or SIGINT. The error is `already_exists` when another daemon
// holds the lock.
Status<> run_daemon(const DaemonOptions& options);

}  // namespace pontoon::control
