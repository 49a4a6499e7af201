"""Linux's TCP inside endpoints, over links that lose, double, reorder, corrupt and delay: what arrives is what was sent, both
ways at once, through egress, a published port and from endpoint to endpoint.

64 MiB each way where that takes seconds; less where Linux's own TCP would need minutes for it (losses at a long round trip), as
it does over tc-netem with the same numbers. The release build carries the volume: with sanitizers the test would measure those.
"""

import time

from impaired import Inside, impair, impairments
from lab import HOST_IP, OUTSIDE_IP, RELEASE_BINARY, Lab, each_user, need_tools

# Seconds, mostly; but Linux's own sender (Reno, CUBIC) takes up to forty for five per cent of loss, and either end may
# meet a burst that swallows a row of its timeouts.
DEADLINE_S = 180

# Sends SIZE MiB of a pattern and expects as many of the other end's, at once; says what came.
PEER = '''
import hashlib, socket, sys, threading
def blocks(who, size):
    block = hashlib.sha256(who).digest() * 2048
    for number in range((size << 20) // len(block)):
        yield number.to_bytes(8, "big") + block[8:]
def send(sock, who, size):
    for block in blocks(who, size):
        sock.sendall(block)
    sock.shutdown(socket.SHUT_WR)
def converse(sock, mine, theirs, size):
    talker = threading.Thread(target=send, args=(sock, mine, size), daemon=True)
    talker.start()
    digest, expected, count = hashlib.sha256(), hashlib.sha256(), 0
    while piece := sock.recv(1 << 18):
        digest.update(piece)
        count += len(piece)
    talker.join()
    for block in blocks(theirs, size):
        expected.update(block)
    return "equal" if digest.digest() == expected.digest() else f"other bytes, {count} of {size << 20}"
'''
SERVER = PEER + '''
listener = socket.create_server(("0.0.0.0", int(sys.argv[1])))
print("ready", flush=True)
while True:
    sock, _ = listener.accept()
    number, size = sock.recv(2, socket.MSG_WAITALL)
    try:
        print(f"server {number}:", converse(sock, b"server", b"client", size), flush=True)
    except OSError as error:
        print(f"server {number}:", error, flush=True)
    sock.close()
'''
CLIENT = PEER + '''
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)
sock.settimeout(None)
number, size = int(sys.argv[3]), int(sys.argv[4])
sock.sendall(bytes([number, size]))
try:
    print(f"client {number}:", converse(sock, b"client", b"server", size), flush=True)
except OSError as error:
    print(f"client {number}:", error, flush=True)
'''

# What the link of the endpoint does, and how many MiB go each way.
WEATHER = {
    "loss": (["loss=1%"], 64),
    "heavy loss": (["loss=5%"], 64),
    "bursts": (["loss=1%", "burst=3"], 16),
    "reordering": (["reorder=3%"], 64),
    "duplicates": (["duplicate=5%"], 64),
    "corruption": (["corrupt=0.5%"], 64),
    "long way": (["delay=10ms~5ms", "loss=0.1%"], 16),
    "long bursts": (["loss=2%", "burst=5"], 8),
    "everything": (["delay=2ms~1ms", "loss=1%", "reorder=1%", "duplicate=1%", "corrupt=0.2%"], 16),
}
SEED = 7


class World:
    """A server and a client of each path; the endpoint `a` has the bad link."""

    def __init__(self, lab):
        self.lab = lab
        self.outside = lab.start_outside("python3", "-c", SERVER, 9000)
        self.a = Inside(lab, "a", "-p", "18080:9000")
        self.b = Inside(lab, "b")
        self.published = self.a.start("python3", "-c", SERVER, 9000)
        self.inner = self.b.start("python3", "-c", SERVER, 9000)
        for server in (self.outside, self.published, self.inner):
            lab.wait_for_text(server, "ready")

    def client(self, path, number, size):
        """The running client and the server that it talks to."""
        if path == "egress":
            return self.a.start("python3", "-c", CLIENT, OUTSIDE_IP, 9000, number, size), self.outside
        if path == "published":
            return self.lab.start_outside("python3", "-c", CLIENT, HOST_IP, 18080, number, size), self.published
        return self.a.start("python3", "-c", CLIENT, self.b.address, 9000, number, size), self.inner


def transfer(world, path, number, size):
    """Empty when both ends got what was sent; else what went wrong."""
    client, server = world.client(path, number, size)
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        lines = client.output().splitlines() + server.output().splitlines()
        said = [line for line in lines if f" {number}: " in line]
        if len(said) == 2:
            return "" if all(line.endswith(": equal") for line in said) else str(said)
        if client.popen.poll() not in (None, 0):
            break
        time.sleep(0.05)
    client.end()
    return f"not done after {DEADLINE_S} s: {client.output()} {server.output()}"


def under_fire(user, path):
    need_tools("nsenter")
    with Lab(user, RELEASE_BINARY) as lab:
        world = World(lab)
        # With addresses resolved: a corrupted ARP reply has no checksum and would be believed.
        assert world.a.ping(world.b.address, 1)["received"] == 1
        for number, (weather, (words, size)) in enumerate(WEATHER.items()):
            impair(lab, "a", *words, "--seed", SEED)
            problem = transfer(world, path, number, size)
            assert not problem, f"{path}, {weather}, seed {SEED}: {problem}"
            counted = impairments(lab)["a"]
            lossy = any(word.startswith("loss") for word in words)
            assert (counted["lost"] > 0) == lossy, counted


@each_user
def test_through_egress(user):
    under_fire(user, "egress")


@each_user
def test_through_a_published_port(user):
    under_fire(user, "published")


@each_user
def test_from_endpoint_to_endpoint(user):
    under_fire(user, "endpoints")
