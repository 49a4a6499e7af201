"""What tests of impairments share: endpoints that stay, and programs run inside of them."""

import itertools
import json
import re

from lab import wait_until

_sleepers = itertools.count(100_000)


class Inside:
    """An endpoint that does nothing by itself; `sh` runs a program in its network namespace."""

    def __init__(self, lab, name, *options):
        self.lab = lab
        self.name = name
        self.mark = str(next(_sleepers))
        self.run = lab.start_run(name, *options, "--", "sleep", self.mark)
        self.pid = wait_until(self._find, f"the command of {name}")
        self.address = lab.address(name)

    def _find(self):
        found = [pid for pid, command in self.lab.processes().items() if command == f"sleep {self.mark}"]
        return found[0] if found else None

    def _entered(self, *command):
        # Root's endpoints have no user namespace of their own.
        user = [] if self.lab.user == "root" else ["-U", "--preserve-credentials"]
        return ["nsenter", "-t", self.pid, *user, "-n", *command]

    def sh(self, *command, check=True):
        return self.lab.host_sh(*self._entered(*command), check=check)

    def start(self, *command):
        """Runs until the lab ends; none of pontoon's processes."""
        return self.lab.start_on_host(*self._entered(*command))

    def ping(self, target, count=10, interval=0.05, wait=5):
        """What ping measured: `received`, `duplicates` and, when anything came, `min` in ms."""
        # Its own summary: -w would end it early, and lost ones must not hold it up.
        done = self.sh("ping", "-n", "-c", count, "-i", interval, "-W", wait, target, check=False)
        received = re.search(r"(\d+) received", done.stdout)
        assert received, done
        numbers = {"received": int(received[1]),
                   "duplicates": int((re.search(r"\+(\d+) duplicates", done.stdout) or [0, 0])[1])}
        times = re.search(r"= ([\d.]+)/", done.stdout)
        if times:
            numbers["min"] = float(times[1])
        return numbers

    def end(self):
        self.run.end()
        wait_until(lambda: self.name not in self.lab.endpoints(), f"{self.name} is gone")


def impair(lab, *words, check=True):
    return lab.pontoon("impair", *words, check=check)


def impairments(lab):
    return {item["target"]: item for item in json.loads(lab.pontoon("impair", "--json").stdout)}
