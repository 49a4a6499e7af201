"""A lab with an attacker, an innocent endpoint and a neighbour on one network. What the innocent one notices while an attack
lasts, and what the attack leaves behind in the daemon, is judged here."""

import contextlib
import json
import os
import shutil
import time
from pathlib import Path

from lab import OUTSIDE_IP, Lab, wait_until

ATTACKS = Path(__file__).resolve().parent / "attacks.py"
ROUNDS = 2  # that the innocent one completes during each attack
WORST_MS = 4000
GROWTH_KIB = 400 * 1024  # of the daemon's memory: all pools and tables full, under the sanitizer
SPARE_DESCRIPTORS = 40

WEB = '''
import socket, threading
listener = socket.create_server(("0.0.0.0", 8000), backlog=1000)
print("ready", flush=True)
def serve(sock):
    try:
        if sock.recv(1000).startswith(b"GET"):
            sock.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\nfrom the outside world\\n")
            sock.close()
        else:
            sock.recv(1000)
    except OSError:
        pass
while True:
    sock, _ = listener.accept()
    threading.Thread(target=serve, args=(sock,), daemon=True).start()
'''
SILENT = '''
import socket, time
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
for s, port in zip(sockets, (53, 4000)):
    s.bind(("0.0.0.0", port))
print("ready", flush=True)
time.sleep(1000)
'''


class Siege(Lab):
    """`descriptors`: the daemon's limit of open files."""

    def __init__(self, user, descriptors=None, **options):
        super().__init__(user, **options)
        self.descriptors = descriptors

    def environment(self):
        env = super().environment()
        env["ASAN_OPTIONS"] += ":quarantine_size_mb=16"  # what was freed would look like what was leaked
        return env

    def on_host(self, *command):
        if self.descriptors is None:
            return super().on_host(*command)
        return super().on_host("prlimit", f"--nofile={self.descriptors}", "--", *command)

    def __enter__(self):
        super().__enter__()
        try:
            self._besiege()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def _besiege(self):
        self.attacks = self.dir / "attacks.py"
        shutil.copy(ATTACKS, self.attacks)
        for program in (WEB, SILENT):
            self.wait_for_text(self.start_outside("python3", "-c", program), "ready")
        self.innocent = self.start_run("innocent", "--", "python3", self.attacks, "innocent", "innocent")
        self.start_run("neighbour", "--", "sleep", "1000")
        self.neighbour = self.address("neighbour")
        wait_until(lambda: len(self.rounds()) >= 2, "the innocent one works")
        self.pid = self.daemon_pid()
        self.memory, self.files = self.rss(), self.open_files()
        self.counted = {}

    # -- looking at the daemon

    def rss(self):
        """KiB; 0 once it has died."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        return 0

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def drops(self):
        """{reason: frames}, summed over all places."""
        document = json.loads(self.pontoon("network", "inspect", "default").stdout)[0]
        out = {}
        for item in document["drops"]:
            out[item["reason"]] = out.get(item["reason"], 0) + item["count"]
        return out

    def rounds(self):
        return [json.loads(line) for line in self.innocent.output().splitlines() if line.startswith("{") and line.endswith("}")]

    # -- attacking

    def attack(self, *arguments, seconds=0.4, drops=(), except_for=()):
        """One attack from a container of its own. `drops`: reasons of which at least one must be counted more often;
        `except_for`: what the innocent one may miss meanwhile."""
        before, seen = self.counted, len(self.rounds())
        begin = time.monotonic()
        name, *rest = arguments
        done = self.run("--name", "attacker", "--", "python3", self.attacks, name, seconds, *rest, check=False)
        took = time.monotonic() - begin
        assert done.returncode == 0 and "sent" in done.stdout, (name, done)
        self.judge(name, seen, except_for)
        after = self.counted = self.drops()
        grown = {reason: count - before.get(reason, 0) for reason, count in after.items() if count > before.get(reason, 0)}
        if os.environ.get("SIEGE"):
            during = self.rounds()[seen:]
            worst = {kind: max((r[kind] or 9e9) for r in during) for kind in during[0]}
            print(f"      {name:16} {done.stdout.split()[-1]:>8} {took:5.1f} s  rounds {len(during)} worst {worst} "
                  f"rss +{(self.rss() - self.memory) // 1024} MiB fds +{self.open_files() - self.files}  {grown}", flush=True)
        if drops:
            assert any(grown.get(reason, 0) > 0 for reason in drops), (name, drops, grown)
        return grown

    def judge(self, name, seen=0, except_for=()):
        wait_until(lambda: len(self.rounds()) >= seen + ROUNDS or self.innocent.popen.poll() is not None, f"the innocent one goes on: {name}", 10)
        for item in self.rounds()[seen:]:
            for kind, took in item.items():
                assert kind in except_for or (took is not None and took < WORST_MS), (name, kind, item)
        assert self.rss() > 0, f"{name}: the daemon has died"
        assert self.rss() < self.memory + GROWTH_KIB, (name, self.memory, self.rss())

    def files_come_back(self):
        wait_until(lambda: self.open_files() <= self.files + SPARE_DESCRIPTORS, f"descriptors come back ({self.files} before)", 10)
