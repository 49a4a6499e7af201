"""Messages of many systems with some of their bytes changed, taken out, put in or repeated; the headers around them are sound.
Equal on every run."""

import random

import further
import make
import wire
from wire import DECLINE, DISCOVER, INFORM, RELEASE, REQUEST, ether, ip4, udp

NAMES = ("gateway.pontoon.internal", "example.com", "nobody.default.internal", "default.internal", "localhost", "1.0.17.172.in-addr.arpa",
         "client-1.default.internal", "client-1", "")
TELLING = (0, 1, 255, 127, 128, 192, 63, 64, 53, 52, 61, 54)


def mutated(rng, message):
    data = bytearray(message)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        if not data:
            break
        at, way = rng.randrange(len(data)), rng.randrange(6)
        if way == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif way == 1:
            data[at] = rng.choice(TELLING)
        elif way == 2:
            del data[at:at + rng.randrange(1, 9)]
        elif way == 3:
            data[at:at] = rng.randbytes(rng.randrange(1, 5))
        elif way == 4:
            del data[at:]
        else:
            begin = rng.randrange(len(data))
            data[at:at] = data[begin:begin + rng.randrange(1, 20)]
    return bytes(data)


def dhcp_scene(seed, count=200):
    rng, scene = random.Random(seed), make.Scene([])
    makers = [*further.SYSTEMS.values(), make.windows, make.macos, make.android, make.networkd, make.dhcpcd, make.udhcpc, make.dhclient, make.lwip,
              make.printer, make.pxe]
    server, wish = (54, ip4(make.SERVER_IP)), (50, ip4(make.LEASED))
    for at in range(count):
        client = rng.choice(makers)()
        kind, options, fields = rng.choice((
            (DISCOVER, [], {}), (DISCOVER, [wish], {}), (REQUEST, [wish, server], {}), (REQUEST, [wish], {}), (REQUEST, [], {"ciaddr": make.LEASED}),
            (INFORM, [], {"ciaddr": make.LEASED}), (RELEASE, [server], {"ciaddr": make.LEASED}), (DECLINE, [wish, server], {})))
        message = client.message(kind, options, xid=0x10000 + at * 7, **fields)
        sound = 240 if rng.random() < 0.7 else 0
        message = message[:sound] + mutated(rng, message[sound:])
        scene.add(ether(client.mac, wire.BROADCAST, 0x0800, udp(fields.get("ciaddr", "0.0.0.0"), 68, "255.255.255.255", 67, message)), 0.05)
    return scene


def dns_scene(seed, count=300):
    rng, scene = random.Random(seed), make.Scene([])
    client = make.Client(further.CLIENT_MAC, ())
    opts = b"", wire.edns(), wire.edns(4096, do=True), wire.edns(512, options=b"\0\x0a\0\x08" + bytes(8))
    for at in range(count):
        message = wire.query(at, rng.choice(NAMES), rng.choice((1, 28, 65, 12, 255, 6, 16, 33, 2, 5)), flags=rng.choice((0x0100, 0x0120, 0x0110, 0)),
                             opt=rng.choice(opts))
        scene.add(client.dns(message[:2] + mutated(rng, message[2:]), 40000 + at))
    return scene
