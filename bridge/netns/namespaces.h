// Making and entering namespaces, with errors that say which setting of the host is in the way.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/result.h"
#include "core/base/unique_fd.h"

namespace pontoon::bridge {

// Whom the command of `run` believes to be. Without a user namespace both mean the caller.
enum class InnerUser : std::uint8_t {
  root,  // uid and gid 0 inside stand for the caller's own; all capabilities over the namespaces
  keep,  // the caller's own uid and gid, no capabilities
};

// CAP_SYS_ADMIN and CAP_NET_ADMIN are effective: namespaces can be made without a user namespace.
bool has_namespace_privilege() noexcept;

// Moves the calling process into a new network, mount and UTS namespace, and first into a new user
// namespace if asked. Mounts made from now on are seen by nobody outside.
Status<> make_namespaces(bool user_namespace, InnerUser inner, const std::string& hostname);

// A network namespace that exists, and how to tell that its process has gone.
struct TargetNamespace {
  UniqueFd network;
  UniqueFd process;  // a pidfd, readable when the process has ended; unset when given by path
};
// Exactly one of the two arguments names it. Errors: not_found, permission_denied,
// invalid_argument.
Result<TargetNamespace> open_target(const std::optional<pid_t>& pid, const std::string& path);
// Enters it; first the user namespace that owns it where the caller's privilege does not reach.
Status<> enter_target(const TargetNamespace& target);

// Below net/ it means the current network namespace. False when it cannot be written: /proc/sys is
// read-only in some containers, so a caller must do without.
bool write_sysctl(const std::string& path_below_proc_sys, const std::string& value) noexcept;

}  // namespace pontoon::bridge
