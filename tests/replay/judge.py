#!/usr/bin/env python3
"""Judges what a network answered: reads what went in and what came out, and holds every answer against the RFCs. A second
implementation, which shares no line with the program and takes its files apart by itself. Standard library only.

    tests/replay/judge.py INPUT OUTPUT...   captures, pcap or pcapng; a directory stands for the *.pcapng in it. Prints what is
                                            wrong, a line each, and what was asked and not answered; status 1 when anything is wrong

An answer is matched with what was asked before it. Silence is no fault here: whether it was right only the case knows.
"""

import struct
import sys
from collections import Counter
from ipaddress import IPv4Address
from pathlib import Path

ETHERNET, RAW, NULL, LOOP, SLL, SLL2 = 1, 101, 0, 108, 113, 276
IP_LINKS = {12, 14, 101, 228}
BROADCAST = b"\xff" * 6
COOKIE = b"\x63\x82\x53\x63"
DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)
SERVER_KINDS = {OFFER: "OFFER", ACK: "ACK", NAK: "NAK"}
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 16: "BADVERS"}
ANY_ADDRESS = "0.0.0.0"


class Wrong(Exception):
    """What an answer does against a rule."""


def hold(true, text):
    if not true:
        raise Wrong(text)


def address(data):
    return str(IPv4Address(bytes(data)))


def checksum(data):
    data = bytes(data) + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


# --- capture files ---

def read_capture(path):
    """(seconds, link type, bytes) of every whole packet; a broken file gives what stands before the break."""
    data = Path(path).read_bytes()
    return read_pcapng(data) if data[:4] == b"\x0a\x0d\x0d\x0a" else read_pcap(data)


def read_pcap(data):
    magics = {0xA1B2C3D4: 1e6, 0xA1B23C4D: 1e9}
    for order in "<>":
        magic, = struct.unpack(order + "I", data[:4])
        if magic in magics:
            break
    else:
        raise ValueError("neither pcap nor pcapng")
    link, at, out = struct.unpack(order + "I", data[20:24])[0] & 0xFFFF, 24, []
    while at + 16 <= len(data):
        seconds, parts, captured, original = struct.unpack(order + "IIII", data[at:at + 16])
        if at + 16 + captured > len(data):
            break
        if captured == original:
            out.append((seconds + parts / magics[magic], link, data[at + 16:at + 16 + captured]))
        at += 16 + captured
    return out


def read_pcapng(data):
    at, order, interfaces, out = 0, "<", [], []
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
        kind, length = struct.unpack(order + "II", data[at:at + 8])
        if length < 12 or at + length > len(data):
            break
        body = data[at + 8:at + length - 4]
        if kind == 1:
            interfaces.append((struct.unpack(order + "H", body[:2])[0], tick(body[8:], order)))
        elif kind == 6:
            interface, high, low, captured, original = struct.unpack(order + "IIIII", body[:20])
            if captured == original and interface < len(interfaces):
                link, unit = interfaces[interface]
                out.append(((high << 32 | low) * unit, link, body[20:20 + captured]))
        elif kind == 3 and interfaces:
            original, = struct.unpack(order + "I", body[:4])
            if original <= len(body) - 4:
                out.append((0.0, interfaces[0][0], body[4:4 + original]))
        at += length
    return out


def tick(options, order):
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack(order + "HH", options[at:at + 4])
        if code == 9 and length == 1:
            value = options[at + 4]
            return 2.0 ** -(value & 127) if value & 128 else 10.0 ** -value
        if code == 0:
            break
        at += 4 + length + -length % 4
    return 1e-6


def to_ethernet(link, data):
    """An Ethernet frame without tags; headers that the capture lacks are made up. None: not of our kinds."""
    if link == ETHERNET:
        while data[12:14] in (b"\x81\x00", b"\x88\xa8"):
            data = data[:12] + data[16:]
        return data if len(data) >= 14 else None
    if link in IP_LINKS:
        return bytes(12) + (b"\x08\x00" if data[:1] and data[0] >> 4 == 4 else b"\x86\xdd") + data
    if link in (NULL, LOOP):
        return bytes(12) + b"\x08\x00" + data[4:] if data[4:5] and data[4] >> 4 == 4 else None
    if link == SLL and len(data) >= 16:
        return bytes(6) + data[6:12] + data[14:]
    if link == SLL2 and len(data) >= 20:
        return bytes(6) + data[12:18] + data[:2] + data[20:]
    return None


# --- frames ---

def parse_frame(frame):
    """Raises Wrong for what no stack may send; what was asked may be anything and is then passed over."""
    hold(len(frame) >= 14, "no Ethernet header")
    out = {"to": frame[:6], "from": frame[6:12], "kind": struct.unpack("!H", frame[12:14])[0], "frame": frame}
    body = frame[14:]
    if out["kind"] == 0x0806:
        hold(len(body) >= 28, "ARP is cut")
        out["arp"] = dict(zip(("htype", "ptype", "hlen", "plen", "operation", "sender_mac", "sender", "target_mac", "target"),
                              struct.unpack("!HHBBH6s4s6s4s", body[:28])))
    elif out["kind"] == 0x0800:
        parse_ipv4(out, body)
    return out


def parse_ipv4(out, body):
    hold(len(body) >= 20 and body[0] >> 4 == 4, "no IPv4 header")
    header, length, fragment = (body[0] & 15) * 4, *struct.unpack("!HxxH", body[2:8])
    hold(20 <= header <= length <= len(body), f"IPv4 lengths {header}, {length} of {len(body)}")
    hold(checksum(body[:header]) == 0, "IPv4 header checksum")
    out["behind"] = len(body) - length
    out.update(source=address(body[12:16]), target=address(body[16:20]), protocol=body[9], ttl=body[8], fragment=fragment & 0x3FFF)
    data = body[header:length]
    if out["fragment"]:
        return
    pseudo = body[12:20] + struct.pack("!BBH", 0, out["protocol"], len(data))
    if out["protocol"] == 17:
        hold(len(data) >= 8 and struct.unpack("!H", data[4:6])[0] == len(data), "UDP length")
        out["partial"] = data[6:8] != b"\0\0" and checksum(pseudo + data) != 0
        out["sport"], out["dport"] = struct.unpack("!HH", data[:4])
        out["payload"] = data[8:]
    elif out["protocol"] == 6 and len(data) >= 20:
        out["partial"] = checksum(pseudo + data) != 0
        out["sport"], out["dport"], out["seq"], out["ack"], offset, out["flags"] = struct.unpack("!HHIIBB", data[:14])
        out["payload"] = data[(offset >> 4) * 4:]
    elif out["protocol"] == 1:
        out["partial"] = checksum(data) != 0
        out["icmp"] = data


# --- DHCP ---

def dhcp_options(area):
    """Pairs of code and value, and whether END was there."""
    at, out = 0, []
    while at < len(area):
        code = area[at]
        if code == 0:
            at += 1
            continue
        if code == 255:
            return out, at + 1
        hold(at + 1 < len(area) and at + 2 + area[at + 1] <= len(area), f"option {code} runs out of its area")
        out.append((code, area[at + 2:at + 2 + area[at + 1]]))
        at += 2 + area[at + 1]
    return out, None


def parse_dhcp(payload):
    hold(len(payload) >= 240 and payload[236:240] == COOKIE, "no DHCP message")
    out = dict(zip(("op", "htype", "hlen", "hops", "xid", "secs", "flags"), struct.unpack("!BBBBIHH", payload[:12])))
    for at, name in ((12, "ciaddr"), (16, "yiaddr"), (20, "siaddr"), (24, "giaddr")):
        out[name] = address(payload[at:at + 4])
    out.update(chaddr=payload[28:44], sname=payload[44:108], file=payload[108:236], size=len(payload))
    pairs, end = dhcp_options(payload[240:])
    out["rest"] = None if end is None else payload[240 + end:]
    overload = [value for code, value in pairs if code == 52]
    hold(all(len(value) == 1 and 1 <= value[0] <= 3 for value in overload), "option 52")
    for bit, name in ((1, "file"), (2, "sname")):
        if overload and overload[-1][0] & bit:
            further, end = dhcp_options(out[name])
            hold(end is not None or out["op"] == 1, f"no END in {name}")
            pairs, out[name] = pairs + further, b""
    out["order"], out["options"] = [code for code, _ in pairs], {}
    for code, value in pairs:
        out["options"][code] = out["options"].get(code, b"") + value
    kind = out["options"].get(53, b"")
    hold(len(kind) == 1 and 1 <= kind[0] <= 8, f"option 53 is {kind.hex()!r}")
    out["type"] = kind[0]
    return out


def numbers(options, *codes):
    for code in codes:
        hold(len(options.get(code, b"")) == 4, f"option {code} has not 4 bytes")
    return [struct.unpack("!I", options[code])[0] for code in codes]


def judge_dhcp_fixed(asked, answer, kind):
    """RFC 2131 table 3, upper half."""
    for field, want in (("op", 2), ("htype", 1), ("hlen", 6), ("hops", 0), ("secs", 0)):
        hold(answer[field] == want, f"{field} is {answer[field]}, not {want}")
    for field in ("xid", "giaddr", "chaddr"):
        hold(answer[field] == asked[field], f"{field} {answer[field]} is not that of the request, {asked[field]}")
    relayed_nak = kind == NAK and asked["giaddr"] != ANY_ADDRESS
    hold(answer["flags"] == (asked["flags"] | 0x8000 if relayed_nak else asked["flags"]), f"flags {answer['flags']:04x}")
    hold(answer["ciaddr"] == (asked["ciaddr"] if kind == ACK else ANY_ADDRESS), f"ciaddr {answer['ciaddr']}")
    hold(answer["siaddr"] == ANY_ADDRESS, f"siaddr {answer['siaddr']}, but nobody boots from here")
    hold(not any(answer["sname"] + answer["file"]), "sname or file hold something without option 52")


def judge_dhcp_options(asked, answer, kind):
    """RFC 2131 table 3, lower half; RFC 2132, 3046, 3396, 6842."""
    options, order = answer["options"], answer["order"]
    hold(order[0] == 53, f"option {order[0]} stands before the message type")
    for code, count in Counter(order).items():
        # RFC 3396: what is too long for one instance; an area that is full makes one more.
        areas = bool(options.get(52)) * 2
        split = count > 1 and len(options[code]) > 255 * (count - 1 - areas) and len(options[code]) > 128
        hold(count == 1 or split, f"option {code} comes {count} times")
    hold(answer["rest"] is not None, "no END")
    hold(not any(answer["rest"]), "bytes behind END")
    for never in (50, 55, 57):
        hold(never not in options, f"option {never} MUST NOT be in a reply")
    hold(len(options.get(54, b"")) == 4, "no server identifier")
    hold(options.get(61) == (asked["options"].get(61) or None), "the client identifier is not echoed")
    if asked["giaddr"] != ANY_ADDRESS:
        hold(options.get(82) == asked["options"].get(82), "the relay agent's information is not echoed")
    hold(82 not in order or order[-1] == 82, "option 82 is not the last")
    if 1 in order and 3 in order:
        hold(order.index(1) < order.index(3), "the subnet mask stands behind the routers")
    if kind == NAK:
        hold(not set(options) - {53, 54, 56, 60, 61, 82}, f"a NAK with options {sorted(options)}")
        return
    for code in (3, 6, 28, 1, 26, 51, 58, 59):
        size = len(options.get(code, b"\0\0" if code == 26 else b"1234"))
        hold(size == 2 if code == 26 else size and size % 4 == 0, f"option {code} has {size} bytes")
    for wanted in (1, 3, 6):
        hold(wanted in options or wanted not in asked["options"].get(55, b""), f"option {wanted} was asked for")


def judge_dhcp_address(asked, answer, kind, frame):
    """What is given, and that it fits the network (RFC 2131 4.3.1, 4.4.5)."""
    options, given = answer["options"], answer["yiaddr"]
    if kind == NAK or asked["type"] == INFORM:
        hold(given == ANY_ADDRESS, f"yiaddr {given}")
        hold(not {51, 58, 59} & set(options), "lease times without a lease")
        return
    lease, = numbers(options, 51)
    t1, t2 = numbers(options, 58, 59)
    hold(0 <= t1 <= t2 <= lease and (lease < 4 or 0 < t1 < t2 < lease), f"T1 {t1}, T2 {t2}, lease {lease}")
    if 1 in options:
        mask, = numbers(options, 1)
        hold(mask and (mask ^ 0xFFFFFFFF) & ((mask ^ 0xFFFFFFFF) + 1) == 0, f"mask {mask:08x}")
        number = int(IPv4Address(given))
        hold(number & ~mask & 0xFFFFFFFF not in (0, ~mask & 0xFFFFFFFF), f"{given} is the network's or the broadcast address")
        for router in (options.get(3, b"")[at:at + 4] for at in range(0, len(options.get(3, b"")), 4)):
            hold(int.from_bytes(router, "big") & mask == number & mask, f"router {address(router)} is not in the network of {given}")
    hold(given != address(options[54]) and given != frame["source"], "the server's own address was given away")
    if kind == ACK:
        chosen = asked["ciaddr"] if asked["ciaddr"] != ANY_ADDRESS and 54 not in asked["options"] else address(asked["options"][50])
        hold(given == chosen or asked.get("adapted"), f"{given} is acknowledged, {chosen} was requested")


def judge_dhcp_way(asked, answer, kind, frame):
    """RFC 2131 4.1: where the reply goes, and from where."""
    hold(frame["sport"] == 67, f"from port {frame['sport']}")
    hold(address(answer["options"][54]) == frame["source"], "the server identifier is not the source address")
    if asked["giaddr"] != ANY_ADDRESS:
        want = asked["giaddr"], 67, asked["from"]
    elif kind == NAK:
        want = "255.255.255.255", 68, BROADCAST
    elif asked["ciaddr"] != ANY_ADDRESS:
        want = asked["ciaddr"], 68, asked["from"]
    elif asked["flags"] & 0x8000:
        want = "255.255.255.255", 68, BROADCAST
    else:
        want = answer["yiaddr"], 68, asked["chaddr"][:6]
    got = frame["target"], frame["dport"], frame["to"]
    hold(got[:2] == want[:2], f"goes to {got[0]}:{got[1]}, not {want[0]}:{want[1]}")
    hold(got[2] == want[2] or asked["from"] == bytes(6), f"goes to {got[2].hex(':')}, not {want[2].hex(':')}")


def judge_dhcp(asked, frame):
    answer = parse_dhcp(frame["payload"])
    kind = answer["type"]
    hold(kind in SERVER_KINDS, f"a server sends type {kind}")
    hold(kind == OFFER if asked["type"] == DISCOVER else kind in (ACK, NAK) if asked["type"] == REQUEST
         else kind == ACK if asked["type"] == INFORM else False, f"{SERVER_KINDS[kind]} to type {asked['type']}")
    hold(asked["op"] == 1 and asked["htype"] == 1 and asked["hlen"] == 6, "an answer to what is no Ethernet client's request")
    hold(asked["type"] != INFORM or asked["ciaddr"] != ANY_ADDRESS, "INFORM without ciaddr is answered")
    named = asked["options"].get(54)
    hold(asked["type"] != REQUEST or named in (None, answer["options"].get(54)) or asked.get("adapted"), "the request was for another server")
    judge_dhcp_fixed(asked, answer, kind)
    judge_dhcp_options(asked, answer, kind)
    limit = max(576, int.from_bytes(asked["options"].get(57, b"\0\0"), "big")) - 28
    hold(300 <= answer["size"] <= limit, f"{answer['size']} bytes, 300 to {limit} are allowed")
    judge_dhcp_address(asked, answer, kind, frame)
    judge_dhcp_way(asked, answer, kind, frame)
    return SERVER_KINDS[kind]


# --- DNS ---

def dns_name(message, at):
    """The labels in lower case, and where the name ends."""
    labels, end, size, limit = [], None, 1, at
    while True:
        hold(at < len(message), "a name runs out of the message")
        length = message[at]
        if length >= 0xC0:
            hold(at + 1 < len(message), "a pointer is cut")
            end = end or at + 2
            target = struct.unpack("!H", message[at:at + 2])[0] & 0x3FFF
            hold(12 <= target < limit, "a pointer that does not go backwards")
            at = limit = target
            continue
        hold(length < 64, "a label of an unknown kind")
        if length == 0:
            return tuple(labels), end or at + 1
        size += 1 + length
        hold(size <= 255 and at + 1 + length <= len(message), "a name is too long")
        labels.append(bytes(message[at + 1:at + 1 + length]).lower())
        at += 1 + length


def parse_dns(message):
    hold(len(message) >= 12, "no DNS header")
    ident, flags, questions, *counts = struct.unpack("!HHHHHH", message[:12])
    out = {"id": ident, "flags": flags, "opcode": flags >> 11 & 15, "rcode": flags & 15, "questions": [], "sections": [[], [], []],
           "opt": None, "size": len(message), "counts": (questions, *counts)}
    at = 12
    for _ in range(questions):
        begin, (labels, at) = at, dns_name(message, at)
        hold(at + 4 <= len(message), "a question is cut")
        kind, klass = struct.unpack("!HH", message[at:at + 4])
        at += 4
        out["questions"].append({"name": labels, "type": kind, "class": klass, "bytes": message[begin:at]})
    for number, count in enumerate(counts):
        for _ in range(count):
            at = dns_record(message, at, number, out)
    hold(at == len(message), f"{len(message) - at} bytes behind the message")
    return out


def dns_record(message, at, number, out):
    root = message[at:at + 1] == b"\0"
    labels, at = dns_name(message, at)
    hold(at + 10 <= len(message), "a record is cut")
    kind, klass, ttl, length = struct.unpack("!HHIH", message[at:at + 10])
    begin, end = at + 10, at + 10 + length
    hold(end <= len(message), "a record runs out of the message")
    if kind == 41:
        hold(number == 2 and root and out["opt"] is None, "OPT in a wrong place, or twice")
        at = begin
        while at < end:
            hold(at + 4 <= end, "an EDNS option is cut")
            at += 4 + struct.unpack("!H", message[at + 2:at + 4])[0]
        hold(at == end, "an EDNS option runs out of OPT")
        out["opt"] = {"size": klass, "version": ttl >> 16 & 255, "do": bool(ttl & 0x8000), "zero": ttl & 0x7FFF, "data": message[begin:end]}
        out["rcode"] |= ttl >> 24 << 4
        return end
    data = message[begin:end]
    if kind in (2, 5, 12, 39):
        data, stop = dns_name(message, begin)
        hold(stop == end, f"a name of type {kind} does not fill its record")
    elif kind in (15, 33):
        fixed = 2 if kind == 15 else 6
        hold(length > fixed, f"type {kind} of {length} bytes")
        target, stop = dns_name(message, begin + fixed)
        hold(stop == end, f"a name of type {kind} does not fill its record")
        data = (message[begin:begin + fixed], target)
    elif kind == 6:
        master, stop = dns_name(message, begin)
        mailbox, stop = dns_name(message, stop)
        hold(stop + 20 == end, "SOA has a wrong length")
        data = (master, mailbox, *struct.unpack("!IIIII", message[stop:end]))
    elif kind in (1, 28):
        hold(length == (4 if kind == 1 else 16) or klass != 1, f"an address of {length} bytes")
    out["sections"][number].append({"name": labels, "type": kind, "class": klass, "ttl": ttl, "data": data})
    return end


def expected_dns(message):
    """What a server has to say to this: None for silence, or the RCODEs that are right; and the query as far as it is readable."""
    if len(message) < 12 or message[2] & 0x80:
        return None, None
    opcode, questions = message[2] >> 3 & 15, struct.unpack("!H", message[4:6])[0]
    try:
        query = parse_dns(message)
    except Wrong:
        query = None
    if opcode:
        return {4}, query
    if query is None or questions != 1:
        return {1}, query
    if any(query["counts"][1:3]):
        return {1, 0, 2, 3, 5}, query
    if query["opt"] and query["opt"]["version"] > 0:
        return {16}, query
    if query["questions"][0]["class"] != 1 or query["questions"][0]["type"] in range(249, 255):
        return {4, 5}, query
    return {0, 2, 3, 5, 6}, query


def judge_dns(message, answer, tcp=False):
    """RFC 1035 4.1, 2181, 2308, 4035, 6891, 9619. `tcp`: both without their length."""
    rcodes, query = expected_dns(message)
    hold(rcodes is not None, "an answer to what is no query")
    got = parse_dns(answer)
    flags, asked_flags = got["flags"], struct.unpack("!H", message[2:4])[0]
    hold(got["id"] == struct.unpack("!H", message[:2])[0], "another ID")
    hold(flags & 0x8000, "QR is not set")
    hold(flags & 0x7900 == asked_flags & 0x7900, f"opcode or RD differ: {flags:04x} for {asked_flags:04x}")
    hold(flags & 0x0040 == 0, "the reserved bit is set")
    hold(got["rcode"] in rcodes, f"{RCODES.get(got['rcode'], got['rcode'])}, right were {[RCODES.get(r, r) for r in sorted(rcodes)]}")
    if got["rcode"] in (0, 2, 3, 5):
        hold(flags & 0x10 == asked_flags & 0x10, "CD is not copied")
    hold(not flags & 0x20 or asked_flags & 0x20 or (query and query["opt"] and query["opt"]["do"]), "AD without being asked")
    limit = 65535 if tcp else min(1232, max(512, query["opt"]["size"])) if query and query["opt"] else 512
    hold(got["size"] <= limit, f"{got['size']} bytes, {limit} are allowed")
    hold(not (tcp and flags & 0x0200), "TC over TCP")
    judge_dns_edns(query, got)
    if query and len(query["questions"]) == 1:
        # With an error a header alone will do (RFC 1035 4.1.1 FORMERR).
        copied = [question["bytes"] for question in got["questions"]] == [query["questions"][0]["bytes"]]
        hold(copied or (not got["questions"] and got["rcode"] in (1, 4)), "the question is not copied")
        if copied:
            judge_dns_sections(query, got, flags)
    return RCODES.get(got["rcode"], str(got["rcode"]))


def judge_dns_edns(query, got):
    if query is None:
        hold(got["opt"] is None or got["rcode"] == 1, "OPT to what is unreadable")
        return
    hold((got["opt"] is None) == (query["opt"] is None), "OPT without being asked, or the reverse (RFC 6891 6.1.1)")
    if got["opt"]:
        hold(got["opt"]["version"] == 0 and got["opt"]["zero"] == 0 and 512 <= got["opt"]["size"] <= 4096, f"OPT {got['opt']}")
        hold(got["opt"]["do"] == query["opt"]["do"], "DO is not copied (RFC 3225 3)")


def judge_dns_sections(query, got, flags):
    question, (answers, authorities, additionals) = query["questions"][0], got["sections"]
    name, kind = question["name"], question["type"]
    for record in answers + authorities + additionals:
        own_class = record["class"] == question["class"] or not flags & 0x0400  # an upstream's is its own fault
        hold(record["ttl"] < 1 << 31 and own_class, f"a record of TTL {record['ttl']}, class {record['class']}")
    if got["rcode"] not in (0, 3):
        hold(not answers and not authorities and not flags & 0x0400 or got["rcode"] == 6, "an error with records")
        return
    names = {name}
    for record in answers:
        # What an upstream says beside the point is its own fault.
        aside = not flags & 0x0400 or record["type"] in (39, 46)
        hold(record["name"] in names or aside, f"an answer about {record['name']}, which nobody asked for")
        hold(record["type"] in (kind, 5, 39, 46) or kind == 255 or aside, f"type {record['type']} for {kind}")
        if record["type"] == 5:
            names.add(record["data"])
    sets = {}
    for record in answers:
        key = record["name"], record["type"], record["data"] if record["type"] == 46 else None
        hold(sets.setdefault(key, record["ttl"]) == record["ttl"], "one record set with different TTLs (RFC 2181 5.2)")
    shown = Counter((record["name"], record["type"], record["data"]) for record in answers)
    hold(not shown or max(shown.values()) == 1, "a record stands twice")
    found = any(record["type"] == kind or kind == 255 for record in answers)
    denied = got["rcode"] == 3 or not found
    soas = [record for record in authorities if record["type"] == 6]
    if flags & 0x0400 and denied and not flags & 0x0200:
        hold(len(soas) == 1, "a denial of our own without SOA (RFC 2308 3)")
    for soa in soas:
        # Of the name that was asked for, or of where its aliases lead.
        hold(any(owner[len(owner) - len(soa["name"]):] == soa["name"] for owner in names if len(owner) >= len(soa["name"])),
             f"the SOA of {soa['name']} says nothing about {name}")
        hold(not flags & 0x0400 or soa["ttl"] <= soa["data"][6], "the SOA's TTL is above its minimum (RFC 2308 3)")


def framed(stream):
    """The messages of a DNS stream over TCP, and what is left over."""
    out, at = [], 0
    while at + 2 <= len(stream):
        length = int.from_bytes(stream[at:at + 2], "big")
        if at + 2 + length > len(stream):
            break
        out.append(stream[at + 2:at + 2 + length])
        at += 2 + length
    return out, stream[at:]


# --- the whole ---

class Verdict:
    def __init__(self):
        self.wrong, self.answers, self.silent = [], [], []


class Court:
    """`asked` and `answered`: pairs of seconds and Ethernet frames. `adapted`: what was played differs from the capture in server
    identifiers and requested addresses."""

    def __init__(self, asked, answered, adapted=False):
        self.adapted, self.verdict = adapted, Verdict()
        self.dhcp, self.dns, self.echo, self.arp = {}, {}, {}, set()
        self.flows, self.fragmented = {}, set()
        self.heard = {frame for _, frame in asked}
        for at, frame in asked:
            self.ask(at, frame)
        for at, frame in sorted(set(answered), key=lambda pair: pair[0]):
            try:
                self.answer(at, frame)
            except Wrong as fault:
                self.verdict.wrong.append(f"{at:.6f}: {fault}")
        self.judge_flows()
        self.verdict.silent += [f"DHCP type {message['type']} {message['xid']:08x} of {message['chaddr'][:6].hex(':')}"
                                for messages in self.dhcp.values() for message in messages
                                if message["type"] in (DISCOVER, REQUEST, INFORM) and message["op"] == 1 and not message.get("answered")]
        self.verdict.silent += [f"DNS {message.hex()}" for waiting in self.dns.values() for message in waiting
                                if expected_dns(message)[0] is not None]

    def ask(self, at, raw):
        try:
            frame = parse_frame(raw)
            if frame.get("arp"):
                self.arp.add((frame["arp"]["sender_mac"], frame["arp"]["sender"], frame["arp"]["target"], frame["arp"]["operation"]))
            elif frame.get("fragment"):
                self.fragmented.add((frame["source"], frame["target"]))
            elif frame.get("icmp", b"")[:1] == b"\x08" and not frame["partial"]:
                self.echo.setdefault((frame["source"], frame["target"], frame["icmp"][4:]), frame)
            elif frame.get("protocol") == 6 and "seq" in frame:
                self.segment(frame, True)
            elif frame.get("dport") == 67:
                message = parse_dhcp(frame["payload"])
                message.update({"from": frame["from"], "at": at, "adapted": self.adapted})
                self.dhcp.setdefault((message["chaddr"], message["xid"]), []).append(message)
            elif frame.get("dport") == 53:
                self.dns.setdefault((frame["source"], frame["sport"], frame["target"], frame["payload"][:2]), []).append(frame["payload"])
        except Wrong:
            pass

    def answer(self, at, raw):
        if raw in self.heard:
            return  # a neighbour's frame
        frame = parse_frame(raw)
        hold(not frame.get("partial"), "a transport checksum is wrong")
        hold(not frame.get("behind") or len(raw) <= 60, f"{frame.get('behind')} bytes behind the IPv4 packet")
        hold(frame.get("ttl", 64) > 1 or frame.get("protocol") == 6, f"TTL {frame.get('ttl')}")
        if frame.get("arp"):
            self.answer_arp(frame)
        elif frame.get("icmp", b"")[:1] == b"\0":
            self.answer_echo(frame)
        elif frame.get("sport") == 67 and frame.get("protocol") == 17:
            self.answer_dhcp(at, frame)
        elif frame.get("sport") == 53 and frame.get("protocol") == 17:
            self.answer_dns(frame)
        elif frame.get("protocol") == 6 and "seq" in frame:
            self.segment(frame, False)

    def answer_dhcp(self, at, frame):
        message = parse_dhcp(frame["payload"])
        asked = self.dhcp.get((message["chaddr"], message["xid"]), [])
        before = [one for one in asked if one["at"] <= at + 1e-6] or asked
        hold(before, f"a DHCP answer to nobody: {message['chaddr'].hex()} {message['xid']:08x}")
        faults = []
        for candidate in reversed(before):  # one transaction has several messages
            try:
                kind = judge_dhcp(candidate, frame)
                candidate["answered"] = True
                self.verdict.answers.append((at, kind, message["yiaddr"]))
                return
            except Wrong as fault:
                faults.append(fault)
        raise Wrong(f"DHCP {SERVER_KINDS.get(message['type'], message['type'])} {message['xid']:08x}: {faults[0]}")

    def answer_dns(self, frame):
        payload = frame["payload"]
        waiting = self.dns.get((frame["target"], frame["dport"], frame["source"], payload[:2]), [])
        hold(waiting, f"a DNS answer to nobody: {payload.hex()}")
        faults = []
        for message in list(waiting):
            try:
                kind = judge_dns(message, payload)
                waiting.remove(message)
                self.verdict.answers.append((0, kind, frame["source"]))
                return
            except Wrong as fault:
                faults.append((0 if message[12:] == payload[12:len(message)] else 1, len(faults), fault, message))
        _, _, fault, message = min(faults, key=lambda entry: entry[:2])
        waiting.remove(message)
        raise Wrong(f"DNS {message.hex()}: {fault}")

    def answer_arp(self, frame):
        arp = frame["arp"]
        hold((arp["htype"], arp["ptype"], arp["hlen"], arp["plen"]) == (1, 0x0800, 6, 4), "ARP is not for IPv4 over Ethernet")
        hold(arp["sender_mac"] == frame["from"], "ARP's sender is not the frame's")
        if arp["operation"] != 2:
            return
        hold(frame["to"] == arp["target_mac"], "an ARP reply goes to another station than it says")
        asker = arp["target_mac"], arp["target"], arp["sender"], 1
        hold(asker in self.arp, f"an ARP reply that nobody asked for: {address(arp['sender'])} to {address(arp['target'])}")

    def answer_echo(self, frame):
        asked = self.echo.get((frame["target"], frame["source"], frame["icmp"][4:]))
        apart = frame["fragment"] or (frame["target"], frame["source"]) in self.fragmented
        hold(asked is not None or apart, "an echo reply with other data than was sent, or to nobody")
        hold(frame["icmp"][1] == 0, "an echo reply's code")

    def segment(self, frame, asked):
        """Streams over TCP port 53, put together by sequence numbers."""
        ours = frame["sport"] == 53 and not asked
        if not ours and not (asked and frame["dport"] == 53):
            return
        key = (frame["target"], frame["dport"], frame["source"]) if ours else (frame["source"], frame["sport"], frame["target"])
        flow = self.flows.setdefault(key, {True: {}, False: {}, "start": {}})
        if frame["flags"] & 2:
            flow["start"][ours] = frame["seq"] + 1 & 0xFFFFFFFF
        elif frame["payload"] and not frame["partial"]:
            flow[ours].setdefault(frame["seq"], frame["payload"])

    def judge_flows(self):
        for key, flow in self.flows.items():
            streams = {}
            for ours in (True, False):
                at, stream = flow["start"].get(ours), b""
                while at is not None and flow[ours].get(at):
                    stream, at = stream + flow[ours][at], at + len(flow[ours][at]) & 0xFFFFFFFF
                streams[ours] = stream
            queries = framed(streams[False])[0]
            answers, rest = framed(streams[True])
            if rest:
                self.verdict.wrong.append(f"TCP {key}: {len(rest)} bytes behind the last whole message")
            self.judge_stream(queries, answers)

    def judge_stream(self, queries, answers):
        for answer in answers:
            faults = []
            for query in queries:
                try:
                    self.verdict.answers.append((0, judge_dns(query, answer, tcp=True), "tcp"))
                    queries.remove(query)
                    break
                except Wrong as fault:
                    faults.append(fault)
            else:
                self.verdict.wrong.append(f"DNS over TCP {answer.hex()}: {faults[0] if faults else 'an answer to nobody'}")


def judge(asked, answered, adapted=False):
    return Court(asked, answered, adapted).verdict


def frames_of(*paths):
    out = []
    for path in paths:
        path = Path(path)
        for file in sorted(path.glob("*.pcapng")) if path.is_dir() else [path]:
            for at, link, data in read_capture(file):
                frame = to_ethernet(link, data)
                if frame is not None:
                    out.append((at, frame))
    return out


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    found = judge(frames_of(sys.argv[1]), frames_of(*sys.argv[2:]), adapted=True)
    for line in found.wrong:
        print(f"wrong   {line}")
    for line in found.silent:
        print(f"silent  {line}")
    print(f"{len(found.answers)} answers are right, {len(found.wrong)} wrong")
    sys.exit(1 if found.wrong else 0)
