#!/usr/bin/env python3
"""From a client outside through a published port to a server in a container: pontoon, pasta, slirp4netns, docker-proxy and the
kernel's forwarding, interleaved."""

import json
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import (ECHO_PORT, HOST_IP, IPERF_PORT, Row, Unavailable, descendants, in_named, main, need,  # noqa: E402
                   wait_until)

KEYS = ["up1", "down1", "up8", "down8", "rr50", "rr99", "crr", "cpu_up", "cpu_down"]


def slirp_forward(path, port, to):
    """Asks slirp4netns over its API socket to publish a port."""
    request = {"execute": "add_hostfwd", "arguments": {"proto": "tcp", "host_addr": "0.0.0.0", "host_port": port,
                                                       "guest_addr": "10.0.2.100", "guest_port": to}}
    with socket.socket(socket.AF_UNIX) as api:
        api.settimeout(5)
        api.connect(str(path))
        api.sendall(json.dumps(request).encode())
        api.shutdown(socket.SHUT_WR)
        answer = json.loads(api.recv(4096))
    if "error" in answer:
        raise Unavailable(f"slirp4netns does not publish: {answer}")


def set_up(world, add):
    def row(lab, server, base, pids):
        """A row whose server is entered by `server` and published on the ports base and base + 1."""
        return Row("", "", in_named(lab.outside), HOST_IP, base, base + 1, pids=pids, renew=world.serve(lab, server))

    def pontoon(user, mtu, base):
        lab = world.lab(user)
        enter, pids = world.endpoint(lab, f"server{mtu}", mtu, [f"{base}:{IPERF_PORT}", f"{base + 1}:{ECHO_PORT}"])
        return row(lab, enter, base, pids)

    def pasta(base):
        lab = world.lab("root")
        name, pids = world.pasta(lab, 65520, "-t", f"{base}:{IPERF_PORT},{base + 1}:{ECHO_PORT}", "-u", "none")
        return row(lab, in_named(name), base, pids)

    def slirp4netns(base):
        lab = world.lab("root")
        api = lab.dir / "slirp.sock"
        name, pids = world.slirp4netns(lab, 65520, api)
        wait_until(api.exists, "slirp4netns listens on its API socket", 5)
        for port, to in ((base, IPERF_PORT), (base + 1, ECHO_PORT)):
            slirp_forward(api, port, to)
        return row(lab, in_named(name), base, pids)

    def docker_proxy(base):
        need("docker-proxy")
        lab = world.lab("root")
        name, address = world.kernel(lab, "10.96.0")
        proxies = []
        for port, to in ((base, IPERF_PORT), (base + 1, ECHO_PORT)):
            # It reports its start on descriptor 3.
            command = (f"exec docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port {port} -container-ip {address} "
                       f"-container-port {to} 3>/dev/null")
            proxies.append(world.start(lab, *in_named(lab.host), "sh", "-c", command))
        return row(lab, in_named(name), base, lambda: [pid for it in proxies for pid in descendants(it.pid)])

    def kernel():
        lab = world.lab("root")
        name, address = world.kernel(lab)
        return Row("", "", in_named(lab.outside), address, renew=world.serve(lab, in_named(name)))

    add("pontoon, TAP, 1500", "pontoon", lambda: pontoon("root", 1500, 20100))
    add("pontoon, packet link, 1500", "pontoon", lambda: pontoon("ordinary", 1500, 20100))
    add("pontoon, TAP, 65520", "pontoon", lambda: pontoon("root", 65520, 20110))
    add("pasta -t, 65520", "peer", lambda: pasta(20200))
    add("slirp4netns hostfwd, 65520", "peer", lambda: slirp4netns(20300))
    add("docker-proxy, 1500", "peer", lambda: docker_proxy(20400))
    add("kernel, no proxy, 1500", "limit", kernel)


if __name__ == "__main__":
    main("publish: client outside -> published port -> container", set_up, ["up1", "down1", "up8", "down8", "rr", "crr"], KEYS)
