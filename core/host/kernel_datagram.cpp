#include "core/host/kernel_datagram.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/host/sockaddr.h"

namespace pontoon::host {
namespace {

constexpr std::size_t kBatch = 32;
constexpr std::size_t kControlBytes = 256;
// An ICMP error that is pending on the socket makes the next call fail once; it is read from the
// error queue.
constexpr int kPendingErrorRetries = 2;

bool pending_error(int number) noexcept {
  return number == ECONNREFUSED || number == EHOSTUNREACH || number == ENETUNREACH ||
         number == EPROTO || number == EMSGSIZE || number == EINTR;
}

std::size_t put_source(msghdr& message, std::span<std::uint8_t> control,
                       const IpAddress& source) noexcept {
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (source.is_v4()) {
    in_pktinfo info{};
    info.ipi_spec_dst.s_addr = be32(source.v4().value).raw();
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
    return CMSG_SPACE(sizeof info);
  }
  in6_pktinfo info{};
  std::memcpy(&info.ipi6_addr, source.octets().data(), 16);
  header->cmsg_level = IPPROTO_IPV6;
  header->cmsg_type = IPV6_PKTINFO;
  header->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(header), &info, sizeof info);
  return CMSG_SPACE(sizeof info);
}

std::optional<IpAddress> local_address(msghdr& message) noexcept {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      return Ipv4Address::from({reinterpret_cast<const std::uint8_t*>(&info.ipi_addr), 4});
    }
    if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      return Ipv6Address::from({reinterpret_cast<const std::uint8_t*>(&info.ipi6_addr), 16});
    }
  }
  return std::nullopt;
}

// The address that follows an extended error (SO_EE_OFFENDER), where there is one.
std::optional<IpAddress> offender(const sock_extended_err* error) noexcept {
  const auto* raw = reinterpret_cast<const std::uint8_t*>(error + 1);
  SockAddr from;
  sa_family_t family;
  std::memcpy(&family, raw, sizeof family);
  if (family == AF_INET) {
    std::memcpy(&from.storage, raw, sizeof(sockaddr_in));
  } else if (family == AF_INET6) {
    std::memcpy(&from.storage, raw, sizeof(sockaddr_in6));
  } else {
    return std::nullopt;
  }
  return from.address().ip;
}

void fill_error(msghdr& message, DatagramError& out) noexcept {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    const bool v4 = header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR;
    const bool v6 = header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_RECVERR;
    if (!v4 && !v6) continue;
    const auto* error = reinterpret_cast<const sock_extended_err*>(CMSG_DATA(header));
    out.error = socket_error(static_cast<int>(error->ee_errno));
    out.icmp_type = error->ee_type;
    out.icmp_code = error->ee_code;
    if (out.error == SocketError::message_too_big) out.mtu = error->ee_info;
    if (error->ee_origin == SO_EE_ORIGIN_ICMP || error->ee_origin == SO_EE_ORIGIN_ICMP6) {
      out.reporter = offender(error);
    }
  }
}

}  // namespace

KernelDatagram::KernelDatagram(UniqueFd fd, const SocketAddress& local, Poller& poller) noexcept
    : fd_(std::move(fd)), local_(local), poller_(poller) {}

KernelDatagram::~KernelDatagram() {
  if (watched_) poller_.remove(fd_.get(), *this);
}

bool KernelDatagram::watch() noexcept {
  watched_ = poller_.add(fd_.get(), EPOLLIN, *this);
  return watched_;
}

// Only while a send is blocked: else each datagram that has left would be an event.
void KernelDatagram::watch_room(bool wanted) noexcept {
  if (wanted == room_watched_) return;
  const std::uint32_t events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN;
  if (poller_.modify(fd_.get(), events, *this)) room_watched_ = wanted;
}

void KernelDatagram::on_events(std::uint32_t events) noexcept {
  if ((events & EPOLLOUT) != 0) watch_room(false);
  if (handler_ != nullptr) handler_->on_ready();
}

IoResult KernelDatagram::send(const SocketAddress& target, ByteView payload,
                              const std::optional<IpAddress>& source) noexcept {
  SockAddr to(target);
  iovec vector{const_cast<std::uint8_t*>(payload.data()), payload.size()};
  alignas(cmsghdr) std::array<std::uint8_t, kControlBytes> control{};
  msghdr message{};
  message.msg_name = to.raw();
  message.msg_namelen = to.length;
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (source) message.msg_controllen = put_source(message, control, *source);
  for (int attempt = 0;; ++attempt) {
    const ssize_t sent = sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return IoResult::done(static_cast<std::size_t>(sent));
    if (errno == EAGAIN) {
      watch_room(true);
      return IoResult::would_block();
    }
    // A datagram that is too long stays so; everything else is an older one's error.
    const bool retry = pending_error(errno) && errno != EMSGSIZE && attempt < kPendingErrorRetries;
    if (!retry) return IoResult::failed(socket_error(errno));
  }
}

std::size_t KernelDatagram::receive(std::span<DatagramSlot> slots) noexcept {
  std::size_t filled = 0;
  while (filled < slots.size()) {
    const auto free = slots.subspan(filled);
    const int got = receive_batch(free, filled);
    // Less than was asked for: nothing more is there, and a new arrival will be an event.
    if (got < static_cast<int>(std::min(free.size(), kBatch))) break;
  }
  return filled;
}

// How many datagrams were read, also those that did not fit their slot and count as never come.
int KernelDatagram::receive_batch(std::span<DatagramSlot> slots, std::size_t& filled) noexcept {
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> vectors;
  std::array<SockAddr, kBatch> peers;
  alignas(cmsghdr) std::array<std::array<std::uint8_t, kControlBytes>, kBatch> controls;
  const std::size_t count = std::min(slots.size(), kBatch);
  for (std::size_t i = 0; i < count; ++i) {
    vectors[i] = {slots[i].buffer.data(), slots[i].buffer.size()};
    messages[i].msg_hdr.msg_name = peers[i].raw();
    messages[i].msg_hdr.msg_namelen = peers[i].length;
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_control = controls[i].data();
    messages[i].msg_hdr.msg_controllen = controls[i].size();
  }
  int got = -1;
  for (int attempt = 0; got < 0 && attempt < kPendingErrorRetries; ++attempt) {
    got = recvmmsg(fd_.get(), messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT, nullptr);
    if (got < 0 && !pending_error(errno)) return got;
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; got > 0 && i < static_cast<std::size_t>(got); ++i) {
    if ((messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0) continue;
    DatagramSlot& slot = slots[kept++];
    std::swap(slot.buffer, slots[i].buffer);
    slot.size = messages[i].msg_len;
    slot.peer = peers[i].address();
    slot.local = local_address(messages[i].msg_hdr).value_or(local_.ip);
  }
  filled += kept;
  return got;
}

std::optional<DatagramError> KernelDatagram::take_error() noexcept {
  std::array<std::uint8_t, 64> data;
  alignas(cmsghdr) std::array<std::uint8_t, kControlBytes> control;
  SockAddr target;
  iovec vector{data.data(), data.size()};
  msghdr message{};
  message.msg_name = target.raw();
  message.msg_namelen = target.length;
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (recvmsg(fd_.get(), &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return std::nullopt;
  DatagramError out;
  out.target = target.address();
  fill_error(message, out);
  return out;
}

}  // namespace pontoon::host
