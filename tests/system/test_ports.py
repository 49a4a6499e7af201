"""Published ports: what is bound, who is refused, and what is said."""

from lab import HOST_IP, Lab, Process, each_user

SERVE = ["busybox", "httpd", "-f", "-p", "80", "-h", "/etc"]
LISTEN = '''
import socket, sys
listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
listener.accept()
'''


def refused(lab, *arguments):
    done = lab.run(*arguments, "--", "true", check=False)
    assert done.returncode == 125, done
    text = done.stderr.replace("pontoon: started the daemon", "")
    assert len([line for line in done.stderr.splitlines() if "started the daemon" not in line]) <= 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith("pontoon: "), text
    return done.stderr.splitlines()[-1]


@each_user
def test_a_published_port_is_listed_and_answers_on_both_families(user):
    with Lab(user) as lab:
        lab.start_run("web", "-p", "18080:80", "--", *SERVE)
        assert lab.pontoon("port", "web").stdout == "80/tcp -> 0.0.0.0:18080\n80/tcp -> [::]:18080\n"
        assert lab.pontoon("port", "web", "80").stdout == "0.0.0.0:18080\n[::]:18080\n"
        assert "0.0.0.0:18080->80/tcp, [::]:18080->80/tcp" in lab.pontoon("ps").stdout
        lab.wait_tcp("127.0.0.1", 18080)
        for address in ("127.0.0.1", "[::1]", HOST_IP):
            done = lab.host_sh("curl", "-sS", "-m5", f"http://{address}:18080/hostname")
            assert done.returncode == 0, done
        done = lab.pontoon("port", "web", "81", check=False)
        assert done.returncode == 1 and "no public port '81/tcp'" in done.stderr


@each_user
def test_ephemeral_ports_ranges_and_publish_all(user):
    with Lab(user) as lab:
        lab.start_run("web", "-p", "127.0.0.1::80", "-p", "127.0.0.1:18000-18002:90-92", "--expose", "443", "-P", "--", *SERVE)
        ports = lab.json("port", "web")
        ranges = {(p["container_port"], p["host_port"]) for p in ports if p["container_port"] in (90, 91, 92)}
        assert ranges == {(90, 18000), (91, 18001), (92, 18002)}, ports
        ephemeral = [p for p in ports if p["container_port"] == 80]
        assert len(ephemeral) == 1 and ephemeral[0]["host_port"] > 1024, ports
        exposed = {p["host_port"] for p in ports if p["container_port"] == 443}
        assert len(exposed) == 1, "the same port on both families"
        lab.wait_tcp("127.0.0.1", ephemeral[0]["host_port"])


@each_user
def test_a_port_of_ours_is_told_with_its_holder(user):
    with Lab(user) as lab:
        lab.start_run("web", "-p", "18080:80", "--", "sleep", "1000")
        text = refused(lab, "-p", "18080:80")
        assert "Bind for 0.0.0.0:18080 failed: port is already allocated by web" in text, text


@each_user
def test_a_port_of_another_process_is_told_as_such(user):
    with Lab(user) as lab:
        other = lab.start_on_host("python3", "-c", LISTEN, "0.0.0.0", "18080")
        lab.wait_for_text(other, "ready")
        text = refused(lab, "-p", "18080:80")
        assert "Bind for 0.0.0.0:18080 failed: another process" in text, text
        other.end()


def test_a_port_below_1024_is_told_with_the_sysctl():
    with Lab("ordinary") as lab:
        text = refused(lab, "-p", "80:80")
        assert "1024" in text and "net.ipv4.ip_unprivileged_port_start" in text and "8080:80" in text, text


def test_root_may_publish_below_1024():
    with Lab("root") as lab:
        lab.start_run("web", "-p", "80:80", "--", *SERVE)
        lab.wait_tcp("127.0.0.1", 80)


@each_user
def test_bad_specifications_are_refused_in_one_line(user):
    with Lab(user) as lab:
        for spec, words in (("99999:80", "Invalid hostPort"), ("80", None), ("8000-8001:80-82", "Invalid ranges"),
                            ("8080:80/sctp", "sctp"), ("1.2.3:8080:80", "Invalid ip"), ("8080:", "No port specified"),
                            ("203.0.113.9:8080:80", "no interface of this host")):
            if words is None:
                continue
            text = refused(lab, "-p", spec)
            assert words.lower() in text.lower(), (spec, text)


@each_user
def test_a_range_is_published_whole_or_not_at_all(user):
    with Lab(user) as lab:
        lab.start_run("middle", "-p", "18001:80", "--", "sleep", "1000")
        refused(lab, "-p", "18000-18002:80-82")
        assert lab.run("-p", "18000:80", "-p", "18002:80", "--", "true").returncode == 0


@each_user
def test_nobody_listening_inside_is_seen_outside(user):
    attempt = '''
import socket
try:
    s = socket.create_connection(("127.0.0.1", 18080), 5)
    print(s.recv(1))
except (ConnectionResetError, ConnectionRefusedError) as error:
    print("reset")
'''
    with Lab(user) as lab:
        lab.start_run("web", "-p", "18080:80", "--", "sleep", "1000")
        assert lab.host_sh("python3", "-c", attempt).stdout.strip() == "reset"


@each_user
def test_ports_are_free_again_at_once(user):
    with Lab(user) as lab:
        for _ in range(5):
            assert lab.run("-p", "18080:80", "--", "true").returncode == 0


@each_user
def test_what_listens_on_the_containers_loopback_is_not_exposed(user):
    with Lab(user) as lab:
        process = lab.start_run("web", "-p", "18080:80", "--", "python3", "-c", LISTEN, "127.0.0.1", "80")
        lab.wait_for_text(process, "ready")
        done = lab.host_sh("curl", "-sS", "-m5", "http://127.0.0.1:18080/", check=False)
        assert done.returncode in (7, 52, 56), done
        assert isinstance(process, Process) and process.popen.poll() is None, "nobody reached it"
