#!/usr/bin/env python3
"""Captures of DHCP and DNS clients of other systems, as they are known from the RFCs and from public captures: the
order of options, the lists of option 55, identifiers, flags, padding. Written anew here, byte by byte; no machine's
capture is copied. Equal on every run.

    tests/replay/strangers/make.py DIR     writes every capture there
"""

import struct
import sys
from pathlib import Path

import wire
from wire import ACK, DECLINE, DISCOVER, INFORM, NAK, OFFER, RELEASE, REQUEST, dhcp, ether, ip4, mac, query, udp

ROUTER = mac("3c:84:6a:10:20:30")
SERVER_IP = "192.168.1.1"
LEASED = "192.168.1.101"


class Scene:
    """One capture. `asks`: the kinds of answer that a correct server gives to what is asked, in order: names of DHCP
    messages, RCODEs of DNS ("NOERROR", or several with "|"), "tcp:..." for text over TCP, "-" for silence."""

    def __init__(self, expect, link=wire.ETHERNET, known=True):
        self.expect, self.link, self.frames, self.at, self.known = expect, link, [], 0.0, known
        self.write = None  # another file format than pcap

    def add(self, frame, after=0.01, length=None):
        self.at += after
        self.frames.append((self.at, frame) if length is None else (self.at, frame, length))
        return self

    def pcap(self):
        return self.write(self) if self.write else wire.pcap(self.frames, self.link)


class Client:
    """A DHCP client with the habits of one system."""

    def __init__(self, hardware, parameters, *, ident=True, duid=None, flags=0, before=(), after=(), secs=0, pad=0, xid=0x3903F326,
                 ttl=128, unicast_flags=None):
        self.mac, self.parameters, self.flags, self.before, self.after = mac(hardware), bytes(parameters), flags, before, after
        self.secs, self.pad, self.xid, self.ttl = secs, pad, xid, ttl
        self.ident = duid if duid is not None else (b"\x01" + self.mac if ident else None)

    def message(self, kind, extra=(), *, parameters=True, **fields):
        options = list(self.before)
        if self.ident:
            options.append((61, self.ident))
        options += list(extra) + list(self.after)
        if parameters and kind not in (DECLINE, RELEASE) and self.parameters:
            options.append((55, self.parameters))
        fields = {"flags": self.flags, "secs": self.secs, "pad": self.pad, **fields}
        return dhcp(self.mac, kind, fields.pop("xid", self.xid), options, **fields)

    def broadcast(self, message, vlan=None, source="0.0.0.0"):
        return ether(self.mac, wire.BROADCAST, 0x0800, udp(source, 68, "255.255.255.255", 67, message, ttl=self.ttl), vlan)

    def unicast(self, message, source, target=SERVER_IP):
        return ether(self.mac, ROUTER, 0x0800, udp(source, 68, target, 67, message, ttl=self.ttl))

    def discover(self, extra=(), **fields):
        return self.broadcast(self.message(DISCOVER, extra, **fields))

    def select(self, address=LEASED, server=SERVER_IP, extra=(), **fields):
        return self.broadcast(self.message(REQUEST, [(50, ip4(address)), (54, ip4(server)), *extra], **fields))

    def reboot(self, address=LEASED, extra=(), **fields):
        return self.broadcast(self.message(REQUEST, [(50, ip4(address)), *extra], **fields))

    def dns(self, message, port=50000, server=SERVER_IP, source=LEASED, target_mac=ROUTER):
        return ether(self.mac, target_mac, 0x0800, udp(source, port, server, 53, message, ttl=self.ttl))


def server_reply(client, kind, address=LEASED, *, server=SERVER_IP, dns=None, router=None, mask="255.255.255.0"):
    """What the captured server said: it must not be played, only believed."""
    options = [(54, ip4(server)), (51, struct.pack("!I", 86400)), (1, ip4(mask)), (3, ip4(router or server)), (6, ip4(dns or server))]
    message = dhcp(client.mac, kind, client.xid, [(53, bytes((kind,))), *options], op=2, yiaddr=address)
    return ether(ROUTER, client.mac, 0x0800, udp(server, 67, address, 68, message))


def windows(**changes):
    fqdn = b"\x00\x00\x00DESKTOP-7F3K2L1"
    return Client("00:15:5d:01:02:03", (1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252), xid=0xC23DE1A7,
                  after=[(12, b"DESKTOP-7F3K2L1"), (81, fqdn), (60, b"MSFT 5.0")], **changes)


def macos(name=b"Annas-MacBook-Pro"):
    return Client("f0:18:98:0a:0b:0c", (1, 121, 3, 6, 15, 108, 114, 119, 252, 95, 44, 46), xid=0x1D2E3F40, ttl=255, pad=300,
                  before=[(55, bytes((1, 121, 3, 6, 15, 108, 114, 119, 252, 95, 44, 46))), (57, b"\x05\xdc")],
                  after=[(51, struct.pack("!I", 7776000))] + ([(12, name)] if name else []))


def android():
    return Client("da:a1:19:44:55:66", (1, 3, 6, 15, 26, 28, 51, 58, 59, 43, 114, 108), xid=0x7A0B1C2D, ttl=64,
                  before=[(80, b"")], after=[(57, b"\x05\xdc"), (60, b"android-dhcp-13"), (12, b"Pixel-7")])


def networkd():
    duid = b"\xff" + bytes.fromhex("ca53095a") + bytes.fromhex("0002000000ab11" "c0d1e2f3a4b5c6d7")[:12]
    return Client("52:54:00:12:34:56", (1, 3, 12, 15, 26, 33, 121, 6, 42, 119), duid=duid, xid=0x5EADBEEF, ttl=64,
                  after=[(57, b"\x05\xdc"), (12, b"fedora-server")])


def dhcpcd():
    duid = b"\xff" + bytes.fromhex("98765432") + bytes.fromhex("00010001" "2a3b4c5d") + mac("b8:27:eb:aa:bb:cc")
    return Client("b8:27:eb:aa:bb:cc", (1, 121, 33, 3, 6, 12, 15, 28, 42, 51, 54, 58, 59, 119), duid=duid, xid=0x0BADCAFE, ttl=64,
                  after=[(57, b"\x05\xc0"), (60, b"dhcpcd-9.4.1:Linux-6.1.21-v8+:aarch64:BCM2835"), (12, b"raspberrypi"),
                         (145, b"\x01")])


def udhcpc():
    return Client("02:42:ac:11:00:05", (1, 3, 6, 12, 15, 28, 42), xid=0x6B8B4567, ttl=64, pad=300,
                  after=[(57, b"\x02\x40"), (60, b"udhcp 1.36.1")])


def dhclient():
    return Client("08:00:27:11:22:33", (1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42), ident=False, xid=0x2B3C4D5E, ttl=128, pad=300,
                  after=[(12, b"debian")])


def lwip():
    return Client("24:0a:c4:01:02:03", (1, 3, 28, 6), ident=False, xid=0xABCD0001, ttl=255, pad=308, after=[(57, b"\x02\x40"),
                                                                                                             (12, b"espressif")])


def printer():
    return Client("00:1b:a9:77:88:99", (1, 3, 44, 6, 7, 12, 15, 22, 54, 58, 59, 69, 18, 144), ident=False, flags=0x8000, secs=4,
                  xid=0x1A9770, ttl=255, after=[(12, b"BRN001BA9778899"), (60, b"Hewlett-Packard JetDirect")])


def pxe():
    return Client("00:50:56:0a:0b:0c", (1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66, 67,
                                         97, 128, 129, 130, 131, 132, 133, 134, 135), ident=False, flags=0x8000, secs=4, xid=0x56C0B0C,
                  after=[(57, b"\x04\xec"), (97, b"\0" + bytes(range(16))), (93, b"\0\0"), (94, b"\1\2\1"),
                         (60, b"PXEClient:Arch:00000:UNDI:002001")])


def full(client, replies=True, **fields):
    """DISCOVER to ACK, with the captured server's side."""
    scene = Scene(["OFFER", "ACK"])
    scene.add(client.discover(**fields))
    if replies:
        scene.add(server_reply(client, OFFER))
    scene.add(client.select(**fields))
    if replies:
        scene.add(server_reply(client, ACK))
    return scene


def dhcp_scenes():
    scenes = {}
    for name, make in (("windows", windows), ("macos", macos), ("android", android), ("networkd", networkd), ("dhcpcd", dhcpcd),
                       ("udhcpc", udhcpc), ("dhclient", dhclient), ("lwip", lwip), ("printer", printer), ("pxe", pxe)):
        scenes[f"dhcp-{name}"] = full(make())
        scenes[f"dhcp-{name}-one-sided"] = full(make(), replies=False)
    scenes["dhcp-windows-broadcast"] = full(windows(flags=0x8000))
    scenes["dhcp-ios-no-name"] = full(macos(name=None))

    client = windows()
    scene = scenes["dhcp-init-reboot"] = Scene(["ACK"])
    scene.add(client.reboot("192.168.178.34"))
    scene = scenes["dhcp-init-reboot-elsewhere"] = Scene(["NAK", "OFFER", "ACK"])
    scene.add(client.reboot("10.99.0.34")).add(client.discover()).add(server_reply(client, OFFER)).add(client.select())
    scene.add(server_reply(client, ACK))

    client = windows()
    scene = scenes["dhcp-renew-release"] = Scene(["OFFER", "ACK", "ACK", "ACK", "-"])
    for frame in full(client).frames:
        scene.add(frame[1])
    scene.add(client.unicast(client.message(REQUEST, xid=7, ciaddr=LEASED), LEASED), 1800)
    scene.add(client.broadcast(client.message(REQUEST, xid=8, ciaddr=LEASED), source=LEASED), 1800)
    scene.add(client.unicast(client.message(RELEASE, [(54, ip4(SERVER_IP))], xid=9, ciaddr=LEASED), LEASED), 60)

    client = windows()
    scene = scenes["dhcp-inform"] = Scene(["ACK"])
    message = client.message(INFORM, parameters=False, ciaddr="192.168.1.77") [:-1] + wire.option(55, bytes((1, 15, 3, 6, 44, 46, 252))) + b"\xff"
    scene.add(client.broadcast(message, source="192.168.1.77"))

    client = macos()
    scene = scenes["dhcp-decline"] = Scene(["OFFER", "ACK", "-", "OFFER"])
    for frame in full(client).frames:
        scene.add(frame[1])
    for _ in range(3):
        scene.add(ether(client.mac, wire.BROADCAST, 0x0806, wire.arp(1, client.mac, "0.0.0.0", bytes(6), LEASED)))
    scene.add(client.broadcast(client.message(DECLINE, [(50, ip4(LEASED)), (54, ip4(SERVER_IP))])))
    scene.add(client.discover(xid=77), 10)

    client = android()
    scene = scenes["dhcp-vlan"] = Scene(["OFFER", "ACK"])
    scene.add(client.broadcast(client.message(DISCOVER), vlan=42))
    scene.add(client.broadcast(client.message(REQUEST, [(50, ip4(LEASED)), (54, ip4(SERVER_IP))]), vlan=42))

    # A relay agent with option 82; its clients' own frames are on another link.
    relay, server_mac = mac("00:1c:73:00:00:01"), mac("00:50:56:00:00:02")
    for name, relay_ip, giaddr, server in (("dhcp-relay", "192.168.50.1", "192.168.50.1", "192.168.50.2"),
                                           ("dhcp-relay-far-server", "10.0.0.1", "192.168.50.1", "10.0.0.5")):
        scene = scenes[name] = Scene(["OFFER", "ACK", "OFFER"])
        agent = (82, b"\x01\x06\x00\x04\x00\x0a\x01\x05\x02\x08\x00\x06" + relay)
        client, other = dhclient(), udhcpc()
        chosen = [(50, ip4("192.168.50.77")), (54, ip4(server))]
        for message in (client.message(DISCOVER, hops=1, giaddr=giaddr), client.message(REQUEST, chosen, hops=1, giaddr=giaddr),
                        other.message(DISCOVER, hops=1, giaddr=giaddr)):
            message = message[:message.rindex(b"\xff")] + wire.option(*agent) + b"\xff"
            scene.add(ether(relay, server_mac, 0x0800, udp(relay_ip, 67, server, 67, message)))

    client = networkd()
    scene = scenes["dhcp-raw"] = Scene(["OFFER", "ACK"], link=wire.RAW)
    scene.add(udp("0.0.0.0", 68, "255.255.255.255", 67, client.message(DISCOVER)))
    scene.add(udp("0.0.0.0", 68, "255.255.255.255", 67, client.message(REQUEST, [(50, ip4(LEASED)), (54, ip4(SERVER_IP))])))
    scene = scenes["dhcp-cooked"] = Scene(["OFFER", "ACK"], link=wire.SLL)
    for kind, options in ((DISCOVER, []), (REQUEST, [(50, ip4(LEASED)), (54, ip4(SERVER_IP))])):
        head = struct.pack("!HHH8sH", 4, 1, 6, client.mac, 0x0800)
        scene.add(head + udp("0.0.0.0", 68, "255.255.255.255", 67, client.message(kind, options)))

    # Tools that craft packets send everything from one MAC; who asks stands in chaddr.
    scene = scenes["dhcp-one-mac"] = Scene(["OFFER", "OFFER", "ACK", "ACK"])
    crowd = [Client(f"02:00:00:00:01:0{i}", (1, 3, 6), xid=i) for i in (1, 2)]
    for client in crowd:
        scene.add(ether(mac("00:0c:29:99:99:99"), wire.BROADCAST, 0x0800, udp("0.0.0.0", 68, "255.255.255.255", 67, client.message(DISCOVER))))
    for i, client in enumerate(crowd):
        message = client.message(REQUEST, [(50, ip4(f"10.0.0.{50 + i}")), (54, ip4("10.0.0.1"))])
        scene.add(ether(mac("00:0c:29:99:99:99"), wire.BROADCAST, 0x0800, udp("0.0.0.0", 68, "255.255.255.255", 67, message)))

    scene = scenes["dhcp-crowd"] = Scene(["OFFER"] * 150)
    for i in range(150):
        scene.add(Client(f"02:00:00:01:{i >> 8:02x}:{i & 255:02x}", (1, 3, 6), xid=1000 + i).discover(), 0.001)
    client = windows()
    scene = scenes["dhcp-two-networks"] = Scene(["OFFER", "ACK", "OFFER", "ACK"])
    scene.add(client.discover()).add(client.select("192.168.0.5", "192.168.0.1"))
    client = macos()
    scene.add(client.discover()).add(client.select("10.20.30.40", "10.20.30.1"))
    client = windows()
    scene = scenes["dhcp-other-address"] = Scene(["OFFER", "NAK"])
    scene.add(client.discover()).add(server_reply(client, OFFER)).add(server_reply(client, ACK))
    scene.add(client.select("192.168.1.1", xid=5))
    scene = scenes["dhcp-other-server"] = Scene(["OFFER", "-"])
    scene.add(client.discover()).add(server_reply(client, OFFER)).add(client.select(server="192.168.1.200"))
    client = windows()
    scene = scenes["dhcp-duplicates"] = Scene(["OFFER", "OFFER", "ACK", "ACK"])
    for frame in (client.discover(), client.discover(), client.select(), client.select()):
        scene.add(frame)
    scenes["dhcp-small-maximum"] = Scene(["OFFER"]).add(dhclient().discover([(57, b"\x00\x10")]))
    scenes["dhcp-lease-forever"] = Scene(["OFFER"]).add(dhclient().discover([(51, b"\xff\xff\xff\xff")]))
    scene = scenes["dhcp-long-options"] = Scene(["OFFER"])
    scene.add(dhclient().discover([(43, bytes(255)), (43, bytes(100)), (125, bytes(200))]))
    return scenes


def malformed_dhcp_scenes():
    """Each followed by a sound DISCOVER: whatever came before, the server goes on."""
    sound = dhclient()

    def scene(frame, answer="-"):
        made = Scene([answer, "OFFER"])
        made.add(frame if isinstance(frame, bytes) and len(frame) > 300 else frame)
        return made.add(sound.discover(xid=0x600D))

    def sent(message, port=68):
        return ether(sound.mac, wire.BROADCAST, 0x0800, udp("0.0.0.0", port, "255.255.255.255", 67, message))

    plain = sound.message(DISCOVER)
    scenes = {
        "option-beyond-end": scene(sent(dhcp(sound.mac, DISCOVER, 1, [], end=b"\x0c\xff\x61"))),
        "no-cookie": scene(sent(dhcp(sound.mac, DISCOVER, 1, [], cookie=bytes(4)))),
        "bootp": scene(sent(dhcp(sound.mac, None, 1, []))),
        "hlen-0": scene(sent(dhcp(sound.mac, DISCOVER, 1, [], hlen=0))),
        "hlen-255": scene(sent(dhcp(sound.mac, DISCOVER, 1, [], hlen=255))),
        "token-ring": scene(sent(dhcp(sound.mac, DISCOVER, 1, [], htype=6))),
        "type-of-two-bytes": scene(sent(dhcp(sound.mac, None, 1, [(53, b"\x01\x01")]))),
        "type-0": scene(sent(dhcp(sound.mac, 0, 1, []))),
        "type-99": scene(sent(dhcp(sound.mac, 99, 1, []))),
        "reply-from-client": scene(sent(dhcp(sound.mac, OFFER, 1, [(54, ip4("10.6.6.6"))], op=2))),
        "truncated": scene(sent(plain[:200])),
        "empty": scene(sent(b"")),
        "request-without-anything": scene(sent(sound.message(REQUEST))),
        "address-of-three-bytes": scene(sent(dhcp(sound.mac, DISCOVER, 1, [(50, b"\x0a\0\0")]))),
        "xid-0": scene(sent(sound.message(DISCOVER, xid=0)), "OFFER"),
        "no-end": scene(sent(dhcp(sound.mac, DISCOVER, 1, [(12, b"x")], end=b"")), "OFFER"),
        "pads-between": scene(sent(dhcp(sound.mac, DISCOVER, 1, [], end=b"\0\0\0\x0c\x01x\0\xff")), "OFFER"),
        "behind-the-end": scene(sent(dhcp(sound.mac, DISCOVER, 1, [], end=b"\xff\x0c\xff")), "OFFER"),
        "client-identifier-empty": scene(sent(dhcp(sound.mac, DISCOVER, 1, [(61, b"")])), "OFFER"),
        "wish-for-broadcast": scene(sent(sound.message(DISCOVER, [(50, ip4("255.255.255.255"))])), "OFFER"),
        "reserved-flags": scene(sent(dhcp(sound.mac, DISCOVER, 1, [], flags=0x7FFF)), "OFFER"),
    }
    made = {f"dhcp-malformed-{name}": content for name, content in scenes.items()}
    cut = made["dhcp-malformed-cut-by-snap-length"] = Scene(["-", "OFFER"])
    cut.add(sound.discover()[:96], length=342).add(sound.discover(xid=0x600D))
    wrong = bytearray(sound.discover())
    wrong[40] ^= 0x55
    made["dhcp-malformed-udp-checksum"] = Scene(["-", "OFFER"]).add(bytes(wrong)).add(sound.discover(xid=0x600D))
    return made


def dns_scenes():
    scenes = {}
    client = Client("f0:18:98:0a:0b:0c", ())
    example = bytes((93, 184, 216, 34))

    def scene(*pairs, **fields):
        """Pairs of an expectation and a query."""
        made = Scene([expectation for expectation, _ in pairs], **fields)
        for port, (_, message) in enumerate(pairs, 50000):
            made.add(client.dns(message, port))
        return scenes.setdefault(None, made)

    def put(name, *pairs):
        made = Scene([expectation for expectation, _ in pairs])
        for port, (_, message) in enumerate(pairs, 50000):
            made.add(client.dns(message, port))
        scenes[f"dns-{name}"] = made
        return made

    # glibc: A and AAAA from one socket; the captured answers are given again.
    glibc = scenes["dns-glibc"] = Scene(["NOERROR", "NOERROR"])
    pair = [query(0x1001, "example.com"), query(0x1002, "example.com", 28)]
    for message in pair:
        glibc.add(client.dns(message, 40001), 0.0001)
    for message, answers in zip(pair, ([(1, 300, example)], [(28, 300, bytes.fromhex("26062800022000010248189325c81946"))])):
        glibc.add(ether(ROUTER, client.mac, 0x0800, udp(SERVER_IP, 53, LEASED, 40001, wire.response(message, answers))))
    # musl: one ID, one socket, several servers at once.
    musl = scenes["dns-musl"] = Scene(["NOERROR"] * 4)
    for server in ("8.8.8.8", "1.1.1.1"):
        for message in pair:
            musl.add(client.dns(message, 40002, server), 0.0001)
    for message in pair:
        musl.add(ether(ROUTER, client.mac, 0x0800, udp("8.8.8.8", 53, LEASED, 40002, wire.response(message, [(1, 60, example)]))))
    put("windows", ("NOERROR|NXDOMAIN", query(0x2001, "wpad.lan")), ("NOERROR|NXDOMAIN", query(0x2002, "www.msftconnecttest.com")))
    put("macos", ("NOERROR|NXDOMAIN", query(0x3001, "www.apple.com", 65)), ("NOERROR|NXDOMAIN", query(0x3002, "www.apple.com", 1)),
        ("NOERROR|NXDOMAIN", query(0x3003, "lb._dns-sd._udp.0.1.168.192.in-addr.arpa", 12)))
    cookie = struct.pack("!HH", 10, 8) + bytes(range(8))
    put("dig", ("NOERROR|NXDOMAIN", query(0x4001, "isc.org", flags=0x0120, opt=wire.edns(1232, options=cookie))),
        ("NOERROR|NXDOMAIN", query(0x4002, "", 2, flags=0x0120, opt=wire.edns(1232, options=cookie))))
    put("resolved", ("NOERROR|NXDOMAIN", query(0x5001, "fedoraproject.org", opt=wire.edns(1472, do=True))),
        ("NOERROR|NXDOMAIN", query(0x5002, "org", 43, opt=wire.edns(1472, do=True))))
    put("kinds", ("NOERROR|NXDOMAIN", query(1, "34.216.184.93.in-addr.arpa", 12)), ("NOERROR|NXDOMAIN|NOTIMP|REFUSED", query(2, "example.com", 255)),
        ("REFUSED|NOTIMP|FORMERR", query(3, "example.com", 252)), ("REFUSED|NOTIMP", query(4, "version.bind", 16, klass=3)),
        ("NOERROR|NXDOMAIN", query(5, "_ldap._tcp.example.com", 33)), ("NOERROR|NXDOMAIN", query(6, "EXAMPLE.com", 15)),
        ("NOERROR|NXDOMAIN", query(7, "a." * 126 + "b", 1)), ("NOERROR|NXDOMAIN", query(8, "example.com", 65280)))
    put("ours", ("NXDOMAIN", query(1, "nobody.default.internal")), ("NOERROR", query(2, "gateway.pontoon.internal")),
        ("NOERROR", query(3, "localhost")), ("REFUSED|NXDOMAIN|NOERROR", query(4, "example.com", flags=0)))
    put("edns-version", ("BADVERS", query(1, "example.com", opt=wire.edns(version=1))), ("NOERROR|NXDOMAIN", query(2, "example.com", opt=wire.edns(100))))
    head = struct.pack("!HHHHHH", 9, 0x0100, 1, 0, 0, 0)
    name = wire.dns_name("example.com") + b"\0\1\0\1"
    put("malformed", ("FORMERR", struct.pack("!HHHHHH", 1, 0x0100, 2, 0, 0, 0) + name + name),
        ("FORMERR", struct.pack("!HHHHHH", 2, 0x0100, 0, 0, 0, 0)), ("NOTIMP", query(3, "example.com", 6, flags=0x2800)),
        ("NOTIMP", query(4, "example.com", flags=0x1000)), ("-", query(5, "example.com", flags=0x8180)), ("-", b"\0\6\1\0"),
        ("FORMERR|NOERROR|NXDOMAIN", head + b"\xc0\x0c\0\1\0\1"), ("FORMERR", head + b"\x3fabc"), ("FORMERR", head + b"\x40" + b"a" * 64 + b"\0\0\1\0\1"),
        ("FORMERR", head + (b"\x01a" * 200) + b"\0\0\1\0\1"), ("FORMERR", query(10, "example.com", opt=wire.edns() + wire.edns())[:10] + b"\0\2"
         + query(10, "example.com", opt=wire.edns() + wire.edns())[12:]), ("FORMERR", query(11, "example.com") + b"rest"),
        ("FORMERR", query(12, "example.com")[:-2]), ("NOTIMP", query(13, "example.com", flags=0x2000)))
    other = scenes["dns-other-port"] = Scene(["-", "NOERROR|NXDOMAIN"])
    other.add(ether(client.mac, mac("01:00:5e:00:00:fb"), 0x0800, udp(LEASED, 5353, "224.0.0.251", 5353, query(0, "_airplay._tcp.local", 12), ttl=255)))
    other.add(client.dns(query(7, "example.com")))
    cooked = scenes["dns-raw"] = Scene(["NOERROR|NXDOMAIN"], link=wire.RAW)
    cooked.add(udp("10.8.0.2", 33333, "10.8.0.1", 53, query(1, "example.com")))
    loop = scenes["dns-loopback"] = Scene(["NOERROR|NXDOMAIN"], known=False)
    message = query(1, "example.com")
    loop.add(ether(bytes(6), bytes(6), 0x0800, udp("127.0.0.1", 44444, "127.0.0.53", 53, message)))
    loop.add(ether(bytes(6), bytes(6), 0x0800, udp("127.0.0.53", 53, "127.0.0.1", 44444, wire.response(message, [(1, 9, example)]))))
    null = scenes["dns-bsd-loopback"] = Scene(["NOERROR|NXDOMAIN"], link=wire.NULL, known=False)
    null.add(struct.pack("<I", 2) + udp("127.0.0.1", 44444, "127.0.0.1", 53, message))
    crafted = scenes["dns-crafted"] = Scene(["NOERROR|NXDOMAIN"])
    crafted.add(ether(client.mac, wire.BROADCAST, 0x0800, udp("10.1.1.5", 53, "8.8.4.4", 53, message)))
    partial = bytearray(client.dns(message))
    partial[40:42] = struct.pack("!H", ~wire.checksum(wire.pseudo(LEASED, SERVER_IP, 17, 8 + len(message))) & 0xFFFF)
    scenes["dns-checksum-offload"] = Scene(["NOERROR|NXDOMAIN"]).add(bytes(partial))
    dhcp_and_dns = scenes["dns-after-dhcp"] = Scene(["OFFER", "ACK", "NOERROR", "NOERROR|NXDOMAIN"])
    phone = android()
    for frame, reply in ((phone.discover(), OFFER), (phone.select(), ACK)):
        dhcp_and_dns.add(frame).add(server_reply(phone, reply, dns="8.8.8.8"))
    asked = query(0xBEEF, "connectivitycheck.gstatic.com")
    dhcp_and_dns.add(phone.dns(asked, 50100, "8.8.8.8"))
    dhcp_and_dns.add(ether(ROUTER, phone.mac, 0x0800, udp("8.8.8.8", 53, LEASED, 50100, wire.response(asked, [(1, 60, example)]))))
    dhcp_and_dns.add(phone.dns(query(0xBEF0, "time.android.com"), 50101, "8.8.4.4"))
    return scenes


def tcp_scenes():
    """Conversations over TCP whose numbers on the other side are not ours."""
    client = Client("f0:18:98:0a:0b:0c", ())
    stamps = lambda value, echo: b"\1\1\x08\x0a" + struct.pack("!II", value, echo)

    def conversation(expect, server, port, text, answer, options=True):
        made = Scene(expect)
        offer = b"\x02\x04\x05\xb4\x04\x02\x08\x0a" + struct.pack("!II", 1000, 0) + b"\1\3\3\7"
        agreed = b"\x02\x04\x05\xb4" + (b"\x04\x02\x08\x0a" + struct.pack("!II", 777000, 1000) + b"\1\3\3\7" if options else b"")

        def ours(seq, ack, flags, payload=b"", extra=b""):
            made.add(ether(client.mac, ROUTER, 0x0800, wire.tcp(LEASED, 45000, server, port, seq, ack, flags, payload, extra)))

        def theirs(seq, ack, flags, payload=b"", extra=b""):
            made.add(ether(ROUTER, client.mac, 0x0800, wire.tcp(server, port, LEASED, 45000, seq, ack, flags, payload, extra)))

        extra = stamps(1001, 777000) if options else b""
        ours(5000, 0, 0x02, extra=offer)
        theirs(0xFFFFFF00, 5001, 0x12, extra=agreed)
        ours(5001, 0xFFFFFF01, 0x10, extra=extra)
        ours(5001, 0xFFFFFF01, 0x18, text, extra)
        end, told = 5001 + len(text), 0xFFFFFF01 + len(answer)
        theirs(0xFFFFFF01, end, 0x18, answer, stamps(777005, 1001) if options else b"")
        ours(end, told, 0x10, extra=stamps(1010, 777005) if options else b"")
        ours(end, told, 0x11, extra=stamps(1011, 777005) if options else b"")
        theirs(told, end + 1, 0x11, extra=stamps(777010, 1011) if options else b"")
        ours(end + 1, told + 1, 0x10, extra=stamps(1012, 777010) if options else b"")
        return made

    asked = query(0x7777, "example.org")
    framed = lambda message: struct.pack("!H", len(message)) + message
    answer = wire.response(asked, [(1, 60, bytes((93, 184, 216, 35)))])
    return {
        "tcp-web": conversation(["tcp:HTTP/1.1 204 No Content"], "93.184.216.34", 80, b"GET / HTTP/1.1\r\n\r\n",
                                b"HTTP/1.1 204 No Content\r\n\r\n"),
        "tcp-web-without-options": conversation(["tcp:HTTP/1.1 204 No Content"], "93.184.216.34", 80, b"GET / HTTP/1.1\r\n\r\n",
                                                b"HTTP/1.1 204 No Content\r\n\r\n", options=False),
        "tcp-dns-pipelined": conversation(["tcp:"], SERVER_IP, 53, b"".join(framed(query(ident, "example.org", kind)) for ident, kind in
                                                                            ((1, 1), (2, 28), (3, 65), (4, 255))) + framed(b"\0\5\1\0" + bytes(8)),
                                          framed(answer)),
        "tcp-dns": conversation(["tcp-dns"], SERVER_IP, 53, framed(asked), framed(answer)),
        "tcp-dns-elsewhere": conversation(["tcp-dns"], "9.9.9.9", 53, framed(asked), framed(answer)),
    }


def scenes():
    from further import further  # which needs what stands here
    out = {**further(), **dhcp_scenes(), **malformed_dhcp_scenes(), **dns_scenes(), **tcp_scenes()}
    return dict(sorted(out.items()))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for scene_name, content in scenes().items():
        (directory / f"{scene_name}.pcap").write_bytes(content.pcap())
