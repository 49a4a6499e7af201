// The virtio-net header (virtio 1.2, 5.1.6) as TAP devices (IFF_VNET_HDR) and packet sockets
// (PACKET_VNET_HDR) prepend it to a frame: native byte order, 10 bytes, or 12 with the number of
// buffers, which both ignore.
//
// A header that comes in is somebody else's claim about a frame. It is judged against the length of
// the frame here; what it says about the headers inside is judged where it is acted on
// (core/frame/offload.h). UFO (GSO type 3) is never negotiated, so it does not convert.
#pragma once

#include <optional>

#include "core/frame/frame.h"

namespace pontoon {

constexpr std::size_t kVirtioHeaderSize = 10;
constexpr std::size_t kVirtioMergeableHeaderSize = 12;

// `header` is 10 or 12 bytes. Nullopt when it is shorter, has an unknown gso type, a segment size
// of zero, or points outside a frame of `frame_size` bytes.
std::optional<Offload> read_virtio_header(ByteView header, std::size_t frame_size) noexcept;

// Fills all of `header`, 10 or 12 bytes.
void write_virtio_header(MutableBytes header, const Offload& offload) noexcept;

}  // namespace pontoon
