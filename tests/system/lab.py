"""The laboratory of the system tests: a host and an outside world in network namespaces of their own, an ordinary user, and
pontoon between them. Everything that a Lab makes is gone when its `with` block ends, however it ends.

      [ outside ]  192.0.2.2/24  2001:db8::2/64          servers that containers talk to
           |  veth
      [  host   ]  192.0.2.1/24  2001:db8::1/64          where pontoon runs, as root or as an ordinary user
"""

import contextlib
import functools
import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DEV_BINARY = ROOT / "build" / "dev" / "pontoon"
RELEASE_BINARY = ROOT / "build" / "release" / "pontoon"
USER_ID = 54321
HOST_IP, OUTSIDE_IP = "192.0.2.1", "192.0.2.2"
HOST_IP6, OUTSIDE_IP6 = "2001:db8::1", "2001:db8::2"
DEADLINE_S = 20.0

_numbers = itertools.count()


class Skip(Exception):
    """This test cannot run here; the text says why."""


def explain(error):
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__)[-4:])
    return text + getattr(error, "details", "")


def collect(module):
    """(name, callable) of every test in a module; a test marked by `each_user` gives two."""
    for name, function in list(vars(module).items()):
        if not name.startswith("test_") or not callable(function):
            continue
        variants = getattr(function, "variants", None)
        if variants is None:
            yield name, function
            continue
        for label, arguments in variants:
            yield f"{name}[{label}]", functools.partial(function, **arguments)


def each_user(function):
    """Runs the test as root (TAP) and as an ordinary user for whom /dev/net/tun is closed (packet socket)."""
    function.variants = [("root", {"user": "root"}), ("ordinary", {"user": "ordinary"})]
    return function


def wait_until(condition, what, seconds=DEADLINE_S):
    """Polls until the condition gives something true, and gives that back."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.02)


def need_tools(*names):
    for name in names:
        if shutil.which(name) is None:
            raise Skip(f"{name} is not installed")


def sh(*command, check=True, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done


class Process:
    """A program that runs beside the test; its output is collected in a file."""

    def __init__(self, argv, log, **options):
        self.argv = argv
        self.log = Path(log)
        with open(self.log, "wb") as out:
            self.popen = subprocess.Popen(argv, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **options)

    @property
    def pid(self):
        return self.popen.pid

    def output(self):
        return self.log.read_text(errors="replace")

    def wait(self, seconds=DEADLINE_S):
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{' '.join(self.argv)} did not end:\n{self.output()}") from None

    def kill(self, number=signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            self.popen.send_signal(number)

    def end(self):
        if self.popen.poll() is None:
            self.kill(signal.SIGTERM)
            try:
                self.popen.wait(3)
            except subprocess.TimeoutExpired:
                self.kill()
                self.popen.wait()


class Lab:
    def __init__(self, user="root", binary=None):
        if os.geteuid() != 0:
            raise Skip("needs root, to make a host and an outside world")
        self.user = user
        self.number = f"{os.getpid()}-{next(_numbers)}"
        self.host = f"pt-{self.number}-host"
        self.outside = f"pt-{self.number}-out"
        self.source = Path(binary or DEV_BINARY)
        self.link_kind = "tap" if user == "root" else "packet"
        self._stack = contextlib.ExitStack()
        self._logs = itertools.count()

    # -- life

    def __enter__(self):
        try:
            self._set_up()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, kind, error, trace):
        if error is not None and not isinstance(error, Skip):
            error.details = self.report()
        self.pontoon("stop", check=False)
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not self.processes(), "pontoon's processes end", 8)
        left = self.processes()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._stack.close()
        if error is None and left:
            raise AssertionError(f"left behind: processes {left}")
        return False

    def _set_up(self):
        self.dir = Path(tempfile.mkdtemp(prefix="pontoon-lab-"))
        self._stack.callback(shutil.rmtree, self.dir, ignore_errors=True)
        self.dir.chmod(0o755)
        self.binary = self.dir / "pontoon"
        shutil.copy(self.source, self.binary)
        self.home = self.dir / "home"
        self.home.mkdir(mode=0o700)
        if self.user != "root":
            os.chown(self.home, USER_ID, USER_ID)
        for name in (self.host, self.outside):
            sh("ip", "netns", "add", name)
            self._stack.callback(sh, "ip", "netns", "del", name, check=False)
            self._tune(name)
        self._resolver()
        self._wire()

    # The machine may default to another congestion control; tests want one that does not pace.
    def _tune(self, name):
        script = ("ip link set lo up; sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.disable_ipv6=0;"
                  "sysctl -qw net.ipv4.tcp_congestion_control=cubic 2>/dev/null ||"
                  " sysctl -qw net.ipv4.tcp_congestion_control=reno;"
                  "sysctl -qw net.ipv4.ping_group_range='0 2147483647' net.ipv4.ip_forward=1")
        sh("ip", "netns", "exec", name, "sh", "-c", script)

    def _resolver(self):
        self.resolv_conf = Path("/etc/netns") / self.host / "resolv.conf"
        self.resolv_conf.parent.mkdir(parents=True, exist_ok=True)
        self._stack.callback(shutil.rmtree, self.resolv_conf.parent, ignore_errors=True)
        self.resolv_conf.write_text(f"nameserver {OUTSIDE_IP}\n")

    def _wire(self):
        sh("ip", "link", "add", "v0", "netns", self.host, "type", "veth", "peer", "name", "v0", "netns", self.outside)
        for name, v4, v6 in ((self.host, HOST_IP, HOST_IP6), (self.outside, OUTSIDE_IP, OUTSIDE_IP6)):
            sh("ip", "-n", name, "addr", "add", f"{v4}/24", "dev", "v0")
            sh("ip", "-n", name, "addr", "add", f"{v6}/64", "dev", "v0", "nodad")
            sh("ip", "-n", name, "link", "set", "v0", "up")
        sh("ip", "-n", self.host, "route", "add", "default", "via", OUTSIDE_IP)

    # -- running things

    def environment(self):
        env = {key: os.environ[key] for key in ("PATH", "LANG", "TERM") if key in os.environ}
        env.update(HOME=str(self.home), PONTOON_RUNTIME_DIR=str(self.home / "run"),
                   PONTOON_STATE_DIR=str(self.home / "state"), PONTOON_LAB=self.number,
                   # The daemon's sandbox forbids what the leak checker needs; unit tests look for leaks.
                   ASAN_OPTIONS="detect_leaks=0:abort_on_error=1", UBSAN_OPTIONS="print_stacktrace=1")
        return env

    def as_user(self):
        if self.user == "root":
            return []
        return ["setpriv", f"--reuid={USER_ID}", f"--regid={USER_ID}", "--clear-groups", "--"]

    def on_host(self, *command):
        """The command line that runs `command` in the host namespace as this lab's user."""
        return ["ip", "netns", "exec", self.host, *self.as_user(), *map(str, command)]

    def host_sh(self, *command, check=True):
        return sh(*self.on_host(*command), check=check, env=self.environment(), cwd=self.home)

    def outside_sh(self, *command, check=True):
        return sh("ip", "netns", "exec", self.outside, *map(str, command), check=check)

    def pontoon(self, *arguments, check=True):
        return self.host_sh(self.binary, *arguments, check=check)

    def json(self, *arguments):
        return json.loads(self.pontoon(*arguments, "--json").stdout)

    def run(self, *arguments, check=True):
        """`pontoon run …` to its end."""
        return self.pontoon("run", *arguments, check=check)

    def start(self, argv, env=None):
        process = Process(argv, self.dir / f"log-{next(self._logs)}", env=env or self.environment(), cwd=self.home)
        self._stack.callback(process.end)
        return process

    def start_run(self, name, *arguments, up=True):
        """`pontoon run --name NAME …` in the background; returns once the endpoint is up."""
        process = self.start(self.on_host(self.binary, "run", "--name", name, *arguments))
        if up:
            wait_until(lambda: self.status(name) == "up" or process.popen.poll() is not None, f"{name} is up")
            assert process.popen.poll() is None, process.output()
        return process

    def start_daemon(self):
        process = self.start(self.on_host(self.binary, "daemon"))
        wait_until(lambda: self.pontoon("ps", check=False).returncode == 0 or process.popen.poll() is not None, "a daemon")
        assert process.popen.poll() is None, process.output()
        return process

    def start_on_host(self, *command):
        """A program of the user's own on the host; none of pontoon's processes, and it ends with the lab."""
        return self.start(self.on_host(*command), env=dict(os.environ))

    def start_outside(self, *command):
        """A server of the outside world. It is none of pontoon's processes, and ends with the lab."""
        return self.start(["ip", "netns", "exec", self.outside, *map(str, command)], env=dict(os.environ))

    # -- looking

    def endpoints(self):
        done = self.pontoon("ps", "--json", check=False)
        return {item["name"]: item for item in json.loads(done.stdout)} if done.returncode == 0 else {}

    def status(self, name):
        return self.endpoints().get(name, {}).get("status")

    def address(self, name):
        return self.endpoints()[name]["address"].split("/")[0]

    def leases(self):
        return {item["name"]: item for item in self.json("leases")}

    def processes(self):
        """Every process of this lab that is pontoon, or was started by it (the environment is inherited)."""
        mark = f"PONTOON_LAB={self.number}".encode()
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                    if command:
                        found[int(entry.name)] = command
        return found

    def daemon_pid(self):
        return json.loads(self.pontoon("version", "--json").stdout)["daemon"]["pid"]

    def wait_tcp(self, address, port, where="host"):
        """Until somebody accepts connections there."""
        runner = self.host_sh if where == "host" else self.outside_sh
        probe = f"import socket; socket.create_connection(({address!r}, {port}), 1).close()"
        wait_until(lambda: runner("python3", "-c", probe, check=False).returncode == 0, f"{address}:{port} answers")

    def wait_for_text(self, process, text):
        """Until the process has printed `text`."""
        wait_until(lambda: text in process.output() or process.popen.poll() is not None, f"{text!r} in the output")
        assert text in process.output(), process.output()

    def report(self):
        """What a failing test shows: the daemon's log and what ran."""
        lines = ["\nprocesses: " + json.dumps(self.processes(), indent=1)]
        for log in sorted(self.dir.glob("log-*")) + [self.home / "run" / "daemon.log"]:
            with contextlib.suppress(OSError):
                lines.append(f"--- {log.name}\n" + log.read_text(errors="replace")[-3000:])
        return "\n".join(lines)
