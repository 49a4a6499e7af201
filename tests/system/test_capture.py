"""pontoon capture: what it writes is read back by a reader of its own (pcapng.py)."""

import json
import os
import re
import signal
import subprocess
import time

import answers
import pcapng
from lab import Lab, each_user, wait_until
from test_dhcp import UDHCPC_SCRIPT

SUMMARY = re.compile(r"(\d+) frames captured, (\d+) left out by the filter, (\d+) lost because the reader was too slow")

# Claims addresses that are not its own, through a packet socket.
SPOOF = '''
import fcntl, socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("eth0", 0))
own = s.getsockname()[4]
def ip(source, target):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 1, 0, 64, 17, 0, socket.inet_aton(source), socket.inet_aton(target))
    total = sum(struct.unpack("!10H", header))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return header[:10] + struct.pack("!H", ~total & 0xffff) + header[12:] + struct.pack("!HHHH", 1000, 2000, 8, 0)
for _ in range(3):
    s.send(b"\\xff" * 6 + own + b"\\x08\\x00" + ip("10.66.66.66", "172.17.0.1"))
    s.send(b"\\xff" * 6 + b"\\x02\\x66\\x66\\x66\\x66\\x66" + b"\\x08\\x00" + ip("10.66.66.66", "172.17.0.1"))
print("lied", flush=True)
'''

SINK = '''
import socket
listener = socket.create_server(("0.0.0.0", 9100))
print("ready", flush=True)
while True:
    sock, peer = listener.accept()
    count = 0
    while piece := sock.recv(1 << 18):
        count += len(piece)
    sock.sendall(str(count).encode())
    sock.close()
'''

SOURCE = '''
import socket, sys
sock = socket.create_connection((sys.argv[1], 9100), 20)
sock.settimeout(60)
block = b"x" * (1 << 16)
for _ in range(int(sys.argv[2]) << 4):
    sock.sendall(block)
sock.shutdown(socket.SHUT_WR)
print("taken", int(sock.makefile().read()) >> 20)
'''


def start_capture(lab, *arguments):
    """Returns once it sees frames."""
    process = lab.start(lab.on_host(lab.binary, "capture", *arguments))
    lab.wait_for_text(process, "Ctrl-C ends it")
    return process


def end(process, number=signal.SIGINT):
    """Its frames, those that the filter left out, and those that were lost."""
    process.kill(number)
    process.wait()
    return counts(process)


def counts(process):
    found = SUMMARY.search(process.output())
    assert found, process.output()
    return tuple(map(int, found.groups()))


def start_web(lab, name="web"):
    (lab.home / "index.html").write_text("pontoon\n")
    web = lab.start_run(name, "--", "python3", "-m", "http.server", "80")
    lab.run("--", "sh", "-c", f"for i in $(seq 100); do curl -s http://{name}/ >/dev/null && exit; sleep 0.1; done; exit 1")
    return web


def fetch(lab, *options):
    done = lab.run("--name", "shell", *options, "--", "curl", "-s", "--max-time", "10", "http://web/index.html")
    assert done.stdout == "pontoon\n"


@each_user
def test_a_request_between_containers_is_written_where_it_came_out_and_went_in(user):
    with Lab(user) as lab:
        start_web(lab)
        file = lab.home / "all.pcapng"
        capture = start_capture(lab, "-w", file)
        fetch(lab, "--ip", "172.17.0.77")
        shown, filtered, lost = end(capture)
        assert capture.popen.returncode == 0
        got = pcapng.read(file)
        assert (shown, filtered, lost) == (len(got.packets), 0, 0)
        assert file.stat().st_mode & 0o777 == 0o600
        assert got.application.startswith("pontoon ")
        by_name = {interface.name: interface for interface in got.interfaces}
        assert set(by_name) == {"web", "shell"}
        assert by_name["shell"].address == "172.17.0.77" and len(by_name["shell"].mac) == 17
        assert by_name["web"].address == lab.address("web")
        assert got.names["172.17.0.77"] == "shell" and got.names["172.17.0.1"] == "gateway"
        for interface in got.interfaces:
            assert interface.has_statistics and interface.dropped == 0
            assert interface.received == len(got.of(interface.name))
        request = [packet for packet in got.packets if b"GET /index.html" in packet.data]
        assert [(packet.interface, packet.direction) for packet in request] == [("shell", "out"), ("web", "in")]
        assert request[0].data == request[1].data
        assert {packet.ends for packet in request} == {"shell -> web"}
        assert any(packet.ends == "shell -> all" for packet in got.of("shell")), "ARP"
        assert any(b"\x03web" in packet.data and packet.ends == "shell -> gateway" for packet in got.of("shell")), "DNS"
        assert all(pcapng.checksums_right(packet.data) for packet in got.packets)
        assert not any(packet.dropped for packet in got.packets if b"GET" in packet.data)
        times = [packet.time_ns for packet in got.packets]
        assert times == sorted(times) and abs(times[-1] / 1e9 - time.time()) < 60


@each_user
def test_super_frames_are_written_as_their_segments(user):
    with Lab(user) as lab:
        sink = lab.start_run("sink", "--", "python3", "-c", SINK)
        lab.wait_for_text(sink, "ready")
        file = lab.home / "bulk.pcapng"
        capture = start_capture(lab, "sink", "-w", file, "-c", "4000", "tcp", "port", "9100")
        lab.run("--", "python3", "-c", SOURCE, "sink", "8")
        if capture.popen.poll() is None:
            end(capture)
        got = pcapng.read(file)
        full = [packet for packet in got.packets if packet.direction == "in" and packet.length > 1400]
        assert len(full) > 100
        assert max(packet.length for packet in got.packets) <= 1514
        assert all(len(packet.data) == packet.length for packet in got.packets)
        assert all(pcapng.checksums_right(packet.data) for packet in got.packets)


@each_user
def test_filter_snap_length_and_count(user):
    with Lab(user) as lab:
        start_web(lab)
        some, few = lab.home / "some.pcapng", lab.home / "few.pcapng"
        one = start_capture(lab, "default", "-w", some, "-s", "60", "udp port 53 or arp and host web")
        two = start_capture(lab, "-w", few, "-c", "3", "tcp", "dst", "port", "80")
        fetch(lab)
        two.wait()
        assert counts(two)[0] == 3
        got = pcapng.read(few)
        assert len(got.packets) == 3
        for packet in got.packets:
            assert packet.data[23] == 6 and int.from_bytes(packet.data[36:38], "big") == 80
        shown, filtered, _ = end(one)
        got = pcapng.read(some)
        assert shown == len(got.packets) > 0 and filtered > 0
        assert all(len(packet.data) == min(60, packet.length) for packet in got.packets)
        assert all(interface.snap == 60 for interface in got.interfaces)


def test_a_wrong_filter_a_wrong_target_and_wrong_options_are_told():
    with Lab("root") as lab:
        lab.start_daemon()
        for arguments, status, text in [
                (["tcp", "prot", "80"], 1, "prot"),
                (["host", "nobody"], 1, "nobody"),
                (["nobody"], 1, "No such endpoint or network: nobody"),
                (["network:nobody"], 1, "No such network: nobody"),
                (["endpoint:nobody"], 1, "No such endpoint: nobody"),
                (["--rotate", "10MiB"], 1, "-w FILE"),
                (["-w", "x", "--rotate", "10m"], 1, "10MiB or 10min"),
                (["-w", "x", "--rotate", "fast"], 1, "Invalid --rotate fast"),
                (["-w", "x", "--rotate", "1kB"], 1, "at least"),
                (["-w", "x", "--files", "3"], 1, "--rotate"),
                (["--last", "soon"], 1, "Invalid --last soon"),
                (["-w", "/nowhere/x"], 1, "cannot write /nowhere/x: No such file or directory"),
                (["-s", "-5"], 1, "-s")]:
            done = lab.pontoon("capture", *arguments, check=False)
            assert done.returncode == status and text in done.stderr, (arguments, done.returncode, done.stderr)
            assert not (lab.home / "x").exists()


def test_without_a_daemon_and_on_a_terminal():
    with Lab("root") as lab:
        done = lab.pontoon("capture", check=False)
        assert done.returncode == 1 and "no daemon answers" in done.stderr
        lab.start_daemon()
        done = lab.host_sh("script", "-qec", f"{lab.binary} capture -w -", "/dev/null", check=False)
        assert done.returncode == 1 and "nothing for a terminal" in done.stdout, done.stdout + done.stderr


@each_user
def test_text_shows_each_frame_once_and_hides_nothing(user):
    with Lab(user) as lab:
        start_web(lab)
        capture = start_capture(lab)
        fetch(lab)
        lab.run("--name", "evil", "--", "python3", "-c",
                "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
                "s.sendto(bytes.fromhex('123401000001000000000000031b5b3100000100 01'), ('172.17.0.1', 53))")
        wait_until(lambda: "evil > gateway" in capture.output(), "the query is shown")
        end(capture)
        lines = capture.output().splitlines()
        assert sum("shell > web" in line and "SYN" in line for line in lines) == 1, capture.output()
        assert any("web > shell" in line for line in lines)
        assert any(re.match(r"\d\d:\d\d:\d\d\.\d{6} shell > gateway: DNS", line) for line in lines), capture.output()
        assert "\x1b" not in capture.output()


@each_user
def test_what_is_dropped_carries_its_reason(user):
    with Lab(user) as lab:
        lab.start_daemon()
        file = lab.home / "drops.pcapng"
        capture = start_capture(lab, "-w", file, "dropped")
        text = start_capture(lab, "dropped")
        done = lab.run("--name", "liar", "--", "python3", "-c", SPOOF)
        assert "lied" in done.stdout
        wait_until(lambda: text.output().count("dropped: guard_source_mac") >= 3, "the lies are shown")
        shown, _, _ = end(capture)
        end(text)
        got = pcapng.read(file)
        lies = [packet for packet in got.packets if packet.data[26:30] == bytes([10, 66, 66, 66])]
        assert [packet.dropped for packet in lies] == ["guard_source_ip", "guard_source_mac"] * 3
        for packet in lies:
            assert packet.interface == "liar" and packet.direction == "out", "once, where it came out"
            assert packet.ends.startswith("liar -> ")
        assert "; dropped: guard_source_ip (source IP is not the port's own)" in lies[0].comment
        assert all(packet.dropped for packet in got.packets) and shown == len(got.packets)
        assert "[dropped: guard_source_ip (source IP is not the port's own)]" in text.output()


@each_user
def test_what_the_gateway_refuses_is_dropped_by_policy(user):
    with Lab(user) as lab:
        lab.start_daemon()
        file = lab.home / "policy.pcapng"
        capture = start_capture(lab, "-w", file, "udp")
        lab.run("--name", "web", "--", "python3", "-c",
                "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
                "s.sendto(b'x', ('169.254.169.254', 80))")
        end(capture)
        refused = [packet for packet in pcapng.read(file).packets if packet.dropped]
        assert [packet.ends for packet in refused] == ["web -> 169.254.169.254"]
        assert refused[0].dropped == "policy_denied"


@each_user
def test_a_ring_of_files(user):
    with Lab(user) as lab:
        sink = lab.start_run("sink", "--", "python3", "-c", SINK)
        lab.wait_for_text(sink, "ready")
        capture = start_capture(lab, "-w", lab.home / "ring.pcapng", "--rotate", "64KiB", "--files", "3", "-s", "200")
        lab.run("--", "python3", "-c", SOURCE, "sink", "4")
        end(capture)
        files = sorted(lab.home.glob("ring*"))
        assert [file.name for file in files] == ["ring.1.pcapng", "ring.2.pcapng", "ring.3.pcapng"]
        for file in files:
            got = pcapng.read(file)
            assert file.stat().st_size <= 66 << 10
            assert {"sink"} <= {interface.name for interface in got.interfaces}
            assert got.packets
        assert any(interface.has_statistics for file in files for interface in pcapng.read(file).interfaces)


@each_user
def test_the_flight_recorder_is_dumped_after_the_fact(user):
    with Lab(user) as lab:
        start_web(lab)
        lab.run("--name", "liar", "--", "python3", "-c", SPOOF)
        fetch(lab)
        file = lab.home / "last.pcapng"
        done = lab.pontoon("capture", "--last", "5m", "-w", file)
        assert SUMMARY.search(done.stderr)
        got = pcapng.read(file)
        assert all(len(packet.data) <= 128 for packet in got.packets)
        names = {packet.interface for packet in got.packets}
        assert {"web", "shell", "liar"} <= names, "those that have gone, too"
        lies = [packet for packet in got.packets if packet.data[26:30] == bytes([10, 66, 66, 66])]
        assert [packet.dropped for packet in lies] == ["guard_source_ip", "guard_source_mac"] * 3
        assert all(packet.direction == "out" for packet in lies)
        cut = [packet for packet in got.packets if len(packet.data) < packet.length]
        whole = [packet for packet in got.packets if len(packet.data) == packet.length]
        assert cut and whole and all(pcapng.checksums_right(packet.data) for packet in whole)
        only = lab.pontoon("capture", "web", "--last", "5min", "tcp", "port", "80").stdout
        assert "shell > web: TCP" in only and "liar" not in only
        assert lab.pontoon("capture", "--last", "0s").stdout == ""


def test_a_daemon_without_a_recorder_says_so():
    with Lab("root") as lab:
        bad = lab.pontoon("daemon", "--recorder", "1TB", check=False)
        assert bad.returncode == 1 and "Invalid --recorder 1TB" in bad.stderr
        lab.start(lab.on_host(lab.binary, "daemon", "--recorder", "0"))
        wait_until(lambda: lab.pontoon("ps", check=False).returncode == 0, "a daemon")
        done = lab.pontoon("capture", "--last", "30s", check=False)
        assert done.returncode == 1 and "the flight recorder is off" in done.stderr


@each_user
def test_a_reader_that_stands_still_costs_the_traffic_nothing(user):
    with Lab(user) as lab:
        sink = lab.start_run("sink", "--", "python3", "-c", SINK)
        lab.wait_for_text(sink, "ready")
        capture = start_capture(lab, "-w", lab.home / "slow.pcapng")
        capture.kill(signal.SIGSTOP)
        daemon = lab.daemon_pid()
        lab.run("--", "python3", "-c", SOURCE, "sink", "4")
        before = resident_kib(daemon)
        done = lab.run("--", "python3", "-c", SOURCE, "sink", "64")
        assert "taken 64" in done.stdout
        assert resident_kib(daemon) - before < 40 << 10
        capture.kill(signal.SIGCONT)
        shown, _, lost = end(capture)
        got = pcapng.read(lab.home / "slow.pcapng")
        assert lost > 1000 and shown == len(got.packets)
        assert sum(interface.dropped for interface in got.interfaces) == lost


def resident_kib(pid):
    for line in open(f"/proc/{pid}/status", encoding="ascii"):
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


@each_user
def test_a_capture_that_is_killed_leaves_the_daemon_and_the_others_alone(user):
    with Lab(user) as lab:
        start_web(lab)
        daemon = lab.daemon_pid()
        descriptors = len(os.listdir(f"/proc/{daemon}/fd"))
        killed = [start_capture(lab, "-w", lab.home / f"{number}.pcapng") for number in range(3)]
        other = start_capture(lab, "-w", lab.home / "other.pcapng")
        for capture in killed:
            capture.kill()
            capture.wait()
        fetch(lab)
        shown, _, _ = end(other)
        assert shown == len(pcapng.read(lab.home / "other.pcapng").packets) > 0
        wait_until(lambda: len(os.listdir(f"/proc/{daemon}/fd")) <= descriptors, "their descriptors are closed")
        assert lab.daemon_pid() == daemon


@each_user
def test_more_captures_than_there_may_be(user):
    with Lab(user) as lab:
        lab.start_daemon()
        captures = [start_capture(lab) for _ in range(16)]
        done = lab.pontoon("capture", check=False)
        assert done.returncode == 1 and "16 captures are on" in done.stderr
        end(captures.pop())
        end(start_capture(lab))


@each_user
def test_an_endpoint_that_goes_and_returns_while_it_is_captured(user):
    with Lab(user) as lab:
        lab.start_daemon()
        web = lab.start_run("web", "--", "sleep", "1000")
        capture = start_capture(lab, "web", "-w", lab.home / "web.pcapng", "icmp")
        web.end()
        lab.wait_for_text(capture, "web has gone; waiting for its return")
        done = lab.run("--name", "web", "--", "ping", "-c", "1", "172.17.0.1")
        assert "1 received" in done.stdout
        lab.wait_for_text(capture, "web is back")
        lab.run("--name", "other", "--", "ping", "-c", "1", "172.17.0.1")
        end(capture)
        got = pcapng.read(lab.home / "web.pcapng")
        assert [packet.ends for packet in got.packets] == ["web -> gateway", "gateway -> web"]
        assert {interface.name for interface in got.interfaces} == {"web"}


@each_user
def test_the_daemon_or_the_network_goes_while_it_is_captured(user):
    with Lab(user) as lab:
        lab.start_daemon()
        lab.pontoon("network", "create", "back")
        lab.run("--network", "back", "--", "true")
        back = start_capture(lab, "back", "-w", lab.home / "back.pcapng")
        lab.pontoon("network", "rm", "back")
        assert back.wait() == 0
        assert "network back was removed" in back.output()
        pcapng.read(lab.home / "back.pcapng")
        stopped = start_capture(lab, "-w", lab.home / "stopped.pcapng")
        lab.run("--", "ping", "-c", "1", "172.17.0.1")
        lab.pontoon("stop")
        assert stopped.wait() == 0 and "the daemon was stopped" in stopped.output()
        got = pcapng.read(lab.home / "stopped.pcapng")
        assert got.packets and all(interface.has_statistics for interface in got.interfaces)
        daemon = lab.start_daemon()
        lost = start_capture(lab, "-w", lab.home / "lost.pcapng")
        daemon.kill()
        assert lost.wait() == 1 and "the daemon has gone" in lost.output()
        pcapng.read(lab.home / "lost.pcapng")


def test_the_disk_is_full_and_the_reader_of_the_pipe_goes():
    with Lab("root") as lab:
        start_web(lab)
        small = lab.home / "small"
        small.mkdir()
        # The mount is that of `ip netns exec`, and ends with it.
        capture = lab.start(["ip", "netns", "exec", lab.host, "sh", "-c",
                             f"mount -t tmpfs -o size=64k tmpfs {small};"
                             f"{lab.binary} capture -w {small}/x.pcapng; status=$?;"
                             f"cp {small}/x.pcapng {lab.home}/copy.pcapng; exit $status"])
        lab.wait_for_text(capture, "Ctrl-C ends it")
        wait_until(lambda: fetch(lab) or capture.popen.poll() is not None, "the disk is full")
        assert capture.wait() == 1
        assert "No space left on device" in capture.output()
        assert pcapng.read(lab.home / "copy.pcapng").packets, "and ends where a block ends"
        done = subprocess.Popen(lab.on_host("sh", "-c", f"{lab.binary} capture -w - | head -c 100 | wc -c; echo ended"),
                                env=lab.environment(), cwd=lab.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True)
        wait_until(lambda: fetch(lab) or done.poll() is not None, "head has seen enough and the capture has ended")
        out, errors = done.communicate(timeout=20)
        assert "100" in out and "ended" in out and "cannot write" not in errors


def test_pcapng_through_a_pipe_is_there_at_once():
    with Lab("root") as lab:
        lab.start_daemon()
        process = subprocess.Popen(lab.on_host(lab.binary, "capture", "-w", "-", "icmp"), env=lab.environment(),
                                   cwd=lab.home, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            os.set_blocking(process.stdout.fileno(), False)
            seen = bytearray()

            def packets():
                seen.extend(process.stdout.read() or b"")
                return seen and pcapng.parse(bytes(seen)).packets
            lab.run("--name", "web", "--", "ping", "-c", "1", "172.17.0.1")
            wait_until(packets, "frames, while the capture goes on")
            assert process.poll() is None
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
            process.stdout.close()
        assert process.returncode == 0


# What a client of the daemon's own user may send instead of a stream.
HOSTILE = '''
import array, json, os, socket, sys
def ask(fd, **capture):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(10)
    s.connect(sys.argv[1])
    text = json.dumps({"op": "capture", "version": 1, "capture": capture}).encode()
    s.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))] if fd is not None else [])
    return s, json.loads(s.recv(65536))
pair = socket.socketpair()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener = socket.socket(socket.AF_UNIX); listener.bind("\\0pontoon-test-%d" % os.getpid()); listener.listen()
dgram = socket.socketpair(type=socket.SOCK_DGRAM)
for fd in (os.open("/dev/null", os.O_WRONLY), os.pipe()[1], os.open("/dev/zero", os.O_RDONLY), udp.fileno(),
           listener.fileno(), dgram[0].fileno()):
    answer = ask(fd)[1]
    assert answer["op"] == "error" and "not a connected UNIX stream" in answer["message"], answer
assert ask(None)[1]["op"] == "error"
assert ask(pair[0].fileno(), filter="(" * 5000)[1]["op"] == "error"
assert ask(pair[0].fileno(), target="x\\u001b" * 100)[1]["op"] == "error"
assert ask(pair[0].fileno(), last_ms=-5)[1]["op"] == "capturing"
keep = []
for _ in range(3):   # talk on the stream that is for us to read
    pair = socket.socketpair()
    keep.append((pair, ask(pair[0].fileno())))
    pair[1].send(b"x" * 1000)
    assert keep[-1][1][1]["op"] == "capturing"
second = keep[0][1][0]
second.send(json.dumps({"op": "capture", "version": 1, "capture": {}}).encode())
assert json.loads(second.recv(65536))["op"] in ("error", "captured")
print("all told", flush=True)
'''


@each_user
def test_descriptors_that_are_no_stream_are_refused(user):
    with Lab(user) as lab:
        lab.start_daemon()
        done = lab.host_sh("python3", "-c", HOSTILE, lab.home / "run" / "attach.sock", check=False)
        assert "all told" in done.stdout, done.stderr
        lab.run("--", "true")


SESSION = '''
udhcpc -n -q -f -i eth0 -t 5 -T 2 -s {script}
python3 -c 'import socket; print(socket.gethostbyname("web"), socket.gethostbyaddr("172.17.0.2")[0])'
getent ahosts nobody.default.internal
ping -qc2 -i0.2 -W5 172.17.0.1
curl -s --max-time 10 http://web/index.html
curl -s --max-time 10 http://192.0.2.2:8000/page
curl -s --max-time 10 http://192.0.2.2:9/ || echo refused
'''
PAGE_SERVER = '''
import socket
page = b"".join(b"line %d\\n" % number for number in range(4000))
with socket.create_server(("0.0.0.0", 8000)) as listener:
    while True:
        with listener.accept()[0] as peer:
            if peer.recv(65536):
                peer.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(page) + page)
'''


@each_user
def test_a_capture_replays_here(user):
    """What was captured of a client is played again, without a case, and it is told the same in substance."""
    with Lab(user) as lab:
        lab.start_outside("python3", "-c", PAGE_SERVER)
        lab.wait_tcp("192.0.2.2", 8000)
        start_web(lab)
        script = lab.dir / "udhcpc-script"
        script.write_text(UDHCPC_SCRIPT)
        script.chmod(0o755)
        file = lab.home / "client.pcapng"
        capture = start_capture(lab, "-w", file, "not ip6")
        done = lab.run("--name", "shell", "--dhcp", "--", "sh", "-c", SESSION.format(script=script))
        assert "2 received" in done.stdout and "line 3999" in done.stdout and "refused" in done.stdout, done
        end(capture)

        played = json.loads(lab.host_sh(lab.binary, "replay", "--json", "-o", lab.home / "out", file).stdout)
        assert played["verdict"] == "played" and {"shell", "web"} <= {endpoint["name"] for endpoint in played["endpoints"]}
        told = answers.of(packet.data for packet in pcapng.read(file).of("shell") if packet.direction == "in")
        again = answers.of(packet.data for packet in pcapng.read(lab.home / "out" / "shell.pcapng").packets)
        kinds = [key[0] for key in told]
        assert [kinds.count(kind) for kind in ("arp", "dhcp", "echo", "tcp")] == [2, 2, 2, 3] and kinds.count("dns") > 4, kinds
        for key, answer in told.items():
            assert again.get(key) == answer, (key, answer, again.get(key))
        assert sum(len(answer["said"]) for key, answer in told.items() if key[0] == "tcp") > 30000
