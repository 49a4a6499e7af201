"""Cases of tcp, udp and ports."""

from craft_case import GATEWAY, OUTSIDE, WEB, case, pack
from craft_wire import ACK, BROADCAST_MAC, FIN, PSH, RST, SYN, URG, fragments, icmp, ipv4, mss, pattern, tcp, udp

# Initial sequence numbers of ours, where a case cannot let adapt follow them. They depend on the seed, the addresses and
# the time alone; when the generator changes, read the new ones from what `pontoon replay` shows.
OUR_FIRST = 3869667257  # to 172.17.0.2:40000 from 192.0.2.80:7, 10 ms after the start
OUR_SYN = 1051368354    # to 172.17.0.2:80 from 198.51.100.9:50000, 100 ms after the start

SACK_PERMITTED = b"\4\2"
SCALE = b"\3\3\7"


def echo_service(c, port=7, **fields):
    c.table("tcp_service", at=f"{OUTSIDE}:{port}", **{"talk": "echo", **fields})


# --- tcp ---

@case("tcp/echo", "handshake with all options, a word and its echo, an orderly end from the client", adapt=True)
def _(c):
    echo_service(c)
    flow = c.web().flow().open(options=mss(1460) + SACK_PERMITTED + SCALE)
    flow.send(b"to and fro")
    flow.got(10)
    flow.close()


@case("tcp/gateway-ends", "the server says a word and ends first; the client closes half a second later", adapt=True)
def _(c):
    echo_service(c, talk="reply", reply="bye")
    flow = c.web().flow().open()
    flow.send(b"x")
    flow.got(4)
    c.wait(500)
    flow.fin()


@case("tcp/half-close", "the client ends its side at once and still gets the whole answer afterwards (RFC 9293 3.6)", adapt=True)
def _(c):
    echo_service(c, talk="reply", reply="late but whole", latency="300ms")
    flow = c.web().flow()
    flow.syn()
    c.wait(400)
    flow.segment()
    flow.fin(b"request")
    c.wait(400)
    flow.got(15)


@case("tcp/simultaneous-close", "both sides' FINs cross on the wire (RFC 9293 figure 13)", adapt=True)
def _(c):
    echo_service(c, talk="discard", close_after=1)
    flow = c.web().flow().open()
    flow.send(b"x")
    flow.segment(FIN | ACK)
    flow.seq += 1
    flow.got_fin()


@case("tcp/refused", "the host outside refuses: RST that acknowledges the SYN, never a SYN-ACK first", adapt=True)
def _(c):
    echo_service(c, connect="refuse")
    c.web().flow().syn()


@case("tcp/unreachable", "the host outside can't be reached: ICMP host unreachable with the SYN quoted", adapt=True)
def _(c):
    echo_service(c, connect="unreachable")
    c.web().flow().syn()


@case("tcp/hanging", "a host that says nothing: neither the SYN nor its repetitions get an answer, and giving up after a minute is silent too", after="90s", adapt=True)
def _(c):
    echo_service(c, connect="hang")
    flow = c.web().flow()
    for wait in (1000, 2000, 4000):
        flow.segment(SYN, options=mss(1460))
        c.wait(wait)
    flow.segment(SYN, options=mss(1460))


@case("tcp/out-of-order", "segments 3, 2, 1: held, told by SACK, then acknowledged at once (RFC 2018, RFC 9293 3.10.7.4)", adapt=True)
def _(c):
    echo_service(c, talk="reply", reply="got it all")
    flow = c.web().flow().open(options=mss(1460) + SACK_PERMITTED)
    flow.segment(PSH | ACK, b"cccc", seq=8)
    flow.segment(PSH | ACK, b"bbbb", seq=4)
    flow.send(b"aaaa")
    flow.seq += 8
    flow.end(10)


@case("tcp/overlap", "retransmissions that overlap what came, with other bytes: the first ones count, each byte reaches the server once",
      adapt=True)
def _(c):
    echo_service(c)
    flow = c.web().flow().open()
    flow.send(b"abcdef")
    flow.segment(PSH | ACK, b"DEFghi", seq=-3)
    flow.segment(PSH | ACK, b"abcdef", seq=-6)
    flow.seq += 3
    flow.got(9)
    flow.segment(PSH | ACK, b"MNO", seq=3)
    flow.segment(PSH | ACK, b"jklmn")
    flow.seq += 6
    flow.got(6)


@case("tcp/duplicate", "the SYN, the ACK, the text and the FIN each come twice: one connection, one echo", adapt=True)
def _(c):
    echo_service(c)
    flow = c.web().flow()
    flow.segment(SYN, options=mss(1460))
    flow.syn()
    flow.segment()
    flow.segment()
    flow.segment(PSH | ACK, b"once")
    flow.send(b"once")
    flow.segment(FIN | ACK)
    flow.fin()
    flow.got(5)


@case("tcp/zero-window", "the client's window is 0: nothing is sent but a probe now and then (RFC 9293 3.8.6.1), and the text when the window opens",
      adapt=True, after="10s")
def _(c):
    echo_service(c, talk="reply", reply="x" * 3000)
    flow = c.web().flow()
    flow.syn()
    flow.segment(window=0)
    flow.segment(PSH | ACK, b"go", window=0)
    flow.seq += 2
    c.wait(3000)
    flow.segment(window=0)
    c.wait(2000)
    flow.segment(window=4000)
    flow.got(2920)
    flow.end(80)


@case("tcp/small-window", "a client with a window of 100 bytes and an MSS of 536 gets no more than fits", adapt=True)
def _(c):
    echo_service(c, talk="reply", reply="y" * 250)
    flow = c.web().flow()
    flow.syn(options=mss(536), window=100)
    flow.segment(PSH | ACK, b"go", window=100)
    flow.seq += 2
    for size in (100, 100):
        flow.ack += size
        flow.segment(window=100)
    flow.end(50)


@case("tcp/reset", "RST with the exact number ends the connection; nothing answers it (RFC 9293 3.10.7.4)", adapt=True)
def _(c):
    echo_service(c)
    flow = c.web().flow().open()
    flow.send(b"x")
    flow.got(1)
    flow.segment(RST)
    c.wait(100)
    flow.segment(PSH | ACK, b"after the end")


@case("tcp/reset-in-window", "RST inside the window but not exact: a challenge ACK, the connection lives (RFC 5961 3.2)", adapt=True)
def _(c):
    echo_service(c)
    flow = c.web().flow().open()
    flow.segment(RST, seq=100)
    flow.send(b"alive")
    flow.got(5)


@case("tcp/reset-outside", "RST outside the window is dropped in silence (RFC 5961 3.2); an old and a future one", adapt=True)
def _(c):
    echo_service(c)
    flow = c.web().flow().open()
    flow.segment(RST, seq=-1000)
    flow.segment(RST, seq=1 << 30)
    flow.send(b"alive")
    flow.got(5)


@case("tcp/syn-established", "a SYN in an established connection: a challenge ACK whatever its number (RFC 5961 4.2)")
def _(c):
    echo_service(c)
    flow = c.web().flow(theirs=OUR_FIRST).open()
    for seq in (0, -1, 5000, 1 << 30):
        flow.segment(SYN, seq=seq, options=mss(1460))
    flow.segment(SYN | ACK, options=mss(1460))
    flow.send(b"alive")
    flow.got(5)


@case("tcp/out-of-window", "text far outside the window: an ACK that says what we expect, and the bytes are dropped", adapt=True)
def _(c):
    echo_service(c)
    flow = c.web().flow().open()
    flow.segment(PSH | ACK, b"future", seq=1 << 28)
    flow.segment(PSH | ACK, b"past", seq=-500)
    flow.segment(FIN | ACK, seq=1 << 28)
    flow.send(b"alive")
    flow.got(5)


@case("tcp/no-connection", "segments of no connection: RST by the rules of RFC 9293 3.10.7.1; a RST gets none")
def _(c):
    web = c.web()
    for port, flags in enumerate((ACK, PSH | ACK, FIN, FIN | ACK, SYN | ACK, 0, RST, RST | ACK), 40001):
        web.flow(source_port=port).segment(flags, b"text" if flags & PSH else b"", ack=777 if flags & ACK else 0)


@case("tcp/odd-flags", "SYN+FIN, SYN+RST, all flags, no flags, and SYN with text, towards a service that would accept", adapt=True)
def _(c):
    echo_service(c)
    web = c.web()
    for port, flags in enumerate((SYN | FIN, SYN | RST, 0xFF, 0, SYN | FIN | URG | PSH), 40001):
        web.flow(source_port=port).segment(flags, options=mss(1460))
    web.flow(source_port=40010).segment(SYN, b"too early", options=mss(1460))


@case("tcp/gateway-port", "connections to ports of the gateway where nobody listens: RST; from and to port 0 they are dropped")
def _(c):
    web = c.web()
    for source, target in ((40001, 80), (40002, 22), (40003, 0), (0, 80)):
        web.flow(GATEWAY, target, source).segment(SYN, options=mss(1460))


@case("tcp/bad-checksum", "segments with a wrong checksum do not exist: no SYN-ACK, no ACK, no reset", adapt=True)
def _(c):
    echo_service(c)
    flow = c.web().flow()
    flow.segment(SYN, options=mss(1460), bad_checksum=True)
    flow.open()
    flow.segment(PSH | ACK, b"wrong", bad_checksum=True)
    flow.segment(RST, bad_checksum=True)
    flow.send(b"right")
    flow.got(5)


@case("tcp/malformed", "headers that lie: an offset below 5 and beyond the segment, 19 bytes, options longer than the header")
def _(c):
    echo_service(c)
    web = c.web()
    web.flow(source_port=40001).segment(SYN, offset=4)
    web.flow(source_port=40002).segment(SYN, offset=15)
    web.packet(ipv4(WEB, OUTSIDE, 6, tcp(WEB, 40003, OUTSIDE, 7, flags=SYN)[:19]))
    web.flow(source_port=40004).segment(SYN, options=b"\2\x28\5\xb4")
    web.flow(source_port=40005).segment(SYN, options=b"\2\0\0\0")


@case("tcp/urgent", "an urgent pointer, within and beyond the text: the bytes come in their order, urgent or not (RFC 6093)", adapt=True)
def _(c):
    echo_service(c)
    flow = c.web().flow().open()
    flow.send(b"abc", URG | PSH | ACK, urgent=2)
    flow.send(b"def", URG | PSH | ACK, urgent=60000)
    flow.send(b"ghi", PSH | ACK, urgent=1)
    flow.got(9)


@case("tcp/odd-mss", "MSS 0, 1, 65535, absent, of a wrong length and twice: never more than the wire takes, no dust, 536 where none is given (RFC 9293 3.7.1)", adapt=True)
def _(c):
    echo_service(c, talk="reply", reply="z" * 1600)
    web = c.web()
    for port, options in enumerate((mss(0), mss(1), mss(65535), b"", b"\2\3\5", mss(536) + mss(1000)), 40001):
        flow = web.flow(source_port=port).open(options=options)
        flow.send(b"go")
        flow.end(1600)


@case("tcp/future-ack", "an ACK of what was never sent: an ACK back, the text with it is dropped (RFC 9293 3.10.7.4); in the handshake a RST (3.10.7.4)")
def _(c):
    echo_service(c)
    web = c.web()
    flow = web.flow(theirs=OUR_FIRST)
    flow.syn()
    flow.segment(ack=-100)
    flow.segment(ack=100)
    flow.segment()
    flow.segment(PSH | ACK, b"not sent yet", ack=1000)
    flow.send(b"alive")
    flow.got(5)


@case("tcp/retransmission", "our text is never acknowledged: it comes again, ever more slowly (RFC 6298 5.5)", adapt=True, after="20s")
def _(c):
    echo_service(c)
    flow = c.web().flow().open()
    flow.send(b"echo me")


@case("tcp/fast-retransmit", "three duplicate ACKs bring the lost segment at once (RFC 5681 3.2)", adapt=True)
def _(c):
    echo_service(c, talk="reply", reply="q" * 8000)
    flow = c.web().flow().open()
    flow.send(b"go")
    flow.got(1460)
    for _ in range(4):
        flow.segment()
    c.wait(50)
    flow.end(6540)


def stamps(value, echo=0):
    return b"\1\1\x08\x0a" + pack("II", value, echo)


@case("tcp/old-timestamp", "with timestamps a segment with an older one is a stray of the past: an ACK, and its text is dropped (RFC 7323 5.2)",
      adapt=True)
def _(c):
    echo_service(c)
    flow = c.web().flow()
    flow.syn(options=mss(1460) + SACK_PERMITTED + stamps(100000))
    flow.segment(options=stamps(100010, 7000))
    flow.send(b"new", options=stamps(100020, 7000))
    flow.segment(PSH | ACK, b"old", options=stamps(90000, 7000))
    flow.segment(PSH | ACK, b"bare")
    flow.send(b"more", options=stamps(100050, 7000))
    flow.ack += 7
    flow.segment(options=stamps(100060, 7000))


@case("tcp/keep-alive", "keep-alives, empty and with one old octet (RFC 9293 3.8.4), are answered with an ACK; the octet goes nowhere", adapt=True)
def _(c):
    echo_service(c)
    flow = c.web().flow().open()
    flow.send(b"x")
    flow.got(1)
    flow.segment(seq=-1)
    flow.segment(payload=b"\0", seq=-1)
    flow.close()


@case("tcp/path-mtu", "fragmentation needed: what was sent comes again in pieces that fit (RFC 1191); the sequence number that is quoted is not looked at (RFC 5927 4 would)")
def _(c):
    echo_service(c, talk="reply", reply="p" * 2000)
    web = c.web()
    flow = web.flow(theirs=OUR_FIRST).open()
    flow.send(b"go")

    def too_big(number, mtu):
        begin = tcp(OUTSIDE, 7, WEB, 40000, seq=number, ack=flow.seq, payload=bytes(1460))
        web.ip(OUTSIDE, 1, icmp(3, 4, mtu, ipv4(OUTSIDE, WEB, 6, begin)[:28]))

    too_big(flow.ack + 100000, 600)
    too_big(flow.ack, 600)
    flow.end(2000)


@case("tcp/server-reset", "the server outside resets: the container gets a RST, not a FIN", adapt=True)
def _(c):
    echo_service(c, talk="discard", reset_after=3)
    flow = c.web().flow().open()
    flow.send(b"abc")


@case("tcp/fragmented", "a segment in three IP fragments is a segment", adapt=True)
def _(c):
    echo_service(c)
    web = c.web()
    flow = web.flow().open()
    whole = tcp(WEB, flow.source_port, OUTSIDE, 7, seq=flow.seq, ack=flow.ack, flags=PSH | ACK, payload=b"f" * 60)
    for piece in fragments(WEB, OUTSIDE, 6, whole, [24, 24]):
        web.packet(piece)
    flow.seq += 60
    flow.got(60)


# --- udp ---

def udp_service(c, port=7, **fields):
    c.table("udp_service", at=f"{OUTSIDE}:{port}", **{"answer": "echo", **fields})


@case("udp/echo", "datagrams of 0, 1 and 1472 bytes go out and their echoes come back from the same address")
def _(c):
    udp_service(c)
    web = c.web()
    for size in (0, 1, 1472):
        web.udp(OUTSIDE, 7, pattern(size))
    web.udp(OUTSIDE, 7, b"another port", source_port=40001)


@case("udp/checksum", "no checksum (RFC 768) is taken, a wrong one is not")
def _(c):
    udp_service(c)
    web = c.web()
    web.udp(OUTSIDE, 7, b"none", sum_as=0)
    web.udp(OUTSIDE, 7, b"wrong", sum_as=0x1234)
    web.udp(GATEWAY, 53, b"wrong", sum_as=0x1234)
    web.udp(OUTSIDE, 7, b"right")


@case("udp/length", "UDP lengths that lie: 0, 7, longer than the packet, shorter than it (the rest is cut off)")
def _(c):
    udp_service(c)
    web = c.web()
    for length in (0, 7, 200):
        web.udp(OUTSIDE, 7, b"0123456789", length=length, sum_as=0)
    web.udp(OUTSIDE, 7, b"0123456789", length=12, sum_as=0)
    web.ip(OUTSIDE, 17, b"\1\2\3\4\5")


@case("udp/fragments", "3000 bytes in fragments, in order and backwards: one datagram each outside, and a fragmented echo")
def _(c):
    udp_service(c)
    web = c.web()
    for ident, order in ((1, 1), (2, -1)):
        whole = udp(WEB, 40000, OUTSIDE, 7, pattern(3000, ident))
        for piece in fragments(WEB, OUTSIDE, 17, whole, [1480, 1480], ident=ident)[::order]:
            web.packet(piece)


@case("udp/refused", "nobody listens outside: ICMP port unreachable with the datagram quoted, as if from there")
def _(c):
    udp_service(c, answer="refuse")
    web = c.web()
    web.udp(OUTSIDE, 7, b"anyone?")
    web.udp(OUTSIDE, 7, b"still nobody?")


@case("udp/gateway-port", "a port of the gateway where nothing listens: port unreachable (RFC 1122 4.1.3.1); also from and to port 0")
def _(c):
    web = c.web()
    web.udp(GATEWAY, 9999, b"anyone?")
    web.udp(GATEWAY, 0, b"zero")
    web.udp(OUTSIDE, 0, b"zero")
    web.udp(OUTSIDE, 9, b"zero", source_port=0)


@case("udp/error-limit", "sixty datagrams to closed ports in no time: not more errors than the limit allows (RFC 1812 4.3.2.8)")
def _(c):
    web = c.web()
    for port in range(1000, 1060):
        web.udp(GATEWAY, port, b"")
        c.clock -= 10 * 10**6


@case("udp/not-routed", "broadcast and multicast datagrams stay on the network")
def _(c):
    udp_service(c)
    web, _ = c.web(), c.db()
    web.udp("255.255.255.255", 7, b"all", to=BROADCAST_MAC)
    web.udp("172.17.255.255", 7, b"all here", to=BROADCAST_MAC)
    web.udp("224.0.0.251", 5353, b"mdns", to="01:00:5e:00:00:fb")
    web.udp("239.255.255.250", 1900, b"ssdp", to="01:00:5e:7f:ff:fa")
    web.udp("239.255.255.250", 1900, b"ssdp")


@case("udp/unsolicited", "a stranger outside sends to the port that a flow has outside: not let in; whom the container talked to is")
def _(c):
    udp_service(c)
    web = c.web()
    web.udp(OUTSIDE, 7, b"hello")
    c.table("udp_client", **{"from": "198.51.100.9:7", "to": "0.0.0.0:40000", "after": "100ms", "send": "let me in"})
    c.wait(300)
    web.udp(OUTSIDE, 7, b"still here")


# --- ports ---

def server_answers(web, client, port, isn, flow_seq=9000):
    """SYN-ACK and further segments of a server inside, whose numbers `isn` are those of our side's SYN."""
    return tcp(WEB, port, client[0], client[1], seq=flow_seq, ack=isn + 1, flags=SYN | ACK, options=mss(1460))


@case("ports/tcp-refused", "a published port whose server is not there: the container's RST ends the client's connection")
def _(c):
    web = c.web(publish=["8080:80"])
    c.table("tcp_client", **{"from": "198.51.100.9:50000", "to": "127.0.0.1:8080", "after": "100ms", "send": "hello"})
    c.wait(200)
    web.ip("198.51.100.9", 6, tcp(WEB, 80, "198.51.100.9", 50000, seq=0, ack=OUR_SYN + 1, flags=RST | ACK))


@case("ports/tcp-silent", "a published port whose container does not answer: the SYN is repeated and then given up (RFC 9293 3.8.3)", after="120s")
def _(c):
    c.web(publish=["8080:80"])
    c.table("tcp_client", **{"from": "198.51.100.9:50000", "to": "127.0.0.1:8080", "after": "100ms", "send": "hello"})


@case("ports/tcp-talk", "a client of a published port: its own address inside, a request, an answer, both ends")
def _(c):
    web = c.web(publish=["8080:80"])
    peer = "198.51.100.9", 50000
    c.table("tcp_client", **{"from": "198.51.100.9:50000", "to": "127.0.0.1:8080", "after": "100ms", "send": "hello"})
    c.wait(200)
    isn = OUR_SYN
    web.ip(peer[0], 6, server_answers(web, peer, 80, isn))
    web.ip(peer[0], 6, tcp(WEB, 80, *peer, seq=9001, ack=isn + 6, flags=PSH | ACK, payload=b"hello yourself"))
    web.ip(peer[0], 6, tcp(WEB, 80, *peer, seq=9015, ack=isn + 7, flags=FIN | ACK))


@case("ports/tcp-wrong-ack", "the container answers our SYN with an ACK of something else: a RST, and the connection is still to be had (RFC 9293 3.10.7.3)")
def _(c):
    web = c.web(publish=["8080:80"])
    peer = "198.51.100.9", 50000
    c.table("tcp_client", **{"from": "198.51.100.9:50000", "to": "127.0.0.1:8080", "after": "100ms", "send": "hello"})
    c.wait(200)
    isn = OUR_SYN
    web.ip(peer[0], 6, server_answers(web, peer, 80, isn + 1000))
    web.ip(peer[0], 6, tcp(WEB, 80, *peer, seq=0, ack=isn + 1001, flags=RST | ACK))
    web.ip(peer[0], 6, server_answers(web, peer, 80, isn))
    web.ip(peer[0], 6, tcp(WEB, 80, *peer, seq=9001, ack=isn + 7, flags=FIN | ACK))


@case("ports/udp", "a datagram to a published UDP port comes in from the client's address; the answer goes back to it, one to another port does not")
def _(c):
    web = c.web(publish=["5300:5000/udp"])
    c.table("udp_client", **{"from": "198.51.100.9:50000", "to": "127.0.0.1:5300", "after": "100ms", "send": "ask"})
    c.wait(200)
    web.udp("198.51.100.9", 50000, b"answer", source_port=5000)
    web.udp("198.51.100.9", 50001, b"another port", source_port=5000)


@case("ports/udp-refused", "the container answers a published datagram with port unreachable: a proxy cannot tell that to the client; dropped")
def _(c):
    web = c.web(publish=["5300:5000/udp"])
    c.table("udp_client", **{"from": "198.51.100.9:50000", "to": "127.0.0.1:5300", "after": "100ms", "send": "ask"})
    c.wait(200)
    quote = ipv4("198.51.100.9", WEB, 17, udp("198.51.100.9", 50000, WEB, 5000, b"ask"))
    web.ip("198.51.100.9", 1, icmp(3, 3, 0, quote))


@case("ports/hairpin", "published ports are on the host's addresses: at the gateway's own there is none, RST and port unreachable")
def _(c):
    web, _ = c.web(publish=["8080:80"]), c.db()
    web.flow(GATEWAY, 8080, 40001).segment(SYN, options=mss(1460))
    web.udp(GATEWAY, 8080, b"hello")
