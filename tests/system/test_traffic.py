"""Bytes through the gateway, out to the world, and between endpoints."""

import hashlib

from lab import HOST_IP, OUTSIDE_IP, Lab, each_user, need_tools, wait_until

MIB = 1 << 20
SIZE = 64 * MIB

# Modes: send SIZE bytes then read a digest; or receive until the end and print the digest.
PEER = '''
import hashlib, socket, sys
def source():
    block = hashlib.sha256(b"pontoon").digest() * 2048
    for number in range(%d // len(block)):
        yield number.to_bytes(8, "big") + block[8:]
def send(sock):
    digest = hashlib.sha256()
    for piece in source():
        digest.update(piece)
        sock.sendall(piece)
    sock.shutdown(socket.SHUT_WR)
    return digest.hexdigest()
def receive(sock):
    digest, count = hashlib.sha256(), 0
    while piece := sock.recv(1 << 18):
        digest.update(piece)
        count += len(piece)
    return digest.hexdigest(), count
''' % SIZE

SERVER = PEER + '''
listener = socket.create_server(("0.0.0.0", int(sys.argv[1])))
print("ready", flush=True)
while True:
    sock, peer = listener.accept()
    mode = sock.recv(1)
    if mode == b"u":    # the client sends; it gets the digest after its half-close
        sock.sendall(receive(sock)[0].encode())
    elif mode == b"d":
        send(sock)
    elif mode == b"w":  # who are you to me
        sock.sendall(peer[0].encode())
    sock.close()
'''

CLIENT = PEER + '''
host, port, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]
sock = socket.create_connection((host, port), 20)
sock.settimeout(60)
sock.sendall(mode.encode())
if mode == "u":
    print(send(sock) == sock.makefile().read())
elif mode == "d":
    digest, count = receive(sock)
    expected = hashlib.sha256()
    for piece in source():
        expected.update(piece)
    print(digest == expected.hexdigest() and count == %d)
else:
    print(sock.makefile().read())
''' % SIZE

ECHO = '''
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 7777))
print("ready", flush=True)
while True:
    data, peer = s.recvfrom(65535)
    s.sendto(data, peer)
'''


def start_server(lab, port=9000):
    server = lab.start_outside("python3", "-c", SERVER, port)
    lab.wait_for_text(server, "ready")
    return server


@each_user
def test_64_mib_each_way_through_egress(user):
    with Lab(user) as lab:
        start_server(lab)
        for mode in ("u", "d"):
            done = lab.run("--", "python3", "-c", CLIENT, OUTSIDE_IP, "9000", mode)
            assert done.stdout.strip() == "True", (mode, done)


@each_user
def test_64_mib_each_way_through_a_published_port(user):
    with Lab(user) as lab:
        process = lab.start_run("files", "-p", "18080:9000", "--", "python3", "-c", SERVER, "9000")
        lab.wait_for_text(process, "ready")
        for mode in ("u", "d"):
            done = lab.host_sh("python3", "-c", CLIENT, "127.0.0.1", "18080", mode)
            assert done.stdout.strip() == "True", (mode, done)
            done = lab.outside_sh("python3", "-c", CLIENT, HOST_IP, "18080", mode)
            assert done.stdout.strip() == "True", (mode, done)


@each_user
def test_64_mib_each_way_between_endpoints(user):
    with Lab(user) as lab:
        process = lab.start_run("files", "--", "python3", "-c", SERVER, "9000")
        lab.wait_for_text(process, "ready")
        for mode in ("u", "d"):
            done = lab.run("--", "python3", "-c", CLIENT, "files", "9000", mode)
            assert done.stdout.strip() == "True", (mode, done)


@each_user
def test_both_directions_at_once(user):
    with Lab(user) as lab:
        start_server(lab)
        command = f"python3 -c \"$0\" {OUTSIDE_IP} 9000 u & python3 -c \"$0\" {OUTSIDE_IP} 9000 d & wait"
        done = lab.run("--", "sh", "-c", command, CLIENT)
        assert done.stdout.split() == ["True", "True"], done


@each_user
def test_refused_arrives_as_refused_and_unreachable_as_unreachable(user):
    attempt = '''
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
except OSError as error:
    print(type(error).__name__, error.errno)
'''
    with Lab(user) as lab:
        out = lab.run("--", "python3", "-c", attempt, OUTSIDE_IP, "9").stdout
        assert out.startswith("ConnectionRefusedError"), out
        out = lab.run("--", "python3", "-c", attempt, "172.17.0.1", "9").stdout
        assert out.startswith("ConnectionRefusedError"), out
        lab.outside_sh("ip", "route", "add", "unreachable", "203.0.113.0/24")
        out = lab.run("--", "python3", "-c", attempt, "203.0.113.1", "9").stdout
        assert " 113" in out or " 101" in out, out  # EHOSTUNREACH, ENETUNREACH


@each_user
def test_a_half_close_is_a_half_close(user):
    server = '''
import socket
listener = socket.create_server(("0.0.0.0", 9001))
print("ready", flush=True)
sock, _ = listener.accept()
asked = b""
while piece := sock.recv(65536):
    asked += piece
sock.sendall(b"after the end: " + asked)
sock.close()
'''
    client = '''
import socket, sys
sock = socket.create_connection((sys.argv[1], 9001), 10)
sock.sendall(b"question")
sock.shutdown(socket.SHUT_WR)
print(sock.makefile().read())
'''
    with Lab(user) as lab:
        lab.wait_for_text(lab.start_outside("python3", "-c", server), "ready")
        assert lab.run("--", "python3", "-c", client, OUTSIDE_IP).stdout.strip() == "after the end: question"
        inside = lab.start_run("half", "-p", "9001:9001", "--", "python3", "-c", server)
        lab.wait_for_text(inside, "ready")
        assert lab.host_sh("python3", "-c", client, "127.0.0.1").stdout.strip() == "after the end: question"


@each_user
def test_udp_echo_both_ways(user):
    client = '''
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
for size in (0, 1, 100, 1472, 4000, 20000):
    s.sendto(bytes(range(256)) * (size // 256) + bytes(size % 256), (sys.argv[1], int(sys.argv[2])))
    data, peer = s.recvfrom(65535)
    assert len(data) == size, (size, len(data))
    assert peer == (sys.argv[1], int(sys.argv[2])), peer
print("fine")
'''
    with Lab(user) as lab:
        lab.wait_for_text(lab.start_outside("python3", "-c", ECHO), "ready")
        assert lab.run("--", "python3", "-c", client, OUTSIDE_IP, "7777").stdout.strip() == "fine"
        inside = lab.start_run("echo", "-p", "7777:7777/udp", "--", "python3", "-c", ECHO)
        lab.wait_for_text(inside, "ready")
        assert lab.host_sh("python3", "-c", client, "127.0.0.1", "7777").stdout.strip() == "fine"
        assert lab.outside_sh("python3", "-c", client, HOST_IP, "7777").stdout.strip() == "fine"


@each_user
def test_a_closed_udp_port_is_refused_at_once(user):
    client = '''
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.connect((sys.argv[1], 9))
s.send(b"anybody?")
try:
    s.recv(10)
except ConnectionRefusedError:
    print("refused")
'''
    with Lab(user) as lab:
        assert lab.run("--", "python3", "-c", client, OUTSIDE_IP).stdout.strip() == "refused"


@each_user
def test_ping(user):
    need_tools("ping")
    with Lab(user) as lab:
        lab.start_run("web", "--", "sleep", "1000")
        for target in ("172.17.0.1", "web", OUTSIDE_IP):
            done = lab.run("--", "ping", "-c2", "-i0.2", "-W5", target)
            assert "2 received" in done.stdout, (target, done)


@each_user
def test_curl_and_nginx(user):
    need_tools("curl", "nginx")
    with Lab(user) as lab:
        site = lab.home / "site"
        (site / "tmp").mkdir(parents=True)
        (site / "index.html").write_text("from nginx\n")
        (site / "big").write_bytes(hashlib.sha256(b"x").digest() * (MIB // 4))
        config = site / "nginx.conf"
        temporary = " ".join(f"{kind}_temp_path {site}/tmp/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config.write_text(f"daemon off; pid {site}/tmp/pid; error_log stderr; events {{}} http {{ access_log {site}/tmp/log; {temporary} server {{ listen 80; root {site}; }} }}")
        sh_chown(lab, site)
        lab.start_run("web", "-p", "18080:80", "--user", "root", "--", "nginx", "-e", "stderr", "-g", "user root;", "-c", str(config))
        lab.wait_tcp("127.0.0.1", 18080)
        assert lab.host_sh("curl", "-sS", "-m10", "http://127.0.0.1:18080/").stdout == "from nginx\n"
        digest = hashlib.sha256((site / "big").read_bytes()).hexdigest()
        for command in (["curl", "-sS", "-m30", "http://web/big"], ["curl", "-sS", "-m30", "--limit-rate", "20M", "http://web/big"]):
            out = lab.run("--", "sh", "-c", '"$@" | sha256sum', "sh", *command).stdout
            assert out.split()[0] == digest, out
        out = lab.outside_sh("curl", "-sS", "-m10", f"http://{HOST_IP}:18080/").stdout
        assert out == "from nginx\n"
        wait_until(lambda: HOST_IP not in (site / "tmp/log").read_text(), "the log")
        assert OUTSIDE_IP in (site / "tmp/log").read_text(), "the server sees the client's own address"


def sh_chown(lab, path):
    from lab import USER_ID, sh
    if lab.user != "root":
        sh("chown", "-R", f"{USER_ID}:{USER_ID}", str(path))


@each_user
def test_the_outside_client_is_seen_by_its_address_and_the_host_as_the_gateway(user):
    with Lab(user) as lab:
        process = lab.start_run("who", "-p", "18080:9000", "--", "python3", "-c", SERVER, "9000")
        lab.wait_for_text(process, "ready")
        assert lab.outside_sh("python3", "-c", CLIENT, HOST_IP, "18080", "w").stdout.strip() == OUTSIDE_IP
        assert lab.host_sh("python3", "-c", CLIENT, "127.0.0.1", "18080", "w").stdout.strip() == "172.17.0.1"


@each_user
def test_iperf3_moves_bytes(user):
    need_tools("iperf3")
    with Lab(user) as lab:
        lab.start_outside("iperf3", "-s")
        lab.wait_tcp(OUTSIDE_IP, 5201)
        for flags in ([], ["-R"], ["-P", "8"], ["-P", "8", "-R"]):
            done = lab.run("--", "iperf3", "-c", OUTSIDE_IP, "-n", "16M", "-J", *flags, check=False)
            assert done.returncode == 0, (flags, done.stdout[-500:], done.stderr)
