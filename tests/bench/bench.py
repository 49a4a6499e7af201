"""What the benchmarks share: rows to measure, the measuring, tables.

A row is one way from a client to a server: pontoon in one of its settings, a peer, or the kernel alone. Every row is set up
before anything is measured and stays up, idle, until the end; then the rows take turns, round by round, so that what else the
machine does falls on all of them alike. Figures are medians of the rounds. Quote ratios of one run, not figures of two.
"""

import argparse
import contextlib
import dataclasses
import datetime
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Optional

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "system"))

import lab as laboratory  # noqa: E402
from lab import HOST_IP, OUTSIDE_IP, RELEASE_BINARY, Lab, wait_until  # noqa: E402

TALK = str(Path(__file__).resolve().parent / "talk.py")
IPERF_PORT, ECHO_PORT = 5201, 5202
STREAM_S, SMALL_S, CONCURRENCY = 2, 0.7, 32
STREAMS = {"up1": (1, False), "down1": (1, True), "up8": (8, False), "down8": (8, True)}
INTERVAL_S = 0.1

# Every namespace gets the same: a congestion control that does not pace, and ports enough for many short connections. A new
# namespace has the machine's default, maybe bbr. Cubic is permitted only where the machine says so; reno is everywhere.
TUNING = ("ip link set lo up; sysctl -qw net.ipv4.tcp_congestion_control=cubic 2>/dev/null ||"
          " sysctl -qw net.ipv4.tcp_congestion_control=reno;"
          "sysctl -qw net.ipv4.ip_local_port_range='10240 65000' net.ipv4.tcp_tw_reuse=1; sysctl -n net.ipv4.tcp_congestion_control")


class Unavailable(Exception):
    """A row cannot be set up here; the text says why."""


@dataclasses.dataclass
class Row:
    name: str
    group: str  # "pontoon", "peer" or "limit"
    client: list  # command line that enters the client's namespace
    address: str
    iperf_port: int = IPERF_PORT
    echo_port: int = ECHO_PORT
    pids: Callable = lambda: []  # of what carries the bytes
    renew: Callable = lambda: None  # gives the row a fresh iperf3 server, after one that hangs
    kinds: Optional[tuple] = None
    results: list = dataclasses.field(default_factory=list)
    idle_mb: Optional[float] = None
    peak_mb: Optional[float] = None
    trouble: list = dataclasses.field(default_factory=list)


# -- processes

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def deafen():
    """A second Ctrl-C must not interrupt the clearing up."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def descendants(pid):
    """The process and all that it started."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def lives(pid):
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def cpu_s(pids):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def memory_mb(pids, field):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith(field + ":"):
                    total += int(line.split()[1])
    return total / 1024


def inside(pid):
    return ["nsenter", f"--net=/proc/{pid}/ns/net", "--"]


def in_named(name):
    return ["nsenter", f"--net=/run/netns/{name}", "--"]


# -- places


class World:
    """The laboratories of one benchmark, and what is started in them. Everything ends with it."""

    def __init__(self, binary=RELEASE_BINARY):
        self.binary = binary
        self.stack = contextlib.ExitStack()
        self.sleeps = self.namespaces = 0
        self.networks = set()
        self.labs = {}
        self.congestion_control = None

    def __enter__(self):
        return self

    def __exit__(self, *details):
        deafen()
        return self.stack.__exit__(*details)

    def lab(self, user):
        if user not in self.labs:
            made = self.stack.enter_context(Lab(user, self.binary))
            for name in (made.host, made.outside):
                self.tune(in_named(name))
            self.labs[user] = made
        return self.labs[user]

    def tune(self, enter):
        self.congestion_control = laboratory.sh(*enter, "sh", "-c", TUNING).stdout.strip()

    def start(self, lab, *argv):
        """A process that is none of pontoon's; it is ended by its pid, at the latest with the lab."""
        return lab.start([str(part) for part in argv], env=dict(os.environ))

    def serve(self, lab, enter):
        """An iperf3 server and an echo server there; gives back what renews the first."""
        servers = [self.start(lab, *enter, "iperf3", "-s", "-p", IPERF_PORT, "--forceflush")]
        echo = self.start(lab, *enter, sys.executable, TALK, "serve", ECHO_PORT)
        lab.wait_for_text(echo, "ready")
        lab.wait_for_text(servers[0], "Server listening")

        def renew():
            servers.pop().end()
            servers.append(self.start(lab, *enter, "iperf3", "-s", "-p", IPERF_PORT, "--forceflush"))
            lab.wait_for_text(servers[0], "Server listening")

        return renew

    def endpoint(self, lab, name, mtu=1500, publish=()):
        """A container of pontoon's. Gives back (command line that enters it, pids of the daemon)."""
        network = "default" if mtu == 1500 else f"mtu{mtu}"
        if mtu != 1500 and (lab.user, network) not in self.networks:
            lab.pontoon("network", "create", "--mtu", mtu, network)
            self.networks.add((lab.user, network))
        self.sleeps += 1
        command = f"sleep 86400.{self.sleeps}"
        ports = [word for spec in publish for word in ("-p", spec)]
        lab.start_run(name, "--network", network, "--link", lab.link_kind, *ports, "--", *command.split())
        pid = next(pid for pid, text in lab.processes().items() if text == command)
        self.tune(inside(pid))
        daemon = lab.daemon_pid()
        return inside(pid), lambda: [daemon]

    def namespace(self, lab):
        """The name of a new network namespace of nobody's, as a peer gets it."""
        self.namespaces += 1
        name = f"pt-{lab.number}-peer{self.namespaces}"
        laboratory.sh("ip", "netns", "add", name)
        self.stack.callback(laboratory.sh, "ip", "netns", "del", name, check=False)
        self.tune(in_named(name))
        return name

    def kernel(self, lab, subnet="10.98.0"):
        """The kernel alone: a veth pair between the host and a namespace. Gives back (namespace, its address)."""
        name, device = self.namespace(lab), "k" + subnet.split(".")[1]
        laboratory.sh("ip", "-n", lab.host, "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", name)
        laboratory.sh("ip", "-n", lab.host, "addr", "add", f"{subnet}.1/24", "dev", device)
        laboratory.sh("ip", "-n", lab.host, "link", "set", device, "up")
        script = f"ip addr add {subnet}.2/24 dev eth0; ip link set eth0 up; ip route add default via {subnet}.1"
        laboratory.sh(*in_named(name), "sh", "-c", script)
        laboratory.sh("ip", "-n", lab.outside, "route", "add", f"{subnet}.0/24", "via", HOST_IP)
        return name, f"{subnet}.2"

    def pasta(self, lab, mtu, *ports):
        """Gives back (namespace, pids of pasta)."""
        need("pasta")
        name = self.namespace(lab)
        # Without --no-map-gw the outside server's address, our gateway, would lead to the host itself.
        process = self.start(lab, *in_named(lab.host), "pasta", "--config-net", "-f", "--quiet", "--runas", "0:0", "--no-map-gw",
                             "-4", "-m", mtu, *ports, "-T", "none", "-U", "none", "--netns", f"/run/netns/{name}",
                             "--netns-only")
        await_interface(process, name, "v0")
        return name, lambda: descendants(process.pid)

    def slirp4netns(self, lab, mtu, api=None):
        need("slirp4netns")
        name = self.namespace(lab)
        socket = ["--api-socket", api] if api else []
        process = self.start(lab, *in_named(lab.host), "slirp4netns", "--configure", f"--mtu={mtu}", *socket,
                             "--disable-host-loopback", "--netns-type=path", f"/run/netns/{name}", "tap0")
        await_interface(process, name, "tap0")
        return name, lambda: descendants(process.pid)


def need(program):
    if shutil.which(program) is None:
        raise Unavailable(f"{program} is not installed")


def await_interface(process, name, device):
    """Until the peer has configured its interface, with a default route."""

    def ready():
        if process.popen.poll() is not None:
            raise Unavailable(f"{process.argv[2:4]} ended: {process.output()[-300:].strip()}")
        routes = subprocess.run([*in_named(name), "ip", "route"], capture_output=True, text=True, check=False).stdout
        return f"dev {device}" in routes and "default" in routes

    try:
        wait_until(ready, f"{device} is configured", 8)
    except AssertionError:
        raise Unavailable(f"no default route by {device} within 8 s: {process.output()[-300:].strip()}") from None


def attempt(rows, missing, name, group, make):
    """Adds the row that `make` sets up, or says why there is none."""
    try:
        row = make()
        row.name, row.group = name, group
        check(row)
    except (Unavailable, AssertionError, OSError, subprocess.SubprocessError, StopIteration) as error:
        if group == "pontoon":
            raise
        missing[name] = str(error).strip()[-400:]
        say(f"  {name}: not measured: {missing[name]}")
        return
    row.idle_mb = memory_mb(row.pids(), "VmRSS") or None
    rows.append(row)
    say(f"  {name}")


def check(row):
    """One connection through the row, so that one that does not work is found before it is measured."""
    probe = [*row.client, sys.executable, TALK, "crr", row.address, str(row.echo_port), "0.2", "1"]
    done = subprocess.run(probe, capture_output=True, text=True, timeout=20, check=False)
    if done.returncode != 0 or json.loads(done.stdout)["per_s"] == 0:
        raise Unavailable(f"no connection to {row.address}:{row.echo_port}: {done.stdout}{done.stderr[-300:]}".strip())


# -- measuring


def call(row, what, seconds, *argv):
    """The JSON that a client prints, or None with a note in the row's troubles."""
    try:
        done = subprocess.run([*row.client, *map(str, argv)], capture_output=True, text=True, timeout=seconds + 8, check=False)
    except subprocess.TimeoutExpired:
        row.trouble.append(f"{what}: no end within {seconds + 8:.0f} s")
        row.renew()
        return None
    try:
        found = json.loads(done.stdout)
    except json.JSONDecodeError:
        found = {"error": (done.stdout + done.stderr).strip()[-200:]}
    if done.returncode != 0 or "error" in found:
        row.trouble.append(f"{what}: {found.get('error', done.returncode)}")
        row.renew()
        return None
    return found


def longest_silence(intervals):
    longest = current = 0.0
    for interval in intervals:
        current = current + interval["sum"]["seconds"] if interval["sum"]["bytes"] == 0 else 0.0
        longest = max(longest, current)
    return longest if longest >= INTERVAL_S / 2 else 0.0


def stream(row, kind):
    count, reverse = STREAMS[kind]
    before = cpu_s(row.pids())
    found = call(row, kind, STREAM_S, "iperf3", "-c", row.address, "-p", row.iperf_port, "-t", STREAM_S, "-P", count, "-J",
                 "-i", INTERVAL_S, "--connect-timeout", 3000, *(["-R"] if reverse else []))
    if found is None:
        return {}
    received = found["end"]["sum_received"]
    used = cpu_s(row.pids()) - before
    gigabytes = received["bytes"] / 1e9
    return {kind: received["bits_per_second"] / 1e9, f"{kind}.silence": longest_silence(found["intervals"]),
            f"{kind}.retransmits": found["end"]["sum_sent"].get("retransmits", 0),
            f"{kind}.cpu": used / gigabytes if row.pids() and gigabytes > 0 else None}


def small(row, kind):
    arguments = [kind, row.address, row.echo_port, SMALL_S] + ([CONCURRENCY] if kind == "crr" else [])
    found = call(row, kind, SMALL_S, sys.executable, TALK, *arguments)
    if found is None:
        return {}
    if kind == "rr":
        return {"rr50": found["p50"], "rr99": found["p99"], "rr.worst": found["worst"]}
    for name, number in found["errors"].items():
        row.trouble.append(f"crr: {number} x {name}")
    if found["stuck"]:
        row.trouble.append(f"crr: {found['stuck']} connections unanswered for 0.5 s")
    return {"crr": found["per_s"]}


def measure(rows, kinds, rounds, pause=0.1):
    for number in range(rounds):
        started = time.monotonic()
        # The first of a round would always meet the same neighbour: rotate.
        turn = number % len(rows)
        for row in rows[turn:] + rows[:turn]:
            found = {}
            for kind in row.kinds or kinds:
                found.update(stream(row, kind) if kind in STREAMS else small(row, kind))
                time.sleep(pause)
            row.results.append(found)
            if not all(map(lives, row.pids())):
                row.trouble.append("its process has ended")
        say(f"round {number + 1} of {rounds}: {time.monotonic() - started:.0f} s")
    for row in rows:
        row.peak_mb = memory_mb(row.pids(), "VmHWM") or None


# -- telling

BULK = ["up1", "down1", "up8", "down8"]
TITLES = {"up1": "up 1", "down1": "down 1", "up8": "up 8", "down8": "down 8", "rr50": "rr p50", "rr99": "rr p99", "crr": "crr/s",
          "cpu_up": "CPU up", "cpu_down": "CPU down", "idle_mb": "idle MB", "peak_mb": "peak MB", "silence": "silence s"}
SMALLER_IS_BETTER = {"rr50", "rr99", "cpu_up", "cpu_down"}


def values(row, key):
    if key in ("cpu_up", "cpu_down"):
        parts = [f"{key[4:]}{count}.cpu" for count in (1, 8)]
    else:
        parts = [key]
    return [found[part] for found in row.results for part in parts if found.get(part) is not None]


def summary(row):
    """Medians, minima and the worst silence of a row."""
    keys = [key for key in TITLES if key not in ("idle_mb", "peak_mb", "silence")]
    medians = {key: statistics.median(values(row, key)) for key in keys if values(row, key)}
    minima = {key: min(values(row, key)) for key in keys if values(row, key)}
    silence = max((found[key] for found in row.results for key in found if key.endswith(".silence")), default=None)
    return {"medians": medians, "minima": minima, "silence": silence, "idle_mb": row.idle_mb, "peak_mb": row.peak_mb}


def show(value):
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(header, lines):
    widths = [max(len(line[i]) for line in [header, *lines]) for i in range(len(header))]

    def one(line):
        return "  ".join([line[0].ljust(widths[0])] + [text.rjust(width) for text, width in zip(line[1:], widths[1:])]).rstrip()

    return "\n".join([one(header), "-" * len(one(header)), *map(one, lines)])


def machine():
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown processor")
    return (f"{os.cpu_count()} x {model}, Linux {platform.release()}, {datetime.date.today().isoformat()}, load "
            f"{os.getloadavg()[0]:.1f}")


def comparable(ours, other):
    """Small MTUs against everything, for that is what users of pontoon get; large ones against their like."""
    return ours.endswith(" 1500") or not other.endswith(" 1500")


def ratios(rows, keys):
    """Each of ours against each of the others: more than 1 means that ours is better."""
    lines = []
    sums = {row.name: summary(row)["medians"] for row in rows}
    for ours in (row for row in rows if row.group == "pontoon"):
        for other in (row for row in rows if row.group != "pontoon"):
            if not comparable(ours.name, other.name):
                continue
            line = []
            for key in keys:
                a, b = sums[ours.name].get(key), sums[other.name].get(key)
                if key in SMALLER_IS_BETTER:
                    a, b = b, a
                line.append(show(a / b) if a is not None and b else "-")
            lines.append([f"{ours.name} / {other.name}", *line])
    return table(["better by", *[TITLES[key] for key in keys]], lines)


def tell(title, rows, missing, keys, rounds, congestion_control):
    sums = {row.name: summary(row) for row in rows}
    resources = ["idle_mb", "peak_mb"]
    print(f"\n{title}\n{machine()}, TCP {congestion_control}, {rounds} rounds of {STREAM_S} s\n")
    print("Medians: Gbit/s, rr in µs, CPU in s per GB of the daemon or the peer; silence is the longest time without a byte:")
    print(table(["", *[TITLES[key] for key in [*keys, *resources, "silence"]]],
                [[name, *[show(it["medians"].get(key)) for key in keys], *[show(it[key]) for key in resources], show(it["silence"])]
                 for name, it in sums.items()]))
    print("\nMinima:")
    print(table(["", *[TITLES[key] for key in keys]],
                [[name, *[show(it["minima"].get(key)) for key in keys]] for name, it in sums.items()]))
    print("\nRatios of the medians, more than 1 means that pontoon is better:")
    print(ratios(rows, keys))
    for name, reason in missing.items():
        print(f"\n{name} was not measured: {reason}")
    for row in rows:
        for text in dict.fromkeys(row.trouble):
            print(f"\n{row.name}: {text}" + (f" ({row.trouble.count(text)} times)" if row.trouble.count(text) > 1 else ""))


def save(path, title, rows, missing, rounds):
    Path(path).write_text(json.dumps({
        "title": title, "machine": machine(), "rounds": rounds, "missing": missing,
        "rows": {row.name: {"group": row.group, **summary(row), "trouble": row.trouble, "results": row.results} for row in rows},
    }, indent=1) + "\n")


def say(text):
    print(text, file=sys.stderr, flush=True)


def main(title, set_up, kinds, keys):
    """Runs one benchmark: `set_up(world, rows, missing)` makes the rows."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", metavar="FILE", help="also write every single result there")
    parser.add_argument("--only", metavar="TEXT", help="only rows whose name contains one of these, separated by commas")
    parser.add_argument("--binary", metavar="FILE", type=Path, default=RELEASE_BINARY, help="another pontoon than build/release's")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("this benchmark makes a host and an outside world in network namespaces: run it as root")
    if not options.binary.exists():
        sys.exit(f"{options.binary} is missing: run ./dev build")

    def stop(*_):
        deafen()
        raise KeyboardInterrupt

    for number in SIGNALS:
        signal.signal(number, stop)
    rows, missing = [], {}
    wanted = options.only.split(",") if options.only else [""]

    def add(name, group, make):
        if any(word in name for word in wanted):
            attempt(rows, missing, name, group, make)

    try:
        with World(options.binary) as world:
            say("setting up:")
            set_up(world, add)
            measure(rows, kinds, options.rounds)
            congestion_control = world.congestion_control
    except KeyboardInterrupt:
        sys.exit("stopped; everything was cleared away")
    tell(title, rows, missing, keys, options.rounds, congestion_control)
    if options.json:
        save(options.json, title, rows, missing, options.rounds)


__all__ = ["HOST_IP", "OUTSIDE_IP", "IPERF_PORT", "ECHO_PORT", "Lab", "Row", "Unavailable", "World", "descendants", "in_named",
           "inside", "main", "need", "laboratory", "wait_until"]
