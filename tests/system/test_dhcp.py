"""Real DHCP clients inside endpoints that leave their addresses to them (--dhcp)."""

import os
from pathlib import Path

from lab import Lab, each_user, need_tools, wait_until

# What udhcpc calls when something happens.
UDHCPC_SCRIPT = '''#!/bin/sh
echo "$1 ip=$ip mask=$mask router=$router dns=$dns domain=$domain mtu=$mtu lease=$lease serverid=$serverid hostname=$hostname"
case $1 in
  deconfig) ip addr flush dev $interface ;;
  bound | renew)
    ip addr replace $ip/$mask dev $interface
    [ -z "$router" ] || ip route replace default via $router ;;
esac
'''

DHCLIENT_SCRIPT = '''#!/bin/sh
echo "$reason ip=$new_ip_address router=$new_routers dns=$new_domain_name_servers domain=$new_domain_name mtu=$new_interface_mtu"
case $reason in
  BOUND | RENEW | REBIND | REBOOT)
    ip addr replace $new_ip_address/16 dev $interface
    ip route replace default via $new_routers ;;
  EXPIRE | FAIL | RELEASE | STOP) ip addr flush dev $interface ;;
esac
exit 0
'''


def script(lab, text):
    path = lab.dir / "script"
    path.write_text(text)
    path.chmod(0o755)
    return path


@each_user
def test_without_a_client_there_is_no_address(user):
    with Lab(user) as lab:
        out = lab.run("--dhcp", "--", "ip", "-o", "-4", "addr", "show", "eth0").stdout
        assert out == "", out


@each_user
def test_udhcpc_takes_renews_and_releases(user):
    need_tools("udhcpc")
    with Lab(user) as lab:
        command = f"udhcpc -f -i eth0 -s {script(lab, UDHCPC_SCRIPT)} -R -t 5 -T 2 & client=$!; wait $client; wait $client; wait $client"
        process = lab.start_run("dyn", "--dhcp", "--", "sh", "-c", command)
        lab.wait_for_text(process, "bound ip=")
        bound = next(line for line in process.output().splitlines() if line.startswith("bound"))
        address = lab.address("dyn")
        assert f"ip={address} mask=16 router=172.17.0.1 dns=172.17.0.1" in bound, bound
        assert "domain=default.internal" in bound and "serverid=172.17.0.1" in bound, bound
        client = next(pid for pid, argv in lab.processes().items() if argv.startswith("udhcpc"))
        os.kill(client, 10)  # SIGUSR1: renew
        lab.wait_for_text(process, "renew ip=")
        lease = lab.leases()["dyn"]
        assert (lease["address"], lease["state"]) == (address, "bound"), lease
        os.kill(client, 12)  # SIGUSR2: release
        wait_until(lambda: process.output().count("deconfig") >= 2, "the release")
        os.kill(client, 10)  # and take it again
        wait_until(lambda: process.output().count("bound ip=" + address) >= 2, "the same address again")


@each_user
def test_dhclient_takes_renews_and_releases(user):
    need_tools("dhclient")
    with Lab(user) as lab:
        work = lab.home / "dhclient"
        work.mkdir()
        if user != "root":
            os.chown(work, 54321, 54321)
        options = f"-4 -sf {script(lab, DHCLIENT_SCRIPT)} -lf {work}/leases -pf {work}/pid -cf /dev/null"
        steps = f"dhclient -1 {options} eth0 && cat {work}/leases && dhclient -r {options} eth0 && echo RELEASED && dhclient -1 {options} eth0 && ip -o -4 addr show eth0 && ping -c1 -W5 172.17.0.1 && dhclient -x {options} eth0"
        done = lab.run("--name", "dyn", "--dhcp", "--", "sh", "-c", steps)
        assert "fixed-address 172.17.0.2" in done.stdout, done
        assert "option dhcp-server-identifier 172.17.0.1" in done.stdout, done
        assert 'option domain-name "default.internal"' in done.stdout, done
        assert "RELEASED" in done.stdout and done.stdout.count("172.17.0.2") >= 2, done
        assert "1 received" in done.stdout, done


@each_user
def test_an_address_from_dhcp_is_one_that_works(user):
    need_tools("udhcpc")
    with Lab(user) as lab:
        lab.start_run("web", "--", "sleep", "1000")
        done = lab.run("--dhcp", "--", "sh", "-c", f"udhcpc -n -q -i eth0 -s {script(lab, UDHCPC_SCRIPT)} && ping -c1 -W5 {lab.address('web')}")
        assert "1 packets received" in done.stdout or "1 received" in done.stdout, done


@each_user
def test_leases_are_on_disk_before_the_daemon_dies(user):
    with Lab(user) as lab:
        addresses = {}
        for name in ("one", "two", "three"):
            lab.run("--name", name, "--", "true")
            addresses[name] = lab.leases()[name]["address"]
        os.kill(lab.daemon_pid(), 9)
        lab.run("--", "true")
        after = {name: lease["address"] for name, lease in lab.leases().items() if name in addresses}
        assert after == addresses
        assert Path(lab.home / "state" / "leases.db").stat().st_mode & 0o777 == 0o600


DECLINER = '''
import fcntl, socket, struct, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
mac = fcntl.ioctl(sock, 0x8927, struct.pack("256s", b"eth0"))[18:24]
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
sock.bind(("0.0.0.0", 68))
sock.settimeout(10)
def say(kind, options=b""):
    head = struct.pack("!BBBBIHH", 1, 1, 6, 0, 7, 0, 0x8000) + bytes(16) + mac + bytes(10 + 192) + bytes.fromhex("63825363")
    sock.sendto((head + bytes((53, 1, kind)) + options + b"\\xff").ljust(300, b"\\0"), ("255.255.255.255", 67))
def offered():
    say(1)
    return sock.recv(1500)[16:20]
first = offered()
say(4, b"\\x36\\4\\xac\\x11\\0\\1" + b"\\x32\\4" + first)
second = offered()
print("offered", socket.inet_ntoa(first), socket.inet_ntoa(second), flush=True)
time.sleep(600)
'''


@each_user
def test_a_declined_address_is_replaced_and_the_new_one_outlives_the_daemon(user):
    with Lab(user) as lab:
        process = lab.start_run("dyn", "--dhcp", "--", "python3", str(script(lab, DECLINER)))
        lab.wait_for_text(process, "offered ")
        first, second = process.output().split("offered ")[1].split()[:2]
        assert first != second and lab.address("dyn") == second, (first, second, lab.address("dyn"))
        leases = {lease["address"]: lease["state"] for lease in lab.json("leases")}
        assert leases[first] == "declined" and leases[second] == "bound", leases
        os.kill(lab.daemon_pid(), 9)
        lab.start_daemon()
        wait_until(lambda: lab.status("dyn") == "up", "the endpoint is back")
        assert lab.address("dyn") == second, lab.address("dyn")
