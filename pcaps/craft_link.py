"""Cases of arp, icmp and isolation."""

from craft_case import (BACK, BACK_GATEWAY, DB, DB_MAC, GATEWAY, GATEWAY_MAC, OUTSIDE, WEB, WEB_MAC, case, pack, six)
from craft_wire import (BROADCAST_MAC, OFFER, SYN, address, arp, dhcp, echo, fragments, icmp, icmpv6, ipv4, mac, mss, option, pattern, tcp, udp,
                        vlan)

STRANGER, STRANGER_MAC = "172.17.0.99", "02:66:66:66:66:66"


# --- arp ---

@case("arp/gateway", "who has the gateway: broadcast and as a unicast poll (RFC 1122 2.3.2.1), each gets one reply")
def _(c):
    web = c.endpoint()
    web.ask_gateway()
    web.arp(1, WEB, GATEWAY, target_mac=GATEWAY_MAC, to=GATEWAY_MAC)


@case("arp/neighbour", "a neighbour is asked for and answers for itself; the gateway says nothing")
def _(c):
    web, db = c.endpoint(), c.endpoint("db", DB, DB_MAC)
    web.arp(1, WEB, DB)
    db.arp(2, DB, WEB, target_mac=WEB_MAC, to=WEB_MAC)


@case("arp/announcement", "an announcement and a gratuitous reply of one's own address (RFC 5227 3) reach the neighbour and get no answer")
def _(c):
    web, _ = c.endpoint(), c.endpoint("db", DB, DB_MAC)
    web.arp(1, WEB, WEB)
    web.arp(2, WEB, WEB, target_mac=WEB_MAC)


@case("arp/probe", "probes (RFC 5227 2.1.1): of a free address silence, of the gateway's a defence, of a neighbour's it is passed on")
def _(c):
    web, db = c.endpoint(), c.endpoint("db", DB, DB_MAC)
    web.arp(1, "0.0.0.0", STRANGER)
    web.arp(1, "0.0.0.0", GATEWAY)
    web.arp(1, "0.0.0.0", DB)
    db.arp(2, DB, "0.0.0.0", target_mac=WEB_MAC, to=WEB_MAC)


@case("arp/spoof-gateway", "a reply and an announcement that claim the gateway's address do not get out of the port")
def _(c):
    web, _ = c.endpoint(), c.db()
    web.arp(2, GATEWAY, DB, target_mac=DB_MAC, to=DB_MAC)
    web.arp(2, GATEWAY, GATEWAY)
    web.arp(1, GATEWAY, GATEWAY)


@case("arp/spoof-neighbour", "claims of a neighbour's address reach neither the gateway's cache nor anybody: its reply still goes to the neighbour")
def _(c):
    web, db = c.web(), c.db()
    web.arp(2, DB, GATEWAY, target_mac=GATEWAY_MAC, to=GATEWAY_MAC)
    web.arp(1, DB, GATEWAY)
    db.ping(GATEWAY)


@case("arp/two-stations", "the sender's hardware address inside ARP is not the frame's source: dropped")
def _(c):
    web = c.endpoint()
    web.arp(1, WEB, GATEWAY, sender_mac=STRANGER_MAC)
    web.arp(2, WEB, GATEWAY, sender_mac=STRANGER_MAC, target_mac=GATEWAY_MAC, to=GATEWAY_MAC)


@case("arp/malformed", "other hardware, other protocol, odd lengths, operations 0 and 9, a short packet: no answer; trailing bytes do no harm")
def _(c):
    web = c.endpoint()
    web.arp(1, WEB, GATEWAY, hardware=6)
    web.arp(1, WEB, GATEWAY, protocol=0x86DD)
    web.arp(1, WEB, GATEWAY, lengths=(8, 4))
    web.arp(1, WEB, GATEWAY, lengths=(6, 0))
    web.arp(0, WEB, GATEWAY)
    web.arp(9, WEB, GATEWAY)
    web.frame(0x0806, arp(1, WEB_MAC, WEB, "00:00:00:00:00:00", GATEWAY)[:20], to=BROADCAST_MAC)
    web.frame(0x0806, arp(1, WEB_MAC, WEB, "00:00:00:00:00:00", GATEWAY) + pattern(200), to=BROADCAST_MAC)


@case("arp/tagged", "ARP behind a VLAN tag, once and twice: the bridge has no VLANs and lets no tag through")
def _(c):
    web, _ = c.endpoint(), c.endpoint("db", DB, DB_MAC)
    packet = arp(1, WEB_MAC, WEB, "00:00:00:00:00:00", GATEWAY)
    web.frame(0x8100, vlan(1, 0x0806, packet), to=BROADCAST_MAC)
    web.frame(0x88A8, vlan(1, 0x8100, vlan(2, 0x0806, packet)), to=BROADCAST_MAC)


# --- icmp ---

@case("icmp/echo-gateway", "echo requests without data, with an odd size and with a full frame come back byte for byte")
def _(c):
    web = c.web()
    for sequence, size in enumerate((0, 1, 57, 1472), 1):
        web.ping(GATEWAY, 7, sequence, pattern(size))


@case("icmp/echo-neighbour", "two containers ping each other; the gateway is not involved")
def _(c):
    web, db = c.endpoint(), c.endpoint("db", DB, DB_MAC)
    web.arp(1, WEB, DB)
    db.arp(2, DB, WEB, target_mac=WEB_MAC, to=WEB_MAC)
    web.ping(DB, to=DB_MAC)
    db.ip(WEB, 1, echo(1, 1, b"to and fro", reply=True), to=WEB_MAC)


@case("icmp/echo-outside", "a host outside answers with the container's identifier and data; one that is silent stays silent",
      echo_hosts=[OUTSIDE])
def _(c):
    web = c.web()
    web.ping(OUTSIDE, 0xBEEF, 1, pattern(56))
    web.ping(OUTSIDE, 0xBEEF, 2, pattern(1400))
    web.ping("192.0.2.81", 0xBEEF, 3)


@case("icmp/bad-checksum", "echo requests with a wrong ICMP checksum or a wrong IP header checksum are dropped in silence")
def _(c):
    web = c.web()
    web.ping(GATEWAY, bad_checksum=True)
    web.packet(ipv4(WEB, GATEWAY, 1, echo(1, 2), bad_checksum=True))
    web.ping(GATEWAY, 1, 3)


@case("icmp/bad-header", "IP headers that lie: version 5, header of 16 bytes, header beyond the packet, total length too short and too long")
def _(c):
    web = c.web()
    data = echo(1, 1, b"x" * 20)
    web.packet(ipv4(WEB, GATEWAY, 1, data, version=5))
    web.packet(ipv4(WEB, GATEWAY, 1, data, words=4))
    web.packet(ipv4(WEB, GATEWAY, 1, data, words=15, total=60)[:58])
    web.packet(ipv4(WEB, GATEWAY, 1, data, total=19))
    web.packet(ipv4(WEB, GATEWAY, 1, data, total=200))
    web.packet(ipv4(WEB, GATEWAY, 1, data)[:19])
    web.packet(ipv4(WEB, GATEWAY, 1, data) + b"\xaa" * 10)


@case("icmp/oversized", "a packet of 1600 bytes is answered in fragments that fit the MTU; a ping of death, whose end lies behind 65535, is dropped")
def _(c):
    web = c.web()
    web.ping(GATEWAY, 1, 1, pattern(1572))
    web.packet(ipv4(WEB, GATEWAY, 1, echo(1, 2, pattern(1472)), flags=0x2000, ident=9))
    web.packet(ipv4(WEB, GATEWAY, 1, pattern(1480), flags=0, offset=65528, ident=9))


def pieces(size, sizes, **fields):
    return fragments(WEB, GATEWAY, 1, echo(3, 1, pattern(size)), sizes, **fields)


@case("icmp/fragments", "a ping of 4000 bytes in three fragments is answered with 4000 bytes in fragments")
def _(c):
    web = c.web()
    for piece in pieces(4000, [1480, 1480]):
        web.packet(piece)


@case("icmp/fragments-mixed", "fragments out of order, the last one first, one of them twice: still one answer")
def _(c):
    web = c.web()
    first, second, third = pieces(4000, [1480, 1480])
    for piece in (third, first, third, second):
        web.packet(piece)


@case("icmp/fragments-overlap", "overlapping fragments with other bytes: the whole datagram goes, in silence (RFC 5722's rule, kept for IPv4)",
      after="40s")
def _(c):
    web = c.web()
    first, second, third = pieces(4000, [1480, 1480])
    overlap = ipv4(WEB, GATEWAY, 1, b"\xee" * 1480, ident=77, flags=0x2000, offset=744)
    for piece in (first, overlap, second, third):
        web.packet(piece)


@case("icmp/fragments-tiny", "a datagram in pieces of 8 bytes, and pieces whose size is no multiple of 8")
def _(c):
    web = c.web()
    for piece in pieces(40, [8] * 5):
        web.packet(piece)
    web.packet(ipv4(WEB, GATEWAY, 1, echo(3, 2, pattern(5)), ident=78, flags=0x2000))
    web.packet(ipv4(WEB, GATEWAY, 1, pattern(11), ident=78, offset=16, flags=0))


@case("icmp/fragments-incomplete", "a datagram whose middle never comes: time exceeded (code 1) if the first piece is there, else nothing (RFC 792)",
      after="40s")
def _(c):
    web = c.web()
    first, _, third = pieces(4000, [1480, 1480])
    web.packet(first)
    web.packet(third)
    _, second, _ = pieces(4000, [1480, 1480], ident=78)
    web.packet(second)


@case("icmp/ttl", "TTL 1 and 0 towards the outside give time exceeded (RFC 1812 5.3.1), towards the gateway itself TTL 1 is enough",
      echo_hosts=[OUTSIDE])
def _(c):
    web = c.web()
    web.ping(OUTSIDE, 1, 1, ttl=1)
    web.ping(GATEWAY, 1, 2, ttl=1)
    web.ping(OUTSIDE, 1, 3, ttl=0)
    web.udp(OUTSIDE, 33434, b"traceroute", ttl=1)
    web.ip(OUTSIDE, 6, tcp(WEB, 40000, OUTSIDE, 80, flags=SYN), ttl=1)


@case("icmp/options", "known wrong: record route and timestamp are not in the reply (RFC 1122 3.2.2.6 SHOULD); source routes and broken options are dropped")
def _(c):
    web = c.web()
    web.ping(GATEWAY, 1, 1, options=bytes([7, 11, 4]) + bytes(8))
    web.ping(GATEWAY, 1, 2, options=bytes([68, 12, 5, 0]) + bytes(8))
    web.ping(GATEWAY, 1, 3, options=bytes([148, 4, 0, 0]))
    web.ping(GATEWAY, 1, 4, options=bytes([131, 7, 4]) + bytes([192, 0, 2, 80]))
    web.ping(GATEWAY, 1, 5, options=bytes([137, 7, 4]) + bytes([192, 0, 2, 80]))
    web.ping(GATEWAY, 1, 6, options=bytes([7, 200, 4]))
    web.ping(GATEWAY, 1, 7, options=bytes([1, 1, 1, 0]))


@case("icmp/broadcast", "pings to broadcast and multicast addresses are not answered (RFC 1122 3.2.2.6 lets us) and leave no network")
def _(c):
    web, _ = c.web(), c.db()
    web.ping("172.17.255.255", 1, 1, to=BROADCAST_MAC)
    web.ping("255.255.255.255", 1, 2, to=BROADCAST_MAC)
    web.ping("224.0.0.1", 1, 3, to="01:00:5e:00:00:01")
    web.ping("172.17.255.255", 1, 4)
    web.ping("239.1.1.1", 1, 5)


@case("icmp/errors", "errors nobody asked for: unreachable, redirect, time exceeded, an error about an error: none is answered or passed on")
def _(c):
    web = c.web()
    quote = ipv4(GATEWAY, WEB, 17, udp(GATEWAY, 53, WEB, 40000, b"x"))
    web.ip(GATEWAY, 1, icmp(3, 3, 0, quote[:28]))
    web.ip(GATEWAY, 1, icmp(5, 1, int.from_bytes(bytes([172, 17, 0, 99]), "big"), quote[:28]))
    web.ip(GATEWAY, 1, icmp(11, 0, 0, quote[:28]))
    web.ip(GATEWAY, 1, icmp(3, 4, 68, quote[:28]))
    web.ip(GATEWAY, 1, icmp(3, 3, 0, ipv4(GATEWAY, WEB, 1, icmp(3, 3, 0, quote[:28]))))
    web.ip(OUTSIDE, 1, icmp(3, 3, 0, quote[:28]))
    web.ip(GATEWAY, 1, icmp(3, 3, 0, b"\x45"))
    web.ip(GATEWAY, 1, icmp(3, 3, 0)[:5])


@case("icmp/no-error-about", "what must not be answered with an ICMP error (RFC 1122 3.2.2): later fragments, broadcasts, ICMP errors")
def _(c):
    web = c.web()
    web.packet(ipv4(WEB, OUTSIDE, 17, pattern(32), ttl=1, flags=0, offset=64, ident=5))
    web.udp("172.17.255.255", 9999, b"anyone?", to=BROADCAST_MAC)
    web.udp(GATEWAY, 9999, b"anyone?", to=BROADCAST_MAC)
    web.ip(OUTSIDE, 1, icmp(3, 3, 0, ipv4(OUTSIDE, WEB, 17, pattern(8))), ttl=1)


@case("icmp/other-types", "timestamp, address mask, information, router solicitation and unknown types get no answer (RFC 6918, RFC 1812 4.3.3)")
def _(c):
    web = c.web()
    for kind in (13, 15, 17, 10, 30, 42, 255):
        web.ip(GATEWAY, 1, icmp(kind, 0, 1 << 16 | 1, bytes(12)))
    web.ip(GATEWAY, 1, icmp(8, 5, 1 << 16 | 1))


@case("icmp/martians", "sources that must not be on a wire: loopback, broadcast, multicast, zero, the gateway's own")
def _(c):
    web = c.web()
    for sequence, source in enumerate(("127.0.0.1", "255.255.255.255", "224.0.0.1", "0.0.0.0", GATEWAY, "172.17.255.255"), 1):
        web.packet(ipv4(source, GATEWAY, 1, echo(1, sequence)))


@case("icmp/protocols", "protocols that the gateway does not carry: GRE, SCTP, 253, and IPv4 in IPv4: protocol unreachable (RFC 1122 3.2.2.1)")
def _(c):
    web = c.web()
    for protocol in (47, 132, 253, 4):
        web.ip(GATEWAY, protocol, pattern(40))
    web.ip(OUTSIDE, 47, pattern(40))


@case("icmp/ipv6", "IPv6 to the gateway's link-local address: a solicitation that may have come from afar is dropped (RFC 4861 7.1.1), the next one and pings are answered")
def _(c):
    web = c.endpoint()
    ours, gateway = "fe80::42:acff:fe11:2", "fe80::ff:fe00:1"
    group, group_mac = "ff02::1:ff00:1", "33:33:ff:00:00:01"
    for hops in (64, 255):
        ask = bytes(4) + address(gateway) + bytes([1, 1]) + mac(WEB_MAC)
        web.frame(0x86DD, six(ours, group, 58, icmpv6(ours, group, 135, 0, ask), hops=hops), to=group_mac)
    for hops in (64, 255):
        web.frame(0x86DD, six(ours, gateway, 58, icmpv6(ours, gateway, 128, 0, pack("HH", 7, hops) + b"to and fro"), hops=hops))
    tell = pack("I", 0x60000000) + address(ours) + bytes([2, 1]) + mac(WEB_MAC)
    web.frame(0x86DD, six(ours, gateway, 58, icmpv6(ours, gateway, 136, 0, tell), hops=255))


# --- isolation ---

@case("isolation/other-network", "endpoint of one network reaches neither endpoint nor gateway of another by ping, UDP or TCP")
def _(c):
    web, _ = c.web(), c.back_network()
    for target in (BACK, BACK_GATEWAY):
        web.ping(target)
        web.udp(target, 5000, b"hello")
        web.flow(target, 80).segment(SYN, options=mss(1460))


@case("isolation/host-loopback", "the host's own loopback, and 0.0.0.0: no ping, datagram or connection gets there")
def _(c):
    web = c.web()
    for target in ("127.0.0.1", "127.1.2.3", "0.0.0.0"):
        web.ping(target)
        web.udp(target, 5000, b"hello")
        web.flow(target, 22).segment(SYN, options=mss(1460))


@case("isolation/metadata", "the metadata address of clouds and other link-local ones can't be reached")
def _(c):
    web = c.web()
    for target in ("169.254.169.254", "169.254.1.1"):
        web.ping(target)
        web.udp(target, 5000, b"hello")
        web.flow(target, 80).segment(SYN, options=mss(1460))


@case("isolation/source-mac", "frames with another's source MAC, the gateway's, a multicast one and zero do not leave the port")
def _(c):
    web, _ = c.web(), c.db()
    for source in (STRANGER_MAC, DB_MAC, GATEWAY_MAC, "01:00:5e:00:00:01", "00:00:00:00:00:00"):
        web.frame(0x0800, ipv4(WEB, GATEWAY, 1, echo(1, 1)), source=source)
        web.frame(0x0800, ipv4(WEB, DB, 1, echo(1, 1)), source=source, to=DB_MAC)


@case("isolation/source-ip", "packets with a neighbour's, the gateway's and a stranger's source address do not leave the port")
def _(c):
    web, _ = c.web(), c.db()
    for source in (DB, GATEWAY, STRANGER, "192.0.2.1"):
        web.packet(ipv4(source, GATEWAY, 17, udp(source, 5, GATEWAY, 5000, b"x")))
        web.packet(ipv4(source, DB, 1, echo(1, 1)), to=DB_MAC)
        web.packet(ipv4(source, OUTSIDE, 6, tcp(source, 5, OUTSIDE, 80, flags=SYN)))


@case("isolation/rogue-dhcp", "a container plays DHCP server towards a neighbour: dropped, broadcast or unicast; a DHCPv6 server as well")
def _(c):
    web, db = c.web(), c.db()
    offer = dhcp(DB_MAC, option(53, OFFER) + option(54, WEB) + option(51, pack("I", 3600)) + option(3, WEB), op=2, yiaddr="172.17.0.50")
    for target, to in (("255.255.255.255", BROADCAST_MAC), (DB, DB_MAC)):
        web.packet(ipv4(WEB, target, 17, udp(WEB, 67, target, 68, offer)), to=to)
    local, peer = "fe80::42:acff:fe11:2", "fe80::42:acff:fe11:3"
    web.frame(0x86DD, six(local, peer, 17, udp(local, 547, peer, 546, b"\x02" + bytes(20))), to=DB_MAC)
    db.ping(GATEWAY)


@case("isolation/rogue-router", "router advertisements, redirects and neighbour advertisements for the gateway from a container are dropped")
def _(c):
    web, _ = c.web(), c.db()
    local, everyone, gateway = "fe80::42:acff:fe11:2", "ff02::1", "fe80::ff:fe00:1"
    prefix = pack("BBBBIII", 3, 4, 64, 0xC0, 86400, 14400, 0) + bytes.fromhex("fd00bad0" + "0" * 24)
    advertisement = pack("BBHII", 64, 0, 1800, 0, 0) + prefix
    to = "33:33:00:00:00:01"
    web.frame(0x86DD, six(local, everyone, 58, icmpv6(local, everyone, 134, 0, advertisement), hops=255), to=to)
    target = address(gateway)
    claim = pack("I", 0x20000000) + target + bytes([2, 1]) + mac(WEB_MAC)
    web.frame(0x86DD, six(gateway, everyone, 58, icmpv6(gateway, everyone, 136, 0, claim), hops=255), to=to)
    redirect = pack("I", 0) + target + target
    web.frame(0x86DD, six(local, everyone, 58, icmpv6(local, everyone, 137, 0, redirect), hops=255), to=to)


@case("isolation/internal", "a network without a way out: neighbours are reached, the outside is not", echo_hosts=[OUTSIDE])
def _(c):
    c.table("network", name="default", subnet="172.17.0.0/16", gateway_mac=GATEWAY_MAC, internal=True)
    c.table("tcp_service", at=f"{OUTSIDE}:80", talk="echo")
    web, _ = c.web(), c.db()
    web.ping(DB, to=DB_MAC)
    web.ping(GATEWAY)
    web.ping(OUTSIDE)
    web.udp(OUTSIDE, 5000, b"hello")
    web.flow(OUTSIDE, 80).segment(SYN, options=mss(1460))


@case("isolation/ethertypes", "what is neither IP nor ARP: LLDP, spanning tree, PPPoE, 802.3 frames, loopback tests: nothing passes the guard")
def _(c):
    web, _ = c.web(), c.db()
    web.frame(0x88CC, pattern(40), to="01:80:c2:00:00:0e")
    web.frame(38, b"\x42\x42\x03" + bytes(35), to="01:80:c2:00:00:00")
    web.frame(0x8863, pattern(40), to=BROADCAST_MAC)
    web.frame(0x8870, pattern(40), to=DB_MAC)
    web.frame(0x9000, pattern(40), to=DB_MAC)


@case("isolation/mac-flood", "thirty made-up source MACs do not get into the bridge's table: an unknown station's frames stay unknown")
def _(c):
    web, db = c.web(), c.db()
    for number in range(30):
        web.frame(0x0800, ipv4(WEB, DB, 1, echo(1, number)), source=f"02:66:66:66:66:{number:02x}", to=DB_MAC)
    db.frame(0x0800, ipv4(DB, STRANGER, 1, echo(1, 1)), to="02:66:66:66:66:01")
    db.ping(GATEWAY)
