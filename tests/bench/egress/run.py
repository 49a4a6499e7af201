#!/usr/bin/env python3
"""From a container to a server outside: pontoon, pasta, slirp4netns and the kernel's forwarding, interleaved."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import OUTSIDE_IP, Row, in_named, main  # noqa: E402

KEYS = ["up1", "down1", "up8", "down8", "rr50", "rr99", "crr", "cpu_up", "cpu_down"]


def set_up(world, add):
    renew = {}

    def serve(lab):
        if lab.user not in renew:
            renew[lab.user] = world.serve(lab, in_named(lab.outside))
        return renew[lab.user]

    def pontoon(user, mtu):
        lab = world.lab(user)
        enter, pids = world.endpoint(lab, f"client{mtu}", mtu)
        return Row("", "", enter, OUTSIDE_IP, pids=pids, renew=serve(lab))

    def peer(make):
        lab = world.lab("root")
        name, pids = make(lab)
        return Row("", "", in_named(name), OUTSIDE_IP, pids=pids, renew=serve(lab))

    for mtu in (1500, 65520):
        add(f"pontoon, TAP, {mtu}", "pontoon", lambda mtu=mtu: pontoon("root", mtu))
        add(f"pontoon, packet link, {mtu}", "pontoon", lambda mtu=mtu: pontoon("ordinary", mtu))
        add(f"pasta, {mtu}", "peer", lambda mtu=mtu: peer(lambda lab: world.pasta(lab, mtu)))
        add(f"slirp4netns, {mtu}", "peer", lambda mtu=mtu: peer(lambda lab: world.slirp4netns(lab, mtu)))
    add("kernel, 1500", "limit", lambda: peer(lambda lab: (world.kernel(lab)[0], lambda: [])))


if __name__ == "__main__":
    main("egress: container -> server outside", set_up, ["up1", "down1", "up8", "down8", "rr", "crr"], KEYS)
