#include "control/sandbox.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace pontoon::control {
namespace {

// Deviation: a list of what is refused rather than of what is allowed. SQLite, c-ares and glibc's
// resolver choose their calls themselves, and a call that a library update adds must not end the
// daemon. docs/adr/0005 has the reasons.
constexpr std::array kRefused{
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(acct),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
};

struct Release {
  void operator()(void* filter) const noexcept { seccomp_release(filter); }
};

Error failed(const char* what, int number) {
  return {ErrorCode::unsupported,
          fmt::format("the daemon runs without {}: {}", what, std::strerror(number))};
}

// libcap would be one more dependency for two calls.
Status<> drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (syscall(SYS_capget, &header, data.data()) != 0)
    return failed("dropping its capabilities", errno);
  const std::uint32_t keep = 1U << CAP_NET_BIND_SERVICE;
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; ++capability) {
    if (capability != CAP_NET_BIND_SERVICE) (void)prctl(PR_CAPBSET_DROP, capability);
  }
  for (std::size_t i = 0; i < data.size(); ++i) {
    const std::uint32_t kept = i == 0 ? keep : 0;
    data[i] = {data[i].effective & kept, data[i].permitted & kept, 0};
  }
  if (syscall(SYS_capset, &header, data.data()) != 0)
    return failed("dropping its capabilities", errno);
  return {};
}

Status<> filter_system_calls() {
  const std::unique_ptr<void, Release> filter(seccomp_init(SCMP_ACT_ALLOW));
  if (!filter) return failed("a seccomp filter", ENOMEM);
  for (const int call : kRefused) {
    const int added = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 0);
    if (added != 0 && added != -EDOM) return failed("a seccomp filter", -added);
  }
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  if (const int loaded = seccomp_load(filter.get()); loaded != 0)
    return failed("a seccomp filter", -loaded);
  return {};
}

}  // namespace

Status<> enter_sandbox() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("no_new_privs", errno);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (auto dropped = drop_capabilities(); !dropped) return dropped;
  return filter_system_calls();
}

}  // namespace pontoon::control
