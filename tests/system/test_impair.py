"""pontoon impair: ping and the kernel's TCP notice what it says, and nothing once it has ended."""

import json
import signal

from impaired import Inside, impair, impairments
from lab import OUTSIDE_IP, Lab, each_user, need_tools, wait_until

GATEWAY = "172.17.0.1"

# Tells at which rate bytes come in so many seconds, once the window has opened and what waited is gone.
SINK = '''
import socket, sys, time
listener = socket.create_server(("0.0.0.0", int(sys.argv[1])))
print("ready", flush=True)
sock, _ = listener.accept()
sock.recv(1)
time.sleep(1)  # the window opens
while sock.recv_into(bytearray(1 << 20)) == 1 << 20:
    pass
begin, count = time.monotonic(), 0
while time.monotonic() < begin + float(sys.argv[2]):
    count += len(sock.recv(1 << 20))
print("rate", count * 8 / (time.monotonic() - begin), flush=True)
'''
SOURCE = '''
import socket, sys
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)
try:
    while True:
        sock.sendall(bytes(1 << 16))
except OSError:
    pass
'''
# The same with the listener as the one that talks.
SPRING = '''
import socket, sys
listener = socket.create_server(("0.0.0.0", int(sys.argv[1])))
print("ready", flush=True)
sock, _ = listener.accept()
try:
    while True:
        sock.sendall(bytes(1 << 16))
except OSError:
    pass
'''
DRAIN = SINK.replace('listener = socket.create_server(("0.0.0.0", int(sys.argv[1])))', "")
DRAIN = DRAIN.replace("sock, _ = listener.accept()", "sock = socket.create_connection((sys.argv[3], int(sys.argv[1])), 20)")


def rate_in(process):
    line = wait_until(lambda: [text for text in process.output().splitlines() if text.startswith("rate ")], "a rate", 40)
    return float(line[0].split()[1])


def assert_near_theory(rate, configured):
    # 1448 bytes of text in frames of 1514: MTU 1500, timestamps, Ethernet header.
    theory = configured * 1448 / 1514
    assert 0.9 * theory < rate < 1.1 * theory, f"{rate / 1e6:.2f} Mbit/s, where theory says {theory / 1e6:.2f}"


@each_user
def test_a_delay_shows_in_round_trips(user):
    need_tools("ping", "nsenter")
    with Lab(user) as lab:
        a, b = Inside(lab, "a"), Inside(lab, "b")
        assert a.ping(b.address)["min"] < 40
        impair(lab, "a", "delay=50ms")
        assert 100 <= a.ping(b.address)["min"] < 150
        assert 100 <= a.ping(GATEWAY)["min"] < 150
        assert 100 <= b.ping(a.address)["min"] < 150
        impair(lab, "--clear", "a")
        impair(lab, "a", "->", "b", "delay=50ms")
        assert 50 <= a.ping(b.address)["min"] < 100
        assert 50 <= b.ping(a.address)["min"] < 100
        assert a.ping(GATEWAY)["min"] < 40
        impair(lab, "host -> a", "delay=80ms±10")
        assert 70 <= a.ping(GATEWAY)["min"] < 130
        impair(lab, "--clear")
        assert a.ping(b.address)["min"] < 40
        impair(lab, "default", "delay=30ms")
        assert 60 <= a.ping(b.address)["min"] < 100
        assert 60 <= b.ping(GATEWAY)["min"] < 100


@each_user
def test_losses_duplicates_and_corruption_show_in_pings_statistics(user):
    need_tools("ping", "nsenter")
    with Lab(user) as lab:
        a, b = Inside(lab, "a"), Inside(lab, "b")
        # Resolve the addresses first: a lost ARP request costs a second each.
        assert a.ping(b.address, 2)["received"] == 2
        impair(lab, "a -> b", "loss=30%", "--seed", 1)
        got = a.ping(b.address, 200, 0.01, 1)["received"]
        assert 100 <= got <= 180, got
        counted = impairments(lab)["a -> b"]
        assert counted["lost"] >= 200 - got and counted["seed"] == 1, counted
        drops = json.loads(lab.pontoon("network", "inspect", "default").stdout)[0]["drops"]
        assert {"where": "b", "reason": "impaired", "count": counted["lost"]} in drops, drops
        impair(lab, "a -> b", "duplicate=100%")
        assert a.ping(b.address, 10)["duplicates"] >= 9
        impair(lab, "a -> b", "corrupt=100%")
        assert a.ping(b.address, 10, 0.05, 1)["received"] <= 5
        assert impairments(lab)["a -> b"]["corrupted"] >= 10


@each_user
def test_tcp_between_endpoints_gets_the_share_of_the_rate_that_theory_says(user):
    need_tools("nsenter")
    with Lab(user) as lab:
        a, b = Inside(lab, "a"), Inside(lab, "b")
        impair(lab, "a -> b", "rate=10mbit")
        sink = b.start("python3", "-c", SINK, 5001, 4)
        lab.wait_for_text(sink, "ready")
        a.start("python3", "-c", SOURCE, b.address, 5001)
        assert_near_theory(rate_in(sink), 10e6)


@each_user
def test_tcp_to_the_outside_gets_the_share_of_the_rate_that_theory_says(user):
    need_tools("nsenter")
    with Lab(user) as lab:
        a = Inside(lab, "a")
        impair(lab, "a", "rate=10mbit")
        sink = lab.start_outside("python3", "-c", SINK, 5001, 4)
        lab.wait_for_text(sink, "ready")
        a.start("python3", "-c", SOURCE, OUTSIDE_IP, 5001)
        assert_near_theory(rate_in(sink), 10e6)


@each_user
def test_tcp_from_the_outside_gets_the_share_of_the_rate_that_theory_says(user):
    need_tools("nsenter")
    with Lab(user) as lab:
        a = Inside(lab, "a")
        impair(lab, "host -> a", "rate=10mbit")
        spring = lab.start_outside("python3", "-c", SPRING, 5001)
        lab.wait_for_text(spring, "ready")
        assert_near_theory(rate_in(a.start("python3", "-c", DRAIN, 5001, 4, OUTSIDE_IP)), 10e6)


@each_user
def test_a_partition_heals_by_itself(user):
    need_tools("ping", "nsenter")
    with Lab(user) as lab:
        a, b, c = Inside(lab, "a"), Inside(lab, "b"), Inside(lab, "c")
        assert a.ping(b.address, 1)["received"] == 1
        impair(lab, "a", "b", "partition", "for=2s")
        assert impairments(lab)["a b"]["ends_in_s"] in (1, 2)
        assert a.ping(b.address, 3, 0.1, 1)["received"] == 0
        assert a.ping(c.address, 1)["received"] == 1
        wait_until(lambda: not impairments(lab), "the rule is gone")
        wait_until(lambda: a.ping(b.address, 1, 0.1, 1)["received"] == 1, "the partition has healed")


@each_user
def test_listings_show_it_until_it_is_cleared(user):
    with Lab(user) as lab:
        lab.start_run("a", "--", "sleep", "1000")
        lab.start_run("b", "--", "sleep", "1000")
        assert "(impaired)" not in lab.pontoon("ps").stdout
        said = impair(lab, "a", "->", "host", "delay=20ms~5ms", "loss=1%", "burst=4", "--seed", "7").stdout
        assert said == "a -> host: delay=20ms±5ms loss=1% burst=4 (seed 7)\n", said
        rows = {line.split()[-1]: line for line in lab.pontoon("ps").stdout.splitlines()}
        assert "(impaired)" in rows["a"] and "(impaired)" not in rows["b"], rows
        (inspected,) = json.loads(lab.pontoon("inspect", "a").stdout)
        assert inspected["impairments"] == ["a -> host delay=20ms±5ms loss=1% burst=4"], inspected
        (network,) = json.loads(lab.pontoon("network", "inspect", "default").stdout)
        assert [item["target"] for item in network["impairments"]] == ["a -> host"], network
        header, row = lab.pontoon("impair").stdout.splitlines()
        assert header.split() == ["NETWORK", "TARGET", "IMPAIRMENT", "SET", "ENDS", "PASSED", "LOST", "SEED"]
        assert "a -> host" in row and "delay=20ms±5ms loss=1% burst=4" in row and row.endswith(" 7"), row
        assert impair(lab, "b", "partition", "--json").stdout.startswith("{")
        impair(lab, "--clear", "a -> host")
        assert set(impairments(lab)) == {"b"}
        impair(lab, "--clear")
        assert not impairments(lab)
        assert "(impaired)" not in lab.pontoon("ps").stdout


@each_user
def test_a_rule_waits_for_its_endpoint_to_return(user):
    need_tools("ping", "nsenter")
    with Lab(user) as lab:
        a, b = Inside(lab, "a"), Inside(lab, "b")
        impair(lab, "a b", "delay=50ms")
        a.end()
        assert set(impairments(lab)) == {"a b"}
        a = Inside(lab, "a")
        assert 100 <= a.ping(b.address)["min"] < 150
        lab.pontoon("network", "create", "--subnet", "10.9.0.0/24", "back")
        Inside(lab, "far", "--network", "back")
        done = impair(lab, "a far", "delay=1ms", check=False)
        assert done.returncode == 1 and "there is nothing between them to impair" in done.stderr, done


@each_user
def test_a_script_plays_and_ctrl_c_takes_it_back(user):
    with Lab(user) as lab:
        lab.start_run("a", "--", "sleep", "1000")
        script = lab.dir / "bad day"
        script.write_text("# a bad day\n"
                          "at 0s a delay=1ms   # first\n"
                          "at 0.2s a -> host loss=1%\n"
                          "at 0.3s clear a\n")
        script.chmod(0o644)
        done = impair(lab, "--script", script)
        assert done.stdout.splitlines() == ["0.000s a delay=1ms", "0.200s a -> host loss=1%", "0.300s clear a "], done
        assert set(impairments(lab)) == {"a -> host"}
        impair(lab, "host a", "loss=2%")
        script.write_text("at 0s a delay=1ms\nat 0s a -> host loss=5%\nat 1000s clear\n")
        playing = lab.start(lab.on_host(lab.binary, "impair", "--script", script))
        wait_until(lambda: "a -> host loss=5%" in playing.output(), "the second step")
        assert set(impairments(lab)) == {"a", "a -> host", "host a"}
        playing.kill(signal.SIGINT)
        assert playing.wait() == 130
        assert set(impairments(lab)) == {"host a"}
        script.write_text("at 0s a delay=1ms\nat 0s nobody delay=1ms\n")
        done = impair(lab, "--script", script, check=False)
        assert done.returncode == 1 and "bad day:2: No such endpoint or network: nobody" in done.stderr, done
        assert set(impairments(lab)) == {"host a"}


@each_user
def test_errors_say_what_would_be_right(user):
    with Lab(user) as lab:
        lab.start_run("a", "--", "sleep", "1000")
        for words, text in ((["nobody", "loss=1%"], "No such endpoint or network: nobody"),
                            (["a", "nobody", "loss=1%"], "No such endpoint: nobody"),
                            (["a"], "how shall a be impaired?"),
                            (["loss=1%"], "what shall be impaired?"),
                            (["a", "loss=1"], "use a percentage"),
                            (["a", "delay=1ms", "fast"], "use words such as delay=20ms"),
                            (["host", "loss=1%"], "name the other one"),
                            (["network:nobody", "loss=1%"], "No such network: nobody"),
                            (["--clear", "a"], "Nothing is impaired on \"a\""),
                            (["--clear", "a", "loss=1%"], "--clear takes a target and nothing else"),
                            (["--script", "/nonexistent"], "Cannot read /nonexistent"),
                            (["--script", "x", "--clear"], "--script goes without"),
                            (["a", "loss=1%", "--seed", "x"], "--seed")):
            done = impair(lab, *words, check=False)
            assert done.returncode == 1 and text in done.stderr, (words, done)
        assert not impairments(lab)
