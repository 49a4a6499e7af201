"""Packets byte by byte, for craft.py: each function gives bytes, and lets anything be wrong on purpose."""

import ipaddress
import struct

BROADCAST_MAC = "ff:ff:ff:ff:ff:ff"


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def address(text):
    return ipaddress.ip_address(text).packed


def checksum(data):
    data = bytes(data) + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pattern(size, first=0):
    """Bytes that show where they come from."""
    return bytes((first + index) % 251 for index in range(size))


def ethernet(source, target, kind, payload):
    return mac(target) + mac(source) + struct.pack("!H", kind) + payload


def vlan(identifier, kind, payload):
    return struct.pack("!HH", identifier, kind) + payload


def arp(operation, sender_mac, sender, target_mac, target, *, hardware=1, protocol=0x0800, lengths=(6, 4)):
    head = struct.pack("!HHBBH", hardware, protocol, *lengths, operation)
    return head + mac(sender_mac) + address(sender) + mac(target_mac) + address(target)


def ipv4(source, target, protocol, payload, *, ttl=64, ident=0, flags=0x4000, offset=0, options=b"", total=None, version=4,
         words=None, tos=0, bad_checksum=False):
    """`flags` as they stand in the header: 0x4000 DF, 0x2000 MF. `offset` in bytes."""
    options += b"\0" * (-len(options) % 4)
    words = 5 + len(options) // 4 if words is None else words
    total = 20 + len(options) + len(payload) if total is None else total
    head = struct.pack("!BBHHHBBH", version << 4 | words, tos, total, ident, flags | offset // 8, ttl, protocol, 0)
    head += address(source) + address(target) + options
    value = checksum(head) ^ (0x1234 if bad_checksum else 0)
    return head[:10] + struct.pack("!H", value) + head[12:] + payload


def fragments(source, target, protocol, payload, sizes, *, ident=77, ttl=64):
    """The datagram cut into pieces of these sizes; the rest is the last one."""
    pieces, at = [], 0
    for size in [*sizes, len(payload) - sum(sizes)]:
        last = at + size >= len(payload)
        pieces.append(ipv4(source, target, protocol, payload[at:at + size], ident=ident, ttl=ttl, flags=0 if last else 0x2000,
                           offset=at))
        at += size
    return pieces


def ipv6(source, target, next_header, payload, *, hops=64, length=None):
    length = len(payload) if length is None else length
    return struct.pack("!IHBB", 6 << 28, length, next_header, hops) + address(source) + address(target) + payload


def pseudo(source, target, protocol, length):
    packed = address(source), address(target)
    if len(packed[0]) == 4:
        return packed[0] + packed[1] + struct.pack("!BBH", 0, protocol, length)
    return packed[0] + packed[1] + struct.pack("!IHBB", length, 0, 0, protocol)


def icmp(kind, code, rest, payload=b"", *, bad_checksum=False):
    data = struct.pack("!BBHI", kind, code, 0, rest) + payload
    return data[:2] + struct.pack("!H", checksum(data) ^ (0x1234 if bad_checksum else 0)) + data[4:]


def echo(identifier, sequence, payload=b"", *, reply=False, bad_checksum=False):
    return icmp(0 if reply else 8, 0, identifier << 16 | sequence, payload, bad_checksum=bad_checksum)


def icmpv6(source, target, kind, code, body):
    data = struct.pack("!BBH", kind, code, 0) + body
    return data[:2] + struct.pack("!H", checksum(pseudo(source, target, 58, len(data)) + data)) + data[4:]


def udp(source, source_port, target, target_port, payload, *, sum_as=None, length=None):
    """`sum_as`: the checksum field, whatever is right; 0 means none."""
    length = 8 + len(payload) if length is None else length
    data = struct.pack("!HHHH", source_port, target_port, length, 0) + payload
    value = checksum(pseudo(source, target, 17, len(data)) + data) or 0xFFFF
    return data[:6] + struct.pack("!H", value if sum_as is None else sum_as) + data[8:]


FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))


def tcp(source, source_port, target, target_port, *, seq=0, ack=0, flags=ACK, window=64240, payload=b"", options=b"", urgent=0,
        offset=None, bad_checksum=False):
    options += b"\1" * (-len(options) % 4)
    offset = 5 + len(options) // 4 if offset is None else offset
    data = struct.pack("!HHIIBBHHH", source_port, target_port, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, offset << 4, flags, window, 0,
                       urgent) + options + payload
    value = checksum(pseudo(source, target, 6, len(data)) + data) ^ (0x1234 if bad_checksum else 0)
    return data[:16] + struct.pack("!H", value) + data[18:]


def mss(value):
    return struct.pack("!BBH", 2, 4, value)


def option(code, value):
    """Of DHCP; longer values as several instances (RFC 3396)."""
    value = address(value) if isinstance(value, str) and value.count(".") == 3 else value
    value = value.encode() if isinstance(value, str) else bytes([value]) if isinstance(value, int) else value
    pieces = [value[at:at + 255] for at in range(0, len(value), 255)] or [b""]
    return b"".join(bytes([code, len(piece)]) + piece for piece in pieces)


DISCOVER, OFFER, REQUEST, DECLINE, DHCP_ACK, NAK, RELEASE, INFORM = range(1, 9)
LIST = option(55, bytes([1, 3, 6, 15, 26, 28, 51, 54, 58, 59]))


def dhcp(client, options, *, op=1, xid=0x3903F326, flags=0, hops=0, secs=0, ciaddr="0.0.0.0", yiaddr="0.0.0.0", siaddr="0.0.0.0",
         giaddr="0.0.0.0", hlen=6, htype=1, sname=b"", file=b"", end=b"\xff", cookie=b"\x63\x82\x53\x63", least=300):
    """`options` are bytes behind the magic cookie; a number is put into option 53."""
    options = option(53, options) if isinstance(options, int) else options
    head = struct.pack("!BBBBIHH", op, htype, hlen, hops, xid, secs, flags)
    head += b"".join(address(each) for each in (ciaddr, yiaddr, siaddr, giaddr))
    head += mac(client).ljust(16, b"\0") + sname.ljust(64, b"\0") + file.ljust(128, b"\0")
    return (head + cookie + options + end).ljust(least, b"\0")


A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, ANY = 1, 2, 5, 6, 12, 15, 16, 28, 33, 255


def name(text):
    labels = [label.encode() for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def question(text, kind=A, record_class=1):
    return name(text) + struct.pack("!HH", kind, record_class)


def opt(payload=1232, *, version=0, flags=0, extended=0, options=b""):
    return b"\0" + struct.pack("!HHBBHH", 41, payload, extended, version, flags, len(options)) + options


def dns(questions, *, ident=0x1D5A, flags=0x0100, extra=(), counts=None):
    """`questions` and `extra` (additional records) as bytes, ready made."""
    questions = [questions] if isinstance(questions, bytes) else questions
    counts = (len(questions), 0, 0, len(extra)) if counts is None else counts
    return struct.pack("!HHHHHH", ident, flags, *counts) + b"".join(questions) + b"".join(extra)


def framed(message, length=None):
    """As over TCP (RFC 1035 4.2.2)."""
    return struct.pack("!H", len(message) if length is None else length) + message


def pcapng(interfaces, packets):
    """`packets`: (interface's index, nanoseconds since 1970, outbound, bytes)."""
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    def field(code, value):
        return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)

    end = struct.pack("<HH", 0, 0)
    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + field(4, b"craft.py") + end)
    for each in interfaces:
        out += block(1, struct.pack("<HHI", 1, 0, 0) + field(2, each.encode()) + field(9, b"\x09") + end)
    for index, time, outbound, data in packets:
        head = struct.pack("<IIIII", index, time >> 32, time & 0xFFFFFFFF, len(data), len(data))
        out += block(6, head + data + b"\0" * (-len(data) % 4) + field(2, struct.pack("<I", 2 if outbound else 1)) + end)
    return out
