#!/usr/bin/env python3
"""Records the fixtures that come from real clients, with pontoon's own capture:

    sudo pcaps/record.py [CASE...]        such as dhcp/udhcpc-lease; without arguments, all of them

A client that gives its lease back pings the gateway before: Linux forgets what waits for an ARP reply when an interface's last
address goes, and the RELEASE with it.

Each scenario below runs in namespaces that the laboratory of the system tests makes. What it records replaces
pcaps/CASE/input.pcapng and case.toml; `pontoon replay --update pcaps/CASE` then makes expected/, which is to be read before
it is kept. Clocks and random numbers are real here, so two recordings differ in bytes.
"""

import argparse
import contextlib
import json
import re
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "system"))

import pcapng  # noqa: E402
from lab import OUTSIDE_IP, RELEASE_BINARY, Lab, wait_until  # noqa: E402
from test_dhcp import DHCLIENT_SCRIPT, UDHCPC_SCRIPT  # noqa: E402

HTTP_REPLY = "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"

# Servers outside. They answer what the replay's own actors answer, so that a client's frames fit both.
REPLY_SERVER = f'''
import socket
with socket.create_server(("0.0.0.0", 80)) as listener:
    while True:
        peer = listener.accept()[0]
        with peer:
            if peer.recv(65536):
                peer.sendall({HTTP_REPLY.encode()!r})
'''
ECHO_SERVER = '''
import socket, threading
def serve(peer):
    with peer:
        while data := peer.recv(65536):
            peer.sendall(data)
with socket.create_server(("0.0.0.0", 7)) as listener:
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
'''
UDP_ECHO_SERVER = '''
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind(("0.0.0.0", 7))
    while True:
        server.sendto(*server.recvfrom(65536))
'''
# Knows one name, and says so of every other that it does not exist.
DNS_SERVER = '''
import socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind(("0.0.0.0", 53))
    while True:
        query, peer = server.recvfrom(4096)
        end = query.index(0, 12) + 5
        name, kind = query[12:end - 4].lower(), struct.unpack("!H", query[end - 4:end - 2])[0]
        known = name == b"\\7example\\3org\\0"
        answers = [b"\\xc0\\x0c" + struct.pack("!HHIH", 1, 1, 300, 4) + bytes([198, 51, 100, 7])] if known and kind == 1 else []
        flags = 0x8180 if known else 0x8183
        server.sendto(query[:2] + struct.pack("!HHHHH", flags, 1, len(answers), 0, 0) + query[12:end] + b"".join(answers), peer)
'''
ECHO_CLIENT = '''
import socket
with socket.create_connection(("192.0.2.2", 7), 5) as peer:
    peer.sendall(b"to and fro")
    peer.shutdown(socket.SHUT_WR)
    while peer.recv(1000): pass
'''
UPLOAD_CLIENT = '''
import socket
with socket.create_connection(("192.0.2.2", 7), 5) as peer:
    got = 0
    peer.sendall(bytes(range(256)) * 80)
    peer.shutdown(socket.SHUT_WR)
    while data := peer.recv(65536): got += len(data)
    assert got == 20480, got
'''
RESET_CLIENT = '''
import socket, struct
peer = socket.create_connection(("192.0.2.2", 7), 5)
peer.sendall(b"gone soon")
peer.recv(100)
peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
peer.close()
'''
REFUSED_CLIENT = '''
import socket
try: socket.create_connection(("192.0.2.2", 9), 5)
except ConnectionRefusedError: pass
'''
UDP_CLIENT = '''
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(5)
    s.connect(("192.0.2.2", 7))
    for text in (b"one", b"two", b"x" * 3000):
        s.send(text)
        assert s.recv(65536) == text
'''
UDP_REFUSED_CLIENT = '''
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(5)
    s.connect(("192.0.2.2", 9))
    s.send(b"anyone?")
    try: s.recv(10)
    except ConnectionRefusedError: pass
'''
NAME_CLIENT = '''
import socket
socket.getaddrinfo("web", 80, type=socket.SOCK_STREAM)
socket.gethostbyaddr("172.17.0.2")
'''
HTTP_SERVER = '''
import socket
with socket.create_server(("0.0.0.0", 80)) as listener:
    with listener.accept()[0] as peer:
        peer.recv(65536)
        peer.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: 6\\r\\n\\r\\nhello\\n")
'''
NGINX = '''
daemon off; master_process off; pid {dir}/nginx.pid; error_log stderr;
events {{ worker_connections 16; }}
http {{ access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi; server {{ listen 80; root {dir}; }} }}
'''
# c-ares asks by itself: node's dns.resolve* does not go through the C library.
CARES_CLIENT = '''
const dns = require("dns").promises;
(async () => {
  await dns.resolve4("web.default.internal");
  await dns.resolve6("web.default.internal").catch(() => 0);
  await dns.reverse("172.17.0.2");
  await dns.resolveMx("example.org").catch(() => 0);
})();
'''
NETWORKD = '''
mount -t tmpfs none /run && mount -o remount,ro,bind /sys && mkdir -p /run/systemd/network
printf "[Match]\\nName=eth0\\n[Network]\\nDHCP=ipv4\\nLinkLocalAddressing=no\\nIPv6AcceptRA=no\\n" > /run/systemd/network/a.network
/usr/lib/systemd/systemd-networkd & client=$!
for i in $(seq 100); do ip -o -4 addr show eth0 | grep -q inet && break; sleep 0.1; done
ping -qc1 -W5 172.17.0.1; kill $client; wait
'''
UDP_SERVER = '''
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind(("0.0.0.0", 7000))
    data, peer = server.recvfrom(65536)
    server.sendto(b"you said " + data, peer)
'''


class Scenario:
    """What runs: a command inside endpoint `client`, perhaps beside `web`, with servers outside."""

    def __init__(self, title, program, command, *, options=(), dhcp=False, outside=(), web=None, publish=(), host=None,
                 refused=False, echo_hosts=(), case="", drops=None):
        self.title, self.program, self.command = title, program, command
        self.options = ["--dhcp"] * dhcp + list(options)
        self.dhcp, self.outside, self.web, self.publish, self.host = dhcp, outside, web, publish, host
        self.refused, self.echo_hosts, self.case = refused, list(echo_hosts), case
        # WHERE/REASON -> how many, in the replay.
        self.drops = drops or {}


SERVICE_HTTP = f'[[tcp_service]]\nat = "192.0.2.2:80"\ntalk = "reply"\nreply = {json.dumps(HTTP_REPLY)}\n'
SERVICE_ECHO = '[[tcp_service]]\nat = "192.0.2.2:7"\ntalk = "echo"\n'
SERVICE_REFUSED = '[[tcp_service]]\nat = "192.0.2.2:9"\nconnect = "refuse"\n'
SERVICE_UDP = '[[udp_service]]\nat = "192.0.2.2:7"\nanswer = "echo"\n'
SERVICE_UDP_REFUSED = '[[udp_service]]\nat = "192.0.2.2:9"\nanswer = "refuse"\n'
SERVICE_TRACED = "".join(f'[[udp_service]]\nat = "192.0.2.2:{port}"\nanswer = "refuse"\n' for port in range(33434, 33440))
NAMES = '[[name]]\nname = "example.org"\ntype = "A"\ndata = "198.51.100.7"\n'
SLEEP = ["sleep", "100"]


def python(code):
    return ["python3", "-c", code]


def udhcpc(lab, options):
    path = lab.dir / "udhcpc-script"
    path.write_text(UDHCPC_SCRIPT)
    path.chmod(0o755)
    return ["sh", "-c", f"udhcpc -f -i eth0 -t 5 -T 2 -s {path} {options}"]


def dhclient(lab, steps, configuration=""):
    path = lab.dir / "dhclient-script"
    path.write_text(DHCLIENT_SCRIPT)
    path.chmod(0o755)
    (lab.dir / "dhclient.conf").write_text(configuration)
    options = f"-4 -sf {path} -lf {lab.dir}/leases -pf {lab.dir}/pid -cf {lab.dir}/dhclient.conf"
    return ["sh", "-c", " && ".join(step.replace("dhclient", f"dhclient {options}") for step in steps)]


def dhcpcd(*steps):
    options = "-4 --nohook '*'"
    run = "; ".join(step.replace("dhcpcd", f"dhcpcd {options}") for step in steps)
    return ["sh", "-c", f"mount -t tmpfs none /run; mount -t tmpfs none /var/lib/dhcpcd; {run}"]


def http_server(lab):
    (lab.home / "index.html").write_text("hello from inside\n")
    return ["timeout", "3", "python3", "-m", "http.server", "80"]


def nginx(lab):
    (lab.home / "page.txt").write_text("".join(f"line {number:05}\n" for number in range(2000)))
    (lab.home / "nginx.conf").write_text(NGINX.format(dir=lab.home))
    return ["timeout", "3", "nginx", "-c", str(lab.home / "nginx.conf")]


SCENARIOS = {
    "dhcp/udhcpc-lease": Scenario("udhcpc takes a lease and quits", "udhcpc", lambda lab: udhcpc(lab, "-n -q"), dhcp=True),
    "dhcp/udhcpc-release": Scenario("udhcpc takes a lease and gives it back when told to end", "udhcpc",
                                    lambda lab: udhcpc(lab, "-R & sleep 2; kill %1 2>/dev/null || kill $!; wait"), dhcp=True),
    "dhcp/udhcpc-wishes": Scenario("udhcpc asks for an address, a host name and more options", "udhcpc",
                                   lambda lab: udhcpc(lab, "-n -q -r 172.17.0.99 -x hostname:box -O ntpsrv -O search -O mtu"), dhcp=True),
    "dhcp/dhclient-lease": Scenario("dhclient takes a lease", "isc-dhcp-client",
                                    lambda lab: dhclient(lab, ["dhclient -1 eth0", "dhclient -x eth0"]), dhcp=True),
    "dhcp/dhclient-reboot": Scenario("dhclient takes a lease, ends, and comes back in INIT-REBOOT", "isc-dhcp-client",
                                     lambda lab: dhclient(lab, ["dhclient -1 eth0", "dhclient -x eth0", "dhclient -1 eth0", "dhclient -x eth0"]),
                                     dhcp=True),
    "dhcp/dhclient-release": Scenario("dhclient takes a lease and releases it", "isc-dhcp-client",
                                      lambda lab: dhclient(lab, ["dhclient -1 eth0", "dhclient -r eth0"]), dhcp=True),
    "dhcp/dhcpcd-lease": Scenario("dhcpcd takes a lease, probing the address first", "dhcpcd-base",
                                  lambda lab: ["sh", "-c", f"mount -t tmpfs none /run; mount -t tmpfs none /var/lib/dhcpcd;"
                                               " dhcpcd -4 -1 -B --nohook '*' -t 15 eth0"], dhcp=True),
    "dhcp/dhcpcd-reboot": Scenario("dhcpcd comes back for the lease that it remembers", "dhcpcd-base",
                                   lambda lab: dhcpcd("dhcpcd -1 -B -A -t 15 eth0", "dhcpcd -1 -B -A -t 15 eth0"), dhcp=True,
                                   drops={"gateway/icmp_unhandled": 1}),
    "dhcp/dhcpcd-release": Scenario("dhcpcd takes a lease without probing, and releases it", "dhcpcd-base",
                                    lambda lab: dhcpcd("dhcpcd -A -w -t 15 eth0", "ping -qc1 -W5 172.17.0.1", "dhcpcd -k eth0", "sleep 0.5"), dhcp=True),
    "dhcp/udhcpc-renew": Scenario("udhcpc renews by unicast, releases, and takes its lease again", "udhcpc",
                                  lambda lab: udhcpc(lab, "& client=$!; sleep 1; for signal in USR1 USR2 USR1 TERM; do kill -$signal $client;"
                                                     " sleep 1; done; wait"), dhcp=True),
    "dhcp/dhclient-wishes": Scenario("dhclient asks for a lease time, with a name and an identifier of its own", "isc-dhcp-client",
                                     lambda lab: dhclient(lab, ["dhclient -1 eth0", "dhclient -x eth0"], "send dhcp-lease-time 600;"
                                                          ' send host-name "box"; send dhcp-client-identifier "box-1"; request subnet-mask,'
                                                          " routers, domain-name-servers, domain-search, ntp-servers, interface-mtu;"), dhcp=True),
    "dhcp/networkd-lease": Scenario("systemd-networkd takes a lease, and releases it in the end", "systemd", lambda lab: ["sh", "-c", NETWORKD], dhcp=True),
    "dns/glibc-search": Scenario("glibc goes through a search list: the first domain does not have the name", "libc-bin",
                                 lambda lab: ["env", "LOCALDOMAIN=lost.example default.internal", "RES_OPTIONS=ndots:1", "getent", "ahosts", "web"], web=SLEEP,
                                 outside=[DNS_SERVER], case=NAMES),
    "dns/glibc-tcp": Scenario("glibc asks over TCP (use-vc)", "libc-bin", lambda lab: ["env", "RES_OPTIONS=use-vc", "getent", "ahostsv4", "web"],
                              web=SLEEP),
    "dns/glibc-edns": Scenario("glibc asks with EDNS, and one question after the other", "libc-bin",
                               lambda lab: ["env", "RES_OPTIONS=edns0 single-request", "getent", "ahosts", "web"], web=SLEEP),
    "dns/busybox-reverse": Scenario("busybox asks for the name of an address", "busybox", lambda lab: ["busybox", "nslookup", "172.17.0.2"], web=SLEEP),
    "dns/c-ares": Scenario("c-ares: A, AAAA, PTR, and an MX that is not there", "c-ares", lambda lab: ["node", "-e", CARES_CLIENT], web=SLEEP,
                           outside=[DNS_SERVER], case=NAMES),
    "dns/host-types": Scenario("host asks for A, AAAA and MX at once", "bind9-host", lambda lab: ["host", "web.default.internal"], web=SLEEP),
    "dns/dig-options": Scenario("dig: SRV, EDNS buffer of 512, DO and a cookie, no recursion", "bind9-dnsutils",
                                lambda lab: ["dig", "+norecurse", "+dnssec", "+bufsize=512", "web.default.internal", "SRV"], web=SLEEP),
    "arp/busybox-arping": Scenario("busybox's arping: a request, a probe of a free address, an announcement", "busybox",
                                   lambda lab: ["sh", "-c", "busybox arping -c1 -w2 -I eth0 172.17.0.1; busybox arping -D -c1 -w1 -I eth0 172.17.0.9;"
                                                " busybox arping -U -c1 -w1 -I eth0 172.17.0.3"]),
    "icmp/busybox-traceroute": Scenario("busybox's traceroute: the gateway is the first hop, the host outside the second", "busybox",
                                        lambda lab: ["busybox", "traceroute", "-n", "-q1", "-m3", "-w2", OUTSIDE_IP], case=SERVICE_TRACED,
                                        drops={"gateway/ip_ttl_expired": 1}),
    "dns/dig-a": Scenario("dig asks for a neighbour", "bind9-dnsutils", lambda lab: ["dig", "web.default.internal"], web=SLEEP),
    "dns/dig-tcp": Scenario("dig asks over TCP", "bind9-dnsutils", lambda lab: ["dig", "+tcp", "web.default.internal"], web=SLEEP),
    "dns/dig-reverse": Scenario("dig asks for the name of an address", "bind9-dnsutils", lambda lab: ["dig", "-x", "172.17.0.2"], web=SLEEP),
    "dns/dig-no-such-name": Scenario("dig asks for a name that nobody has", "bind9-dnsutils", lambda lab: ["dig", "nobody.default.internal"]),
    "dns/glibc-getent": Scenario("glibc's resolver, A and AAAA from one socket", "libc-bin", lambda lab: ["getent", "ahosts", "web"], web=SLEEP),
    "dns/glibc-forwarded": Scenario("glibc's resolver asks for a foreign name", "libc-bin", lambda lab: ["getent", "ahostsv4", "example.org"],
                                    outside=[DNS_SERVER], case=NAMES),
    "dns/busybox-nslookup": Scenario("busybox's resolver", "busybox", lambda lab: ["busybox", "nslookup", "web.default.internal"], web=SLEEP),
    "dns/python-names": Scenario("python resolves forwards and backwards", "python3", lambda lab: python(NAME_CLIENT), web=SLEEP),
    "arp/kernel-asks": Scenario("Linux asks for a neighbour's MAC and pings it", "iputils-ping", lambda lab: ["ping", "-c1", "-W5", "172.17.0.2"], web=SLEEP),
    "icmp/kernel-pings": Scenario("ping to the gateway", "iputils-ping", lambda lab: ["ping", "-c2", "-i0.2", "-W5", "172.17.0.1"]),
    "icmp/ping-large": Scenario("a ping that needs fragments", "iputils-ping", lambda lab: ["ping", "-c1", "-s4000", "-W5", "172.17.0.1"]),
    "icmp/ping-outside": Scenario("ping to a host outside", "iputils-ping", lambda lab: ["ping", "-c1", "-W5", OUTSIDE_IP],
                                  echo_hosts=[OUTSIDE_IP]),
    "tcp/curl-get": Scenario("curl fetches a page", "curl", lambda lab: ["curl", "-s", "http://192.0.2.2/"], outside=[REPLY_SERVER], case=SERVICE_HTTP),
    "tcp/wget-get": Scenario("GNU wget fetches a page", "wget", lambda lab: ["wget", "-q", "-O", "-", "http://192.0.2.2/"],
                             outside=[REPLY_SERVER], case=SERVICE_HTTP),
    "tcp/busybox-wget": Scenario("busybox's wget fetches a page", "busybox", lambda lab: ["busybox", "wget", "-q", "-O", "-", "http://192.0.2.2/"],
                                 outside=[REPLY_SERVER], case=SERVICE_HTTP),
    "tcp/curl-post": Scenario("curl posts 3 kB", "curl", lambda lab: ["curl", "-s", "--data-binary", "x" * 3000, "http://192.0.2.2/"],
                              outside=[REPLY_SERVER], case=SERVICE_HTTP),
    "tcp/python-half-close": Scenario("python closes its side first and still reads the rest", "python3", lambda lab: python(ECHO_CLIENT),
                                      outside=[ECHO_SERVER], case=SERVICE_ECHO),
    "tcp/kernel-upload": Scenario("Linux sends 20 kB and reads them again", "python3", lambda lab: python(UPLOAD_CLIENT),
                                  outside=[ECHO_SERVER], case=SERVICE_ECHO),
    "tcp/kernel-reset": Scenario("a client that ends with a reset (SO_LINGER 0)", "python3", lambda lab: python(RESET_CLIENT),
                                 outside=[ECHO_SERVER], case=SERVICE_ECHO),
    "tcp/kernel-refused": Scenario("a connect that the far host refuses", "python3", lambda lab: python(REFUSED_CLIENT), case=SERVICE_REFUSED,
                                   drops={"gateway/host_refused": 1}),
    "tcp/kernel-to-neighbour": Scenario("curl to a neighbour: the switch carries it, the gateway stays out", "curl",
                                        lambda lab: ["curl", "-s", "http://web/"], web=python(HTTP_SERVER)),
    "udp/python-echo": Scenario("datagrams to a host outside and back, one of them in fragments", "python3", lambda lab: python(UDP_CLIENT),
                                outside=[UDP_ECHO_SERVER], case=SERVICE_UDP),
    "udp/python-refused": Scenario("a datagram to a closed port outside", "python3", lambda lab: python(UDP_REFUSED_CLIENT), case=SERVICE_UDP_REFUSED),
    "ports/curl-published": Scenario("a client outside fetches a page through a published port", "python3", lambda lab: python(HTTP_SERVER),
                                     publish=["8080:80"], host=["curl", "-s", "http://192.0.2.1:8080/"]),
    "ports/http-server": Scenario("two requests through a published port to python's http.server", "python3", http_server,
                                  publish=["8080:80"], host=["sh", "-c", "curl -s http://192.0.2.1:8080/index.html; curl -s http://192.0.2.1:8080/none"]),
    "ports/nginx": Scenario("22 kB from nginx through a published port", "nginx", nginx, publish=["8080:80"],
                            host=["curl", "-s", "http://192.0.2.1:8080/page.txt"]),
    "ports/nginx-keep-alive": Scenario("two requests over one connection to nginx, through a published port", "nginx", nginx, publish=["8080:80"],
                                       host=["curl", "-sI", "http://192.0.2.1:8080/page.txt", "http://192.0.2.1:8080/none"]),
    "ports/refused": Scenario("a published port on which nothing listens: the kernel inside refuses", "Linux", lambda lab: ["sleep", "2"],
                              publish=["8080:80"], host=["curl", "-s", "http://192.0.2.1:8080/"], refused=True),
    "ports/udp-published": Scenario("a datagram through a published port and its answer", "python3", lambda lab: python(UDP_SERVER), publish=["5300:7000/udp"],
                                    host=python("import socket\nwith socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:\n"
                                                "    s.settimeout(5)\n    s.connect(('192.0.2.1', 5300))\n    s.send(b'ping')\n    s.recv(100)")),
}


# Those that need not come from a package of the system's.
VERSIONS = {
    "busybox": ("busybox | head -n 1", r"v([0-9.]+)"),
    "c-ares": ("node -p process.versions.ares", r"([0-9.]+)"),
    "Linux": ("uname -r", r"([0-9]+\.[0-9]+)"),
    "python3": ("python3 --version", r"([0-9.]+)"),
}


def version(program):
    command, pattern = VERSIONS.get(program, ("dpkg-query -W -f='${Version}' " + program, "(.+)"))
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    found = re.search(pattern, done.stdout)
    assert found, f"no version of {program}"
    return found[1]


def inside_port(publication):
    port, _, protocol = publication.split(":")[1].partition("/")
    return int(port), protocol or "tcp"


def listens(lab, publication):
    """Whether a process of the laboratory has that port open in a namespace of its own."""
    port, protocol = inside_port(publication)
    for pid, argv in lab.processes().items():
        with contextlib.suppress(OSError):
            if argv.startswith(("python3", "nginx")) and f":{port:04X} 00000000:0000" in Path(f"/proc/{pid}/net/{protocol}").read_text():
                return True
    return False


def host_clients(capture, publication):
    """A [[tcp_client]] or [[udp_client]] for each real one that came: who it was, when, and what it said."""
    port, protocol = inside_port(publication)
    number, header = {"tcp": (6, 14), "udp": (17, 14)}[protocol]
    first, said = {}, {}
    for packet in capture.of("client"):
        frame = packet.data
        if packet.direction != "in" or frame[12:14] != b"\x08\0" or frame[23] != number:
            continue
        transport = header + (frame[14] & 15) * 4
        source, target = struct.unpack_from("!HH", frame, transport)
        if target != port:
            continue
        who = f"{'.'.join(map(str, frame[26:30]))}:{source}"
        first.setdefault(who, packet.time_ns)
        start = transport + ((frame[transport + 12] >> 4) * 4 if protocol == "tcp" else 8)
        said[who] = said.get(who, b"") + frame[start:14 + struct.unpack_from("!H", frame, 16)[0]]
    assert first, "nobody came through the published port"
    lines = []
    for who, time_ns in first.items():
        after = (time_ns - capture.packets[0].time_ns) // 1000
        lines += ["", f"[[{protocol}_client]]", f'from = "{who}"', f'to = "192.0.2.1:{publication.split(":")[0]}"',
                  f'after = "{after}us"', f"send = {json.dumps(said[who].decode())}"]
    return "\n".join(lines[1:]) + "\n"


def run_scenario(lab, scenario):
    options = [*scenario.options, *(word for port in scenario.publish for word in ("-p", port))]
    if scenario.web:
        lab.start_run("web", "--ip", "172.17.0.2", "--", *scenario.web)
    process = lab.start_run("client", "--ip", "172.17.0.3", *options, "--", *scenario.command(lab), up=False)
    if scenario.host:
        wait_until(lambda: lab.status("client") == "up", "the endpoint")
        if not scenario.refused:
            wait_until(lambda: listens(lab, scenario.publish[0]), "the server in the endpoint")
        done = lab.outside_sh(*scenario.host, check=False)
        assert (done.returncode != 0) == scenario.refused, done.stderr
    status = process.wait(40)
    print(f"    status {status}: {process.output().strip().splitlines()[-1:]}")


def record(name, scenario, binary):
    folder = ROOT / "pcaps" / name
    with Lab("root", binary) as lab:
        for code in scenario.outside:
            lab.start_outside("python3", "-c", code)
        lab.start_daemon()
        file = lab.home / "input.pcapng"
        capture = lab.start(lab.on_host(lab.binary, "capture", "default", "-w", file, "not", "ip6"))
        wait_until(lambda: "apturing" in capture.output() or capture.popen.poll() is not None, "the capture")
        run_scenario(lab, scenario)
        capture.kill(signal.SIGINT)
        capture.wait()
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / "input.pcapng")
    client = host_clients(pcapng.read(folder / "input.pcapng"), scenario.publish[0]) if scenario.publish else ""
    write_case(folder, scenario, client)


def write_case(folder, scenario, client):
    where = "" if scenario.program == "Linux" else " on Linux"
    origin = f"{scenario.program} {version(scenario.program)}{where}, recorded by pcaps/record.py with pontoon capture"
    lines = [f"title = {json.dumps(scenario.title)}", f"origin = {json.dumps(origin)}", "adapt = true"]
    lines += [f"echo_hosts = {json.dumps(scenario.echo_hosts)}"] * bool(scenario.echo_hosts) + [""]
    lines += ["[[network]]", 'name = "default"', 'subnet = "172.17.0.0/16"', ""]
    for endpoint in (["web"] if scenario.web else []) + ["client"]:
        ip = "172.17.0.2" if endpoint == "web" else "172.17.0.3"
        lines += ["[[endpoint]]", f'name = "{endpoint}"', f'interface = "{endpoint}"', f'ip = "{ip}"']
        if endpoint == "client":
            lines += ["dhcp = true"] * scenario.dhcp + [f"publish = {json.dumps(list(scenario.publish))}"] * bool(scenario.publish)
        lines.append("")
    drops = "".join(f'"{where}" = {count}\n' for where, count in scenario.drops.items())
    parts = ["\n".join(lines[:-1]) + "\n", scenario.case, client, "[drops]\n" + drops]
    (folder / "case.toml").write_text("\n".join(part for part in parts if part))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="*", help="such as dhcp/udhcpc-lease")
    parser.add_argument("--binary", default=RELEASE_BINARY, help="the pontoon that records (default: %(default)s)")
    arguments = parser.parse_args()
    names = arguments.case or list(SCENARIOS)
    for name in names:
        if name not in SCENARIOS:
            sys.exit(f"record.py: there is no scenario {name}; there is: {' '.join(SCENARIOS)}")
    failed = []
    for name in names:
        print(f"==> {name}", flush=True)
        try:
            record(name, SCENARIOS[name], arguments.binary)
        except AssertionError as error:
            failed.append(name)
            print(f"    FAILED: {error}{getattr(error, 'details', '')[-2000:]}")
    sys.exit(f"not recorded: {' '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
