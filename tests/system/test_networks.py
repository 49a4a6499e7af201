"""Networks: made, listed, isolated, removed; and what a container must not reach."""

import json

from lab import HOST_IP, OUTSIDE_IP, Lab, each_user

CONNECT = '''
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
    print("connected")
except OSError as error:
    print(type(error).__name__, error.errno)
'''
LISTEN = '''
import socket, sys
listener = socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=50)
print("ready", flush=True)
while True:
    listener.accept()
'''


@each_user
def test_create_list_inspect_remove(user):
    with Lab(user) as lab:
        done = lab.pontoon("network", "create", "--subnet", "172.20.0.0/16", "back")
        identifier = done.stdout.strip()
        assert len(identifier) == 12, done
        rows = lab.pontoon("network", "ls").stdout
        assert rows.splitlines()[0].split()[:4] == ["NETWORK", "ID", "NAME", "DRIVER"], rows
        assert identifier in rows and "172.20.0.0/16" in rows and "default" in rows
        document = json.loads(lab.pontoon("network", "inspect", "back").stdout)[0]
        assert document["network"]["gateway"] == "172.20.0.1"
        process = lab.start_run("db", "--network", "back", "--", "sleep", "1000")
        assert lab.address("db") == "172.20.0.2"
        done = lab.pontoon("network", "rm", "back", check=False)
        assert done.returncode == 1 and "active endpoints (db)" in done.stderr, done
        lab.pontoon("detach", "db")
        process.end()
        assert lab.pontoon("network", "rm", "back").stdout == "back\n"
        assert "back" not in lab.pontoon("network", "ls").stdout


@each_user
def test_a_network_outlives_the_daemon(user):
    with Lab(user) as lab:
        lab.pontoon("network", "create", "back")
        before = lab.json("network", "ls")
        lab.pontoon("stop")
        lab.run("--", "true")
        assert lab.json("network", "ls") == before


@each_user
def test_bad_requests_are_refused_with_a_reason(user):
    with Lab(user) as lab:
        lab.run("--", "true")
        for arguments, words in ((["--subnet", "172.17.3.0/24", "x"], "overlaps network default"),
                                 (["--subnet", "nonsense", "x"], "Invalid --subnet"),
                                 (["--subnet", "172.20.0.1/16", "x"], "172.20.0.0/16"),
                                 (["--subnet", "127.0.0.0/16", "x"], "not for unicast"),
                                 (["--subnet", "172.20.0.0/31", "x"], "between /8 and /29"),
                                 (["--subnet", "172.20.0.0/24", "--gateway", "10.0.0.1", "x"], "within 172.20.0.0/24"),
                                 (["default"], "already exists"), (["a.b"], "Invalid network name"),
                                 (["docker"], "docker"), (["--mtu", "100", "x"], "1280")):
            done = lab.pontoon("network", "create", *arguments, check=False)
            assert done.returncode == 1 and words in done.stderr and done.stderr.count("\n") <= 2, (arguments, done)
        done = lab.run("--network", "nope", "--", "true", check=False)
        assert done.returncode == 125 and "No such network: nope" in done.stderr, done


@each_user
def test_two_networks_do_not_see_each_other(user):
    with Lab(user) as lab:
        lab.pontoon("network", "create", "back")
        server = lab.start_run("web", "-p", "18080:80", "--", "python3", "-c", LISTEN, "0.0.0.0", "80")
        lab.wait_for_text(server, "ready")
        address = lab.address("web")
        assert lab.run("--", "python3", "-c", CONNECT, address, "80").stdout == "connected\n"
        out = lab.run("--network", "back", "--", "python3", "-c", CONNECT, address, "80").stdout
        assert out.startswith(("PermissionError", "OSError")), out
        done = lab.run("--network", "back", "--", "ping", "-c1", "-W2", address, check=False)
        assert done.returncode != 0
        for name in ("web", "web.default.internal"):
            assert lab.run("--network", "back", "--", "getent", "hosts", name, check=False).returncode == 2, name


@each_user
def test_host_loopback_and_metadata_are_closed(user):
    with Lab(user) as lab:
        secret = lab.start_on_host("python3", "-c", LISTEN, "127.0.0.1", "18099")
        lab.wait_for_text(secret, "ready")
        for target, port in (("172.17.0.1", 18099), ("169.254.169.254", 80), ("host.pontoon.internal", 18099)):
            out = lab.run("--", "python3", "-c", CONNECT, target, str(port)).stdout
            assert "connected" not in out and "Timeout" not in out, (target, out)


@each_user
def test_allow_host_loopback_opens_that_one_name(user):
    with Lab(user) as lab:
        secret = lab.start_on_host("python3", "-c", LISTEN, "127.0.0.1", "18099")
        lab.wait_for_text(secret, "ready")
        lab.pontoon("network", "create", "--allow-host-loopback", "near")
        out = lab.run("--network", "near", "--", "python3", "-c", CONNECT, "host.pontoon.internal", "18099").stdout
        assert out == "connected\n", out


@each_user
def test_the_hosts_own_address_is_reachable(user):
    with Lab(user) as lab:
        server = lab.start_on_host("python3", "-c", LISTEN, HOST_IP, "18098")
        lab.wait_for_text(server, "ready")
        assert lab.run("--", "python3", "-c", CONNECT, HOST_IP, "18098").stdout == "connected\n"


@each_user
def test_an_internal_network_has_no_way_out(user):
    with Lab(user) as lab:
        server = lab.start_outside("python3", "-c", LISTEN, "0.0.0.0", "9000")
        lab.wait_for_text(server, "ready")
        lab.pontoon("network", "create", "--internal", "cell")
        assert lab.run("--", "python3", "-c", CONNECT, OUTSIDE_IP, "9000").stdout == "connected\n"
        out = lab.run("--network", "cell", "--", "python3", "-c", CONNECT, OUTSIDE_IP, "9000").stdout
        assert "connected" not in out and "Timeout" not in out, out
        done = lab.run("--network", "cell", "-p", "18080:80", "--", "true", check=False)
        assert done.returncode == 125 and "network cell is internal" in done.stderr, done


@each_user
def test_a_container_cannot_take_anothers_address(user):
    with Lab(user) as lab:
        lab.start_run("web", "--", "sleep", "1000")
        address = lab.address("web")
        script = f"ip addr flush dev eth0; ip addr add {address}/16 dev eth0; ping -c1 -W1 172.17.0.1"
        assert lab.run("--name", "thief", "--", "sh", "-c", script, check=False).returncode != 0
        mac = "ip link set eth0 down; ip link set eth0 address 02:42:00:00:00:99; ip link set eth0 up; ping -c1 -W1 172.17.0.1"
        assert lab.run("--name", "thief", "--", "sh", "-c", mac, check=False).returncode != 0
