// Purpose: carry questions to the host's name servers, with failover, retries and TCP on TC, all of
// which c-ares does.
//
// One c-ares channel lives for one question. c-ares sends all queries of a channel that overlap
// from one source port, which makes them easy to forge answers to; a channel of its own gives each
// question a fresh port. The ID comes from the caller. It also means that a change of servers needs
// no care: the next channel has the new ones.
//
// States of a job:  idle -> asking -> done -> idle
//                            `-- cancelled ----^
// c-ares calls back from within ares_send(), ares_process_fd() and ares_destroy(). The callback
// only notes the outcome in the job; pump() then destroys the channel and calls the handler, so
// that neither ever happens inside c-ares.
//
// Events: c-ares' sockets are in an epoll set of ours, level-triggered, because c-ares may leave
// bytes unread. That set is itself one Pollable of the network's poller; pump() empties it.
//
// Timers: each job is due when c-ares says so, and at its total timeout. c-ares reads the monotonic
// clock itself; only relative times are taken from it.
#include "dns/cares_forwarder.h"

#include <ares.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <unordered_map>

#include "core/base/limits.h"
#include "core/base/timer_queue.h"
#include "dns/message.h"
#include "dns/resolv_conf.h"
#include "dns/response.h"

namespace pontoon::dns {
namespace {

constexpr int kTries = 2;  // rounds over all servers; the second waits twice as long
constexpr std::size_t kEventBatch = 64;
constexpr std::size_t kBatchesPerPump = 16;
constexpr std::size_t kTimersPerCall = 64;
constexpr std::uint32_t kGone = 0xffffffff;  // in the list of jobs to deliver: cancelled

// Servers, rounds and doubling included, c-ares shall give up within `total`.
int first_timeout_ms(Duration total, std::size_t servers) {
  constexpr int weights = (1 << kTries) - 1;
  const auto total_ms = std::chrono::duration_cast<std::chrono::milliseconds>(total).count();
  return std::max(50, static_cast<int>(total_ms / (weights * static_cast<int>(servers))));
}

ForwardError error_of(int status) noexcept {
  switch (status) {
    case ARES_ETIMEOUT:
      return ForwardError::timed_out;
    case ARES_ENOMEM:
      return ForwardError::overloaded;
    case ARES_EBADRESP:
      return ForwardError::malformed;
    // ARES_ECONNREFUSED also stands for servers that answered with a failure.
    default:
      return ForwardError::failed;
  }
}

struct Job {
  enum class State : std::uint8_t { idle, asking, done };

  std::uint32_t index = 0;
  int epoll = -1;
  State state = State::idle;
  ForwardTicket ticket{};
  ares_channel channel = nullptr;
  std::uint16_t id = 0;
  Question question;
  std::vector<std::uint8_t> query;
  std::vector<std::uint8_t> response;
  int status = ARES_SUCCESS;
  Instant give_up{};
  std::vector<std::uint32_t>* finished = nullptr;

  void finish(int with_status, ByteView bytes) {
    if (state != State::asking) return;
    state = State::done;
    status = with_status;
    response.assign(bytes.begin(), bytes.end());
    finished->push_back(index);
  }
  void end_channel() noexcept {
    if (channel != nullptr) ares_destroy(channel);
    channel = nullptr;
  }
};

void on_answer(void* arg, int status, int, unsigned char* bytes, int size) {
  Job& job = *static_cast<Job*>(arg);
  const bool present = status == ARES_SUCCESS && bytes != nullptr && size > 0;
  job.finish(status, present ? ByteView(bytes, static_cast<std::size_t>(size)) : ByteView());
}

void on_socket_state(void* arg, ares_socket_t fd, int readable, int writable) {
  const Job& job = *static_cast<const Job*>(arg);
  epoll_event event{};
  event.events = (readable != 0 ? EPOLLIN : 0U) | (writable != 0 ? EPOLLOUT : 0U);
  event.data.u64 = std::uint64_t{job.index} << 32 | static_cast<std::uint32_t>(fd);
  if (event.events == 0) {
    ::epoll_ctl(job.epoll, EPOLL_CTL_DEL, fd, nullptr);
  } else if (::epoll_ctl(job.epoll, EPOLL_CTL_MOD, fd, &event) != 0) {
    // Should this fail too, the question ends by its timeout.
    ::epoll_ctl(job.epoll, EPOLL_CTL_ADD, fd, &event);
  }
}

// Everything is given, so that c-ares reads no file.
bool open_channel(Job& job, const std::string& servers, int timeout_ms) noexcept {
  char lookups[] = "b";
  in_addr placeholder{};
  ares_options options{};
  options.flags = ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  options.ednspsz = static_cast<int>(limits::kDnsUdpPayload);
  options.timeout = timeout_ms;
  options.tries = kTries;
  options.ndots = 1;
  options.lookups = lookups;
  options.servers = &placeholder;
  options.nservers = 1;
  options.sock_state_cb = on_socket_state;
  options.sock_state_cb_data = &job;
  const int mask = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                   ARES_OPT_NDOTS | ARES_OPT_LOOKUPS | ARES_OPT_SERVERS | ARES_OPT_DOMAINS |
                   ARES_OPT_SORTLIST | ARES_OPT_SOCK_STATE_CB | ARES_OPT_NOROTATE;
  if (ares_init_options(&job.channel, &options, mask) != ARES_SUCCESS) {
    job.channel = nullptr;
    return false;
  }
  return ares_set_servers_ports_csv(job.channel, servers.c_str()) == ARES_SUCCESS;
}

}  // namespace

class CaresForwarder::Impl final : public host::Pollable {
 public:
  Impl(CaresForwarderConfig config, host::Poller& poller);
  ~Impl() override;

  Status<ForwardError> forward(ForwardTicket ticket, ByteView query, Instant now) noexcept;
  void cancel(ForwardTicket ticket) noexcept;
  void pump(Instant now) noexcept;
  void on_events(std::uint32_t) noexcept override { ready_ = true; }
  std::vector<SocketAddress> usable_servers(Instant now);

  ForwardHandler* handler_ = nullptr;
  TimerQueue timers_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_ticket_;
  bool ready_ = false;
  std::vector<std::uint32_t> finished_;

 private:
  struct TimedJob : Job {
    explicit TimedJob(Impl& impl) : owner(impl) {}
    void on_due(Instant now) { owner.on_due(*this, now); }
    Impl& owner;
    Timer timer{Timer::bind<&TimedJob::on_due>(*this)};
  };

  TimedJob& idle_job();
  void on_due(TimedJob& job, Instant now) noexcept;
  void rearm(TimedJob& job, Instant now);
  void process_events(Instant now) noexcept;
  void deliver(TimedJob& job, Instant now) noexcept;
  void release(TimedJob& job) noexcept;

  CaresForwarderConfig config_;
  host::Poller& poller_;
  UniqueFd epoll_;
  ResolvConf resolv_conf_;
  std::vector<std::unique_ptr<TimedJob>> jobs_;
  std::vector<std::uint32_t> idle_;
  std::vector<std::uint32_t> delivering_;
};

CaresForwarder::Impl::Impl(CaresForwarderConfig config, host::Poller& poller)
    : config_(std::move(config)),
      poller_(poller),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      resolv_conf_(config_.resolv_conf) {
  if (!epoll_ || !poller_.add(epoll_.get(), EPOLLIN, *this)) {
    throw std::runtime_error("DNS forwarder: cannot watch sockets with epoll");
  }
  if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
    poller_.remove(epoll_.get(), *this);
    throw std::runtime_error("DNS forwarder: cannot initialise c-ares");
  }
}

CaresForwarder::Impl::~Impl() {
  for (const auto& job : jobs_) {
    job->state = Job::State::idle;  // ares_destroy() calls back
    job->end_channel();
  }
  ares_library_cleanup();
  poller_.remove(epoll_.get(), *this);
}

std::vector<SocketAddress> CaresForwarder::Impl::usable_servers(Instant now) {
  std::vector<SocketAddress> servers =
      config_.upstreams.empty() ? resolv_conf_.servers(now) : config_.upstreams;
  const auto ours = [this](const SocketAddress& server) {
    return std::ranges::find(config_.own_addresses, server.ip) != config_.own_addresses.end();
  };
  std::erase_if(servers, ours);
  if (servers.size() > limits::kDnsUpstreams) servers.resize(limits::kDnsUpstreams);
  return servers;
}

Status<ForwardError> CaresForwarder::Impl::forward(ForwardTicket ticket, ByteView query,
                                                   Instant now) noexcept {
  const std::vector<SocketAddress> servers = usable_servers(now);
  if (servers.empty()) return ForwardError::no_servers;
  if (by_ticket_.size() >= limits::kDnsInFlight) return ForwardError::overloaded;
  ByteReader reader(query);
  const Header header = Header::read(reader);
  Question question;
  if (!question.read(reader)) return ForwardError::malformed;
  std::string list;
  for (const SocketAddress& server : servers)
    list += (list.empty() ? "" : ",") + server.to_string();
  TimedJob& job = idle_job();
  if (!open_channel(job, list, first_timeout_ms(config_.total_timeout, servers.size()))) {
    release(job);
    return ForwardError::overloaded;
  }
  job.id = header.id;
  job.question = question;
  job.query.assign(query.begin(), query.end());
  job.ticket = ticket;
  job.state = Job::State::asking;
  job.give_up = now + config_.total_timeout;
  by_ticket_[static_cast<std::uint64_t>(ticket)] = job.index;
  ares_send(job.channel, job.query.data(), static_cast<int>(job.query.size()), on_answer, &job);
  rearm(job, now);
  return {};
}

void CaresForwarder::Impl::cancel(ForwardTicket ticket) noexcept {
  const auto at = by_ticket_.find(static_cast<std::uint64_t>(ticket));
  if (at == by_ticket_.end()) return;
  TimedJob& job = *jobs_[at->second];
  by_ticket_.erase(at);
  if (job.state == Job::State::done) {
    std::erase(finished_, job.index);
    std::ranges::replace(delivering_, job.index, kGone);
  }
  release(job);
}

CaresForwarder::Impl::TimedJob& CaresForwarder::Impl::idle_job() {
  if (idle_.empty()) {
    auto job = std::make_unique<TimedJob>(*this);
    job->index = static_cast<std::uint32_t>(jobs_.size());
    job->epoll = epoll_.get();
    job->finished = &finished_;
    idle_.push_back(job->index);
    jobs_.push_back(std::move(job));
  }
  TimedJob& job = *jobs_[idle_.back()];
  idle_.pop_back();
  return job;
}

void CaresForwarder::Impl::rearm(TimedJob& job, Instant now) {
  if (job.state != Job::State::asking) return job.timer.cancel();
  timeval left{};
  Instant due = job.give_up;
  if (ares_timeout(job.channel, nullptr, &left) != nullptr) {
    const Duration wait = std::chrono::seconds(left.tv_sec) +
                          std::chrono::microseconds(left.tv_usec) + std::chrono::milliseconds(1);
    due = std::min(due, now + wait);
  }
  timers_.arm(job.timer, due);
}

void CaresForwarder::Impl::on_due(TimedJob& job, Instant now) noexcept {
  if (now >= job.give_up) return job.finish(ARES_ETIMEOUT, {});
  ares_process_fd(job.channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  rearm(job, now);
}

void CaresForwarder::Impl::pump(Instant now) noexcept {
  process_events(now);
  delivering_.swap(finished_);
  // The handler may forward and cancel: the list may change, but only in place.
  for (std::size_t i = 0; i < delivering_.size(); ++i) {
    if (delivering_[i] != kGone) deliver(*jobs_[delivering_[i]], now);
  }
  delivering_.clear();
}

void CaresForwarder::Impl::process_events(Instant now) noexcept {
  if (!ready_) return;
  std::array<epoll_event, kEventBatch> events;
  for (std::size_t batch = 0; batch < kBatchesPerPump; ++batch) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), kEventBatch, 0);
    if (count <= 0) {
      ready_ = false;
      return;
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      TimedJob& job = *jobs_[events[i].data.u64 >> 32];
      const auto fd = static_cast<ares_socket_t>(events[i].data.u64 & 0xffffffff);
      const bool writable = (events[i].events & EPOLLOUT) != 0;
      // Errors and hang-ups show when reading.
      const bool readable = (events[i].events & ~std::uint32_t{EPOLLOUT}) != 0;
      if (job.channel == nullptr) continue;
      ares_process_fd(job.channel, readable ? fd : ARES_SOCKET_BAD,
                      writable ? fd : ARES_SOCKET_BAD);
      rearm(job, now);
    }
  }
}

void CaresForwarder::Impl::deliver(TimedJob& job, Instant now) noexcept {
  const ForwardTicket ticket = job.ticket;
  const std::vector<std::uint8_t> response = std::move(job.response);
  const int status = job.status;
  const bool ours = answers_question(response, job.id, job.question);
  by_ticket_.erase(static_cast<std::uint64_t>(ticket));
  release(job);
  if (handler_ == nullptr) return;
  if (status != ARES_SUCCESS) {
    handler_->on_forwarded(ticket, error_of(status), now);
  } else if (!ours) {
    handler_->on_forwarded(ticket, ForwardError::malformed, now);
  } else {
    handler_->on_forwarded(ticket, ByteView(response), now);
  }
}

void CaresForwarder::Impl::release(TimedJob& job) noexcept {
  job.state = Job::State::idle;  // ares_destroy() calls back: not to be heard
  job.end_channel();
  job.timer.cancel();
  idle_.push_back(job.index);
}

CaresForwarder::CaresForwarder(CaresForwarderConfig config, host::Poller& poller)
    : impl_(std::make_unique<Impl>(std::move(config), poller)) {}
CaresForwarder::~CaresForwarder() = default;

void CaresForwarder::set_handler(ForwardHandler* handler) noexcept {
  impl_->handler_ = handler;
}
Status<ForwardError> CaresForwarder::forward(ForwardTicket ticket, ByteView query,
                                             Instant now) noexcept {
  return impl_->forward(ticket, query, now);
}
void CaresForwarder::cancel(ForwardTicket ticket) noexcept {
  impl_->cancel(ticket);
}
void CaresForwarder::pump(Instant now) noexcept {
  impl_->pump(now);
}
bool CaresForwarder::has_work() const noexcept {
  return impl_->ready_ || !impl_->finished_.empty();
}
Instant CaresForwarder::next_deadline() const noexcept {
  return impl_->timers_.next_deadline();
}
void CaresForwarder::on_timer(Instant now) noexcept {
  impl_->timers_.run_due(now, kTimersPerCall);
}
std::vector<SocketAddress> CaresForwarder::upstreams(Instant now) const {
  return impl_->usable_servers(now);
}
std::size_t CaresForwarder::in_flight() const noexcept {
  return impl_->by_ticket_.size();
}

}  // namespace pontoon::dns
