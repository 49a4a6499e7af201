#!/usr/bin/env python3
"""Writes seeds for the fuzz targets: the frames of pcaps/ put into each target's shape, and lines that people type.

    tests/fuzz/seeds.py FOLDER      FOLDER/TARGET/NAME.bin
"""

import struct
import sys
from pathlib import Path

from packets import (FRAME_TARGETS, dhcp_message_input, dns_name_input, dns_query_input, dns_response_input, frames_input, grammar_input,
                     u8, u16)

ROOT = Path(__file__).resolve().parent.parent.parent
FRAMES_PER_INPUT = 12
MOST_FRAMES_PER_CAPTURE = 60

LINES = {
    "mac": ["02:42:ac:11:00:02", "02-42-AC-11-00-02"],
    "ipv6": ["fe80::1", "::ffff:192.0.2.1", "2001:db8:0:0:1::", "192.0.2.1"],
    "prefix": ["172.17.0.0/16", "fd00:17::/64", "0.0.0.0/0"],
    "exposed": ["80", "80/tcp", "5000-5010/udp"],
    "name": ["web.default.internal", "a\\.b.\\003c.", "."],
    "resolv_conf": ["# comment\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\noptions edns0\n"],
    "publication": ["8080:80", "127.0.0.1:8000-8010:80/tcp", "[::1]:53:53/udp", "::1:8080:80", "80-82:80-82"],
}
FILTERS = ["tcp port 80 and host 172.17.0.2", "not (arp or icmp6) and net 172.17.0.0/16", "dropped or ether src host 02:42:ac:11:00:02",
           "src host web and portrange 1000-2000 && greater 60"]
IMPAIRMENTS = ["delay=20ms~5ms loss=1% burst=4", "rate=10mbit queue=50", "partition for=5s", "duplicate=0.5% reorder=2% corrupt=0.1%"]
JSON = ['{"name":"back","subnet":"10.0.0.0/24","gateway":"10.0.0.1","mtu":1500,"internal":false,"allow_host_loopback":false}',
        '{"op":"reserve","version":1,"request":{"name":"web","network":"default","publish":["8080:80"],"aliases":["a"]}}',
        '{"error":{"code":"conflict","message":"in use"}}', '[]', '[{"network":"default","address":"172.17.0.2","mac":"02:42:ac:11:00:02"}]']


def packets_of(data):
    """The packets of a little-endian pcapng file as our writer makes it; what is something else is passed over."""
    at = 0
    while at + 12 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if length < 12 or at + length > len(data):
            return
        if kind == 6 and length >= 32:
            captured = struct.unpack_from("<I", data, at + 20)[0]
            yield data[at + 28:at + 28 + captured]
        at += length


class Writer:
    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    def add(self, target, name, data):
        path = self.folder / target / f"{name}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.count += 1


def transport_of(frame):
    """(protocol, bytes) of an IPv4 packet without fragments, or None."""
    if len(frame) < 34 or frame[12:14] != b"\x08\x00" or frame[14] >> 4 != 4 or frame[20] & 0x3F or frame[21]:
        return None
    return frame[23], frame[14 + (frame[14] & 15) * 4:14 + int.from_bytes(frame[16:18], "big")]


def add_frame(out, name, frame):
    out.add("dissect", name, u8(0) + frame)
    out.add("virtio", name, u8(0) + b"\0" * 10 + frame)
    out.add("wire", f"{name}-link", u8(1) + frame)
    if frame[12:14] in (b"\x08\x06", b"\x08\x00", b"\x86\xdd"):
        out.add("wire", f"{name}-network", u8({6: 0, 0: 3, 0xDD: 4}[frame[13]]) + frame[14:])
    found = transport_of(frame)
    if found is None or len(found[1]) < 8:
        return
    protocol, data = found
    if protocol in (1, 6, 17):
        out.add("wire", f"{name}-transport", u8({17: 5, 6: 6, 1: 8}[protocol]) + data)
    if protocol == 6 and len(data) >= 20:
        out.add("tcp_options", name, data[20:(data[12] >> 4) * 4])
    if protocol == 17:
        ports, payload = set(struct.unpack_from("!HH", data)), data[8:]
        if ports & {67, 68}:
            out.add("dhcp", name, dhcp_message_input(payload))
        elif 53 in ports and len(payload) >= 12:
            out.add("dns", name, dns_response_input(payload) if payload[2] & 0x80 else dns_query_input(payload))
            out.add("dns", f"{name}-name", dns_name_input(payload[12:]))


def add_capture(out, name, data):
    if len(data) <= 20000:
        out.add("pcap", name, data)
        out.add("adopt", name, data)
    frames = [frame for frame in packets_of(data) if 14 <= len(frame) <= 4000][:MOST_FRAMES_PER_CAPTURE]
    for number, frame in enumerate(frames):
        add_frame(out, f"{name}-{number}", frame)
    for first in range(0, len(frames), FRAMES_PER_INPUT):
        for target in FRAME_TARGETS:
            out.add(target, f"{name}-{first}", frames_input(target, frames[first:first + FRAMES_PER_INPUT]))


def write(folder):
    out = Writer(Path(folder))
    for path in sorted((ROOT / "pcaps").rglob("input.pcapng")):
        if (case := path.with_name("case.toml")).is_file():
            out.add("case", "-".join(path.parent.parts[-2:]), case.read_bytes())
        add_capture(out, "-".join(path.parent.relative_to(ROOT / "pcaps").parts), path.read_bytes())
    for kind, lines in LINES.items():
        for number, line in enumerate(lines):
            out.add("grammar", f"{kind}-{number}", grammar_input(kind, line.encode()))
    for number, line in enumerate(FILTERS):
        out.add("filter", f"filter-{number}", u8(0) + u16(len(line)) + line.encode() + b"\0" * 60)
    for number, line in enumerate(IMPAIRMENTS):
        out.add("filter", f"impairment-{number}", u8(1) + line.encode())
    for kind in range(10):
        for number, line in enumerate(JSON):
            out.add("json", f"{kind}-{number}", u8(kind) + line.encode())
    return out.count


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(f"{write(sys.argv[1])} seeds in {sys.argv[1]}")
