"""Cases of dhcp and dns."""

from craft_case import DB_MAC, GATEWAY, GATEWAY_MAC, WEB, WEB_MAC, case, pack
from craft_wire import (A, AAAA, ANY, BROADCAST_MAC, DECLINE, DISCOVER, INFORM, LIST, MX, PTR, RELEASE, REQUEST, SOA, TXT, address, dhcp,
                        dns, framed, mac, name, opt, option, question)

SERVER = option(54, GATEWAY)


def wants(ip):
    return option(50, ip)


def kind(number):
    return option(53, number)


# --- dhcp ---

def lease(client, **fields):
    """DISCOVER and REQUEST of whoever wants the first address."""
    client.say(kind(DISCOVER) + LIST, **fields)
    client.say(kind(REQUEST) + SERVER + wants(WEB) + LIST, **fields)


@case("dhcp/lease", "DISCOVER, OFFER, REQUEST, ACK, then the renewal by unicast and the rebinding by broadcast (RFC 2131 4.4.5)")
def _(c):
    web = c.client()
    lease(web)
    web.arp(1, WEB, GATEWAY)
    c.wait(2000)
    web.say(kind(REQUEST) + LIST, source=WEB, target=GATEWAY, to=GATEWAY_MAC, ciaddr=WEB, xid=2)
    web.say(kind(REQUEST) + LIST, source=WEB, ciaddr=WEB, xid=3)


@case("dhcp/reboot-right", "INIT-REBOOT with the address that the client holds: ACK (RFC 2131 4.3.2)")
def _(c):
    web = c.client()
    lease(web)
    c.wait(1000)
    web.say(kind(REQUEST) + wants(WEB) + LIST, xid=2)


@case("dhcp/reboot-wrong-net", "INIT-REBOOT with an address of another network: NAK, broadcast (RFC 2131 4.3.2)")
def _(c):
    web = c.client()
    web.say(kind(REQUEST) + wants("192.168.1.5") + LIST)
    web.say(kind(REQUEST) + wants("10.0.0.7") + option(12, "web"), xid=2)


@case("dhcp/reboot-wrong-address", "INIT-REBOOT with another address than the endpoint's own on the right network: NAK, before the first lease as well")
def _(c):
    web = c.client()
    web.say(kind(REQUEST) + wants("172.17.0.77") + LIST)
    lease(web, xid=2)
    web.say(kind(REQUEST) + wants("172.17.0.77") + LIST, xid=3)


@case("dhcp/reboot-absurd", "INIT-REBOOT with the gateway's address, the network's, the broadcast one and 0.0.0.0: never an ACK")
def _(c):
    web = c.client()
    for xid, ip in enumerate((GATEWAY, "172.17.0.0", "172.17.255.255", "0.0.0.0", "255.255.255.255", "127.0.0.1"), 1):
        web.say(kind(REQUEST) + wants(ip) + LIST, xid=xid)


@case("dhcp/other-server", "a REQUEST that chooses another server is not ours to answer; the offer is forgotten (RFC 2131 4.3.2)")
def _(c):
    web = c.client()
    web.say(kind(DISCOVER) + LIST)
    web.say(kind(REQUEST) + option(54, "172.17.0.200") + wants(WEB))
    web.say(kind(DISCOVER) + LIST, xid=2)


@case("dhcp/request-mixed", "REQUESTs that break RFC 2131 table 4: server without an address, nothing at all, another address than the offer, ciaddr beside option 50 (a renewal)")
def _(c):
    web = c.client()
    web.say(kind(DISCOVER) + LIST)
    web.say(kind(REQUEST) + SERVER)
    web.say(kind(REQUEST), xid=2)
    web.say(kind(REQUEST) + SERVER + wants("172.17.0.99"), xid=3)
    web.say(kind(REQUEST) + wants("172.17.0.99"), ciaddr=WEB, xid=4)


@case("dhcp/inform", "INFORM: an ACK with options, sent to ciaddr, without lease time and without yiaddr (RFC 2131 4.3.5)")
def _(c):
    web = c.client()
    lease(web)
    web.arp(1, WEB, GATEWAY)
    web.say(kind(INFORM) + LIST, source=WEB, target=GATEWAY, to=GATEWAY_MAC, ciaddr=WEB, xid=2)
    web.say(kind(INFORM) + LIST, xid=3)


@case("dhcp/decline", "DECLINE by an endpoint's client: the address is not available, the client is offered another one (RFC 2131 4.3.3)")
def _(c):
    web = c.client()
    lease(web)
    web.say(kind(DECLINE) + SERVER + wants(WEB), xid=2)
    web.say(kind(DISCOVER) + LIST, xid=3)
    web.say(kind(REQUEST) + wants(WEB), xid=4)


@case("dhcp/decline-foreign", "DECLINE of an address that the client does not hold, and one for another server: nothing changes")
def _(c):
    web = c.client()
    lease(web)
    web.say(kind(DECLINE) + SERVER + wants("172.17.0.3"), xid=2)
    web.say(kind(DECLINE) + option(54, "172.17.0.200") + wants(WEB), xid=3)
    web.say(kind(DISCOVER) + LIST, xid=4)


@case("dhcp/release", "RELEASE: no answer; the same client gets the same address again (RFC 2131 4.3.4)")
def _(c):
    web = c.client()
    lease(web)
    web.arp(1, WEB, GATEWAY)
    web.say(kind(RELEASE) + SERVER, source=WEB, target=GATEWAY, to=GATEWAY_MAC, ciaddr=WEB, xid=2)
    web.say(kind(DISCOVER) + LIST, xid=3)


@case("dhcp/release-foreign", "RELEASE of somebody else's address: ignored")
def _(c):
    web, db = c.client(), c.client("db", DB_MAC)
    lease(web)
    db.say(kind(RELEASE) + SERVER, ciaddr=WEB, xid=2)
    db.say(kind(DISCOVER) + LIST + wants(WEB), xid=3)


@case("dhcp/overload", "option 52: type and address in file, the name in sname; both areas count (RFC 2132 9.3)")
def _(c):
    web = c.client()
    web.say(kind(DISCOVER) + option(52, 3), file=wants(WEB) + LIST + b"\xff", sname=option(12, "hidden") + b"\xff")
    web.say(option(52, 1), file=kind(DISCOVER) + LIST + b"\xff", xid=2)
    web.say(kind(DISCOVER) + option(52, 4), xid=3)


@case("dhcp/split-option", "a parameter list in two instances of option 55 is one list (RFC 3396), padding in between")
def _(c):
    web = c.client()
    web.say(kind(DISCOVER) + option(55, bytes([1, 3])) + b"\0\0\0" + option(55, bytes([6, 28])))


@case("dhcp/no-end", "options without END are forgiven; a length that runs out of the message is not")
def _(c):
    web = c.client()
    web.say(kind(DISCOVER) + LIST, end=b"", least=0)
    web.say(kind(DISCOVER) + b"\x0c\x40web", end=b"", least=0, xid=2)
    web.say(kind(DISCOVER) + b"\x0c", end=b"", least=0, xid=3)


@case("dhcp/no-type", "no option 53, a type of 0, 9 and two bytes, another cookie, a message of 239 bytes: no answer")
def _(c):
    web = c.client()
    web.say(LIST)
    web.say(kind(0) + LIST, xid=2)
    web.say(kind(9) + LIST, xid=3)
    web.say(option(53, b"\1\1") + LIST, xid=4)
    web.say(kind(DISCOVER) + LIST, cookie=b"\x63\x82\x53\x64", xid=5)
    web.raw(dhcp(WEB_MAC, kind(DISCOVER))[:239])
    web.raw(b"")


@case("dhcp/bootp", "BOOTP (RFC 951) without any option and without a cookie: we have nothing to give; no answer")
def _(c):
    web = c.client()
    web.say(b"", end=b"\xff")
    web.say(b"", cookie=b"", end=b"", xid=2)


@case("dhcp/hardware", "hardware that is not Ethernet's: hlen 16, hlen 0, htype 32 (InfiniBand), op BOOTREPLY from a client")
def _(c):
    web = c.client()
    web.say(kind(DISCOVER) + LIST, hlen=16)
    web.say(kind(DISCOVER) + LIST, hlen=0, xid=2)
    web.say(kind(DISCOVER) + LIST, htype=32, hlen=0, flags=0x8000, xid=3)
    web.say(kind(DISCOVER) + LIST, op=2, xid=4)


@case("dhcp/client-identifier", "one card, three identifiers: the endpoint's address goes to the first; option 61 comes back (RFC 6842)")
def _(c):
    web = c.client()
    web.say(kind(DISCOVER) + option(61, b"\1" + mac(WEB_MAC)) + LIST)
    web.say(kind(DISCOVER) + option(61, b"\xff\1\2\3\4\0\1\0\1") + LIST, xid=2)
    web.say(kind(DISCOVER) + option(61, b"x" * 255) + LIST, xid=3)


@case("dhcp/foreign-hardware", "chaddr of a neighbour and of nobody behind one's own source MAC: nobody's address is given away")
def _(c):
    web, db = c.client(), c.client("db", DB_MAC)
    web.say(kind(DISCOVER) + LIST, chaddr=DB_MAC)
    web.say(kind(DISCOVER) + LIST, chaddr="02:66:66:66:66:66", xid=2)
    web.say(kind(DISCOVER) + LIST, chaddr="ff:ff:ff:ff:ff:ff", xid=3)
    web.say(kind(DISCOVER) + LIST, chaddr="00:00:00:00:00:00", xid=4)
    db.say(kind(DISCOVER) + LIST, xid=5)


@case("dhcp/starvation", "twelve hardware addresses from one port ask for a lease each: none is the port's own, none gets anything")
def _(c):
    web = c.client()
    for number in range(12):
        chaddr = f"02:66:66:66:66:{number:02x}"
        web.say(kind(DISCOVER) + LIST, chaddr=chaddr, xid=number + 1)


@case("dhcp/relay", "giaddr on this network gets the answer on port 67 (RFC 2131 4.1), of another network none (4.3.1); option 82 comes back (RFC 3046 2.2)")
def _(c):
    web = c.client()
    web.say(kind(DISCOVER) + LIST, giaddr="172.17.0.9", hops=1)
    web.say(kind(DISCOVER) + LIST, giaddr="192.168.7.1", hops=1, xid=2)
    web.say(kind(DISCOVER) + LIST + option(82, b"\1\4abcd"), xid=3)
    web.say(kind(DISCOVER) + LIST, hops=17, xid=4)


@case("dhcp/broadcast-flag", "with the broadcast flag the answers go to 255.255.255.255, without it to the client's own (RFC 2131 4.1)")
def _(c):
    web = c.client()
    lease(web, flags=0x8000)
    web.say(kind(DISCOVER) + LIST, xid=2)
    web.say(kind(DISCOVER) + LIST, flags=0x7FFF, xid=3)


@case("dhcp/host-name", "names of 255 bytes, with control characters, dots and a NUL, and two names: the lease comes, the name does no harm")
def _(c):
    web = c.client()
    for xid, text in enumerate((b"x" * 255, b"\x1b[2J\r\nevil", b"a.b.c", b"web\0root", b"\xff" * 10, b"-" * 64), 1):
        web.say(kind(DISCOVER) + option(12, text), xid=xid)
    web.say(kind(DISCOVER) + option(12, "one") + option(12, "two"), xid=7)


@case("dhcp/parameter-order", "the options of the answer come in the order of the client's list (RFC 2131 4.3.1 ff.), unknown ones are left out")
def _(c):
    web = c.client()
    web.say(kind(DISCOVER) + option(55, bytes([28, 15, 6, 3, 1])))
    web.say(kind(DISCOVER) + option(55, bytes([121, 252, 1, 1, 1, 3, 255, 0])), xid=2)
    web.say(kind(DISCOVER), xid=3)


@case("dhcp/small-messages", "option 57 of 0, 100 and 576: an answer is never held below 576 bytes (RFC 2132 9.10); wrong size of option 57")
def _(c):
    web = c.client()
    for xid, size in enumerate((0, 100, 576, 65535), 1):
        web.say(kind(DISCOVER) + option(57, pack("H", size)) + LIST, xid=xid)
    web.say(kind(DISCOVER) + option(57, b"\1") + LIST, xid=9)


@case("dhcp/lease-time", "lease times that the client would like: 0, a minute, forever (RFC 2131 4.3.1)")
def _(c):
    web = c.client()
    for xid, seconds in enumerate((0, 60, 0xFFFFFFFF), 1):
        web.say(kind(DISCOVER) + option(51, pack("I", seconds)) + LIST, xid=xid)


@case("dhcp/two-clients", "two clients at once, each with the other's transaction number: each gets its own address")
def _(c):
    web, db = c.client(), c.client("db", DB_MAC)
    web.say(kind(DISCOVER) + LIST)
    db.say(kind(DISCOVER) + LIST)
    db.say(kind(REQUEST) + SERVER + wants("172.17.0.3") + LIST)
    web.say(kind(REQUEST) + SERVER + wants("172.17.0.2") + LIST)
    web.say(kind(REQUEST) + SERVER + wants("172.17.0.3") + LIST, xid=2)


@case("dhcp/oversized", "a message of 1472 bytes full of options, and one with 600 options of one byte")
def _(c):
    web = c.client()
    web.say(kind(DISCOVER) + LIST + option(43, b"v" * 255) * 4)
    web.say(kind(DISCOVER) + LIST + option(200, b"") * 600, xid=2)


@case("dhcp/not-to-us", "DISCOVER from 0.0.0.0 as unicast to the gateway and to a neighbour is dropped; to the subnet's broadcast address it is answered")
def _(c):
    web = c.client()
    web.say(kind(DISCOVER) + LIST, target=GATEWAY, to=GATEWAY_MAC)
    web.say(kind(DISCOVER) + LIST, target="172.17.255.255", xid=2)
    web.say(kind(DISCOVER) + LIST, target="172.17.0.9", xid=3)


# --- dns ---

def names(c):
    web = c.web(aliases=["www"])
    c.endpoint("db", "172.17.0.3", DB_MAC)
    return web


def reverse(ip):
    return ".".join(reversed(ip.split("."))) + ".in-addr.arpa"


@case("dns/names", "a container's name in all its forms, an alias, the gateway's and the host's names")
def _(c):
    web = names(c)
    for number, text in enumerate(("db", "db.default", "db.default.internal", "www", "gateway.pontoon.internal", "host.pontoon.internal",
                                   "host.docker.internal", "host.containers.internal"), 1):
        web.query(question(text), ident=number)


@case("dns/types", "other types of a name that exists: AAAA, MX, TXT, ANY and an unknown one are NODATA with the SOA (RFC 2308), ANY has the A")
def _(c):
    web = names(c)
    for number, number_of_type in enumerate((AAAA, MX, TXT, ANY, SOA, 65, 4242), 1):
        web.query(question("db", number_of_type), ident=number)


@case("dns/nxdomain", "in our domain NXDOMAIN from us with the SOA; `internal` has names below it (RFC 8020); nobody.default is in no zone of ours and is forwarded")
def _(c):
    web = names(c)
    web.query(question("nobody.default.internal"), ident=1)
    web.query(question("nobody.default"), ident=2)
    web.query(question("a.b.c.db.default.internal", AAAA), ident=3)
    web.query(question("default.internal"), ident=4)
    web.query(question("internal"), ident=5)


@case("dns/reverse", "PTR of a container, of the gateway, of a free address, of the network itself and of half an address")
def _(c):
    web = names(c)
    for number, text in enumerate((reverse("172.17.0.3"), reverse("172.17.0.1"), reverse("172.17.9.9"), "17.172.in-addr.arpa",
                                   "x.0.17.172.in-addr.arpa", reverse("127.0.0.1")), 1):
        web.query(question(text, PTR), ident=number)


@case("dns/edns", "EDNS payload sizes 0, 512, 1232, 4096 and 65535, the DO bit, an unknown option and a cookie (RFC 6891)")
def _(c):
    web = names(c)
    for number, size in enumerate((0, 512, 1232, 4096, 65535), 1):
        web.query(question("db"), ident=number, extra=[opt(size)])
    web.query(question("db"), ident=6, extra=[opt(flags=0x8000)])
    web.query(question("db"), ident=7, extra=[opt(options=pack("HH", 10, 8) + b"12345678" + pack("HH", 65001, 0))])


@case("dns/badvers", "EDNS version 1 and 255: BADVERS, with version 0 in the answer (RFC 6891 6.1.3)")
def _(c):
    web = names(c)
    web.query(question("db"), ident=1, extra=[opt(version=1)])
    web.query(question("db"), ident=2, extra=[opt(version=255, flags=0x8000)])


@case("dns/bad-opt", "two OPT records, one not at the root, one with an option longer than itself: FORMERR (RFC 6891 6.1.1)")
def _(c):
    web = names(c)
    web.query(question("db"), ident=1, extra=[opt(), opt()])
    web.query(question("db"), ident=2, extra=[name("x") + opt()[1:]])
    web.query(question("db"), ident=3, extra=[opt(options=pack("HH", 10, 99) + b"1234")])


@case("dns/question-count", "no question, two questions, a count of 65535, answers in a query: FORMERR (RFC 9619); an additional record is ignored")
def _(c):
    web = names(c)
    web.query(ident=1)
    web.query(question("db"), question("www"), ident=2)
    web.query(question("db"), ident=3, counts=(65535, 0, 0, 0))
    record = name("db") + pack("HHIH", A, 1, 60, 4) + address("172.17.0.66")
    web.query(question("db"), ident=4, extra=[record], counts=(1, 1, 0, 0))
    web.query(question("db"), ident=5, extra=[record], counts=(1, 0, 0, 1))


@case("dns/response-as-query", "responses sent to the server are dropped, or two servers would answer each other for ever; a query from port 53 is one like others")
def _(c):
    web = names(c)
    web.query(question("db"), ident=1, flags=0x8180)
    web.query(question("db"), ident=2, flags=0x8583)
    web.ask(b"\0\1\x80")
    web.ask(dns(question("db"), ident=3), source_port=53)


@case("dns/broken-names", "a pointer to itself, two that point to each other, one beyond the end, a label of 64, a name of 256 bytes")
def _(c):
    web = names(c)
    tail = pack("HH", A, 1)
    web.query(b"\xc0\x0c" + tail, ident=1)
    web.query(b"\xc0\x0e\xc0\x0c" + tail, ident=2)
    web.query(b"\xc0\xff" + tail, ident=3)
    web.query(b"\x40" + b"x" * 64 + b"\0" + tail, ident=4)
    web.query((b"\x3f" + b"x" * 63) * 4 + b"\0" + tail, ident=5)
    web.query(b"\x02d", ident=6)


@case("dns/truncated-query", "a query cut after each of its parts, and one with bytes behind its end: FORMERR where there is an ID, else silence")
def _(c):
    web = names(c)
    whole = dns(question("db"))
    for size in (0, 1, 11, 12, 14, len(whole) - 1):
        web.ask(whole[:size])
    web.ask(whole + b"\xaa\xbb")


@case("dns/case", "mixed case is found and comes back as it was asked (0x20, RFC 4343)")
def _(c):
    web = names(c)
    web.query(question("dB.DeFaUlT.iNtErNaL"), ident=1)
    web.query(question("NoBody.DEFAULT.internal"), ident=2)
    web.query(question("3.0.17.172.IN-addr.ARPA", PTR), ident=3)


@case("dns/class", "classes CH, HS, NONE and ANY: REFUSED; version.bind says nothing about us")
def _(c):
    web = names(c)
    web.query(question("version.bind", TXT, 3), ident=1)
    web.query(question("db", A, 4), ident=2)
    web.query(question("db", A, 254), ident=3)
    web.query(question("db", A, 255), ident=4)


@case("dns/opcodes", "IQUERY, STATUS, NOTIFY, UPDATE and opcode 15: NOTIMP; the opcode is kept (RFC 1035 4.1.1)")
def _(c):
    web = names(c)
    for number, opcode in enumerate((1, 2, 4, 5, 15), 1):
        web.query(question("default.internal", SOA), ident=number, flags=opcode << 11 | 0x0100)


@case("dns/flags", "AA, TC, RA, Z, AD, CD and a response code in a query change nothing; RD comes back, without RD as well")
def _(c):
    web = names(c)
    for number, flags in enumerate((0x0400, 0x0200, 0x0080, 0x0040, 0x0020, 0x0010, 0x0005, 0x0000, 0x07FF), 1):
        web.query(question("db"), ident=number, flags=flags)


@case("dns/transfer", "zone transfers and other meta types over UDP are refused")
def _(c):
    web = names(c)
    for number, number_of_type in enumerate((252, 251, 249, 250, 253, 254, 41), 1):
        web.query(question("default.internal", number_of_type), ident=number)


@case("dns/forward", "names of the world go to the upstream resolver, the second time to the cache (smaller TTL); without RD nothing is fetched: REFUSED")
def _(c):
    c.table("name", name="example.org", type="A", data="198.51.100.7", ttl=300)
    c.table("name", name="www.example.org", type="CNAME", data="example.org", ttl=60)
    web = names(c)
    web.query(question("example.org"), ident=1)
    web.query(question("www.example.org"), ident=2)
    web.query(question("nothing.example.org"), ident=3)
    c.wait(3000)
    web.query(question("EXAMPLE.org"), ident=4)
    web.query(question("example.org"), ident=5, flags=0)


@case("dns/truncation", "an answer of 30 addresses: cut and marked TC without EDNS and with 512 bytes, whole with 1232 (RFC 1035 4.2.1, RFC 6891 6.2.5)")
def _(c):
    for number in range(30):
        c.table("name", name="many.example.org", type="A", data=f"198.51.100.{number + 1}")
    web = names(c)
    web.query(question("many.example.org"), ident=1)
    web.query(question("many.example.org"), ident=2, extra=[opt(512)])
    web.query(question("many.example.org"), ident=3, extra=[opt(1232)])


@case("dns/private-upstream", "names below our domain, and the reverse zones of our networks, never go to the upstream resolver")
def _(c):
    c.table("name", name="nobody.default.internal", type="A", data="198.51.100.66")
    c.table("name", name=reverse("172.17.9.9"), type="PTR", data="leak.example.org")
    web = names(c)
    web.query(question("nobody.default.internal"), ident=1)
    web.query(question(reverse("172.17.9.9"), PTR), ident=2)


@case("dns/upstream-dead", "the upstream resolver is silent: SERVFAIL within five seconds, also to the repetition; what we know ourselves is answered at once", after="15s")
def _(c):
    c.table("upstream", mood="dead")
    web = names(c)
    web.query(question("example.org"), ident=1)
    web.query(question("db"), ident=2)
    web.query(question("example.org"), ident=1)


@case("dns/upstream-refuses", "the upstream resolver refuses: SERVFAIL (it is not we who refuse)", after="15s")
def _(c):
    c.table("upstream", mood="refusing")
    web = names(c)
    web.query(question("example.org"), ident=1, extra=[opt()])


@case("dns/upstream-lies", "an upstream whose answer is about another name is passed on as it is, for this question only; one that is cut off is SERVFAIL", after="15s")
def _(c):
    c.table("upstream", mood="lying")
    web = names(c)
    web.query(question("example.org"), ident=1)
    web.query(question("ab.example.org"), ident=2)


@case("dns/tcp-pipelined", "three queries in one TCP segment get three answers (RFC 7766 6.2.1.1)", adapt=True)
def _(c):
    web = names(c)
    flow = web.flow(GATEWAY, 53).open()
    flow.send(b"".join(framed(dns(question(text), ident=number)) for number, text in enumerate(("db", "www", "nobody.default"), 1)))
    flow.got(174)
    flow.close()


@case("dns/tcp-byte-by-byte", "a query whose bytes come one by one, the length's as well, is answered once it is whole", adapt=True)
def _(c):
    web = names(c)
    flow = web.flow(GATEWAY, 53).open()
    for byte in framed(dns(question("db"))):
        flow.send(bytes([byte]))
    flow.got(38)
    flow.close()


@case("dns/tcp-bad-length", "lengths of 0 and of less than a header end the connection; a length without its message waits and is then given up",
      adapt=True, after="15s")
def _(c):
    web = names(c)
    web.flow(GATEWAY, 53, 40001).open().send(framed(b""))
    web.flow(GATEWAY, 53, 40002).open().send(framed(b"\0\1"))
    waiting = web.flow(GATEWAY, 53, 40003).open()
    waiting.send(framed(dns(question("db")), 200))
    half = web.flow(GATEWAY, 53, 40004).open()
    half.send(framed(dns(question("db")), 200))
    half.close()
    c.wait(10000)
    waiting.got_fin()
    waiting.fin()


@case("dns/not-to-us", "queries to broadcast addresses get no answer (its source would be one, RFC 1122 3.2.1.3), those to other ports of the gateway port unreachable")
def _(c):
    web = names(c)
    web.udp("172.17.255.255", 53, dns(question("db")), to=BROADCAST_MAC)
    web.udp("255.255.255.255", 53, dns(question("db")), to=BROADCAST_MAC)
    web.udp(GATEWAY, 54, dns(question("db")))
    web.udp(GATEWAY, 5353, dns(question("db")))
