"""What a station was told, in substance, from the frames that it received: comparable between a live network and its replay,
where identifiers, sequence numbers and times differ. A decoder of its own, which knows nothing of pontoon's.

    answers.of(frames)  ->  {("dhcp", xid, type): …, ("dns", id, question): …, ("tcp", server, client): …}
"""

import ipaddress
import struct

DHCP_TYPE, DHCP_COOKIE = 53, b"\x63\x82\x53\x63"
# What a client acts upon: mask, router, DNS server, lease, server.
DHCP_COMPARED = (1, 3, 6, 51, 54)


def address(data):
    return str(ipaddress.IPv4Address(data))


def dhcp_options(data):
    found = {}
    while data and data[0] != 255:
        if data[0] == 0:
            data = data[1:]
            continue
        found[data[0]], data = data[2:2 + data[1]], data[2 + data[1]:]
    return found


def take_dhcp(message, found):
    assert message[0] == 2 and message[236:240] == DHCP_COOKIE, message[:240]
    options = dhcp_options(message[240:])
    xid, = struct.unpack_from("!I", message, 4)
    told = {code: options.get(code) for code in DHCP_COMPARED}
    found["dhcp", xid, options[DHCP_TYPE][0]] = (address(message[16:20]), told)


def take_dns(message, found):
    """The question by its bytes; of the answer the code, the flags and how many records there are."""
    number, flags, questions, answers, authorities, _ = struct.unpack_from("!6H", message)
    assert flags & 0x8000 and questions == 1, message
    end = message.index(0, 12) + 5
    found["dns", number, message[12:end]] = (flags, answers, authorities)


class Stream:
    """One direction of a TCP connection."""

    def __init__(self):
        self.first = None
        self.pieces = {}
        self.ended = self.reset = False

    def take(self, segment):
        sequence, = struct.unpack_from("!I", segment, 4)
        flags, data = segment[13], segment[(segment[12] >> 4) * 4:]
        if flags & 2:
            self.first = sequence
        elif data and self.first is not None:
            self.pieces[(sequence - self.first - 1) & 0xffffffff] = data
        self.ended |= bool(flags & 1)
        self.reset |= bool(flags & 4)

    def told(self):
        said = b""
        for offset, data in sorted(self.pieces.items()):
            assert offset <= len(said), f"a hole before {offset}"
            said = said[:offset] + data
        return {"accepted": self.first is not None, "said": said, "ended": self.ended, "reset": self.reset}


def take_packet(packet, found, streams):
    header = (packet[0] & 15) * 4
    body = packet[header:struct.unpack_from("!H", packet, 2)[0]]
    source, target = struct.unpack_from("!HH", body)
    if packet[9] == 6:
        ends = (f"{address(packet[12:16])}:{source}", f"{address(packet[16:20])}:{target}")
        streams.setdefault(ends, Stream()).take(body)
    elif packet[9] == 17 and source == 67:
        take_dhcp(body[8:], found)
    elif packet[9] == 17 and source == 53:
        take_dns(body[8:], found)
    elif packet[9] == 1 and body[0] == 0:
        found["echo", address(packet[12:16]), bytes(body[4:8])] = bytes(body[8:])


def of(frames):
    found, streams = {}, {}
    for frame in frames:
        if frame[12:14] == b"\x08\x00":
            take_packet(frame[14:], found, streams)
        elif frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\2":
            found["arp", address(frame[28:32])] = bytes(frame[22:28])
    for ends, stream in streams.items():
        found["tcp", *ends] = stream.told()
    return found
