#include "bridge/netns/namespaces.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "bridge/netns/process.h"

namespace pontoon::bridge {
namespace {

std::string reason(int error) {
  return std::strerror(error);
}

ErrorCode code_of(int error) noexcept {
  switch (error) {
    case EPERM:
    case EACCES:
      return ErrorCode::permission_denied;
    case ENOENT:
    case ESRCH:
      return ErrorCode::not_found;
    case ENOSPC:
    case EUSERS:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ErrorCode::exhausted;
    case EINVAL:
    case ENOSYS:
      return ErrorCode::unsupported;
    default:
      return ErrorCode::internal;
  }
}

bool write_file(const char* path, std::string_view text) noexcept {
  const UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool sysctl_is(const char* path, char wanted) noexcept {
  const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  char value = 0;
  return file && ::read(file.get(), &value, 1) == 1 && value == wanted;
}

// Which of the host's settings forbids user namespaces to ordinary users.
std::string what_forbids_user_namespaces(int error) {
  if (error == ENOSPC || error == EUSERS)
    return "the sysctl user.max_user_namespaces is used up or 0; ask for a higher value";
  if (sysctl_is("/proc/sys/user/max_user_namespaces", '0'))
    return "the sysctl user.max_user_namespaces is 0; ask for a higher value";
  if (sysctl_is("/proc/sys/kernel/unprivileged_userns_clone", '0'))
    return "the sysctl kernel.unprivileged_userns_clone is 0; ask for 1";
  if (sysctl_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1'))
    return "AppArmor restricts them (sysctl kernel.apparmor_restrict_unprivileged_userns); ask for "
           "a profile that allows pontoon 'userns'";
  if (error == EPERM)
    return "a seccomp filter, a security module or a chroot forbids them; inside a container, ask "
           "its engine for a profile that allows unshare";
  return reason(error);
}

Error cannot_make_user_namespace(int error) {
  const ErrorCode code = code_of(error);
  return {code, "this host allows no user namespace: " + what_forbids_user_namespaces(error)};
}

Error cannot_make_namespaces(int error) {
  if (error == ENOSPC)
    return {ErrorCode::exhausted,
            "cannot make namespaces: the sysctl user.max_net_namespaces, user.max_mnt_namespaces "
            "or user.max_uts_namespaces is used up"};
  if (error == EPERM || error == EACCES)
    return {ErrorCode::permission_denied,
            "cannot make namespaces: " + what_forbids_user_namespaces(error)};
  return {code_of(error), "cannot make namespaces: " + reason(error)};
}

std::string single_id_map(unsigned inside, unsigned outside) {
  return std::to_string(inside) + " " + std::to_string(outside) + " 1\n";
}

// One id maps to the caller's own: that needs no helper with privileges. The kernel then asks for
// setgroups to be denied (user_namespaces(7)), for dropping a group could otherwise grant access.
Status<> make_user_namespace(InnerUser inner) {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  if (::unshare(CLONE_NEWUSER) != 0) return cannot_make_user_namespace(errno);
  const bool keep = inner == InnerUser::keep;
  if (!write_file("/proc/self/setgroups", "deny") ||
      !write_file("/proc/self/uid_map", single_id_map(keep ? uid : 0, uid)) ||
      !write_file("/proc/self/gid_map", single_id_map(keep ? gid : 0, gid)))
    return cannot_make_user_namespace(errno);
  return {};
}

Error not_owner(const char* what) {
  return {ErrorCode::permission_denied,
          std::string(what) +
              ": you must own the user namespace that it belongs to (have started that container "
              "yourself), or be root"};
}

Result<UniqueFd> open_network_namespace(const std::string& path) {
  // Non-blocking: a path that turns out to be a FIFO must not hang.
  UniqueFd network(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!network) {
    const int error = errno;
    if (error == EACCES || error == EPERM) return not_owner("not permitted to open the namespace");
    return Error{code_of(error), path + ": " + reason(error)};
  }
  if (::ioctl(network.get(), NS_GET_NSTYPE) != CLONE_NEWNET)
    return Error{ErrorCode::invalid_argument, path + " is not a network namespace"};
  return network;
}

}  // namespace

bool has_namespace_privilege() noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return false;
  constexpr std::uint32_t needed = (1U << CAP_SYS_ADMIN) | (1U << CAP_NET_ADMIN);
  return (data[0].effective & needed) == needed;
}

Status<> make_namespaces(bool user_namespace, InnerUser inner, const std::string& hostname) {
  if (user_namespace) {
    if (auto made = make_user_namespace(inner); !made) return made;
  }
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS) != 0)
    return cannot_make_namespaces(errno);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return cannot_make_namespaces(errno);
  if (!hostname.empty() && ::sethostname(hostname.data(), hostname.size()) != 0)
    return Error{ErrorCode::invalid_argument,
                 "cannot set the host name to " + hostname + ": " + reason(errno)};
  return {};
}

Result<TargetNamespace> open_target(const std::optional<pid_t>& pid, const std::string& path) {
  if (pid.has_value() != path.empty())
    return Error{ErrorCode::invalid_argument, "name either a process or a namespace file"};
  TargetNamespace target;
  if (!pid) {
    auto network = open_network_namespace(path);
    if (!network) return network.error();
    target.network = std::move(*network);
    return target;
  }
  const std::string process = "process " + std::to_string(*pid);
  target.process = open_pidfd(*pid);
  if (!target.process) {
    if (errno == ESRCH) return Error{ErrorCode::not_found, "there is no " + process};
    return Error{ErrorCode::invalid_argument, process + ": " + reason(errno)};
  }
  auto network = open_network_namespace("/proc/" + std::to_string(*pid) + "/ns/net");
  // The descriptor was taken first: while it stands for a living process the number was not reused.
  if (::syscall(SYS_pidfd_send_signal, target.process.get(), 0, nullptr, 0) != 0 && errno == ESRCH)
    return Error{ErrorCode::not_found, process + " has ended"};
  if (!network) return network.error();
  target.network = std::move(*network);
  return target;
}

Status<> enter_target(const TargetNamespace& target) {
  const int network = target.network.get();
  if (::setns(network, CLONE_NEWNET) == 0) return {};
  if (errno != EPERM)
    return Error{code_of(errno), "cannot enter the network namespace: " + reason(errno)};
  const UniqueFd owner(::ioctl(network, NS_GET_USERNS));
  if (!owner || ::setns(owner.get(), CLONE_NEWUSER) != 0 || ::setns(network, CLONE_NEWNET) != 0)
    return not_owner("not permitted to enter the network namespace");
  return {};
}

bool write_sysctl(const std::string& path_below_proc_sys, const std::string& value) noexcept {
  return write_file(("/proc/sys/" + path_below_proc_sys).c_str(), value);
}

}  // namespace pontoon::bridge
