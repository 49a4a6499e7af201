"""The judge over every case of pcaps/ that has servers' answers, and the judge itself: it must object to answers that are wrong."""

import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE)]

import judge  # noqa: E402
from packets import dns_query, ethernet, ip_bytes, mac_bytes, udp  # noqa: E402

CLIENT, SERVER = "02:42:ac:11:00:02", "02:00:00:00:00:01"
LEASE = struct.pack("!BBIBBIBBI", 51, 4, 43200, 58, 4, 21600, 59, 4, 37800)
NET = b"\1\4\xff\xff\0\0" + b"\3\4" + ip_bytes("172.17.0.1") + b"\6\4" + ip_bytes("172.17.0.1")


def cases(area):
    return sorted(path.parent for path in (ROOT / "pcaps" / area).glob("*/case.toml") if (path.parent / "expected").is_dir())


def judge_area(area, least):
    answers = 0
    for case in cases(area):
        source = next((path for path in sorted(case.glob("input.*"))), None)
        if source is None:
            continue
        adapted = "adapt = true" in (case / "case.toml").read_text()
        verdict = judge.judge(judge.frames_of(source), judge.frames_of(case / "expected"), adapted)
        assert not verdict.wrong, f"{case.name}: {verdict.wrong}"
        answers += len(verdict.answers)
    assert answers >= least, f"{answers} answers in {area} were judged"


def test_dhcp_cases():
    judge_area("dhcp", 40)


def test_dns_cases():
    judge_area("dns", 60)


def test_the_other_cases():
    for area in ("arp", "icmp", "isolation", "udp", "ports", "tcp"):
        judge_area(area, 0)


# --- the judge is judged ---

def dhcp(kind, options, op=1, at=0, **fields):
    values = {"xid": 7, "flags": 0, "ciaddr": "0.0.0.0", "yiaddr": "0.0.0.0", "siaddr": "0.0.0.0", "giaddr": "0.0.0.0", "secs": 0,
              "chaddr": mac_bytes(CLIENT), "hops": 0, "end": b"\xff", "first": None, **fields}
    head = struct.pack("!BBBBIHH", op, 1, 6, values["hops"], values["xid"], values["secs"], values["flags"])
    head += b"".join(ip_bytes(values[name]) for name in ("ciaddr", "yiaddr", "siaddr", "giaddr")) + values["chaddr"].ljust(16, b"\0")
    message = head + bytes(192) + judge.COOKIE + bytes((53, 1, kind)) + options + values["end"]
    return message.ljust(fields.get("size", 300), b"\0")


def from_client(message):
    return ethernet(CLIENT, "ff:ff:ff:ff:ff:ff", 0x0800, udp(("0.0.0.0", 68), ("255.255.255.255", 67), message))


def from_server(message, target="172.17.0.2", to=CLIENT, source="172.17.0.1"):
    return ethernet(SERVER, to, 0x0800, udp((source, 67), (target, 68), message))


IDENT = b"\x3d\7\1" + mac_bytes(CLIENT)
SERVER_ID = b"\x36\4" + ip_bytes("172.17.0.1")
DISCOVER = from_client(dhcp(1, IDENT + b"\x37\3\1\3\6"))
SELECT = from_client(dhcp(3, IDENT + SERVER_ID + b"\x32\4" + ip_bytes("172.17.0.2")))


def wrong(asked, answered):
    return judge.judge([(1.0, asked)], [(2.0, answered)]).wrong


def offer(options=SERVER_ID + LEASE + IDENT + NET, kind=2, **fields):
    return dhcp(kind, options, **{"op": 2, "yiaddr": "172.17.0.2", **fields})


def test_right_dhcp_answers_are_right():
    assert not wrong(DISCOVER, from_server(offer()))
    assert not wrong(SELECT, from_server(offer(kind=5)))
    assert not wrong(SELECT, from_server(dhcp(6, SERVER_ID + IDENT, op=2), "255.255.255.255", "ff:ff:ff:ff:ff:ff"))


def test_wrong_dhcp_answers_are_found():
    for name, message in {
            "op": offer(op=1), "xid": offer(xid=8), "secs": offer(secs=1), "hops": offer(hops=1), "flags": offer(flags=0x8000),
            "chaddr": offer(chaddr=mac_bytes(SERVER)), "giaddr": offer(giaddr="172.17.0.9"), "siaddr": offer(siaddr="172.17.0.9"),
            "ciaddr": offer(ciaddr="172.17.0.2"), "no yiaddr": offer(yiaddr="0.0.0.0"), "broadcast given": offer(yiaddr="172.17.255.255"),
            "ACK to DISCOVER": offer(kind=5), "no END": offer(end=b""), "bytes behind END": offer(end=b"\xff\1"), "short": offer(size=0),
            "no server": offer(LEASE + IDENT + NET), "no lease": offer(SERVER_ID + IDENT + NET), "no identifier": offer(SERVER_ID + LEASE + NET),
            "option 50": offer(SERVER_ID + LEASE + IDENT + NET + b"\x32\4abcd"), "twice": offer(SERVER_ID * 2 + LEASE + IDENT + NET),
            "no mask": offer(SERVER_ID + LEASE + IDENT + NET[6:]), "mask behind": offer(SERVER_ID + LEASE + IDENT + NET[6:] + NET[:6]),
            "T2 above the lease": offer(SERVER_ID + LEASE[:-4] + b"\0\1\0\0" + IDENT + NET), "overrun": offer(SERVER_ID + LEASE + IDENT + NET, end=b"\x0c\xff"),
            "another network's router": offer(SERVER_ID + LEASE + IDENT + NET[:8] + ip_bytes("10.0.0.1") + NET[12:]), "long": offer(size=549)}.items():
        assert wrong(DISCOVER, from_server(message)), name
    for name, frame in {"broadcast": from_server(offer(), "255.255.255.255", "ff:ff:ff:ff:ff:ff"), "another's MAC": from_server(offer(), to=SERVER),
                        "another server": from_server(offer(), source="172.17.0.3")}.items():
        assert wrong(DISCOVER, frame), name
    assert wrong(SELECT, from_server(offer(kind=5, yiaddr="172.17.0.3"), "172.17.0.3")), "another address than was chosen"
    assert wrong(SELECT, from_server(offer(kind=6), "255.255.255.255", "ff:ff:ff:ff:ff:ff")), "a NAK that gives"
    assert wrong(from_client(dhcp(7, SERVER_ID)), from_server(offer(kind=5))), "an answer to RELEASE"
    assert wrong(from_client(dhcp(1, b"\x0c\xff")), from_server(offer())), "an answer to what is malformed"
    frame = bytearray(from_server(offer()))
    frame[60] ^= 1
    assert wrong(DISCOVER, bytes(frame)), "the checksum"


def answer(flags=0x8580, question=None, answers=b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4\xac\x11\0\2", counts=(1, 1, 0, 0), ident=9, rest=b""):
    question = dns_query(9, "web")[12:] if question is None else question
    return struct.pack("!HHHHHH", ident, flags, *counts) + question + answers + rest


def dns_wrong(query, response):
    asked = ethernet(CLIENT, SERVER, 0x0800, udp(("172.17.0.2", 4000), ("172.17.0.1", 53), query))
    return wrong(asked, ethernet(SERVER, CLIENT, 0x0800, udp(("172.17.0.1", 53), ("172.17.0.2", 4000), response)))


OPT = b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0)


def test_dns_answers_right_and_wrong():
    query = dns_query(9, "web")
    with_opt = query[:10] + b"\0\1" + query[12:] + OPT
    assert not dns_wrong(query, answer())
    assert not dns_wrong(with_opt, answer(counts=(1, 1, 0, 1), rest=OPT))
    record = b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4\xac\x11\0\3"
    for name, response in {
            "ID": answer(ident=8), "QR": answer(0x0580), "RD": answer(0x8480), "opcode": answer(0x8D80), "reserved": answer(0x85C0), "CD": answer(0x8590),
            "AD": answer(0x85A0), "BADVERS": answer(0x8581), "case": answer(question=dns_query(9, "WEB")[12:]), "count": answer(counts=(1, 2, 0, 0)),
            "rest": answer(rest=b"x"), "OPT": answer(counts=(1, 1, 0, 1), rest=OPT), "no question": answer(counts=(0, 0, 0, 0), question=b"", answers=b""),
            "forwards": answer(answers=b"\xc0\x60" + record[2:]), "loop": answer(answers=b"\xc0\x15" + record[2:]), "no SOA": answer(0x8583, answers=b"", counts=(1, 0, 0, 0)),
            "another's name": answer(answers=b"\1x\0" + record[2:]), "another type": answer(answers=record[:3] + b"\x1c" + record[4:11] + b"\x10" + bytes(16)),
            "TTLs": answer(answers=answer()[-16:] + record[:9] + b"\6" + record[10:], counts=(1, 2, 0, 0)), "twice": answer(answers=record * 2, counts=(1, 2, 0, 0)),
            "TTL": answer(answers=record[:6] + b"\xff" + record[7:]), "long": answer(answers=b"".join(record[:-2] + bytes((i, 1)) for i in range(40)), counts=(1, 40, 0, 0))}.items():
        assert dns_wrong(query, response), name
    assert dns_wrong(with_opt, answer()), "OPT is missing"
    assert dns_wrong(query[:2] + b"\x28" + query[3:], answer(0xAD80)), "UPDATE is answered"
    assert dns_wrong(query[:5] + b"\0" + query[6:12], answer()), "no question is answered"
    assert dns_wrong(query[:2] + b"\x81" + query[3:], answer()), "a response is answered"


def test_files_are_read_in_every_byte_order():
    frame = DISCOVER
    for order in "<>":
        for magic, parts in ((0xA1B2C3D4, 500_000), (0xA1B23C4D, 500_000_000)):
            data = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, 1) + struct.pack(order + "IIII", 5, parts, len(frame), len(frame)) + frame
            assert judge.read_pcap(data) == [(5.5, 1, frame)], (order, magic)


if __name__ == "__main__":
    for _name, _function in list(globals().items()):
        if _name.startswith("test_"):
            _function()
            print(f"  ok      {_name}")
