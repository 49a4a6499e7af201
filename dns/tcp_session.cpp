// One session is a pair of byte buffers around the server:
//
//   stream --peek/consume--> input -> frames -> Server::on_query
//   stream <-----write------ output <- frames <- on_reply (at once, or later by session number)
//
// All reading and writing happens in pump(), for sessions on the ready list. A session gets there
// by its stream's on_ready(), by a reply, by its idle timer, or because the last pump() left work.
// The server knows a session by its number only: a reply for one that has gone is discarded.
#include "dns/tcp_session.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <vector>

#include "core/base/limits.h"

namespace pontoon::dns {
namespace {

constexpr std::size_t kLengthBytes = 2;
constexpr std::size_t kReadBytes = 4096;
// Answers that were asked for before reading stopped may exceed the backlog, within this.
constexpr std::size_t kMostBacklogBytes = 4 * limits::kDnsTcpBacklogBytes;

struct Session;

class ReadyList {
 public:
  virtual ~ReadyList() = default;
  virtual void note(Session& session) noexcept = 0;
};

struct Session final : StreamHandler {
  enum class State : std::uint8_t {
    open,     // reading and answering
    closing,  // the client has shut down: answering what is left
    ended,    // to be removed
  };

  Session(ReadyList& list, std::unique_ptr<Stream> peer) : ready(list), stream(std::move(peer)) {
    stream->set_handler(this);
  }
  ~Session() override { stream->set_handler(nullptr); }

  void on_ready() noexcept override { ready.note(*this); }
  void on_idle(Instant) {
    idle = true;
    ready.note(*this);
  }
  std::size_t backlog() const noexcept { return output.size() - written; }

  ReadyList& ready;
  std::unique_ptr<Stream> stream;
  Client client;
  State state = State::open;
  bool noted = false;
  bool idle = false;
  std::size_t waiting = 0;           // queries without a reply yet
  std::vector<std::uint8_t> input;   // less than one frame between calls
  std::vector<std::uint8_t> output;  // frames
  std::size_t written = 0;           // of output
  Timer timer{Timer::bind<&Session::on_idle>(*this)};
};

}  // namespace

class DnsTcpService::Impl final : public ReadyList {
 public:
  Impl(DnsTcpService& self, Server& server, TimerQueue& timers)
      : self_(self), server_(server), timers_(timers) {}

  bool accept(std::unique_ptr<Stream> stream, const SocketAddress& client,
              const SocketAddress& local, Instant now);
  void pump(Instant now) noexcept;
  bool has_work() const noexcept { return !ready_.empty(); }
  std::size_t sessions() const noexcept { return sessions_.size(); }
  const TcpServiceCounters& counters() const noexcept { return counters_; }
  void on_reply(std::uint64_t number, ByteView reply) noexcept;
  void note(Session& session) noexcept override;

 private:
  void serve(Session& session, Instant now) noexcept;
  bool read(Session& session, Instant now) noexcept;
  bool fill(Session& session) noexcept;
  bool take_frame(Session& session, Instant now) noexcept;
  void write(Session& session, Instant now) noexcept;
  static void compact(Session& session) noexcept;
  void finish_if_done(Session& session) noexcept;
  void abort(Session& session) noexcept;
  void remove(Session& session) noexcept;
  void rearm(Session& session, Instant now) {
    timers_.arm(session.timer, now + limits::kDnsTcpIdle);
  }

  DnsTcpService& self_;
  Server& server_;
  TimerQueue& timers_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Session>> sessions_;
  std::unordered_map<IpAddress, std::size_t> per_address_;
  std::vector<std::uint64_t> ready_;
  std::vector<std::uint64_t> batch_;
  std::uint64_t next_number_ = 1;
  TcpServiceCounters counters_;
};

bool DnsTcpService::Impl::accept(std::unique_ptr<Stream> stream, const SocketAddress& client,
                                 const SocketAddress& local, Instant now) {
  std::size_t& of_address = per_address_[client.ip];
  if (sessions_.size() >= limits::kDnsTcpClients ||
      of_address >= limits::kDnsTcpClientsPerAddress) {
    ++counters_.refused;
    if (of_address == 0) per_address_.erase(client.ip);
    stream->abort();
    return false;
  }
  ++of_address;
  ++counters_.accepted;
  auto session = std::make_unique<Session>(*this, std::move(stream));
  session->client = {client, local, next_number_++};
  rearm(*session, now);
  Session& added = *session;
  sessions_.emplace(added.client.session, std::move(session));
  note(added);  // bytes may be there already
  return true;
}

void DnsTcpService::Impl::note(Session& session) noexcept {
  if (session.noted) return;
  session.noted = true;
  ready_.push_back(session.client.session);
}

void DnsTcpService::Impl::pump(Instant now) noexcept {
  batch_.swap(ready_);
  for (const std::uint64_t number : batch_) {
    Session& session = *sessions_.at(number);
    session.noted = false;
    serve(session, now);
    if (session.state == Session::State::ended) remove(session);
  }
  batch_.clear();
}

void DnsTcpService::Impl::serve(Session& session, Instant now) noexcept {
  if (session.idle) {
    ++counters_.idle;
    // An orderly end: the FIN follows what was written, then the stream is closed.
    session.stream->shutdown_write();
    session.state = Session::State::ended;
    return;
  }
  write(session, now);
  const bool more = read(session, now);
  write(session, now);
  // A client that does not read its answers is not read from either, until its stream takes bytes
  // again.
  if (more && session.backlog() < limits::kDnsTcpBacklogBytes) note(session);
  finish_if_done(session);
}

// True when it stopped before the stream was read empty.
bool DnsTcpService::Impl::read(Session& session, Instant now) noexcept {
  for (std::size_t i = 0; i < limits::kDnsTcpQueriesPerPump; ++i) {
    if (session.backlog() >= limits::kDnsTcpBacklogBytes) return true;
    while (session.state == Session::State::open && !take_frame(session, now)) {
      if (session.state != Session::State::open || !fill(session)) return false;
    }
    if (session.state != Session::State::open) return false;
  }
  return true;
}

// More bytes from the stream; false when there are none now, or no more at all.
bool DnsTcpService::Impl::fill(Session& session) noexcept {
  if (session.stream->state() == Stream::State::connecting) return false;
  std::array<std::uint8_t, kReadBytes> bytes;
  const MutableBytes piece(bytes);
  const IoResult result = session.stream->peek(0, {&piece, 1});
  switch (result.kind) {
    case IoResult::Kind::done:
      session.stream->consume(result.bytes);
      session.input.insert(session.input.end(), bytes.begin(),
                           bytes.begin() + static_cast<std::ptrdiff_t>(result.bytes));
      return result.bytes > 0;
    case IoResult::Kind::would_block:
      return false;
    case IoResult::Kind::end:
      // A client may shut down after its last query and still read the answers.
      session.state = Session::State::closing;
      return false;
    case IoResult::Kind::failed:
      session.state = Session::State::ended;
      return false;
  }
  return false;
}

bool DnsTcpService::Impl::take_frame(Session& session, Instant now) noexcept {
  ByteReader reader(session.input);
  const std::size_t length = reader.u16();
  if (!reader.ok()) return false;
  if (length > limits::kDnsTcpQueryBytes) {
    abort(session);
    return false;
  }
  const ByteView query = reader.take(length);
  if (!reader.ok()) return false;
  ++counters_.queries;
  ++session.waiting;  // on_reply() takes it off, perhaps within the call
  rearm(session, now);
  if (server_.on_query(session.client, query, Transport::tcp, self_, now) == QueryFate::dropped) {
    abort(session);
    return false;
  }
  const auto used = static_cast<std::ptrdiff_t>(kLengthBytes + length);
  session.input.erase(session.input.begin(), session.input.begin() + used);
  return true;
}

void DnsTcpService::Impl::write(Session& session, Instant now) noexcept {
  while (session.backlog() > 0 && session.state != Session::State::ended) {
    const ByteView piece = ByteView(session.output).subspan(session.written);
    const IoResult result = session.stream->write({&piece, 1});
    if (result.kind == IoResult::Kind::would_block) return compact(session);
    if (result.kind != IoResult::Kind::done) {
      session.state = Session::State::ended;
      return;
    }
    if (result.bytes == 0) return;
    session.written += result.bytes;
    rearm(session, now);
  }
  session.output.clear();
  session.written = 0;
}

// What was written goes, also when the client reads so slowly that output never runs empty.
void DnsTcpService::Impl::compact(Session& session) noexcept {
  if (session.written < limits::kDnsTcpBacklogBytes) return;
  session.output.erase(session.output.begin(),
                       session.output.begin() + static_cast<std::ptrdiff_t>(session.written));
  session.written = 0;
}

void DnsTcpService::Impl::finish_if_done(Session& session) noexcept {
  if (session.state != Session::State::closing) return;
  if (session.waiting > 0 || session.backlog() > 0) return;
  session.stream->shutdown_write();
  session.state = Session::State::ended;
}

void DnsTcpService::Impl::abort(Session& session) noexcept {
  ++counters_.malformed;
  session.stream->abort();
  session.state = Session::State::ended;
}

void DnsTcpService::Impl::remove(Session& session) noexcept {
  const auto address = per_address_.find(session.client.address.ip);
  if (--address->second == 0) per_address_.erase(address);
  std::erase(ready_, session.client.session);
  sessions_.erase(session.client.session);
}

void DnsTcpService::Impl::on_reply(std::uint64_t number, ByteView reply) noexcept {
  const auto at = sessions_.find(number);
  if (at == sessions_.end()) return;
  Session& session = *at->second;
  --session.waiting;
  note(session);
  if (session.state == Session::State::ended) return;
  if (session.backlog() >= kMostBacklogBytes) {
    session.stream->abort();
    session.state = Session::State::ended;
    return;
  }
  std::array<std::uint8_t, kLengthBytes> length;
  store_be(length.data(), static_cast<std::uint16_t>(reply.size()));
  session.output.insert(session.output.end(), length.begin(), length.end());
  session.output.insert(session.output.end(), reply.begin(), reply.end());
}

DnsTcpService::DnsTcpService(Server& server, TimerQueue& timers)
    : server_(server), impl_(std::make_unique<Impl>(*this, server, timers)) {}
DnsTcpService::~DnsTcpService() {
  server_.forget(*this);
}

bool DnsTcpService::accept(std::unique_ptr<Stream> stream, const SocketAddress& client,
                           const SocketAddress& local, Instant now) {
  return impl_->accept(std::move(stream), client, local, now);
}
void DnsTcpService::pump(Instant now) noexcept {
  impl_->pump(now);
}
bool DnsTcpService::has_work() const noexcept {
  return impl_->has_work();
}
std::size_t DnsTcpService::sessions() const noexcept {
  return impl_->sessions();
}
const TcpServiceCounters& DnsTcpService::counters() const noexcept {
  return impl_->counters();
}
void DnsTcpService::on_reply(const Client& client, Transport, ByteView reply, Instant) noexcept {
  impl_->on_reply(client.session, reply);
}

}  // namespace pontoon::dns
