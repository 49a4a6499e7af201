"""A container that lies, floods and never speaks properly; a client of the daemon that does; clients of published ports that do.
Meanwhile an innocent endpoint's ping, DNS, HTTP and refusals go on (siege.py), the daemon lives, its memory is bounded, its
descriptors come back, and what it threw away is counted."""

import json

from lab import HOST_IP, USER_ID, Lab, each_user, sh, wait_until
from siege import Siege

GATEWAY = "172.17.0.1"


@each_user
def test_lies_on_the_link(user):
    with Siege(user) as siege:
        siege.attack("arp_spoof", siege.neighbour, drops=["guard_arp"])
        siege.attack("mac_flood", drops=["guard_source_mac"])
        siege.attack("foreign_sources", siege.neighbour, drops=["guard_source_ip"])
        siege.attack("storm", drops=["storm_limit"])
        siege.attack("runts", drops=["guard_source_mac"])
        siege.attack("router_lies", siege.neighbour, drops=["guard_service"])
        # The kernel refuses most of these, and passes on what it can repair.
        siege.attack("lying_offload")
        siege.files_come_back()


@each_user
def test_lies_to_dhcp_and_dns(user):
    with Siege(user) as siege:
        siege.attack("rogue_dhcp", siege.neighbour, drops=["guard_service"])
        siege.attack("dhcp_flood", drops=["storm_limit"])
        siege.attack("dhcp_garbage", drops=["dhcp_malformed"])
        assert len(siege.leases()) < 20, siege.leases()
        siege.attack("dns_garbage", drops=["dns_malformed"])
        siege.attack("dns_tcp")
        siege.attack("dns_flood")
        siege.files_come_back()


@each_user
def test_floods_of_connections(user):
    with Siege(user) as siege:
        siege.attack("syn_flood", "198.51.100.1:80", drops=["flow_limit"])
        # The engine's kTcpResetsPerSecond is for all endpoints together: a flood uses up the others' refusals.
        siege.attack("syn_flood", f"{HOST_IP}:81", f"{GATEWAY}:80", except_for=["refused"])
        siege.attack("syn_flood", "192.0.2.2:8000", f"{GATEWAY}:53", except_for=["refused"])
        siege.attack("tcp_garbage", drops=["malformed_tcp"])
        siege.attack("tcp_overlap", drops=["tcp_out_of_window", "tcp_out_of_order_full"])
        siege.attack("established", "192.0.2.2", "8000", "1500")
        siege.files_come_back()


@each_user
def test_floods_of_packets(user):
    with Siege(user) as siege:
        siege.attack("fragments", drops=["fragment_overlap"])
        siege.attack("icmp_garbage", drops=["icmp_limit"])
        siege.attack("huge_pings")
        siege.attack("udp_spread")
        siege.attack("forbidden", drops=["policy_denied", "ip_martian"])
        siege.attack("interface_games")
        siege.files_come_back()


@each_user
def test_a_link_that_is_deleted_ends_its_endpoint_alone(user):
    with Siege(user) as siege:
        seen = len(siege.rounds())
        process = siege.start_run("gone", "--", "sh", "-c", "until [ -e go ]; do sleep 0.05; done; ip link del eth0; ip link; sleep 100")
        (siege.home / "go").touch()
        wait_until(lambda: process.popen.poll() is not None or siege.status("gone") != "up", "the endpoint goes")
        siege.judge("deleted", seen)
        process.end()  # the command itself goes on without a network


# What a program of the same user may do to the daemon's sockets.
CLIENT = '''
import array, contextlib, json, os, select, socket, sys, time
directory = os.environ["PONTOON_RUNTIME_DIR"]

def connect(name, kind):
    s = socket.socket(socket.AF_UNIX, kind)
    s.settimeout(5)
    s.connect(f"{directory}/{name}.sock")
    return s

def attach():
    return connect("attach", socket.SOCK_SEQPACKET)

def tell(s, message, *fds):
    data = message if isinstance(message, bytes) else json.dumps({"version": 1, **message}).encode()
    s.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])

def ask(s, message, *fds):
    tell(s, message, *fds)
    return json.loads(s.recv(65536))

RESERVE = {"op": "reserve", "request": {"name": "wrong", "network": "default"}}

def wrong_links():
    pair, pipe, tty = socket.socketpair(), os.pipe(), os.openpty()
    pair[1].close()
    listener = socket.create_server(("127.0.0.1", 0))
    epoll = select.epoll()
    for fd in (*pipe, *tty, pair[0].fileno(), listener.fileno(), epoll.fileno(), os.open("/dev/null", os.O_RDWR),
               os.open("/dev/zero", os.O_RDWR), os.open("/etc/passwd", os.O_RDONLY), os.open("/", os.O_PATH)):
        for kind in ("tap", "packet", "nonsense"):
            with attach() as s:
                assert ask(s, RESERVE)["op"] == "reserved"
                link = {"kind": kind, "interface": "eth0", "checksum": True, "tso": True, "uso": True}
                answer = ask(s, {"op": "link", "link": link}, fd)
                assert (answer["op"], answer["code"]) == ("error", "invalid_argument"), (fd, kind, answer)
                assert s.recv(10) == b""

def nonsense():
    request = {"name": "wrong", "network": "default"}
    for message in (b"{}", b"null", b"[" * 60000, b'"' + b"a" * 60000, b"\\xff\\xfe", {"op": "attached"}, {"op": "link"},
                    {"op": "reserve", "request": {**request, "name": "a" * 60000}},
                    {"op": "reserve", "request": {**request, "aliases": ["a%d" % i for i in range(5000)]}},
                    {"op": "reserve", "request": {**request, "ip": "172.17.0.1"}},
                    {"op": "reserve", "request": {**request, "mac": "ff:ff:ff:ff:ff:ff"}},
                    {"op": "reserve", "request": {**request, "publish": ["8080:80"] * 3000}}):
        for fds in ((), (0,), (0,) * 250):
            for repeat in (1, 50):
                with attach() as s, contextlib.suppress(OSError):  # ETOOMANYREFS is the kernel's own limit
                    for _ in range(repeat):
                        tell(s, message, *fds)

def silent():
    held = [attach() for _ in range(100)]
    for _ in range(100):
        held.append(connect("pontoon", socket.SOCK_STREAM))
        held[-1].send(b"GET /v1/endpoints HTTP/1.1\\r\\nX: ")
    print("ready", flush=True)
    for _ in range(10):
        time.sleep(0.1)
        for s in held[100:]:
            s.send(b"y")

globals()[sys.argv[1]]()
print("done", flush=True)
'''


@each_user
def test_clients_of_the_daemon_that_send_nonsense_or_nothing(user):
    with Siege(user) as siege:
        for name in ("wrong_links", "nonsense"):
            seen = len(siege.rounds())
            done = siege.host_sh("python3", "-c", CLIENT, name)
            assert done.stdout == "done\n", done
            siege.judge(name, seen)
        process = siege.start(siege.on_host("python3", "-c", CLIENT, "silent"))
        siege.wait_for_text(process, "ready")
        assert siege.run("--", "echo", "served").stdout == "served\n"
        assert process.wait() == 0, process.output()
        assert set(siege.endpoints()) == {"innocent", "neighbour"}
        siege.files_come_back()


@each_user
def test_no_container_takes_the_last_descriptor(user):
    with Siege(user, descriptors=1000) as siege:
        seen = len(siege.rounds())
        hoarder = siege.start_run("hoarder", "--", "python3", siege.attacks, "udp_spread", "2")
        assert "hoarder" in siege.endpoints()
        assert siege.run("--", "echo", "served").stdout == "served\n"
        siege.pontoon("network", "create", "second")
        hoarder.wait()
        siege.judge("udp_spread", seen)
        siege.files_come_back()


# Sends from as many ports as it can.
FROM_OUTSIDE = '''
import contextlib, socket, sys, time
kind, port = sys.argv[1], int(sys.argv[2])
held, end = [], time.monotonic() + 1
while time.monotonic() < end:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    s.setblocking(False)
    with contextlib.suppress(OSError):
        s.connect(("192.0.2.1", port))
        s.send(b"x" * 100)
    held.append(s)
    if len(held) > 3000:
        held.pop(0).close()
'''
BEHIND = '''
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 7777))
listener = socket.create_server(("0.0.0.0", 80), backlog=16)
print("ready", flush=True)
while True:
    data, peer = s.recvfrom(1000)
    s.sendto(data, peer)
'''


@each_user
def test_published_ports_flooded_from_the_outside(user):
    with Siege(user) as siege:
        server = siege.start_run("server", "-p", "7777:7777/udp", "-p", "18080:80", "--", "python3", "-c", BEHIND)
        siege.wait_for_text(server, "ready")
        for kind, port in (("udp", 7777), ("tcp", 18080)):
            seen = len(siege.rounds())
            siege.outside_sh("python3", "-c", FROM_OUTSIDE, kind, port)
            siege.judge(f"published {kind}", seen)
        server.end()
        siege.files_come_back()


# Answers on every address that the host has, so that whatever arrives is heard.
EVERYWHERE = '''
import socket, threading
tcp = socket.create_server(("::", 18099), family=socket.AF_INET6, dualstack_ipv6=True)
udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
udp.bind(("::", 18099))
def hear():
    while True:
        print("heard udp", udp.recvfrom(100), flush=True)
threading.Thread(target=hear, daemon=True).start()
print("ready", flush=True)
while True:
    print("heard tcp", tcp.accept()[1], flush=True)
'''
OPEN_PORTS = '''
import socket
for port in [*range(1, 130), 443, 853, 2375, 5353, 6443, 8080, 18080, 18099]:
    with socket.socket() as s:
        s.settimeout(2)
        if s.connect_ex(("172.17.0.1", port)) == 0:
            print(port)
'''


@each_user
def test_what_a_container_must_not_reach(user):
    with Siege(user) as siege:
        secret = siege.start_on_host("python3", "-c", EVERYWHERE)
        siege.wait_for_text(secret, "ready")
        siege.pontoon("network", "create", "--subnet", "172.20.0.0/16", "back")
        siege.start_run("db", "--network", "back", "--", "sleep", "100")
        siege.attack("forbidden", drops=["policy_denied", "ip_martian"])
        assert "heard" not in secret.output(), secret.output()
        assert siege.run("--", "python3", "-c", OPEN_PORTS).stdout == "53\n"
        for name in ("db.default.internal", "db.back.internal"):
            assert siege.run("--", "getent", "hosts", name, check=False).returncode == 2, name
        assert json.loads(siege.pontoon("network", "inspect", "back").stdout)[0]["endpoints"][0]["received_frames"] < 20


@each_user
def test_directories_of_others_are_refused(user):
    with Lab(user) as lab:
        elsewhere = lab.dir / "elsewhere"
        elsewhere.mkdir(mode=0o700)
        for name in ("run", "state"):
            place = lab.home / name
            place.symlink_to(elsewhere)
            done = lab.run("--", "true", check=False)
            assert done.returncode == 125 and str(place) in done.stderr, done
            place.unlink()
            place.mkdir()
            place.chmod(0o777)
            done = lab.run("--", "true", check=False)
            assert done.returncode == 125 and "0700" in done.stderr, done
            sh("chown", "12345:12345", str(place))
            place.chmod(0o700)
            done = lab.run("--", "true", check=False)
            assert done.returncode == 125 and str(place) in done.stderr, done
            sh("rm", "-rf", str(place))
        owner = 0 if user == "root" else USER_ID
        # A socket or a database that is a link leads nowhere else.
        for name in ("run", "state"):
            sh("rm", "-rf", str(lab.home / name))
            (lab.home / name).mkdir(mode=0o700)
            sh("chown", f"{owner}:{owner}", str(lab.home / name))
        victim = lab.dir / "victim"
        victim.write_text("precious")
        for name in ("run/pontoon.sock", "run/attach.sock"):
            (lab.home / name).symlink_to(victim)
        assert lab.run("--", "echo", "fine").stdout == "fine\n"
        assert victim.read_text() == "precious"
