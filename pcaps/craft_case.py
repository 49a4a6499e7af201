"""What a crafted case is made of: endpoints, their frames in time, and the world outside as case.toml says it."""

import json
import struct

from craft_drops import DROPS
from craft_wire import (ACK, BROADCAST_MAC, FIN, PSH, SYN, arp, dhcp, dns, echo, ethernet, framed, ipv4, ipv6, mss, pcapng, tcp, udp)

GATEWAY, GATEWAY_MAC = "172.17.0.1", "02:00:00:00:00:01"
WEB, WEB_MAC = "172.17.0.2", "02:42:ac:11:00:02"
DB, DB_MAC = "172.17.0.3", "02:42:ac:11:00:03"
BACK, BACK_MAC, BACK_GATEWAY, BACK_GATEWAY_MAC = "172.20.0.2", "02:42:ac:14:00:02", "172.20.0.1", "02:00:00:00:00:02"
OUTSIDE = "192.0.2.80"  # documentation addresses (RFC 5737) play the Internet
START_NS = 1_700_000_000 * 10**9
STEP_NS = 10 * 10**6

CASES = {}


def case(path, title, **settings):
    """Registers a function that fills a Case in."""
    def register(fill):
        assert path not in CASES, path
        CASES[path] = (title, settings, fill)
        return fill
    return register


def build(path):
    title, settings, fill = CASES[path]
    made = Case(path, title, **settings)
    fill(made)
    return made


def toml_value(value):
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml_value(each) for each in value) + "]"
    if isinstance(value, bytes):
        return "[" + ", ".join(str(byte) for byte in value) + "]"
    return json.dumps(value)


class Case:
    def __init__(self, path, title, *, after="5s", adapt=False, echo_hosts=()):
        self.path, self.title, self.after, self.adapt = path, title, after, adapt
        self.echo_hosts = list(echo_hosts)
        self.tables = []
        self.interfaces = []
        self.packets = []
        self.clock = 0

    # --- the network ---
    def table(self, kind, **fields):
        self.tables.append((kind, fields))

    def endpoint(self, name="web", ip=WEB, mac=WEB_MAC, **fields):
        self.interfaces.append(name)
        address = {} if ip is None else {"ip": ip}
        self.table("endpoint", name=name, **address, mac=mac, **fields)
        return Host(self, name, ip, mac)

    def web(self, **fields):
        """An endpoint that has made itself known to the gateway."""
        host = self.endpoint(**fields)
        host.ask_gateway()
        return host

    def db(self):
        host = self.endpoint("db", DB, DB_MAC)
        host.ask_gateway()
        return host

    def back_network(self):
        self.table("network", name="back", subnet="172.20.0.0/16", gateway_mac=BACK_GATEWAY_MAC)
        host = self.endpoint("back", BACK, BACK_MAC, network="back")
        host.gateway, host.gateway_mac = BACK_GATEWAY, BACK_GATEWAY_MAC
        host.ask_gateway()
        return host

    def client(self, name="web", mac=WEB_MAC):
        """An endpoint that gets its address by DHCP."""
        self.interfaces.append(name)
        self.table("endpoint", name=name, mac=mac, dhcp=True)
        return DhcpClient(self, name, mac)

    # --- time ---
    def wait(self, milliseconds):
        self.clock += milliseconds * 10**6

    def put(self, name, frame):
        self.packets.append((self.interfaces.index(name), START_NS + self.clock, True, frame))
        self.clock += STEP_NS

    # --- what is written ---
    def capture(self):
        return pcapng(self.interfaces, self.packets)

    def toml(self):
        lines = ["# Written by craft.py; edit there.", f"title = {json.dumps(self.title)}",
                 'origin = "made byte by byte by pcaps/craft.py"', "seed = 1", f"after = {json.dumps(self.after)}"]
        if self.adapt:
            lines.append("adapt = true")
        if self.echo_hosts:
            lines.append(f"echo_hosts = {toml_value(self.echo_hosts)}")
        networks = [fields for kind, fields in self.tables if kind == "network"]
        if not any(fields["name"] == "default" for fields in networks):
            self.tables.insert(0, ("network", {"name": "default", "subnet": "172.17.0.0/16", "gateway_mac": GATEWAY_MAC}))
        for kind, fields in self.tables:
            lines += ["", f"[[{kind}]]"] + [f"{key} = {toml_value(value)}" for key, value in fields.items()]
        lines += ["", "[drops]"] + [f"{json.dumps(where)} = {count}" for where, count in DROPS.get(self.path, {}).items()]
        return "\n".join(lines) + "\n"


class Host:
    """One endpoint's side of the wire."""

    def __init__(self, case, name, ip, mac):
        self.case, self.name, self.address, self.mac = case, name, ip, mac
        self.gateway, self.gateway_mac = GATEWAY, GATEWAY_MAC

    def frame(self, kind, payload, *, to=None, source=None):
        self.case.put(self.name, ethernet(source or self.mac, to or self.gateway_mac, kind, payload))

    def arp(self, operation, sender, target, *, sender_mac=None, target_mac="00:00:00:00:00:00", to=BROADCAST_MAC, source=None, **odd):
        self.frame(0x0806, arp(operation, sender_mac or self.mac, sender, target_mac, target, **odd), to=to, source=source)

    def ask_gateway(self):
        self.arp(1, self.address, self.gateway)

    def ip(self, target, protocol, payload, *, to=None, source=None, **odd):
        self.frame(0x0800, ipv4(source or self.address, target, protocol, payload, **odd), to=to)

    def packet(self, packet, **where):
        self.frame(0x0800, packet, **where)

    def ping(self, target, identifier=1, sequence=1, payload=b"to and fro", *, to=None, bad_checksum=False, **odd):
        self.ip(target, 1, echo(identifier, sequence, payload, bad_checksum=bad_checksum), to=to, **odd)

    def udp(self, target, target_port, payload, *, source_port=40000, to=None, sum_as=None, length=None, **odd):
        source = odd.get("source") or self.address
        self.ip(target, 17, udp(source, source_port, target, target_port, payload, sum_as=sum_as, length=length), to=to, **odd)

    def ask(self, message, *, source_port=40000):
        """A DNS message to the gateway."""
        self.udp(self.gateway, 53, message, source_port=source_port)

    def query(self, *questions, **fields):
        self.ask(dns(list(questions), **fields))

    def flow(self, target=OUTSIDE, target_port=7, source_port=40000, initial=1000, theirs=5000):
        return Flow(self, target, target_port, source_port, initial, theirs)


class Flow:
    """A TCP connection as a client's side drives it. The other side's numbers begin at `theirs`; adapt moves them."""

    def __init__(self, host, target, target_port, source_port, initial, theirs):
        self.host, self.target, self.target_port, self.source_port = host, target, target_port, source_port
        self.seq, self.ack, self.theirs = initial, 0, theirs

    def segment(self, flags=ACK, payload=b"", *, seq=None, ack=None, to=None, **fields):
        """Exactly this; nothing moves. `seq` and `ack` are relative to where the flow is."""
        self.host.ip(self.target, 6, tcp(self.host.address, self.source_port, self.target, self.target_port,
                                         seq=self.seq + (seq or 0), ack=self.ack + (ack or 0) if flags & ACK else 0, flags=flags,
                                         payload=payload, **fields), to=to)

    def syn(self, options=mss(1460), **fields):
        self.segment(SYN, options=options, **fields)
        self.seq += 1
        self.ack = self.theirs + 1

    def open(self, **fields):
        self.syn(**fields)
        self.segment()
        return self

    def send(self, payload, flags=PSH | ACK, **fields):
        self.segment(flags, payload, **fields)
        self.seq += len(payload)

    def got(self, size):
        """Acknowledges so much of what the other side sent."""
        self.ack += size
        self.segment()

    def fin(self, payload=b""):
        self.segment(FIN | ACK, payload)
        self.seq += len(payload) + 1

    def got_fin(self):
        self.got(1)

    def close(self):
        """Our end, then theirs."""
        self.fin()
        self.got_fin()

    def end(self, size):
        """Theirs came behind `size` bytes; then ours."""
        self.got(size + 1)
        self.fin()

    def message(self, message):
        self.send(framed(message))


class DhcpClient(Host):
    def __init__(self, case, name, mac):
        super().__init__(case, name, None, mac)
        self.xid = 0x3903F326

    def say(self, options, *, source="0.0.0.0", target="255.255.255.255", to=BROADCAST_MAC, chaddr=None, ether=None, **fields):
        fields.setdefault("xid", self.xid)
        message = dhcp(chaddr or self.mac, options, **fields)
        self.frame(0x0800, ipv4(source, target, 17, udp(source, 68, target, 67, message)), to=to, source=ether)

    def raw(self, message):
        self.frame(0x0800, ipv4("0.0.0.0", "255.255.255.255", 17, udp("0.0.0.0", 68, "255.255.255.255", 67, message)),
                   to=BROADCAST_MAC)


def six(source, target, next_header, payload, **fields):
    return ipv6(source, target, next_header, payload, **fields)


def pack(form, *values):
    return struct.pack("!" + form, *values)
