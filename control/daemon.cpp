#include "control/daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>

#include "control/api_server.h"
#include "control/attach_server.h"
#include "control/sandbox.h"
#include "control/service.h"
#include "core/base/limits.h"
#include "core/host/system.h"
#include "dhcp/sqlite_lease_store.h"
#include "proxy/port_holder.h"

namespace pontoon::control {
namespace {

namespace asio = boost::asio;

// How long a stopping daemon waits for the disk.
constexpr auto kSaveWait = std::chrono::seconds(3);
constexpr int kSavePollMs = 50;
// How often endpoints whose interface vanished without a word are looked for.
constexpr auto kGoneInterval = std::chrono::milliseconds(250);

// Held for as long as the process lives; the kernel lets go of it however the process ends.
Result<UniqueFd> take_lock(const Paths& paths) {
  UniqueFd fd(open(paths.lock_file().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) {
    return Error{ErrorCode::permission_denied,
                 fmt::format("cannot open {}: {}", paths.lock_file(), std::strerror(errno))};
  }
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error{
        ErrorCode::already_exists,
        fmt::format("a daemon is already running for this user ({}); `pontoon stop` ends it",
                    paths.runtime_dir)};
  }
  return fd;
}

// Every flow is a descriptor: take what the hard limit gives.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

class Daemon {
 public:
  explicit Daemon(const DaemonOptions& options)
      : options_(options),
        signals_(io_, SIGTERM, SIGINT),
        leases_written_(io_),
        gone_timer_(io_),
        settle_timer_(io_) {}

  Status<> run() {
    if (auto opened = open(); !opened) return opened;
    watch_signals();
    watch_lease_store();
    watch_gone();
    settle_leases();
    if (auto confined = enter_sandbox(); !confined) log::warning(confined.error().message);
    report_ready();
    log::info(fmt::format("pontoon {} serves {}", kVersion, options_.paths.runtime_dir));
    io_.run();
    save_leases();
    log::info("stopped");
    return {};
  }

 private:
  Status<> open() {
    const Paths& paths = options_.paths;
    auto store = dhcp::open_sqlite_lease_store(paths.lease_file(), clock_);
    if (!store) return store.error();
    leases_ = std::move(*store);
    auto networks = NetworkStore::open(paths.network_file());
    if (!networks) return networks.error();
    networks_ = std::move(*networks);
    auto loaded = leases_->load();
    if (!loaded) return loaded.error();
    const HostShared shared{
        io_, clock_, random_, *leases_, ports_, facts_, options_.recorder_bytes};
    auto service = Service::create(shared, *networks_, std::move(*loaded));
    if (!service) return service.error();
    service_ = std::move(*service);
    attach_ = std::make_unique<AttachServer>(io_, *service_, [this] { stop_soon(); });
    api_ = std::make_unique<ApiServer>(io_, *service_, *attach_);
    if (auto listening = attach_->listen(paths.attach_socket()); !listening) return listening;
    return api_->listen(paths.api_socket());
  }

  void watch_signals() {
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (!error) attach_->stop();
    });
  }

  // The answer to `pontoon stop` is still to be written.
  void stop_soon() {
    api_->close();
    unlink(options_.paths.api_socket().c_str());
    unlink(options_.paths.attach_socket().c_str());
    gone_timer_.expires_after(std::chrono::milliseconds(20));
    gone_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) io_.stop();
    });
    stopping_ = true;
  }

  void watch_lease_store() {
    const int fd = leases_->completion_fd();
    if (!leases_written_.is_open()) leases_written_.assign(dup(fd));
    leases_written_.async_wait(asio::posix::stream_descriptor::wait_read,
                               [this](const boost::system::error_code& error) {
                                 if (error) return;
                                 service_->on_leases_written();
                                 attach_->on_leases_written();
                                 watch_lease_store();
                               });
  }

  void watch_gone() {
    gone_timer_.expires_after(kGoneInterval);
    gone_timer_.async_wait([this](const boost::system::error_code& error) {
      if (error || stopping_) return;
      attach_->on_gone(service_->take_gone());
      warn_about_echo();
      watch_gone();
    });
  }

  void warn_about_echo() {
    if (warned_about_echo_ || !service_->echo_unavailable()) return;
    warned_about_echo_ = true;
    log::warning(
        "ping to the outside does not work: this user may not open ping sockets. To allow it: "
        "sysctl "
        "net.ipv4.ping_group_range=\"0 2147483647\"");
  }

  // Endpoints of a daemon that died have their time to come back for their addresses.
  void settle_leases() {
    settle_timer_.expires_after(limits::kDaemonReturnWait);
    settle_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) service_->release_unclaimed_leases();
    });
  }

  // What was released at the very end is on disk before the lock is let go.
  void save_leases() {
    const Instant give_up = clock_.now() + kSaveWait;
    pollfd written{leases_->completion_fd(), POLLIN, 0};
    while (service_->save_leases() && clock_.now() < give_up)
      poll(&written, 1, kSavePollMs);
  }

  void report_ready() {
    if (options_.ready_fd < 0) return;
    const char byte = 1;
    (void)!write(options_.ready_fd, &byte, 1);
    // The descriptor may be stderr's: its number must not come back for a socket.
    const UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    dup2(null.get(), options_.ready_fd);
  }

  DaemonOptions options_;
  asio::io_context io_{1};
  host::SystemClock clock_;
  host::SystemRandom random_;
  proxy::PortTable ports_;
  proxy::ProcHostFacts facts_;
  asio::signal_set signals_;
  asio::posix::stream_descriptor leases_written_;
  asio::steady_timer gone_timer_;
  asio::steady_timer settle_timer_;
  bool stopping_ = false;
  bool warned_about_echo_ = false;
  std::unique_ptr<dhcp::LeaseStore> leases_;
  std::unique_ptr<NetworkStore> networks_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<AttachServer> attach_;
  std::unique_ptr<ApiServer> api_;
};

}  // namespace

Status<> run_daemon(const DaemonOptions& options) {
  if (auto made = ensure_private_directory(options.paths.runtime_dir); !made) return made;
  if (auto made = ensure_private_directory(options.paths.state_dir); !made) return made;
  const auto lock = take_lock(options.paths);
  if (!lock) return lock.error();
  // Started through /proc/self/exe it would be called "exe".
  prctl(PR_SET_NAME, "pontoon");
  umask(0077);
  if (!options.foreground_log) log::open(options.paths.log_file(), options.log_level);
  log::set_level(options.log_level);
  signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  return Daemon(options).run();
}

}  // namespace pontoon::control
