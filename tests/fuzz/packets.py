"""Packets as bytes, and fuzz inputs made of them; for make_regressions.py and seeds.py. Standard library only."""

import struct

GATEWAY_MAC = bytes.fromhex("020000000100")
WEB_MAC = bytes.fromhex("020000000002")
BROADCAST = b"\xff" * 6
GATEWAY, WEB, OUTSIDE = "172.17.0.1", "172.17.0.2", "198.51.100.7"
LINK_LOCAL_WEB = bytes.fromhex("fe80000000000000" "000000fffe000002")
LINK_LOCAL_GATEWAY = bytes.fromhex("fe80000000000000" "000000fffe000100")
ALL_NODES = bytes.fromhex("ff02" + "00" * 13 + "01")


def u8(value):
    return struct.pack("!B", value)


def u16(value):
    return struct.pack("!H", value)


def u32(value):
    return struct.pack("!I", value)


def ip_bytes(text):
    return bytes(int(part) for part in text.split("."))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet(payload, ether_type=0x0800, target=GATEWAY_MAC, source=WEB_MAC):
    return target + source + u16(ether_type) + payload


def ipv4(payload, protocol, source=WEB, target=GATEWAY, *, identification=0, fragment=0, options=b"", length=None, ttl=64):
    """`fragment` is the raw field: flags and offset in units of 8. `length` may lie."""
    words = 5 + len(options) // 4
    total = words * 4 + len(payload) if length is None else length
    header = struct.pack("!BBHHHBBH", 0x40 | words, 0, total, identification, fragment, ttl, protocol, 0)
    header += ip_bytes(source) + ip_bytes(target) + options
    return header[:10] + u16(checksum(header)) + header[12:] + payload


def ipv6(payload, next_header, source=LINK_LOCAL_WEB, target=LINK_LOCAL_GATEWAY, *, length=None, hops=255):
    return struct.pack("!IHBB", 0x60000000, len(payload) if length is None else length, next_header, hops) + source + target + payload


def over(protocol, at, segment, source, target):
    """The segment with the checksum at `at` set, over IPv4 (text) or IPv6 (16 bytes) addresses."""
    if isinstance(source, bytes):
        pseudo = source + target + u32(len(segment)) + u32(protocol)
    else:
        pseudo = ip_bytes(source) + ip_bytes(target) + bytes([0, protocol]) + u16(len(segment))
    return segment[:at] + u16(checksum(pseudo + segment)) + segment[at + 2:]


def udp(payload, source_port, target_port, source=WEB, target=GATEWAY, *, length=None):
    header = struct.pack("!HHHH", source_port, target_port, 8 + len(payload) if length is None else length, 0)
    return over(17, 6, header + payload, source, target)


def tcp(payload, source_port, target_port, sequence, flags, source=WEB, target=OUTSIDE, *, ack=0, options=b"", urgent=0, window=65535,
        words=None):
    options += b"\0" * (-len(options) % 4)
    offset = 5 + len(options) // 4 if words is None else words
    header = struct.pack("!HHIIBBHHH", source_port, target_port, sequence, ack, offset << 4, flags, window, 0, urgent)
    return over(6, 16, header + options + payload, source, target)


def icmp(kind, code, rest, payload=b""):
    message = struct.pack("!BBHI", kind, code, 0, rest) + payload
    return message[:2] + u16(checksum(message)) + message[4:]


def icmpv6(kind, code, body, source=LINK_LOCAL_WEB, target=LINK_LOCAL_GATEWAY):
    return over(58, 2, struct.pack("!BBH", kind, code, 0) + body, source, target)


def arp(operation, sender_mac=WEB_MAC, sender_ip=WEB, target_mac=b"\0" * 6, target_ip=GATEWAY):
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + sender_mac + ip_bytes(sender_ip) + target_mac + ip_bytes(target_ip)


def name(text):
    return b"".join(u8(len(label)) + label.encode() for label in text.split(".") if label) + b"\0"


def dns(question=b"", *, flags=0x0100, counts=(1, 0, 0, 0), rest=b"", identifier=0x1234):
    return struct.pack("!HHHHHH", identifier, flags, *counts) + question + rest


def question(text, kind=1):
    return name(text) + u16(kind) + u16(1)


def record(owner, kind, data, ttl=60, record_class=1, length=None):
    return owner + struct.pack("!HHIH", kind, record_class, ttl, len(data) if length is None else length) + data


def opt(options=b"", payload=1232, length=None):
    return b"\0" + struct.pack("!HHIH", 41, payload, 0, len(options) if length is None else length) + options


def dhcp(kind, options=b"", *, mac=WEB_MAC, end=True):
    fixed = struct.pack("!BBBBIHH", 1, 1, 6, 0, 0x1234, 0, 0x8000) + b"\0" * 16 + mac + b"\0" * 10 + b"\0" * 192
    return fixed + b"\x63\x82\x53\x63" + bytes([53, 1, kind]) + options + (b"\xff" if end else b"")


# Inputs: what the targets read from them is told at their tops.

def block(data):
    return u16(len(data)) + data


RAW_TEMPLATE = 9  # of make_frame(): the input's own bytes


def frame_step(target, data):
    """One frame from the first endpoint, for a target that is fed with frames."""
    raw = u8(RAW_TEMPLATE) + block(data)
    if target == "guard":
        return u8(1) + u8(0) + raw
    if target == "neighbours":
        return u8(2) + u8(0) + raw
    if target == "network":
        return u8(0) + u8(0) + raw + u8(1)
    raise ValueError(target)


FRAME_TARGETS = ("guard", "neighbours", "network")
MOST_BLOCK = 4000


def frames_input(target, frames):
    return b"".join(frame_step(target, frame) for frame in frames if len(frame) <= MOST_BLOCK)


def dns_query_input(query, records=b"", flags=0x8180, counts=(0, 0, 0), over_tcp=False):
    """A query to the server, and the records with which the upstream answers."""
    return u8(2) + u8(0) + u8(1 if over_tcp else 0) + block(query) + u16(flags) + bytes(counts) + block(records)


def dns_response_input(response):
    return u8(1) + response


def dns_name_input(data):
    return u8(0) + data


def dhcp_message_input(message):
    return u8(0) + message


def dhcp_server_input(*messages):
    """To the server, from the client 02:00:00:00:00:00, by broadcast."""
    return u8(1) + b"".join(u8(2) + block(message) + u8(0) + u8(0) for message in messages)


def grammar_input(kind, text):
    return u8({"mac": 0, "ipv6": 1, "prefix": 2, "exposed": 3, "name": 4, "resolv_conf": 5, "publication": 6}[kind]) + text


def tcp_segment_step(flags, *, where=0, length=0, mss=None, scale=None, sack=()):
    """One segment where an honest endpoint would be, unless `where` says other."""
    with_options = (1 if mss is not None else 0) | (2 if scale is not None else 0) | len(sack) << 6
    out = u8(0) + u8(flags) + u8(where) + u8(1) + u8(with_options)
    if flags & 2:
        out += (u16(mss) if mss is not None else b"") + (u8(scale) if scale is not None else b"")
    for left, size in sack:
        out += u16(left) + u16(size)
    return out if flags & 2 else out + u16(length)


def fragment_step(offset, size, more, *, who=0, v6=False, options=False):
    kind = 16 | (1 if v6 else 0) | (2 if more else 0) | (4 if options else 0)
    return u8(kind) + u8(who) + u16(offset) + u16(size)
