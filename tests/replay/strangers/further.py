"""More clients, file formats and oddities than make.py has; the same kind of scenes. Written anew, byte by byte, from the RFCs
and from what is publicly known of these systems."""

import struct

import wire
from make import LEASED, ROUTER, SERVER_IP, Client, Scene, android, dhclient, full, macos, networkd, server_reply, udhcpc, windows
from wire import ACK, DECLINE, DISCOVER, INFORM, NAK, OFFER, RELEASE, REQUEST, dhcp, ether, ip4, mac, option, query, udp

CLIENT_MAC = "f0:18:98:0a:0b:0c"


# --- clients ---

def windows_7():
    return Client("00:1c:42:aa:bb:01", (1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 43), xid=0x7700AA01,
                  after=[(12, b"ANNA-PC"), (60, b"MSFT 5.0")])


def windows_xp():
    return Client("00:0c:29:aa:bb:02", (1, 15, 3, 6, 44, 46, 47, 31, 33, 249, 43), xid=0x5A0B0C0D, pad=300,
                  before=[(116, b"\x01")], after=[(12, b"oldbox"), (60, b"MSFT 5.0"), (43, b"\xdc\x00")])


def iphone():
    return Client("da:a1:19:01:02:03", (1, 121, 3, 6, 15, 108, 114, 119, 162, 252), xid=0x0DDBA11, ttl=255, pad=300,
                  before=[(55, bytes((1, 121, 3, 6, 15, 108, 114, 119, 162, 252))), (57, b"\x05\xdc")],
                  after=[(51, struct.pack("!I", 7776000)), (12, b"iPhone")])


def chromeos():
    return Client("a4:77:33:01:02:03", (1, 121, 33, 3, 6, 12, 15, 26, 28, 51, 54, 58, 59, 119, 252), xid=0xC4405, ttl=64,
                  after=[(57, b"\x05\xc0"), (60, b"dhcpcd-6.8.2:Linux-5.15.108:x86_64:ChromeOS"), (145, b"\x01"), (80, b"")])


def network_manager():
    return Client("52:54:00:aa:bb:03", (1, 2, 6, 12, 15, 26, 28, 121, 3, 33, 40, 41, 42, 119, 249, 252, 17), xid=0x4E4D4E4D, ttl=64,
                  after=[(57, b"\x02\x40"), (12, b"workstation"), (61, b"\x01" + mac("52:54:00:aa:bb:03"))], ident=False)


def cisco_router():
    name = b"\0cisco-0011.2233.4455-Gi0/0"
    return Client("00:11:22:33:44:55", (1, 66, 6, 3, 67, 12, 33, 150, 43, 125), duid=name, flags=0x8000, xid=0x1FE2, ttl=255, pad=300,
                  before=[(57, b"\x04\x80")], after=[(12, b"Router"), (60, b"Cisco IOS")])


def cisco_phone():
    return Client("00:1e:be:90:11:22", (1, 66, 6, 3, 15, 150, 35), flags=0x8000, xid=0x96AB, ttl=64, pad=548,
                  after=[(12, b"SEP001EBE901122"), (60, b"Cisco Systems, Inc. IP Phone CP-7945G")])


def ipxe():
    inner = b"\xb1\x05\x01\x80\x86\x10\x0e\xeb\x03\x01\x15\x01\x17\x01\x01\x15\x01\x01\x27\x01\x01\xff"
    return Client("52:54:00:00:99:01", (1, 3, 6, 7, 12, 15, 17, 26, 43, 60, 66, 67, 119, 128, 129, 130, 131, 132, 133, 134, 135, 175, 203),
                  xid=0x99015254, ttl=64, before=[(57, b"\x05\xc0"), (93, b"\0\7"), (94, b"\1\3\x10"), (60, b"PXEClient:Arch:00007:UNDI:003010"),
                                                  (77, b"iPXE")], after=[(175, inner), (97, b"\0" + bytes(range(16)))])


def uefi():
    return Client("00:15:5d:0f:0e:0d", (1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66, 67, 97,
                                         128, 129, 130, 131, 132, 133, 134, 135), ident=False, flags=0x8000, xid=0xEF1, ttl=64,
                  before=[(57, struct.pack("!H", 1472))], after=[(97, b"\0" + bytes(16)), (94, b"\1\3\x10"), (93, b"\0\x10"),
                                                                 (60, b"HTTPClient:Arch:00016:UNDI:003016")])


def switch():
    return Client("98:b6:e9:01:02:03", (1, 3, 6, 15, 51, 54, 58, 59), xid=0x517C4, ttl=64)


def playstation():
    return Client("00:d9:d1:01:02:03", (1, 3, 15, 6), xid=0x505334, ttl=64, pad=576, after=[(57, b"\x05\xdc"), (60, b"PS4")])


def openwrt():
    return Client("c0:4a:00:01:02:03", (1, 3, 6, 12, 15, 28, 42, 121, 249, 212, 150), xid=0x0BE11, ttl=64,
                  after=[(57, b"\x02\x40"), (60, b"udhcp 1.36.1"), (12, b"OpenWrt")])


def hp_printer():
    return Client("3c:52:82:01:02:03", (6, 3, 1, 15, 66, 67, 13, 44, 119, 150, 81, 252, 12, 43), ident=False, xid=0xA9A9A9, ttl=64, pad=590,
                  after=[(60, b"Hewlett-Packard LaserJet"), (12, b"HP-Drucker\0"), (81, b"\x08\0\0HP-Drucker")])


SYSTEMS = {"windows-7": windows_7, "windows-xp": windows_xp, "iphone": iphone, "chromeos": chromeos, "network-manager": network_manager,
           "cisco-router": cisco_router, "cisco-phone": cisco_phone, "ipxe": ipxe, "uefi-http": uefi, "switch": switch,
           "playstation": playstation, "openwrt": openwrt, "hp-printer": hp_printer}


def life_scenes():
    """What becomes of leases."""
    scenes = {}
    for name, make in SYSTEMS.items():
        scenes[f"dhcp-{name}"] = full(make())
        scenes[f"dhcp-{name}-one-sided"] = full(make(), replies=False)

    def after_lease(name, expect, client, *frames):
        scene = scenes[name] = Scene(["OFFER", "ACK", *expect])
        for frame in full(client).frames:
            scene.add(frame[1])
        for frame in frames:
            scene.add(frame, 5)

    one = windows_7()
    declined = one.broadcast(one.message(DECLINE, [(50, ip4(LEASED)), (54, ip4(SERVER_IP))], xid=5))
    after_lease("dhcp-decline-and-back", ["OFFER", "NAK", "NAK"], one, declined, one.discover(xid=6), one.reboot(LEASED, xid=7),
                one.select(LEASED, xid=8))
    wrong = [one.broadcast(one.message(DECLINE, [(50, ip4(LEASED)), (54, ip4("192.168.1.7"))], xid=5)),
             one.broadcast(one.message(DECLINE, [(50, ip4(LEASED))], xid=5)), one.broadcast(one.message(DECLINE, [(54, ip4(SERVER_IP))], xid=5))]
    after_lease("dhcp-decline-wrong", ["ACK"], one, *wrong, one.reboot(LEASED, xid=7))
    gone = one.unicast(one.message(RELEASE, [(54, ip4(SERVER_IP))], xid=9, ciaddr=LEASED), LEASED)
    after_lease("dhcp-release-and-back", ["OFFER", "ACK"], one, gone, one.discover(xid=10), one.select(xid=10))
    two = iphone()
    after_lease("dhcp-rebind-option-50", ["ACK", "ACK"], two,
                two.unicast(two.message(REQUEST, [(50, ip4(LEASED))], xid=11, ciaddr=LEASED), LEASED),
                two.broadcast(two.message(REQUEST, xid=12, ciaddr=LEASED), source=LEASED))
    after_lease("dhcp-renew-other-address", ["NAK"], two, two.broadcast(two.message(REQUEST, xid=13, ciaddr="192.168.1.77"), source=LEASED))
    after_lease("dhcp-xid-reuse", ["OFFER", "ACK", "ACK"], two, two.discover(), two.select(), two.reboot())
    after_lease("dhcp-inform-after-lease", ["ACK", "ACK", "-"], one,
                one.broadcast(one.message(INFORM, xid=14, ciaddr=LEASED), source=LEASED),
                one.unicast(one.message(INFORM, xid=15, ciaddr=LEASED, flags=0x8000), LEASED),
                one.broadcast(one.message(INFORM, xid=16)))
    after_lease("dhcp-other-types", ["OFFER"], one, *[one.broadcast(one.message(kind, [(54, ip4(SERVER_IP))], xid=20 + kind))
                                                      for kind in (OFFER, ACK, NAK, 9, 10, 18)], one.discover(xid=40))
    pair = windows_7(), switch()
    scene = scenes["dhcp-same-xid"] = Scene(["OFFER", "OFFER", "ACK", "ACK"])
    for client in pair:
        scene.add(client.discover(xid=1))
    for client, given in zip(pair, ("192.168.1.2", "192.168.1.3")):
        scene.add(client.select(given, xid=1))
    scene = scenes["dhcp-same-identifier"] = Scene(["OFFER", "OFFER"])
    for hardware in ("02:00:00:00:07:01", "02:00:00:00:07:02"):
        scene.add(Client(hardware, (1, 3, 6), duid=b"\0clone", xid=3).discover())
    return scenes


def message_scenes():
    """Forms that a message may have."""
    sound = udhcpc()

    def sent(message, **fields):
        return ether(sound.mac, wire.BROADCAST, 0x0800, udp("0.0.0.0", 68, "255.255.255.255", 67, message, **fields))

    def one(message, answer="OFFER"):
        return Scene([answer, "OFFER"]).add(sent(message)).add(sound.discover(xid=0x600D))

    def overloaded(bits, options, file=b"", sname=b""):
        plain = bytearray(dhcp(sound.mac, None, 9, [(52, bytes((bits,))), *options]))
        plain[44:44 + len(sname)], plain[108:108 + len(file)] = sname, file
        return bytes(plain)

    kind = option(53, b"\x01")
    long = dhcp(sound.mac, DISCOVER, 9, [(55, bytes((1, 3, 6, 15, 26, 28, 12, 58, 59))), (61, bytes(range(255))), (57, b"\x02\x40")])
    scenes = {
        "overload-both": one(overloaded(3, [(55, b"\1\3\6")], kind + b"\xff", option(61, b"\xff\1\2\3") + b"\xff")),
        "overload-file-without-end": one(overloaded(1, [(53, b"\x01")], option(12, b"a" * 126))),
        "overload-0": one(overloaded(0, [(53, b"\x01")]), "-"),
        "overload-4": one(overloaded(4, [(53, b"\x01")]), "-"),
        "overload-runs-out": one(overloaded(1, [(53, b"\x01")], option(12, b"a")[:1] + b"\xff" + bytes(126)), "-"),
        "boot-file-and-server": one(overloaded(3, [(53, b"\x01")]).replace(option(52, b"\x03"), b"\0\0\0")[:240]
                                    + kind + b"\xff"),
        "identifier-of-255": one(long),
        "identifier-of-1": one(dhcp(sound.mac, DISCOVER, 9, [(61, b"\0")])),
        "identifier-split": one(dhcp(sound.mac, DISCOVER, 9, [(61, b"\xff" * 200), (12, b"a"), (61, b"\1" * 100)])),
        "maximum-0": one(dhcp(sound.mac, DISCOVER, 9, [(57, b"\0\0")])),
        "maximum-65535": one(dhcp(sound.mac, DISCOVER, 9, [(57, b"\xff\xff"), (55, bytes(range(1, 255)))])),
        "maximum-of-one-byte": one(dhcp(sound.mac, DISCOVER, 9, [(57, b"\1")]), "-"),
        "requests-repeated": one(dhcp(sound.mac, DISCOVER, 9, [(55, b"\6\6\3\3\1\1\xff\0")])),
        "no-pad-to-300": one(dhcp(sound.mac, DISCOVER, 9, [])),
        "pad-to-1472": one(dhcp(sound.mac, DISCOVER, 9, [], pad=1472)),
        "two-message-types": one(dhcp(sound.mac, None, 9, [(53, b"\1"), (53, b"\1")]), "-"),
        "message-type-last": one(dhcp(sound.mac, None, 9, [(55, b"\1\3"), (12, b"late"), (53, b"\1")])),
        "secs-and-hops": one(dhcp(sound.mac, DISCOVER, 9, [], secs=0xFFFF, hops=16)),
        "yiaddr-filled": one(dhcp(sound.mac, DISCOVER, 9, [], yiaddr="192.168.1.66")),
        "junk-behind-chaddr": one(dhcp(sound.mac + b"\xde\xad\xbe\xef", DISCOVER, 9, [])),
        "hlen-16": one(dhcp(sound.mac, DISCOVER, 9, [], hlen=16), "-"),
        "hlen-17": one(dhcp(sound.mac, DISCOVER, 9, [], hlen=17), "-"),
        "infiniband": one(dhcp(bytes(16), DISCOVER, 9, [(61, b"\xff\1")], htype=32, hlen=0, flags=0x8000), "-"),
        "chaddr-zero": one(dhcp(bytes(6), DISCOVER, 9, []), "-"),
        "chaddr-broadcast": one(dhcp(wire.BROADCAST, DISCOVER, 9, []), "-"),
        "subnet-selection": one(dhcp(sound.mac, DISCOVER, 9, [(118, ip4("10.1.0.0"))])),
        "rapid-commit": one(dhcp(sound.mac, DISCOVER, 9, [(80, b"")])),
        "user-class-malformed": one(dhcp(sound.mac, DISCOVER, 9, [(77, b"\xff"), (124, b"\0"), (125, b"\0\0\0")])),
        "host-name-of-bytes": one(dhcp(sound.mac, DISCOVER, 9, [(12, bytes(range(256))[:255]), (15, b"\xff\xfe")])),
        "wish-for-zero": one(dhcp(sound.mac, DISCOVER, 9, [(50, bytes(4))])),
        "wish-for-router": one(dhcp(sound.mac, DISCOVER, 9, [(50, ip4("172.17.0.1"))])),
        "lease-of-0": one(dhcp(sound.mac, DISCOVER, 9, [(51, bytes(4))])),
        "discover-with-server": one(dhcp(sound.mac, DISCOVER, 9, [(54, ip4("10.9.9.9"))])),
        "without-udp-checksum": Scene(["OFFER"]).add(ether(sound.mac, wire.BROADCAST, 0x0800, without_checksum(sound.message(DISCOVER)))),
        "ip-options": Scene(["OFFER"]).add(ether(sound.mac, wire.BROADCAST, 0x0800, with_ip_option(sound.message(DISCOVER)))),
    }
    return {f"dhcp-form-{name}": scene for name, scene in scenes.items()}


def without_checksum(message):
    packet = bytearray(udp("0.0.0.0", 68, "255.255.255.255", 67, message))
    packet[26:28] = b"\0\0"
    return bytes(packet)


def with_ip_option(message):
    """The router alert, as some stacks put it into everything."""
    packet = udp("0.0.0.0", 68, "255.255.255.255", 67, message)
    head = bytearray(packet[:20] + b"\x94\x04\0\0")
    head[0], head[2:4], head[10:12] = 0x46, struct.pack("!H", len(packet) + 4), b"\0\0"
    head[10:12] = struct.pack("!H", wire.checksum(bytes(head)))
    return bytes(head) + packet[20:]


# --- file formats ---

def format_scenes():
    """The same conversation in every kind of file."""
    scenes = {}

    def lease(name, wrap=lambda frame: frame, link=wire.ETHERNET, write=None):
        scene = scenes[f"file-{name}"] = Scene(["OFFER", "ACK"], link=link)
        for _, frame in full(network_manager_seen(), replies=False).frames:
            scene.add(wrap(frame))
        scene.write = write

    def network_manager_seen():
        return Client("52:54:00:aa:bb:03", (1, 3, 6, 15), xid=0x4E4D, ttl=64)

    hardware = mac("52:54:00:aa:bb:03")
    lease("big-endian", write=lambda s: wire.pcap(s.frames, s.link, order=">"))
    lease("nanoseconds", write=lambda s: wire.pcap(s.frames, s.link, magic=0xA1B23C4D))
    lease("big-endian-nanoseconds", write=lambda s: wire.pcap(s.frames, s.link, magic=0xA1B23C4D, order=">"))
    lease("pcapng", write=lambda s: wire.pcapng([wire.section(s.frames, [s.link])]))
    lease("pcapng-big-endian", write=lambda s: wire.pcapng([wire.section(s.frames, [s.link], order=">")]))
    lease("pcapng-two-sections", write=lambda s: wire.pcapng([wire.section(s.frames[:1], [s.link]), wire.section(s.frames[1:], [s.link], order=">")]))
    lease("pcapng-second-interface", write=lambda s: wire.pcapng([wire.section(s.frames, [147, s.link], interface=1)]))
    lease("pcapng-powers-of-two", write=lambda s: wire.pcapng([wire.section(s.frames, [s.link], unit=0x94)]))
    lease("pcapng-unknown-blocks", write=lambda s: wire.pcapng([wire.section(s.frames, [s.link], strange=True)]))
    lease("vlan", lambda frame: frame[:12] + b"\x81\x00\x20\x07" + frame[12:])
    lease("double-vlan", lambda frame: frame[:12] + b"\x88\xa8\x00\x05\x81\x00\x20\x07" + frame[12:])
    lease("cooked-2", lambda frame: struct.pack("!HHIHBB8s", 0x0800, 0, 2, 1, 4, 6, hardware) + frame[14:], link=wire.SLL2)
    lease("openbsd-loopback", lambda frame: struct.pack("!I", 2) + frame[14:], link=wire.LOOP)
    lease("padded", lambda frame: frame + bytes(4))  # with a check sequence behind
    cut = scenes["file-cut-in-the-middle"] = Scene(["OFFER"])
    for _, frame in full(network_manager_seen(), replies=False).frames:
        cut.add(frame)
    cut.write = lambda s: wire.pcap(s.frames, s.link)[:-100]
    ng_cut = scenes["file-pcapng-cut"] = Scene(["OFFER"])
    ng_cut.frames, ng_cut.write = cut.frames, lambda s: wire.pcapng([wire.section(s.frames, [s.link])])[:-100]
    return scenes


def refused_files():
    """Files that can't be played: name, content, a word that the error must have."""
    frames = full(udhcpc(), replies=False).frames
    radio = [(at, b"\0\0\x08\0\0\0\0\0" + b"\x88\x01" + bytes(24) + b"\xaa\xaa\3\0\0\0\x08\0" + frame[14:]) for at, frame in frames]
    return {
        "radiotap": (wire.pcap(radio, 127), "127"),
        "wireless": (wire.pcap([(at, frame[8:]) for at, frame in radio], 105), "105"),
        "usb": (wire.pcap(frames, 220), "220"),
        "pcapng-radiotap": (wire.pcapng([wire.section(radio, [127])]), "127"),
        "text": (b"# tcpdump output, not a capture\n" * 10, "pcap"),
        "modified-magic": (b"\x34\xcd\xb2\xa1" + wire.pcap(frames)[4:], "pcap"),
    }


# --- DNS ---

def dns_further():
    scenes = {}
    client = Client(CLIENT_MAC, ())

    def put(name, *pairs):
        made = scenes[f"dns-{name}"] = Scene([expectation for expectation, _ in pairs])
        for port, (_, message) in enumerate(pairs, 51000):
            made.add(client.dns(message, port))
        return made

    known = "NOERROR|NXDOMAIN"
    own, zone = "gateway.pontoon.internal", "default.internal"
    put("types-of-our-names", *[("NOERROR", query(at, own, kind, opt=wire.edns(1232, do=bool(at & 1)) if at % 3 else b""))
                                for at, kind in enumerate((1, 28, 65, 64, 5, 15, 16, 33, 2, 6, 43, 48, 46, 35, 257, 12, 99, 62000, 255))])
    put("types-of-no-names", *[("NXDOMAIN", query(at, f"nobody.{zone}", kind, opt=wire.edns())) for at, kind in enumerate((1, 28, 65, 255, 6, 2))])
    put("zone-itself", *[("NOERROR", query(at, zone, kind)) for at, kind in enumerate((1, 28, 6, 2, 65, 255))])
    put("mixed-case", ("NOERROR", query(1, "gAtEwAy.PoNtOoN.iNtErNaL")), ("NXDOMAIN", query(2, "NoBoDy.DeFaUlT.InTeRnAl")),
        (known, query(3, "wWw.ExAmPlE.cOm")), ("NOERROR", query(4, "LOCALHOST")))
    options = {"cookie": struct.pack("!HH", 10, 8) + bytes(8), "bad-cookie": struct.pack("!HH", 10, 3) + b"abc", "padding": struct.pack("!HH", 12, 100) + bytes(100),
               "subnet": struct.pack("!HHHBB", 8, 7, 1, 24, 0) + b"\xc0\0\2", "keepalive": struct.pack("!HH", 11, 0), "nsid": struct.pack("!HH", 3, 0),
               "expire": struct.pack("!HH", 9, 0), "unknown": struct.pack("!HH", 65001, 5) + b"hello"}
    put("edns-options", *[(known, query(at, "example.com", opt=wire.edns(4096, options=value))) for at, value in enumerate(options.values())],
        ("FORMERR", query(90, "example.com", opt=wire.edns(options=b"\0\x0a\0\x09x"))),
        ("FORMERR", query(91, "example.com", opt=wire.edns(options=b"\0"))))
    put("edns-sizes", *[("NOERROR", query(at, own, opt=wire.edns(size))) for at, size in enumerate((0, 1, 511, 512, 1231, 1232, 1233, 4096, 65535))])
    put("edns-version-255", ("BADVERS", query(1, own, opt=wire.edns(version=255, do=True))), ("BADVERS", query(2, "example.com", 65, opt=wire.edns(version=1))))
    put("flags", *[(known, query(at, "example.com", flags=flags)) for at, flags in enumerate((0x0110, 0x0120, 0x0130, 0x0140, 0x0180, 0x0300, 0x0500, 0x010F))])
    put("opcodes", *[("NOTIMP", query(opcode, zone, 6, flags=opcode << 11 | 0x0100, opt=opt)) for opcode in (1, 2, 3, 4, 5, 6, 15)
                     for opt in (b"", wire.edns())])
    put("classes", *[("REFUSED|NOTIMP", query(klass, "version.bind", 16, klass=klass, opt=wire.edns())) for klass in (3, 4, 254, 0, 77)],
        ("REFUSED|NOTIMP|NOERROR|NXDOMAIN", query(99, "example.com", klass=255)))
    put("meta-types", *[("REFUSED|NOTIMP|FORMERR", query(kind, zone, kind)) for kind in (249, 250, 251, 252, 253, 254, 41, 0)])
    put("any", (known, query(1, "example.com", 255)), ("NOERROR", query(2, own, 255)))
    head = lambda ident, *counts: struct.pack("!HHHHHH", ident, 0x0100, *counts)
    name, end = wire.dns_name("example.com"), b"\0\1\0\1"
    record = name + struct.pack("!HHIH4s", 1, 1, 5, 4, ip4("192.0.2.1"))
    put("shapes", ("FORMERR", head(1, 0, 0, 0, 1) + wire.edns()), ("FORMERR", head(2, 2, 0, 0, 1) + name + end + name + end + wire.edns()),
        ("FORMERR", head(3, 65535, 0, 0, 0) + name + end), ("FORMERR", head(4, 1, 0, 0, 0) + b"\xc0\x0c" + end),
        ("FORMERR", head(5, 1, 0, 0, 0) + b"\x03abc\xc0\x0c" + end), ("FORMERR", head(6, 1, 0, 0, 0) + b"\xc0\xff" + end),
        ("FORMERR", head(7, 1, 0, 0, 0) + b"\x80abc\0" + end), ("FORMERR", head(8, 1, 0, 0, 0)), ("FORMERR", head(9, 1, 0, 0, 0) + name),
        ("FORMERR", head(10, 1, 0, 0, 1) + name + end), ("FORMERR", head(11, 1, 0, 0, 1) + name + end + b"\1x" + wire.edns()[1:]),
        ("FORMERR|NOERROR|NXDOMAIN", head(12, 1, 0, 0, 2) + name + end + record + wire.edns()),
        ("FORMERR|NOERROR|NXDOMAIN", head(13, 1, 1, 0, 0) + name + end + record),
        ("FORMERR|NOERROR|NXDOMAIN", head(14, 1, 0, 1, 0) + name + end + record), ("-", b"\0\x0f\1"), ("-", head(16, 1, 0, 0, 0)[:11]),
        (known, query(17, b"\0")), (known, query(18, b"\x04a.b\0\0")), (known, query(19, b"\x3f" + b"x" * 63 + b"\0")))
    put("responses-and-chatter", ("-", wire.response(query(1, "example.com"), [(1, 5, ip4("192.0.2.1"))])), ("-", query(2, "example.com", flags=0x8583)),
        (known, query(3, "example.com")))
    put("private-addresses", *[(known, query(at, text, 12)) for at, text in enumerate(
        ("1.0.17.172.in-addr.arpa", "1.0.0.127.in-addr.arpa", "1.1.168.192.in-addr.arpa", "254.169.in-addr.arpa", "x.in-addr.arpa",
         "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa"))])
    put("special-names", *[("NOERROR|NXDOMAIN|REFUSED", query(at, text)) for at, text in enumerate(
        ("printer.local", "wpad", "isatap", "x.onion", "example.test", "a.invalid", "a.localhost", "_dns.resolver.arpa", "use-application-dns.net",
         "ipv4only.arpa", "home.arpa", "b._dns-sd._udp.lan"))])
    # mDNS and LLMNR, which are not for us; a stub that asks two servers with one ID and one port.
    others = scenes["dns-multicast"] = Scene([known])
    for group, port, ident in (("224.0.0.251", 5353, 0), ("224.0.0.252", 5355, 77)):
        target = b"\x01\0\x5e" + ip4(group)[1:]
        others.add(ether(client.mac, target, 0x0800, udp(LEASED, port, group, port, query(ident, "desktop.local", 255), ttl=1)))
    others.add(client.dns(query(9, "example.com")))
    same = scenes["dns-one-id-two-questions"] = Scene(["NOERROR", "NOERROR"])
    for kind in (1, 28):
        same.add(client.dns(query(0x1111, own, kind), 40000), 0.0001)
    again = scenes["dns-repeated"] = Scene(["NOERROR", "NOERROR", "NOERROR"])
    for _ in range(3):
        again.add(client.dns(query(0x2222, own), 40001), 1)
    tcp_stub = scenes["dns-large-query"] = Scene([known])
    tcp_stub.add(client.dns(query(1, "example.com", opt=wire.edns(1232, options=struct.pack("!HH", 12, 400) + bytes(400)))))
    return scenes


def compressed(asked, *sections, flags=0x8180, tail=b""):
    """A response whose sections hold bytes of records, in which every name may be a pointer into what stands before."""
    counts = [len(section) for section in sections]
    return asked[:2] + struct.pack("!HHHHH", flags, 1, *counts) + asked[12:wire.question_end(asked)] + b"".join(b"".join(part) for part in sections) + tail


def record(name, kind, data, ttl=300):
    return name + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def upstream_pairs():
    """Queries and what the captured server said, with names compressed as servers do it."""
    name, example = b"\xc0\x0c", wire.dns_name
    soa_rest = struct.pack("!IIIII", 2023, 7200, 900, 1209600, 300)
    ask = {}
    for ident, (text, kind) in enumerate((("www.example.com", 1), ("example.com", 15), ("example.com", 2), ("example.com", 16), ("_sip._tcp.example.com", 33),
                                          ("example.com", 65), ("gone.example.com", 1), ("example.com", 28), ("34.216.184.93.in-addr.arpa", 12),
                                          ("example.com", 29), ("many.example.com", 1), ("a.dname.example.com", 1), ("example.com", 257)), 0x6000):
        ask[text, kind] = query(ident, text, kind)
    said = {
        # www -> cdn.example.net -> address; the second owner is a pointer into the first one's data
        ("www.example.com", 1): ([record(name, 5, b"\3cdn\7example\3net\0"), record(b"\xc0\x2d", 1, ip4("192.0.2.7"), 20)], [], []),
        ("example.com", 15): ([record(name, 15, b"\0\x0a\4mail" + name), record(name, 15, b"\0\x14\5mail2" + name)], [],
                              [record(b"\xc0\x2b", 1, ip4("192.0.2.25"))]),
        ("example.com", 2): ([record(name, 2, b"\1a\4iana\7servers\3net\0"), record(name, 2, b"\1b\xc0\x2b")], [], []),
        ("example.com", 16): ([record(name, 16, b"\x0bv=spf1 -all" + b"\0" + b"\3abc")], [], []),
        ("_sip._tcp.example.com", 33): ([record(name, 33, struct.pack("!HHH", 1, 2, 5060) + example("sip.example.com"))], [], []),
        ("example.com", 65): ([record(name, 65, b"\0\1\0" + struct.pack("!HH", 1, 6) + b"\2h2\2h3" + struct.pack("!HH", 4, 4) + ip4("192.0.2.8"))], [], []),
        ("gone.example.com", 1): ([], [record(b"\xc0\x11", 6, b"\2ns\xc0\x11\4root\xc0\x11" + soa_rest)], []),
        ("example.com", 28): ([], [record(name, 6, b"\2ns" + name + b"\4root" + name + soa_rest)], []),
        ("34.216.184.93.in-addr.arpa", 12): ([record(name, 12, example("www.example.com"))], [], []),
        ("example.com", 29): ([record(name, 29, bytes(16))], [], []),
        ("many.example.com", 1): ([record(name, 1, ip4(f"192.0.2.{at}"), 60) for at in range(1, 60)], [], []),
        ("a.dname.example.com", 1): ([record(b"\xc0\x0e", 39, example("target.example.net")), record(name, 5, example("a.target.example.net")),
                                      record(example("a.target.example.net"), 1, ip4("192.0.2.9"))], [], []),
        ("example.com", 257): ([record(name, 257, b"\0\5issueca.example.net")], [], []),
    }
    return [(ask[key], compressed(ask[key], *said[key], flags=0x8183 if key[0].startswith("gone") else 0x8180)) for key in ask]


def upstream_scene():
    client = Client(CLIENT_MAC, ())
    pairs = upstream_pairs()
    scene = Scene(["NXDOMAIN" if said[3] & 15 else "NOERROR" for _, said in pairs])
    for port, (asked, said) in enumerate(pairs, 52000):
        scene.add(client.dns(asked, port))
        scene.add(ether(ROUTER, client.mac, 0x0800, udp(SERVER_IP, 53, LEASED, port, said)))
    return scene


# --- everything else that stands in a capture ---

def chatter(client, source=LEASED):
    """What a station says besides DHCP and DNS."""
    hardware = client.mac
    six = lambda target, protocol, body: b"\x60\0\0\0" + struct.pack("!HBB", len(body), protocol, 255) + bytes(16) + target + body
    all_nodes = bytes.fromhex("ff020000000000000000000000000016")
    named = struct.pack("!HHHHHH", 1, 0x0110, 1, 0, 0, 0) + b"\x20" + b"CACACACACACACACACACACACACACACAAA" + b"\0\0\x20\0\1"
    to_all = lambda kind, body, target=wire.BROADCAST: ether(hardware, target, kind, body)
    return [
        to_all(0x0806, wire.arp(1, hardware, "0.0.0.0", bytes(6), source)),
        to_all(0x0806, wire.arp(1, hardware, source, bytes(6), source)),
        to_all(0x86DD, six(all_nodes, 58, b"\x85\0" + bytes(6)), bytes.fromhex("333300000002")),
        to_all(0x86DD, six(all_nodes, 0, b"\x3a\0\5\2\0\0\1\0" + b"\x8f" + bytes(27)), bytes.fromhex("333300000016")),
        to_all(0x86DD, six(bytes.fromhex("ff020000000000000000000000010002"), 17, struct.pack("!HHHH", 546, 547, 12, 0) + b"\1abc"),
               bytes.fromhex("333300010002")),
        to_all(0x0800, wire.ipv4(source, "224.0.0.22", 2, b"\x22\0\xf9\xfd\0\0\0\1\4\0\0\0\xe0\0\0\xfb", ttl=1), mac("01:00:5e:00:00:16")),
        to_all(0x0800, udp(source, 1900, "239.255.255.250", 1900, b"M-SEARCH * HTTP/1.1\r\n\r\n", ttl=2), mac("01:00:5e:7f:ff:fa")),
        to_all(0x0800, udp(source, 137, "192.168.1.255", 137, named)),
        to_all(0x0800, udp(source, 5353, "224.0.0.251", 5353, query(0, "_companion-link._tcp.local", 12), ttl=255), mac("01:00:5e:00:00:fb")),
        to_all(0x88CC, b"\2\7\4" + hardware + b"\4\7\3" + hardware + b"\6\2\0\x78\0\0", mac("01:80:c2:00:00:0e")),
        to_all(0x888E, b"\1\1\0\0", mac("01:80:c2:00:00:03")),
        hardware[:0] + mac("01:80:c2:00:00:00") + hardware + b"\0\x26\x42\x42\3" + bytes(35),
        to_all(0x9000, bytes(46), hardware), to_all(0x0842, wire.BROADCAST + hardware * 16), to_all(0x0800, b""), to_all(0x0806, b"\0\1"),
    ]


def mixed_scenes():
    scenes = {}
    client = windows_7()
    scene = scenes["dhcp-amid-chatter"] = Scene(["OFFER", "ACK", "NOERROR|NXDOMAIN"])
    frames = full(client).frames
    for at, frame in enumerate(chatter(client) + chatter(client, "169.254.7.7")):
        scene.add(frame)
        if at % 6 == 0 and frames:
            scene.add(frames.pop(0)[1])
    scene.add(client.dns(query(1, "example.com")))
    # Two neighbours behind one mirror port, every frame twice.
    scene = scenes["dhcp-mirrored"] = Scene(["OFFER", "OFFER", "ACK", "ACK"])
    for _, frame in full(playstation()).frames:
        scene.add(frame).add(frame, 0.00001)
    backwards = scenes["file-clock-goes-back"] = Scene(["OFFER", "ACK"])
    for after, (_, frame) in zip((5.0, -3600.0), full(switch(), replies=False).frames):
        backwards.add(frame, after)
    zero = scenes["file-clock-at-0"] = Scene(["OFFER", "ACK"])
    for _, frame in full(switch(), replies=False).frames:
        zero.add(frame, 0)
    zero.write = lambda s: wire.pcap(s.frames, s.link, start=0)
    simple = scenes["file-simple-packets"] = Scene(["OFFER"])
    simple.add(switch().discover())
    simple.write = lambda s: wire.section([], [s.link]) + wire.block(3, struct.pack("<I", len(s.frames[0][1])) + s.frames[0][1])
    old = scenes["file-old-packets"] = Scene(["OFFER"])
    old.add(switch().discover())
    old.write = lambda s: wire.section([], [s.link]) + wire.block(2, struct.pack("<HHIIII", 0, 0, 1, 1, *[len(s.frames[0][1])] * 2) + s.frames[0][1])
    # A fragmented DISCOVER, as tunnels make them.
    pieces = scenes["dhcp-fragmented"] = Scene(["-", "OFFER"])
    packet = udp("0.0.0.0", 68, "255.255.255.255", 67, windows_7().message(DISCOVER))
    for begin, more in ((0, 0x2000), (160, 0)):
        head = bytearray(packet[:20])
        part = packet[20 + begin:20 + 160] if more else packet[20 + begin:]
        head[2:4], head[6:8], head[10:12] = struct.pack("!H", 20 + len(part)), struct.pack("!H", more | begin // 8), b"\0\0"
        head[10:12] = struct.pack("!H", wire.checksum(bytes(head)))
        pieces.add(ether(windows_7().mac, wire.BROADCAST, 0x0800, bytes(head) + part))
    pieces.add(windows_7().discover(xid=0x600D))
    # From another port than 68, and to the server's own address before there is a lease.
    odd = scenes["dhcp-odd-ports"] = Scene(["OFFER"])
    message = switch().message(DISCOVER)
    for source, sport, target, dport in (("0.0.0.0", 1068, "255.255.255.255", 67), ("0.0.0.0", 68, "255.255.255.255", 4011),
                                         ("0.0.0.0", 68, "255.255.255.255", 68)):
        odd.add(ether(switch().mac, wire.BROADCAST, 0x0800, udp(source, sport, target, dport, message)))
    odd.add(switch().discover(xid=0x600D))
    return scenes


def further():
    return {"dns-upstream-answers": upstream_scene(), **mixed_scenes(), **life_scenes(), **message_scenes(), **format_scenes(), **dns_further()}
