"""Frames of DHCP and DNS clients, put together and taken apart byte by byte: a second implementation, which shares
nothing with the program under test. Standard library only."""

import ipaddress
import struct

BROADCAST = b"\xff" * 6
COOKIE = b"\x63\x82\x53\x63"
DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)
ETHERNET, RAW, SLL, NULL, LOOP, SLL2 = 1, 101, 113, 0, 108, 276


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ip4(text):
    return ipaddress.IPv4Address(text).packed


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


# --- put together ---

def ether(source, target, kind, payload, vlan=None):
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    return target + source + tag + struct.pack("!H", kind) + payload


def ipv4(source, target, protocol, payload, ttl=64, ident=1):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, 0, ttl, protocol, 0, ip4(source), ip4(target))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def pseudo(source, target, protocol, length):
    return ip4(source) + ip4(target) + struct.pack("!BBH", 0, protocol, length)


def udp(source, sport, target, dport, payload, **fields):
    length = 8 + len(payload)
    head = struct.pack("!HHH", sport, dport, length)
    total = checksum(pseudo(source, target, 17, length) + head + b"\0\0" + payload) or 0xFFFF
    return ipv4(source, target, 17, head + struct.pack("!H", total) + payload, **fields)


def tcp(source, sport, target, dport, seq, ack, flags, payload=b"", options=b"", window=64240):
    options += b"\1" * (-len(options) % 4)
    offset = (20 + len(options)) // 4 << 4
    head = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, offset, flags, window, 0, 0)
    whole = head + options + payload
    total = checksum(pseudo(source, target, 6, len(whole)) + whole)
    return ipv4(source, target, 6, whole[:16] + struct.pack("!H", total) + whole[18:])


def arp(operation, sender_mac, sender, target_mac, target):
    return struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, operation, sender_mac, ip4(sender), target_mac, ip4(target))


def option(code, value):
    return bytes((code, len(value))) + value


def dhcp(chaddr, kind, xid, options, *, op=1, hlen=6, htype=1, hops=0, secs=0, flags=0, ciaddr="0.0.0.0",
         yiaddr="0.0.0.0", giaddr="0.0.0.0", end=b"\xff", pad=0, cookie=COOKIE):
    """`options` are pairs of code and value, in the order in which the client sends them; 53 goes first unless it is
    among them. `pad`: the length that the message is filled up to."""
    head = struct.pack("!BBBBIHH4s4s4s4s", op, htype, hlen, hops, xid, secs, flags, ip4(ciaddr), ip4(yiaddr), ip4("0.0.0.0"),
                       ip4(giaddr))
    whole = head + chaddr.ljust(16, b"\0") + bytes(192) + cookie
    if kind is not None and not any(code == 53 for code, _ in options):
        whole += option(53, bytes((kind,)))
    whole += b"".join(option(code, value) for code, value in options) + end
    return whole.ljust(pad, b"\0")


def dns_name(text):
    labels = [label.encode() for label in text.split(".") if label]
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def edns(size=1232, do=False, options=b"", version=0):
    return b"\0" + struct.pack("!HHBBHH", 41, size, 0, version, 0x8000 if do else 0, len(options)) + options


def query(ident, name, kind=1, flags=0x0100, klass=1, opt=b""):
    wire_name = name if isinstance(name, bytes) else dns_name(name)
    return struct.pack("!HHHHHH", ident, flags, 1, 0, 0, 1 if opt else 0) + wire_name + struct.pack("!HH", kind, klass) + opt


def response(asked, answers=(), flags=0x8180):
    """To a query of one question; answers are triples of type, TTL and data, of the name asked for."""
    ident = asked[:2]
    end = question_end(asked)
    out = ident + struct.pack("!HHHHH", flags, 1, len(answers), 0, 0) + asked[12:end]
    for kind, ttl, data in answers:
        out += struct.pack("!HHHIH", 0xC00C, kind, 1, ttl, len(data)) + data
    return out


def pcap(frames, link=ETHERNET, magic=0xA1B2C3D4, snap=262144, start=1_700_000_000, order="<"):
    """`frames`: pairs of seconds since the start and bytes; or triples with the length on the wire."""
    parts = 1_000_000_000 if magic == 0xA1B23C4D else 1_000_000
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, link)
    for at, data, *wire in frames:
        whole = start + at
        out += struct.pack(order + "IIII", int(whole), int(round(whole % 1 * parts)) % parts, len(data), wire[0] if wire else len(data))
        out += data
    return out


def block(kind, body, order="<"):
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


def section(frames, links, *, interface=0, order="<", unit=None, strange=False, start=1_700_000_000):
    """`unit`: the option if_tsresol; absent are microseconds. `strange`: with blocks that no reader knows, and comments."""
    out = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    for link in links:
        resolution = b"" if unit is None else struct.pack(order + "HHB3x", 9, 1, unit) + bytes(4)
        out += block(1, struct.pack(order + "HHI", link, 0, 262144) + resolution, order)
    per_second = 1_000_000 if unit is None else 2 ** (unit & 127) if unit & 128 else 10 ** unit
    for at, data in frames:
        if strange:
            out += block(0x0BAD, b"a custom block of nobody's", order) + block(4, bytes(4), order)
        time = int((start + at) * per_second)
        comment = struct.pack(order + "HH", 1, 5) + b"hello" + bytes(3) + bytes(4) if strange else b""
        body = struct.pack(order + "IIIII", interface, time >> 32, time & 0xFFFFFFFF, len(data), len(data)) + data + bytes(-len(data) % 4)
        out += block(6, body + comment, order)
    return out


def pcapng(sections):
    return b"".join(sections)


# --- taken apart; everything that is wrong is an assertion ---

def parse_frame(frame):
    out = {"target_mac": frame[:6], "source_mac": frame[6:12], "ethertype": struct.unpack("!H", frame[12:14])[0]}
    body = frame[14:]
    if out["ethertype"] == 0x0806:
        out["arp"] = dict(zip(("htype", "ptype", "hlen", "plen", "operation", "sender_mac", "sender", "target_mac", "target"),
                              struct.unpack("!HHBBH6s4s6s4s", body[:28])))
    if out["ethertype"] != 0x0800:
        return out
    header = (body[0] & 15) * 4
    length, = struct.unpack("!H", body[2:4])
    assert body[0] >> 4 == 4 and 20 <= header <= length <= len(body), f"IPv4 header {body[:20].hex()}"
    assert checksum(body[:header]) == 0, "IPv4 checksum"
    out.update(source=str(ipaddress.IPv4Address(body[12:16])), target=str(ipaddress.IPv4Address(body[16:20])),
               protocol=body[9], ttl=body[8])
    data = body[header:length]
    if out["protocol"] in (6, 17) and (struct.unpack("!H", body[6:8])[0] & 0x3FFF) == 0:
        field = 16 if out["protocol"] == 6 else 6
        if out["protocol"] == 6 or data[6:8] != b"\0\0":
            assert checksum(pseudo(out["source"], out["target"], out["protocol"], len(data)) + data) == 0, f"checksum at {field}"
        out["sport"], out["dport"] = struct.unpack("!HH", data[:4])
    if out["protocol"] == 17:
        assert struct.unpack("!H", data[4:6])[0] == len(data), "UDP length"
        out["payload"] = data[8:]
    elif out["protocol"] == 6:
        out["seq"], out["ack"], offset, out["flags"], out["window"] = struct.unpack("!IIBBH", data[4:16])
        out["options"], out["payload"] = data[20:(offset >> 4) * 4], data[(offset >> 4) * 4:]
    elif out["protocol"] == 1:
        assert checksum(data) == 0, "ICMP checksum"
        out["payload"] = data
    return out


def parse_dhcp(payload):
    assert len(payload) >= 240 and payload[236:240] == COOKIE, "no DHCP message"
    out = dict(zip(("op", "htype", "hlen", "hops", "xid", "secs", "flags"), struct.unpack("!BBBBIHH", payload[:12])))
    for at, name in ((12, "ciaddr"), (16, "yiaddr"), (20, "siaddr"), (24, "giaddr")):
        out[name] = str(ipaddress.IPv4Address(payload[at:at + 4]))
    out["chaddr"] = payload[28:34]
    out["options"], out["order"] = {}, []
    areas = [payload[240:]]
    while areas:
        area, at = areas.pop(0), 0
        while at < len(area) and area[at] != 255:
            if area[at] == 0:
                at += 1
                continue
            code, length = area[at], area[at + 1]
            assert at + 2 + length <= len(area), f"option {code} runs out of the message"
            out["options"][code] = out["options"].get(code, b"") + area[at + 2:at + 2 + length]
            out["order"].append(code)
            at += 2 + length
            assert at < len(area) or out["op"] == 1, "no END"
            if code == 52:  # RFC 3396 5: in this order
                areas += [payload[108:236]] * (area[at - 1] & 1) + [payload[44:108]] * (area[at - 1] >> 1 & 1)
    out["type"] = out["options"].get(53, b"\0")[0]
    return out


def question_end(message):
    at = 12
    while message[at]:
        assert message[at] < 64, "a compressed question"
        at += 1 + message[at]
    return at + 5


def skip_name(message, at):
    for _ in range(128):
        if message[at] >= 0xC0:
            assert struct.unpack("!H", message[at:at + 2])[0] & 0x3FFF < at, "a pointer forwards"
            return at + 2
        if message[at] == 0:
            return at + 1
        at += 1 + message[at]
    raise AssertionError("a name without an end")


def parse_dns(message):
    ident, flags, questions, answers, authorities, additionals = struct.unpack("!HHHHHH", message[:12])
    out = {"id": ident, "flags": flags, "rcode": flags & 15, "questions": questions, "answers": [], "authorities": [],
           "additionals": [], "opt": None, "question": b""}
    at = 12
    for _ in range(questions):
        begin, at = at, skip_name(message, at) + 4
        out["question"] += message[begin:at]
    for section, count in (("answers", answers), ("authorities", authorities), ("additionals", additionals)):
        for _ in range(count):
            name_at, at = at, skip_name(message, at)
            kind, klass, ttl, length = struct.unpack("!HHIH", message[at:at + 10])
            data, at = message[at + 10:at + 10 + length], at + 10 + length
            assert at <= len(message), "a record runs out of the message"
            if kind == 41:
                assert out["opt"] is None and message[name_at] == 0, "OPT"
                out["opt"] = {"size": klass, "version": ttl >> 16 & 255, "do": bool(ttl & 0x8000), "options": data}
                out["rcode"] |= ttl >> 24 << 4
            else:
                out[section].append((kind, klass, ttl, data))
    assert at == len(message), f"{len(message) - at} bytes behind the message"
    return out


def read_pcapng(data):
    """(interface, seconds, frame) of the enhanced packets of a little-endian file with nanoseconds."""
    at, out = 0, []
    while at + 12 <= len(data):
        kind, length = struct.unpack("<II", data[at:at + 8])
        if kind == 6:
            interface, high, low, captured, _ = struct.unpack("<IIIII", data[at + 8:at + 28])
            out.append((interface, (high << 32 | low) / 1e9, data[at + 28:at + 28 + captured]))
        at += length
    return out
