#!/usr/bin/env python3
"""From a container to another one on the same network: pontoon's switch, vde_switch and the kernel's bridge, interleaved."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import Row, Unavailable, descendants, in_named, laboratory, main, need, wait_until  # noqa: E402

KEYS = ["up1", "up8", "rr50", "rr99", "crr", "cpu_up"]


def set_up(world, add):
    def pontoon(user, mtu):
        lab = world.lab(user)
        client, pids = world.endpoint(lab, f"client{mtu}", mtu)
        server, _ = world.endpoint(lab, f"server{mtu}", mtu)
        return Row("", "", client, lab.address(f"server{mtu}"), pids=pids, renew=world.serve(lab, server))

    def kernel():
        lab = world.lab("root")
        laboratory.sh("ip", "-n", lab.host, "link", "add", "br0", "up", "type", "bridge")
        names = [world.namespace(lab), world.namespace(lab)]
        for number, name in enumerate(names, 1):
            device = f"b{number}"
            laboratory.sh("ip", "-n", lab.host, "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", name)
            laboratory.sh("ip", "-n", lab.host, "link", "set", device, "master", "br0", "up")
            laboratory.sh(*in_named(name), "sh", "-c", f"ip addr add 10.99.0.{number}/24 dev eth0; ip link set eth0 up")
        return Row("", "", in_named(names[0]), "10.99.0.2", renew=world.serve(lab, in_named(names[1])))

    def vde():
        need("vde_switch")
        need("vde_plug2tap")
        lab = world.lab("root")
        place = lab.dir / "vde"
        # It ends with its standard input; a pipe that it holds open itself has no end.
        command = f"mkfifo {place}.stdin && exec vde_switch -s {place} <>{place}.stdin"
        switch = world.start(lab, *in_named(lab.host), "sh", "-c", command)
        wait_until(lambda: (place / "ctl").exists() or switch.popen.poll() is not None, "vde_switch listens", 5)
        if switch.popen.poll() is not None:
            raise Unavailable(f"vde_switch ended: {switch.output()[-300:]}")
        names, plugs = [world.namespace(lab), world.namespace(lab)], []
        for number, name in enumerate(names, 1):
            plugs.append(world.start(lab, *in_named(name), "vde_plug2tap", "-s", place, "tap0"))
            script = f"ip addr add 10.97.0.{number}/24 dev tap0 && ip link set tap0 up"
            wait_until(lambda name=name, script=script: laboratory.sh(*in_named(name), "sh", "-c", script, check=False).returncode == 0,
                       "vde_plug2tap makes tap0", 5)
        return Row("", "", in_named(names[0]), "10.97.0.2", renew=world.serve(lab, in_named(names[1])),
                   pids=lambda: [pid for process in [switch, *plugs] for pid in descendants(process.pid)])

    for mtu in (1500, 65520):
        add(f"pontoon, TAP, {mtu}", "pontoon", lambda mtu=mtu: pontoon("root", mtu))
        add(f"pontoon, packet link, {mtu}", "pontoon", lambda mtu=mtu: pontoon("ordinary", mtu))
    add("vde_switch, 1500", "peer", vde)
    add("kernel bridge, 1500", "limit", kernel)


if __name__ == "__main__":
    main("bridge: container -> container", set_up, ["up1", "up8", "rr", "crr"], KEYS)
