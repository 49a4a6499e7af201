"""Frames and capture files by hand, for the tests of `pontoon replay`: as much of each format as these need."""

import struct

WEB, DB, GATEWAY = "02:42:ac:11:00:02", "02:42:ac:11:00:03", "02:42:ac:11:00:01"
START_NS = 1_700_000_000_000_000_000
SYN, ACK, PSH, FIN, RST = 0x02, 0x10, 0x08, 0x01, 0x04


def mac_bytes(text):
    return bytes(int(part, 16) for part in text.split(":"))


def ip_bytes(text):
    return bytes(int(part) for part in text.split("."))


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ethernet(source, target, ethertype, payload):
    return mac_bytes(target) + mac_bytes(source) + struct.pack(">H", ethertype) + payload


def arp_request(source_mac, source_ip, target_ip):
    body = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + mac_bytes(source_mac) + ip_bytes(source_ip) + bytes(6) + ip_bytes(target_ip)
    return ethernet(source_mac, "ff:ff:ff:ff:ff:ff", 0x0806, body)


def ipv4(source_ip, target_ip, protocol, payload, ttl=64, identification=1):
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), identification, 0x4000, ttl, protocol, 0)
    header += ip_bytes(source_ip) + ip_bytes(target_ip)
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + payload


def transport_checksum(source_ip, target_ip, protocol, segment):
    return checksum(ip_bytes(source_ip) + ip_bytes(target_ip) + struct.pack(">BBH", 0, protocol, len(segment)) + segment)


def udp(source, target, payload):
    (source_ip, source_port), (target_ip, target_port) = source, target
    segment = struct.pack(">HHHH", source_port, target_port, 8 + len(payload), 0) + payload
    sum16 = transport_checksum(source_ip, target_ip, 17, segment) or 0xffff
    return ipv4(source_ip, target_ip, 17, segment[:6] + struct.pack(">H", sum16) + segment[8:])


def tcp(source, target, sequence, acknowledgment, flags, payload=b"", options=b"", window=64240):
    (source_ip, source_port), (target_ip, target_port) = source, target
    segment = struct.pack(">HHIIBBHHH", source_port, target_port, sequence & 0xffffffff, acknowledgment & 0xffffffff,
                          (5 + len(options) // 4) << 4, flags, window, 0, 0) + options + payload
    sum16 = transport_checksum(source_ip, target_ip, 6, segment)
    return ipv4(source_ip, target_ip, 6, segment[:16] + struct.pack(">H", sum16) + segment[18:])


def echo_request(source_ip, target_ip, identifier, sequence, payload):
    message = struct.pack(">BBHHH", 8, 0, 0, identifier, sequence) + payload
    return ipv4(source_ip, target_ip, 1, message[:2] + struct.pack(">H", checksum(message)) + message[4:])


def dns_query(identifier, name, kind=1):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    return struct.pack(">HHHHHH", identifier, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">HH", kind, 1)


# --- files ---

def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def block(kind, body):
    length = 12 + len(body)
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def pcapng(interfaces, packets):
    """`interfaces`: names. `packets`: (interface, time in ns, direction or None, frame)."""
    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    for name in interfaces:
        out += block(1, struct.pack("<HHI", 1, 0, 0) + option(2, name.encode()) + option(9, b"\x09") + option(0, b""))
    for interface, time_ns, direction, frame in packets:
        flags = option(2, struct.pack("<I", {"in": 1, "out": 2}[direction])) + option(0, b"") if direction else b""
        body = struct.pack("<IIIII", interface, time_ns >> 32, time_ns & 0xffffffff, len(frame), len(frame))
        out += block(6, body + frame + bytes(-len(frame) % 4) + flags)
    return out


def pcap(packets, link_type=1):
    """Classic pcap in nanoseconds. `packets`: (time in ns, frame)."""
    out = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link_type)
    for time_ns, frame in packets:
        out += struct.pack("<IIII", time_ns // 10**9, time_ns % 10**9, len(frame), len(frame)) + frame
    return out


def read_pcapng(data):
    """(time in ns, frame) of each packet in a file that pontoon wrote: little-endian, nanoseconds."""
    packets, offset = [], 0
    while offset < len(data):
        kind, length = struct.unpack_from("<II", data, offset)
        if kind == 6:
            _, high, low, captured, _ = struct.unpack_from("<IIIII", data, offset + 8)
            packets.append(((high << 32) | low, data[offset + 28:offset + 28 + captured]))
        offset += length
    return packets
