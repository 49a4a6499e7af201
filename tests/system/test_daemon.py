"""The daemon: killed under traffic, restarted, abused, and used for a long time."""

import os
import socket
import threading

from lab import OUTSIDE_IP, RELEASE_BINARY, Lab, each_user, sh, wait_until

TICKER = '''
import socket, sys, time
while True:
    try:
        s = socket.create_connection((sys.argv[1], 9000), 2)
        s.sendall(b"x")
        s.recv(1)
        print("tick", flush=True)
        s.close()
    except OSError:
        pass
    time.sleep(0.05)
'''
ECHO = '''
import socket
listener = socket.create_server(("0.0.0.0", 9000), backlog=100)
print("ready", flush=True)
while True:
    sock, _ = listener.accept()
    sock.sendall(sock.recv(1) or b".")
    sock.close()
'''


@each_user
def test_kill_9_during_traffic_and_a_restart_with_the_same_leases(user):
    with Lab(user) as lab:
        server = lab.start_outside("python3", "-c", ECHO)
        lab.wait_for_text(server, "ready")
        first = lab.start_run("one", "-p", "18080:9000", "--", "python3", "-c", TICKER, OUTSIDE_IP)
        second = lab.start_run("two", "--", "sleep", "1000")
        lab.wait_for_text(first, "tick")
        before = {name: (item["address"], item["mac"]) for name, item in lab.endpoints().items()}
        os.kill(lab.daemon_pid(), 9)
        lab.start_daemon()
        wait_until(lambda: lab.status("one") == "up" and lab.status("two") == "up", "both are back")
        assert {name: (item["address"], item["mac"]) for name, item in lab.endpoints().items()} == before
        assert "18080" in lab.pontoon("port", "one").stdout
        ticks = first.output().count("tick")
        wait_until(lambda: first.output().count("tick") > ticks + 3, "traffic goes on")
        assert second.popen.poll() is None


@each_user
def test_starting_and_stopping_in_a_loop_never_stumbles(user):
    with Lab(user) as lab:
        for _ in range(8):
            lab.run("--name", "one", "--", "true")
            lab.pontoon("stop")
        lab.start_daemon()
        assert lab.leases()["one"]["state"] == "released", "what was released last is on disk"


@each_user
def test_a_run_right_after_the_daemon_was_killed_starts_another(user):
    with Lab(user) as lab:
        for _ in range(5):
            lab.run("--", "true")
            os.kill(lab.daemon_pid(), 9)
        assert lab.run("--", "true").returncode == 0


@each_user
def test_a_second_daemon_is_refused(user):
    with Lab(user) as lab:
        lab.start_daemon()
        done = lab.pontoon("daemon", check=False)
        assert done.returncode == 1 and "already running" in done.stderr, done


@each_user
def test_commands_without_a_daemon_say_so(user):
    with Lab(user) as lab:
        for command in (["ps"], ["leases"], ["network", "ls"], ["stop"], ["port", "web"]):
            done = lab.pontoon(*command, check=False)
            assert done.returncode == 1 and "no daemon answers" in done.stderr and "pontoon run" in done.stderr, done
        assert "not running" in lab.pontoon("version").stdout


@each_user
def test_names_must_be_unique_and_valid(user):
    with Lab(user) as lab:
        lab.start_run("web", "--", "sleep", "1000")
        for name, words in (("web", "already in use"), ("WEB", "already in use"), ("-x", "Invalid name"), ("a.b", "Invalid name"),
                            ("x" * 64, "Invalid name"), ("localhost", "localhost")):
            done = lab.run(f"--name={name}", "--", "true", check=False)
            assert done.returncode == 125 and words in done.stderr, (name, done)
        for flags, words in ((["--ip", "10.1.1.1"], "not in network"), (["--ip", lab.address("web")], "in use by web"),
                             (["--ip", "172.17.0.1"], "172.17.0.1"), (["--mac", "zz"], "Invalid --mac"),
                             (["--mac", lab.endpoints()["web"]["mac"]], "in use")):
            done = lab.run(*flags, "--", "true", check=False)
            assert done.returncode == 125 and words in done.stderr, (flags, done)


@each_user
def test_attach_by_pid_and_by_path_and_detach(user):
    with Lab(user) as lab:
        target = lab.start(lab.on_host("unshare", "-Urn", "sleep", "1000"))
        sleeper = wait_until(lambda: next((pid for pid, argv in lab.processes().items() if argv == "sleep 1000"), None), "sleep")
        out = lab.pontoon("attach", "--pid", sleeper, "--name", "db").stdout
        assert out == "db 172.17.0.2\n", out
        enter = lab.on_host("nsenter", "-t", sleeper, "-U", "--preserve-credentials", "-n")
        assert "172.17.0.2/16" in sh(*enter, "ip", "-o", "-4", "addr", "show", "eth0").stdout
        assert "1 received" in sh(*enter, "ping", "-c1", "-W5", "172.17.0.1").stdout
        assert "1 received" in lab.run("--", "ping", "-c1", "-W5", "db").stdout
        lab.pontoon("detach", "db")
        wait_until(lambda: "eth0" not in sh(*enter, "ip", "-o", "link").stdout, "the interface is gone")
        out = lab.pontoon("attach", "--netns", f"/proc/{sleeper}/ns/net", "--name", "again").stdout
        assert out.startswith("again 172.17."), out
        target.end()
        lab.pontoon("detach", "again")
        wait_until(lambda: not lab.endpoints(), "detached")


@each_user
def test_an_attached_endpoint_goes_with_its_target(user):
    with Lab(user) as lab:
        lab.start(lab.on_host("unshare", "-Urn", "sleep", "1000"))
        sleeper = wait_until(lambda: next((pid for pid, argv in lab.processes().items() if argv == "sleep 1000"), None), "sleep")
        lab.pontoon("attach", "--pid", sleeper, "--name", "db")
        os.kill(sleeper, 9)
        wait_until(lambda: not lab.endpoints(), "the endpoint is gone")
        wait_until(lambda: all("daemon" in argv for argv in lab.processes().values()), "the agent is gone")


@each_user
def test_garbage_on_the_sockets_hurts_nobody(user):
    with Lab(user) as lab:
        lab.start_daemon()
        for text in (b"", b"\0" * 1000, b"GET /v1/endpoints HTTP/1.1\r\n", b"GET / HTTP/1.1\r\n" + b"x: " + b"y" * 100000,
                     b"POST /v1/networks HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n",
                     b"POST /v1/networks HTTP/1.1\r\ncontent-length: 5\r\n\r\n[[[[["):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
                sock.settimeout(2)
                sock.connect(str(lab.home / "run" / "pontoon.sock"))
                try:
                    sock.sendall(text)
                    sock.shutdown(socket.SHUT_WR)
                    sock.recv(100)
                except OSError:
                    pass
        for text in (b"{}", b"\xff" * 100, b'{"op":"reserve"}', b'{"op":"link","link":{"kind":"tap"}}', b"[" * 5000):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
                sock.settimeout(2)
                sock.connect(str(lab.home / "run" / "attach.sock"))
                sock.send(text)
                assert b'"error"' in sock.recv(4096), text
        assert lab.run("--", "true").returncode == 0


@each_user
def test_sockets_and_files_are_closed_to_others(user):
    with Lab(user) as lab:
        lab.start_daemon()
        for path, mode in (("run", 0o700), ("state", 0o700), ("run/pontoon.sock", 0o600), ("run/attach.sock", 0o600),
                           ("state/leases.db", 0o600), ("state/networks.db", 0o600)):
            assert (lab.home / path).stat().st_mode & 0o777 == mode, path


def test_without_user_namespaces_the_error_names_the_setting():
    with Lab("ordinary") as lab:
        # The limit belongs to a user namespace: one for this test, in which the caller then gives up its capabilities.
        script = ("echo 0 > /proc/sys/user/max_user_namespaces;"
                  f"exec setpriv --bounding-set=-all --inh-caps=-all -- {lab.binary} run -- true")
        done = sh(*lab.on_host("unshare", "-Ur", "sh", "-c", script), check=False, env=lab.environment(), cwd=lab.home)
        assert done.returncode == 125 and "max_user_namespaces" in done.stderr, done
        assert not lab.endpoints()


@each_user
def test_fifty_endpoints_in_a_loop_leave_no_trace_in_the_daemon(user):
    with Lab(user, RELEASE_BINARY) as lab:
        lab.start_daemon()
        pid = lab.daemon_pid()

        def one(number):
            lab.run("--name", f"n{number}", "-p", f"{20000 + number}:80", "--", "ping", "-c1", "-W10", "172.17.0.1")

        def round_of_fifty():
            threads = [threading.Thread(target=lambda first=first: [one(n) for n in range(first, 50, 5)]) for first in range(5)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            wait_until(lambda: not lab.endpoints(), "all are gone")

        def usage():
            status = open(f"/proc/{pid}/status", encoding="ascii").read()
            rss = int(status.split("VmRSS:")[1].split()[0])
            return len(os.listdir(f"/proc/{pid}/fd")), rss, status.split("Threads:")[1].split()[0]

        round_of_fifty()
        fds, rss, threads = usage()
        for _ in range(3):
            round_of_fifty()
        fds_after, rss_after, threads_after = usage()
        assert (fds_after, threads_after) == (fds, threads), (usage(), fds)
        assert rss_after <= rss + 1024, f"{rss} kB became {rss_after} kB"
        assert set(lab.processes()) == {pid} | {p for p, argv in lab.processes().items() if "daemon" in argv}


@each_user
def test_fifty_endpoints_at_once_reach_each_other(user):
    with Lab(user, RELEASE_BINARY) as lab:
        lab.start_daemon()
        for number in range(50):
            lab.start_run(f"n{number}", "--", "sleep", "1000", up=False)
        wait_until(lambda: sum(item["status"] == "up" for item in lab.endpoints().values()) == 50, "fifty are up", 60)
        assert len({item["address"] for item in lab.endpoints().values()}) == 50
        targets = " ".join(f"n{number}" for number in range(0, 50, 7))
        done = lab.run("--", "sh", "-c", f"for t in {targets}; do ping -c1 -W5 $t >/dev/null || echo lost $t; done")
        assert done.stdout == "", done
        lab.pontoon("stop")
        wait_until(lambda: not lab.processes(), "all fifty end", 40)


@each_user
def test_a_flight_recorder_has_a_most(user):
    """[limit:kRecorderMaxBytes]"""
    with Lab(user) as lab:
        refused = lab.pontoon("daemon", "--recorder", "257MiB", check=False)
        assert refused.returncode != 0 and "up to 256 MiB" in refused.stderr, (refused.stdout, refused.stderr)
