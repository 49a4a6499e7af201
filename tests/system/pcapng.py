"""A small reader of pcapng (draft-ietf-opsawg-pcapng), independent of pontoon's own: little-endian, one section, times in
nanoseconds. Strict: whatever pontoon should not write is an error.

    capture = pcapng.read(path)
    capture.interfaces[0].name, capture.packets[0].comment, capture.packets[0].data
"""

import dataclasses
import struct
from pathlib import Path

SECTION, INTERFACE, NAMES, STATISTICS, PACKET = 0x0A0D0D0A, 1, 4, 5, 6


@dataclasses.dataclass
class Interface:
    name: str
    description: str
    mac: str
    address: str
    snap: int
    received: int = 0
    dropped: int = 0
    has_statistics: bool = False


@dataclasses.dataclass
class Packet:
    interface: str
    time_ns: int
    direction: str  # "in", "out", ""
    data: bytes
    length: int
    comment: str

    @property
    def dropped(self):
        """The reason's name, or None."""
        return self.comment.split("; dropped: ")[1].split(" ")[0] if "; dropped: " in self.comment else None

    @property
    def ends(self):
        return self.comment.split(";")[0]


@dataclasses.dataclass
class Capture:
    application: str = ""
    interfaces: list = dataclasses.field(default_factory=list)
    packets: list = dataclasses.field(default_factory=list)
    names: dict = dataclasses.field(default_factory=dict)

    def of(self, interface):
        return [packet for packet in self.packets if packet.interface == interface]


def options(data):
    found = {}
    while data:
        code, length = struct.unpack_from("<HH", data)
        if code == 0:
            assert length == 0 and len(data) == 4, "something stands behind the end of the options"
            break
        assert 4 + length <= len(data), "an option goes beyond its block"
        found.setdefault(code, []).append(data[4:4 + length])
        data = data[4 + (length + 3) // 4 * 4:]
    return found


def text(found, code):
    return found.get(code, [b""])[0].decode()


def blocks(data):
    while data:
        assert len(data) >= 12, f"{len(data)} bytes behind the last block"
        kind, length = struct.unpack_from("<II", data)
        assert length % 4 == 0 and 12 <= length <= len(data), f"block of length {length} in {len(data)} bytes"
        assert struct.unpack_from("<I", data, length - 4)[0] == length, "the lengths of a block disagree"
        yield kind, data[8:length - 4]
        data = data[length:]


def read_interface(body):
    link, _, snap = struct.unpack_from("<HHI", body)
    assert link == 1
    found = options(body[8:])
    assert found[9] == [b"\x09"], "not in nanoseconds"
    mac = found.get(6, [b""])[0]
    address = found.get(4, [b""])[0]
    return Interface(text(found, 2), text(found, 3), mac.hex(":"), ".".join(map(str, address[:4])), snap)


def read_packet(body, interfaces):
    number, high, low, kept, length = struct.unpack_from("<IIIII", body)
    assert kept <= length
    found = options(body[20 + (kept + 3) // 4 * 4:])
    flags = struct.unpack("<I", found[2][0])[0] if 2 in found else 0
    return Packet(interfaces[number].name, high << 32 | low, {0: "", 1: "in", 2: "out"}[flags & 3], body[20:20 + kept],
                  length, text(found, 1))


def read_names(body, names):
    while True:
        kind, length = struct.unpack_from("<HH", body)
        if kind == 0:
            return
        if kind == 1:
            names[".".join(map(str, body[4:8]))] = body[8:4 + length].split(b"\0")[0].decode()
        body = body[4 + (length + 3) // 4 * 4:]


def parse(data):
    capture = Capture()
    for index, (kind, body) in enumerate(blocks(data)):
        assert (kind == SECTION) == (index == 0), "one section header, at the beginning"
        if kind == SECTION:
            assert struct.unpack_from("<IHH", body) == (0x1A2B3C4D, 1, 0)
            capture.application = text(options(body[16:]), 4)
        elif kind == INTERFACE:
            capture.interfaces.append(read_interface(body))
        elif kind == NAMES:
            read_names(body, capture.names)
        elif kind == PACKET:
            capture.packets.append(read_packet(body, capture.interfaces))
        elif kind == STATISTICS:
            interface = capture.interfaces[struct.unpack_from("<I", body)[0]]
            found = options(body[12:])
            interface.has_statistics = True
            interface.received = struct.unpack("<Q", found[4][0])[0]
            interface.dropped = struct.unpack("<Q", found[5][0])[0]
        else:
            raise AssertionError(f"unknown block {kind}")
    return capture


def read(path):
    return parse(Path(path).read_bytes())


def internet_sum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) // 2 * 2])) + (data[-1] << 8 if len(data) % 2 else 0)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def checksums_right(frame):
    """Of an Ethernet frame that holds a whole IPv4 packet with TCP or UDP in it; True for any other."""
    if len(frame) < 34 or frame[12:14] != b"\x08\x00":
        return True
    header = (frame[14] & 15) * 4
    packet = frame[14:14 + int.from_bytes(frame[16:18], "big")]
    if internet_sum(packet[:header]) != 0xFFFF:
        return False
    if packet[9] not in (6, 17) or int.from_bytes(packet[6:8], "big") & 0x3FFF:
        return True
    transport = packet[header:]
    if packet[9] == 17 and transport[6:8] == b"\0\0":
        return True
    return internet_sum(packet[12:20] + bytes([0, packet[9]]) + len(transport).to_bytes(2, "big") + transport) == 0xFFFF
