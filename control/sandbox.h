// What the daemon gives up once it serves: it can gain no privilege, start no program, enter no
// namespace.
#pragma once

#include "core/base/result.h"

namespace pontoon::control {

// no_new_privs, an emptied capability bounding set (root keeps CAP_NET_BIND_SERVICE: ports below
// 1024), no core dumps and ptrace by others, and a seccomp filter that refuses (EPERM) what a
// network stack never needs. Call once all threads and sockets are there; the filter covers every
// thread. The error says what could not be had; the daemon may go on.
Status<> enter_sandbox();

}  // namespace pontoon::control
