#!/usr/bin/env python3
"""Writes tests/fuzz/regressions/TARGET/CVE-WHAT.bin: inputs that are modelled on published attacks on programs of our
kind. None of them is the original exploit; each has the property that the advisory tells of. tests/tidy/test_fuzz.py
holds the files to what this says.

    tests/fuzz/make_regressions.py [FOLDER]

Inputs that the fuzzer itself has found are beside them, named found-*.bin, and are not written by this.
"""

import sys
from pathlib import Path

from packets import (ALL_NODES, BROADCAST, FRAME_TARGETS, GATEWAY, LINK_LOCAL_WEB, OUTSIDE, WEB, arp, dhcp, dhcp_message_input,
                     dhcp_server_input, dns, dns_name_input, dns_query_input, dns_response_input, ethernet, fragment_step,
                     frames_input, grammar_input, icmp, icmpv6, ipv4, ipv6, name, opt, question, record, tcp, tcp_segment_step, u8, u16, u32,
                     udp)

INPUTS = {}


def add(target, label, data):
    assert (target, label) not in INPUTS, label
    INPUTS[target, label] = data


def add_frames(label, *frames):
    for target in FRAME_TARGETS:
        add(target, label, frames_input(target, frames))


def option(code, data, length=None):
    return u8(code) + u8(len(data) if length is None else length) + data


def router(payload, next_header, **more):
    """An IPv6 packet from the first endpoint to the gateway, in its frame."""
    return ethernet(ipv6(payload, next_header, **more), 0x86DD)


def libslirp():
    # tcp_emu(): text for an emulated protocol (IRC DCC, RealAudio, ident) overran its buffer.
    dcc = b"PRIVMSG x :\x01DCC SEND f 2886729729 6667\x01\n" * 30
    syn = ethernet(ipv4(tcp(b"", 40000, 6667, 1000, 0x02), 6, target=OUTSIDE))
    text = ethernet(ipv4(tcp(dcc, 40000, 6667, 1001, 0x18, ack=1), 6, target=OUTSIDE))
    add_frames("cve-2020-8608-tcp-emu-dcc", syn, text)
    ident = ethernet(ipv4(tcp(b"1, " + b"9" * 600 + b"\r\n", 40001, 113, 1001, 0x18, ack=1), 6, target=OUTSIDE))
    add_frames("cve-2019-6778-tcp-emu-ident", ident)
    # ip_reass(): a first fragment with options larger than the buffer that later ones were joined to.
    options = b"\x01" * 40
    first = ethernet(ipv4(b"a" * 1400, 17, identification=7, fragment=0x2000, options=options))
    second = ethernet(ipv4(b"b" * 800, 17, identification=7, fragment=175))
    add_frames("cve-2019-14378-reassembly-options", first, second)
    # The same place, used after it was freed: the datagram is given up while a fragment is joined.
    pieces = [ethernet(ipv4(b"c" * 8, 17, identification=9, fragment=0x2000 | i)) for i in range(80)]
    add_frames("cve-2020-1983-reassembly-use-after-free", *pieces, ethernet(ipv4(b"d" * 16, 17, identification=9, fragment=79)))
    add("reassembly", "cve-2019-14378-options-then-more", fragment_step(0, 1400, True, options=True) + fragment_step(1400, 800, False))
    add("reassembly", "cve-2020-1983-limit-while-joining",
        b"".join(fragment_step(8 * i, 8, True) for i in range(70)) + fragment_step(552, 16, False))
    # UDP services that took a shorter payload for their whole structure.
    add_frames("cve-2021-3592-bootp-short", ethernet(ipv4(udp(b"\x01\x01\x06", 68, 67, "0.0.0.0", "255.255.255.255"), 17, "0.0.0.0",
                                                          "255.255.255.255"), target=BROADCAST))
    add("dhcp", "cve-2021-3592-short", dhcp_message_input(dhcp(1)[:235]))
    add_frames("cve-2021-3593-udp6-short", router(b"\x13\x88\x00\x35", 17), router(b"\x13", 17), router(b"", 17))
    add_frames("cve-2021-3594-udp-short", ethernet(ipv4(b"\x13\x88\x00\x35", 17)), ethernet(ipv4(b"", 17)))
    add_frames("cve-2021-3595-tftp-short", ethernet(ipv4(udp(b"\x00", 40000, 69), 17)), ethernet(ipv4(udp(b"\x00\x01", 40000, 69), 17)))
    # Frames that end within the header which their type promises.
    add_frames("cve-2020-29129-frame-short", ethernet(b"", 0x88F8), ethernet(b"\x00", 0x88F8))
    add_frames("cve-2020-29130-arp-short", ethernet(arp(1)[:20], 0x0806, BROADCAST), ethernet(b"", 0x0806, BROADCAST))
    # An ICMPv6 echo whose length field says more than there is, so that the reply told of memory.
    echo = icmpv6(128, 0, u32(0x00010001) + b"e" * 8)
    add_frames("cve-2020-10756-echo6-length", router(echo, 58, length=1400), router(echo[:4], 58))


def dnsmasq():
    pointer = b"\xc0\x0c"
    # A reply that grows two bytes beyond its buffer: a reverse name, answered with long ones.
    long_name = b"".join(u8(63) + b"n" * 63 for _ in range(3)) + u8(60) + b"n" * 60 + b"\0"
    answers = b"".join(record(pointer, 12, long_name) for _ in range(4))
    add("dns", "cve-2017-14491-ptr-reply-overflow", dns_query_input(dns(question("9.9.9.9.in-addr.arpa", 12)), answers, counts=(4, 0, 0)))
    # Router solicitation and DHCPv6 with option lengths that overran.
    add_frames("cve-2017-14492-router-solicitation", router(icmpv6(133, 0, u32(0) + u8(1) + u8(255) + b"\0" * 6), 58))
    relay = u8(12) + u8(0) + b"\0" * 32 + u16(79) + u16(200) + b"m" * 20
    add_frames("cve-2017-14493-dhcp6-relay-overflow", router(udp(relay, 546, 547, LINK_LOCAL_WEB, ALL_NODES), 17, target=ALL_NODES))
    add_frames("cve-2017-14494-dhcp6-relay-leak",
               router(udp(u8(12) + u8(0) + b"\0" * 32 + u16(9) + u16(0xFFFF), 546, 547, LINK_LOCAL_WEB, ALL_NODES), 17, target=ALL_NODES))
    # add_pseudoheader(): EDNS options that cost memory, or made a length negative.
    many = b"".join(u16(65001) + u16(0) for _ in range(200))
    add("dns", "cve-2017-14495-edns-memory", dns_query_input(dns(question("web"), counts=(1, 0, 0, 1), rest=opt(many))))
    add("dns", "cve-2017-14496-edns-underflow", dns_query_input(dns(question("web"), counts=(1, 0, 0, 1), rest=opt(b"\0\x08\xff\xff", length=4))))
    add("dns", "cve-2017-14496-edns-cut", dns_query_input(dns(question("web"), counts=(1, 0, 0, 1), rest=opt(b"", length=0xFFFF))))
    # DNSpooq: extract_name() and sort_rrset() with lengths beyond the record.
    rrsig = u16(1) + u8(8) + u8(2) + u32(60) + u32(0) * 2 + u16(1)
    add("dns", "cve-2020-25681-rrset-sort", dns_response_input(
        dns(question("a.b"), flags=0x8180, counts=(1, 3, 0, 0), rest=b"".join(record(pointer, 15, u16(1) + b"\xc0\x0c", length=n) for n in (4, 2, 1)))))
    add("dns", "cve-2020-25682-extract-name", dns_response_input(
        dns(question("a.b"), flags=0x8180, counts=(1, 1, 0, 0), rest=record(pointer, 46, rrsig + b"\xc0\x0c" * 40))))
    add("dns", "cve-2020-25683-negative-length", dns_response_input(
        dns(question("a.b"), flags=0x8180, counts=(1, 1, 0, 0), rest=record(pointer, 46, rrsig[:10]))))
    add("dns", "cve-2020-25684-reply-to-nobody", dns_query_input(dns(question("web.example")), record(name("bank.example"), 1, b"\x06\x06\x06\x06"),
                                                                   counts=(1, 0, 0)))
    add("dns", "cve-2020-25685-additional-poison", dns_query_input(
        dns(question("web.example")), record(pointer, 2, name("ns.bank.example")) + record(name("ns.bank.example"), 1, b"\x06\x06\x06\x06"),
        counts=(0, 1, 1)))
    asked = b"".join(dns_query_input(dns(question("web.example"), identifier=i))[1:] for i in range(4))
    add("dns", "cve-2020-25686-same-question-often", u8(2) + asked[:400])
    add("dns", "cve-2020-25687-sort-rrset", dns_response_input(
        dns(question("a.b"), flags=0x8180, counts=(1, 2, 0, 0), rest=record(pointer, 6, b"\0") + record(pointer, 6, b"\0" * 21))))
    # KeyTrap and NSEC3: much work for one response.
    keys = b"".join(record(pointer, 48, u16(256) + u8(3) + u8(8) + b"k" * 20) for _ in range(100))
    signatures = b"".join(record(pointer, 46, rrsig + b"\0" + b"s" * 20) for _ in range(100))
    add("dns", "cve-2023-50387-keytrap", dns_query_input(dns(question("a.b", 48)), keys + signatures, counts=(200, 0, 0), over_tcp=True))
    nsec3 = b"".join(record(u8(32) + b"h" * 32 + pointer, 50, u8(1) + u8(0) + u16(2500) + u8(8) + b"s" * 8 + u8(20) + b"n" * 20) for _ in range(60))
    add("dns", "cve-2023-50868-nsec3-iterations", dns_query_input(dns(question("x.a.b")), nsec3, flags=0x8183, counts=(0, 60, 0)))


def systemd():
    # networkd's DHCPv6 client wrote an option beyond its buffer; an endpoint must not play the server.
    advertise = u8(2) + b"\0\0\1" + u16(3) + u16(0xFFFF) + b"i" * 40
    add_frames("cve-2018-15688-dhcp6-server", router(udp(advertise, 547, 546, LINK_LOCAL_WEB, ALL_NODES), 17, target=ALL_NODES))
    # FORCERENEW (type 9) from anybody.
    add("dhcp", "cve-2020-13529-forcerenew", dhcp_server_input(dhcp(9, mac=b"\2" + b"\0" * 5)))
    add_frames("cve-2020-13529-forcerenew", ethernet(ipv4(udp(dhcp(9), 67, 68, WEB, "255.255.255.255"), 17, WEB, "255.255.255.255"), target=BROADCAST))
    # resolved: a size that was rounded wrong, and an NSEC bitmap that never ended.
    add("dns", "cve-2017-9445-packet-size", dns_response_input(dns(question("a.b"), flags=0x8180, counts=(1, 1, 0, 0),
                                                                     rest=record(b"\xc0\x0c", 16, b"t" * 80, length=4090))))
    bitmap = record(b"\xc0\x0c", 47, name("z.a.b") + u8(0) + u8(0) + u8(0) + u8(33) + b"\xff" * 33)
    add("dns", "cve-2017-15908-nsec-bitmap", dns_response_input(dns(question("a.b"), flags=0x8180, counts=(1, 1, 0, 0), rest=bitmap)))


def dhclient():
    # Lengths of options that were trusted: mask, classless routes (121), and the last byte of the area.
    add("dhcp", "cve-2009-0692-subnet-mask", dhcp_message_input(dhcp(5, option(1, b"\xff" * 40))))
    add("dhcp", "cve-2018-5732-options-to-the-last-byte", dhcp_message_input((dhcp(5, end=False) + option(12, b"h" * 200, length=255))[:440]))
    routes = option(121, b"\x20" + b"\x01" * 8 + b"\xff" + b"\x02" * 8)
    add("dhcp", "option-121-bad-prefix", dhcp_message_input(dhcp(1, routes)))
    add("dhcp", "cve-2024-3661-classless-routes", dhcp_server_input(dhcp(3, option(121, b"\x01\x00\xac\x11\x00\x02" * 2), mac=b"\2" + b"\0" * 5)))
    split = b"".join(option(61, b"i" * 255) for _ in range(4)) + option(52, b"\x03")
    add("dhcp", "overload-and-split-options", dhcp_message_input(dhcp(1, split)))


def lwip_and_others():
    # ICMPv6 answers whose buffer was sized by somebody else's header; errors about errors.
    unknown = u8(58) + u8(0) + b"\xc2\x04" + u32(0)  # a hop-by-hop option with a length of its own
    add_frames("cve-2020-22283-icmp6-response", router(unknown, 0), router(u8(0) * 8, 200), router(icmpv6(200, 0, u32(0)), 58))
    # picoTCP: an echo that is shorter than its header, a chain of headers that does not end.
    add_frames("cve-2020-17443-echo6-short", router(icmpv6(128, 0, b""), 58))
    add_frames("cve-2020-13984-header-chain", router(b"".join(u8(60) + u8(0) + b"\0" * 6 for _ in range(100)), 60))
    add_frames("cve-2007-2242-routing-header-0", router(u8(58) + u8(2) + u8(0) + u8(1) + u32(0) + ALL_NODES + icmpv6(128, 0, u32(1)), 43))
    # uIP: an urgent pointer beyond the segment.
    add_frames("cve-2020-17437-urgent-pointer",
               ethernet(ipv4(tcp(b"", 40000, 80, 1000, 0x02), 6, target=OUTSIDE)),
               ethernet(ipv4(tcp(b"u", 40000, 80, 1001, 0x38, ack=1, urgent=0xFFFF), 6, target=OUTSIDE)))
    # Treck (Ripple20): a tunnelled packet whose lengths disagree, in fragments; lengths cut by trailing bytes.
    inner = ipv4(b"i" * 40, 17, length=20)
    add_frames("cve-2020-11896-ip-in-ip", ethernet(ipv4(inner[:24], 4, identification=3, fragment=0x2000)),
               ethernet(ipv4(inner[24:], 4, identification=3, fragment=3)))
    add_frames("cve-2020-11898-length-mismatch", ethernet(ipv4(icmp(8, 0, 1, b"p" * 8), 1, length=30)),
               ethernet(ipv4(icmp(8, 0, 1, b"p" * 8), 1, length=2000)))
    add_frames("cve-2020-11907-tcp-offset", ethernet(ipv4(tcp(b"", 40000, 80, 1, 0x02, words=15), 6, target=OUTSIDE)),
               ethernet(ipv4(tcp(b"", 40000, 80, 1, 0x02, words=2), 6, target=OUTSIDE)))
    loop = b"\xc0\x0c"
    add("dns", "cve-2020-11901-cname-length", dns_response_input(dns(question("a.b"), flags=0x8180, counts=(1, 1, 0, 0),
                                                                       rest=record(loop, 5, b"\x05abc"))))
    add("dns", "cve-2020-24338-name-loop", dns_name_input(b"\xc0\x00"))
    add("dns", "cve-2020-24338-name-chain", dns_name_input(b"\0" + b"".join(u16(0xC000 | (2 * i - 2 if i else 0)) for i in range(200))))
    # NUMBER:JACK: numbers that can be guessed; here, a segment that bets on them.
    add_frames("number-jack-guessed-ack", ethernet(ipv4(tcp(b"", 40000, 80, 1000, 0x02), 6, target=OUTSIDE)),
               *[ethernet(ipv4(tcp(b"x", 40000, 80, 1001, 0x10, ack=64000 * i + 1), 6, target=OUTSIDE)) for i in range(1, 9)])
    # The wire's classics.
    add_frames("cve-1999-0016-land", ethernet(ipv4(tcp(b"", 80, 80, 1, 0x02, WEB, WEB), 6, WEB, WEB)),
               ethernet(ipv4(tcp(b"", 80, 80, 1, 0x02, GATEWAY, GATEWAY), 6, GATEWAY, GATEWAY)))
    add_frames("cve-1999-0128-ping-of-death", *[ethernet(ipv4(b"p" * 1480, 1, identification=5, fragment=0x2000 | 185 * i)) for i in range(44)],
               ethernet(ipv4(b"p" * 1480, 1, identification=5, fragment=185 * 44)))
    add_frames("cve-1999-0015-teardrop", ethernet(ipv4(b"t" * 36, 17, identification=6, fragment=0x2000)),
               ethernet(ipv4(b"t" * 4, 17, identification=6, fragment=3)))
    add("reassembly", "cve-1999-0128-beyond-64k", fragment_step(65528, 1480, False) + fragment_step(0, 1480, True))
    add("reassembly", "cve-1999-0015-teardrop", fragment_step(0, 36, True) + fragment_step(24, 4, False))
    add("reassembly", "cve-2018-5391-fragment-smack", b"".join(fragment_step(16 * i, 8, True, who=i % 200) for i in range(250)))
    # Bad Neighbor: RDNSS with an even length; an endpoint that advertises itself as the router.
    advert = icmpv6(134, 0, u32(0) * 3 + u8(25) + u8(4) + u16(0) + u32(60) + b"d" * 24, target=ALL_NODES)
    add_frames("cve-2020-16898-rdnss", router(advert, 58, target=ALL_NODES))


def tcp_stream():
    established = tcp_segment_step(0x02, mss=1460, scale=7) + tcp_segment_step(0x10)
    say = u8(15) + u8(5) + u16(4000)  # the host says something
    # SACK Panic: a tiny MSS, and SACK blocks over many small pieces.
    start = u8(0) + tcp_segment_step(0x02, mss=48, scale=14) + tcp_segment_step(0x10) + say * 10
    add("tcp", "cve-2019-11477-sack-panic", start + b"".join(tcp_segment_step(0x10, sack=((100 * i + 40, 8), (100 * i + 80, 8))) for i in range(30)))
    add("tcp", "cve-2019-11479-low-mss", start + tcp_segment_step(0x10) * 10)
    # SegmentSmack: many small pieces out of order.
    pieces = b"".join(u8(0) + u8(0x10) + u8(10) + u16(2000 + 3 * (97 * i % 600)) + u8(1) + u8(0) + u16(1) for i in range(150))
    add("tcp", "cve-2018-5390-segment-smack", u8(0) + established + pieces)
    # Blind resets and challenges (RFC 5961): sequence numbers in and beside the window.
    resets = b"".join(u8(0) + u8(0x04) + u8(14) + u8(i) + u8(1) + u8(0) + u16(0) for i in range(1, 60))
    add("tcp", "cve-2016-5696-blind-reset", u8(0) + established + resets)
    add("tcp", "cve-2004-0230-blind-syn", u8(0) + established + tcp_segment_step(0x02, mss=1460) * 20)
    # Simultaneous everything: SYN with FIN, text in a SYN-ACK, an urgent FIN (christmas tree).
    add("tcp", "christmas-tree", u8(0) + b"".join(tcp_segment_step(flags) for flags in range(64)))
    add("tcp", "published-christmas-tree", u8(1) + b"".join(tcp_segment_step(flags) for flags in range(64)))


def c_ares():
    # More addresses than the caller had room for; names with bytes that are none; a first line of NUL.
    many = b"".join(record(b"\xc0\x0c", 1, b"\x0a\0\0" + u8(i)) for i in range(200))
    add("dns", "cve-2020-8277-many-addresses", dns_query_input(dns(question("many.example")), many, counts=(200, 0, 0)))
    odd = u8(4) + b"a\0.b" + u8(3) + b"\\\xff\n" + b"\0"
    add("dns", "cve-2021-3672-name-with-anything", dns_query_input(dns(question("x.example")), record(b"\xc0\x0c", 5, odd), counts=(1, 0, 0)))
    add("dns", "cve-2021-3672-name", dns_name_input(odd))
    add("dns", "cve-2020-22217-soa-short", dns_response_input(dns(question("a.b", 6), flags=0x8180, counts=(1, 1, 0, 0),
                                                                    rest=record(b"\xc0\x0c", 6, b"\0\0" + u32(1) * 2))))
    add("dns", "cve-2017-1000381-naptr-short", dns_response_input(dns(question("a.b", 35), flags=0x8180, counts=(1, 1, 0, 0),
                                                                        rest=record(b"\xc0\x0c", 35, u16(1) + u16(1) + u8(200)))))
    add("grammar", "cve-2024-25629-nul-line", grammar_input("resolv_conf", b"\0nameserver 192.0.2.1\n\0\n"))
    add("grammar", "cve-2016-5180-escaped-dot", grammar_input("name", b"hello\\."))
    add("grammar", "cve-2022-4904-long-word", grammar_input("resolv_conf", b"sortlist " + b"1" * 300 + b"\nnameserver 192.0.2.1\n"))


def main():
    for make in (libslirp, dnsmasq, systemd, dhclient, lwip_and_others, tcp_stream, c_ares):
        make()
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "regressions"
    for (target, label), data in sorted(INPUTS.items()):
        (folder / target).mkdir(parents=True, exist_ok=True)
        (folder / target / f"{label}.bin").write_bytes(data)
    print(f"{len(INPUTS)} inputs in {folder}")


if __name__ == "__main__":
    main()
