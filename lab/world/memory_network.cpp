#include "lab/world/memory_network.h"

#include <algorithm>
#include <array>

#include "core/base/check.h"
#include "core/socket/pipe_stream.h"

namespace pontoon::lab {
namespace {

IpAddress any_of(const IpAddress& address) {
  return address.is_v4() ? IpAddress(Ipv4Address::any()) : IpAddress(Ipv6Address::any());
}

}  // namespace

// An end of a pipe that may have to wait for its connect.
class MemoryStream final : public Stream {
 public:
  MemoryStream(MemoryNetwork& network, const SocketAddress& target, int number)
      : network_(network), target_(target), number_(number) {}
  MemoryStream(MemoryNetwork& network, std::unique_ptr<Stream> open)
      : network_(network), inner_(std::move(open)) {}
  ~MemoryStream() override {
    std::erase(network_.undecided_, this);
    network_.give_socket();
  }

  void open_with(std::unique_ptr<Stream> end) {
    inner_ = std::move(end);
    inner_->set_handler(handler_);
    if (handler_ != nullptr) handler_->on_ready();
  }
  void fail_with(SocketError error) {
    failure_ = error;
    if (handler_ != nullptr) handler_->on_ready();
  }
  const SocketAddress& target() const { return target_; }
  int number() const { return number_; }

  void set_handler(StreamHandler* handler) noexcept override {
    handler_ = handler;
    if (inner_) inner_->set_handler(handler);
  }
  State state() const noexcept override {
    if (failure_) return State::failed;
    return inner_ ? inner_->state() : State::connecting;
  }
  SocketError error() const noexcept override {
    if (failure_) return *failure_;
    return inner_ ? inner_->error() : SocketError::other;
  }
  IoResult write(std::span<const ByteView> pieces) noexcept override {
    if (failure_) return IoResult::failed(*failure_);
    if (!inner_) return IoResult::would_block();
    return network_.cuts_write() && pieces.size() == 1 ? write_half(pieces[0])
                                                       : inner_->write(pieces);
  }
  std::size_t write_room() const noexcept override { return inner_ ? inner_->write_room() : 0; }
  IoResult peek(std::size_t offset, std::span<const MutableBytes> pieces) noexcept override {
    if (failure_) return IoResult::failed(*failure_);
    return inner_ ? inner_->peek(offset, pieces) : IoResult::would_block();
  }
  void consume(std::size_t count) noexcept override {
    if (inner_) inner_->consume(count);
  }
  void shutdown_write() noexcept override {
    if (inner_) inner_->shutdown_write();
  }
  void abort() noexcept override {
    if (inner_) inner_->abort();
    if (!failure_) failure_ = SocketError::reset;
    std::erase(network_.undecided_, this);
  }

 private:
  IoResult write_half(ByteView piece) noexcept {
    const ByteView half = piece.first(piece.size() / 2);
    const IoResult written = half.empty() ? IoResult::would_block() : inner_->write({&half, 1});
    if (handler_ != nullptr) handler_->on_ready();  // there is room, as whoever was cut short hears
    return written;
  }

  MemoryNetwork& network_;
  SocketAddress target_;
  int number_ = 0;
  std::unique_ptr<Stream> inner_;
  std::optional<SocketError> failure_;
  StreamHandler* handler_ = nullptr;
};

class MemoryListener final : public Listener {
 public:
  MemoryListener(MemoryNetwork& network, const SocketAddress& local)
      : network_(network), local_(local) {
    network_.listeners_[local_] = this;
  }
  ~MemoryListener() override {
    network_.listeners_.erase(local_);
    network_.give_socket();
  }

  void arrive(AcceptedStream stream) {
    waiting_.push_back(std::move(stream));
    if (handler_ != nullptr) handler_->on_ready();
  }
  void fail_next(SocketError error, std::size_t times) {
    failure_ = error;
    failures_left_ = times;
    if (handler_ != nullptr) handler_->on_ready();
  }

  void set_handler(ListenerHandler* handler) noexcept override { handler_ = handler; }
  SocketAddress local() const noexcept override { return local_; }
  Result<AcceptedStream, SocketError> accept() noexcept override {
    if (failures_left_ > 0) {
      --failures_left_;
      return failure_;
    }
    if (waiting_.empty()) return AcceptedStream{};
    if (!network_.take_socket()) return SocketError::no_resources;
    AcceptedStream next = std::move(waiting_.front());
    waiting_.pop_front();
    next.stream = std::make_unique<MemoryStream>(network_, std::move(next.stream));
    return next;
  }

 private:
  MemoryNetwork& network_;
  SocketAddress local_;
  ListenerHandler* handler_ = nullptr;
  std::deque<AcceptedStream> waiting_;
  SocketError failure_ = SocketError::other;
  std::size_t failures_left_ = 0;
};

class MemoryDatagram final : public Datagram {
 public:
  MemoryDatagram(MemoryNetwork& network, const SocketAddress& local, bool echo)
      : network_(network), local_(local), number_(++network.last_number_), echo_(echo) {
    network_.datagrams_[number_] = this;
    if (!echo_) network_.bound_[local_] = this;
  }
  ~MemoryDatagram() override {
    network_.datagrams_.erase(number_);
    if (!echo_) network_.bound_.erase(local_);
    network_.give_socket();
  }

  void arrive(const SocketAddress& from, const IpAddress& to, ByteView payload) {
    arrived_.push_back({from, to, {payload.begin(), payload.end()}});
    if (handler_ != nullptr) handler_->on_ready();
  }
  void arrive_error(const DatagramError& error) {
    errors_.push_back(error);
    if (handler_ != nullptr) handler_->on_ready();
  }
  void fail_next_send(SocketError error) { next_failure_ = error; }
  int number() const { return number_; }

  void set_handler(DatagramHandler* handler) noexcept override { handler_ = handler; }
  SocketAddress local() const noexcept override { return local_; }

  IoResult send(const SocketAddress& target, ByteView payload,
                const std::optional<IpAddress>& source) noexcept override {
    if (next_failure_) return IoResult::failed(*std::exchange(next_failure_, std::nullopt));
    if (network_.sends_blocked_) return IoResult::would_block();
    const auto bad = network_.bad_targets_.find(target);
    if (bad != network_.bad_targets_.end()) return IoResult::failed(bad->second);
    const SocketAddress from{source.value_or(local_.ip), local_.port};
    network_.sent_.push_back({from, target, {payload.begin(), payload.end()}, number_});
    return IoResult::done(payload.size());
  }

  std::size_t receive(std::span<DatagramSlot> slots) noexcept override {
    std::size_t filled = 0;
    while (filled < slots.size() && !arrived_.empty()) {
      const Arrived next = std::move(arrived_.front());
      arrived_.pop_front();
      DatagramSlot& slot = slots[filled];
      if (next.payload.size() > slot.buffer.size()) continue;
      std::copy(next.payload.begin(), next.payload.end(), slot.buffer.begin());
      slot.size = next.payload.size();
      slot.peer = next.from;
      slot.local = next.to;
      ++filled;
    }
    return filled;
  }

  std::optional<DatagramError> take_error() noexcept override {
    if (errors_.empty()) return std::nullopt;
    const DatagramError next = errors_.front();
    errors_.pop_front();
    return next;
  }

 private:
  struct Arrived {
    SocketAddress from;
    IpAddress to;
    std::vector<std::uint8_t> payload;
  };

  MemoryNetwork& network_;
  SocketAddress local_;
  int number_;
  bool echo_;
  DatagramHandler* handler_ = nullptr;
  std::deque<Arrived> arrived_;
  std::deque<DatagramError> errors_;
  std::optional<SocketError> next_failure_;
};

MemoryNetwork::MemoryNetwork() {
  for (const char* text : {"0.0.0.0", "127.0.0.1", "127.0.0.2", "::", "::1"})
    addresses_.insert(*IpAddress::parse(text));
}

MemoryNetwork::~MemoryNetwork() {
  accepted_.clear();
  INVARIANT(open_sockets_ == 0);
}

Result<std::unique_ptr<Stream>, SocketError> MemoryNetwork::connect(const SocketAddress& target) {
  connects_.push_back(target);
  const auto script = scripts_.find(target);
  const bool scripted = script != scripts_.end();
  if (scripted && script->second.kind == Connect::Kind::no_socket) return script->second.error;
  if (disabled_.contains(target.ip.family())) return SocketError::network_unreachable;
  if (!take_socket()) return SocketError::no_resources;
  auto stream = std::make_unique<MemoryStream>(*this, target, ++last_connect_);
  if (scripted && script->second.kind == Connect::Kind::fail_at_once) {
    stream->fail_with(script->second.error);
  } else {
    undecided_.push_back(stream.get());
    begun_.push_back({stream->number(), target});
  }
  return std::unique_ptr<Stream>(std::move(stream));
}

std::size_t MemoryNetwork::settle() {
  std::size_t decided = 0;
  const std::vector<MemoryStream*> waiting = undecided_;
  for (MemoryStream* stream : waiting) {
    // Handlers only take note, but be safe against a stream that died meanwhile.
    if (std::find(undecided_.begin(), undecided_.end(), stream) == undecided_.end()) continue;
    const auto script = scripts_.find(stream->target());
    if (script != scripts_.end() && script->second.kind == Connect::Kind::hang) continue;
    std::erase(undecided_, stream);
    decide(*stream);
    ++decided;
  }
  return decided;
}

void MemoryNetwork::decide(MemoryStream& stream) {
  const auto script = scripts_.find(stream.target());
  MemoryListener* listener = find_listener(stream.target());
  if (script != scripts_.end() && script->second.kind == Connect::Kind::succeed) {
    open_scripted(stream);
  } else if (script == scripts_.end() && listener != nullptr) {
    StreamPair pair = make_pipe(pipe_bytes_);
    listener->arrive(
        {std::move(pair.second), {any_of(stream.target().ip), next_ephemeral_++}, stream.target()});
    stream.open_with(std::move(pair.first));
  } else {
    stream.fail_with(script == scripts_.end() ? SocketError::refused : script->second.error);
  }
}

void MemoryNetwork::open_scripted(MemoryStream& stream) {
  StreamPair pair = make_pipe(pipe_bytes_);
  accepted_[stream.target()].push_back(std::move(pair.second));
  stream.open_with(std::move(pair.first));
}

std::vector<MemoryNetwork::Begun> MemoryNetwork::take_begun() {
  return std::exchange(begun_, {});
}

bool MemoryNetwork::decide(int number, Connect outcome) {
  const auto found =
      std::find_if(undecided_.begin(), undecided_.end(),
                   [number](const MemoryStream* stream) { return stream->number() == number; });
  if (found == undecided_.end()) return false;
  MemoryStream& stream = **found;
  if (outcome.kind == Connect::Kind::hang) return true;
  undecided_.erase(found);
  if (outcome.kind == Connect::Kind::succeed) {
    open_scripted(stream);
  } else {
    stream.fail_with(outcome.error);
  }
  return true;
}

std::unique_ptr<Stream> MemoryNetwork::take_accepted(const SocketAddress& target) {
  auto& waiting = accepted_[target];
  if (waiting.empty()) return nullptr;
  auto next = std::move(waiting.front());
  waiting.pop_front();
  return next;
}

Result<std::unique_ptr<Listener>, SocketError> MemoryNetwork::listen(const SocketAddress& local) {
  const auto bound = bind(local, Protocol::tcp);
  if (!bound) return bound.error();
  return std::unique_ptr<Listener>(std::make_unique<MemoryListener>(*this, *bound));
}

Result<std::unique_ptr<Datagram>, SocketError> MemoryNetwork::open_datagram(
    const SocketAddress& local) {
  const auto bound = bind(local, Protocol::udp);
  if (!bound) return bound.error();
  return std::unique_ptr<Datagram>(std::make_unique<MemoryDatagram>(*this, *bound, false));
}

Result<std::unique_ptr<EchoSocket>, SocketError> MemoryNetwork::open_echo(IpFamily family) {
  if (echo_error_) return *echo_error_;
  if (disabled_.contains(family)) return SocketError::unsupported;
  if (!take_socket()) return SocketError::no_resources;
  const IpAddress any =
      family == IpFamily::v4 ? IpAddress(Ipv4Address::any()) : IpAddress(Ipv6Address::any());
  return std::unique_ptr<EchoSocket>(
      std::make_unique<MemoryDatagram>(*this, SocketAddress{any, 0}, true));
}

std::unique_ptr<Stream> MemoryNetwork::dial(const SocketAddress& client, const SocketAddress& to) {
  MemoryListener* listener = find_listener(to);
  if (listener == nullptr) return nullptr;
  StreamPair pair = make_pipe(pipe_bytes_);
  listener->arrive({std::move(pair.second), client, to});
  return std::move(pair.first);
}

void MemoryNetwork::fail_accepts(const SocketAddress& local, SocketError error, std::size_t times) {
  MemoryListener* listener = find_listener(local);
  INVARIANT(listener != nullptr);
  listener->fail_next(error, times);
}

bool MemoryNetwork::listening(const SocketAddress& local) const {
  return listeners_.contains(local);
}

bool MemoryNetwork::bound(const SocketAddress& local) const {
  return bound_.contains(local);
}

bool MemoryNetwork::deliver(const SocketAddress& from, const SocketAddress& to,
                            std::string_view payload) {
  MemoryDatagram* datagram = find_datagram(to);
  if (datagram == nullptr) return false;
  datagram->arrive(from, to.ip, as_bytes(payload));
  return true;
}

bool MemoryNetwork::deliver_to(int socket, const SocketAddress& from, ByteView payload,
                               const IpAddress& local) {
  const auto found = datagrams_.find(socket);
  if (found == datagrams_.end()) return false;
  found->second->arrive(from, local, payload);
  return true;
}

bool MemoryNetwork::fail(int socket, const DatagramError& error) {
  const auto found = datagrams_.find(socket);
  if (found == datagrams_.end()) return false;
  found->second->arrive_error(error);
  return true;
}

void MemoryNetwork::fail_next_send(int socket, SocketError error) {
  datagrams_.at(socket)->fail_next_send(error);
}

std::vector<MemoryNetwork::Sent> MemoryNetwork::take_sent() {
  return std::exchange(sent_, {});
}

bool MemoryNetwork::take_socket() {
  if (sockets_left_ && *sockets_left_ == 0) return false;
  if (sockets_left_) --*sockets_left_;
  most_open_sockets_ = std::max(most_open_sockets_, ++open_sockets_);
  return true;
}

void MemoryNetwork::give_socket() noexcept {
  --open_sockets_;
  if (sockets_left_) ++*sockets_left_;
}

std::optional<SocketError> MemoryNetwork::check_bind(const SocketAddress& local,
                                                     Protocol protocol) const {
  if (disabled_.contains(local.ip.family())) return SocketError::unsupported;
  if (!addresses_.contains(local.ip)) return SocketError::address_unavailable;
  if (local.port != 0 && local.port < unprivileged_start_) return SocketError::prohibited;
  if (local.port != 0 && taken(local, protocol)) return SocketError::address_in_use;
  return std::nullopt;
}

bool MemoryNetwork::taken(const SocketAddress& local, Protocol protocol) const {
  const auto occupied = [&](const IpAddress& ip) {
    const SocketAddress place{ip, local.port};
    return foreign_.contains({place, protocol}) ||
           (protocol == Protocol::tcp ? listeners_.contains(place) : bound_.contains(place));
  };
  if (occupied(local.ip) || occupied(any_of(local.ip))) return true;
  return local.ip.is_any() &&
         std::any_of(addresses_.begin(), addresses_.end(), [&](const IpAddress& ip) {
           return ip.is_v4() == local.ip.is_v4() && occupied(ip);
         });
}

Result<SocketAddress, SocketError> MemoryNetwork::bind(const SocketAddress& local,
                                                       Protocol protocol) {
  if (const auto error = check_bind(local, protocol)) return *error;
  SocketAddress chosen = local;
  for (unsigned tries = 0; chosen.port == 0; ++tries) {
    if (tries > 0xffff) return SocketError::address_in_use;
    const std::uint16_t candidate = next_ephemeral_++;
    if (candidate != 0 && !taken({local.ip, candidate}, protocol)) chosen.port = candidate;
  }
  if (!take_socket()) return SocketError::no_resources;
  return chosen;
}

MemoryListener* MemoryNetwork::find_listener(const SocketAddress& to) const {
  auto found = listeners_.find(to);
  if (found == listeners_.end()) found = listeners_.find({any_of(to.ip), to.port});
  return found == listeners_.end() ? nullptr : found->second;
}

MemoryDatagram* MemoryNetwork::find_datagram(const SocketAddress& to) const {
  auto found = bound_.find(to);
  if (found == bound_.end()) found = bound_.find({any_of(to.ip), to.port});
  return found == bound_.end() ? nullptr : found->second;
}

std::string read_all(Stream& stream) {
  std::string text;
  std::array<std::uint8_t, 4096> buffer;
  for (;;) {
    const MutableBytes piece(buffer);
    const IoResult read = stream.peek(0, {&piece, 1});
    if (read.kind != IoResult::Kind::done || read.bytes == 0) return text;
    text += as_text(ByteView(buffer).first(read.bytes));
    stream.consume(read.bytes);
  }
}

void write_all(Stream& stream, std::string_view text) {
  const ByteView piece = as_bytes(text);
  const IoResult written = stream.write({&piece, 1});
  INVARIANT(written.kind == IoResult::Kind::done && written.bytes == text.size());
}

}  // namespace pontoon::lab
